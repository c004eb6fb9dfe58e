//! Which fields of the built-in kinds are printed when they are empty.
//!
//! A typed server drops empty optional values unless the field is optional by reference, and prints a few fields
//! always. OpenAPI does not say which, so the exceptions are listed here, by definition.

use serde_json::{Value, json};

use super::schema::{Schema, SchemaType, WireRules};

/// Numbers and flags that disappear when zero. All others keep a zero that was given.
const DROPPED_WHEN_ZERO: &[(&str, &[&str])] = &[
    ("apps.v1.DaemonSetSpec", &["minReadySeconds"]),
    (
        "apps.v1.DaemonSetStatus",
        &["numberAvailable", "numberUnavailable", "observedGeneration", "updatedNumberScheduled"],
    ),
    ("apps.v1.DeploymentSpec", &["minReadySeconds", "paused"]),
    (
        "apps.v1.DeploymentStatus",
        &[
            "availableReplicas",
            "observedGeneration",
            "readyReplicas",
            "replicas",
            "unavailableReplicas",
            "updatedReplicas",
        ],
    ),
    ("apps.v1.ReplicaSetSpec", &["minReadySeconds"]),
    (
        "apps.v1.ReplicaSetStatus",
        &["availableReplicas", "fullyLabeledReplicas", "observedGeneration", "readyReplicas"],
    ),
    ("apps.v1.StatefulSetSpec", &["minReadySeconds"]),
    (
        "apps.v1.StatefulSetStatus",
        &["currentReplicas", "observedGeneration", "readyReplicas", "updatedReplicas"],
    ),
    ("authentication.v1.TokenReviewStatus", &["authenticated"]),
    ("authorization.v1.SubjectAccessReviewStatus", &["denied"]),
    ("autoscaling.v1.ScaleSpec", &["replicas"]),
    ("autoscaling.v2.HorizontalPodAutoscalerStatus", &["currentReplicas"]),
    ("batch.v1.JobStatus", &["active", "failed", "succeeded"]),
    ("core.v1.AWSElasticBlockStoreVolumeSource", &["partition", "readOnly"]),
    ("core.v1.Container", &["stdin", "stdinOnce", "tty"]),
    ("core.v1.EphemeralContainer", &["stdin", "stdinOnce", "tty"]),
    ("core.v1.ContainerImage", &["sizeBytes"]),
    ("core.v1.ContainerPort", &["hostPort"]),
    ("core.v1.ContainerStateTerminated", &["signal"]),
    ("core.v1.Event", &["count"]),
    ("core.v1.EventSeries", &["count"]),
    ("core.v1.GCEPersistentDiskVolumeSource", &["partition", "readOnly"]),
    ("core.v1.NodeSpec", &["unschedulable"]),
    ("core.v1.PodCondition", &["observedGeneration"]),
    ("core.v1.PodSpec", &["hostIPC", "hostNetwork", "hostPID"]),
    ("core.v1.PodStatus", &["observedGeneration"]),
    (
        "core.v1.Probe",
        &["failureThreshold", "initialDelaySeconds", "periodSeconds", "successThreshold", "timeoutSeconds"],
    ),
    ("core.v1.ReplicationControllerSpec", &["minReadySeconds"]),
    (
        "core.v1.ReplicationControllerStatus",
        &["availableReplicas", "fullyLabeledReplicas", "observedGeneration", "readyReplicas"],
    ),
    ("core.v1.ServicePort", &["nodePort"]),
    ("core.v1.ServiceSpec", &["healthCheckNodePort", "publishNotReadyAddresses"]),
    ("events.v1.Event", &["deprecatedCount"]),
    ("policy.v1.PodDisruptionBudgetStatus", &["observedGeneration"]),
    ("scheduling.v1.PriorityClass", &["globalDefault"]),
    ("meta.v1.ObjectMeta", &["generation"]),
    ("meta.v1.Condition", &["observedGeneration"]),
    ("apiregistration.v1.APIServiceSpec", &["insecureSkipTLSVerify"]),
    ("apiextensions.v1.CustomResourceColumnDefinition", &["priority"]),
    ("apiextensions.v1.CustomResourceDefinitionSpec", &["preserveUnknownFields"]),
    ("apiextensions.v1.CustomResourceDefinitionVersion", &["deprecated"]),
    (
        "apiextensions.v1.JSONSchemaProps",
        &[
            "exclusiveMaximum",
            "exclusiveMinimum",
            "uniqueItems",
            "nullable",
            "x-kubernetes-embedded-resource",
            "x-kubernetes-int-or-string",
        ],
    ),
    ("flowcontrol.v1.FlowSchemaSpec", &["matchingPrecedence"]),
    ("flowcontrol.v1.QueuingConfiguration", &["handSize", "queueLengthLimit", "queues"]),
    ("flowcontrol.v1.ResourcePolicyRule", &["clusterScope"]),
    ("networking.v1.ServiceBackendPort", &["number"]),
    ("resource.v1.DeviceSubRequest", &["count"]),
    ("resource.v1.ExactDeviceRequest", &["count"]),
    ("apiextensions.v1.CustomResourceDefinitionCondition", &["observedGeneration"]),
    ("apiextensions.v1.CustomResourceDefinitionStatus", &["observedGeneration"]),
];

/// Flags that disappear when false in every definition but [`KEPT_FLAGS`].
const DROPPED_FLAGS: &[&str] = &["readOnly", "chapAuthDiscovery", "chapAuthSession", "sslEnabled"];

/// Where a flag of [`DROPPED_FLAGS`] is optional by reference.
const KEPT_FLAGS: &[&str] = &["core.v1.AzureDiskVolumeSource", "core.v1.CSIVolumeSource"];

/// Strings that are optional by reference: an empty one stays.
const KEPT_STRINGS: &[(&str, &[&str])] = &[
    ("admissionregistration.v1.RuleWithOperations", &["scope"]),
    ("admissionregistration.v1.ServiceReference", &["path"]),
    ("admissionregistration.v1.WebhookClientConfig", &["url"]),
    ("batch.v1.CronJobSpec", &["timeZone"]),
    ("batch.v1.JobSpec", &["completionMode", "managedBy", "podReplacementPolicy"]),
    ("coordination.v1.LeaseSpec", &["holderIdentity", "preferredHolder", "strategy"]),
    ("core.v1.CSIVolumeSource", &["fsType"]),
    ("core.v1.EndpointAddress", &["nodeName"]),
    ("core.v1.EndpointPort", &["appProtocol"]),
    ("core.v1.GRPCAction", &["service"]),
    ("core.v1.HostPathVolumeSource", &["type"]),
    ("core.v1.PersistentVolumeClaimSpec", &["storageClassName", "volumeAttributesClassName", "volumeMode"]),
    ("core.v1.PersistentVolumeClaimStatus", &["currentVolumeAttributesClassName"]),
    ("core.v1.PersistentVolumeSpec", &["volumeAttributesClassName", "volumeMode"]),
    ("core.v1.PodDNSConfigOption", &["value"]),
    ("core.v1.PodSpec", &["hostnameOverride", "preemptionPolicy", "runtimeClassName"]),
    ("core.v1.ServicePort", &["appProtocol"]),
    (
        "core.v1.ServiceSpec",
        &["internalTrafficPolicy", "ipFamilyPolicy", "loadBalancerClass", "trafficDistribution"],
    ),
    ("core.v1.TypedLocalObjectReference", &["apiGroup"]),
    ("core.v1.TypedObjectReference", &["apiGroup", "namespace"]),
    ("core.v1.VolumeMount", &["mountPropagation", "recursiveReadOnly"]),
    ("discovery.v1.Endpoint", &["hostname", "nodeName", "zone"]),
    ("discovery.v1.EndpointPort", &["appProtocol", "name", "protocol"]),
    ("networking.v1.HTTPIngressPath", &["pathType"]),
    ("networking.v1.IngressClassParametersReference", &["apiGroup", "namespace", "scope"]),
    ("networking.v1.IngressSpec", &["ingressClassName"]),
    ("apiextensions.v1.WebhookClientConfig", &["url"]),
    ("apiextensions.v1.ServiceReference", &["path"]),
    ("apiextensions.v1.CustomResourceSubresourceScale", &["labelSelectorPath"]),
    ("apiextensions.v1.CustomResourceDefinitionVersion", &["deprecationWarning"]),
    ("apiextensions.v1.JSONSchemaProps", &["x-kubernetes-list-type", "x-kubernetes-map-type", "$ref"]),
    ("autoscaling.v2.HPAScalingRules", &["selectPolicy"]),
    ("batch.v1.JobStatus", &["failedIndexes"]),
    ("batch.v1.PodFailurePolicyOnExitCodesRequirement", &["containerName"]),
    ("batch.v1.SuccessPolicyRule", &["succeededIndexes"]),
    ("core.v1.AppArmorProfile", &["localhostProfile"]),
    ("core.v1.AzureDiskVolumeSource", &["cachingMode", "fsType", "kind"]),
    ("core.v1.AzureFilePersistentVolumeSource", &["secretNamespace"]),
    ("core.v1.ClusterTrustBundleProjection", &["name", "signerName"]),
    ("core.v1.Container", &["restartPolicy"]),
    ("core.v1.EphemeralContainer", &["restartPolicy"]),
    ("core.v1.GlusterfsPersistentVolumeSource", &["endpointsNamespace"]),
    ("core.v1.ISCSIPersistentVolumeSource", &["initiatorName"]),
    ("core.v1.ISCSIVolumeSource", &["initiatorName"]),
    ("core.v1.Lifecycle", &["stopSignal"]),
    ("core.v1.LoadBalancerIngress", &["ipMode"]),
    ("core.v1.LocalVolumeSource", &["fsType"]),
    ("core.v1.NodeRuntimeHandler", &["name"]),
    ("core.v1.PodResourceClaim", &["resourceClaimName", "resourceClaimTemplateName"]),
    ("core.v1.PodSchedulingGroup", &["podGroupName"]),
    (
        "core.v1.PodSecurityContext",
        &["fsGroupChangePolicy", "seLinuxChangePolicy", "supplementalGroupsPolicy"],
    ),
    ("core.v1.PortStatus", &["error"]),
    ("core.v1.SeccompProfile", &["localhostProfile"]),
    ("core.v1.SecurityContext", &["procMount"]),
    ("core.v1.TopologySpreadConstraint", &["nodeAffinityPolicy", "nodeTaintsPolicy"]),
    (
        "core.v1.WindowsSecurityContextOptions",
        &["gmsaCredentialSpec", "gmsaCredentialSpecName", "runAsUserName"],
    ),
    ("networking.v1.IngressPortStatus", &["error"]),
    ("networking.v1.NetworkPolicyPort", &["protocol"]),
    ("policy.v1.PodDisruptionBudgetSpec", &["unhealthyPodEvictionPolicy"]),
    ("resource.v1.AllocatedDeviceStatus", &["shareID"]),
    ("resource.v1.Device", &["nodeName"]),
    ("resource.v1.DeviceAttribute", &["string", "version"]),
    ("resource.v1.DeviceClassSpec", &["extendedResourceName"]),
    ("resource.v1.DeviceConstraint", &["distinctAttribute", "matchAttribute"]),
    ("resource.v1.DeviceRequestAllocationResult", &["shareID"]),
    ("resource.v1.NodeAllocatableResourceMapping", &["capacityKey"]),
    ("resource.v1.ResourceSliceSpec", &["nodeName"]),
    ("scheduling.v1.PriorityClass", &["preemptionPolicy"]),
    ("storage.v1.CSIDriverSpec", &["fsGroupPolicy"]),
    ("storage.v1.StorageClass", &["reclaimPolicy", "volumeBindingMode"]),
    ("storage.v1.VolumeAttachmentSource", &["persistentVolumeName"]),
    ("apiextensions.v1.ValidationRule", &["reason"]),
];

/// Lists and maps that keep an empty value.
const KEPT_COLLECTIONS: &[(&str, &[&str])] = &[
    ("core.v1.NodeSelector", &["nodeSelectorTerms"]),
    ("apiextensions.v1.CustomResourceDefinitionStatus", &["conditions", "storedVersions"]),
    ("apiextensions.v1.CustomResourceDefinitionSpec", &["versions"]),
    ("autoscaling.v2.HPAScalingRules", &["policies"]),
];

/// Returns the rules of a definition.
pub(super) fn rules(definition: &str, schema: &Schema) -> WireRules {
    let name = short_name(definition);
    let structure = name.rsplit('.').next().unwrap_or(name).to_owned();
    let mut rules = WireRules { structure, emitted: emitted(name, schema), ..WireRules::default() };
    let dropped = listed(DROPPED_WHEN_ZERO, name);
    let strings = listed(KEPT_STRINGS, name);
    let collections = listed(KEPT_COLLECTIONS, name);
    for (field, node) in &schema.properties {
        let keeps = match node.schema_type {
            SchemaType::Boolean | SchemaType::Integer | SchemaType::Number => {
                let flag = DROPPED_FLAGS.contains(&field.as_str()) && !KEPT_FLAGS.contains(&name);
                !flag && !dropped.contains(&field.as_str())
            }
            SchemaType::String => strings.contains(&field.as_str()) || schema.required.contains(field),
            SchemaType::IntOrString => true,
            SchemaType::Array => collections.contains(&field.as_str()),
            // A reference to a structure stays, even an empty one; a map does not.
            SchemaType::Object => !node.properties.is_empty() || node.preserve_unknown,
            SchemaType::Any => true,
        };
        // An empty list prints as the null that an absent one prints as.
        let prints_null = rules.emitted.get(field).is_some_and(Value::is_null);
        if keeps || (rules.emitted.contains_key(field) && !prints_null) {
            rules.kept.insert(field.clone());
        }
    }
    rules
}

fn emitted(name: &str, schema: &Schema) -> std::collections::BTreeMap<String, Value> {
    let mut emitted = std::collections::BTreeMap::new();
    let is_kind = schema.properties.contains_key("apiVersion") && schema.properties.contains_key("kind");
    if is_kind && schema.properties.contains_key("metadata") {
        emitted.insert("metadata".to_owned(), json!({}));
        if schema.properties.contains_key("status") && name != "core.v1.Namespace" {
            emitted.insert("status".to_owned(), json!({}));
        }
        if schema.properties.contains_key("spec") {
            emitted.insert("spec".to_owned(), json!({}));
        }
    }
    let extra = match name {
        "apps.v1.DaemonSetStatus" => json!({
            "currentNumberScheduled": 0, "desiredNumberScheduled": 0, "numberMisscheduled": 0, "numberReady": 0
        }),
        "apps.v1.DaemonSetSpec" => json!({"updateStrategy": {}, "template": {}}),
        "apps.v1.DeploymentSpec" => json!({"strategy": {}, "template": {}}),
        "apps.v1.ReplicaSetSpec" => json!({"template": {}}),
        "apps.v1.ReplicaSetStatus" | "core.v1.ReplicationControllerStatus" | "autoscaling.v1.ScaleStatus" => {
            json!({"replicas": 0})
        }
        "apps.v1.StatefulSetOrdinals" => json!({"start": 0}),
        "apps.v1.StatefulSetSpec" => json!({"serviceName": "", "template": {}, "updateStrategy": {}}),
        "apps.v1.StatefulSetStatus" => json!({"replicas": 0, "availableReplicas": 0}),
        "apps.v1.ControllerRevision" => json!({"revision": 0}),
        "authentication.v1.TokenReviewStatus" => json!({"user": {}}),
        "authentication.v1.TokenRequestSpec" => json!({"audiences": null, "boundObjectRef": null}),
        "authorization.v1.SubjectAccessReviewStatus" => json!({"allowed": false}),
        "authorization.v1.SubjectRulesReviewStatus" => {
            json!({"incomplete": false, "nonResourceRules": null, "resourceRules": null})
        }
        "autoscaling.v1.HorizontalPodAutoscalerStatus" => json!({"currentReplicas": 0, "desiredReplicas": 0}),
        "autoscaling.v2.HorizontalPodAutoscalerStatus" => {
            json!({"desiredReplicas": 0, "currentMetrics": null})
        }
        "autoscaling.v2.HorizontalPodAutoscalerCondition" => json!({"lastTransitionTime": null}),
        "batch.v1.CronJobSpec" => json!({"jobTemplate": {}}),
        "batch.v1.JobSpec" => json!({"template": {}}),
        "batch.v1.JobTemplateSpec" => json!({"metadata": {}, "spec": {}}),
        "core.v1.Container" | "core.v1.EphemeralContainer" => json!({"resources": {}}),
        "core.v1.ContainerStatus" => json!({
            "image": "", "imageID": "", "lastState": {}, "ready": false, "restartCount": 0, "state": {}
        }),
        "core.v1.Event" => json!({
            "eventTime": null, "firstTimestamp": null, "lastTimestamp": null, "reportingComponent": "",
            "reportingInstance": "", "source": {}
        }),
        "core.v1.HTTPHeader" | "core.v1.Sysctl" => json!({"name": "", "value": ""}),
        "core.v1.NodeAddress" => json!({"address": "", "type": ""}),
        "core.v1.PreferredSchedulingTerm" => json!({"preference": {}}),
        "core.v1.ProjectedVolumeSource" => json!({"sources": null}),
        "discovery.v1.ForZone" | "discovery.v1.ForNode" => json!({"name": ""}),
        "storage.v1.CSINodeDriver" => json!({"topologyKeys": null}),
        "storage.v1.TokenRequest" => json!({"audience": ""}),
        "events.v1.Event" => json!({"eventTime": null}),
        "core.v1.LimitRangeSpec" => json!({"limits": null}),
        "core.v1.ContainerStateRunning" => json!({"startedAt": null}),
        "core.v1.ContainerStateTerminated" => json!({"exitCode": 0, "startedAt": null, "finishedAt": null}),
        "apps.v1.DeploymentCondition" | "certificates.v1.CertificateSigningRequestCondition" => {
            json!({"lastUpdateTime": null, "lastTransitionTime": null})
        }
        "apps.v1.DaemonSetCondition"
        | "apps.v1.ReplicaSetCondition"
        | "apps.v1.StatefulSetCondition"
        | "core.v1.ReplicationControllerCondition"
        | "apiregistration.v1.APIServiceCondition"
        | "flowcontrol.v1.FlowSchemaCondition"
        | "flowcontrol.v1.PriorityLevelConfigurationCondition"
        | "meta.v1.Condition" => json!({"lastTransitionTime": null}),
        "batch.v1.JobCondition" | "core.v1.PersistentVolumeClaimCondition" => {
            json!({"lastProbeTime": null, "lastTransitionTime": null})
        }
        "core.v1.NodeCondition" => json!({"lastHeartbeatTime": null, "lastTransitionTime": null}),
        "core.v1.NodeDaemonEndpoints" => json!({"kubeletEndpoint": {}}),
        "core.v1.DaemonEndpoint" => json!({"Port": 0}),
        "core.v1.NodeStatus" => json!({"daemonEndpoints": {}, "nodeInfo": {}}),
        "core.v1.NodeSystemInfo" => json!({
            "architecture": "", "bootID": "", "containerRuntimeVersion": "", "kernelVersion": "",
            "kubeProxyVersion": "", "kubeletVersion": "", "machineID": "", "operatingSystem": "", "osImage": "",
            "systemUUID": ""
        }),
        "core.v1.Namespace" => json!({"spec": {}, "status": {}}),
        "core.v1.NamespaceCondition" => json!({"lastTransitionTime": null}),
        "core.v1.PersistentVolumeClaimSpec" => json!({"resources": {}}),
        "core.v1.PersistentVolumeClaimTemplate" => json!({"spec": {}}),
        "core.v1.PodCondition" => json!({"lastProbeTime": null, "lastTransitionTime": null}),
        "core.v1.PodSpec" => json!({"containers": null}),
        "core.v1.PodTemplate" => json!({"template": {}}),
        "core.v1.PodTemplateSpec" => json!({"metadata": {}, "spec": {}}),
        "core.v1.ServicePort" => json!({"targetPort": 0}),
        "core.v1.ServiceStatus" | "networking.v1.IngressStatus" => json!({"loadBalancer": {}}),
        "core.v1.TypedLocalObjectReference" | "core.v1.TypedObjectReference" => json!({"apiGroup": null}),
        "discovery.v1.EndpointSlice" => json!({"endpoints": null, "ports": null}),
        "discovery.v1.Endpoint" => json!({"conditions": {}}),
        "networking.v1.NetworkPolicySpec" => json!({"podSelector": {}}),
        "policy.v1.PodDisruptionBudgetStatus" => json!({
            "currentHealthy": 0, "desiredHealthy": 0, "disruptionsAllowed": 0, "expectedPods": 0
        }),
        "rbac.v1.Role" | "rbac.v1.ClusterRole" => json!({"rules": null}),
        "rbac.v1.PolicyRule" => json!({"verbs": null}),
        "scheduling.v1.PriorityClass" => json!({"value": 0}),
        "storage.v1.VolumeAttachmentStatus" => json!({"attached": false}),
        "storage.v1.CSINodeSpec" => json!({"drivers": null}),
        "admissionregistration.v1.ValidatingWebhook" | "admissionregistration.v1.MutatingWebhook" => {
            json!({"clientConfig": {}})
        }
        "apiregistration.v1.APIServiceSpec" => json!({"groupPriorityMinimum": 0, "versionPriority": 0}),
        "apiextensions.v1.CustomResourceDefinitionStatus" => {
            json!({"acceptedNames": {}, "conditions": null, "storedVersions": null})
        }
        "apiextensions.v1.CustomResourceDefinitionNames" => json!({"kind": "", "plural": ""}),
        "apiextensions.v1.CustomResourceDefinitionCondition" => json!({"lastTransitionTime": null}),
        "apiextensions.v1.CustomResourceDefinitionVersion" => json!({"served": false, "storage": false}),
        _ => json!({}),
    };
    for (field, value) in extra.as_object().into_iter().flatten() {
        emitted.insert(field.clone(), value.clone());
    }
    emitted.retain(|field, _| schema.properties.contains_key(field));
    emitted
}

fn listed<'a>(table: &[(&str, &'a [&'a str])], name: &str) -> &'a [&'a str] {
    table.iter().find(|(definition, _)| *definition == name).map_or(&[], |(_, fields)| fields)
}

/// Cuts `io.k8s.api.core.v1.Pod` to `core.v1.Pod`, and other packages alike.
fn short_name(definition: &str) -> &str {
    let mut dots = definition.rmatch_indices('.').map(|(index, _)| index);
    dots.nth(2).map_or(definition, |index| &definition[index + 1..])
}

#[cfg(test)]
mod tests {
    use super::super::definitions;
    use super::*;

    #[test]
    fn names_only_fields_that_exist() {
        let packages = [
            "io.k8s.api.",
            "io.k8s.apimachinery.pkg.apis.",
            "io.k8s.kube-aggregator.pkg.apis.",
            "io.k8s.apiextensions-apiserver.pkg.apis.",
        ];
        for (definition, fields) in [DROPPED_WHEN_ZERO, KEPT_STRINGS, KEPT_COLLECTIONS].concat() {
            let known = |field: &&str| {
                packages.iter().any(|package| {
                    definitions::schema(&format!("{package}{definition}")).properties.contains_key(*field)
                })
            };
            let unknown: Vec<&&str> = fields.iter().filter(|field| !known(field)).collect();
            assert!(unknown.is_empty(), "{definition}: {unknown:?}");
        }
    }

    #[test]
    fn keeps_a_false_by_reference_and_drops_a_plain_one() {
        let pod_spec = definitions::schema("io.k8s.api.core.v1.PodSpec");
        let rules = pod_spec.wire.as_ref().unwrap();
        assert!(rules.kept.contains("enableServiceLinks"));
        assert!(!rules.kept.contains("hostNetwork"));
    }
}
