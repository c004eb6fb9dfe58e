//! Stands in for Karmada's admission where the API server has none.
//!
//! A server that was only given Karmada's kinds (attached mode) neither completes policies and clusters nor gives
//! bindings and Works their identifiers. What controllers create gets its defaults on the way out ([`defaults`]);
//! what users create is completed when it is seen, and what is not valid is said in an event on it.

use std::fmt::Debug;
use std::sync::Arc;

use karmada_core::admission::{AdmissionInput, Operation, Related, TaintPolicyRule, mutate, validate};
use karmada_core::api::FeatureGates;
use kube::api::{Api, Patch, PatchParams};
use kube::{Client, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::hub::{
    Action, Change, EventRecorder, Hub, Informer, ObjectKey, ObjectReference, ReconcileError, WorkQueue,
    is_not_found,
};

/// Who sets defaults and refuses what is not valid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Admission {
    /// The API server, by a plug-in or webhooks.
    #[default]
    Server,
    /// The controllers, after the fact.
    StandIn,
}

/// Name under which webhooks that do admission are registered.
const WEBHOOKS: &str = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/mutating-config";

/// Asks an API server whether webhooks do its admission.
///
/// # Errors
/// When it cannot be asked.
pub async fn admission_of(client: &Client) -> Result<Admission, kube::Error> {
    let request = http::Request::get(WEBHOOKS).body(Vec::new()).map_err(kube::Error::HttpError)?;
    match client.request_text(request).await {
        Ok(_) => Ok(Admission::Server),
        Err(error) if is_not_found(&error) => Ok(Admission::StandIn),
        Err(error) => Err(error),
    }
}

/// Returns a function that gives an object that is about to be created its defaults.
pub fn defaults(gates: FeatureGates) -> crate::hub::Defaults {
    Arc::new(move |object| complete(&object, &gates).unwrap_or(object))
}

/// Returns the object as admission would have it; none when it cannot be read.
fn complete(object: &Value, gates: &FeatureGates) -> Option<Value> {
    let uuid = uuid::Uuid::new_v4().to_string();
    let completed = mutate(&input(object, gates, Operation::Create, &uuid)).ok()?;
    // A policy gets another identifier whenever it is completed; it must keep the one it has.
    Some(keep_identifiers(object, completed))
}

/// Completes an object, then judges it: what is required may be what is completed. None when it cannot be read.
fn admit(object: &Value, gates: &FeatureGates) -> Result<Option<Value>, String> {
    let Some(completed) = complete(object, gates) else { return Ok(None) };
    match validate(&input(&completed, gates, Operation::Create, "")) {
        Ok(_) => Ok(Some(completed)),
        Err(denied) => Err(denied.message),
    }
}

fn keep_identifiers(before: &Value, mut after: Value) -> Value {
    let labels = before.pointer("/metadata/labels").and_then(Value::as_object);
    for (key, value) in labels.into_iter().flatten() {
        if key.ends_with("/permanent-id") && value.as_str().is_some_and(|id| !id.is_empty()) {
            after["metadata"]["labels"][key] = value.clone();
        }
    }
    after
}

fn input<'a>(
    object: &'a Value,
    gates: &'a FeatureGates,
    operation: Operation,
    uuid: &'a str,
) -> AdmissionInput<'a> {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    AdmissionInput {
        operation,
        group: text("/apiVersion").split('/').next().unwrap_or_default(),
        kind: text("/kind"),
        subresource: "",
        object,
        old_object: None,
        namespace: text("/metadata/namespace"),
        gates,
        taint_policies: TaintPolicyRule::default(),
        related: Related::default(),
        uuid,
        now: jiff::Timestamp::now(),
    }
}

/// Starts to complete what users create.
pub(crate) fn start(hub: &Arc<Hub>) {
    follow(hub, &hub.propagation_policies, "policies-stand-in", Hub::namespaced);
    follow(hub, &hub.cluster_propagation_policies, "cluster-policies-stand-in", |hub, _| hub.all());
    follow(hub, &hub.override_policies, "overrides-stand-in", Hub::namespaced);
    follow(hub, &hub.cluster_override_policies, "cluster-overrides-stand-in", |hub, _| hub.all());
    follow(hub, &hub.clusters, "clusters-stand-in", |hub, _| hub.all());
    follow(hub, &hub.bindings, "bindings-stand-in", Hub::namespaced);
    follow(hub, &hub.cluster_bindings, "cluster-bindings-stand-in", |hub, _| hub.all());
}

fn follow<K>(hub: &Arc<Hub>, informer: &Arc<Informer<K>>, name: &'static str, api: fn(&Hub, &str) -> Api<K>)
where
    K: Resource<DynamicType = ()> + Clone + Debug + Serialize + DeserializeOwned + Send + Sync + 'static,
{
    let queue: Arc<WorkQueue<ObjectKey>> = Arc::default();
    {
        let queue = queue.clone();
        informer.on_change(move |change| {
            if !matches!(change, Change::Deleted(_)) && crate::binding::is_generation_changed(change) {
                queue.add(ObjectKey::of(&**change.object()));
            }
        });
    }
    let (hub, informer) = (hub.clone(), informer.clone());
    let events = hub.events.for_component("karmada-admission");
    hub.runtime.clone().run_queue(name, &queue, 2, move |key| {
        let (hub, informer, events) = (hub.clone(), informer.clone(), events.clone());
        async move { reconcile(&hub, &informer, &events, api, &key).await }
    });
}

async fn reconcile<K>(
    hub: &Hub,
    informer: &Informer<K>,
    events: &EventRecorder,
    api: fn(&Hub, &str) -> Api<K>,
    key: &ObjectKey,
) -> Result<Action, ReconcileError>
where
    K: Resource<DynamicType = ()> + Clone + Debug + Serialize + DeserializeOwned + Send + Sync + 'static,
{
    let Some(object) = informer.find(key) else { return Ok(Action::Done) };
    if object.meta().deletion_timestamp.is_some() {
        return Ok(Action::Done);
    }
    let operation = |what: &str| format!("{what} {} {key}", K::kind(&()));
    let mut current = serde_json::to_value(&*object).map_err(ReconcileError::decision(operation("read")))?;
    current["apiVersion"] = json!(K::api_version(&()));
    current["kind"] = json!(K::kind(&()));
    let mut completed = match admit(&current, &hub.gates) {
        Ok(Some(completed)) => completed,
        Ok(None) => return Ok(Action::Done),
        Err(reason) => {
            events.warning(&ObjectReference::of(&*object), "ValidationFailed", reason);
            return Ok(Action::Done);
        }
    };
    if completed == current {
        return Ok(Action::Done);
    }
    if let Some(completed) = completed.as_object_mut() {
        completed.remove("status");
    }
    if let Some(current) = current.as_object_mut() {
        current.remove("status");
    }
    let mut patch = json!([{
        "op": "test", "path": "/metadata/resourceVersion", "value": object.meta().resource_version,
    }]);
    let changes = serde_json::to_value(json_patch::diff(&current, &completed))
        .map_err(ReconcileError::decision(operation("complete")))?;
    if let (Some(patch), Value::Array(changes)) = (patch.as_array_mut(), changes) {
        patch.extend(changes);
    }
    let patch: json_patch::Patch =
        serde_json::from_value(patch).map_err(ReconcileError::decision(operation("complete")))?;
    match api(hub, &key.namespace).patch(&key.name, &PatchParams::default(), &Patch::Json::<()>(patch)).await
    {
        Ok(written) => {
            informer.observe(written);
            Ok(Action::Done)
        }
        Err(error) if is_not_found(&error) => Ok(Action::Done),
        Err(error) => Err(ReconcileError::api(operation("complete"))(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_created_gets_its_identifier_once() {
        let binding = json!({
            "apiVersion": "work.karmada.io/v1alpha2", "kind": "ResourceBinding",
            "metadata": {"name": "b", "namespace": "a"},
            "spec": {"resource": {"apiVersion": "v1", "kind": "ConfigMap", "name": "c"}},
        });
        let completed = defaults(FeatureGates::default())(binding);
        let id = completed["metadata"]["labels"]["resourcebinding.karmada.io/permanent-id"].clone();
        assert!(id.is_string(), "{completed}");
        let again = defaults(FeatureGates::default())(completed.clone());
        assert_eq!(again, completed);
    }

    #[test]
    fn a_policy_keeps_its_identifier() {
        let policy = json!({
            "apiVersion": "policy.karmada.io/v1alpha1", "kind": "PropagationPolicy",
            "metadata": {"name": "p", "namespace": "a"},
            "spec": {"resourceSelectors": [{"apiVersion": "v1", "kind": "ConfigMap"}]},
        });
        let gates = FeatureGates::default();
        let completed = complete(&policy, &gates).unwrap();
        assert_eq!(complete(&completed, &gates).unwrap(), completed);
    }

    #[test]
    fn a_policy_is_judged_with_the_identifier_that_it_is_given() {
        let gates = FeatureGates::default();
        let mut policy = json!({
            "apiVersion": "policy.karmada.io/v1alpha1", "kind": "PropagationPolicy",
            "metadata": {"name": "p", "namespace": "a"},
            "spec": {"resourceSelectors": [{"apiVersion": "v1", "kind": "ConfigMap"}]},
        });
        let completed = admit(&policy, &gates).unwrap().unwrap();
        assert!(completed["metadata"]["labels"]["propagationpolicy.karmada.io/permanent-id"].is_string());
        assert_eq!(completed["spec"]["resourceSelectors"][0]["namespace"], "a");

        policy["spec"]["placement"] =
            json!({"clusterAffinity": {}, "clusterAffinities": [{"affinityName": "x"}]});
        let reason = admit(&policy, &gates).unwrap_err();
        assert!(reason.contains("cluster"), "{reason}");
    }
}
