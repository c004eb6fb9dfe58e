//! The roles and bindings that every server has.

use serde_json::{Value, json};

/// Paths that everybody may read.
const PUBLIC: [&str; 5] = ["/healthz", "/livez", "/readyz", "/version", "/version/"];
const DISCOVERY: [&str; 11] = [
    "/api",
    "/api/*",
    "/apis",
    "/apis/*",
    "/healthz",
    "/livez",
    "/openapi",
    "/openapi/*",
    "/readyz",
    "/version",
    "/version/",
];

/// Signers of Kubernetes, each with a role of those who approve for it.
const SIGNERS: [&str; 4] =
    ["kube-apiserver-client", "kube-apiserver-client-kubelet", "kubelet-serving", "legacy-unknown"];
const READ: [&str; 3] = ["get", "list", "watch"];
const WRITE: [&str; 5] = ["create", "delete", "deletecollection", "patch", "update"];

/// Resources of namespaces that `view` reads and `edit` changes: group, plurals.
const WORKLOADS: [(&str, &[&str]); 7] = [
    (
        "",
        &[
            "configmaps",
            "endpoints",
            "events",
            "limitranges",
            "persistentvolumeclaims",
            "pods",
            "pods/log",
            "pods/status",
            "replicationcontrollers",
            "replicationcontrollers/scale",
            "resourcequotas",
            "serviceaccounts",
            "services",
        ],
    ),
    (
        "apps",
        &[
            "controllerrevisions",
            "daemonsets",
            "deployments",
            "deployments/scale",
            "replicasets",
            "replicasets/scale",
            "statefulsets",
            "statefulsets/scale",
        ],
    ),
    ("autoscaling", &["horizontalpodautoscalers"]),
    ("batch", &["cronjobs", "jobs"]),
    ("discovery.k8s.io", &["endpointslices"]),
    ("networking.k8s.io", &["ingresses", "networkpolicies"]),
    ("policy", &["poddisruptionbudgets"]),
];

/// Returns the default ClusterRoles and ClusterRoleBindings.
pub fn bootstrap_objects() -> Vec<Value> {
    let view: Vec<Value> = WORKLOADS.iter().map(|(group, plurals)| rule(&READ, group, plurals)).collect();
    let mut edit = view.clone();
    edit.extend(WORKLOADS.iter().map(|(group, plurals)| rule(&WRITE, group, plurals)));
    edit.push(rule(&[&READ[..], &WRITE[..]].concat(), "", &["secrets"]));
    let mut admin = edit.clone();
    admin.push(rule(
        &[&READ[..], &WRITE[..]].concat(),
        "rbac.authorization.k8s.io",
        &["roles", "rolebindings"],
    ));
    admin.push(rule(&["create"], "authorization.k8s.io", &["localsubjectaccessreviews"]));
    let everything = json!([
        {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]},
        {"verbs": ["*"], "nonResourceURLs": ["*"]}]);
    let basic = json!([
        rule(&["create"], "authorization.k8s.io", &["selfsubjectaccessreviews", "selfsubjectrulesreviews"]),
        rule(&["create"], "authentication.k8s.io", &["selfsubjectreviews"])
    ]);
    let certificates = "certificates.k8s.io";
    let requests = "certificatesigningrequests";
    let mut objects = vec![
        role(
            "system:node-bootstrapper",
            json!([rule(&["create", "get", "list", "watch"], certificates, &[requests])]),
        ),
        role("cluster-admin", everything),
        role("admin", admin.into()),
        role("edit", edit.into()),
        role("view", view.into()),
        role("system:discovery", json!([{"verbs": ["get"], "nonResourceURLs": DISCOVERY}])),
        role("system:basic-user", basic),
        role("system:public-info-viewer", json!([{"verbs": ["get"], "nonResourceURLs": PUBLIC}])),
        role(
            "system:service-account-issuer-discovery",
            json!([{"verbs": ["get"], "nonResourceURLs": ["/.well-known", "/.well-known/*"]}]),
        ),
        binding("cluster-admin", &["system:masters"]),
        binding("system:discovery", &["system:authenticated"]),
        binding("system:basic-user", &["system:authenticated"]),
        binding("system:service-account-issuer-discovery", &["system:authenticated"]),
        binding("system:public-info-viewer", &["system:authenticated", "system:unauthenticated"]),
    ];
    for part in ["nodeclient", "selfnodeclient"] {
        let name = format!("system:{certificates}:{requests}:{part}");
        let path = format!("{requests}/{part}");
        objects.push(role(&name, json!([rule(&["create"], certificates, &[&path])])));
    }
    for signer in SIGNERS {
        let mut approve = rule(&["approve"], certificates, &["signers"]);
        approve["resourceNames"] = json!([format!("kubernetes.io/{signer}")]);
        objects.push(role(&format!("system:{certificates}:{signer}-approver"), json!([approve])));
    }
    objects
}

fn rule(verbs: &[&str], group: &str, resources: &[&str]) -> Value {
    json!({"verbs": verbs, "apiGroups": [group], "resources": resources})
}

fn metadata(name: &str) -> Value {
    json!({"name": name, "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"},
        "annotations": {"rbac.authorization.kubernetes.io/autoupdate": "true"}})
}

fn role(name: &str, rules: Value) -> Value {
    json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": metadata(name),
        "rules": rules})
}

fn binding(name: &str, groups: &[&str]) -> Value {
    let subjects: Vec<Value> = groups
        .iter()
        .map(|group| json!({"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": group}))
        .collect();
    json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": metadata(name),
        "subjects": subjects,
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}})
}
