//! Files of the kind KarmadaInitConfig, laid over the flags: what a file says counts.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ValueEnum as _;
use serde_json::{Value, json};

use super::names::Component;
use super::options::InvalidOption;
use super::settings::{
    ComponentSetting, PodSettings, PullPolicy, Settings, StorageMode, parse_argument, parse_validity,
};
use crate::manifest::{ManifestError, Node, NodeValue, read_documents, unknown_fields};

const API_VERSION: &str = "config.karmada.io/v1alpha1";
const KIND: &str = "KarmadaInitConfig";

/// A file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read {}", .path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error("{place}: this is {found}, not {API_VERSION}, {KIND}")]
    Kind { place: String, found: String },
    #[error("{}", .0.join("\n"))]
    Fields(Vec<String>),
}

/// A file of the kind KarmadaInitConfig.
#[derive(Debug)]
pub struct ConfigFile {
    origin: String,
    node: Node,
    object: Value,
}

/// The host cluster that a file names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostCluster {
    pub kubeconfig: Option<PathBuf>,
    pub context: Option<String>,
}

impl ConfigFile {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, is of another kind, or has fields that do not exist.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        Self::parse(&path.display().to_string(), &text)
    }

    /// Reads a text; `origin` is for messages.
    pub fn parse(origin: &str, text: &str) -> Result<Self, ConfigError> {
        let documents = read_documents(origin, text)?;
        let node = documents.into_iter().find(|node| !matches!(node.value, NodeValue::Scalar(Value::Null)));
        let node = node.ok_or_else(|| ManifestError::NoObjects { origin: origin.to_owned() })?;
        let file = Self { origin: origin.to_owned(), object: node.to_json(), node };
        let (api_version, kind) = (file.text("/apiVersion"), file.text("/kind"));
        if (api_version, kind) != (API_VERSION, KIND) {
            return Err(ConfigError::Kind {
                place: file.place("kind"),
                found: format!("{api_version}, {kind}"),
            });
        }
        let unknown = unknown_fields(&file.node, &[definition()]);
        if !unknown.is_empty() {
            let lines = unknown.iter().map(|field| {
                let meant = field.suggestion.as_ref().map(|name| format!(" (did you mean {name}?)"));
                format!(
                    "{origin}:{}: {}: unknown field{}",
                    field.location,
                    field.path,
                    meant.unwrap_or_default()
                )
            });
            return Err(ConfigError::Fields(lines.collect()));
        }
        Ok(file)
    }

    fn text(&self, pointer: &str) -> &str {
        self.object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// Returns `file:line:column` of a field path.
    fn place(&self, path: &str) -> String {
        format!("{}:{}", self.origin, self.node.locate(path))
    }

    /// The host cluster that the file names.
    pub fn host_cluster(&self) -> HostCluster {
        let text =
            |pointer: &str| Some(self.text(pointer)).filter(|text| !text.is_empty()).map(str::to_owned);
        HostCluster {
            kubeconfig: text("/spec/hostCluster/kubeconfig").map(PathBuf::from),
            context: text("/spec/hostCluster/context"),
        }
    }

    /// Says where in the file an option stands, if it does.
    pub fn word(&self, problem: &InvalidOption) -> String {
        let pointer = format!("/spec/{}", problem.field.replace('.', "/"));
        if self.object.pointer(&pointer).is_none() {
            return problem.to_string();
        }
        let path = format!("spec.{}", problem.field);
        format!("{}: {path}: {}", self.place(&path), problem.reason)
    }

    /// Lays the file over the flags.
    ///
    /// # Errors
    /// With everything in the file that cannot be used.
    pub fn lay_over(&self, settings: &mut Settings) -> Result<(), ConfigError> {
        let mut reader = Reader { file: self, problems: Vec::new() };
        reader.general(settings);
        reader.certificates(settings);
        reader.etcd(settings);
        reader.images(settings);
        for component in Component::ALL {
            let setting = settings.components.0.entry(component).or_default();
            reader.component(&format!("components.{}", component.config_key()), setting);
        }
        if reader.problems.is_empty() { Ok(()) } else { Err(ConfigError::Fields(reader.problems)) }
    }
}

/// Reads fields by their path below `spec` and gathers what is wrong.
struct Reader<'a> {
    file: &'a ConfigFile,
    problems: Vec<String>,
}

impl Reader<'_> {
    fn value(&self, path: &str) -> Option<&Value> {
        let pointer = format!("/spec/{}", path.replace('.', "/"));
        self.file.object.pointer(&pointer).filter(|value| !value.is_null())
    }

    fn refuse(&mut self, path: &str, reason: impl std::fmt::Display) {
        let path = format!("spec.{path}");
        self.problems.push(format!("{}: {path}: {reason}", self.file.place(&path)));
    }

    /// Reads a field by a function that says what is wrong.
    fn read<T>(&mut self, path: &str, parse: impl Fn(&Value) -> Result<T, String>) -> Option<T> {
        let value = self.value(path)?.clone();
        match parse(&value) {
            Ok(parsed) => Some(parsed),
            Err(reason) => {
                self.refuse(path, reason);
                None
            }
        }
    }

    fn text(&mut self, path: &str) -> Option<String> {
        self.read(path, text)
    }

    fn texts(&mut self, path: &str) -> Option<Vec<String>> {
        self.read(path, |value| {
            let items = value.as_array().ok_or_else(|| format!("{value} is not a list"))?;
            items.iter().map(text).collect()
        })
    }

    fn map(&mut self, path: &str) -> Option<BTreeMap<String, String>> {
        self.read(path, |value| {
            let fields = value.as_object().ok_or_else(|| format!("{value} is not a map"))?;
            fields.iter().map(|(key, value)| Ok((key.clone(), text(value)?))).collect()
        })
    }

    fn number<T: TryFrom<u64>>(&mut self, path: &str) -> Option<T> {
        self.read(path, |value| {
            let number = value.as_u64().and_then(|number| T::try_from(number).ok());
            number.ok_or_else(|| format!("{value} is not a number that fits"))
        })
    }

    fn general(&mut self, settings: &mut Settings) {
        if let Some(path) = self.text("karmadaDataPath") {
            settings.karmada_data = Some(path.into());
        }
        if let Some(path) = self.text("karmadaPKIPath") {
            settings.karmada_pki = Some(path.into());
        }
        if let Some(crds) = self.text("karmadaCRDs") {
            settings.crds = Some(crds);
        }
        if let Some(seconds) = self.number::<u32>("waitComponentReadyTimeout") {
            settings.wait_component_ready_timeout = Duration::from_secs(seconds.into());
        }
        if let Some(domain) = self.text("hostCluster.domain") {
            settings.host_cluster_domain = domain;
        }
        for (path, reason) in [
            ("hostCluster.apiEndpoint", "the address of the host cluster comes from its kubeconfig"),
            ("hostCluster.secretRef", "the credentials of the host cluster come from its kubeconfig"),
        ] {
            if self.value(path).is_some() {
                self.refuse(path, reason);
            }
        }
        let server = "components.karmadaAPIServer";
        if let Some(address) = self.text(&format!("{server}.advertiseAddress")) {
            settings.karmada_apiserver_advertise_address = Some(address);
        }
        if let Some(namespace) = self.text(&format!("{server}.networking.namespace")) {
            settings.namespace = namespace;
        }
        if let Some(port) = self.number(&format!("{server}.networking.port")) {
            settings.port = port;
        }
        if let Some(annotations) = self.map(&format!("{server}.serviceAnnotations")) {
            settings.service_annotations = annotations;
        }
    }

    fn certificates(&mut self, settings: &mut Settings) {
        if let Some(path) = self.text("certificates.caCertFile") {
            settings.ca_cert_file = Some(path.into());
        }
        if let Some(path) = self.text("certificates.caKeyFile") {
            settings.ca_key_file = Some(path.into());
        }
        if let Some(names) = self.texts("certificates.externalDNS") {
            settings.cert_external_dns = names;
        }
        if let Some(addresses) = self.texts("certificates.externalIP") {
            settings.cert_external_ip = addresses;
        }
        if let Some(validity) =
            self.read("certificates.validityPeriod", |value| parse_validity(&text(value)?))
        {
            settings.cert_validity_period = validity;
        }
    }

    fn etcd(&mut self, settings: &mut Settings) {
        if self.value("etcd.local").is_some() && self.value("etcd.external").is_some() {
            self.refuse("etcd.external", "etcd is either local or external");
        }
        if let Some(image) = self.image("etcd.local", settings.etcd_image.as_deref()) {
            settings.etcd_image = Some(image);
        }
        if let Some(replicas) = self.number("etcd.local.replicas") {
            settings.etcd_replicas = Some(replicas);
        }
        if let Some(path) = self.text("etcd.local.dataPath") {
            settings.etcd_data = path;
        }
        if let Some(size) = self.text("etcd.local.pvcSize") {
            settings.etcd_pvc_size = size;
        }
        if let Some(class) = self.text("etcd.local.storageClassesName") {
            settings.storage_classes_name = Some(class);
        }
        let mode = self.read("etcd.local.storageMode", |value| StorageMode::from_str(&text(value)?, false));
        if let Some(mode) = mode {
            settings.etcd_storage_mode = mode;
        }
        let labels = self.read("etcd.local.nodeSelectorLabels", labels);
        if let Some(labels) = labels {
            settings.etcd_node_selector_labels = labels;
        }
        self.pod("etcd.local", &mut settings.etcd_pod);
        if let Some(endpoints) = self.texts("etcd.external.endpoints") {
            settings.external_etcd_servers = endpoints;
        }
        for (field, target) in [
            ("caFile", &mut settings.external_etcd_ca_cert_path),
            ("certFile", &mut settings.external_etcd_client_cert_path),
            ("keyFile", &mut settings.external_etcd_client_key_path),
        ] {
            if let Some(path) = self.text(&format!("etcd.external.{field}")) {
                *target = Some(path.into());
            }
        }
        if let Some(prefix) = self.text("etcd.external.keyPrefix") {
            settings.external_etcd_key_prefix = Some(prefix);
        }
    }

    fn images(&mut self, settings: &mut Settings) {
        let policy = self.read("images.imagePullPolicy", |value| PullPolicy::from_str(&text(value)?, false));
        if let Some(policy) = policy {
            settings.image_pull_policy = policy;
        }
        if let Some(secrets) = self.texts("images.imagePullSecrets") {
            settings.image_pull_secrets = secrets;
        }
        if let Some(country) = self.text("images.kubeImageMirrorCountry") {
            if country == "cn" {
                settings.kube_image_mirror_country = Some(country);
            } else {
                self.refuse(
                    "images.kubeImageMirrorCountry",
                    format!("there is no mirror for {country:?}, only cn"),
                );
            }
        }
        if let Some(registry) = self.text("images.kubeImageRegistry") {
            settings.kube_image_registry = registry;
        }
        if let Some(tag) = self.text("images.kubeImageTag") {
            settings.kube_image_tag = tag;
        }
        if let Some(registry) = self.text("images.privateRegistry.registry") {
            settings.private_image_registry = Some(registry);
        }
    }

    fn component(&mut self, path: &str, setting: &mut ComponentSetting) {
        if let Some(image) = self.image(path, setting.image.as_deref()) {
            setting.image = Some(image);
        }
        if let Some(replicas) = self.number(&format!("{path}.replicas")) {
            setting.replicas = Some(replicas);
        }
        self.pod(path, &mut setting.pod);
    }

    /// Reads repository and tag, which make an image together.
    fn image(&mut self, path: &str, known: Option<&str>) -> Option<String> {
        let (repository, tag) = (self.text(&format!("{path}.repository")), self.text(&format!("{path}.tag")));
        match (repository, tag) {
            (None, None) => None,
            (Some(repository), Some(tag)) => Some(format!("{repository}:{tag}")),
            (Some(repository), None) => Some(repository),
            (None, Some(tag)) => {
                let repository =
                    known.map(|known| known.rsplit_once(':').map_or(known, |(name, _)| name).to_owned());
                if repository.is_none() {
                    self.refuse(&format!("{path}.tag"), "needs repository");
                }
                repository.map(|repository| format!("{repository}:{tag}"))
            }
        }
    }

    fn pod(&mut self, path: &str, pod: &mut PodSettings) {
        let object = |value: &Value| {
            if value.is_object() { Ok(value.clone()) } else { Err(format!("{value} is not a map")) }
        };
        let list = |value: &Value| {
            if value.is_array() { Ok(value.clone()) } else { Err(format!("{value} is not a list")) }
        };
        if let Some(resources) = self.read(&format!("{path}.resources"), object) {
            pod.resources = Some(resources);
        }
        if let Some(affinity) = self.read(&format!("{path}.affinity"), object) {
            pod.affinity = Some(affinity);
        }
        if let Some(tolerations) = self.read(&format!("{path}.tolerations"), list) {
            pod.tolerations = Some(tolerations);
        }
        if let Some(selector) = self.map(&format!("{path}.nodeSelector")) {
            pod.node_selector = selector;
        }
        if let Some(arguments) = self.read(&format!("{path}.extraArgs"), arguments) {
            pod.extra_args = arguments;
        }
    }
}

fn text(value: &Value) -> Result<String, String> {
    value.as_str().map(str::to_owned).ok_or_else(|| format!("{value} is not text"))
}

/// Reads labels: a map, or `KEY=VALUE` separated by commas.
fn labels(value: &Value) -> Result<Vec<(String, String)>, String> {
    if let Some(fields) = value.as_object() {
        return fields.iter().map(|(key, value)| Ok((key.clone(), text(value)?))).collect();
    }
    text(value)?
        .split(',')
        .map(|pair| {
            let pair = pair.split_once('=').ok_or_else(|| format!("{pair:?} is not KEY=VALUE"))?;
            Ok((pair.0.to_owned(), pair.1.to_owned()))
        })
        .collect()
}

/// Reads a list of `{name, value}`.
fn arguments(value: &Value) -> Result<Vec<String>, String> {
    let items = value.as_array().ok_or_else(|| format!("{value} is not a list"))?;
    items
        .iter()
        .map(|item| {
            let name = item["name"].as_str().ok_or_else(|| format!("{item} has no name"))?;
            parse_argument(&format!("{name}={}", item["value"].as_str().unwrap_or_default()))
        })
        .collect()
}

/// The fields of the kind, in the form in which those of other kinds are checked.
fn definition() -> Value {
    let leaf = json!({"type": "string"});
    let open = json!({"x-kubernetes-preserve-unknown-fields": true});
    let object = |fields: &[(&str, Value)]| {
        let fields: serde_json::Map<String, Value> =
            fields.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
        json!({"type": "object", "properties": fields})
    };
    let leaves = |names: &[&'static str]| -> Vec<(&'static str, Value)> {
        names.iter().map(|name| (*name, leaf.clone())).collect()
    };
    let list = json!({"type": "array", "items": leaf});
    let common = [
        ("repository", leaf.clone()),
        ("tag", leaf.clone()),
        ("replicas", leaf.clone()),
        ("resources", open.clone()),
        ("nodeSelector", open.clone()),
        ("tolerations", open.clone()),
        ("affinity", open.clone()),
        ("extraArgs", open.clone()),
    ];
    let with_common = |extra: &[(&str, Value)]| object(&[&common[..], extra].concat());
    let mut components: Vec<(&str, Value)> =
        Component::ALL.into_iter().map(|component| (component.config_key(), with_common(&[]))).collect();
    components[0].1 = with_common(&[
        ("advertiseAddress", leaf.clone()),
        ("networking", object(&leaves(&["namespace", "port"]))),
        ("serviceAnnotations", open.clone()),
    ]);
    let local = [
        leaves(&["dataPath", "pvcSize", "storageMode", "storageClassesName"]),
        vec![("nodeSelectorLabels", open.clone())],
    ]
    .concat();
    let external =
        [leaves(&["caFile", "certFile", "keyFile", "keyPrefix"]), vec![("endpoints", list.clone())]].concat();
    let spec = object(&[
        (
            "certificates",
            object(
                &[
                    leaves(&["caCertFile", "caKeyFile", "validityPeriod"]),
                    vec![("externalDNS", list.clone()), ("externalIP", list.clone())],
                ]
                .concat(),
            ),
        ),
        ("etcd", object(&[("local", with_common(&local)), ("external", object(&external))])),
        (
            "hostCluster",
            object(
                &[
                    leaves(&["apiEndpoint", "kubeconfig", "context", "domain"]),
                    vec![("secretRef", object(&leaves(&["name"])))],
                ]
                .concat(),
            ),
        ),
        (
            "images",
            object(
                &[
                    leaves(&[
                        "imagePullPolicy",
                        "kubeImageMirrorCountry",
                        "kubeImageRegistry",
                        "kubeImageTag",
                    ]),
                    vec![
                        ("imagePullSecrets", list.clone()),
                        ("privateRegistry", object(&leaves(&["registry"]))),
                    ],
                ]
                .concat(),
            ),
        ),
        ("components", object(&components)),
        ("karmadaCRDs", leaf.clone()),
        ("karmadaDataPath", leaf.clone()),
        ("karmadaPKIPath", leaf.clone()),
        ("waitComponentReadyTimeout", leaf.clone()),
    ]);
    json!({"spec": {
        "group": "config.karmada.io", "names": {"kind": KIND},
        "versions": [{"name": "v1alpha1", "schema": {"openAPIV3Schema": object(&[("spec", spec)])}}],
    }})
}
