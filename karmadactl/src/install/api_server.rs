//! The API server of the control plane: kube-apiserver behind a port of the nodes.

use serde_json::{Value, json};

use super::certificate_set::{ACCOUNT_KEY, ACCOUNT_PUBLIC_KEY};
use super::etcd;
use super::names::{API_SERVER_PORT, CERTIFICATES, Component, PKI};
use super::options::{Etcd, InstallOptions};
use super::pods::{Mount, Pod, Probe, RunAs, deployment, disruption_budget, metadata, service_account};
use super::secrets::Secrets;

/// Range of the addresses of Services in the control plane; nothing runs there.
pub const SERVICE_RANGE: &str = "10.96.0.0/12";

/// Returns the objects of the API server.
pub fn objects(options: &InstallOptions, secrets: &Secrets) -> Vec<Value> {
    let name = Component::ApiServer.name();
    vec![
        service_account(options, name),
        service(options),
        disruption_budget(options, name),
        deployment(&pod(options), options, secrets),
    ]
}

/// The Service by which members and users come in.
pub fn service(options: &InstallOptions) -> Value {
    let name = Component::ApiServer.name();
    let mut service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": metadata(options, name, name),
        "spec": {
            "type": "NodePort",
            "selector": {"app": name},
            "ports": [{
                "name": "https", "port": API_SERVER_PORT, "targetPort": API_SERVER_PORT,
                "nodePort": options.node_port, "protocol": "TCP",
            }],
        },
    });
    if !options.service_annotations.is_empty() {
        service["metadata"]["annotations"] = json!(options.service_annotations);
    }
    service
}

fn pod(options: &InstallOptions) -> Pod<'_> {
    let mut files = vec![
        "ca.crt",
        "apiserver.crt",
        "apiserver.key",
        "front-proxy-ca.crt",
        "front-proxy-client.crt",
        "front-proxy-client.key",
        ACCOUNT_KEY,
        ACCOUNT_PUBLIC_KEY,
    ];
    let mut args: Vec<String> = [
        "--allow-privileged=true",
        "--authorization-mode=Node,RBAC",
        "--enable-bootstrap-token-auth=true",
        "--disable-admission-plugins=StorageObjectInUseProtection,ServiceAccount",
        "--bind-address=0.0.0.0",
        "--requestheader-allowed-names=front-proxy-client",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-username-headers=X-Remote-User",
        "--tls-min-version=VersionTLS13",
    ]
    .map(str::to_owned)
    .into();
    args.extend([
        format!("--secure-port={API_SERVER_PORT}"),
        format!("--service-cluster-ip-range={SERVICE_RANGE}"),
        format!("--service-account-issuer=https://kubernetes.default.svc.{}", options.host_domain),
        format!("--service-account-key-file={PKI}/{ACCOUNT_PUBLIC_KEY}"),
        format!("--service-account-signing-key-file={PKI}/{ACCOUNT_KEY}"),
        format!("--client-ca-file={PKI}/ca.crt"),
        format!("--tls-cert-file={PKI}/apiserver.crt"),
        format!("--tls-private-key-file={PKI}/apiserver.key"),
        format!("--proxy-client-cert-file={PKI}/front-proxy-client.crt"),
        format!("--proxy-client-key-file={PKI}/front-proxy-client.key"),
        format!("--requestheader-client-ca-file={PKI}/front-proxy-ca.crt"),
        format!("--etcd-servers={}", etcd::servers(options).join(",")),
    ]);
    let (has_root, has_client) = match &options.etcd {
        Etcd::Local(_) => (true, true),
        Etcd::External(etcd) => (etcd.ca.is_some(), etcd.client.is_some()),
    };
    if has_root {
        files.push("etcd-ca.crt");
        args.push(format!("--etcd-cafile={PKI}/etcd-ca.crt"));
    }
    if has_client {
        files.extend(["etcd-client.crt", "etcd-client.key"]);
        args.push(format!("--etcd-certfile={PKI}/etcd-client.crt"));
        args.push(format!("--etcd-keyfile={PKI}/etcd-client.key"));
    }
    if let Etcd::External(etcd) = &options.etcd
        && let Some(prefix) = &etcd.key_prefix
    {
        args.push(format!("--etcd-prefix={prefix}"));
    }
    Pod {
        name: Component::ApiServer.name(),
        options: options.component(Component::ApiServer),
        command: vec!["kube-apiserver".to_owned()],
        args,
        env: Vec::new(),
        ports: vec![("https", API_SERVER_PORT)],
        probe: Probe {
            scheme: "HTTPS",
            port: API_SERVER_PORT,
            live: "/livez",
            ready: "/readyz",
            starts_within: 60,
        },
        mounts: vec![
            Mount::files("karmada-cert", CERTIFICATES, PKI, &files),
            Mount::EmptyDir { volume: "tmp", path: "/tmp".to_owned() },
        ],
        run_as: RunAs::NobodyWithPorts,
        requests: ("250m", "256Mi"),
    }
}
