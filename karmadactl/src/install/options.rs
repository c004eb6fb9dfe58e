//! What is installed: checked, before anything is asked or written.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use jiff::SignedDuration;
use serde_json::Value;

use super::names::Component;

/// Ports that a host cluster gives to Services unless it was told otherwise.
pub const NODE_PORTS: std::ops::RangeInclusive<u16> = 30000..=32767;
/// Longest name of a namespace.
const LABEL_LENGTH: usize = 63;

/// How much is installed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Profile {
    /// Every component once
    #[default]
    Standard,
    /// Two of every component on different nodes, three of etcd
    Ha,
    /// One process with the embedded engine, on a volume
    Single,
}

impl Profile {
    /// How many pods a component has unless the user says.
    pub fn replicas(self) -> u32 {
        if self == Self::Ha { 2 } else { 1 }
    }

    /// How many members etcd has unless the user says.
    pub fn etcd_replicas(self) -> u32 {
        if self == Self::Ha { 3 } else { 1 }
    }
}

/// Where data is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataVolume {
    /// A directory of the node.
    HostPath { path: String },
    /// Gone with the pod.
    EmptyDir,
    /// Claimed from a storage class, the default one when none is named.
    Claim { size: String, storage_class: Option<String> },
}

/// How `etcd` is had.
#[derive(Clone, Debug, PartialEq)]
pub enum Etcd {
    Local(LocalEtcd),
    External(ExternalEtcd),
}

/// An `etcd` that is installed.
#[derive(Clone, Debug, PartialEq)]
pub struct LocalEtcd {
    pub volume: DataVolume,
    pub node_labels: BTreeMap<String, String>,
    pub pod: ComponentOptions,
}

/// An `etcd` that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalEtcd {
    pub servers: Vec<String>,
    pub ca: Option<String>,
    /// Certificate and key, as PEM.
    pub client: Option<(String, String)>,
    pub key_prefix: Option<String>,
}

/// How the pods of one component are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ComponentOptions {
    pub image: String,
    pub replicas: u32,
    pub priority_class: String,
    /// `--name=value`, after those of the installation: the last one counts.
    pub extra_args: Vec<String>,
    pub resources: Option<Value>,
    pub node_selector: BTreeMap<String, String>,
    pub tolerations: Option<Value>,
    pub affinity: Option<Value>,
}

/// What certificates are made like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateOptions {
    pub addresses: Vec<IpAddr>,
    pub names: Vec<String>,
    pub validity: SignedDuration,
    /// Certificate and key of an authority that is there, as PEM.
    pub authority: Option<(String, String)>,
}

/// Everything about an installation.
#[derive(Clone, Debug, PartialEq)]
pub struct InstallOptions {
    pub profile: Profile,
    pub namespace: String,
    /// Domain of Services in the host cluster.
    pub host_domain: String,
    pub node_port: u16,
    /// Where users and members find the API server; a node's address when there is none.
    pub advertise_address: Option<String>,
    pub service_annotations: BTreeMap<String, String>,
    pub pull_policy: String,
    pub pull_secrets: Vec<String>,
    pub certificates: CertificateOptions,
    pub etcd: Etcd,
    pub components: BTreeMap<Component, ComponentOptions>,
    /// Directory of the administrator's kubeconfig.
    pub data_path: PathBuf,
    /// Directory that gets copies of the certificates.
    pub pki_path: Option<PathBuf>,
    pub wait: Duration,
}

/// A value that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct InvalidOption {
    /// The path in the file of the kind KarmadaInitConfig, which also names the flag.
    pub field: String,
    pub reason: String,
}

impl InvalidOption {
    /// A value that cannot be used, for a reason.
    pub fn new(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { field: field.into(), reason: reason.into() }
    }
}

impl InstallOptions {
    /// The options of a component.
    ///
    /// # Panics
    /// Never: every component has options from the start.
    pub fn component(&self, component: Component) -> &ComponentOptions {
        self.components.get(&component).expect("every component has options")
    }

    /// Name of a Service inside the host cluster.
    pub fn service_host(&self, service: &str) -> String {
        format!("{service}.{}.svc.{}", self.namespace, self.host_domain)
    }

    /// Where components find the API server.
    pub fn internal_server(&self) -> String {
        format!(
            "https://{}:{}",
            self.service_host(Component::ApiServer.name()),
            super::names::API_SERVER_PORT
        )
    }

    /// Returns everything that cannot be used.
    pub fn problems(&self) -> Vec<InvalidOption> {
        let mut problems = Vec::new();
        let mut refuse = |field: &str, reason: String| problems.push(InvalidOption::new(field, reason));
        if !is_label(&self.namespace) {
            refuse("namespace", format!("{:?} is not a name of a namespace", self.namespace));
        }
        if self.host_domain.is_empty() || !self.host_domain.split('.').all(is_label) {
            refuse("hostCluster.domain", format!("{:?} is not a domain", self.host_domain));
        }
        if self.node_port == 0 {
            refuse("components.karmadaAPIServer.networking.port", "0 is not a port".to_owned());
        }
        if self.certificates.validity < SignedDuration::from_hours(1) {
            refuse("certificates.validityPeriod", "must be at least 1h".to_owned());
        }
        if let Some(address) = &self.advertise_address
            && address.parse::<IpAddr>().is_err()
            && !address.split('.').all(is_label)
        {
            refuse(
                "components.karmadaAPIServer.advertiseAddress",
                format!("{address:?} is neither an address nor a name"),
            );
        }
        for (component, options) in &self.components {
            if options.replicas == 0 {
                refuse(
                    &format!("components.{}.replicas", component.config_key()),
                    "must be at least 1".to_owned(),
                );
            }
        }
        if let Etcd::Local(etcd) = &self.etcd {
            if etcd.pod.replicas.is_multiple_of(2) {
                refuse(
                    "etcd.local.replicas",
                    format!(
                        "{} members lose as many as one less would: choose an odd number",
                        etcd.pod.replicas
                    ),
                );
            }
            if let DataVolume::HostPath { path } = &etcd.volume
                && !path.starts_with('/')
            {
                refuse("etcd.local.dataPath", format!("{path:?} is not an absolute path"));
            }
            if let DataVolume::Claim { size, .. } = &etcd.volume
                && size.parse::<karmada_core::object::Quantity>().is_err()
            {
                refuse("etcd.local.pvcSize", format!("{size:?} is not a quantity such as 5Gi"));
            }
        }
        if let Etcd::External(etcd) = &self.etcd {
            if etcd.servers.is_empty() {
                refuse("etcd.external.endpoints", "names no server".to_owned());
            }
            for server in &etcd.servers {
                if !server.starts_with("https://") && !server.starts_with("http://") {
                    refuse(
                        "etcd.external.endpoints",
                        format!("{server:?} is not a URL such as https://10.0.0.1:2379"),
                    );
                }
            }
        }
        problems
    }
}

/// Whether a text is a label of a domain name.
pub fn is_label(text: &str) -> bool {
    let edge = |letter: Option<&u8>| letter.is_some_and(|l| l.is_ascii_lowercase() || l.is_ascii_digit());
    let bytes = text.as_bytes();
    bytes.len() <= LABEL_LENGTH
        && edge(bytes.first())
        && edge(bytes.last())
        && bytes.iter().all(|l| l.is_ascii_lowercase() || l.is_ascii_digit() || *l == b'-')
}
