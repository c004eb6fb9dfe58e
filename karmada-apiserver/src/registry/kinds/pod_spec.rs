//! Defaults of pod specs, wherever they stand.

use serde_json::{Value, json};

use super::fields::{child, default, flag, has, items_mut, remove, text};

const DEFAULT_MODE: i64 = 0o644;

/// Fills a pod template in.
pub(super) fn default_template(owner: &mut Value) {
    if let Some(template) = child(owner, "template") {
        if has(template, "metadata")
            && template["metadata"].as_object().is_some_and(serde_json::Map::is_empty)
        {
            remove(template, "metadata");
        }
        if let Some(spec) = child(template, "spec") {
            default_pod_spec(spec);
        }
    }
}

/// Fills a pod spec in, as it is done in pods and templates alike.
pub(super) fn default_pod_spec(spec: &mut Value) {
    default(spec, "dnsPolicy", "ClusterFirst");
    default(spec, "restartPolicy", "Always");
    default(spec, "terminationGracePeriodSeconds", 30);
    default(spec, "schedulerName", "default-scheduler");
    default(spec, "securityContext", json!({}));
    // Two names of one field: the newer one wins.
    if text(spec, "serviceAccountName").is_empty() && !text(spec, "serviceAccount").is_empty() {
        spec["serviceAccountName"] = spec["serviceAccount"].clone();
    } else if !text(spec, "serviceAccountName").is_empty() {
        spec["serviceAccount"] = spec["serviceAccountName"].clone();
    }
    let host_network = flag(spec, "hostNetwork");
    for list in ["initContainers", "containers", "ephemeralContainers"] {
        for container in items_mut(spec, list) {
            default_container(container, host_network);
        }
    }
    for volume in items_mut(spec, "volumes") {
        default_volume(volume);
    }
    for constraint in items_mut(spec, "topologySpreadConstraints") {
        // The API server leaves these to the scheduler in templates and pods alike.
        default(constraint, "nodeAffinityPolicy", Value::Null);
        default(constraint, "nodeTaintsPolicy", Value::Null);
        remove_nulls(constraint);
    }
}

fn default_container(container: &mut Value, host_network: bool) {
    let image = text(container, "image").to_owned();
    default(container, "imagePullPolicy", if is_latest(&image) { "Always" } else { "IfNotPresent" });
    default(container, "terminationMessagePath", "/dev/termination-log");
    default(container, "terminationMessagePolicy", "File");
    default(container, "resources", json!({}));
    for port in items_mut(container, "ports") {
        default(port, "protocol", "TCP");
        if host_network && let Some(number) = port.get("containerPort").cloned() {
            default(port, "hostPort", number);
        }
    }
    for variable in items_mut(container, "env") {
        let Some(source) = variable.get_mut("valueFrom") else { continue };
        default_field_ref(source, "fieldRef");
        default_resource_ref(source);
    }
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(probe) = container.get_mut(probe) {
            default_probe(probe);
        }
    }
    if let Some(lifecycle) = container.get_mut("lifecycle") {
        for hook in ["postStart", "preStop"] {
            if let Some(hook) = lifecycle.get_mut(hook) {
                default_http(hook);
            }
        }
    }
}

fn default_probe(probe: &mut Value) {
    default(probe, "timeoutSeconds", 1);
    default(probe, "periodSeconds", 10);
    default(probe, "successThreshold", 1);
    default(probe, "failureThreshold", 3);
    default_http(probe);
    if let Some(grpc) = probe.get_mut("grpc") {
        default(grpc, "service", "");
    }
}

fn default_http(handler: &mut Value) {
    if let Some(http) = handler.get_mut("httpGet") {
        default(http, "path", "/");
        default(http, "scheme", "HTTP");
    }
}

fn default_field_ref(source: &mut Value, key: &str) {
    if let Some(reference) = source.get_mut(key) {
        default(reference, "apiVersion", "v1");
    }
}

fn default_resource_ref(source: &mut Value) {
    if let Some(reference) = source.get_mut("resourceFieldRef") {
        default(reference, "divisor", "0");
    }
}

fn default_volume(volume: &mut Value) {
    let sources = volume.as_object().map_or(0, |map| map.keys().filter(|key| *key != "name").count());
    if sources == 0 {
        default(volume, "emptyDir", json!({}));
    }
    for kind in ["secret", "configMap", "downwardAPI", "projected"] {
        if let Some(source) = volume.get_mut(kind) {
            default(source, "defaultMode", DEFAULT_MODE);
        }
    }
    if let Some(source) = volume.get_mut("downwardAPI") {
        default_downward_items(source);
    }
    if let Some(source) = volume.get_mut("projected") {
        for part in items_mut(source, "sources") {
            if let Some(token) = part.get_mut("serviceAccountToken") {
                default(token, "expirationSeconds", 3600);
            }
            if let Some(downward) = part.get_mut("downwardAPI") {
                default_downward_items(downward);
            }
        }
    }
    if let Some(source) = volume.get_mut("hostPath") {
        default(source, "type", "");
    }
    if let Some(source) = volume.get_mut("iscsi") {
        default(source, "iscsiInterface", "default");
    }
    if let Some(source) = volume.get_mut("rbd") {
        default(source, "pool", "rbd");
        default(source, "user", "admin");
        default(source, "keyring", "/etc/ceph/keyring");
    }
    if let Some(source) = volume.get_mut("azureDisk") {
        default(source, "cachingMode", "ReadWrite");
        default(source, "kind", "Shared");
        default(source, "fsType", "ext4");
        default(source, "readOnly", false);
    }
    if let Some(source) = volume.get_mut("scaleIO") {
        default(source, "storageMode", "ThinProvisioned");
        default(source, "fsType", "xfs");
    }
    if let Some(claim) =
        volume.get_mut("ephemeral").and_then(|ephemeral| ephemeral.get_mut("volumeClaimTemplate"))
    {
        // The real server always writes the metadata.
        child(claim, "metadata");
        if let Some(spec) = child(claim, "spec") {
            default(spec, "volumeMode", "Filesystem");
        }
    }
}

fn default_downward_items(source: &mut Value) {
    for item in items_mut(source, "items") {
        default_field_ref(item, "fieldRef");
        default_resource_ref(item);
    }
}

fn remove_nulls(value: &mut Value) {
    if let Some(map) = value.as_object_mut() {
        map.retain(|_, value| !value.is_null());
    }
}

/// Whether an image reference means the tag `latest`, by name or by saying nothing.
fn is_latest(image: &str) -> bool {
    if !is_reference(image) {
        return false;
    }
    let (name, digest) = match image.split_once('@') {
        Some((name, _)) => (name, true),
        None => (image, false),
    };
    // A colon before the last slash belongs to a registry's port.
    let last = name.rsplit('/').next().unwrap_or(name);
    match last.split_once(':') {
        Some((_, tag)) => tag == "latest",
        None => !digest,
    }
}

/// Whether a text can be an image reference: lower case below the registry, parts joined by single separators.
fn is_reference(image: &str) -> bool {
    let (name, digest) = image.split_once('@').map_or((image, None), |(name, digest)| (name, Some(digest)));
    let (path, tag) = match name.rsplit_once('/') {
        Some((start, last)) => {
            let (last, tag) = last.split_once(':').map_or((last, None), |(last, tag)| (last, Some(tag)));
            (format!("{start}/{last}"), tag)
        }
        None => {
            name.split_once(':').map_or((name.to_owned(), None), |(name, tag)| (name.to_owned(), Some(tag)))
        }
    };
    let is_host =
        |part: &str| part.contains(['.', ':']) || part == "localhost" || part.contains(char::is_uppercase);
    let below = match path.split_once('/') {
        Some((host, rest)) if is_host(host) => rest,
        _ => path.as_str(),
    };
    let alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_part = |part: &str| {
        let separators = part.split(alphanumeric).filter(|separator| !separator.is_empty());
        let joined =
            |separator: &str| matches!(separator, "." | "_" | "__") || separator.bytes().all(|b| b == b'-');
        part.starts_with(alphanumeric) && part.ends_with(alphanumeric) && separators.into_iter().all(joined)
    };
    let is_tag = |tag: &str| {
        let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        !tag.is_empty() && tag.len() <= 128 && !tag.starts_with(['.', '-']) && tag.chars().all(inner)
    };
    path.len() <= 255
        && below.split('/').all(is_part)
        && tag.is_none_or(is_tag)
        && digest.is_none_or(|digest| digest.contains(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_tag_of_an_image() {
        for image in ["nginx", "nginx:latest", "reg:5000/nginx", "i"] {
            assert!(is_latest(image), "{image}");
        }
        for image in ["nginx:1.2", "reg:5000/nginx:v1", "nginx@sha256:abc", "Bad_Value!", "-x", ""] {
            assert!(!is_latest(image), "{image}");
        }
    }

    #[test]
    fn fills_a_template_twice_the_same_way() {
        let mut spec = json!({"template": {"spec": {"hostNetwork": true, "containers": [{"name": "c", "image": "i",
            "ports": [{"containerPort": 80}], "livenessProbe": {"httpGet": {"port": 80}}}],
            "volumes": [{"name": "v"}, {"name": "w", "secret": {}}]}}});
        default_template(&mut spec);
        let once = spec.clone();
        assert_eq!(once["template"]["spec"]["containers"][0]["ports"][0]["hostPort"], 80);
        assert_eq!(once["template"]["spec"]["volumes"][0], json!({"name": "v", "emptyDir": {}}));
        default_template(&mut spec);
        assert_eq!(once, spec);
    }
}
