//! A real API server behind the same interface as ours: a router for every identity.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http_body_util::BodyExt as _;
use kube::Client;

use super::cluster::forward;

/// Returns a router that passes every request on with a client's identity.
pub fn router_as(client: Client) -> Router {
    Router::new().fallback(move |request: Request| pass_on(client.clone(), request))
}

async fn pass_on(client: Client, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let bytes = match body.collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => return (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    };
    let request = Request::from_parts(parts, kube::client::Body::from(bytes.to_vec()));
    match forward(&client, request).await {
        Ok(response) => response.map(Body::new),
        Err(error) => (StatusCode::BAD_GATEWAY, format!("{error:?}")).into_response(),
    }
}
