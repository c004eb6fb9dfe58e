//! The steps of an installation, in order: a pure function of what is wanted and what is known.

use karmada_core::api::reserved::SYSTEM_NAMESPACE;
use serde_json::{Value, json};

use super::api_service::{AggregatedService, Trust};
use super::certificate_set::{CertificateSet, ROOT};
use super::control_plane;
use super::host::HostFacts;
use super::names::{Component, ETCD};
use super::options::{Etcd, InstallOptions, Profile};
use super::secrets::{self, Secrets};
use super::webhook_configurations::{WebhookAddress, Webhooks};
use super::{etcd, single, workloads};
use crate::error::CliError;

/// Which API server a step writes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Host,
    ControlPlane,
}

impl Place {
    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Host => "host cluster",
            Self::ControlPlane => "control plane",
        }
    }
}

/// What must be true before the next step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wait {
    /// All pods of a workload are new and ready: its kind and name.
    Rollout { kind: &'static str, name: String },
    /// The API server of the control plane answers at its address.
    ControlPlane,
    /// Karmada's kinds are served.
    Definitions,
    /// The aggregated API is served, and by another server.
    AggregatedApi,
}

/// Objects that are written together, and what is waited for then.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub title: String,
    pub place: Place,
    pub objects: Vec<Value>,
    pub waits: Vec<Wait>,
}

/// The steps of an installation.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Address of the API server, for users and members.
    pub server: String,
    pub steps: Vec<Step>,
}

/// Whether objects hold keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keys {
    Included,
    /// Secrets are left out, and what else only a run knows.
    LeftOut,
}

/// Returns the address of the API server, for users and members.
pub fn server_address(options: &InstallOptions, host: &HostFacts) -> String {
    let address = options.advertise_address.as_ref().or(host.node_addresses.first());
    let address = address.map_or("<address-of-a-node>", String::as_str);
    // Addresses of version 6 are written in brackets.
    if address.contains(':') {
        format!("https://[{address}]:{}", options.node_port)
    } else {
        format!("https://{address}:{}", options.node_port)
    }
}

/// Returns the steps of an installation.
///
/// # Errors
/// When a kubeconfig cannot be written as YAML.
pub fn plan(
    options: &InstallOptions,
    host: &HostFacts,
    certificates: &CertificateSet,
    keys: Keys,
) -> Result<Plan, CliError> {
    let server = server_address(options, host);
    let mut secrets = Secrets::new();
    if keys == Keys::Included {
        secrets = secrets::secrets(options, certificates)?;
    }
    let mut steps = vec![Step {
        title: "namespace and certificates".to_owned(),
        place: Place::Host,
        objects: std::iter::once(namespace(&options.namespace))
            .chain(secrets::objects(options, &secrets))
            .collect(),
        waits: Vec::new(),
    }];
    if options.profile == Profile::Single {
        let name = Component::ApiServer.name();
        steps.push(Step {
            title: name.to_owned(),
            place: Place::Host,
            objects: single::objects(options, host, &server, &secrets),
            waits: vec![rollout("StatefulSet", name), Wait::ControlPlane, Wait::Definitions],
        });
        if keys == Keys::Included {
            steps.push(registration(&server, certificates));
        }
        return Ok(Plan { server, steps });
    }
    if let Etcd::Local(local) = &options.etcd {
        steps.push(Step {
            title: ETCD.to_owned(),
            place: Place::Host,
            objects: etcd::objects(options, local, &host.data_nodes, &secrets),
            waits: vec![rollout("StatefulSet", ETCD)],
        });
    }
    let mut api_server = component(options, Component::ApiServer, &secrets);
    api_server.waits.push(Wait::ControlPlane);
    steps.push(api_server);
    let on_control_plane = |title: &str, objects: Vec<Value>, waits: Vec<Wait>| Step {
        title: title.to_owned(),
        place: Place::ControlPlane,
        objects,
        waits,
    };
    let authority = match keys {
        Keys::Included => certificates.file(&format!("{ROOT}.crt")).to_owned(),
        Keys::LeftOut => String::new(),
    };
    let webhook = Component::Webhook.name();
    let webhooks = Webhooks {
        address: WebhookAddress::Url(format!("https://{webhook}.{}.svc:443", options.namespace)),
        ca_pem: authority.clone(),
    };
    let foundations = control_plane::foundations();
    steps.push(on_control_plane(
        "namespaces, kinds and roles",
        foundations.into_iter().map(|object| webhooks.with_conversion(object)).collect(),
        vec![Wait::Definitions],
    ));
    steps.push(component(options, Component::AggregatedApiServer, &secrets));
    steps.push(on_control_plane(
        "aggregated API",
        aggregated_api(options, authority),
        vec![Wait::AggregatedApi],
    ));
    steps.push(component(options, Component::Webhook, &secrets));
    // Refuses every write while nobody answers: it comes after those who do.
    steps.push(on_control_plane("admission", vec![webhooks.mutating(), webhooks.validating()], Vec::new()));
    if keys == Keys::Included {
        steps.push(registration(&server, certificates));
    }
    for next in [Component::KubeControllerManager, Component::Scheduler, Component::ControllerManager] {
        steps.push(component(options, next, &secrets));
    }
    Ok(Plan { server, steps })
}

impl Plan {
    /// All objects of a place.
    pub fn objects(&self, place: Place) -> impl Iterator<Item = &Value> {
        self.steps.iter().filter(move |step| step.place == place).flat_map(|step| &step.objects)
    }
}

fn component(options: &InstallOptions, component: Component, secrets: &Secrets) -> Step {
    Step {
        title: component.name().to_owned(),
        place: Place::Host,
        objects: workloads::objects(options, component, secrets),
        waits: vec![rollout("Deployment", component.name())],
    }
}

/// Where Clusters are served, and by whom.
fn aggregated_api(options: &InstallOptions, authority: String) -> Vec<Value> {
    let service = AggregatedService::new(SYSTEM_NAMESPACE);
    let is_known = !authority.is_empty();
    let mut api_service = service.api_service(&Trust::Authority(authority));
    if let (false, Some(spec)) = (is_known, api_service["spec"].as_object_mut()) {
        spec.remove("caBundle");
    }
    let host = options.service_host(Component::AggregatedApiServer.name());
    vec![service.external_name(&host), api_service]
}

fn registration(server: &str, certificates: &CertificateSet) -> Step {
    Step {
        title: "registration of clusters".to_owned(),
        place: Place::ControlPlane,
        objects: control_plane::registration(server, certificates),
        waits: Vec::new(),
    }
}

fn rollout(kind: &'static str, name: &str) -> Wait {
    Wait::Rollout { kind, name: name.to_owned() }
}

fn namespace(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
}
