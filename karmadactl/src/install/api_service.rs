//! How an API server finds the one that serves Clusters.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// Group and version that are served elsewhere.
const GROUP: &str = "cluster.karmada.io";
const VERSION: &str = "v1alpha1";
/// Where the group stands among others that have a resource of the same name.
const GROUP_PRIORITY: u32 = 2000;
const VERSION_PRIORITY: u32 = 10;

/// How the API server knows that it talks to the right server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// By the certificate of these authorities (PEM), for `NAME.NAMESPACE.svc`.
    Authority(String),
    /// Not at all, as Karmada's own installer has it.
    Nothing,
}

/// The Service of the aggregated API server, as the control plane's API server knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AggregatedService {
    pub namespace: String,
    pub name: String,
    pub port: u16,
}

impl AggregatedService {
    /// Returns the service that Karmada's own installer makes.
    pub fn new(namespace: &str) -> Self {
        Self { namespace: namespace.to_owned(), name: "karmada-aggregated-apiserver".to_owned(), port: 443 }
    }

    /// Returns the APIService `v1alpha1.cluster.karmada.io`.
    pub fn api_service(&self, trust: &Trust) -> Value {
        let mut spec = json!({
            "group": GROUP, "version": VERSION,
            "groupPriorityMinimum": GROUP_PRIORITY, "versionPriority": VERSION_PRIORITY,
            "service": {"namespace": self.namespace, "name": self.name, "port": self.port},
        });
        match trust {
            Trust::Authority(pem) => spec["caBundle"] = STANDARD.encode(pem).into(),
            Trust::Nothing => spec["insecureSkipTLSVerify"] = true.into(),
        }
        json!({
            "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
            "metadata": {
                "name": format!("{VERSION}.{GROUP}"),
                "labels": {"app": "karmada-aggregated-apiserver", "apiserver": "true"},
            },
            "spec": spec,
        })
    }

    /// Returns the Service, by which the API server of the control plane finds a host name outside of it.
    ///
    /// The port is that of [`AggregatedService::port`]: a Service that is a name has none of its own.
    pub fn external_name(&self, host: &str) -> Value {
        json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": {"name": self.name, "namespace": self.namespace},
            "spec": {"type": "ExternalName", "externalName": host},
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_server_is_told_where_clusters_are_served() {
        let service = AggregatedService::new("karmada-system");
        let api_service = service.api_service(&Trust::Nothing);
        assert_eq!(api_service["metadata"]["name"], "v1alpha1.cluster.karmada.io");
        assert_eq!(api_service["spec"]["insecureSkipTLSVerify"], true);
        let api_service = service.api_service(&Trust::Authority("PEM".into()));
        assert_eq!(api_service["spec"]["caBundle"], "UEVN");
        assert!(api_service["spec"].get("insecureSkipTLSVerify").is_none());
        let host = "karmada-aggregated-apiserver.karmada-system.svc.cluster.local";
        assert_eq!(service.external_name(host)["spec"]["externalName"], host);
        assert_eq!(api_service["spec"]["service"]["name"], service.external_name(host)["metadata"]["name"]);
    }
}
