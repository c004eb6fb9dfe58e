//! etcd: a StatefulSet whose members find one another by a headless Service.

use serde_json::{Value, json};

use super::names::{ETCD, ETCD_CERTIFICATES, ETCD_CLIENT_PORT, ETCD_METRICS_PORT, ETCD_PEER_PORT, PKI};
use super::options::{DataVolume, Etcd, InstallOptions, LocalEtcd};
use super::pods::{
    Mount, Pod, Probe, RunAs, disruption_budget, field_variable, labels, metadata, service_account,
};
use super::secrets::Secrets;

/// Where the volume is mounted.
const DATA: &str = "/var/lib/etcd";
const VOLUME: &str = "etcd-data";

/// Returns the addresses of etcd, for the API server.
pub fn servers(options: &InstallOptions) -> Vec<String> {
    match &options.etcd {
        Etcd::External(etcd) => etcd.servers.clone(),
        Etcd::Local(etcd) => members(options, etcd)
            .into_iter()
            .map(|(_, host)| format!("https://{host}:{ETCD_CLIENT_PORT}"))
            .collect(),
    }
}

/// Returns the objects of etcd; `nodes` are those it may run on when its data is in a directory of theirs.
pub fn objects(
    options: &InstallOptions,
    etcd: &LocalEtcd,
    nodes: &[String],
    secrets: &Secrets,
) -> Vec<Value> {
    vec![
        service_account(options, ETCD),
        service(options),
        disruption_budget(options, ETCD),
        stateful_set(options, etcd, nodes, secrets),
    ]
}

fn members(options: &InstallOptions, etcd: &LocalEtcd) -> Vec<(String, String)> {
    let service = options.service_host(ETCD);
    (0..etcd.pod.replicas)
        .map(|index| (format!("{ETCD}-{index}"), format!("{ETCD}-{index}.{service}")))
        .collect()
}

fn service(options: &InstallOptions) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": metadata(options, ETCD, ETCD),
        "spec": {
            "type": "ClusterIP",
            "clusterIP": "None",
            // Members must find one another before the first of them is ready.
            "publishNotReadyAddresses": true,
            "selector": {"app": ETCD},
            "ports": [
                {"name": "client", "port": ETCD_CLIENT_PORT, "targetPort": ETCD_CLIENT_PORT, "protocol": "TCP"},
                {"name": "peer", "port": ETCD_PEER_PORT, "targetPort": ETCD_PEER_PORT, "protocol": "TCP"},
            ],
        },
    })
}

fn stateful_set(options: &InstallOptions, etcd: &LocalEtcd, nodes: &[String], secrets: &Secrets) -> Value {
    let host = format!("$(POD_NAME).{}", options.service_host(ETCD));
    let cluster: Vec<String> = members(options, etcd)
        .into_iter()
        .map(|(name, host)| format!("{name}=https://{host}:{ETCD_PEER_PORT}"))
        .collect();
    let args = vec![
        "--name=$(POD_NAME)".to_owned(),
        // A directory of its own: etcd wants it for itself alone.
        format!("--data-dir={DATA}/data"),
        format!("--listen-client-urls=https://0.0.0.0:{ETCD_CLIENT_PORT}"),
        format!("--advertise-client-urls=https://{host}:{ETCD_CLIENT_PORT}"),
        format!("--listen-peer-urls=https://0.0.0.0:{ETCD_PEER_PORT}"),
        format!("--initial-advertise-peer-urls=https://{host}:{ETCD_PEER_PORT}"),
        format!("--initial-cluster={}", cluster.join(",")),
        "--initial-cluster-state=new".to_owned(),
        format!("--initial-cluster-token={}-{ETCD}", options.namespace),
        format!("--listen-metrics-urls=http://0.0.0.0:{ETCD_METRICS_PORT}"),
        "--client-cert-auth=true".to_owned(),
        format!("--trusted-ca-file={PKI}/etcd-ca.crt"),
        format!("--cert-file={PKI}/etcd-server.crt"),
        format!("--key-file={PKI}/etcd-server.key"),
        "--peer-client-cert-auth=true".to_owned(),
        format!("--peer-trusted-ca-file={PKI}/etcd-ca.crt"),
        format!("--peer-cert-file={PKI}/etcd-server.crt"),
        format!("--peer-key-file={PKI}/etcd-server.key"),
        "--quota-backend-bytes=8589934592".to_owned(),
    ];
    let mut pod_options = etcd.pod.clone();
    pod_options.node_selector.extend(etcd.node_labels.clone());
    if let (None, true) = (&pod_options.affinity, etcd.pod.replicas > 1 || !nodes.is_empty()) {
        pod_options.affinity = Some(affinity(etcd, nodes));
    }
    let data = match &etcd.volume {
        DataVolume::HostPath { path } => {
            Mount::HostPath { volume: VOLUME, directory: path.clone(), path: DATA.to_owned() }
        }
        DataVolume::EmptyDir => Mount::EmptyDir { volume: VOLUME, path: DATA.to_owned() },
        DataVolume::Claim { .. } => Mount::Claim { volume: VOLUME, path: DATA.to_owned() },
    };
    let pod = Pod {
        name: ETCD,
        options: &pod_options,
        command: vec!["etcd".to_owned()],
        args,
        env: vec![field_variable("POD_NAME", "metadata.name")],
        ports: vec![("client", ETCD_CLIENT_PORT), ("peer", ETCD_PEER_PORT), ("metrics", ETCD_METRICS_PORT)],
        probe: Probe {
            scheme: "HTTP",
            port: ETCD_METRICS_PORT,
            live: "/livez",
            ready: "/readyz",
            starts_within: 60,
        },
        mounts: vec![
            Mount::files(
                "etcd-cert",
                ETCD_CERTIFICATES,
                PKI,
                &["etcd-ca.crt", "etcd-server.crt", "etcd-server.key"],
            ),
            data,
        ],
        run_as: if matches!(etcd.volume, DataVolume::HostPath { .. }) { RunAs::Root } else { RunAs::Nobody },
        requests: ("100m", "128Mi"),
    };
    let mut set = json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": metadata(options, ETCD, ETCD),
        "spec": {
            "replicas": etcd.pod.replicas,
            "serviceName": ETCD,
            // One by one would wait for a majority that never comes.
            "podManagementPolicy": "Parallel",
            "revisionHistoryLimit": 3,
            "selector": {"matchLabels": {"app": ETCD}},
            "template": pod.template(options, secrets),
        },
    });
    if let DataVolume::Claim { size, storage_class } = &etcd.volume {
        set["spec"]["volumeClaimTemplates"] = json!([claim(VOLUME, ETCD, size, storage_class.as_deref())]);
    }
    set
}

/// Returns the template of a claim.
pub(super) fn claim(volume: &str, component: &str, size: &str, storage_class: Option<&str>) -> Value {
    let mut claim = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": volume, "labels": labels(component)},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}},
    });
    if let Some(class) = storage_class {
        claim["spec"]["storageClassName"] = class.into();
    }
    claim
}

/// Keeps members apart, and on the nodes that have their data.
fn affinity(etcd: &LocalEtcd, nodes: &[String]) -> Value {
    let mut affinity = json!({});
    if etcd.pod.replicas > 1 {
        affinity["podAntiAffinity"] = json!({"requiredDuringSchedulingIgnoredDuringExecution": [{
            "topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": ETCD}},
        }]});
    }
    if !nodes.is_empty() {
        affinity["nodeAffinity"] = json!({"requiredDuringSchedulingIgnoredDuringExecution": {
            "nodeSelectorTerms": [{"matchExpressions": [
                {"key": "kubernetes.io/hostname", "operator": "In", "values": nodes},
            ]}],
        }});
    }
    affinity
}
