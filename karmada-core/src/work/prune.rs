//! Removal of fields that belong to one API server and must not be copied to another.

use serde_json::Value;

use crate::native::{self, TypeError};
use crate::object::{self, remove_nested};

const METADATA: [&str; 10] = [
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
    "ownerReferences",
    "finalizers",
];
const REVISION_ANNOTATIONS: [&str; 2] =
    ["deployment.kubernetes.io/revision", "deployment.kubernetes.io/revision-history"];
const CONTROLLER_LABELS: [&str; 2] = ["controller-uid", "batch.kubernetes.io/controller-uid"];
const JOB_NAME_LABELS: [&str; 2] = ["job-name", "batch.kubernetes.io/job-name"];
const SERVICE_ACCOUNT_UID_ANNOTATION: &str = "kubernetes.io/service-account.uid";
const SERVICE_ACCOUNT_TOKEN: &str = "kubernetes.io/service-account-token";
const SELECTED_NODE_ANNOTATION: &str = "volume.kubernetes.io/selected-node";
/// The `clusterIP` of a service that wants none.
const HEADLESS: &str = "None";

/// What happens to the time to live of finished Jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobTtl {
    /// It stays.
    Kept,
    /// It goes: the control plane's template decides when the Job goes, not the member.
    Removed,
}

/// An object cannot be pruned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the Job is not valid")]
pub struct PruneError(#[source] TypeError);

/// Removes what an API server or its controllers have set.
///
/// Only the kind decides which further fields go, whatever its group.
pub fn prune(object: &mut Value, job_ttl: JobTtl) -> Result<(), PruneError> {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|field, _| !METADATA.contains(&field.as_str()));
    }
    remove_nested(object, &["status"]);
    match object::kind(object) {
        "Deployment" => remove_annotations(object, &REVISION_ANNOTATIONS),
        "Job" => prune_job(object, job_ttl)?,
        "Secret" => prune_secret(object),
        "ServiceAccount" => prune_service_account(object),
        "Service" => prune_service(object),
        "PersistentVolumeClaim" => prune_claim(object),
        _ => {}
    }
    Ok(())
}

fn prune_job(object: &mut Value, job_ttl: JobTtl) -> Result<(), PruneError> {
    native::convert("Job", object).map_err(PruneError)?;
    if object.pointer("/spec/manualSelector") != Some(&Value::Bool(true)) {
        remove_keys(object, "/spec/selector/matchLabels", &CONTROLLER_LABELS);
        remove_keys(object, "/spec/template/metadata/labels", &CONTROLLER_LABELS);
        remove_keys(object, "/spec/template/metadata/labels", &JOB_NAME_LABELS);
    }
    if job_ttl == JobTtl::Removed {
        remove_nested(object, &["spec", "ttlSecondsAfterFinished"]);
    }
    Ok(())
}

/// The token that the control plane has made is worth nothing in a member, which makes its own.
fn prune_secret(object: &mut Value) {
    if object.get("type").and_then(Value::as_str) != Some(SERVICE_ACCOUNT_TOKEN) {
        return;
    }
    remove_annotations(object, &[SERVICE_ACCOUNT_UID_ANNOTATION]);
    if let Value::Object(members) = object {
        members.insert("data".to_owned(), Value::Null);
    }
}

/// Of generated token references that follow each other only every second one goes: it has always been so.
fn prune_service_account(object: &mut Value) {
    let prefix = format!("{}-token-", object::name(object));
    let Some(secrets) = object.get_mut("secrets").and_then(Value::as_array_mut) else { return };
    let mut index = 0;
    while index < secrets.len() {
        let name = secrets[index].get("name").and_then(Value::as_str);
        if name.is_some_and(|name| name.starts_with(&prefix)) {
            secrets.remove(index);
        }
        index += 1;
    }
}

fn prune_service(object: &mut Value) {
    let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) else { return };
    if spec.get("clusterIP").and_then(Value::as_str) == Some(HEADLESS) {
        return;
    }
    spec.remove("clusterIP");
    spec.remove("clusterIPs");
}

fn prune_claim(object: &mut Value) {
    if object::annotation(object, SELECTED_NODE_ANNOTATION).is_some_and(|node| !node.is_empty()) {
        remove_annotations(object, &[SELECTED_NODE_ANNOTATION]);
    }
}

fn remove_annotations(object: &mut Value, keys: &[&str]) {
    remove_keys(object, "/metadata/annotations", keys);
}

/// Removes keys of a map; the map stays, even when it is empty then.
fn remove_keys(object: &mut Value, pointer: &str, keys: &[&str]) {
    if let Some(map) = object.pointer_mut(pointer).and_then(Value::as_object_mut) {
        map.retain(|key, _| !keys.contains(&key.as_str()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pruned(mut object: Value) -> Value {
        prune(&mut object, JobTtl::Removed).unwrap();
        object
    }

    #[test]
    fn removes_what_belongs_to_one_api_server() {
        let object =
            json!({"kind": "X", "metadata": {"name": "x", "uid": "u", "finalizers": ["f"]}, "status": {}});
        assert_eq!(pruned(object), json!({"kind": "X", "metadata": {"name": "x"}}));
    }

    #[test]
    fn keeps_the_selector_of_a_job_that_manages_it_itself() {
        let job = json!({"kind": "Job", "spec": {"manualSelector": true, "selector": {"matchLabels": {"controller-uid": "u"}}}});
        assert_eq!(pruned(job.clone()), job);
    }

    #[test]
    fn keeps_a_service_headless() {
        let service = json!({"kind": "Service", "spec": {"clusterIP": "None", "clusterIPs": ["None"]}});
        assert_eq!(pruned(service.clone()), service);
        let service = json!({"kind": "Service", "spec": {"clusterIP": "10.0.0.1"}});
        assert_eq!(pruned(service), json!({"kind": "Service", "spec": {}}));
    }

    #[test]
    fn pruning_twice_changes_nothing_more() {
        let once = pruned(
            json!({"kind": "Secret", "type": "kubernetes.io/service-account-token", "data": {"token": "eA=="}}),
        );
        assert_eq!(pruned(once.clone()), once);
    }
}
