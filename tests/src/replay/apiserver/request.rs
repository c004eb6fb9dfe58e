//! Sending one request of a transcript.

use std::io;

use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, Method, Request};
use http_body_util::BodyExt as _;
use serde::Serialize as _;
use serde_json::Value;
use serde_json::ser::Formatter;
use tower::ServiceExt as _;

use super::placeholder::Bindings;
use super::target::Target;

/// The user agent of requests that do not name one.
const USER_AGENT: &str = "apirec/1.0";
const JSON: &str = "application/json";

/// Who sends a request.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Identity {
    /// The client certificate of this user.
    User { name: String, groups: Vec<String> },
    /// The certificate of the front proxy.
    Proxy,
    /// No certificate; there may be an `Authorization` header.
    None,
}

/// An answer with its whole body.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    /// The body: a value when it is JSON or YAML, else text.
    pub body: Value,
}

/// Sends the request of a step and returns the answer with its body unread.
pub async fn send(target: &Target, step: &Value, bindings: &Bindings) -> Result<Response, String> {
    let (identity, authorization) = authentication(&step["auth"], bindings)?;
    let body = body(step, bindings);
    let method = step["method"].as_str().unwrap_or_default();
    let mut request = Request::builder()
        .method(Method::from_bytes(method.as_bytes()).map_err(|error| format!("method {method}: {error}"))?)
        .uri(uri(step, bindings));
    let mut headers = vec![("Accept", Some(JSON.to_owned())), ("User-Agent", Some(USER_AGENT.to_owned()))];
    if !body.is_empty() {
        headers.push(("Content-Type", Some(JSON.to_owned())));
    }
    for (name, value) in step["headers"].as_object().into_iter().flatten() {
        headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        match value {
            Value::Array(values) => {
                let texts = values.iter().filter_map(Value::as_str);
                headers.extend(texts.map(|value| (name.as_str(), Some(bindings.fill_text(value)))));
            }
            value => headers.push((name, value.as_str().map(|value| bindings.fill_text(value)))),
        }
    }
    headers.push(("Authorization", authorization));
    for (name, value) in headers {
        if let Some(value) = value {
            request = request.header(name, value);
        }
    }
    if !body.is_empty() {
        request = request.header("Content-Length", body.len());
    }
    let request =
        request.body(Body::from(body)).map_err(|error| format!("cannot build the request: {error}"))?;
    let Ok(response) = target.router(&identity).await?.oneshot(request).await;
    Ok(response)
}

/// Reads the rest of an answer.
pub async fn read(response: Response) -> Result<Answer, String> {
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.map_err(|error| format!("the body broke off: {error}"))?.to_bytes();
    let text = || Value::String(String::from_utf8_lossy(&bytes).into_owned());
    let content_type = parts.headers.get(http::header::CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let body = if bytes.is_empty() {
        Value::Null
    } else if content_type.contains("json") {
        serde_json::from_slice(&bytes).unwrap_or_else(|_| text())
    } else if content_type.contains("yaml") {
        let options = serde_saphyr::options! { legacy_octal_numbers: true };
        serde_saphyr::from_slice_with_options(&bytes, options).unwrap_or_else(|_| text())
    } else {
        text()
    };
    Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body })
}

fn authentication(auth: &Value, bindings: &Bindings) -> Result<(Identity, Option<String>), String> {
    let text = |name: &str| auth[name].as_str().unwrap_or_default();
    match auth["method"].as_str() {
        None => {
            let groups = vec!["system:masters".to_owned()];
            Ok((Identity::User { name: "admin".to_owned(), groups }, None))
        }
        Some("x509") => {
            let groups = auth["groups"].as_array().into_iter().flatten();
            let groups = groups.filter_map(Value::as_str).map(str::to_owned).collect();
            Ok((Identity::User { name: text("user").to_owned(), groups }, None))
        }
        Some("requestheader-proxy-cert") => Ok((Identity::Proxy, None)),
        Some("anonymous") => Ok((Identity::None, None)),
        Some("bearer") => Ok((Identity::None, Some(format!("Bearer {}", bindings.fill_text(text("token")))))),
        Some("header") => Ok((Identity::None, Some(bindings.fill_text(text("authorization"))))),
        Some(other) => Err(format!("unknown authentication method {other}")),
    }
}

fn body(step: &Value, bindings: &Bindings) -> Vec<u8> {
    if let Some(parts) = step.get("body_gen") {
        let text = |name: &str| parts[name].as_str().unwrap_or_default();
        let count = parts["count"].as_u64().and_then(|count| usize::try_from(count).ok()).unwrap_or_default();
        return format!("{}{}{}", text("prefix"), text("repeat").repeat(count), text("suffix")).into_bytes();
    }
    match step.get("body") {
        None => Vec::new(),
        Some(Value::String(text)) => bindings.fill_text(text).into_bytes(),
        Some(value) => spaced(&bindings.fill(value)),
    }
}

/// Writes JSON as the recorder did, with blanks after `,` and `:`: some errors quote the body.
fn spaced(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, Spaced);
    value.serialize(&mut serializer).expect("a value of JSON is written to memory");
    bytes
}

struct Spaced;

impl Formatter for Spaced {
    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }
}

fn uri(step: &Value, bindings: &Bindings) -> String {
    let path = bindings.fill_text(step["path"].as_str().unwrap_or_default());
    let mut pairs = Vec::new();
    for (name, value) in step["query"].as_object().into_iter().flatten() {
        let values = value.as_array().map_or_else(|| std::slice::from_ref(value), Vec::as_slice);
        for value in values {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            pairs.push(format!("{}={}", encode(name), encode(&bindings.fill_text(&value))));
        }
    }
    if pairs.is_empty() { path } else { format!("{path}?{}", pairs.join("&")) }
}

fn encode(text: &str) -> String {
    let encoded = text.bytes().map(|byte| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    });
    encoded.collect()
}
