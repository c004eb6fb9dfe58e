//! What a join leaves in the member cluster and in the control plane.
//!
//! | where | what |
//! |---|---|
//! | member | namespace, service accounts `karmada-impersonator` and `karmada-<cluster>` with token secrets, ClusterRole and ClusterRoleBinding `karmada-controller-manager:karmada-<cluster>` |
//! | control plane | namespace, secrets `<cluster>` and `<cluster>-impersonator`, Cluster `<cluster>` |
//!
//! The namespace has the same name on both sides. Names and content are upstream's, recorded
//! in the scenario `l06-join-unjoin-footprint`.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{Namespace, Secret, ServiceAccount};
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, PolicyRule, RoleRef, Subject};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use karmada_core::api::{
    cluster::constants::CLUSTER_NAME_MAX_LENGTH,
    reserved::{CLUSTER_NAMESPACE, IMPERSONATOR_NAME, SYSTEM_LABEL},
};
use serde_json::{Value, json};

use super::JoinOptions;
use crate::kubeconfig::Verification;

/// The namespace of credentials in both clusters, unless the user chose another.
pub const DEFAULT_CLUSTER_NAMESPACE: &str = CLUSTER_NAMESPACE;
/// The service account the control plane impersonates users through.
pub const IMPERSONATOR: &str = IMPERSONATOR_NAME;
/// Type of a secret that holds a service account's token.
pub const TOKEN_SECRET_TYPE: &str = "kubernetes.io/service-account-token";
/// Names the service account of a token secret.
pub const SERVICE_ACCOUNT_ANNOTATION: &str = "kubernetes.io/service-account.name";

const RBAC_GROUP: &str = "rbac.authorization.k8s.io";

/// Name of the service account the control plane works with in the member.
pub fn service_account_name(cluster: &str) -> String {
    format!("karmada-{cluster}")
}

/// Name of the ClusterRole and its binding in the member.
pub fn role_name(cluster: &str) -> String {
    format!("karmada-controller-manager:karmada-{cluster}")
}

/// Name of the control plane's secret with the impersonator's token.
pub fn impersonator_secret_name(cluster: &str) -> String {
    format!("{cluster}-impersonator")
}

/// Name of the namespace that holds the cluster's Works.
pub fn execution_namespace(cluster: &str) -> String {
    format!("karmada-es-{cluster}")
}

/// Returns why a name cannot be a cluster's.
pub fn check_cluster_name(name: &str) -> Result<(), String> {
    if name.len() > CLUSTER_NAME_MAX_LENGTH {
        return Err(format!("must be no more than {CLUSTER_NAME_MAX_LENGTH} characters"));
    }
    let edge =
        |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let bytes = name.as_bytes();
    let inner = bytes.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-');
    if inner && edge(bytes.first()) && edge(bytes.last()) {
        return Ok(());
    }
    Err("a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and \
         end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
         '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
        .to_owned())
}

/// The namespace of the credentials.
pub fn namespace(name: &str) -> Namespace {
    Namespace { metadata: system_metadata(name, None), ..Namespace::default() }
}

/// A service account in the member.
pub fn service_account(namespace: &str, name: &str) -> ServiceAccount {
    ServiceAccount { metadata: system_metadata(name, Some(namespace)), ..ServiceAccount::default() }
}

/// The secret the member fills with the service account's token.
pub fn token_secret(namespace: &str, service_account: &str) -> Secret {
    let annotation = (SERVICE_ACCOUNT_ANNOTATION.to_owned(), service_account.to_owned());
    Secret {
        metadata: ObjectMeta {
            name: Some(service_account.to_owned()),
            namespace: Some(namespace.to_owned()),
            annotations: Some(BTreeMap::from([annotation])),
            ..ObjectMeta::default()
        },
        type_: Some(TOKEN_SECRET_TYPE.to_owned()),
        ..Secret::default()
    }
}

/// The permissions of the control plane in the member: all.
pub fn cluster_role(cluster: &str) -> ClusterRole {
    let all = || Some(vec!["*".to_owned()]);
    let resources = PolicyRule {
        api_groups: all(),
        resources: all(),
        verbs: vec!["*".to_owned()],
        ..PolicyRule::default()
    };
    let urls =
        PolicyRule { non_resource_urls: all(), verbs: vec!["get".to_owned()], ..PolicyRule::default() };
    ClusterRole {
        metadata: system_metadata(&role_name(cluster), None),
        rules: Some(vec![resources, urls]),
        ..ClusterRole::default()
    }
}

/// Gives the permissions to the control plane's service account.
pub fn cluster_role_binding(cluster: &str, namespace: &str) -> ClusterRoleBinding {
    ClusterRoleBinding {
        metadata: system_metadata(&role_name(cluster), None),
        role_ref: RoleRef {
            api_group: Some(RBAC_GROUP.to_owned()),
            kind: "ClusterRole".to_owned(),
            name: role_name(cluster),
        },
        subjects: Some(vec![Subject {
            kind: "ServiceAccount".to_owned(),
            name: service_account_name(cluster),
            namespace: Some(namespace.to_owned()),
            ..Subject::default()
        }]),
    }
}

/// A secret in the control plane with credentials of a member.
pub fn credentials_secret(namespace: &str, name: &str, data: BTreeMap<String, ByteString>) -> Secret {
    Secret {
        metadata: system_metadata(name, Some(namespace)),
        data: Some(data),
        type_: Some("Opaque".to_owned()),
        ..Secret::default()
    }
}

/// The Cluster object of a joined member.
pub fn cluster(options: &JoinOptions, id: &str) -> Value {
    let namespace = &options.cluster_namespace;
    let mut spec = json!({
        "syncMode": "Push",
        "id": id,
        "apiEndpoint": options.api_endpoint,
        "secretRef": { "namespace": namespace, "name": options.cluster_name },
        "impersonatorSecretRef": {
            "namespace": namespace,
            "name": impersonator_secret_name(&options.cluster_name),
        },
    });
    let optional =
        [("provider", &options.provider), ("region", &options.region), ("proxyURL", &options.proxy_url)];
    for (field, value) in optional {
        if let Some(value) = value {
            spec[field] = json!(value);
        }
    }
    if !options.zones.is_empty() {
        spec["zones"] = json!(options.zones);
    }
    if options.verification == Verification::Skipped {
        spec["insecureSkipTLSVerification"] = json!(true);
    }
    json!({
        "apiVersion": "cluster.karmada.io/v1alpha1",
        "kind": "Cluster",
        "metadata": { "name": options.cluster_name },
        "spec": spec,
    })
}

fn system_metadata(name: &str, namespace: Option<&str>) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.to_owned()),
        namespace: namespace.map(str::to_owned),
        labels: Some(BTreeMap::from([(SYSTEM_LABEL.to_owned(), "true".to_owned())])),
        ..ObjectMeta::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cluster_names_are_labels_of_at_most_48_characters() {
        for good in ["a", "member1", "1-a", &"x".repeat(48)] {
            assert_eq!(check_cluster_name(good), Ok(()), "{good}");
        }
        assert_eq!(check_cluster_name(&"x".repeat(49)).unwrap_err(), "must be no more than 48 characters");
        for bad in ["", "Bad_Name", "-a", "a-", "a.b"] {
            assert!(check_cluster_name(bad).unwrap_err().starts_with("a lowercase RFC 1123 label"), "{bad}");
        }
    }

    #[test]
    fn the_cluster_object_carries_what_was_given_and_nothing_else() {
        let options = JoinOptions::new("m1", "https://127.0.0.1:6445");
        assert_eq!(
            cluster(&options, "uid")["spec"],
            json!({
                "syncMode": "Push", "id": "uid", "apiEndpoint": "https://127.0.0.1:6445",
                "secretRef": { "namespace": "karmada-cluster", "name": "m1" },
                "impersonatorSecretRef": { "namespace": "karmada-cluster", "name": "m1-impersonator" },
            })
        );
        let options = JoinOptions {
            provider: Some("p".into()),
            zones: vec!["z1".into()],
            verification: Verification::Skipped,
            ..options
        };
        let spec = &cluster(&options, "uid")["spec"];
        assert_eq!((&spec["provider"], &spec["zones"]), (&json!("p"), &json!(["z1"])));
        assert_eq!(spec["insecureSkipTLSVerification"], true);
    }
}
