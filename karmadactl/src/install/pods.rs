//! What the pods of all components have in common.

use std::collections::BTreeMap;

use karmada_core::api::reserved::BOOTSTRAPPING_LABEL;
use ring::digest;
use serde_json::{Map, Value, json};

use super::names::{CONFIG, Component, KUBECONFIG_KEY, SECRETS_ANNOTATION};
use super::options::{ComponentOptions, InstallOptions};
use super::secrets::Secrets;

/// Value of the label of everything that `init` makes.
pub const BOOTSTRAPPING: &str = "app-defaults";
/// The user and group of processes that need no rights.
const NOBODY: u32 = 65532;

/// Who a container runs as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunAs {
    /// A user without rights.
    Nobody,
    /// As `Nobody`; its program file carries the right to bind low ports, and would not start without it.
    NobodyWithPorts,
    /// Root, because the directory of a node belongs to root.
    Root,
}

/// A volume and where it is mounted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mount {
    /// Files of a Secret: key and path below `path`.
    Secret {
        volume: &'static str,
        secret: String,
        items: Vec<(String, String)>,
        path: String,
    },
    /// Room to write in.
    EmptyDir {
        volume: &'static str,
        path: String,
    },
    HostPath {
        volume: &'static str,
        directory: String,
        path: String,
    },
    /// Claimed by a template of the StatefulSet.
    Claim {
        volume: &'static str,
        path: String,
    },
}

impl Mount {
    /// The kubeconfig of a component.
    pub fn kubeconfig(component: Component) -> Self {
        Self::Secret {
            volume: "kubeconfig",
            secret: component.kubeconfig_secret().unwrap_or_default(),
            items: vec![(KUBECONFIG_KEY.to_owned(), KUBECONFIG_KEY.to_owned())],
            path: CONFIG.to_owned(),
        }
    }

    /// Files of a Secret under their own names.
    pub fn files(volume: &'static str, secret: &str, path: &str, files: &[&str]) -> Self {
        let items = files.iter().map(|file| ((*file).to_owned(), (*file).to_owned())).collect();
        Self::Secret { volume, secret: secret.to_owned(), items, path: path.to_owned() }
    }

    fn volume(&self) -> &'static str {
        match self {
            Self::Secret { volume, .. }
            | Self::EmptyDir { volume, .. }
            | Self::HostPath { volume, .. }
            | Self::Claim { volume, .. } => volume,
        }
    }

    fn mount(&self) -> Value {
        match self {
            Self::Secret { path, .. } => json!({"name": self.volume(), "mountPath": path, "readOnly": true}),
            Self::EmptyDir { path, .. } | Self::HostPath { path, .. } | Self::Claim { path, .. } => {
                json!({"name": self.volume(), "mountPath": path})
            }
        }
    }

    fn source(&self) -> Option<Value> {
        let name = self.volume();
        match self {
            Self::Secret { secret, items, .. } => {
                let items: Vec<Value> =
                    items.iter().map(|(key, path)| json!({"key": key, "path": path})).collect();
                // The group of the pod may read, others may not.
                let source = json!({"secretName": secret, "defaultMode": 0o440, "items": items});
                Some(json!({"name": name, "secret": source}))
            }
            Self::EmptyDir { .. } => Some(json!({"name": name, "emptyDir": {}})),
            Self::HostPath { directory, .. } => {
                Some(json!({"name": name, "hostPath": {"path": directory, "type": "DirectoryOrCreate"}}))
            }
            Self::Claim { .. } => None,
        }
    }
}

/// How a container is asked whether it works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    pub scheme: &'static str,
    pub port: u16,
    pub live: &'static str,
    pub ready: &'static str,
    /// How many times, five seconds apart, it may fail while it starts.
    pub starts_within: u32,
}

/// A container port: name and number.
pub type Port = (&'static str, u16);

/// The one container of a pod, and the pod around it.
#[derive(Clone, Debug)]
pub struct Pod<'a> {
    pub name: &'a str,
    pub options: &'a ComponentOptions,
    pub command: Vec<String>,
    pub args: Vec<String>,
    pub env: Vec<Value>,
    pub ports: Vec<Port>,
    pub probe: Probe,
    pub mounts: Vec<Mount>,
    pub run_as: RunAs,
    /// What it asks for unless the user says: CPU and memory.
    pub requests: (&'static str, &'static str),
}

impl Pod<'_> {
    /// Returns the template of the pod.
    pub fn template(&self, install: &InstallOptions, secrets: &Secrets) -> Value {
        let mut annotations = Map::new();
        if let Some(digest) = mounted(&self.mounts, secrets) {
            annotations.insert(SECRETS_ANNOTATION.to_owned(), digest.into());
        }
        let mut metadata = json!({"labels": labels(self.name)});
        if !annotations.is_empty() {
            metadata["annotations"] = annotations.into();
        }
        let options = self.options;
        let mut spec = json!({
            "serviceAccountName": self.name,
            "automountServiceAccountToken": false,
            "enableServiceLinks": false,
            "securityContext": pod_security(self.run_as),
            "containers": [self.container(install)],
            "volumes": self.mounts.iter().filter_map(Mount::source).collect::<Vec<_>>(),
        });
        if !options.priority_class.is_empty() {
            spec["priorityClassName"] = options.priority_class.clone().into();
        }
        if !options.node_selector.is_empty() {
            spec["nodeSelector"] = json!(options.node_selector);
        }
        if let Some(tolerations) = &options.tolerations {
            spec["tolerations"] = tolerations.clone();
        }
        if !install.pull_secrets.is_empty() {
            let names: Vec<Value> = install.pull_secrets.iter().map(|name| json!({"name": name})).collect();
            spec["imagePullSecrets"] = names.into();
        }
        match &options.affinity {
            Some(affinity) => spec["affinity"] = affinity.clone(),
            None if options.replicas > 1 => spec["affinity"] = apart(self.name),
            None => {}
        }
        json!({"metadata": metadata, "spec": spec})
    }

    fn container(&self, install: &InstallOptions) -> Value {
        let Probe { scheme, port, live, ready, starts_within } = self.probe;
        let ask = |path: &str| json!({"path": path, "port": port, "scheme": scheme});
        let resources = self.options.resources.clone().unwrap_or_else(|| {
            let (cpu, memory) = self.requests;
            json!({"requests": {"cpu": cpu, "memory": memory}})
        });
        let mut container = json!({
            "name": self.name,
            "image": self.options.image,
            "imagePullPolicy": install.pull_policy,
            "command": self.command,
            "args": merge_arguments(&self.args, &self.options.extra_args),
            "ports": self.ports.iter()
                .map(|(name, port)| json!({"name": name, "containerPort": port, "protocol": "TCP"}))
                .collect::<Vec<_>>(),
            "startupProbe": {
                "httpGet": ask(live), "periodSeconds": 5, "timeoutSeconds": 5, "failureThreshold": starts_within,
            },
            "livenessProbe": {
                "httpGet": ask(live), "periodSeconds": 10, "timeoutSeconds": 15, "failureThreshold": 6,
            },
            "readinessProbe": {
                "httpGet": ask(ready), "periodSeconds": 2, "timeoutSeconds": 5, "failureThreshold": 3,
            },
            "resources": resources,
            "securityContext": container_security(self.run_as),
            "volumeMounts": self.mounts.iter().map(Mount::mount).collect::<Vec<_>>(),
        });
        if !self.env.is_empty() {
            container["env"] = self.env.clone().into();
        }
        container
    }
}

/// The labels of a component's objects, and of its pods.
pub fn labels(name: &str) -> Value {
    json!({"app": name, BOOTSTRAPPING_LABEL: BOOTSTRAPPING})
}

/// The metadata of an object of a component.
pub fn metadata(install: &InstallOptions, name: &str, component: &str) -> Value {
    json!({"name": name, "namespace": install.namespace, "labels": labels(component)})
}

/// Returns an environment variable with a field of the pod.
pub fn field_variable(name: &str, path: &str) -> Value {
    json!({"name": name, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}})
}

/// Returns a Deployment of the pod.
pub fn deployment(pod: &Pod<'_>, install: &InstallOptions, secrets: &Secrets) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": metadata(install, pod.name, pod.name),
        "spec": {
            "replicas": pod.options.replicas,
            "revisionHistoryLimit": 3,
            "selector": {"matchLabels": {"app": pod.name}},
            "template": pod.template(install, secrets),
        },
    })
}

/// Returns a Service of the pods of a component: name, port and target of each port.
pub fn service(install: &InstallOptions, name: &str, ports: &[(&str, u16, u16)]) -> Value {
    let ports: Vec<Value> = ports
        .iter()
        .map(|(name, port, target)| json!({"name": name, "port": port, "targetPort": target, "protocol": "TCP"}))
        .collect();
    json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": metadata(install, name, name),
        "spec": {"type": "ClusterIP", "selector": {"app": name}, "ports": ports},
    })
}

/// An account without any right: no pod of the control plane asks the host cluster for anything.
pub fn service_account(install: &InstallOptions, name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata(install, name, name),
        "automountServiceAccountToken": false,
    })
}

/// Lets nodes be drained one pod at a time.
pub fn disruption_budget(install: &InstallOptions, name: &str) -> Value {
    json!({
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": metadata(install, name, name),
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"app": name}}},
    })
}

/// Returns arguments with those of the user: the same flag is replaced, others come last.
pub fn merge_arguments(base: &[String], extra: &[String]) -> Vec<String> {
    let flag = |argument: &str| argument.split('=').next().unwrap_or_default().to_owned();
    let mut merged = base.to_vec();
    for argument in extra {
        match merged.iter_mut().find(|known| flag(known) == flag(argument)) {
            Some(known) => known.clone_from(argument),
            None => merged.push(argument.clone()),
        }
    }
    merged
}

/// Returns a digest of the files that a pod mounts of Secrets; nothing while they are not known.
pub fn mounted(mounts: &[Mount], secrets: &Secrets) -> Option<String> {
    let mut keys = BTreeMap::new();
    for mount in mounts {
        if let Mount::Secret { secret, items, .. } = mount {
            keys.insert(secret.as_str(), items.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>());
        }
    }
    digest_of(&keys, secrets)
}

/// Returns a digest of these keys of Secrets; nothing when one of the Secrets is not known.
pub fn digest_of(keys: &BTreeMap<&str, Vec<&str>>, secrets: &Secrets) -> Option<String> {
    if keys.is_empty() {
        return None;
    }
    let mut context = digest::Context::new(&digest::SHA256);
    for (secret, keys) in keys {
        let files = secrets.get(*secret)?;
        let mut keys = keys.clone();
        keys.sort_unstable();
        for key in keys {
            for part in [secret, key, files.get(key).map(String::as_str).unwrap_or_default()] {
                context.update(&(part.len() as u64).to_le_bytes());
                context.update(part.as_bytes());
            }
        }
    }
    let digest = context.finish();
    let short = digest.as_ref().first_chunk().map(|bytes| u64::from_be_bytes(*bytes))?;
    Some(format!("{short:016x}"))
}

/// Keeps the pods of a component on different nodes where there are enough.
fn apart(name: &str) -> Value {
    json!({"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{
        "weight": 100,
        "podAffinityTerm": {
            "topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": name}},
        },
    }]}})
}

fn pod_security(run_as: RunAs) -> Value {
    let mut security = json!({"seccompProfile": {"type": "RuntimeDefault"}});
    if run_as != RunAs::Root {
        for (field, value) in [
            ("runAsNonRoot", json!(true)),
            ("runAsUser", json!(NOBODY)),
            ("runAsGroup", json!(NOBODY)),
            ("fsGroup", json!(NOBODY)),
            // Large volumes are only walked through when they must be.
            ("fsGroupChangePolicy", json!("OnRootMismatch")),
        ] {
            security[field] = value;
        }
    }
    security
}

fn container_security(run_as: RunAs) -> Value {
    let capabilities = match run_as {
        RunAs::Nobody => json!({"drop": ["ALL"]}),
        RunAs::NobodyWithPorts => json!({"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}),
        // Data of an earlier installation may belong to another user.
        RunAs::Root => json!({"drop": ["ALL"], "add": ["CHOWN", "DAC_OVERRIDE", "FOWNER"]}),
    };
    json!({"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": capabilities})
}
