//! The names, columns and subresources of every kind.

use serde_json::Value;

use super::definition::{AGE, Column, Definition, Version};
use crate::api::{
    apps::WorkloadRebalancer,
    autoscaling::{CronFederatedHPA, FederatedHPA},
    cluster::Cluster,
    config::{ResourceInterpreterCustomization, ResourceInterpreterWebhookConfiguration},
    multicluster::{ServiceExport, ServiceImport},
    networking::{MultiClusterIngress, MultiClusterService},
    policy::{
        ClusterOverridePolicy, ClusterPropagationPolicy, ClusterTaintPolicy, FederatedResourceQuota,
        OverridePolicy, PropagationPolicy,
    },
    remedy::Remedy,
    work::{ClusterResourceBinding, ResourceBinding, Work, v1alpha1},
};

const POLICY_COLUMNS: &[Column] = &[
    ("CONFLICT-RESOLUTION", "string", ".spec.conflictResolution"),
    ("PRIORITY", "string", ".spec.priority"),
    AGE,
];
const BINDING_COLUMNS: &[Column] = &[
    ("SCHEDULED", "string", ".status.conditions[?(@.type==\"Scheduled\")].status"),
    ("FULLYAPPLIED", "string", ".status.conditions[?(@.type==\"FullyApplied\")].status"),
    AGE,
];
const SCALE_TARGET_COLUMNS: &[Column] = &[
    ("REFERENCE-KIND", "string", ".spec.scaleTargetRef.kind"),
    ("REFERENCE-NAME", "string", ".spec.scaleTargetRef.name"),
];
/// The age as kinds of other origin call it.
const AGE_IN_LOWER_CASE: Column = ("Age", AGE.1, AGE.2);

/// Generates the CustomResourceDefinition of every kind, sorted by name.
///
/// Programs take [`crds`](super::crds). Names, columns and schemas are upstream's; the descriptions are those of the types here. Cluster, which
/// upstream serves by an aggregated API server, is among them as a definition of its own.
pub fn generate_crds() -> Vec<Value> {
    let definitions = [
        policy_definitions(),
        work_definitions(),
        config_definitions(),
        networking_definitions(),
        autoscaling_definitions(),
        cluster_definitions(),
    ];
    let mut definitions: Vec<_> = definitions.into_iter().flatten().map(Definition::build).collect();
    definitions.sort_by(|a, b| a["metadata"]["name"].as_str().cmp(&b["metadata"]["name"].as_str()));
    definitions
}

fn policy_definitions() -> Vec<Definition> {
    let propagation = |version: Version| version.columns(POLICY_COLUMNS).without_subresources();
    vec![
        Definition::namespaced::<PropagationPolicy>(propagation(Version::of::<PropagationPolicy>()))
            .short_name("pp")
            .in_category(),
        Definition::cluster_wide::<ClusterPropagationPolicy>(propagation(Version::of::<
            ClusterPropagationPolicy,
        >()))
        .short_name("cpp")
        .in_category(),
        Definition::namespaced::<OverridePolicy>(Version::of::<OverridePolicy>())
            .short_name("op")
            .in_category(),
        Definition::cluster_wide::<ClusterOverridePolicy>(Version::of::<ClusterOverridePolicy>())
            .short_name("cop")
            .in_category(),
        Definition::namespaced::<FederatedResourceQuota>(
            Version::of::<FederatedResourceQuota>()
                .columns(&[
                    ("OVERALL", "string", ".status.overall"),
                    ("OVERALL_USED", "string", ".status.overallUsed"),
                ])
                .with_status(),
        )
        .in_category(),
        Definition::cluster_wide::<ClusterTaintPolicy>(Version::of::<ClusterTaintPolicy>()),
    ]
}

fn work_definitions() -> Vec<Definition> {
    let binding = |version: Version| version.columns(BINDING_COLUMNS).with_status();
    vec![
        Definition::namespaced::<Work>(
            Version::of::<Work>()
                .columns(&[
                    ("WORKLOAD-KIND", "string", ".spec.workload.manifests[*].kind"),
                    ("APPLIED", "string", ".status.conditions[?(@.type==\"Applied\")].status"),
                    AGE,
                ])
                .with_status(),
        )
        .short_name("wk")
        .in_category(),
        Definition::namespaced::<ResourceBinding>(binding(Version::of::<ResourceBinding>()))
            .older_version(Version::of::<v1alpha1::ResourceBinding>().with_status())
            .short_name("rb")
            .in_category(),
        Definition::cluster_wide::<ClusterResourceBinding>(binding(Version::of::<ClusterResourceBinding>()))
            .older_version(Version::of::<v1alpha1::ClusterResourceBinding>().with_status())
            .short_name("crb")
            .in_category(),
    ]
}

fn config_definitions() -> Vec<Definition> {
    vec![
        Definition::cluster_wide::<ResourceInterpreterCustomization>(
            Version::of::<ResourceInterpreterCustomization>()
                .columns(&[
                    ("TARGET-API-VERSION", "string", ".spec.target.apiVersion"),
                    ("TARGET-KIND", "string", ".spec.target.kind"),
                    AGE,
                ])
                .without_subresources(),
        )
        .short_name("ric")
        .in_category(),
        Definition::cluster_wide::<ResourceInterpreterWebhookConfiguration>(Version::of::<
            ResourceInterpreterWebhookConfiguration,
        >())
        .in_category(),
    ]
}

fn networking_definitions() -> Vec<Definition> {
    vec![
        Definition::namespaced::<MultiClusterService>(Version::of::<MultiClusterService>().with_status())
            .short_name("mcs")
            .in_category(),
        Definition::namespaced::<MultiClusterIngress>(
            Version::of::<MultiClusterIngress>().with_optional_spec().with_status(),
        )
        .short_name("mci")
        .in_category(),
        Definition::namespaced::<ServiceExport>(
            Version::of::<ServiceExport>().columns(&[AGE_IN_LOWER_CASE]).with_status(),
        )
        .short_name("svcex"),
        Definition::namespaced::<ServiceImport>(
            Version::of::<ServiceImport>()
                .with_optional_spec()
                .columns(&[
                    ("Type", "string", ".spec.type"),
                    ("IP", "string", ".spec.ips"),
                    AGE_IN_LOWER_CASE,
                ])
                .with_status(),
        )
        .short_name("svcim"),
    ]
}

fn autoscaling_definitions() -> Vec<Definition> {
    vec![
        Definition::namespaced::<FederatedHPA>(
            Version::of::<FederatedHPA>()
                .columns(SCALE_TARGET_COLUMNS)
                .columns(&[
                    ("MINPODS", "integer", ".spec.minReplicas"),
                    ("MAXPODS", "integer", ".spec.maxReplicas"),
                    ("REPLICAS", "integer", ".status.currentReplicas"),
                    AGE,
                ])
                .with_status(),
        )
        .short_name("fhpa")
        .in_category(),
        Definition::namespaced::<CronFederatedHPA>(
            Version::of::<CronFederatedHPA>().columns(SCALE_TARGET_COLUMNS).columns(&[AGE]).with_status(),
        )
        .short_name("cronfhpa")
        .in_category(),
        Definition::cluster_wide::<WorkloadRebalancer>(Version::of::<WorkloadRebalancer>().with_status()),
    ]
}

fn cluster_definitions() -> Vec<Definition> {
    vec![
        Definition::cluster_wide::<Cluster>(
            Version::of::<Cluster>()
                .columns(&[
                    ("Version", "string", ".status.kubernetesVersion"),
                    ("Mode", "string", ".spec.syncMode"),
                    ("Ready", "string", ".status.conditions[?(@.type==\"Ready\")].status"),
                    AGE_IN_LOWER_CASE,
                ])
                .wide_columns(&[
                    ("Zones", "string", ".spec.zones"),
                    ("Region", "string", ".spec.region"),
                    ("Provider", "string", ".spec.provider"),
                    ("API-Endpoint", "string", ".spec.apiEndpoint"),
                    ("Proxy-URL", "string", ".spec.proxyURL"),
                ])
                .with_status(),
        ),
        Definition::cluster_wide::<Remedy>(Version::of::<Remedy>()).in_category(),
    ]
}
