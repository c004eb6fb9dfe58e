//! From a resource to the rules of its kind.

use serde_json::{Value, json};

use super::super::crd;
use super::super::field_error::FieldError;
use super::super::prepare::{PrepareContext, PrepareError};
use super::super::resource::Resource;
use super::fields::{child, default, remove, remove_all};
use super::{
    admission_policy, autoscaling, certificate, config, endpoint_checks, event, job, job_status, network,
    node, pod, pod_checks, pod_spec, policy, quota_checks, rbac, scheduling, service, service_allocation,
    status_checks, storage, webhook, workload,
};

/// Kinds whose `metadata.generation` counts changes of what is wanted.
const WITH_GENERATION: &[&str] = &[
    "CronJob",
    "CustomResourceDefinition",
    "DaemonSet",
    "DeviceClass",
    "Deployment",
    "EndpointSlice",
    "FlowSchema",
    "Ingress",
    "IngressClass",
    "Job",
    "MutatingAdmissionPolicy",
    "MutatingAdmissionPolicyBinding",
    "MutatingWebhookConfiguration",
    "NetworkPolicy",
    "Pod",
    "PodDisruptionBudget",
    "PodTemplate",
    "PriorityClass",
    "PriorityLevelConfiguration",
    "ReplicaSet",
    "ReplicationController",
    "ResourceSlice",
    "StatefulSet",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "ValidatingWebhookConfiguration",
];

/// Built-in kinds that may not be replaced without naming the revision the change is based on.
const CONDITIONAL_ONLY: &[&str] = &[
    "APIService",
    "CSIDriver",
    "CSINode",
    "CSIStorageCapacity",
    "CustomResourceDefinition",
    "Lease",
    "MutatingAdmissionPolicy",
    "MutatingAdmissionPolicyBinding",
    "MutatingWebhookConfiguration",
    "PodDisruptionBudget",
    "RuntimeClass",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "ValidatingWebhookConfiguration",
    "VolumeAttachment",
];

/// Whether a replacing write has to name a revision.
pub(in super::super) fn needs_revision(resource: &Resource) -> bool {
    resource.is_custom() || CONDITIONAL_ONLY.contains(&resource.kind.as_str())
}

/// Fills in what the kind defaults.
pub(in super::super) fn apply_defaults(resource: &Resource, object: &mut Value) {
    match resource.kind.as_str() {
        "ClusterRoleBinding" | "RoleBinding" => rbac::default_binding(object),
        "CronJob" => job::default_cron_job(object),
        "CSIDriver" => storage::default_driver(object),
        "CustomResourceDefinition" => crd::apply_defaults(object),
        "DaemonSet" => workload::default_daemon_set(object),
        "Deployment" => workload::default_deployment(object),
        "EndpointSlice" => network::default_endpoint_slice(object),
        "Endpoints" => network::default_endpoints(object),
        "HorizontalPodAutoscaler" => autoscaling::apply_defaults(&resource.version, object),
        "IngressClass" => network::default_ingress_class(object),
        "Job" => job::default_job(object),
        "LimitRange" => config::default_limit_range(object),
        "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration" => {
            webhook::default_configuration(&resource.kind, object);
        }
        "APIService" => webhook::default_api_service(object),
        "ValidatingAdmissionPolicy" | "MutatingAdmissionPolicy" => admission_policy::default_policy(object),
        "ValidatingAdmissionPolicyBinding" | "MutatingAdmissionPolicyBinding" => {
            admission_policy::default_binding(object);
        }
        "Namespace" => config::default_namespace(object),
        "NetworkPolicy" => network::default_network_policy(object),
        "Event" => event::apply_defaults(&resource.group, object),
        "Node" => node::apply_defaults(object),
        "PersistentVolume" => storage::default_volume(object),
        "PersistentVolumeClaim" => storage::default_claim(object),
        "Pod" => pod::apply_defaults(object),
        "PodTemplate" => pod_spec::default_template(object),
        "PriorityClass" => scheduling::default_priority_class(object),
        "ReplicaSet" => workload::default_replica_set(object),
        "ReplicationController" => workload::default_replication_controller(object),
        "Secret" => config::default_secret(object),
        "Service" => service::apply_defaults(object),
        "StatefulSet" => workload::default_stateful_set(object),
        "StorageClass" => storage::default_storage_class(object),
        _ => {}
    }
}

/// Fills in what is not stored.
pub(in super::super) fn default_on_read(resource: &Resource, object: &mut Value) {
    if resource.kind == "PersistentVolumeClaim"
        && let Some(status) = child(object, "status")
    {
        default(status, "phase", "Pending");
    }
}

/// Whether the kind counts generations.
pub(in super::super) fn has_generation(resource: &Resource) -> bool {
    resource.is_custom() || WITH_GENERATION.contains(&resource.kind.as_str())
}

/// Whether the kind counts changes; some begin with the first of them.
pub(in super::super) fn counts_changes(resource: &Resource) -> bool {
    has_generation(resource) || resource.kind == "CSIDriver"
}

/// Whether a change makes a new generation.
pub(in super::super) fn spec_changed(resource: &Resource, new: &Value, old: &Value) -> bool {
    let without = |object: &Value, fields: &[&str]| {
        let mut object = object.clone();
        remove_all(&mut object, fields);
        object
    };
    if resource.is_custom() {
        let ignored: &[&str] =
            if resource.status_subresource { &["metadata", "status"] } else { &["metadata"] };
        return without(new, ignored) != without(old, ignored);
    }
    match resource.kind.as_str() {
        "PriorityClass" => false,
        "Deployment" => new["spec"] != old["spec"] || workload::annotations_changed(new, old),
        "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration" => {
            new["webhooks"] != old["webhooks"]
        }
        "EndpointSlice" => {
            without(new, &["metadata"]) != without(old, &["metadata"])
                || new["metadata"]["labels"] != old["metadata"]["labels"]
        }
        _ => new["spec"] != old["spec"],
    }
}

/// Sets the status of a new object, or keeps that of the old one.
pub(in super::super) fn prepare_status(
    resource: &Resource,
    object: &mut Value,
    old: Option<&Value>,
    now: &str,
) {
    let has_status = resource.status_subresource;
    if !has_status || (resource.kind == "Node" && old.is_none()) {
        return;
    }
    if let Some(old) = old {
        match old.get("status") {
            Some(status) => object["status"] = status.clone(),
            None => remove(object, "status"),
        }
        return;
    }
    if resource.is_custom() {
        remove(object, "status");
        return;
    }
    object["status"] = match resource.kind.as_str() {
        "Namespace" => json!({"phase": "Active"}),
        "Pod" => json!({"phase": "Pending"}),
        "PersistentVolume" => json!({"phase": "Pending", "lastPhaseTransitionTime": now}),
        "CustomResourceDefinition" => crd::initial_status(object),
        // What this server serves itself is there.
        "APIService" if object["spec"]["service"].is_null() => json!({"conditions": [{"type": "Available",
            "status": "True", "lastTransitionTime": now, "reason": "Local",
            "message": "Local APIServices are always available"}]}),
        _ => json!({}),
    };
}

/// Applies the built-in admission that mutating webhooks see the result of.
pub(in super::super) fn admit_early(
    resource: &Resource,
    object: &mut Value,
    old: Option<&Value>,
    context: &PrepareContext<'_>,
) -> Result<(), PrepareError> {
    match resource.kind.as_str() {
        "PersistentVolumeClaim" => storage::admit_claim(object, old, context),
        "Pod" => pod::admit_early(object, old, context)?,
        _ => {}
    }
    Ok(())
}

/// Applies built-in admission and what the kind does before it is stored.
pub(in super::super) fn admit(
    resource: &Resource,
    object: &mut Value,
    old: Option<&Value>,
    context: &PrepareContext<'_>,
) -> Result<Vec<FieldError>, PrepareError> {
    match resource.kind.as_str() {
        "CustomResourceDefinition" if old.is_some() => crd::note_storage_version(object),
        "EndpointSlice" => network::admit_endpoint_slice(object),
        "DaemonSet" => workload::admit_daemon_set(object, old),
        "Job" if old.is_none() => job::admit_job(object),
        "Lease" => config::admit_lease(object),
        "Namespace" => config::admit_namespace(object, old),
        "Node" if old.is_none() => config::admit_node(object),
        "PersistentVolumeClaim" => storage::admit_claim(object, old, context),
        "Pod" => pod::admit(object, old, context)?,
        "StatefulSet" => workload::admit_stateful_set(object),
        "Service" => {
            service::normalise(object, old);
            let errors = service::validate(object, old);
            // Addresses are given out last, to a service that is valid otherwise.
            if errors.is_empty() {
                return Ok(service_allocation::allocate(object, old, context));
            }
        }
        _ => {}
    }
    Ok(Vec::new())
}

/// Returns what is wrong with an object of a built-in kind, or with a change of it.
pub(in super::super) fn validate(
    resource: &Resource,
    object: &Value,
    old: Option<&Value>,
) -> Vec<FieldError> {
    let kind = resource.kind.as_str();
    match kind {
        "CertificateSigningRequest" => certificate::validate(object, old),
        "ClusterRole" | "Role" => rbac::validate_role(kind, object),
        "ClusterRoleBinding" | "RoleBinding" => rbac::validate_binding(kind, object, old),
        "ConfigMap" | "Secret" => config::validate_data(kind, object, old),
        "CronJob" => job::validate_cron_job(object),
        "CustomResourceDefinition" => crd::validate(object, old),
        "DaemonSet" | "Deployment" | "ReplicaSet" | "ReplicationController" | "StatefulSet" => {
            workload::validate(kind, object, old)
        }
        "Endpoints" => endpoint_checks::validate_endpoints(object),
        "EndpointSlice" => endpoint_checks::validate_endpoint_slice(object, old),
        "IPAddress" => network::validate_address(object, old),
        "IngressClass" => network::validate_ingress_class(object, old),
        "ServiceCIDR" => network::validate_service_range(object),
        "HorizontalPodAutoscaler" => autoscaling::validate(&resource.version, object),
        "Ingress" => network::validate_ingress(object),
        "Job" => job::validate_job(object, old),
        "Lease" => config::validate_lease(object),
        "LimitRange" => config::validate_limit_range(object),
        "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration" => {
            webhook::validate_configuration(object)
        }
        "APIService" => webhook::validate_api_service(object),
        "ValidatingAdmissionPolicy" => admission_policy::validate_policy(object),
        "ValidatingAdmissionPolicyBinding" => admission_policy::validate_binding(object),
        "Namespace" => config::validate_namespace(object),
        "NetworkPolicy" => network::validate_network_policy(object),
        "CSIDriver" => storage::validate_driver(object, old),
        "CSINode" => storage::validate_node_drivers(object, old),
        "CSIStorageCapacity" => storage::validate_capacity(object, old),
        "ControllerRevision" => workload::validate_revision(object, old),
        "Event" => event::validate(&resource.group, object, old),
        "Node" => node::validate(object, old),
        "PersistentVolume" => storage::validate_volume(object, old),
        "PersistentVolumeClaim" => storage::validate_claim(object, old),
        "Pod" => match old {
            Some(old) => pod::validate_update(object, old),
            None => pod::validate(object),
        },
        "PodDisruptionBudget" => policy::validate(object),
        "PriorityClass" => scheduling::validate_priority_class(object, old),
        "Service" => service::validate(object, old),
        "PodTemplate" => {
            let mut errors = Vec::new();
            pod_checks::validate_template(object, "", &mut errors);
            errors
        }
        "ResourceQuota" => quota_checks::validate(object, old),
        "RuntimeClass" => scheduling::validate_runtime_class(object, old),
        "StorageClass" => storage::validate_storage_class(object, old),
        "VolumeAttachment" => storage::validate_attachment(object, old),
        "VolumeAttributesClass" => storage::validate_attributes_class(object, old),
        _ => Vec::new(),
    }
}

/// Returns what is wrong with the status of an object of a built-in kind.
pub(in super::super) fn validate_status(resource: &Resource, object: &Value, old: &Value) -> Vec<FieldError> {
    match resource.kind.as_str() {
        "Job" => job_status::validate(object, old),
        kind => status_checks::validate(kind, object),
    }
}

/// Fills in what follows from a change of the status.
pub(in super::super) fn complete_status(resource: &Resource, object: &mut Value, old: &Value, now: &str) {
    if resource.kind == "PersistentVolume" {
        storage::note_phase_change(object, old, now);
    }
}
