//! What is no resource: discovery, OpenAPI, version and health.

use axum::body::Body;
use axum::response::Response;
use http::header::{ACCEPT, CONTENT_TYPE, ETAG, HOST, HeaderValue, IF_NONE_MATCH};
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};

use super::failure::Failure;
use super::negotiate::{self, Encoding, Offer};
use super::query::Query;
use super::respond::{value_response, with_type};
use super::{body, health};
use crate::server::Inner;

/// Answers a path that is about no resource.
pub(super) fn answer(
    server: &Inner,
    method: &Method,
    path: &str,
    query: &Query,
    headers: &HeaderMap,
) -> Result<Response, Failure> {
    if let Some(response) = health::answer(server, path, query) {
        return Ok(response);
    }
    let trimmed = if path.len() > 1 { path.trim_end_matches('/') } else { path };
    let reading = method == Method::GET;
    if trimmed == "/version" {
        if !reading {
            return Err(Failure::method_not_allowed());
        }
        let negotiated = negotiate::negotiate(headers, query, Offer::JsonOnly)?;
        return Ok(value_response(StatusCode::OK, negotiated.encoding, &version()));
    }
    if trimmed == "/metrics" {
        if !reading {
            return Err(Failure::method_not_allowed());
        }
        let mut response = Response::new(Body::from(server.print_metrics()));
        let content_type = http::HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
        response.headers_mut().insert(CONTENT_TYPE, content_type);
        return Ok(response);
    }
    if trimmed == "/" || trimmed.is_empty() {
        let paths = server.registry().discovery_paths();
        return Ok(value_response(StatusCode::OK, Encoding::Json, &json!({"paths": paths})));
    }
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if trimmed.starts_with("/openapi") && !takes_openapi(trimmed, accept) {
        let mut response = with_type(StatusCode::NOT_ACCEPTABLE, "", Body::empty());
        response.headers_mut().remove(CONTENT_TYPE);
        return Ok(response);
    }
    let Some(document) = server.registry().discovery(trimmed, accept) else {
        let unknown_version = trimmed.starts_with("/api/")
            || trimmed.strip_prefix("/apis/").and_then(|rest| rest.split_once('/')).is_some_and(
                |(group, _)| {
                    let registry = server.registry();
                    registry.resources().any(|resource| resource.group == group && !resource.is_custom())
                },
            );
        return Err(if unknown_version { Failure::no_such_resource() } else { Failure::no_such_path() });
    };
    // `/apis` does not look at the method, in the real server neither.
    if !reading && trimmed != "/apis" {
        return Err(Failure::method_not_allowed());
    }
    // Aggregated documents and those of OpenAPI have negotiated already.
    let encoding = if document.content_type == "application/json" && !trimmed.starts_with("/openapi") {
        negotiate::negotiate(headers, query, Offer::Plain)?.encoding
    } else if document.content_type.starts_with(body::PROTOBUF) {
        Encoding::Protobuf
    } else {
        Encoding::Json
    };
    if let Some(etag) = &document.etag
        && headers.get(IF_NONE_MATCH).is_some_and(|value| value.as_bytes() == etag.as_bytes())
    {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        insert_etag(&mut response, etag);
        return Ok(response);
    }
    let mut response = if trimmed == "/api" || matches!(encoding, Encoding::Yaml | Encoding::Protobuf) {
        let mut value: Value = serde_json::from_slice(&document.body).expect("discovery documents are JSON");
        if trimmed == "/api" && value.get("serverAddressByClientCIDRs").is_some() {
            let host = headers.get(HOST).and_then(|value| value.to_str().ok()).unwrap_or("localhost");
            value["serverAddressByClientCIDRs"] = json!([{"clientCIDR": "0.0.0.0/0", "serverAddress": host}]);
        }
        let encoding = if encoding == Encoding::PrettyJson { Encoding::Json } else { encoding };
        let mut response = value_response(StatusCode::OK, encoding, &value);
        if document.content_type != "application/json"
            && let Ok(value) = HeaderValue::from_str(&document.content_type)
        {
            response.headers_mut().insert(CONTENT_TYPE, value);
        }
        response
    } else {
        with_type(StatusCode::OK, &document.content_type, Body::from(document.body))
    };
    if let Some(etag) = &document.etag {
        insert_etag(&mut response, etag);
    }
    response.headers_mut().insert(http::header::VARY, HeaderValue::from_static("Accept"));
    Ok(response)
}

/// Whether a client takes an OpenAPI document; the index of version 3 has one form for all.
fn takes_openapi(path: &str, accept: &str) -> bool {
    let form = match path {
        "/openapi/v2" => "application/com.github.proto-openapi.spec.v2@v1.0+protobuf",
        _ => "application/json",
    };
    path == "/openapi/v3"
        || accept.is_empty()
        || accept.split(',').any(|range| {
            let media = range.split(';').next().unwrap_or_default().trim();
            matches!(media, "*/*" | "application/*" | "application/json") || media == form
        })
}

fn insert_etag(response: &mut Response, etag: &str) {
    if let Ok(value) = HeaderValue::from_str(etag) {
        response.headers_mut().insert(ETAG, value);
    }
}

/// What `/version` says: the API is that of Kubernetes 1.36.
pub fn version() -> Value {
    json!({"major": "1", "minor": "36", "emulationMajor": "1", "emulationMinor": "36",
        "minCompatibilityMajor": "1", "minCompatibilityMinor": "35", "gitVersion": "v1.36.2", "gitCommit": "",
        "gitTreeState": "", "buildDate": "1970-01-01T00:00:00Z", "goVersion": "", "compiler": "rustc",
        "platform": format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH)})
}
