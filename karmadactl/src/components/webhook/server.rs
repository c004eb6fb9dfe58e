//! The way in: paths, sizes and deadlines.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Incoming;
use serde_json::Value;

use super::conversion;
use super::review::{self, Reviewer};
use super::rules::{CONVERSION_PATH, READINESS_PATH, Rule};
use crate::components::https::{Answer, PeerChain};
use crate::duration::parse_duration;
use crate::error::chain_line;

/// Largest body. API servers send an object twice, each of 3 MiB at most, and lists of them to be converted.
const LARGEST_BODY: usize = 64 << 20;
/// Longest time for an answer, where the API server does not say how long it waits.
const DEADLINE: Duration = Duration::from_secs(10);
/// API servers wait no longer.
const LONGEST_DEADLINE: Duration = Duration::from_secs(30);

/// Answers the API server's questions.
pub struct WebhookServer {
    reviewer: Reviewer,
}

impl std::fmt::Debug for WebhookServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebhookServer").finish_non_exhaustive()
    }
}

impl WebhookServer {
    /// Answers with these decisions.
    pub fn new(reviewer: Reviewer) -> Self {
        Self { reviewer }
    }

    async fn respond(&self, request: Request<Incoming>) -> Response<Body> {
        let path = request.uri().path().trim_end_matches('/').to_owned();
        if path == READINESS_PATH {
            return "ok".into_response();
        }
        let rule = Rule::at(&path);
        if rule.is_none() && path != CONVERSION_PATH {
            return text(StatusCode::NOT_FOUND, "404 page not found");
        }
        if request.method() != Method::POST {
            return text(StatusCode::METHOD_NOT_ALLOWED, "reviews are posted");
        }
        let deadline = deadline(request.uri().query());
        match tokio::time::timeout(deadline, self.review(rule, request)).await {
            Ok(response) => response,
            Err(_) => text(StatusCode::GATEWAY_TIMEOUT, "no decision in time"),
        }
    }

    async fn review(&self, rule: Option<&'static Rule>, request: Request<Incoming>) -> Response<Body> {
        let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let is_json = content_type
            .and_then(|value| value.split(';').next())
            .is_some_and(|value| value.trim().eq_ignore_ascii_case("application/json"));
        if !is_json {
            return text(StatusCode::BAD_REQUEST, "the body of a review is application/json");
        }
        let body = match Limited::new(request.into_body(), LARGEST_BODY).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => {
                return text(StatusCode::PAYLOAD_TOO_LARGE, "the review is too large");
            }
            Err(error) => return text(StatusCode::BAD_REQUEST, &chain_line(&*error)),
        };
        let Some(rule) = rule else {
            let converted = tokio::task::spawn_blocking(move || conversion::answer(&body)).await;
            return match converted {
                Ok(Ok(review)) => json(&review),
                Ok(Err(error)) => text(StatusCode::BAD_REQUEST, &chain_line(&error)),
                Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, &chain_line(&error)),
            };
        };
        match review::Request::read(&body) {
            Ok(request) => json(&self.reviewer.answer(rule, request).await),
            Err(error) => text(StatusCode::BAD_REQUEST, &chain_line(&error)),
        }
    }
}

impl Answer for WebhookServer {
    fn answer(
        self: Arc<Self>,
        _: PeerChain,
        request: Request<Incoming>,
    ) -> BoxFuture<'static, Response<Body>> {
        async move { self.respond(request).await }.boxed()
    }
}

/// Returns how long the API server waits, which it says in the query.
fn deadline(query: Option<&str>) -> Duration {
    let said = query.unwrap_or_default().split('&').find_map(|pair| pair.strip_prefix("timeout="));
    let said = said.and_then(|text| parse_duration(text).ok()).filter(|time| !time.is_zero());
    said.unwrap_or(DEADLINE).min(LONGEST_DEADLINE)
}

fn text(code: StatusCode, message: &str) -> Response<Body> {
    (code, format!("{message}\n")).into_response()
}

fn json(review: &Value) -> Response<Body> {
    ([(header::CONTENT_TYPE, "application/json")], review.to_string()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_server_says_how_long_it_waits() {
        assert_eq!(deadline(Some("a=b&timeout=3s")), Duration::from_secs(3));
        assert_eq!(deadline(Some("timeout=1h")), LONGEST_DEADLINE);
        assert_eq!(deadline(Some("timeout=x")), DEADLINE);
        assert_eq!(deadline(None), DEADLINE);
    }
}
