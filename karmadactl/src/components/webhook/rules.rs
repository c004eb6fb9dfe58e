//! Which webhook is asked about what, under which path.

/// What a webhook does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Mutating,
    Validating,
}

/// Which requests a webhook is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operations {
    Create,
    CreateAndUpdate,
    Delete,
}

impl Operations {
    /// Returns the operations as a webhook configuration names them.
    pub fn names(self) -> &'static [&'static str] {
        match self {
            Self::Create => &["CREATE"],
            Self::CreateAndUpdate => &["CREATE", "UPDATE"],
            Self::Delete => &["DELETE"],
        }
    }
}

/// One webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    pub phase: Phase,
    /// Name in the webhook configuration.
    pub name: &'static str,
    pub path: &'static str,
    /// Group of the kind; `*` for all.
    pub group: &'static str,
    pub version: &'static str,
    pub kind: &'static str,
    pub plural: &'static str,
    pub operations: Operations,
}

/// Where conversions of bindings are asked for.
pub const CONVERSION_PATH: &str = "/convert";
/// Where the API server may ask whether the webhooks are ready.
pub const READINESS_PATH: &str = "/readyz";
/// Any group, version, kind or resource.
pub const ANY: &str = "*";

/// How long an API server waits for an answer, in seconds.
const TIMEOUT: u8 = 3;
/// The same where every script is compiled.
const LONG_TIMEOUT: u8 = 10;
const POLICY: &str = "policy.karmada.io";
const WORK: &str = "work.karmada.io";
const CONFIG: &str = "config.karmada.io";
const AUTOSCALING: &str = "autoscaling.karmada.io";
const NETWORKING: &str = "networking.karmada.io";

macro_rules! rules {
    ($( $phase:ident $kind:ident: $group:expr, $version:literal, $plural:literal, $operations:ident, $name:literal, $path:literal );+ $(;)?) => {
        /// Every webhook, in the order in which API servers are told of them.
        pub const RULES: &[Rule] = &[$( Rule {
            phase: Phase::$phase,
            name: $name,
            path: $path,
            group: $group,
            version: $version,
            kind: stringify!($kind),
            plural: $plural,
            operations: Operations::$operations,
        } ),+];
    };
}

rules! {
    Mutating PropagationPolicy: POLICY, "v1alpha1", "propagationpolicies", CreateAndUpdate,
        "propagationpolicy.karmada.io", "/mutate-propagationpolicy";
    Mutating ClusterPropagationPolicy: POLICY, "v1alpha1", "clusterpropagationpolicies", CreateAndUpdate,
        "clusterpropagationpolicy.karmada.io", "/mutate-clusterpropagationpolicy";
    Mutating OverridePolicy: POLICY, "v1alpha1", "overridepolicies", CreateAndUpdate,
        "overridepolicy.karmada.io", "/mutate-overridepolicy";
    Mutating Work: WORK, "v1alpha1", "works", CreateAndUpdate,
        "work.karmada.io", "/mutate-work";
    Mutating FederatedHPA: AUTOSCALING, "v1alpha1", "federatedhpas", CreateAndUpdate,
        "federatedhpa.karmada.io", "/mutate-federatedhpa";
    Mutating MultiClusterService: NETWORKING, "v1alpha1", "multiclusterservices", CreateAndUpdate,
        "multiclusterservice.karmada.io", "/mutate-multiclusterservice";
    Mutating ResourceBinding: WORK, "v1alpha2", "resourcebindings", Create,
        "resourcebinding.karmada.io", "/mutate-resourcebinding";
    Mutating ClusterResourceBinding: WORK, "v1alpha2", "clusterresourcebindings", Create,
        "clusterresourcebinding.karmada.io", "/mutate-clusterresourcebinding";
    Validating PropagationPolicy: POLICY, "v1alpha1", "propagationpolicies", CreateAndUpdate,
        "propagationpolicy.karmada.io", "/validate-propagationpolicy";
    Validating ClusterPropagationPolicy: POLICY, "v1alpha1", "clusterpropagationpolicies", CreateAndUpdate,
        "clusterpropagationpolicy.karmada.io", "/validate-clusterpropagationpolicy";
    Validating OverridePolicy: POLICY, "v1alpha1", "overridepolicies", CreateAndUpdate,
        "overridepolicy.karmada.io", "/validate-overridepolicy";
    Validating ClusterOverridePolicy: POLICY, "v1alpha1", "clusteroverridepolicies", CreateAndUpdate,
        "clusteroverridepolicy.karmada.io", "/validate-clusteroverridepolicy";
    Validating ResourceInterpreterWebhookConfiguration: CONFIG, "v1alpha1", "resourceinterpreterwebhookconfigurations",
        CreateAndUpdate, "resourceinterpreterwebhookconfiguration.karmada.io",
        "/validate-resourceinterpreterwebhookconfiguration";
    Validating ResourceInterpreterCustomization: CONFIG, "v1alpha1", "resourceinterpretercustomizations",
        CreateAndUpdate, "resourceinterpretercustomization.karmada.io", "/validate-resourceinterpretercustomization";
    Validating FederatedResourceQuota: POLICY, "v1alpha1", "federatedresourcequotas", CreateAndUpdate,
        "federatedresourcequota.karmada.io", "/validate-federatedresourcequota";
    Validating MultiClusterIngress: NETWORKING, "v1alpha1", "multiclusteringresses", CreateAndUpdate,
        "multiclusteringress.karmada.io", "/validate-multiclusteringress";
    Validating FederatedHPA: AUTOSCALING, "v1alpha1", "federatedhpas", CreateAndUpdate,
        "federatedhpa.karmada.io", "/validate-federatedhpa";
    Validating CronFederatedHPA: AUTOSCALING, "v1alpha1", "cronfederatedhpas", CreateAndUpdate,
        "cronfederatedhpa.karmada.io", "/validate-cronfederatedhpa";
    Validating MultiClusterService: NETWORKING, "v1alpha1", "multiclusterservices", CreateAndUpdate,
        "multiclusterservice.karmada.io", "/validate-multiclusterservice";
    Validating ResourceBinding: WORK, "v1alpha2", "resourcebindings", CreateAndUpdate,
        "resourcebinding.karmada.io", "/validate-resourcebinding";
    Validating ClusterTaintPolicy: POLICY, "v1alpha1", "clustertaintpolicies", CreateAndUpdate,
        "clustertaintpolicy.karmada.io", "/validate-clustertaintpolicy";
    Validating ResourceDeletionProtection: ANY, "*", "*", Delete,
        "resourcedeletionprotection.karmada.io", "/validate-resourcedeletionprotection";
}

impl Rule {
    /// Returns the webhook with a path; a slash at the end does not matter.
    pub fn at(path: &str) -> Option<&'static Self> {
        let path = path.trim_end_matches('/');
        RULES.iter().find(|rule| rule.path == path)
    }

    /// Returns how long an API server waits for the answer, in seconds.
    pub fn timeout_seconds(&self) -> u8 {
        if self.kind == "ResourceInterpreterCustomization" { LONG_TIMEOUT } else { TIMEOUT }
    }

    /// Whether the webhook is about objects of a kind.
    pub fn is_about(&self, group: &str, kind: &str) -> bool {
        self.group == ANY || (self.group == group && self.kind == kind)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn paths_and_names_are_unique_and_kinds_are_those_that_exist() {
        let paths: BTreeSet<&str> = RULES.iter().map(|rule| rule.path).collect();
        assert_eq!(paths.len(), RULES.len());
        let crds = karmada_core::api::crds();
        for rule in RULES.iter().filter(|rule| rule.group != ANY) {
            let same =
                RULES.iter().filter(|other| other.phase == rule.phase && other.name == rule.name).count();
            assert_eq!(same, 1, "{}", rule.name);
            let crd = crds
                .iter()
                .find(|crd| crd["metadata"]["name"] == format!("{}.{}", rule.plural, rule.group))
                .unwrap_or_else(|| unreachable!("{} is no resource", rule.plural));
            assert_eq!(crd["spec"]["names"]["kind"], rule.kind);
            let versions = crd["spec"]["versions"].as_array().unwrap();
            assert!(versions.iter().any(|version| version["name"] == rule.version), "{}", rule.kind);
        }
    }

    #[test]
    fn a_webhook_is_found_by_its_path() {
        assert_eq!(Rule::at("/mutate-work/").unwrap().kind, "Work");
        assert!(Rule::at("/validate-work").is_none() && Rule::at("").is_none());
        assert!(Rule::at("/validate-resourcedeletionprotection").unwrap().is_about("apps", "Deployment"));
        assert!(!Rule::at("/mutate-work").unwrap().is_about("", "Work"));
    }
}
