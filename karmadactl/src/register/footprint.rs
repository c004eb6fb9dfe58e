//! What a registration leaves in the member: the agent and what it needs.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::bootstrap::{RBAC, RBAC_V1, cluster_role};
use super::registration::AgentOptions;

/// Name of the agent's Deployment, ClusterRole and ClusterRoleBinding.
pub const AGENT: &str = "karmada-agent";
/// Name of the agent's ServiceAccount.
pub const AGENT_ACCOUNT: &str = "karmada-agent-sa";
/// Name of the Secret with the agent's kubeconfig for the control plane, and of the key in it.
pub const KUBECONFIG_SECRET: &str = "karmada-kubeconfig";

/// The program in the agent's image.
const PROGRAM: &str = "/usr/local/bin/karmadactl";
const MOUNT: &str = "/etc/kubeconfig";
const HEALTH_PORT: u16 = 10357;
const METRICS_PORT: u16 = 8080;

/// Namespace of the agent.
pub fn namespace(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
}

/// The Secret with the agent's kubeconfig.
pub fn kubeconfig_secret(namespace: &str, kubeconfig: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "metadata": {"name": KUBECONFIG_SECRET, "namespace": namespace},
        "data": {KUBECONFIG_SECRET: STANDARD.encode(kubeconfig)},
    })
}

/// What the agent may do in the member: all, for it keeps whatever is propagated there.
pub fn role() -> Value {
    cluster_role(
        AGENT,
        &json!([
            {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]},
            {"nonResourceURLs": ["*"], "verbs": ["get"]},
        ]),
    )
}

/// Gives the permissions to the agent.
pub fn role_binding(namespace: &str) -> Value {
    json!({
        "apiVersion": RBAC_V1, "kind": "ClusterRoleBinding", "metadata": {"name": AGENT},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": AGENT},
        "subjects": [{"kind": "ServiceAccount", "name": AGENT_ACCOUNT, "namespace": namespace}],
    })
}

/// The agent's account.
pub fn service_account(namespace: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ServiceAccount",
        "metadata": {"name": AGENT_ACCOUNT, "namespace": namespace},
    })
}

/// The agent.
pub fn deployment(namespace: &str, agent: &AgentOptions) -> Value {
    let labels = BTreeMap::from([("app", AGENT)]);
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": AGENT, "namespace": namespace, "labels": labels},
        "spec": {
            "replicas": agent.replicas,
            "selector": {"matchLabels": labels},
            "strategy": {"type": if agent.replicas > 1 { "RollingUpdate" } else { "Recreate" }},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "serviceAccountName": AGENT_ACCOUNT,
                    "tolerations": [{"key": "node-role.kubernetes.io/master", "operator": "Exists"}],
                    "containers": [{
                        "name": AGENT,
                        "image": agent.image,
                        "imagePullPolicy": "IfNotPresent",
                        "command": [PROGRAM, "agent"],
                        "args": arguments(agent),
                        "ports": [
                            {"name": "metrics", "containerPort": METRICS_PORT, "protocol": "TCP"},
                            {"name": "health", "containerPort": HEALTH_PORT, "protocol": "TCP"},
                        ],
                        "livenessProbe": {
                            "httpGet": {"path": "/healthz", "port": HEALTH_PORT, "scheme": "HTTP"},
                            "initialDelaySeconds": 15, "periodSeconds": 15, "failureThreshold": 3, "timeoutSeconds": 5,
                        },
                        "readinessProbe": {
                            "httpGet": {"path": "/readyz", "port": HEALTH_PORT, "scheme": "HTTP"},
                            "periodSeconds": 5, "failureThreshold": 3, "timeoutSeconds": 5,
                        },
                        "securityContext": {
                            "allowPrivilegeEscalation": false,
                            "readOnlyRootFilesystem": true,
                            "capabilities": {"drop": ["ALL"]},
                        },
                        // The whole directory: a file of it would not follow the Secret.
                        "volumeMounts": [{"name": "kubeconfig", "mountPath": MOUNT, "readOnly": true}],
                    }],
                    "volumes": [{"name": "kubeconfig", "secret": {"secretName": KUBECONFIG_SECRET}}],
                },
            },
        },
    })
}

fn arguments(agent: &AgentOptions) -> Vec<String> {
    let mut arguments = vec![
        format!("--karmada-kubeconfig={MOUNT}/{KUBECONFIG_SECRET}"),
        format!("--cluster-name={}", agent.cluster_name),
        format!("--cluster-namespace={}", agent.cluster_namespace),
        format!("--cluster-api-endpoint={}", agent.api_endpoint),
        format!("--controllers=*{}", if agent.rotates_certificate { ",certRotation" } else { "" }),
        format!("--karmada-kubeconfig-namespace={}", agent.namespace),
        format!("--metrics-bind-address=0.0.0.0:{METRICS_PORT}"),
        format!("--health-probe-bind-address=0.0.0.0:{HEALTH_PORT}"),
    ];
    if agent.replicas <= 1 {
        // There is nobody to take turns with, and a lease in the control plane is lost when that is cut off.
        arguments.push("--leader-elect=false".to_owned());
    }
    let optional = [
        ("proxy-server-address", &agent.proxy_server_address),
        ("cluster-provider", &agent.provider),
        ("cluster-region", &agent.region),
    ];
    for (flag, value) in optional {
        if let Some(value) = value.as_deref().filter(|value| !value.is_empty()) {
            arguments.push(format!("--{flag}={value}"));
        }
    }
    if !agent.zones.is_empty() {
        arguments.push(format!("--cluster-zones={}", agent.zones.join(",")));
    }
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_agent_is_told_what_it_was_registered_with() {
        let agent = AgentOptions {
            cluster_name: "m1".into(),
            cluster_namespace: "karmada-cluster".into(),
            namespace: "karmada-system".into(),
            api_endpoint: "https://10.0.0.1:6443".into(),
            image: "example/karmadactl:v1".into(),
            replicas: 2,
            rotates_certificate: true,
            proxy_server_address: None,
            provider: Some("p".into()),
            region: None,
            zones: vec!["a".into(), "b".into()],
        };
        let deployment = deployment("karmada-system", &agent);
        let arguments = deployment["spec"]["template"]["spec"]["containers"][0]["args"].to_string();
        for argument in [
            "--cluster-name=m1",
            "--controllers=*,certRotation",
            "--cluster-zones=a,b",
            "--cluster-provider=p",
        ] {
            assert!(arguments.contains(argument), "{arguments}");
        }
        for flag in ["region", "proxy", "leader-elect"] {
            assert!(!arguments.contains(flag), "{arguments}");
        }
        assert_eq!(deployment["spec"]["replicas"], 2);
    }
}
