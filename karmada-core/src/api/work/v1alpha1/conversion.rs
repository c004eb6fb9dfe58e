//! Converts bindings between `v1alpha1` and `v1alpha2`.
//!
//! Nothing of a `v1alpha1` binding is lost on the way to `v1alpha2`. The other way drops what
//! `v1alpha1` has no field for.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::binding as old;
use crate::api::work as new;

/// Why a binding was not converted.
#[derive(Debug, thiserror::Error)]
pub enum ConversionError {
    /// There is no way from the one version of the kind to the other.
    #[error("no conversion of {kind} from {from:?} to {to:?}")]
    Unsupported {
        /// The kind.
        kind: String,
        /// The version it is in.
        from: String,
        /// The version that was asked for.
        to: String,
    },
    /// The object is not what its kind and version say.
    #[error("cannot read {kind} {name:?} as {version}")]
    Object {
        /// The kind.
        kind: String,
        /// Name of the object.
        name: String,
        /// The version it should be in.
        version: String,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
}

/// Converts a binding to another version, given as in `apiVersion`.
///
/// An object that is in that version already is returned as it is.
///
/// # Errors
/// The kind has no conversion between the two versions, or the object cannot be read.
pub fn convert(object: Value, version: &str) -> Result<Value, ConversionError> {
    const OLD: &str = old::ResourceBinding::API_VERSION;
    const NEW: &str = new::ResourceBinding::API_VERSION;
    let from = object["apiVersion"].as_str().unwrap_or_default().to_owned();
    let kind = object["kind"].as_str().unwrap_or_default().to_owned();
    match (kind.as_str(), from.as_str(), version) {
        (_, from, to) if from == to => Ok(object),
        (new::ResourceBinding::KIND, OLD, NEW) => {
            converted::<old::ResourceBinding, new::ResourceBinding>(object)
        }
        (new::ResourceBinding::KIND, NEW, OLD) => {
            converted::<new::ResourceBinding, old::ResourceBinding>(object)
        }
        (new::ClusterResourceBinding::KIND, OLD, NEW) => {
            converted::<old::ClusterResourceBinding, new::ClusterResourceBinding>(object)
        }
        (new::ClusterResourceBinding::KIND, NEW, OLD) => {
            converted::<new::ClusterResourceBinding, old::ClusterResourceBinding>(object)
        }
        _ => Err(ConversionError::Unsupported { kind, from, to: version.to_owned() }),
    }
}

fn converted<From, To>(object: Value) -> Result<Value, ConversionError>
where
    From: DeserializeOwned + kube::Resource<DynamicType = ()>,
    To: Serialize + std::convert::From<From>,
{
    let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let from: From = serde_json::from_value(object).map_err(|source| ConversionError::Object {
        kind: From::kind(&()).into_owned(),
        name,
        version: From::api_version(&()).into_owned(),
        source,
    })?;
    Ok(serde_json::to_value(To::from(from)).expect("wire types have no key that is not a string"))
}

macro_rules! convert_kind {
    ($kind:ident) => {
        impl From<old::$kind> for new::$kind {
            fn from(binding: old::$kind) -> Self {
                let old::$kind { metadata, spec, status } = binding;
                Self { metadata, spec: spec.into(), status: status.map(Into::into) }
            }
        }

        impl From<new::$kind> for old::$kind {
            fn from(binding: new::$kind) -> Self {
                let new::$kind { metadata, spec, status } = binding;
                Self { metadata, spec: spec.into(), status: status.map(Into::into) }
            }
        }
    };
}

convert_kind!(ResourceBinding);
convert_kind!(ClusterResourceBinding);

impl From<old::ResourceBindingSpec> for new::ResourceBindingSpec {
    fn from(spec: old::ResourceBindingSpec) -> Self {
        let old::ResourceBindingSpec { resource, clusters } = spec;
        let old::ObjectReference {
            api_version,
            kind,
            namespace,
            name,
            resource_version,
            replica_resource_requirements: resource_request,
            replicas,
        } = resource;
        Self {
            resource: new::ObjectReference {
                api_version,
                kind,
                namespace,
                name,
                resource_version,
                ..Default::default()
            },
            // Empty requirements would make a workload of a template that is none.
            replica_requirements: (!resource_request.is_empty())
                .then(|| new::ReplicaRequirements { resource_request, ..Default::default() }),
            replicas,
            clusters: clusters
                .into_iter()
                .map(|old::TargetCluster { name, replicas }| new::TargetCluster {
                    name,
                    replicas,
                    ..Default::default()
                })
                .collect(),
            ..Default::default()
        }
    }
}

impl From<new::ResourceBindingSpec> for old::ResourceBindingSpec {
    fn from(spec: new::ResourceBindingSpec) -> Self {
        let new::ResourceBindingSpec { resource, replica_requirements, replicas, clusters, .. } = spec;
        let new::ObjectReference { api_version, kind, namespace, name, resource_version, .. } = resource;
        Self {
            resource: old::ObjectReference {
                api_version,
                kind,
                namespace,
                name,
                resource_version,
                replica_resource_requirements: replica_requirements
                    .map(|requirements| requirements.resource_request)
                    .unwrap_or_default(),
                replicas,
            },
            clusters: clusters
                .into_iter()
                .map(|new::TargetCluster { name, replicas, .. }| old::TargetCluster { name, replicas })
                .collect(),
        }
    }
}

impl From<old::ResourceBindingStatus> for new::ResourceBindingStatus {
    fn from(status: old::ResourceBindingStatus) -> Self {
        let old::ResourceBindingStatus { conditions, aggregated_status } = status;
        let item = |item: old::AggregatedStatusItem| {
            let old::AggregatedStatusItem { cluster_name, status, applied, applied_message } = item;
            new::AggregatedStatusItem { cluster_name, status, applied, applied_message, ..Default::default() }
        };
        Self {
            conditions,
            aggregated_status: aggregated_status.into_iter().map(item).collect(),
            ..Default::default()
        }
    }
}

impl From<new::ResourceBindingStatus> for old::ResourceBindingStatus {
    fn from(status: new::ResourceBindingStatus) -> Self {
        let new::ResourceBindingStatus { conditions, aggregated_status, .. } = status;
        let item = |item: new::AggregatedStatusItem| {
            let new::AggregatedStatusItem { cluster_name, status, applied, applied_message, .. } = item;
            old::AggregatedStatusItem { cluster_name, status, applied, applied_message }
        };
        Self { conditions, aggregated_status: aggregated_status.into_iter().map(item).collect() }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const OLD: &str = "work.karmada.io/v1alpha1";
    const NEW: &str = "work.karmada.io/v1alpha2";

    fn older() -> Value {
        json!({
            "apiVersion": OLD, "kind": "ResourceBinding",
            "metadata": {"name": "web-deployment", "namespace": "shop", "labels": {"a": "b"}},
            "spec": {
                "resource": {
                    "apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "web",
                    "resourceVersion": "7", "resourcePerReplicas": {"cpu": "100m"}, "replicas": 3,
                },
                "clusters": [{"name": "m1", "replicas": 2}, {"name": "m2"}],
            },
            "status": {"aggregatedStatus": [
                {"clusterName": "m1", "status": {"replicas": 2}, "applied": true},
                {"clusterName": "m2", "appliedMessage": "no"},
            ]},
        })
    }

    fn newer() -> Value {
        json!({
            "apiVersion": NEW, "kind": "ResourceBinding",
            "metadata": {"name": "web-deployment", "namespace": "shop", "labels": {"a": "b"}},
            "spec": {
                "resource": {
                    "apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "web",
                    "resourceVersion": "7",
                },
                "replicaRequirements": {"resourceRequest": {"cpu": "100m"}},
                "replicas": 3,
                "clusters": [{"name": "m1", "replicas": 2}, {"name": "m2"}],
            },
            "status": {"aggregatedStatus": [
                {"clusterName": "m1", "status": {"replicas": 2}, "applied": true},
                {"clusterName": "m2", "appliedMessage": "no"},
            ]},
        })
    }

    #[test]
    fn every_field_of_the_older_version_has_a_place_in_the_newer_one() {
        assert_eq!(convert(older(), NEW).unwrap(), newer());
        assert_eq!(convert(newer(), OLD).unwrap(), older());
    }

    #[test]
    fn cluster_wide_bindings_convert_alike() {
        let (mut old, mut new) = (older(), newer());
        old["kind"] = "ClusterResourceBinding".into();
        new["kind"] = "ClusterResourceBinding".into();
        assert_eq!(convert(old, NEW).unwrap(), new);
    }

    #[test]
    fn the_older_version_has_no_place_for_placement_uid_and_health() {
        let mut new = newer();
        new["spec"]["placement"] = json!({"clusterAffinity": {"clusterNames": ["m1"]}});
        new["spec"]["resource"]["uid"] = "u".into();
        new["status"]["aggregatedStatus"][0]["health"] = "Healthy".into();
        assert_eq!(convert(new, OLD).unwrap(), older());
    }

    #[test]
    fn no_requests_stay_no_requirements() {
        let mut old = older();
        old["spec"]["resource"].as_object_mut().unwrap().remove("resourcePerReplicas");
        let new = convert(old, NEW).unwrap();
        assert_eq!(new["spec"].get("replicaRequirements"), None);
    }

    #[test]
    fn an_object_in_the_wanted_version_stays_as_it_is() {
        let mut new = newer();
        new["spec"]["unknown"] = 1.into();
        assert_eq!(convert(new.clone(), NEW).unwrap(), new);
    }

    #[test]
    fn what_cannot_be_converted_is_named() {
        let mut old = older();
        let error = convert(old.clone(), "work.karmada.io/v1").unwrap_err().to_string();
        assert_eq!(
            error,
            r#"no conversion of ResourceBinding from "work.karmada.io/v1alpha1" to "work.karmada.io/v1""#
        );
        old["spec"]["clusters"] = "m1".into();
        let error = convert(old, NEW).unwrap_err().to_string();
        assert_eq!(error, r#"cannot read ResourceBinding "web-deployment" as work.karmada.io/v1alpha1"#);
        assert!(convert(json!([]), NEW).is_err());
    }
}
