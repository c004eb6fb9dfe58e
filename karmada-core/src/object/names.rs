//! Names that Karmada derives, and the hash in them.

use crate::api::reserved::{CLUSTER_NAMESPACE, EXECUTION_NAMESPACE_PREFIX, SYSTEM_NAMESPACE};

/// Why a namespace is no execution namespace.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the execution space name is in wrong format")]
pub struct NameError;

/// Returns the 32-bit FNV-1a hash.
pub fn fnv1a_32(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash: u32, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

/// Encodes text with an alphabet without vowels, so that no bad words appear.
pub fn safe_encode(text: &str) -> String {
    const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";
    text.chars().map(|character| char::from(ALPHABET[character as usize % ALPHABET.len()])).collect()
}

/// Returns the name of a template's binding.
pub fn binding_name(kind: &str, name: &str) -> String {
    format!("{}-{kind}", name.replace(':', ".")).to_lowercase()
}

/// Returns the name of a template's Work; the namespace is empty for cluster-scoped templates.
pub fn work_name(kind: &str, name: &str, namespace: &str) -> String {
    let name = lower_name(name);
    let mut key = format!("{name}-{kind}");
    if !namespace.is_empty() {
        key = format!("{namespace}-{key}");
    }
    format!("{name}-{}", hash_text(&key.to_lowercase()))
}

/// Returns the hash in the label of a binding that another binding depends on.
pub fn binding_reference_key(namespace: &str, name: &str) -> String {
    hash_text(&namespaced_key(namespace, name))
}

/// Returns the name of the policy that promotes a resource; `kind` is printed as Go does.
pub fn policy_name(namespace: &str, name: &str, kind: &str) -> String {
    format!("{}-{}", lower_name(name), hash_text(&format!("{namespace}{kind}")))
}

/// Returns `namespace/name`, or just the name of a cluster-scoped object.
pub fn namespaced_key(namespace: &str, name: &str) -> String {
    if namespace.is_empty() { name.to_owned() } else { format!("{namespace}/{name}") }
}

/// Returns the namespace that holds a cluster's Works.
pub fn execution_namespace(cluster: &str) -> String {
    format!("{EXECUTION_NAMESPACE_PREFIX}{cluster}")
}

/// Returns the cluster whose Works a namespace holds.
pub fn cluster_of_execution_namespace(namespace: &str) -> Result<&str, NameError> {
    namespace.strip_prefix(EXECUTION_NAMESPACE_PREFIX).ok_or(NameError)
}

/// Returns true for Karmada's own namespaces.
pub fn is_reserved_namespace(namespace: &str) -> bool {
    namespace == SYSTEM_NAMESPACE
        || namespace == CLUSTER_NAMESPACE
        || namespace.starts_with(EXECUTION_NAMESPACE_PREFIX)
}

/// Returns the name of the service derived from an imported one.
pub fn derived_service_name(service: &str) -> String {
    format!("derived-{service}")
}

/// Returns the name of an endpoint slice that was collected in a cluster.
pub fn imported_endpoint_slice_name(name: &str, cluster: &str) -> String {
    format!("imported-{cluster}-{name}")
}

/// Returns the name of the role bound to a service account.
pub fn role_name(service_account: &str) -> String {
    format!("karmada-controller-manager:{service_account}")
}

/// Returns the name of the service account that Karmada uses in a cluster.
pub fn service_account_name(cluster: &str) -> String {
    format!("karmada-{cluster}")
}

/// Returns the name of the secret for impersonation in a cluster.
pub fn impersonation_secret_name(cluster: &str) -> String {
    format!("{cluster}-impersonator")
}

/// Returns the name of a cluster's estimator deployment.
pub fn estimator_deployment_name(cluster: &str) -> String {
    format!("karmada-scheduler-estimator-{cluster}")
}

/// Returns the name of a cluster's estimator service.
pub fn estimator_service_name(prefix: &str, cluster: &str) -> String {
    format!("{prefix}-{cluster}")
}

fn lower_name(name: &str) -> String {
    name.replace(':', ".").to_lowercase()
}

fn hash_text(key: &str) -> String {
    safe_encode(&fnv1a_32(key.as_bytes()).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_carry_the_hash_of_their_parts() {
        assert_eq!(work_name("Deployment", "web", ""), "web-6d78947d79");
        assert_eq!(work_name("Deployment", "Web", "Team-A"), "web-5478c967bc");
        assert_eq!(binding_name("Deployment", "UPPER:Case"), "upper.case-deployment");
        assert_eq!(binding_reference_key("default", "web"), "55489cf447");
        assert_eq!(policy_name("default", "web", "apps/v1, Kind=Deployment"), "web-6d7f8d5f5b");
    }

    #[test]
    fn execution_namespaces_lead_back_to_their_cluster() {
        assert_eq!(cluster_of_execution_namespace(&execution_namespace("m1")), Ok("m1"));
        assert_eq!(cluster_of_execution_namespace("karmada-es"), Err(NameError));
    }
}
