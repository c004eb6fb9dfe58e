//! What is asked of a member.

use std::collections::BTreeMap;

use http::Request;
use karmada_core::api::cluster::{ApiEnablement, ApiResource};
use karmada_core::membership::Probe;
use serde_json::{Value, json};

use crate::hub::{Served, Unstructured, chain};
use crate::members::{CallError, Member};

/// Characters of a member's answer that are shown.
const SHOWN: usize = 512;

/// Asks the member's API server whether it is ready. What is wrong, if anything, is told with it.
pub(super) async fn probe(member: &Member) -> (Probe, String) {
    match health(member, "/readyz").await {
        Err(error) if error.is_status(404) => outcome(health(member, "/healthz").await),
        other => outcome(other),
    }
}

fn outcome(answer: Result<String, CallError>) -> (Probe, String) {
    match answer {
        Ok(text) if text == "ok" => (Probe::Ok, String::new()),
        Ok(text) => (Probe::NotOk, format!("it says {:?}", text.chars().take(SHOWN).collect::<String>())),
        Err(error) => {
            let answered = matches!(error, CallError::Api(kube::Error::Api(_)));
            let probe = if answered { Probe::NotOk } else { Probe::Unreachable };
            (probe, why(&error))
        }
    }
}

/// Says what is wrong, and what can be done about it where that is known.
fn why(error: &CallError) -> String {
    let text: String = chain(error).chars().take(SHOWN).collect();
    if text.contains("certificate") {
        format!(
            "{text} (if its certificate authority is a new one, put that into caBundle of the cluster's secret)"
        )
    } else if error.is_status(401) || error.is_status(403) {
        format!("{text} (if its token or its role was removed, join the cluster again)")
    } else {
        text
    }
}

async fn health(member: &Member, path: &str) -> Result<String, CallError> {
    let request = Request::get(path).body(Vec::new()).map_err(kube::Error::HttpError)?;
    member.call(member.client.request_text(request)).await
}

/// Asks for the member's version, such as `v1.36.2`.
pub(super) async fn version(member: &Member) -> Result<String, CallError> {
    Ok(member.call(member.client.apiserver_version()).await?.git_version)
}

/// Groups served kinds by group and version, sorted as upstream stores them.
pub(super) fn enablements(served: &[Served]) -> Vec<ApiEnablement> {
    let mut groups: BTreeMap<&str, Vec<ApiResource>> = BTreeMap::new();
    for kind in served {
        let resource = ApiResource { name: kind.resource.plural.clone(), kind: kind.resource.kind.clone() };
        groups.entry(&kind.resource.api_version).or_default().push(resource);
    }
    groups
        .into_iter()
        .map(|(group_version, mut resources)| {
            resources.sort_by(|a, b| a.name.cmp(&b.name));
            ApiEnablement { group_version: group_version.to_string(), resources }
        })
        .collect()
}

/// Keeps of a node what the summary reads.
pub(super) fn shrink_node(node: &mut Unstructured) {
    let status = node.value().get("status");
    let field = |name: &str| status.and_then(|status| status.get(name)).cloned().unwrap_or_default();
    let shrunk = json!({"status": {"allocatable": field("allocatable"), "conditions": field("conditions")}});
    replace(node, &shrunk);
}

/// Keeps of a pod what the summary reads.
pub(super) fn shrink_pod(pod: &mut Unstructured) {
    let value = pod.value();
    let resources = |list: &str| -> Vec<Value> {
        let containers = value.pointer(&format!("/spec/{list}")).and_then(Value::as_array);
        containers
            .into_iter()
            .flatten()
            .map(|container| {
                json!({"resources": container.get("resources").cloned().unwrap_or_default(),
                       "restartPolicy": container.get("restartPolicy").cloned().unwrap_or_default()})
            })
            .collect()
    };
    let shrunk = json!({
        "spec": {
            "nodeName": value.pointer("/spec/nodeName").cloned().unwrap_or_default(),
            "containers": resources("containers"),
            "initContainers": resources("initContainers"),
            "overhead": value.pointer("/spec/overhead").cloned().unwrap_or_default(),
        },
        "status": {"phase": value.pointer("/status/phase").cloned().unwrap_or_default()},
    });
    replace(pod, &shrunk);
}

fn replace(object: &mut Unstructured, content: &Value) {
    let mut shrunk = content.clone();
    if let (Some(target), Some(metadata)) = (shrunk.as_object_mut(), object.value().get("metadata")) {
        let name = json!({"name": metadata.get("name"), "namespace": metadata.get("namespace")});
        target.insert("metadata".into(), name);
    }
    object.set_value(shrunk);
}
