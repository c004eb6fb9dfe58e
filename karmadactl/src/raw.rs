//! Reading and writing unstructured objects by path.

use http::Request;
use serde_json::Value;

use crate::api_error::ApiError;

/// Reads an object; nothing when it does not exist.
pub async fn read(client: &kube::Client, path: &str) -> Result<Option<Value>, ApiError> {
    let request = Request::get(path).body(Vec::new()).map_err(kube::Error::HttpError)?;
    match client.request::<Value>(request).await.map_err(ApiError) {
        Ok(object) => Ok(Some(object)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Changes an object by a JSON merge patch.
pub async fn merge_patch(client: &kube::Client, path: &str, patch: &Value) -> Result<Value, ApiError> {
    let body = serde_json::to_vec(patch).map_err(kube::Error::SerdeError)?;
    let request = Request::patch(path)
        .header("Content-Type", "application/merge-patch+json")
        .body(body)
        .map_err(kube::Error::HttpError)?;
    Ok(client.request(request).await?)
}
