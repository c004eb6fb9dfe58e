//! Which kinds there are, and whether they are namespaced.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::object;

/// Whether objects of a kind are in namespaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    Namespaced,
    Cluster,
}

/// What is known of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Knowledge {
    /// It is served.
    Served { scope: Scope, counts_generations: bool },
    /// It is served, but objects are kept in another version of the group.
    KeptAs { scope: Scope, version: &'static str },
    /// Its group is Kubernetes' or Karmada's own and has no such kind or version.
    Absent { suggestion: Option<String> },
    /// Nobody has told of it.
    Unknown,
}

/// Kinds of Kubernetes that are kept and can be watched: group and version, namespaced, cluster-scoped.
const BUILT_IN: &[(&str, &[&str], &[&str])] = &[
    (
        "v1",
        &[
            "ConfigMap",
            "Endpoints",
            "Event",
            "LimitRange",
            "PersistentVolumeClaim",
            "Pod",
            "PodTemplate",
            "ReplicationController",
            "ResourceQuota",
            "Secret",
            "Service",
            "ServiceAccount",
        ],
        &["Namespace", "Node", "PersistentVolume"],
    ),
    (
        "admissionregistration.k8s.io/v1",
        &[],
        &[
            "MutatingAdmissionPolicy",
            "MutatingAdmissionPolicyBinding",
            "MutatingWebhookConfiguration",
            "ValidatingAdmissionPolicy",
            "ValidatingAdmissionPolicyBinding",
            "ValidatingWebhookConfiguration",
        ],
    ),
    ("apiextensions.k8s.io/v1", &[], &["CustomResourceDefinition"]),
    ("apiregistration.k8s.io/v1", &[], &["APIService"]),
    ("apps/v1", &["ControllerRevision", "DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"], &[]),
    ("autoscaling/v2", &["HorizontalPodAutoscaler"], &[]),
    ("batch/v1", &["CronJob", "Job"], &[]),
    ("certificates.k8s.io/v1", &[], &["CertificateSigningRequest"]),
    ("coordination.k8s.io/v1", &["Lease"], &[]),
    ("discovery.k8s.io/v1", &["EndpointSlice"], &[]),
    ("events.k8s.io/v1", &["Event"], &[]),
    ("flowcontrol.apiserver.k8s.io/v1", &[], &["FlowSchema", "PriorityLevelConfiguration"]),
    ("networking.k8s.io/v1", &["Ingress", "NetworkPolicy"], &["IPAddress", "IngressClass", "ServiceCIDR"]),
    ("node.k8s.io/v1", &[], &["RuntimeClass"]),
    ("policy/v1", &["PodDisruptionBudget"], &[]),
    ("rbac.authorization.k8s.io/v1", &["Role", "RoleBinding"], &["ClusterRole", "ClusterRoleBinding"]),
    ("resource.k8s.io/v1", &["ResourceClaim", "ResourceClaimTemplate"], &["DeviceClass", "ResourceSlice"]),
    ("scheduling.k8s.io/v1", &[], &["PriorityClass"]),
    (
        "storage.k8s.io/v1",
        &["CSIStorageCapacity"],
        &["CSIDriver", "CSINode", "StorageClass", "VolumeAttachment", "VolumeAttributesClass"],
    ),
];

/// Versions that are served but not the ones objects are kept and watched in.
const OTHER_VERSIONS: &[(&str, &str, Scope, &str)] =
    &[("autoscaling/v1", "HorizontalPodAutoscaler", Scope::Namespaced, "autoscaling/v2")];

/// Built-in kinds whose objects count their generations from the start.
const WITH_GENERATION: &[&str] = &[
    "CronJob",
    "CustomResourceDefinition",
    "DaemonSet",
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

/// The kinds of Kubernetes, of Karmada, and of the definitions in the input.
#[derive(Debug)]
pub(super) struct Kinds {
    /// By group and version, then kind.
    served: BTreeMap<String, BTreeMap<String, Scope>>,
}

impl Kinds {
    /// Returns the kinds of Kubernetes and of Karmada's definitions.
    pub(super) fn new(definitions: &[Value]) -> Self {
        let mut kinds = Self { served: BTreeMap::new() };
        for (api_version, namespaced, cluster) in BUILT_IN {
            let known = kinds.served.entry((*api_version).to_owned()).or_default();
            known.extend(namespaced.iter().map(|kind| ((*kind).to_owned(), Scope::Namespaced)));
            known.extend(cluster.iter().map(|kind| ((*kind).to_owned(), Scope::Cluster)));
        }
        for definition in definitions {
            kinds.add_definition(definition);
        }
        kinds
    }

    /// Adds the kind of a CustomResourceDefinition; returns its group, kind and served versions.
    pub(super) fn add_definition(&mut self, definition: &Value) -> Vec<String> {
        let spec = &definition["spec"];
        let (Some(group), Some(kind)) = (spec["group"].as_str(), spec["names"]["kind"].as_str()) else {
            return Vec::new();
        };
        let scope = if spec["scope"] == "Cluster" { Scope::Cluster } else { Scope::Namespaced };
        let versions = spec["versions"].as_array().into_iter().flatten();
        let served = versions.filter(|version| version["served"] == true);
        let served = served.filter_map(|version| version["name"].as_str());
        let api_versions: Vec<String> = served.map(|version| format!("{group}/{version}")).collect();
        for api_version in &api_versions {
            self.served.entry(api_version.clone()).or_default().insert(kind.to_owned(), scope);
        }
        api_versions
    }

    /// Returns what is known of a kind.
    pub(super) fn find(&self, api_version: &str, kind: &str) -> Knowledge {
        if let Some(scope) = self.served.get(api_version).and_then(|kinds| kinds.get(kind)) {
            let is_built_in = BUILT_IN.iter().any(|(built_in, ..)| *built_in == api_version);
            let counts_generations = !is_built_in || WITH_GENERATION.contains(&kind);
            return Knowledge::Served { scope: *scope, counts_generations };
        }
        if let Some((_, _, scope, version)) =
            OTHER_VERSIONS.iter().find(|(other, of, ..)| *other == api_version && *of == kind)
        {
            return Knowledge::KeptAs { scope: *scope, version };
        }
        if let Some(kinds) = self.served.get(api_version) {
            let near = nearest(kind, kinds.keys().map(String::as_str));
            return Knowledge::Absent { suggestion: near.map(str::to_owned) };
        }
        let group = group_of(api_version);
        let same_kind =
            self.served.iter().find(|(known, kinds)| group_of(known) == group && kinds.contains_key(kind));
        if let Some((known, _)) = same_kind {
            return Knowledge::Absent { suggestion: Some(known.clone()) };
        }
        if let Some(known) = nearest(api_version, self.served.keys().map(String::as_str))
            && self.served.get(known).is_some_and(|kinds| kinds.contains_key(kind))
        {
            return Knowledge::Absent { suggestion: Some(known.to_owned()) };
        }
        Knowledge::Unknown
    }

    /// Returns a group and version that has a kind of this name.
    pub(super) fn api_version_of(&self, kind: &str) -> Option<&str> {
        self.served.iter().find(|(_, kinds)| kinds.contains_key(kind)).map(|(known, _)| known.as_str())
    }
}

/// Returns the kinds that a CustomResourceDefinition makes its servers serve, by group and version.
pub(super) fn defined_kinds(definition: &Value) -> (Vec<String>, String) {
    let mut kinds = Kinds { served: BTreeMap::new() };
    let api_versions = kinds.add_definition(definition);
    (api_versions, definition["spec"]["names"]["kind"].as_str().unwrap_or_default().to_owned())
}

/// Returns true for definitions.
pub(super) fn is_definition(object: &Value) -> bool {
    object::kind(object) == "CustomResourceDefinition"
        && group_of(object::api_version(object)) == "apiextensions.k8s.io"
}

/// Returns the group of an `apiVersion`.
pub(super) fn group_of(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

/// Returns the word that differs least, if it differs little enough to be a slip.
pub(super) fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (word.chars().count() / 4).max(1);
    candidates
        .filter(|candidate| candidate.len().abs_diff(word.len()) <= limit)
        .map(|candidate| (distance(&word.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// The number of letters to add, drop or change (Levenshtein).
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (line, letter) in left.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], line + 1);
        for (column, other) in right.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *other);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::crds;

    fn absent(suggestion: &str) -> Knowledge {
        Knowledge::Absent { suggestion: Some(suggestion.to_owned()) }
    }

    #[test]
    fn knows_kinds_and_what_was_probably_meant() {
        let kinds = Kinds::new(&crds());
        let served = |scope, counts_generations| Knowledge::Served { scope, counts_generations };
        assert_eq!(kinds.find("apps/v1", "Deployment"), served(Scope::Namespaced, true));
        assert_eq!(kinds.find("v1", "ConfigMap"), served(Scope::Namespaced, false));
        assert_eq!(kinds.find("v1", "Namespace"), served(Scope::Cluster, false));
        assert_eq!(
            kinds.find("policy.karmada.io/v1alpha1", "ClusterPropagationPolicy"),
            served(Scope::Cluster, true)
        );
        assert_eq!(kinds.find("apps/v1", "Deploymnet"), absent("Deployment"));
        assert_eq!(kinds.find("apps/v1beta1", "Deployment"), absent("apps/v1"));
        assert_eq!(kinds.find("app/v1", "Deployment"), absent("apps/v1"));
        assert_eq!(kinds.find("example.io/v1", "Foo"), Knowledge::Unknown);
        assert_eq!(kinds.api_version_of("Ingress"), Some("networking.k8s.io/v1"));
    }

    #[test]
    fn definitions_of_the_input_count() {
        let mut kinds = Kinds::new(&crds());
        let definition = json!({"spec": {"group": "example.io", "scope": "Cluster", "names": {"kind": "Foo"},
            "versions": [{"name": "v1", "served": true}, {"name": "v2", "served": false}]}});
        assert_eq!(kinds.add_definition(&definition), ["example.io/v1"]);
        assert_eq!(
            kinds.find("example.io/v1", "Foo"),
            Knowledge::Served { scope: Scope::Cluster, counts_generations: true }
        );
    }
}
