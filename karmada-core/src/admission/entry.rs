//! One entry for all kinds.

use jiff::Timestamp;
use serde_json::Value;

use super::{
    FieldError, QuotaUse, aggregate, binding, cluster, cron_federated_hpa, customization, deletion,
    federated_hpa, federated_resource_quota, interpreter_webhook, multi_cluster_ingress,
    multi_cluster_service, override_policy, propagation_policy,
    read::{ReadError, read},
    taint_policy, work,
};
use crate::api::{
    Feature, FeatureGates, autoscaling::constants::GROUP as AUTOSCALING_GROUP,
    cluster::constants::GROUP as CLUSTER_GROUP, config::constants::GROUP as CONFIG_GROUP,
    networking::constants::GROUP as NETWORKING_GROUP, policy::constants::GROUP as POLICY_GROUP,
    work::constants::GROUP as WORK_GROUP,
};

/// What a request does to its object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// It makes it.
    Create,
    /// It changes it.
    Update,
    /// It deletes it.
    Delete,
}

/// Whether taint policies may evict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TaintPolicyRule {
    /// They may not.
    #[default]
    NoExecuteForbidden,
    /// They may.
    NoExecuteAllowed,
}

/// A request that asks for admission.
#[derive(Clone, Copy, Debug)]
pub struct AdmissionInput<'a> {
    /// What it does.
    pub operation: Operation,
    /// Group of the kind.
    pub group: &'a str,
    /// Kind.
    pub kind: &'a str,
    /// Empty for the object itself; only objects themselves are looked at.
    pub subresource: &'a str,
    /// The object; ignored when it is deleted.
    pub object: &'a Value,
    /// The stored object, when there is one.
    pub old_object: Option<&'a Value>,
    /// Namespace of the request, empty for cluster scope.
    pub namespace: &'a str,
    /// Features.
    pub gates: &'a FeatureGates,
    /// Whether taint policies may evict.
    pub taint_policies: TaintPolicyRule,
    /// The stored objects that [`related`] asks for.
    pub related: Related<'a>,
    /// A fresh identifier.
    pub uuid: &'a str,
    /// The time.
    pub now: Timestamp,
}

/// Stored objects that a decision looks at.
#[derive(Clone, Copy, Debug, Default)]
pub struct Related<'a> {
    /// Every ResourceInterpreterCustomization.
    pub customizations: &'a [Value],
    /// The FederatedResourceQuotas of the namespace, by name.
    pub quotas: &'a [Value],
}

/// Which stored objects a decision looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelatedKind {
    /// Every ResourceInterpreterCustomization.
    Customizations,
    /// The FederatedResourceQuotas of the namespace.
    Quotas,
}

/// What has to be written when an object is accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    /// The quotas whose use changes.
    pub quota_uses: Vec<QuotaUse>,
}

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct AdmissionDenied {
    /// HTTP status.
    pub code: u16,
    /// Reason of the `Status`.
    pub reason: &'static str,
    /// The whole message, as an API server gives it.
    pub message: String,
    /// What is wrong, without the words that the API server puts before it.
    pub explanation: String,
    /// Every mistake.
    pub causes: Vec<FieldError>,
}

impl AdmissionDenied {
    /// A refusal as by an admission webhook.
    pub(super) fn by_webhook(kind: &str, explanation: String, causes: Vec<FieldError>) -> Self {
        let webhook = format!("{}.karmada.io", kind.to_ascii_lowercase());
        let message = format!("admission webhook \"{webhook}\" denied the request: {explanation}");
        Self { code: 403, reason: "Forbidden", message, explanation, causes }
    }

    /// A refusal as by the API server that has the kind.
    pub(super) fn invalid(group: &str, kind: &str, name: &str, causes: Vec<FieldError>) -> Self {
        let explanation = aggregate(&causes);
        let message = format!("{kind}.{group} \"{name}\" is invalid: {explanation}");
        Self { code: 422, reason: "Invalid", message, explanation, causes }
    }

    /// A refusal because something else went wrong.
    pub(super) fn internal(explanation: String) -> Self {
        let message = explanation.clone();
        Self { code: 500, reason: "InternalError", message, explanation, causes: Vec::new() }
    }

    /// A refusal of an object that cannot be read.
    fn unreadable(error: ReadError) -> Self {
        let message = error.to_string();
        let ReadError { path, message: explanation } = error;
        let causes = vec![FieldError::unreadable(path, explanation.clone())];
        Self { code: 400, reason: "BadRequest", message, explanation, causes }
    }
}

/// Mutates and validates: returns the object as it may be stored.
pub fn admit(input: &AdmissionInput<'_>) -> Result<Value, AdmissionDenied> {
    let object = mutate(input)?;
    validate(&AdmissionInput { object: &object, ..*input })?;
    Ok(object)
}

/// Returns the object with what the user left out.
///
/// Mutating again changes nothing more, except that a new policy is given another identifier.
pub fn mutate(input: &AdmissionInput<'_>) -> Result<Value, AdmissionDenied> {
    if input.operation == Operation::Delete || !input.subresource.is_empty() {
        return Ok(input.object.clone());
    }
    match (input.group, input.kind) {
        (POLICY_GROUP, "PropagationPolicy" | "ClusterPropagationPolicy") => propagation_policy::mutate(input),
        (POLICY_GROUP, "OverridePolicy") => override_policy::mutate(input),
        (WORK_GROUP, "ResourceBinding" | "ClusterResourceBinding") => binding::mutate(input),
        (WORK_GROUP, "Work") => work::mutate(input),
        (NETWORKING_GROUP, "MultiClusterService") => multi_cluster_service::mutate(input),
        (AUTOSCALING_GROUP, "FederatedHPA") => federated_hpa::mutate(input),
        (CLUSTER_GROUP, "Cluster") => cluster::mutate(input),
        _ => Ok(input.object.clone()),
    }
}

/// Returns which stored objects [`validate`] looks at: the caller puts them into the input.
pub fn related(input: &AdmissionInput<'_>) -> Option<RelatedKind> {
    if input.operation == Operation::Delete || !input.subresource.is_empty() {
        return None;
    }
    match (input.group, input.kind) {
        (CONFIG_GROUP, "ResourceInterpreterCustomization") => Some(RelatedKind::Customizations),
        (WORK_GROUP, "ResourceBinding") if input.gates.is_enabled(Feature::FederatedQuotaEnforcement) => {
            Some(RelatedKind::Quotas)
        }
        _ => None,
    }
}

/// Refuses what is not valid, with every mistake.
pub fn validate(input: &AdmissionInput<'_>) -> Result<Allowed, AdmissionDenied> {
    let validated = if !input.subresource.is_empty() {
        Ok(())
    } else if input.operation == Operation::Delete {
        deletion::validate(input)
    } else {
        match (input.group, input.kind) {
            (POLICY_GROUP, "PropagationPolicy" | "ClusterPropagationPolicy") => {
                propagation_policy::validate(input)
            }
            (POLICY_GROUP, "OverridePolicy" | "ClusterOverridePolicy") => override_policy::validate(input),
            (POLICY_GROUP, "ClusterTaintPolicy") => taint_policy::validate(input),
            (POLICY_GROUP, "FederatedResourceQuota") => federated_resource_quota::validate(input),
            (WORK_GROUP, "ResourceBinding") => return binding::validate(input),
            (NETWORKING_GROUP, "MultiClusterService") => multi_cluster_service::validate(input),
            (NETWORKING_GROUP, "MultiClusterIngress") => multi_cluster_ingress::validate(input),
            (AUTOSCALING_GROUP, "FederatedHPA") => federated_hpa::validate(input),
            (AUTOSCALING_GROUP, "CronFederatedHPA") => cron_federated_hpa::validate(input),
            (CONFIG_GROUP, "ResourceInterpreterCustomization") => customization::validate(input),
            (CONFIG_GROUP, "ResourceInterpreterWebhookConfiguration") => interpreter_webhook::validate(input),
            (CLUSTER_GROUP, "Cluster") => cluster::validate(input),
            _ => Ok(()),
        }
    };
    validated.map(|()| Allowed::default())
}

/// Refuses when there are errors.
pub(super) fn deny_if_any(kind: &str, errors: Vec<FieldError>) -> Result<(), AdmissionDenied> {
    if errors.is_empty() {
        return Ok(());
    }
    Err(AdmissionDenied::by_webhook(kind, aggregate(&errors), errors))
}

/// Reads the object as its type; what is not valid is refused.
pub(super) fn decode<T: serde::de::DeserializeOwned>(object: &Value) -> Result<T, AdmissionDenied> {
    read(object).map_err(AdmissionDenied::unreadable)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn input<'a>(kind: &'a str, object: &'a Value, gates: &'a FeatureGates) -> AdmissionInput<'a> {
        AdmissionInput {
            operation: Operation::Create,
            group: if kind == "Cluster" { CLUSTER_GROUP } else { POLICY_GROUP },
            kind,
            subresource: "",
            object,
            old_object: None,
            namespace: "a",
            gates,
            taint_policies: TaintPolicyRule::default(),
            related: Related::default(),
            uuid: "u",
            now: Timestamp::UNIX_EPOCH,
        }
    }

    fn policy(spec: &Value) -> Value {
        json!({"apiVersion": "policy.karmada.io/v1alpha1", "kind": "PropagationPolicy",
            "metadata": {"name": "p", "namespace": "a"}, "spec": spec})
    }

    #[test]
    fn a_policy_is_completed_and_accepted() {
        let object = policy(&json!({"resourceSelectors": [{"apiVersion": "v1", "kind": "ConfigMap"}]}));
        let gates = FeatureGates::default();
        let admitted = admit(&input("PropagationPolicy", &object, &gates)).unwrap();
        assert_eq!(admitted["spec"]["resourceSelectors"][0]["namespace"], "a");
        assert_eq!(admitted["metadata"]["labels"], json!({"propagationpolicy.karmada.io/permanent-id": "u"}));
        assert_eq!(admit(&input("PropagationPolicy", &admitted, &gates)).unwrap(), admitted);
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let object = policy(&json!({
            "placement": {"spreadConstraints": [{"spreadByField": "region", "maxGroups": -1}]},
            "resourceSelectors": [{"apiVersion": "v1", "kind": "ConfigMap", "namespace": "b"}]
        }));
        let gates = FeatureGates::default();
        let denied = admit(&input("PropagationPolicy", &object, &gates)).unwrap_err();
        assert_eq!((denied.code, denied.causes.len()), (403, 3));
        assert!(
            denied
                .message
                .starts_with("admission webhook \"propagationpolicy.karmada.io\" denied the request: [")
        );
    }

    #[test]
    fn an_object_that_cannot_be_read_is_a_bad_request() {
        let object = policy(&json!({"resourceSelectors": "x"}));
        let gates = FeatureGates::default();
        assert_eq!(admit(&input("PropagationPolicy", &object, &gates)).unwrap_err().code, 400);
    }

    #[test]
    fn a_cluster_gets_grades_and_may_be_updated_without_a_resource_version() {
        let object = json!({"metadata": {"name": "m1"}, "spec": {"syncMode": "Push", "zone": "z"}});
        let gates = FeatureGates::default();
        let mut admitted = admit(&input("Cluster", &object, &gates)).unwrap();
        assert_eq!(admitted["spec"]["resourceModels"].as_array().map(Vec::len), Some(9));
        assert_eq!(admitted["spec"]["zones"], json!(["z"]));

        admitted["metadata"]["resourceVersion"] = "5".into();
        let mut changed = admitted.clone();
        changed["metadata"].as_object_mut().unwrap().remove("resourceVersion");
        let update = AdmissionInput {
            operation: Operation::Update,
            old_object: Some(&admitted),
            ..input("Cluster", &changed, &gates)
        };
        assert!(admit(&update).is_ok());
    }

    #[test]
    fn grades_written_differently_are_refused_as_upstream_does() {
        let range = |min: &str, max: &str| json!([{"name": "cpu", "min": min, "max": max}]);
        let object = json!({"metadata": {"name": "m1"}, "spec": {"syncMode": "Push", "resourceModels": [
            {"grade": 1, "ranges": range("0", "2000m")}, {"grade": 2, "ranges": range("2", "5")}
        ]}});
        let gates = FeatureGates::default();
        let denied = admit(&input("Cluster", &object, &gates)).unwrap_err();
        assert_eq!((denied.code, denied.reason), (422, "Invalid"));
    }

    #[test]
    fn other_kinds_and_subresources_pass_untouched() {
        let object = json!({"spec": 1});
        let gates = FeatureGates::default();
        assert_eq!(admit(&input("Unknown", &object, &gates)).unwrap(), object);
        let status = AdmissionInput { subresource: "status", ..input("Cluster", &object, &gates) };
        assert_eq!(admit(&status).unwrap(), object);
    }

    #[test]
    fn a_protected_object_is_not_deleted() {
        let stored =
            json!({"metadata": {"labels": {"resourcetemplate.karmada.io/deletion-protected": "Always"}}});
        let gates = FeatureGates::default();
        let delete = AdmissionInput {
            operation: Operation::Delete,
            old_object: Some(&stored),
            ..input("ConfigMap", &Value::Null, &gates)
        };
        assert_eq!(admit(&delete).unwrap_err().code, 403);
    }
}
