//! The webhooks of a scenario: a TLS server that answers as it was recorded and remembers what it was asked.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use karmada_apiserver::auth::Authority;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio_rustls::TlsAcceptor;
use tokio_util::task::AbortOnDropHandle;
use tower::ServiceExt as _;

use super::matching::differences;
use super::placeholder::Bindings;

const JSON: &str = "application/json";
/// What an answer is to say in the place of converted objects.
const CONVERTED: &str = "$CONVERTED";
const CONVERSION: &str = "ConversionReview";

/// A running server. It ends when it is dropped.
#[derive(Debug)]
pub struct Hooks {
    host: String,
    certificate: String,
    calls: Calls,
    _server: AbortOnDropHandle<()>,
}

type Calls = Arc<Mutex<Vec<Value>>>;

impl Hooks {
    /// Starts a server with the answers of a scenario, by path.
    pub async fn start(answers: &Value) -> Result<Self, String> {
        let problem = |error: &dyn std::fmt::Display| format!("the webhooks do not start: {error}");
        let authority = Authority::ephemeral("webhooks").map_err(|error| problem(&error))?;
        let address = Ipv4Addr::LOCALHOST;
        let tls = authority.tls(&[address.into()]).map_err(|error| problem(&error))?;
        let listener = TcpListener::bind((address, 0)).await.map_err(|error| problem(&error))?;
        let host = listener.local_addr().map_err(|error| problem(&error))?.to_string();
        let calls = Calls::default();
        let router = router(answers.clone(), calls.clone());
        let acceptor = TlsAcceptor::from(Arc::new(tls));
        let server = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, router) = (acceptor.clone(), router.clone());
                connections.spawn(async move {
                    // Clients that do not trust the certificate hang up: that is what some scenarios are about.
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let service =
                        hyper::service::service_fn(move |request: Request<hyper::body::Incoming>| {
                            router.clone().oneshot(request.map(Body::new))
                        });
                    let connection = auto::Builder::new(TokioExecutor::new());
                    drop(connection.serve_connection(TokioIo::new(stream), service).await);
                });
            }
        });
        let certificate = STANDARD.encode(authority.pem());
        Ok(Self { host, certificate, calls, _server: AbortOnDropHandle::new(server) })
    }

    /// Says where the server is.
    pub fn bind(&self, bindings: &mut Bindings) {
        bindings.bind("WEBHOOK_URL", "$WEBHOOK_URL", &format!("https://{}", self.host));
        bindings.bind("WEBHOOK_HOST", "$WEBHOOK_HOST", &self.host);
        bindings.bind("WEBHOOK_CA", "$WEBHOOK_CA", &self.certificate);
    }

    /// Returns the calls since the last time.
    pub async fn take(&self) -> Vec<Value> {
        std::mem::take(&mut *self.calls.lock().await)
    }
}

fn router(answers: Value, calls: Calls) -> Router {
    let answers = Arc::new(answers);
    Router::new().fallback(move |request: Request<Body>| {
        let (answers, calls) = (answers.clone(), calls.clone());
        async move { respond(&answers, &calls, request).await }
    })
}

async fn respond(answers: &Value, calls: &Calls, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let bytes = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let review: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let path = parts.uri.path().to_owned();
    calls.lock().await.push(json!({"path": path, "query": parts.uri.query().unwrap_or_default(),
        "headers": shown_headers(&parts.headers), "body": review}));
    let answer = &answers[&path];
    if let Some(delay) = answer["delay_ms"].as_u64() {
        tokio::time::sleep(Duration::from_millis(delay)).await;
    }
    let status = answer["status"].as_u64().and_then(|status| u16::try_from(status).ok()).unwrap_or(200);
    let body = match answer["raw"].as_str() {
        Some(raw) => raw.to_owned(),
        None => filled(&answer["response"], &review).to_string(),
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static(JSON));
    response
}

fn shown_headers(headers: &HeaderMap) -> Value {
    let mut shown = Map::new();
    for (name, key) in [("Content-Type", CONTENT_TYPE), ("Accept", ACCEPT)] {
        let value = headers.get(key).and_then(|value| value.to_str().ok());
        shown.insert(name.to_owned(), value.map_or(Value::Null, Value::from));
    }
    Value::Object(shown)
}

/// Returns a recorded answer with what it takes from the review.
fn filled(answer: &Value, review: &Value) -> Value {
    let mut answer = answer.clone();
    let Some(response) = answer.get_mut("response").and_then(Value::as_object_mut) else { return answer };
    if response.get("uid").is_some_and(|uid| uid == "$REQUEST_UID") {
        response.insert("uid".to_owned(), review["request"]["uid"].clone());
    }
    if let Some(patch) = response.get_mut("patch").filter(|patch| patch.is_array()) {
        *patch = STANDARD.encode(patch.to_string()).into();
    }
    if let Some(rule) = response.get("convertedObjects").and_then(Value::as_str).map(str::to_owned)
        && rule.starts_with(CONVERTED)
    {
        response.insert("convertedObjects".to_owned(), converted(&rule, &review["request"]));
    }
    answer
}

/// Renames a field of `spec` as a rule says: `spec.a (v1) and spec.b (v2) are renamed into each other`.
fn converted(rule: &str, request: &Value) -> Value {
    let wanted = request["desiredAPIVersion"].as_str().unwrap_or_default();
    let names: Vec<(&str, &str)> = rule
        .split("spec.")
        .skip(1)
        .filter_map(|part| {
            let (name, rest) = part.split_once(" (")?;
            Some((name, rest.split(')').next()?))
        })
        .collect();
    let target = names.iter().find(|(_, version)| wanted.ends_with(version)).map(|(name, _)| *name);
    let objects = request["objects"].as_array().into_iter().flatten();
    let convert = |object: &Value| {
        let mut object = object.clone();
        object["apiVersion"] = wanted.into();
        let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) else { return object };
        let Some(target) = target else { return object };
        for (name, _) in names.iter().filter(|(name, _)| *name != target) {
            if let Some(value) = spec.remove(*name) {
                spec.insert(target.to_owned(), value);
            }
        }
        object
    };
    objects.map(convert).collect()
}

/// Returns how the calls of a step differ from the recorded ones.
///
/// Reviews of conversions come any number of times: each has to be like one of `known`, those of the whole scenario.
pub fn call_differences(
    expected: &[Value],
    got: Vec<Value>,
    known: &[Value],
    bindings: &mut Bindings,
) -> Vec<String> {
    let is_conversion = |call: &Value| call["body"]["kind"] == CONVERSION;
    let (conversions, reviews): (Vec<Value>, Vec<Value>) = got.into_iter().partition(is_conversion);
    let expected: Vec<Value> = expected.iter().filter(|call| !is_conversion(call)).cloned().collect();
    let mut lines = differences(&Value::Array(expected), &Value::Array(reviews), bindings);
    for call in conversions {
        let call = without_objects(call);
        let is_known = known
            .iter()
            .cloned()
            .map(without_objects)
            .any(|known| differences(&known, &call, &mut bindings.clone()).is_empty());
        if !is_known {
            lines.push(format!("no recorded conversion is like {call}"));
        }
    }
    lines.into_iter().map(|line| format!("webhook call {line}")).collect()
}

/// Blanks what differs between two reviews of a conversion.
fn without_objects(mut call: Value) -> Value {
    call["body"]["request"]["objects"] = Value::Null;
    call["body"]["request"]["uid"] = Value::Null;
    call
}

/// Returns the recorded reviews of conversions of a scenario.
pub fn known_conversions(case: &Value) -> Vec<Value> {
    let steps = case["steps"].as_array().into_iter().flatten();
    let calls = steps.flat_map(|step| step["expect"]["webhook_calls"].as_array().into_iter().flatten());
    calls.filter(|call| call["body"]["kind"] == CONVERSION).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_take_what_they_need_from_the_review() {
        let review = json!({"request": {"uid": "u", "desiredAPIVersion": "g/v2",
            "objects": [{"apiVersion": "g/v1", "spec": {"a": 1}}]}});
        let rule =
            "$CONVERTED: apiVersion becomes desiredAPIVersion; spec.a (v1) and spec.b (v2) are renamed";
        let answer = json!({"response": {"uid": "$REQUEST_UID", "convertedObjects": rule, "patch": []}});
        let filled = filled(&answer, &review);
        assert_eq!(
            filled["response"],
            json!({"uid": "u", "convertedObjects": [{"apiVersion": "g/v2", "spec": {"b": 1}}], "patch": "W10="})
        );
    }
}
