//! Every namespace has a default service account and the server's certificate.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::controller::Controller;
use crate::http::Failure;
use crate::http::call::Call;
use crate::registry::UpdateTarget;
use crate::server::Inner;
use crate::store::Event;

const NAMESPACES: &str = "/namespaces";
const ACCOUNTS: &str = "/serviceaccounts";
const CONFIG_MAPS: &str = "/configmaps";
const DEFAULT: &str = "default";
const ROOT_CA: &str = "kube-root-ca.crt";
const MANAGER: &str = "kube-controller-manager";
const DESCRIPTION: &str = "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.";

/// Furnishes namespaces.
pub(super) struct ServiceAccounts;

impl Controller for ServiceAccounts {
    type Key = String;
    const NAME: &'static str = "service-accounts";

    fn all(&mut self, server: &Inner) -> Vec<String> {
        server
            .store
            .list(NAMESPACES, "")
            .objects
            .iter()
            .map(|namespace| namespace.name().to_owned())
            .collect()
    }

    fn keys(&mut self, _: &Inner, resource: &str, event: &Event) -> Vec<String> {
        let object = &event.object;
        match resource {
            NAMESPACES => vec![object.name().to_owned()],
            ACCOUNTS if object.name() == DEFAULT => vec![object.namespace().to_owned()],
            CONFIG_MAPS if object.name() == ROOT_CA => vec![object.namespace().to_owned()],
            _ => Vec::new(),
        }
    }

    async fn reconcile(&mut self, server: &Arc<Inner>, name: &String) -> Result<Option<Duration>, Failure> {
        let active = server.store.get(NAMESPACES, name).is_some_and(|namespace| !namespace.is_deleting());
        if !active {
            return Ok(None);
        }
        let registry = server.registry();
        let resource = |plural: &str| {
            registry
                .resource("", "v1", plural)
                .ok_or_else(|| Failure::internal(format!("{plural} are not served")))
        };
        let mut account = Call::internal(server, resource("serviceaccounts")?, name, DEFAULT, MANAGER);
        if account.stored().is_none() {
            let wanted = json!({"metadata": {"name": DEFAULT, "namespace": name}});
            done(account.create(wanted).await)?;
        }
        let data = json!({"ca.crt": server.authority.pem()});
        let mut map = Call::internal(server, resource("configmaps")?, name, ROOT_CA, MANAGER);
        match map.stored() {
            None => {
                let wanted = json!({"metadata": {"name": ROOT_CA, "namespace": name,
                    "annotations": {"kubernetes.io/description": DESCRIPTION}}, "data": data});
                done(map.create(wanted).await)?;
            }
            Some(stored) if stored.is_deleting() => {}
            Some(stored) => {
                let current = stored.value();
                let described = current.pointer("/metadata/annotations/kubernetes.io~1description")
                    == Some(&Value::from(DESCRIPTION));
                if current["data"] != data || !described {
                    map.update(UpdateTarget::Main, |_, old| {
                        let mut new = old.clone();
                        new["data"] = data.clone();
                        new["metadata"]["annotations"]["kubernetes.io/description"] = DESCRIPTION.into();
                        Ok(new)
                    })
                    .await?;
                }
            }
        }
        Ok(None)
    }
}

/// Someone else created it, or the namespace went: both are fine.
fn done<T>(result: Result<T, Failure>) -> Result<(), Failure> {
    match result {
        Err(failure) if failure.code == http::StatusCode::CONFLICT => Ok(()),
        Err(failure) if failure.code == http::StatusCode::FORBIDDEN => Ok(()),
        Err(failure) if failure.code == http::StatusCode::NOT_FOUND => Ok(()),
        result => result.map(|_| ()),
    }
}
