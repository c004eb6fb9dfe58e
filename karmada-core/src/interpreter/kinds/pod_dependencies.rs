//! What pods need: configuration, secrets, accounts and volume claims.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::{DependentReference, InterpretError};
use super::typed::{read, text};
use crate::object;

/// Volume sources that name a secret, in the order in which the first one counts, with the field of the name.
const SECRET_SOURCES: [(&str, &str); 11] = [
    ("azureFile", "/secretName"),
    ("cephfs", "/secretRef/name"),
    ("cinder", "/secretRef/name"),
    ("flexVolume", "/secretRef/name"),
    ("projected", ""),
    ("rbd", "/secretRef/name"),
    ("secret", "/secretName"),
    ("scaleIO", "/secretRef/name"),
    ("iscsi", "/secretRef/name"),
    ("storageos", "/secretRef/name"),
    ("csi", "/nodePublishSecretRef/name"),
];

/// Returns what the pods of a workload with `spec.template` need.
pub(super) fn template_dependencies(
    type_name: &str,
    object: &Value,
) -> Result<Vec<DependentReference>, InterpretError> {
    let typed = read(type_name, object)?;
    Ok(pod_dependencies(&typed["spec"]["template"]["spec"], object::namespace(object)))
}

/// Returns what a pod of a namespace needs, given its spec as its type reads it.
///
/// ConfigMaps come first, then Secrets, the ServiceAccount and volume claims; those of one kind in
/// the order in which the pod names them.
pub(in super::super) fn pod_dependencies(spec: &Value, namespace: &str) -> Vec<DependentReference> {
    let mut config_maps = Vec::new();
    let mut secrets = Vec::new();
    let mut claims = Vec::new();
    secrets.extend(list(spec, "imagePullSecrets").map(|reference| text(reference, "name")));
    for container in
        ["initContainers", "containers", "ephemeralContainers"].iter().flat_map(|field| list(spec, field))
    {
        for source in list(container, "envFrom") {
            config_maps.extend(name_at(source, "/configMapRef/name"));
            secrets.extend(name_at(source, "/secretRef/name"));
        }
        for variable in list(container, "env") {
            config_maps.extend(name_at(variable, "/valueFrom/configMapKeyRef/name"));
            secrets.extend(name_at(variable, "/valueFrom/secretKeyRef/name"));
        }
    }
    for volume in list(spec, "volumes") {
        config_maps.extend(volume_config_maps(volume));
        secrets.extend(volume_secrets(volume));
        claims.extend(name_at(volume, "/persistentVolumeClaim/claimName"));
    }
    let account = Some(text(spec, "serviceAccountName")).filter(|account| *account != "default");
    let kinds = [
        ("ConfigMap", config_maps),
        ("Secret", secrets),
        ("ServiceAccount", account.into_iter().collect()),
        ("PersistentVolumeClaim", claims),
    ];
    let mut seen = BTreeSet::new();
    kinds
        .iter()
        .flat_map(|(kind, names)| names.iter().map(move |name| (*kind, *name)))
        .filter(|(kind, name)| !name.is_empty() && seen.insert((*kind, *name)))
        .map(|(kind, name)| DependentReference::named("v1", kind, namespace, name))
        .collect()
}

fn volume_config_maps(volume: &Value) -> Vec<&str> {
    match volume.get("projected") {
        Some(projected) => {
            list(projected, "sources").filter_map(|source| name_at(source, "/configMap/name")).collect()
        }
        None => name_at(volume, "/configMap/name").into_iter().collect(),
    }
}

fn volume_secrets(volume: &Value) -> Vec<&str> {
    let source =
        SECRET_SOURCES.iter().find_map(|(source, pointer)| Some((*source, *pointer, volume.get(source)?)));
    match source {
        Some(("projected", _, projected)) => {
            list(projected, "sources").filter_map(|source| name_at(source, "/secret/name")).collect()
        }
        Some((_, pointer, source)) => name_at(source, pointer).into_iter().collect(),
        None => Vec::new(),
    }
}

fn name_at<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer).and_then(Value::as_str)
}

fn list<'a>(value: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> {
    value.get(field).and_then(Value::as_array).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn counts_only_the_first_secret_source_of_a_volume() {
        let spec = json!({"volumes": [
            {"projected": {"sources": [{"secret": {"name": "a"}}]}, "secret": {"secretName": "b"}},
        ]});
        assert_eq!(pod_dependencies(&spec, "n"), vec![DependentReference::named("v1", "Secret", "n", "a")]);
    }

    #[test]
    fn keeps_the_order_of_the_pod_and_names_each_once() {
        let spec = json!({
            "imagePullSecrets": [{"name": "z"}],
            "containers": [{"envFrom": [{"secretRef": {"name": "b"}}, {"configMapRef": {"name": "y"}}]}],
            "serviceAccountName": "robot",
            "volumes": [
                {"persistentVolumeClaim": {"claimName": "a"}},
                {"configMap": {"name": "x"}},
                {"secret": {"secretName": "z"}},
            ],
        });
        let found = pod_dependencies(&spec, "n");
        let found: Vec<_> = found.iter().map(|found| (found.kind.as_str(), found.name.as_str())).collect();
        assert_eq!(
            found,
            [
                ("ConfigMap", "y"),
                ("ConfigMap", "x"),
                ("Secret", "z"),
                ("Secret", "b"),
                ("ServiceAccount", "robot"),
                ("PersistentVolumeClaim", "a")
            ]
        );
    }

    #[test]
    fn leaves_out_the_default_account_and_empty_names() {
        let spec = json!({
            "serviceAccountName": "default",
            "volumes": [{"persistentVolumeClaim": {"claimName": ""}}],
        });
        assert_eq!(pod_dependencies(&spec, "n"), vec![]);
    }
}
