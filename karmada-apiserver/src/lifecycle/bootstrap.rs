//! What is there before the first request: kinds of CRDs, namespaces, default roles.

use std::sync::Arc;

use http::StatusCode;
use serde_json::{Value, json};

use crate::auth::bootstrap_objects;
use crate::http::call::{Call, object_name};
use crate::server::{Inner, StartError};

const MANAGER: &str = "kube-apiserver";
const NAMESPACES: [&str; 4] = ["default", "kube-system", "kube-public", "kube-node-lease"];

/// Brings a server's objects and kinds up, then its controllers.
pub(crate) async fn start(server: &Arc<Inner>) -> Result<(), StartError> {
    for name in NAMESPACES {
        ensure(server, json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})).await?;
    }
    for object in bootstrap_objects() {
        ensure(server, object).await?;
    }
    Ok(())
}

/// Creates an object that is not there.
async fn ensure(server: &Arc<Inner>, object: Value) -> Result<(), StartError> {
    let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (api_version, kind, name) = (text("apiVersion"), text("kind"), object_name(&object));
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version.as_str()));
    let failed = |message: String| StartError::Bootstrap { kind: kind.clone(), name: name.clone(), message };
    let resource = server
        .registry()
        .resource_for_kind(group, version, &kind)
        .ok_or_else(|| failed("the kind is not served".to_owned()))?;
    let mut call = Call::internal(server, resource, "", &name, MANAGER);
    if call.stored().is_some() {
        return Ok(());
    }
    match call.create(object).await {
        Ok(_) => Ok(()),
        Err(failure) if failure.code == StatusCode::CONFLICT => Ok(()),
        Err(failure) => Err(failed(failure.message)),
    }
}
