//! What a user should know of a pod that is valid.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::quantity::Quantity;
use super::fields::{has, items, text};

/// Labels of nodes that have another name today, since when, and that name.
const OLD_NODE_LABELS: &[(&str, &str, &str)] = &[
    ("beta.kubernetes.io/arch", "v1.14", "kubernetes.io/arch"),
    ("beta.kubernetes.io/os", "v1.14", "kubernetes.io/os"),
    ("failure-domain.beta.kubernetes.io/region", "v1.17", "topology.kubernetes.io/region"),
    ("failure-domain.beta.kubernetes.io/zone", "v1.17", "topology.kubernetes.io/zone"),
    ("beta.kubernetes.io/instance-type", "v1.17", "node.kubernetes.io/instance-type"),
];
/// Volumes that are not what they were.
const OLD_VOLUMES: &[(&str, &str)] = &[
    ("gitRepo", "deprecated in v1.11, and disabled by default in v1.33+"),
    ("scaleIO", "deprecated in v1.16, non-functional in v1.22+"),
    ("flocker", "deprecated in v1.22, non-functional in v1.25+"),
    ("storageos", "deprecated in v1.22, non-functional in v1.25+"),
    ("quobyte", "deprecated in v1.22, non-functional in v1.25+"),
    ("glusterfs", "deprecated in v1.25, non-functional in v1.26+"),
    ("cephfs", "deprecated in v1.28, non-functional in v1.31+"),
    ("rbd", "deprecated in v1.28, non-functional in v1.31+"),
];
const NO_SELECTOR: &str = "labelSelector: a null labelSelector results in matching no pod";
const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";

/// Returns the warnings about a pod, or the template of one, at a path that ends in a dot unless it is empty.
pub(super) fn warnings(pod: &Value, path: &str) -> Vec<String> {
    let spec = &pod["spec"];
    let path_of_spec = format!("{path}spec");
    let mut found = Vec::new();
    node_selection(spec, &path_of_spec, &mut found);
    spread(spec, &path_of_spec, &mut found);
    annotations(pod, path, &mut found);
    volumes(spec, &path_of_spec, &mut found);
    repetitions(spec, &path_of_spec, &mut found);
    fractions(&spec["overhead"], &format!("{path_of_spec}.overhead"), &mut found);
    containers(spec, &path_of_spec, &mut found);
    pod_affinity(spec, &path_of_spec, &mut found);
    found
}

/// Says since when a label of nodes has another name.
pub(super) fn renamed_label(label: &str) -> Option<String> {
    let (_, since, name) = OLD_NODE_LABELS.iter().find(|(old, ..)| *old == label)?;
    Some(format!("deprecated since {since}; use \"{name}\" instead"))
}

fn node_selection(spec: &Value, path: &str, found: &mut Vec<String>) {
    for label in spec["nodeSelector"].as_object().into_iter().flatten().map(|(label, _)| label) {
        if let Some(renamed) = renamed_label(label) {
            found.push(format!("{path}.nodeSelector[{label}]: {renamed}"));
        }
    }
    let affinity = &spec["affinity"]["nodeAffinity"];
    let path = format!("{path}.affinity.nodeAffinity");
    let mut terms: Vec<(String, &Value)> = Vec::new();
    for (index, term) in items(&affinity[REQUIRED], "nodeSelectorTerms").iter().enumerate() {
        terms.push((format!("{path}.{REQUIRED}.nodeSelectorTerms[{index}]"), term));
    }
    for (index, term) in items(affinity, PREFERRED).iter().enumerate() {
        terms.push((format!("{path}.{PREFERRED}[{index}].preference"), &term["preference"]));
    }
    for (path, term) in terms {
        for (index, expression) in items(term, "matchExpressions").iter().enumerate() {
            let label = text(expression, "key");
            if let Some(renamed) = renamed_label(label) {
                found.push(format!("{path}.matchExpressions[{index}].key: {label} is {renamed}"));
            }
        }
    }
}

fn spread(spec: &Value, path: &str, found: &mut Vec<String>) {
    for (index, constraint) in items(spec, "topologySpreadConstraints").iter().enumerate() {
        let path = format!("{path}.topologySpreadConstraints[{index}]");
        let label = text(constraint, "topologyKey");
        if let Some(renamed) = renamed_label(label) {
            found.push(format!("{path}.topologyKey: {label} is {renamed}"));
        }
        if !has(constraint, "labelSelector") {
            found.push(format!("{path}.{NO_SELECTOR}"));
        }
    }
}

fn annotations(pod: &Value, path: &str, found: &mut Vec<String>) {
    for name in pod["metadata"]["annotations"].as_object().into_iter().flatten().map(|(name, _)| name) {
        let problem = match name.as_str() {
            "scheduler.alpha.kubernetes.io/critical-pod" => {
                "non-functional in v1.16+; use the \"priorityClassName\" field instead"
            }
            "seccomp.security.alpha.kubernetes.io/pod" => {
                "non-functional in v1.27+; use the \"seccompProfile\" field instead"
            }
            name if name.starts_with("container.seccomp.security.alpha.kubernetes.io/") => {
                "non-functional in v1.27+; use the \"seccompProfile\" field instead"
            }
            name if name.starts_with("container.apparmor.security.beta.kubernetes.io/") => {
                "deprecated since v1.30; use the \"appArmorProfile\" field instead"
            }
            _ => continue,
        };
        found.push(format!("{path}metadata.annotations[{name}]: {problem}"));
    }
}

fn volumes(spec: &Value, path: &str, found: &mut Vec<String>) {
    for (index, volume) in items(spec, "volumes").iter().enumerate() {
        let old = OLD_VOLUMES.iter().filter(|(source, _)| has(volume, source));
        found.extend(old.map(|(source, problem)| format!("{path}.volumes[{index}].{source}: {problem}")));
    }
}

/// Notes lists in which a later item hides an earlier one.
fn repetitions(spec: &Value, path: &str, found: &mut Vec<String>) {
    let repeated = |list: &str, key: &str, index: usize| {
        let list = items(spec, list);
        list[..index].iter().any(|earlier| text(earlier, key) == text(&list[index], key))
    };
    for (index, alias) in items(spec, "hostAliases").iter().enumerate() {
        if repeated("hostAliases", "ip", index) {
            let ip = text(alias, "ip");
            found.push(format!("{path}.hostAliases[{index}].ip: duplicate ip \"{ip}\""));
        }
    }
    for (index, secret) in items(spec, "imagePullSecrets").iter().enumerate() {
        let name = text(secret, "name");
        if name.is_empty() {
            found.push(format!("{path}.imagePullSecrets[{index}].name: invalid empty name \"\""));
        } else if repeated("imagePullSecrets", "name", index) {
            found.push(format!("{path}.imagePullSecrets[{index}].name: duplicate name \"{name}\""));
        }
    }
}

fn containers(spec: &Value, path: &str, found: &mut Vec<String>) {
    let mut ports: BTreeMap<(i64, String, i64, String), String> = BTreeMap::new();
    for list in ["initContainers", "containers"] {
        for (index, container) in items(spec, list).iter().enumerate() {
            let path = format!("{path}.{list}[{index}]");
            for amounts in ["limits", "requests"] {
                fractions(&container["resources"][amounts], &format!("{path}.resources.{amounts}"), found);
            }
            let variables = items(container, "env");
            for (index, variable) in variables.iter().enumerate() {
                let name = text(variable, "name");
                if variables[..index].iter().any(|earlier| text(earlier, "name") == name) {
                    found.push(format!(
                        "{path}.env[{index}]: hides previous definition of \"{name}\", which may be dropped when using apply"
                    ));
                }
            }
            for (index, port) in items(container, "ports").iter().enumerate() {
                let number = |key: &str| port[key].as_i64().unwrap_or_default();
                let key = (
                    number("containerPort"),
                    text(port, "protocol").to_owned(),
                    number("hostPort"),
                    text(port, "hostIP").to_owned(),
                );
                let here = format!("{path}.ports[{index}]");
                match ports.get(&key) {
                    Some(first) => found.push(format!("{here}: duplicate port definition with {first}")),
                    None => drop(ports.insert(key, here)),
                }
            }
        }
    }
}

/// Notes amounts of bytes that are not whole.
pub(super) fn fractions(amounts: &Value, path: &str, found: &mut Vec<String>) {
    for name in ["memory", "ephemeral-storage", "storage"] {
        let Some(amount) = amounts.get(name).and_then(Value::as_str) else { continue };
        if Quantity::parse(amount).is_some_and(|quantity| !quantity.is_whole()) {
            found.push(format!(
                "{path}[{name}]: fractional byte value \"{amount}\" is invalid, must be an integer"
            ));
        }
    }
}

fn pod_affinity(spec: &Value, path: &str, found: &mut Vec<String>) {
    for kind in ["podAffinity", "podAntiAffinity"] {
        let affinity = &spec["affinity"][kind];
        let path = format!("{path}.affinity.{kind}");
        for (index, term) in items(affinity, REQUIRED).iter().enumerate() {
            if !has(term, "labelSelector") {
                found.push(format!("{path}.{REQUIRED}[{index}].{NO_SELECTOR}"));
            }
        }
        for (index, term) in items(affinity, PREFERRED).iter().enumerate() {
            if !has(&term["podAffinityTerm"], "labelSelector") {
                found.push(format!("{path}.{PREFERRED}[{index}].podAffinityTerm.{NO_SELECTOR}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_plain_pod_gives_no_warning() {
        let pod = json!({"spec": {"containers": [{"name": "c", "resources": {"limits": {"memory": "1Gi", "cpu": "100m"}}}]}});
        assert_eq!(warnings(&pod, ""), Vec::<String>::new());
    }

    #[test]
    fn warnings_name_the_place_in_the_template() {
        let template = json!({"spec": {
            "nodeSelector": {"beta.kubernetes.io/os": "linux"},
            "topologySpreadConstraints": [{"topologyKey": "z"}],
            "containers": [{"env": [{"name": "A"}, {"name": "A"}], "ports": [{"containerPort": 80}, {"containerPort": 80}]}],
        }});
        assert_eq!(
            warnings(&template, "spec.template."),
            [
                "spec.template.spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use \"kubernetes.io/os\" instead",
                "spec.template.spec.topologySpreadConstraints[0].labelSelector: a null labelSelector results in matching no pod",
                "spec.template.spec.containers[0].env[1]: hides previous definition of \"A\", which may be dropped when using apply",
                "spec.template.spec.containers[0].ports[1]: duplicate port definition with spec.template.spec.containers[0].ports[0]",
            ]
        );
    }
}
