//! Names, ports and paths that the objects of an installation share.

use std::fmt;

/// The one Secret with everything that pods of the control plane prove themselves by.
pub const CERTIFICATES: &str = "karmada-cert";
/// Secret of etcd's own certificate.
pub const ETCD_CERTIFICATES: &str = "etcd-cert";
/// Secret of the webhook's serving certificate.
pub const WEBHOOK_CERTIFICATES: &str = "karmada-webhook-cert";
/// Key of the kubeconfig in the Secret of a component.
pub const KUBECONFIG_KEY: &str = "karmada.config";
/// Name of the StatefulSet of etcd and of its Service.
pub const ETCD: &str = "etcd";
/// Annotation of pods that changes with the Secrets they mount, so that they are replaced.
pub const SECRETS_ANNOTATION: &str = "karmada.io/mounted-secrets";
/// Name of the file that the administrator gets.
pub const ADMIN_KUBECONFIG: &str = "karmada-apiserver.config";
/// Cluster and context in the administrator's kubeconfig.
pub const CLUSTER_NAME: &str = "karmada-apiserver";
/// Entry of the user in the administrator's kubeconfig.
pub const ADMIN_NAME: &str = "karmada-admin";

/// Where the API server of the control plane listens, in its pods and in its Service.
pub const API_SERVER_PORT: u16 = 5443;
/// Where etcd listens for clients.
pub const ETCD_CLIENT_PORT: u16 = 2379;
/// Where members of etcd listen for one another.
pub const ETCD_PEER_PORT: u16 = 2380;
/// Where etcd tells its health, without certificates.
pub const ETCD_METRICS_PORT: u16 = 2381;

/// Where certificates are mounted.
pub const PKI: &str = "/etc/karmada/pki";
/// Where the kubeconfig of a component is mounted.
pub const CONFIG: &str = "/etc/karmada/config";

/// A part of the control plane, besides etcd.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Component {
    ApiServer,
    AggregatedApiServer,
    KubeControllerManager,
    Scheduler,
    ControllerManager,
    Webhook,
}

impl Component {
    /// All of them, in the order in which they start.
    pub const ALL: [Self; 6] = [
        Self::ApiServer,
        Self::AggregatedApiServer,
        Self::KubeControllerManager,
        Self::Scheduler,
        Self::ControllerManager,
        Self::Webhook,
    ];

    /// Name of its objects in the host cluster.
    pub fn name(self) -> &'static str {
        match self {
            Self::ApiServer => "karmada-apiserver",
            Self::AggregatedApiServer => "karmada-aggregated-apiserver",
            Self::KubeControllerManager => "kube-controller-manager",
            Self::Scheduler => "karmada-scheduler",
            Self::ControllerManager => "karmada-controller-manager",
            Self::Webhook => "karmada-webhook",
        }
    }

    /// Its key in a file of the kind KarmadaInitConfig.
    pub fn config_key(self) -> &'static str {
        match self {
            Self::ApiServer => "karmadaAPIServer",
            Self::AggregatedApiServer => "karmadaAggregatedAPIServer",
            Self::KubeControllerManager => "kubeControllerManager",
            Self::Scheduler => "karmadaScheduler",
            Self::ControllerManager => "karmadaControllerManager",
            Self::Webhook => "karmadaWebhook",
        }
    }

    /// Secret of its kubeconfig, when it has one.
    pub fn kubeconfig_secret(self) -> Option<String> {
        (self != Self::ApiServer).then(|| format!("{}-config", self.name()))
    }
}

impl fmt::Display for Component {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
