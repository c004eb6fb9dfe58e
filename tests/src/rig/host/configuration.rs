//! Files and objects that make a node of a machine.

use serde_json::{Value, json};

use super::machine::{Machine, network_plugins};

/// Range of the addresses of pods.
const PODS: &str = "10.244.0.0/24";
/// Range of the addresses of Services.
pub(super) const SERVICES: &str = "10.96.0.0/16";
/// Address of the Service that answers for names.
const NAMES: &str = "10.96.0.10";
/// Domain of the cluster.
const DOMAIN: &str = "cluster.local";
/// Name of the only node.
pub(super) const NODE: &str = "node-1";
/// Image that keeps the namespaces of a pod.
pub(super) const PAUSE_IMAGE: &str = "localhost/pause:1";
pub(super) const DNS_IMAGE: &str = "localhost/coredns:1";
/// Namespace of what makes the cluster whole.
const SYSTEM: &str = "kube-system";

/// Returns the configuration of containerd.
pub(super) fn containerd(machine: &Machine) -> String {
    let path = |name: &str| machine.path(name).display().to_string();
    let plugins = network_plugins().unwrap_or_default();
    format!(
        r#"version = 2
root = "{root}"
state = "/run/containerd"

[grpc]
  address = "{socket}"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE_IMAGE}"
  # Not everybody who may start containers may also protect them from the end of memory.
  restrict_oom_score_adj = true

  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{plugins}"
    conf_dir = "{network}"

  [plugins."io.containerd.grpc.v1.cri".containerd]
    default_runtime_name = "runc"

    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
"#,
        root = path("containerd"),
        socket = path("containerd.sock"),
        network = path("network"),
    )
}

/// Returns the network of the pods: a bridge.
pub(super) fn network() -> Value {
    json!({
        "cniVersion": "0.4.0", "name": "pods",
        "plugins": [{
            "type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": true, "hairpinMode": true,
            "ipam": {
                "type": "host-local", "ranges": [[{"subnet": PODS}]], "routes": [{"dst": "0.0.0.0/0"}],
            },
        }],
    })
}

/// Returns the configuration of the kubelet.
pub(super) fn kubelet(machine: &Machine, authority: &str) -> Value {
    json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
        "address": machine.address.to_string(),
        "authentication": {
            "anonymous": {"enabled": false}, "webhook": {"enabled": true}, "x509": {"clientCAFile": authority},
        },
        "authorization": {"mode": "Webhook"},
        "containerRuntimeEndpoint": format!("unix://{}", machine.path("containerd.sock").display()),
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": machine.cgroup(),
        // Both versions of control groups will do.
        "failCgroupV1": false,
        "failSwapOn": false,
        "clusterDNS": [NAMES], "clusterDomain": DOMAIN,
        "resolvConf": machine.path("resolv.conf").display().to_string(),
        "oomScoreAdj": 0,
        "makeIPTablesUtilChains": false,
        // How full the disk is says nothing about this node; its images cannot be had again.
        "evictionHard": {"memory.available": "50Mi", "nodefs.available": "0%", "imagefs.available": "0%"},
        "imageGCHighThresholdPercent": 100, "imageGCLowThresholdPercent": 99,
        "nodeStatusUpdateFrequency": "5s",
    })
}

/// Returns the configuration of kube-proxy.
pub(super) fn proxy(kubeconfig: &str) -> Value {
    json!({
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1", "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "clientConnection": {"kubeconfig": kubeconfig},
        "clusterCIDR": PODS,
        "hostnameOverride": NODE,
        "healthzBindAddress": "127.0.0.1:10256", "metricsBindAddress": "127.0.0.1:10249",
        // These are settings of the whole system.
        "conntrack": {
            "maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s",
        },
    })
}

/// Returns the path and text of the objects by which names are answered for.
pub(super) fn names() -> Vec<(String, Value)> {
    let name = "coredns";
    let metadata = json!({"name": name, "namespace": SYSTEM});
    let labels = json!({"k8s-app": name});
    let corefile = format!(
        ".:53 {{\n errors\n health :8080\n ready :8181\n kubernetes {DOMAIN} in-addr.arpa {{\n  ttl 5\n }}\n}}\n"
    );
    let pod = json!({
        "metadata": {"labels": labels},
        "spec": {
            "serviceAccountName": name,
            "dnsPolicy": "Default",
            "containers": [{
                "name": name, "image": DNS_IMAGE, "args": ["-conf", "/etc/coredns/Corefile"],
                "imagePullPolicy": "Never",
                // Without a request it would get no time at all beside pods that have one.
                "resources": {"requests": {"cpu": "250m", "memory": "64Mi"}},
                // A machine that is busy with other tests answers late: that is no reason to know no names at all.
                "readinessProbe": {
                    "httpGet": {"path": "/ready", "port": 8181},
                    "periodSeconds": 2, "timeoutSeconds": 30, "failureThreshold": 10,
                },
                "volumeMounts": [{"name": "config", "mountPath": "/etc/coredns", "readOnly": true}],
            }],
            "volumes": [{"name": "config", "configMap": {"name": name}}],
        },
    });
    let access = "/apis/rbac.authorization.k8s.io/v1";
    let list = json!(["list", "watch"]);
    vec![
        (
            format!("/api/v1/namespaces/{SYSTEM}/serviceaccounts"),
            json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}),
        ),
        (
            format!("{access}/clusterroles"),
            json!({
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": name},
                "rules": [
                    {"apiGroups": [""], "resources": ["services", "namespaces"], "verbs": list},
                    {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": list},
                ],
            }),
        ),
        (
            format!("{access}/clusterrolebindings"),
            json!({
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
                "metadata": {"name": name},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
                "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": SYSTEM}],
            }),
        ),
        (
            format!("/api/v1/namespaces/{SYSTEM}/configmaps"),
            json!({
                "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"Corefile": corefile},
            }),
        ),
        (
            format!("/api/v1/namespaces/{SYSTEM}/services"),
            json!({
                "apiVersion": "v1", "kind": "Service", "metadata": {"name": "kube-dns", "namespace": SYSTEM},
                "spec": {"clusterIP": NAMES, "selector": labels, "ports": [
                    {"name": "dns", "port": 53, "protocol": "UDP"}, {"name": "dns-tcp", "port": 53, "protocol": "TCP"},
                ]},
            }),
        ),
        (
            format!("/apis/apps/v1/namespaces/{SYSTEM}/deployments"),
            json!({
                "apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata,
                "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": pod},
            }),
        ),
    ]
}

/// Path of the Deployment that answers for names.
pub(super) fn names_deployment() -> String {
    format!("/apis/apps/v1/namespaces/{SYSTEM}/deployments/coredns")
}
