//! What the user says, by flags: read into options once the file is laid over it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Args, FromArgMatches, ValueEnum};
use jiff::SignedDuration;
use serde_json::Value;

use super::names::Component;
use super::options::{
    CertificateOptions, ComponentOptions, DataVolume, Etcd, ExternalEtcd, InstallOptions, InvalidOption,
    LocalEtcd, Profile,
};
use crate::duration::parse_duration;

/// Priority of pods that a cluster does without last.
const PRIORITY_CLASS: &str = "system-node-critical";
/// Image of etcd below the registry of Kubernetes' images.
const ETCD_IMAGE: &str = "etcd:3.6.8-0";
/// Mirror of Kubernetes' images in China.
const CHINA_REGISTRY: &str = "registry.cn-hangzhou.aliyuncs.com/google_containers";
/// The image of this program unless a registry is named: where it was built.
pub const LOCAL_IMAGE: &str = concat!("localhost/karmadactl:", env!("CARGO_PKG_VERSION"));

/// Where etcd keeps its data, as flags name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StorageMode {
    /// A directory of the node
    #[value(name = "hostPath")]
    HostPath,
    /// Gone with the pod
    #[value(name = "emptyDir")]
    EmptyDir,
    /// Claimed from a storage class
    #[value(name = "PVC")]
    Claim,
}

/// When images are pulled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "PascalCase")]
pub enum PullPolicy {
    IfNotPresent,
    Always,
    Never,
}

/// Flags about what is installed, and how.
#[derive(Args, Clone, Debug)]
pub struct Settings {
    /// How much is installed
    #[arg(long, value_enum, default_value_t, help_heading = "Control plane")]
    pub profile: Profile,

    /// Namespace in the host cluster
    #[arg(
        short,
        long,
        value_name = "NAME",
        default_value = "karmada-system",
        help_heading = "Control plane"
    )]
    pub namespace: String,

    /// Port of the nodes by which the API server is reached
    #[arg(short, long, value_name = "PORT", default_value_t = 32443, help_heading = "Control plane")]
    pub port: u16,

    /// Address or name by which the API server is reached [default: address of a node]
    #[arg(long, value_name = "ADDRESS", help_heading = "Control plane")]
    pub karmada_apiserver_advertise_address: Option<String>,

    /// Directory that gets the kubeconfig of the control plane [default: /etc/karmada for root, else karmada in the
    /// user's configuration directory]
    #[arg(short = 'd', long, value_name = "PATH", value_hint = clap::ValueHint::DirPath, help_heading = "Control plane")]
    pub karmada_data: Option<PathBuf>,

    /// Directory that gets copies of all certificates and keys [default: none is written]
    #[arg(long, value_name = "PATH", value_hint = clap::ValueHint::DirPath, help_heading = "Control plane")]
    pub karmada_pki: Option<PathBuf>,

    /// Domain of Services in the host cluster
    #[arg(long, value_name = "DOMAIN", default_value = "cluster.local", help_heading = "Control plane")]
    pub host_cluster_domain: String,

    /// How long to wait for each component; a bare number is seconds
    #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = parse_duration, help_heading = "Control plane")]
    pub wait_component_ready_timeout: Duration,

    /// Accepted for scripts: Karmada's kinds are built in, nothing is downloaded
    #[arg(long, value_name = "URL|PATH", help_heading = "Control plane")]
    pub crds: Option<String>,

    /// Registry of all images, instead of those below
    #[arg(long, value_name = "REGISTRY", help_heading = "Images")]
    pub private_image_registry: Option<String>,

    /// Registry of Kubernetes' images
    #[arg(long, value_name = "REGISTRY", default_value = "registry.k8s.io", help_heading = "Images")]
    pub kube_image_registry: String,

    /// Country whose mirror of Kubernetes' images is used
    #[arg(long, value_name = "cn", value_parser = ["cn"], help_heading = "Images")]
    pub kube_image_mirror_country: Option<String>,

    /// Version of Kubernetes' images
    #[arg(long, value_name = "TAG", default_value = "v1.36.2", help_heading = "Images")]
    pub kube_image_tag: String,

    /// When images are pulled
    #[arg(long, value_enum, value_name = "POLICY", default_value = "IfNotPresent", help_heading = "Images")]
    pub image_pull_policy: PullPolicy,

    /// Secrets of the namespace that registries ask for, separated by commas (can be repeated)
    #[arg(long, value_name = "NAME", value_delimiter = ',', help_heading = "Images")]
    pub image_pull_secrets: Vec<String>,

    /// Further addresses in the API server's certificate, separated by commas (can be repeated)
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',', help_heading = "Certificates")]
    pub cert_external_ip: Vec<String>,

    /// Further names in the API server's certificate, separated by commas (can be repeated)
    #[arg(long, value_name = "NAME", value_delimiter = ',', help_heading = "Certificates")]
    pub cert_external_dns: Vec<String>,

    /// How long certificates are good, such as 365d or 8760h
    #[arg(long, value_name = "DURATION", default_value = "365d", value_parser = parse_validity, help_heading = "Certificates")]
    pub cert_validity_period: SignedDuration,

    /// Certificate of an authority to use [default: one is made]
    #[arg(long, value_name = "PATH", value_hint = clap::ValueHint::FilePath, requires = "ca_key_file", help_heading = "Certificates")]
    pub ca_cert_file: Option<PathBuf>,

    /// Key of that authority, in the form PKCS #8
    #[arg(long, value_name = "PATH", value_hint = clap::ValueHint::FilePath, requires = "ca_cert_file", help_heading = "Certificates")]
    pub ca_key_file: Option<PathBuf>,

    /// Where the data is kept (also that of --profile=single)
    #[arg(long, value_enum, value_name = "MODE", default_value = "hostPath", help_heading = "etcd")]
    pub etcd_storage_mode: StorageMode,

    /// Directory of the node, with hostPath
    #[arg(long, value_name = "PATH", default_value = "/var/lib/karmada-etcd", help_heading = "etcd")]
    pub etcd_data: String,

    /// Size of each volume, with PVC
    #[arg(long, value_name = "SIZE", default_value = "5Gi", help_heading = "etcd")]
    pub etcd_pvc_size: String,

    /// Storage class of the volumes, with PVC [default: that of the host cluster]
    #[arg(long, value_name = "NAME", help_heading = "etcd")]
    pub storage_classes_name: Option<String>,

    /// Labels of the nodes that have the data: KEY=VALUE, separated by commas (can be repeated)
    #[arg(long, value_name = "LABEL", value_delimiter = ',', value_parser = parse_label, help_heading = "etcd")]
    pub etcd_node_selector_labels: Vec<(String, String)>,

    /// Number of members [default: 1, with --profile=ha 3]
    #[arg(long, value_name = "NUMBER", help_heading = "etcd")]
    pub etcd_replicas: Option<u32>,

    /// Image [default: etcd:3.6.8-0 of the registry]
    #[arg(long, value_name = "IMAGE", help_heading = "etcd")]
    pub etcd_image: Option<String>,

    /// Priority class of the pods
    #[arg(long, value_name = "NAME", default_value = PRIORITY_CLASS, help_heading = "etcd")]
    pub etcd_priority_class: String,

    /// URLs of an etcd that is there, separated by commas (can be repeated)
    #[arg(long, value_name = "URL", value_delimiter = ',', help_heading = "etcd")]
    pub external_etcd_servers: Vec<String>,

    /// Certificate of that etcd's authority
    #[arg(long, value_name = "PATH", value_hint = clap::ValueHint::FilePath, help_heading = "etcd")]
    pub external_etcd_ca_cert_path: Option<PathBuf>,

    /// Certificate to show to that etcd
    #[arg(long, value_name = "PATH", value_hint = clap::ValueHint::FilePath, requires = "external_etcd_client_key_path", help_heading = "etcd")]
    pub external_etcd_client_cert_path: Option<PathBuf>,

    /// Key of that certificate
    #[arg(long, value_name = "PATH", value_hint = clap::ValueHint::FilePath, requires = "external_etcd_client_cert_path", help_heading = "etcd")]
    pub external_etcd_client_key_path: Option<PathBuf>,

    /// What keys in that etcd begin with
    #[arg(long, value_name = "PREFIX", help_heading = "etcd")]
    pub external_etcd_key_prefix: Option<String>,

    #[command(flatten)]
    pub components: ComponentSettings,

    /// Image of this program, for all components that it is
    #[arg(long, value_name = "IMAGE", help_heading = "Components")]
    pub image: Option<String>,

    /// What only a file says of etcd's pods.
    #[arg(skip)]
    pub etcd_pod: PodSettings,

    /// Annotations of the API server's Service, which only a file says.
    #[arg(skip)]
    pub service_annotations: BTreeMap<String, String>,
}

/// Image, replicas, priority and arguments of every component.
#[derive(Clone, Debug, Default)]
pub struct ComponentSettings(pub BTreeMap<Component, ComponentSetting>);

/// What is said of one component.
#[derive(Clone, Debug, Default)]
pub struct ComponentSetting {
    pub image: Option<String>,
    pub replicas: Option<u32>,
    pub priority_class: Option<String>,
    pub extra_args: Vec<String>,
    pub pod: PodSettings,
}

/// What only a file says of pods.
#[derive(Clone, Debug, Default)]
pub struct PodSettings {
    pub resources: Option<Value>,
    pub node_selector: BTreeMap<String, String>,
    pub tolerations: Option<Value>,
    pub affinity: Option<Value>,
    pub extra_args: Vec<String>,
}

/// Names and help of the flags of one component, which the parser wants for ever.
struct ComponentFlags {
    component: Component,
    image: [&'static str; 2],
    replicas: [&'static str; 2],
    priority_class: [&'static str; 2],
    extra_args: [&'static str; 2],
}

macro_rules! component_flags {
    ($component:ident, $flag:literal, $name:literal) => {
        ComponentFlags {
            component: Component::$component,
            image: [concat!($flag, "-image"), concat!("Image of ", $name)],
            replicas: [
                concat!($flag, "-replicas"),
                concat!("Number of pods of ", $name, " [default: 1, with --profile=ha 2]"),
            ],
            priority_class: [concat!($flag, "-priority-class"), concat!("Priority class of ", $name)],
            extra_args: [
                concat!($flag, "-extra-args"),
                concat!("Further argument of ", $name, ", such as --v=4 (can be repeated)"),
            ],
        }
    };
}

const FLAGS: [ComponentFlags; 6] = [
    component_flags!(ApiServer, "karmada-apiserver", "kube-apiserver"),
    component_flags!(AggregatedApiServer, "karmada-aggregated-apiserver", "karmada-aggregated-apiserver"),
    component_flags!(KubeControllerManager, "karmada-kube-controller-manager", "kube-controller-manager"),
    component_flags!(Scheduler, "karmada-scheduler", "karmada-scheduler"),
    component_flags!(ControllerManager, "karmada-controller-manager", "karmada-controller-manager"),
    component_flags!(Webhook, "karmada-webhook", "karmada-webhook"),
];

impl Args for ComponentSettings {
    fn augment_args(command: clap::Command) -> clap::Command {
        let argument = |[name, help]: [&'static str; 2], value: &'static str| {
            Arg::new(name).long(name).value_name(value).help(help).help_heading("Components")
        };
        FLAGS.iter().fold(command, |command, flags| {
            command
                .arg(argument(flags.image, "IMAGE"))
                .arg(argument(flags.replicas, "NUMBER").value_parser(clap::value_parser!(u32)))
                .arg(argument(flags.priority_class, "NAME").default_value(PRIORITY_CLASS))
                .arg(
                    argument(flags.extra_args, "ARGUMENT")
                        .action(ArgAction::Append)
                        .allow_hyphen_values(true)
                        .value_parser(parse_argument),
                )
        })
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for ComponentSettings {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut settings = Self::default();
        settings.update_from_arg_matches(matches)?;
        Ok(settings)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        for flags in &FLAGS {
            let text = |[name, _]: [&'static str; 2]| matches.get_one::<String>(name).cloned();
            let extra = matches.get_many::<String>(flags.extra_args[0]);
            self.0.insert(
                flags.component,
                ComponentSetting {
                    image: text(flags.image),
                    replicas: matches.get_one::<u32>(flags.replicas[0]).copied(),
                    priority_class: text(flags.priority_class),
                    extra_args: extra.into_iter().flatten().cloned().collect(),
                    pod: PodSettings::default(),
                },
            );
        }
        Ok(())
    }
}

impl Settings {
    /// Returns the options; files of certificates are read.
    ///
    /// # Errors
    /// With everything that cannot be used.
    pub fn options(&self) -> Result<InstallOptions, Vec<InvalidOption>> {
        let mut problems = Vec::new();
        let mut read = |field: &str, path: &Option<PathBuf>| match path {
            None => None,
            Some(path) => match std::fs::read_to_string(path) {
                Ok(text) => Some(text),
                Err(error) => {
                    problems
                        .push(InvalidOption::new(field, format!("cannot read {}: {error}", path.display())));
                    None
                }
            },
        };
        let authority = read("certificates.caCertFile", &self.ca_cert_file)
            .zip(read("certificates.caKeyFile", &self.ca_key_file));
        let external = (!self.external_etcd_servers.is_empty()).then(|| ExternalEtcd {
            servers: self.external_etcd_servers.clone(),
            ca: read("etcd.external.caFile", &self.external_etcd_ca_cert_path),
            client: read("etcd.external.certFile", &self.external_etcd_client_cert_path)
                .zip(read("etcd.external.keyFile", &self.external_etcd_client_key_path)),
            key_prefix: self.external_etcd_key_prefix.clone(),
        });
        if self.ca_cert_file.is_some() != self.ca_key_file.is_some() {
            problems.push(InvalidOption::new(
                "certificates.caCertFile",
                "needs caKeyFile, and the other way round",
            ));
        }
        let mut addresses = Vec::new();
        for text in &self.cert_external_ip {
            match text.trim().parse::<IpAddr>() {
                Ok(address) => addresses.push(address),
                Err(_) => problems.push(InvalidOption::new(
                    "certificates.externalIP",
                    format!("{text:?} is not an IP address"),
                )),
            }
        }
        let options = InstallOptions {
            profile: self.profile,
            namespace: self.namespace.clone(),
            host_domain: self.host_cluster_domain.clone(),
            node_port: self.port,
            advertise_address: self.karmada_apiserver_advertise_address.clone(),
            service_annotations: self.service_annotations.clone(),
            pull_policy: format!("{:?}", self.image_pull_policy),
            pull_secrets: self.image_pull_secrets.clone(),
            certificates: CertificateOptions {
                addresses,
                names: self.cert_external_dns.clone(),
                validity: self.cert_validity_period,
                authority,
            },
            etcd: external.map_or_else(|| Etcd::Local(self.local_etcd()), Etcd::External),
            components: Component::ALL.into_iter().map(|known| (known, self.component(known))).collect(),
            data_path: self.karmada_data.clone().unwrap_or_else(default_data_path),
            pki_path: self.karmada_pki.clone(),
            wait: self.wait_component_ready_timeout,
        };
        problems.extend(options.problems());
        if options.profile == Profile::Single && matches!(options.etcd, Etcd::External(_)) {
            problems.push(InvalidOption::new("etcd.external", "the profile single has no etcd"));
        }
        if problems.is_empty() { Ok(options) } else { Err(problems) }
    }

    fn local_etcd(&self) -> LocalEtcd {
        let volume = match self.etcd_storage_mode {
            StorageMode::HostPath => DataVolume::HostPath { path: self.etcd_data.clone() },
            StorageMode::EmptyDir => DataVolume::EmptyDir,
            StorageMode::Claim => DataVolume::Claim {
                size: self.etcd_pvc_size.clone(),
                storage_class: self.storage_classes_name.clone(),
            },
        };
        LocalEtcd {
            volume,
            node_labels: self.etcd_node_selector_labels.iter().cloned().collect(),
            pod: ComponentOptions {
                image: self.etcd_image.clone().unwrap_or_else(|| self.kube_image(ETCD_IMAGE)),
                replicas: self.etcd_replicas.unwrap_or_else(|| self.profile.etcd_replicas()),
                priority_class: self.etcd_priority_class.clone(),
                extra_args: self.etcd_pod.extra_args.clone(),
                resources: self.etcd_pod.resources.clone(),
                node_selector: self.etcd_pod.node_selector.clone(),
                tolerations: self.etcd_pod.tolerations.clone(),
                affinity: self.etcd_pod.affinity.clone(),
            },
        }
    }

    fn component(&self, component: Component) -> ComponentOptions {
        let known = ComponentSetting::default();
        let setting = self.components.0.get(&component).unwrap_or(&known);
        let is_kubernetes = self.profile != Profile::Single
            && matches!(component, Component::ApiServer | Component::KubeControllerManager);
        let default_image = || {
            if is_kubernetes {
                let name =
                    if component == Component::ApiServer { "kube-apiserver" } else { component.name() };
                self.kube_image(&format!("{name}:{}", self.kube_image_tag))
            } else {
                self.image.clone().unwrap_or_else(|| match &self.private_image_registry {
                    Some(registry) => format!("{registry}/karmadactl:{}", env!("CARGO_PKG_VERSION")),
                    None => LOCAL_IMAGE.to_owned(),
                })
            }
        };
        let mut extra_args = setting.extra_args.clone();
        extra_args.extend(setting.pod.extra_args.clone());
        ComponentOptions {
            image: setting.image.clone().unwrap_or_else(default_image),
            replicas: setting.replicas.unwrap_or_else(|| self.profile.replicas()),
            priority_class: setting.priority_class.clone().unwrap_or_else(|| PRIORITY_CLASS.to_owned()),
            extra_args,
            resources: setting.pod.resources.clone(),
            node_selector: setting.pod.node_selector.clone(),
            tolerations: setting.pod.tolerations.clone(),
            affinity: setting.pod.affinity.clone(),
        }
    }

    fn kube_image(&self, name: &str) -> String {
        let registry = match (&self.private_image_registry, self.kube_image_mirror_country.as_deref()) {
            (Some(registry), _) => registry,
            (None, Some(_)) => CHINA_REGISTRY,
            (None, None) => &self.kube_image_registry,
        };
        format!("{}/{name}", registry.trim_end_matches('/'))
    }
}

/// Where the kubeconfig goes unless the user says: `/etc` belongs to root.
pub fn default_data_path() -> PathBuf {
    #[cfg(unix)]
    let is_root = rustix::process::geteuid().is_root();
    #[cfg(not(unix))]
    let is_root = false;
    if is_root {
        return Path::new("/etc/karmada").to_owned();
    }
    dirs::config_dir().unwrap_or_else(|| PathBuf::from(".")).join("karmada")
}

/// Reads a time for certificates: days, or a duration.
pub fn parse_validity(text: &str) -> Result<SignedDuration, String> {
    if let Some(days) = text.strip_suffix('d') {
        let days: i64 = days.parse().map_err(|_| format!("{text:?} is not a number of days such as 365d"))?;
        return days
            .checked_mul(24)
            .map(SignedDuration::from_hours)
            .filter(|_| (1..=100 * 366).contains(&days))
            .ok_or_else(|| format!("{text:?} is not between 1d and 36600d"));
    }
    SignedDuration::try_from(parse_duration(text)?).map_err(|_| format!("{text:?} is too long"))
}

/// Reads `KEY=VALUE`.
fn parse_label(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or_else(|| format!("{text:?} is not KEY=VALUE"))?;
    if key.is_empty() { Err(format!("{text:?} has no key")) } else { Ok((key.to_owned(), value.to_owned())) }
}

/// Reads an argument of a component; the dashes may be left out.
pub(super) fn parse_argument(text: &str) -> Result<String, String> {
    let bare = text.trim_start_matches('-');
    if bare.is_empty() || bare.starts_with('=') {
        return Err(format!("{text:?} is not an argument such as --v=4"));
    }
    Ok(format!("--{bare}"))
}
