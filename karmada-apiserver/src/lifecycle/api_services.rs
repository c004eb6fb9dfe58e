//! Says of APIServices that others should serve whether they can be reached.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::controller::Controller;
use crate::http::Failure;
use crate::http::call::Call;
use crate::registry::UpdateTarget;
use crate::server::Inner;
use crate::store::{Event, EventKind, object_key};

const STORAGE: &str = "apiregistration.k8s.io/apiservices";
const SERVICES: &str = "/services";
const MANAGER: &str = "kube-apiserver";

/// Writes the `Available` condition.
pub(super) struct ApiServices;

impl Controller for ApiServices {
    /// Name of an APIService.
    type Key = String;
    const NAME: &'static str = "api-services";

    fn all(&mut self, server: &Inner) -> Vec<Self::Key> {
        server.store.list(STORAGE, "").objects.iter().map(|stored| stored.name().to_owned()).collect()
    }

    fn keys(&mut self, server: &Inner, resource: &str, event: &Event) -> Vec<Self::Key> {
        match resource {
            STORAGE if event.kind != EventKind::Deleted => vec![event.object.name().to_owned()],
            SERVICES if event.kind != EventKind::Modified => self.all(server),
            _ => Vec::new(),
        }
    }

    async fn reconcile(
        &mut self,
        server: &Arc<Inner>,
        name: &Self::Key,
    ) -> Result<Option<Duration>, Failure> {
        let registry = server.registry();
        let resource = registry
            .resource("apiregistration.k8s.io", "v1", "apiservices")
            .ok_or_else(|| Failure::internal("apiservices are not served"))?;
        let mut call = Call::internal(server, resource, "", name, MANAGER);
        "status".clone_into(&mut call.subresource);
        let written = call
            .update(UpdateTarget::Status, |_, old| {
                let mut new = old.clone();
                if let Some((reason, message)) = problem(server, old) {
                    set_unavailable(&mut new, reason, &message);
                }
                Ok(new)
            })
            .await;
        match written {
            Err(failure) if failure.code != http::StatusCode::NOT_FOUND => Err(failure),
            _ => Ok(None),
        }
    }
}

/// Returns why nobody answers for an APIService; what has no service is served here.
fn problem(server: &Inner, object: &Value) -> Option<(&'static str, String)> {
    let service = object["spec"].get("service").filter(|service| !service.is_null())?;
    let text = |key: &str| service[key].as_str().unwrap_or_default();
    let (namespace, name) = (text("namespace"), text("name"));
    if server.store.get(SERVICES, &object_key(namespace, name)).is_none() {
        let message = format!("service/{name} in {namespace:?} is not present");
        return Some(("ServiceNotFound", message));
    }
    Some(("FailedDiscoveryCheck", "this server does not forward requests to other API servers".to_owned()))
}

fn set_unavailable(object: &mut Value, reason: &str, message: &str) {
    let known = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
    let same = known.iter().any(|found| {
        found["type"] == "Available"
            && found["status"] == "False"
            && found["reason"] == reason
            && found["message"] == message
    });
    if same {
        return;
    }
    let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let condition = json!({"type": "Available", "status": "False", "lastTransitionTime": now,
        "reason": reason, "message": message});
    let others = known.into_iter().filter(|found| found["type"] != "Available");
    object["status"]["conditions"] = others.chain([condition]).collect::<Vec<_>>().into();
}
