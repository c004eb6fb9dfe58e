//! The whole control plane in one process, on a volume.

use serde_json::{Value, json};

use super::api_server::service;
use super::certificate_set::{ACCOUNT_KEY, server_names};
use super::etcd::claim;
use super::host::HostFacts;
use super::names::{API_SERVER_PORT, CERTIFICATES, Component};
use super::options::{DataVolume, Etcd, InstallOptions};
use super::pods::{Mount, Pod, Probe, RunAs, disruption_budget, metadata, service_account};
use super::secrets::Secrets;
use super::workloads::PROGRAM;

/// Where the data is in the pod.
const DATA: &str = "/var/lib/karmada";
const VOLUME: &str = "karmada-data";

/// Returns the objects of the profile `single`, whose clients find it at `server`.
pub fn objects(options: &InstallOptions, host: &HostFacts, server: &str, secrets: &Secrets) -> Vec<Value> {
    let name = Component::ApiServer.name();
    vec![
        service_account(options, name),
        service(options),
        disruption_budget(options, name),
        stateful_set(options, host, server, secrets),
    ]
}

fn stateful_set(options: &InstallOptions, host: &HostFacts, server: &str, secrets: &Secrets) -> Value {
    let nodes = &host.data_nodes;
    let name = Component::ApiServer.name();
    let volume = match &options.etcd {
        Etcd::Local(etcd) => &etcd.volume,
        Etcd::External(_) => &DataVolume::EmptyDir,
    };
    let mut args = vec![
        format!("--data-dir={DATA}"),
        format!("--listen=0.0.0.0:{API_SERVER_PORT}"),
        format!("--public-url={server}"),
        "--metrics-bind-address=0.0.0.0:8080".to_owned(),
    ];
    // Of the nodes only the one that users are given: another one would start the process anew.
    let given = if options.advertise_address.is_some() {
        &[]
    } else {
        host.node_addresses.get(..1).unwrap_or_default()
    };
    let names = server_names(options, given);
    args.extend(names.iter().map(|name| format!("--tls-san={name}")));
    let mut pod_options = options.component(Component::ApiServer).clone();
    pod_options.replicas = 1;
    if let Etcd::Local(etcd) = &options.etcd {
        pod_options.node_selector.extend(etcd.node_labels.clone());
    }
    if let (None, false) = (&pod_options.affinity, nodes.is_empty()) {
        pod_options.affinity =
            Some(json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [{"matchExpressions": [
                    {"key": "kubernetes.io/hostname", "operator": "In", "values": nodes},
                ]}],
            }}}));
    }
    let data = match volume {
        DataVolume::HostPath { path } => {
            Mount::HostPath { volume: VOLUME, directory: path.clone(), path: DATA.to_owned() }
        }
        DataVolume::EmptyDir => Mount::EmptyDir { volume: VOLUME, path: DATA.to_owned() },
        DataVolume::Claim { .. } => Mount::Claim { volume: VOLUME, path: DATA.to_owned() },
    };
    let keys = [("ca.crt", "ca.crt"), ("ca.key", "ca.key"), (ACCOUNT_KEY, "service-account.key")];
    let pod = Pod {
        name,
        options: &pod_options,
        command: vec![PROGRAM.to_owned(), "serve".to_owned()],
        args,
        env: Vec::new(),
        ports: vec![("https", API_SERVER_PORT), ("metrics", 8080)],
        probe: Probe {
            scheme: "HTTPS",
            port: API_SERVER_PORT,
            live: "/livez",
            ready: "/readyz",
            starts_within: 60,
        },
        mounts: vec![
            data,
            // The process takes the authority that it finds there.
            Mount::Secret {
                volume: "karmada-cert",
                secret: CERTIFICATES.to_owned(),
                items: keys.map(|(key, path)| (key.to_owned(), path.to_owned())).into(),
                path: format!("{DATA}/pki"),
            },
            Mount::EmptyDir { volume: "tmp", path: "/tmp".to_owned() },
        ],
        run_as: if matches!(volume, DataVolume::HostPath { .. }) { RunAs::Root } else { RunAs::Nobody },
        requests: ("250m", "256Mi"),
    };
    let mut set = json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": metadata(options, name, name),
        "spec": {
            "replicas": 1,
            "serviceName": name,
            "revisionHistoryLimit": 3,
            "selector": {"matchLabels": {"app": name}},
            "template": pod.template(options, secrets),
        },
    });
    if let DataVolume::Claim { size, storage_class } = volume {
        set["spec"]["volumeClaimTemplates"] = json!([claim(VOLUME, name, size, storage_class.as_deref())]);
    }
    set
}
