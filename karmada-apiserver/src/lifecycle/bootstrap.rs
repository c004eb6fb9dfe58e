//! What is there before the first request: kinds of CRDs, namespaces, default roles.

use std::sync::Arc;

use futures::future::try_join_all;
use http::StatusCode;
use serde_json::{Value, json};

use super::controller::spawn;
use super::local_services::local_services;
use super::{
    aggregation, api_services, bootstrap_tokens, certificates, collector, crds, expiry, finished_jobs,
    namespaces, quotas, service_accounts, tokens,
};
use crate::auth::bootstrap_objects;
use crate::http::Failure;
use crate::http::call::{Call, object_name};
use crate::registry::UpdateTarget;
use crate::server::{Controllers, Inner, StartError};

const MANAGER: &str = "kube-apiserver";
const NAMESPACES: [&str; 4] = ["kube-system", "kube-public", "default", "kube-node-lease"];

/// Name, value and description of the classes that every cluster has.
const PRIORITY_CLASSES: [(&str, i64, &str); 2] = [
    (
        "system-cluster-critical",
        2_000_000_000,
        "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
    ),
    (
        "system-node-critical",
        2_000_001_000,
        "Used for system critical pods that must not be moved from their current node.",
    ),
];

/// Brings a server's objects and kinds up, then its controllers.
pub(crate) async fn start(server: &Arc<Inner>) -> Result<(), StartError> {
    crds::load(server);
    let namespace = |name: &str| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
    ensure_all(server, NAMESPACES.map(namespace).into()).await?;
    let class = |(name, value, description): (&str, i64, &str)| {
        json!({"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name},
            "value": value, "description": description})
    };
    let mut objects = bootstrap_objects();
    objects.extend(PRIORITY_CLASSES.map(class));
    objects.extend(local_services(&server.registry()));
    objects.push(kubernetes_service());
    ensure_all(server, objects).await?;
    for crd in &server.config.crds {
        install(server, crd)
            .await
            .map_err(|failure| StartError::Crd { name: object_name(crd), message: failure.message })?;
    }
    spawn(server, crds::Crds);
    spawn(server, expiry::Expiry::default());
    spawn(server, api_services::ApiServices);
    if server.config.controllers == Controllers::All {
        spawn(server, service_accounts::ServiceAccounts);
    }
    if server.config.controllers != Controllers::ApiServer {
        spawn(server, namespaces::Namespaces);
        spawn(server, tokens::Tokens);
        spawn(server, bootstrap_tokens::BootstrapTokens);
        spawn(server, certificates::Certificates);
        spawn(server, aggregation::Aggregation);
        spawn(server, finished_jobs::FinishedJobs);
        spawn(server, quotas::Quotas);
        spawn(server, collector::Collector::default());
    }
    Ok(())
}

/// The service that programs in a cluster reach its API server by.
fn kubernetes_service() -> Value {
    json!({"apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "kubernetes", "namespace": "default",
            "labels": {"component": "apiserver", "provider": "kubernetes"}},
        "spec": {"type": "ClusterIP", "clusterIP": "10.96.0.1",
            "ipFamilyPolicy": "SingleStack", "sessionAffinity": "None",
            "ports": [{"name": "https", "protocol": "TCP", "port": 443, "targetPort": 6443}]}})
}

/// Creates the objects that are not there, together: on disk they are one write, not one each.
async fn ensure_all(server: &Arc<Inner>, objects: Vec<Value>) -> Result<(), StartError> {
    try_join_all(objects.into_iter().map(|object| ensure(server, object))).await?;
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
    let namespace =
        object.pointer("/metadata/namespace").and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut call = Call::internal(server, resource, &namespace, &name, MANAGER);
    if call.stored().is_some() {
        return Ok(());
    }
    match call.create(object).await {
        Ok(_) => Ok(()),
        Err(failure) if failure.code == StatusCode::CONFLICT => Ok(()),
        Err(failure) => Err(failed(failure.message)),
    }
}

/// Creates or updates a CRD and serves it.
async fn install(server: &Arc<Inner>, crd: &Value) -> Result<(), Failure> {
    let resource = server
        .registry()
        .resource(crds::GROUP, "v1", crds::PLURAL)
        .ok_or_else(|| Failure::internal("CRDs are not served"))?;
    let name = object_name(crd);
    let mut call = Call::internal(server, resource, "", &name, MANAGER);
    if call.stored().is_none() {
        call.create(crd.clone()).await?;
    } else {
        call.update(UpdateTarget::Main, |_, old| {
            let mut new = old.clone();
            new["spec"] = crd["spec"].clone();
            for key in ["labels", "annotations"] {
                if let Some(wanted) = crd.pointer(&format!("/metadata/{key}")) {
                    new["metadata"][key] = wanted.clone();
                }
            }
            Ok(new)
        })
        .await?;
    }
    let stored = call.existing()?;
    crds::serve(server, &stored).await
}
