//! Validation of a pod's volumes.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::field_error::FieldError;
use super::super::names;
use super::super::quantity::Quantity;
use super::checks::check_subdomain;
use super::container_checks::{VOLUME_FIELDS, check_field_ref, check_resource_ref};
use super::fields::{check_choice, check_required, has, items, text};
use super::storage;

const HIGHEST_MODE: i64 = 0o777;
const HOST_PATH_TYPES: &[&str] =
    &["", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"];

/// The kinds of volumes in the order in which the real server looks at them.
const SOURCES: [&str; 29] = [
    "emptyDir",
    "hostPath",
    "gitRepo",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "secret",
    "nfs",
    "iscsi",
    "glusterfs",
    "flocker",
    "persistentVolumeClaim",
    "rbd",
    "cinder",
    "cephfs",
    "quobyte",
    "downwardAPI",
    "fc",
    "configMap",
    "azureFile",
    "vsphereVolume",
    "photonPersistentDisk",
    "portworxVolume",
    "azureDisk",
    "storageos",
    "projected",
    "scaleIO",
    "csi",
    "ephemeral",
    "image",
];

/// Reports what is wrong with the volumes of a pod spec; returns the names of those that are usable.
pub(super) fn validate_volumes(
    spec: &Value,
    pod_name: &str,
    path: &str,
    errors: &mut Vec<FieldError>,
) -> BTreeSet<String> {
    let mut usable = BTreeSet::new();
    let mut seen = BTreeSet::new();
    for (index, volume) in items(spec, "volumes").iter().enumerate() {
        let path = format!("{path}.volumes[{index}]");
        let name = text(volume, "name");
        let mut found = Vec::new();
        validate_sources(volume, &path, &mut found);
        if has(volume, "ephemeral") && !name.is_empty() && !pod_name.is_empty() {
            let claim = format!("{pod_name}-{name}");
            for problem in names::subdomain(&claim) {
                let detail = format!("PVC name {claim:?}: {problem}");
                found.push(FieldError::invalid(format!("{path}.name"), &volume["name"], detail));
            }
        }
        if name.is_empty() {
            found.push(FieldError::required(format!("{path}.name"), ""));
        } else {
            found.extend(names::invalid_each(&format!("{path}.name"), name, names::label(name)));
        }
        if seen.contains(name) {
            found.push(FieldError::duplicate(format!("{path}.name"), &volume["name"]));
        }
        if found.is_empty() {
            seen.insert(name);
            usable.insert(name.to_owned());
        }
        errors.extend(found);
    }
    // Templates may leave the account to whoever makes the pods.
    if !pod_name.is_empty() && has_token(spec) && text(spec, "serviceAccountName").is_empty() {
        token_without_account(spec, path, errors);
    }
    usable
}

fn has_token(spec: &Value) -> bool {
    let parts = |volume: &Value| items(&volume["projected"], "sources").to_vec();
    items(spec, "volumes")
        .iter()
        .any(|volume| parts(volume).iter().any(|part| has(part, "serviceAccountToken")))
}

fn token_without_account(spec: &Value, path: &str, errors: &mut Vec<FieldError>) {
    for (volume_index, volume) in items(spec, "volumes").iter().enumerate() {
        for (index, part) in items(&volume["projected"], "sources").iter().enumerate() {
            if has(part, "serviceAccountToken") {
                errors.push(FieldError::forbidden(
                    format!("{path}.volumes[{volume_index}].projected.sources[{index}].serviceAccountToken"),
                    "must not be specified when serviceAccountName is not set",
                ));
            }
        }
    }
}

fn validate_sources(volume: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let mut count = 0;
    for source in SOURCES.iter().filter(|source| has(volume, source)) {
        count += 1;
        if count > 1 {
            let shown = match *source {
                // So they are called there.
                "cephfs" => "cephFS",
                "downwardAPI" => "downwarAPI",
                source => source,
            };
            errors.push(FieldError::forbidden(
                format!("{path}.{shown}"),
                "may not specify more than 1 volume type",
            ));
            continue;
        }
        validate_source(source, &volume[*source], &format!("{path}.{source}"), errors);
    }
}

fn validate_source(kind: &str, source: &Value, path: &str, errors: &mut Vec<FieldError>) {
    match kind {
        "emptyDir" => {
            let size = source["sizeLimit"].as_str().and_then(Quantity::parse);
            if size.is_some_and(Quantity::is_negative) {
                errors.push(FieldError::forbidden(
                    format!("{path}.sizeLimit"),
                    "SizeLimit field must be a valid resource quantity",
                ));
            }
        }
        "hostPath" => validate_host_path(source, path, errors),
        "gitRepo" => check_required(source, "repository", path, "", errors),
        "secret" => {
            check_required(source, "secretName", path, "", errors);
            check_files(source, path, errors);
        }
        "configMap" => {
            check_required(source, "name", path, "", errors);
            check_files(source, path, errors);
        }
        "nfs" => validate_nfs(source, path, errors),
        "persistentVolumeClaim" => check_required(source, "claimName", path, "", errors),
        "downwardAPI" => {
            check_mode(source, "defaultMode", path, errors);
            for item in items(source, "items") {
                downward_file(item, path, errors);
            }
        }
        "projected" => projected(source, path, errors),
        "csi" => {
            check_required(source, "driver", path, "", errors);
            if !text(source, "driver").is_empty() {
                check_subdomain(source, "driver", path, errors);
            }
            if let Some(secret) = source.get("nodePublishSecretRef") {
                check_required(secret, "name", &format!("{path}.nodePublishSecretRef"), "", errors);
            }
        }
        "ephemeral" => match source.get("volumeClaimTemplate") {
            None => errors.push(FieldError::required(format!("{path}.volumeClaimTemplate"), "")),
            Some(claim) => {
                let path = format!("{path}.volumeClaimTemplate");
                errors.extend(names::check_labels(
                    claim["metadata"].get("labels"),
                    &format!("{path}.metadata.labels"),
                ));
                storage::validate_claim_spec(&claim["spec"], &format!("{path}.spec"), errors);
            }
        },
        _ => {}
    }
}

/// Reports what is wrong with a path of the host.
pub(super) fn validate_host_path(source: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let target = text(source, "path");
    if target.is_empty() {
        errors.push(FieldError::required(format!("{path}.path"), ""));
    } else if target.split('/').any(|part| part == "..") {
        errors.push(FieldError::invalid(format!("{path}.path"), &source["path"], "must not contain '..'"));
    }
    check_choice(source, "type", path, HOST_PATH_TYPES, errors);
}

/// Reports what is wrong with an NFS volume.
pub(super) fn validate_nfs(source: &Value, path: &str, errors: &mut Vec<FieldError>) {
    check_required(source, "server", path, "", errors);
    check_required(source, "path", path, "", errors);
    if !text(source, "path").starts_with('/') {
        let value = Value::from(text(source, "path"));
        errors.push(FieldError::invalid(format!("{path}.path"), &value, "must be an absolute path"));
    }
}

fn check_mode(object: &Value, key: &str, path: &str, errors: &mut Vec<FieldError>) {
    if object[key].as_i64().is_some_and(|mode| !(0..=HIGHEST_MODE).contains(&mode)) {
        errors.push(FieldError::invalid(
            format!("{path}.{key}"),
            &object[key],
            "must be a number between 0 and 0777 (octal), both inclusive",
        ));
    }
}

/// Reports what is wrong with the keys of a source that become files.
fn check_files(source: &Value, path: &str, errors: &mut Vec<FieldError>) {
    check_mode(source, "defaultMode", path, errors);
    for (index, item) in items(source, "items").iter().enumerate() {
        let path = format!("{path}.items[{index}]");
        check_required(item, "key", &path, "", errors);
        check_required(item, "path", &path, "", errors);
        local_path(text(item, "path"), &format!("{path}.path"), errors);
        check_mode(item, "mode", &path, errors);
    }
}

fn local_path(path: &str, field: &str, errors: &mut Vec<FieldError>) {
    if path.starts_with('/') {
        errors.push(FieldError::invalid(field, &Value::from(path), "must be a relative path"));
    }
    if path.split('/').any(|part| part == "..") {
        errors.push(FieldError::invalid(field, &Value::from(path), "must not contain '..'"));
    }
    if path.starts_with("..") && !path.starts_with("../") && path != ".." {
        errors.push(FieldError::invalid(field, &Value::from(path), "must not start with '..'"));
    }
}

fn downward_file(item: &Value, path: &str, errors: &mut Vec<FieldError>) {
    check_required(item, "path", path, "", errors);
    local_path(text(item, "path"), &format!("{path}.path"), errors);
    match (item.get("fieldRef"), item.get("resourceFieldRef")) {
        (Some(reference), other) => {
            check_field_ref(reference, VOLUME_FIELDS, &format!("{path}.fieldRef"), errors);
            if other.is_some() {
                let detail = "fieldRef and resourceFieldRef can not be specified simultaneously";
                errors.push(FieldError::invalid(path, &Value::from("resource"), detail));
            }
        }
        (None, Some(reference)) => {
            let path = format!("{path}.resourceFieldRef");
            check_required(reference, "containerName", &path, "", errors);
            check_resource_ref(reference, &path, errors);
        }
        (None, None) => {
            errors.push(FieldError::required(path, "one of fieldRef and resourceFieldRef is required"));
        }
    }
    check_mode(item, "mode", path, errors);
}

fn projected(source: &Value, path: &str, errors: &mut Vec<FieldError>) {
    check_mode(source, "defaultMode", path, errors);
    for (index, part) in items(source, "sources").iter().enumerate() {
        let source_path = format!("{path}.sources[{index}]");
        for kind in ["secret", "configMap"] {
            if let Some(content) = part.get(kind) {
                let path = format!("{source_path}.{kind}");
                check_required(content, "name", &path, "", errors);
                check_files(content, &path, errors);
            }
        }
        if let Some(content) = part.get("downwardAPI") {
            for item in items(content, "items") {
                downward_file(item, &format!("{source_path}.downwardAPI"), errors);
            }
        }
        if let Some(token) = part.get("serviceAccountToken") {
            let field = format!("{source_path}.serviceAccountToken.expirationSeconds");
            let seconds = token["expirationSeconds"].as_i64().unwrap_or_default();
            if seconds < 600 {
                let detail = "may not specify a duration less than 10 minutes";
                errors.push(FieldError::invalid(field, &Value::from(seconds), detail));
            } else if seconds > 1 << 32 {
                let detail = "may not specify a duration larger than 2^32 seconds";
                errors.push(FieldError::invalid(field, &Value::from(seconds), detail));
            }
            // The real server names the volume here.
            check_required(token, "path", path, "", errors);
            local_path(text(token, "path"), &format!("{path}.path"), errors);
        }
    }
}
