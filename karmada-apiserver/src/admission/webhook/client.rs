//! Calls of webhooks: JSON over HTTPS, with bounded time and bounded answers.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HOST, USER_AGENT};
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use serde_json::Value;

use super::endpoint::{Endpoint, Host, Url};
use super::pool::{Connection, Pool};
use crate::go_json;
use crate::store::Store;

const JSON: &str = "application/json";
const AGENT: &str = concat!("kube-apiserver-admission/", env!("CARGO_PKG_VERSION"));
/// Bytes of an error's text that are shown.
const MAX_TEXT: usize = 2048;

/// Calls webhooks over connections that are kept.
#[derive(Debug, Default)]
pub(crate) struct Client {
    pool: Pool,
}

/// What bounds a call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) timeout: Duration,
    /// Bytes of an answer.
    pub(crate) answer: usize,
}

/// What came back: a JSON body and its media type.
#[derive(Debug)]
struct Answer {
    status: StatusCode,
    content_type: String,
    body: Bytes,
}

/// Why a call failed before or while it was answered.
enum Broken {
    /// The server had closed a connection that was kept: the request may be sent again.
    Stale,
    Failed(String),
}

impl Client {
    /// Posts a review and returns the body of the answer.
    ///
    /// # Errors
    /// With the words of the real server.
    pub(crate) async fn post(
        &self,
        endpoint: &Endpoint,
        store: &Store,
        review: &Value,
        limits: Limits,
    ) -> Result<Value, String> {
        let text = endpoint.url();
        let shown = format!("{text}?timeout={}s", limits.timeout.as_secs());
        let failed = |why: &str| format!("Post \"{shown}\": {why}");
        let url = Url::parse(&text).ok_or_else(|| failed("invalid URL"))?;
        let host = endpoint.host(&url, store).map_err(|why| failed(&why))?;
        let body = Bytes::from(serde_json::to_vec(review).expect("a value is always JSON"));
        let exchange = self.exchange(endpoint, &host, &url, body, limits);
        let answer = match tokio::time::timeout(limits.timeout, exchange).await {
            Ok(answer) => answer.map_err(|why| failed(&why))?,
            Err(_) => return Err(failed("context deadline exceeded")),
        };
        answer.json()
    }

    /// Sends the request, over a kept connection when there is one.
    async fn exchange(
        &self,
        endpoint: &Endpoint,
        host: &Host,
        url: &Url,
        body: Bytes,
        limits: Limits,
    ) -> Result<Answer, String> {
        let bundle = endpoint.bundle.as_ref();
        while let Some(connection) = self.pool.take(host, bundle) {
            match self.send(connection, endpoint, host, url, body.clone(), limits).await {
                Err(Broken::Stale) => {}
                Err(Broken::Failed(why)) => return Err(why),
                Ok(answer) => return Ok(answer),
            }
        }
        let connection = self.pool.open(host, bundle).await?;
        match self.send(connection, endpoint, host, url, body, limits).await {
            Ok(answer) => Ok(answer),
            Err(Broken::Failed(why)) => Err(why),
            Err(Broken::Stale) => Err("EOF".to_owned()),
        }
    }

    async fn send(
        &self,
        mut connection: Connection,
        endpoint: &Endpoint,
        host: &Host,
        url: &Url,
        body: Bytes,
        limits: Limits,
    ) -> Result<Answer, Broken> {
        let request = request(url, body, limits).map_err(Broken::Failed)?;
        let response = match connection.sender.send_request(request).await {
            Ok(response) => response,
            Err(error) if connection.reused && (error.is_canceled() || error.is_incomplete_message()) => {
                return Err(Broken::Stale);
            }
            Err(error) => return Err(Broken::Failed(transport_problem(&error))),
        };
        let answer = Answer::read(response, limits.answer).await.map_err(Broken::Failed)?;
        self.pool.keep(host.clone(), endpoint.bundle.clone(), connection);
        Ok(answer)
    }
}

fn request(url: &Url, body: Bytes, limits: Limits) -> Result<Request<Full<Bytes>>, String> {
    let separator = if url.path.contains('?') { '&' } else { '?' };
    Request::post(format!("{}{separator}timeout={}s", url.path, limits.timeout.as_secs()))
        .header(HOST, &url.authority)
        .header(ACCEPT, "application/json, */*")
        .header(CONTENT_TYPE, JSON)
        .header(CONTENT_LENGTH, body.len())
        .header(USER_AGENT, AGENT)
        .body(Full::new(body))
        .map_err(|error| error.to_string())
}

fn transport_problem(error: &hyper::Error) -> String {
    if error.is_incomplete_message() || error.is_canceled() {
        return "EOF".to_owned();
    }
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if let Some(io) = cause.downcast_ref::<std::io::Error>() {
            return match io.kind() {
                std::io::ErrorKind::UnexpectedEof => "EOF".to_owned(),
                std::io::ErrorKind::ConnectionReset => "read: connection reset by peer".to_owned(),
                _ => io.to_string(),
            };
        }
        source = cause.source();
    }
    if error.is_parse() {
        "net/http: HTTP/1.x transport connection broken: malformed HTTP response".to_owned()
    } else {
        error.to_string()
    }
}

impl Answer {
    async fn read(response: http::Response<Incoming>, limit: usize) -> Result<Self, String> {
        let (parts, body) = response.into_parts();
        let content_type = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let content_type = content_type.unwrap_or_default().to_owned();
        let body = Limited::new(body, limit).collect().await.map_err(|error| {
            if error.is::<http_body_util::LengthLimitError>() {
                format!("the answer has more than {limit} bytes")
            } else {
                "unexpected EOF".to_owned()
            }
        })?;
        Ok(Self { status: parts.status, content_type, body: body.to_bytes() })
    }

    /// Returns the body of a success; the error of anything else, in the words of the real server's client.
    fn json(self) -> Result<Value, String> {
        let code = self.status.as_u16();
        if !(200..=206).contains(&code) {
            return Err(self.refusal());
        }
        if self.body.is_empty() {
            return Err(format!(
                "0-length response with status code: {code} and content type: {}",
                self.content_type
            ));
        }
        let value = serde_json::from_slice::<Value>(&self.body).or_else(|_| self.yaml())?;
        let found = match &value {
            Value::Object(_) | Value::Null => return Ok(value),
            Value::Array(_) => "array",
            Value::String(_) => "string",
            Value::Bool(_) => "bool",
            Value::Number(_) => "number",
        };
        Err(format!(
            "couldn't get version/kind; json parse error: json: cannot unmarshal {found} into Go value of type struct \
             {{ APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }}"
        ))
    }

    /// Reads what is no JSON as the YAML that it may be.
    fn yaml(&self) -> Result<Value, String> {
        let looks_like_json = self.body.trim_ascii_start().first() == Some(&b'{');
        let why = || {
            let why = go_json::syntax_error(&self.body);
            format!(
                "couldn't get version/kind; json parse error: {}",
                why.unwrap_or_else(|| "invalid JSON".to_owned())
            )
        };
        if looks_like_json {
            return Err(why());
        }
        crate::http::parse_yaml(&self.body).map_err(|_| why())
    }

    /// Says what an answer that is no success means.
    fn refusal(&self) -> String {
        let status: Option<Value> = serde_json::from_slice(&self.body).ok();
        if let Some(status) = status.filter(|status| status["kind"] == "Status") {
            return status["message"].as_str().unwrap_or_default().to_owned();
        }
        let code = self.status.as_u16();
        let is_text = self.content_type.is_empty() || self.content_type.starts_with("text/");
        let text = if is_text { self.text() } else { "unknown".to_owned() };
        match code {
            400 => "the server rejected our request for an unknown reason".to_owned(),
            401 => "the server has asked for the client to provide credentials".to_owned(),
            403 | 415 => text,
            404 => "the server could not find the requested resource".to_owned(),
            405 => "the server does not allow this method on the requested resource".to_owned(),
            406 => "the server was unable to respond with a content type that the client supports".to_owned(),
            409 => "the server reported a conflict".to_owned(),
            422 => "the server rejected our request due to an error in our request".to_owned(),
            429 => "the server has received too many requests and has asked us to try again later".to_owned(),
            503 => "the server is currently unable to handle the request".to_owned(),
            504 => "the server was unable to return a response in the time allotted, but may still be processing the \
                    request"
                .to_owned(),
            500.. => format!("an error on the server ({text:?}) has prevented the request from succeeding"),
            _ => format!("the server responded with the status code {code} but did not return more information"),
        }
    }

    fn text(&self) -> String {
        let end = self.body.len().min(MAX_TEXT);
        let text = String::from_utf8_lossy(&self.body[..end]);
        let text = text.trim();
        if text.is_empty() { "unknown".to_owned() } else { text.to_owned() }
    }
}
