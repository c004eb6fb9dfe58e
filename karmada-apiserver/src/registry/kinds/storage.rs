//! Volumes, claims, storage classes and drivers.

use serde_json::{Value, json};

use super::super::field_error::FieldError;
use super::super::names;
use super::super::prepare::PrepareContext;
use super::super::quantity::Quantity;
use super::fields::{
    check_choice, check_immutable, check_required, child, default, has, items, remove, remove_all, text,
};

const ACCESS_MODES: &[&str] = &["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
const CLAIM_FORBIDDEN: &str = "spec is immutable after creation except resources.requests and \
                               volumeAttributesClassName for bound claims";

pub(super) fn default_claim(object: &mut Value) {
    if let Some(status) = child(object, "status") {
        default(status, "phase", "Pending");
    }
    let Some(spec) = child(object, "spec") else { return };
    default(spec, "volumeMode", "Filesystem");
}

pub(super) fn default_volume(object: &mut Value) {
    if let Some(status) = child(object, "status") {
        default(status, "phase", "Pending");
    }
    let Some(spec) = child(object, "spec") else { return };
    default(spec, "persistentVolumeReclaimPolicy", "Retain");
    default(spec, "volumeMode", "Filesystem");
    if let Some(source) = spec.get_mut("hostPath") {
        default(source, "type", "");
    }
}

pub(super) fn default_storage_class(object: &mut Value) {
    default(object, "reclaimPolicy", "Delete");
    default(object, "volumeBindingMode", "Immediate");
}

pub(super) fn default_driver(object: &mut Value) {
    let Some(spec) = child(object, "spec") else { return };
    for (field, value) in [("attachRequired", true), ("podInfoOnMount", false), ("storageCapacity", false)] {
        default(spec, field, value);
    }
    default(spec, "fsGroupPolicy", "ReadWriteOnceWithFSType");
    default(spec, "requiresRepublish", false);
    default(spec, "seLinuxMount", false);
    if items(spec, "volumeLifecycleModes").is_empty() {
        spec["volumeLifecycleModes"] = json!(["Persistent"]);
    }
}

/// Copies the data source to its newer name, and takes the default class.
pub(super) fn admit_claim(object: &mut Value, old: Option<&Value>, context: &PrepareContext<'_>) {
    let Some(spec) = child(object, "spec") else { return };
    let known = |source: &Value| match text(source, "kind") {
        "PersistentVolumeClaim" => text(source, "apiGroup").is_empty(),
        "VolumeSnapshot" => text(source, "apiGroup") == "snapshot.storage.k8s.io",
        _ => false,
    };
    // A source that no provisioner is known to read is dropped.
    if old.is_none() && spec.get("dataSource").is_some_and(|source| !known(source)) {
        remove(spec, "dataSource");
    }
    if has(spec, "dataSource") && !has(spec, "dataSourceRef") {
        spec["dataSourceRef"] = spec["dataSource"].clone();
    }
    if old.is_some() || spec.get("storageClassName").is_some() {
        return;
    }
    let classes =
        context.lookup.map(|lookup| lookup.objects("storage.k8s.io/storageclasses")).unwrap_or_default();
    let annotation = "storageclass.kubernetes.io/is-default-class";
    let chosen = classes
        .iter()
        .filter(|class| text(&class["metadata"]["annotations"], annotation) == "true")
        .max_by_key(|class| text(&class["metadata"], "creationTimestamp").to_owned());
    if let Some(class) = chosen {
        spec["storageClassName"] = class["metadata"]["name"].clone();
    }
}

/// Returns what is wrong with a claim.
pub(super) fn validate_claim(object: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let spec = &object["spec"];
    let mut errors = Vec::new();
    access_modes(spec, &mut errors);
    match spec["resources"]["requests"].get("storage") {
        None => errors.push(FieldError::required("spec.resources[storage]", "")),
        Some(amount) => {
            let quantity = amount.as_str().and_then(Quantity::parse);
            if quantity.is_some_and(|quantity| quantity.is_zero() || quantity.is_negative()) {
                errors.push(FieldError::invalid(
                    "spec.resources[storage]",
                    amount,
                    "must be greater than zero",
                ));
            }
        }
    }
    class_name(spec, &mut errors);
    check_choice(spec, "volumeMode", "spec", &["Block", "Filesystem"], &mut errors);
    if let Some(old) = old {
        claim_update(object, old, &mut errors);
    }
    errors
}

/// Returns what is wrong with a volume.
pub(super) fn validate_volume(object: &Value, old: Option<&Value>) -> Vec<FieldError> {
    const NOT_SOURCES: &[&str] = &[
        "accessModes",
        "capacity",
        "claimRef",
        "mountOptions",
        "nodeAffinity",
        "persistentVolumeReclaimPolicy",
        "storageClassName",
        "volumeAttributesClassName",
        "volumeMode",
    ];
    let spec = &object["spec"];
    let mut errors = Vec::new();
    access_modes(spec, &mut errors);
    if spec.get("capacity").and_then(Value::as_object).is_none_or(serde_json::Map::is_empty) {
        errors.push(FieldError::required("spec.capacity", ""));
    }
    let sources =
        spec.as_object().into_iter().flatten().filter(|(key, _)| !NOT_SOURCES.contains(&key.as_str()));
    let count = sources.count();
    if count == 0 {
        errors.push(FieldError::required("spec", "must specify a volume type"));
    } else if count > 1 {
        errors.push(FieldError::forbidden("spec", "may not specify more than 1 volume type"));
    }
    let policies = ["Delete", "Recycle", "Retain"];
    check_choice(spec, "persistentVolumeReclaimPolicy", "spec", &policies, &mut errors);
    class_name(spec, &mut errors);
    check_choice(spec, "volumeMode", "spec", &["Block", "Filesystem"], &mut errors);
    if let Some(old) = old {
        check_immutable(spec, &old["spec"], "volumeMode", "spec", &mut errors);
        let source = |spec: &Value| {
            let mut spec = spec.clone();
            remove_all(&mut spec, NOT_SOURCES);
            spec
        };
        if source(spec) != source(&old["spec"]) {
            errors.push(FieldError::forbidden(
                "spec.persistentvolumesource",
                "spec.persistentvolumesource is immutable after creation",
            ));
        }
    }
    errors
}

/// Returns what is wrong with a storage class.
pub(super) fn validate_storage_class(object: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    check_required(object, "provisioner", "", "", &mut errors);
    let policies = ["Delete", "Retain"];
    check_choice(object, "reclaimPolicy", "", &policies, &mut errors);
    check_choice(object, "volumeBindingMode", "", &["Immediate", "WaitForFirstConsumer"], &mut errors);
    if let Some(old) = old {
        for field in ["parameters", "provisioner"] {
            if object.get(field) != old.get(field) {
                errors.push(FieldError::forbidden(field, format!("updates to {field} are forbidden.")));
            }
        }
        if object.get("reclaimPolicy") != old.get("reclaimPolicy") {
            errors.push(FieldError::forbidden("reclaimPolicy", "updates to reclaimPolicy are forbidden."));
        }
        check_immutable(object, old, "volumeBindingMode", "", &mut errors);
    }
    errors
}

fn access_modes(spec: &Value, errors: &mut Vec<FieldError>) {
    let modes = items(spec, "accessModes");
    if modes.is_empty() {
        errors.push(FieldError::required("spec.accessModes", "at least 1 access mode is required"));
    }
    for mode in modes {
        if !ACCESS_MODES.contains(&mode.as_str().unwrap_or_default()) {
            errors.push(FieldError::not_supported("spec.accessModes", mode, ACCESS_MODES));
        }
    }
    if modes.len() > 1 && modes.iter().any(|mode| mode == "ReadWriteOncePod") {
        errors.push(FieldError::forbidden(
            "spec.accessModes",
            "may not use ReadWriteOncePod with other access modes",
        ));
    }
}

fn class_name(spec: &Value, errors: &mut Vec<FieldError>) {
    let name = text(spec, "storageClassName");
    if !name.is_empty() {
        errors.extend(names::invalid_each("spec.storageClassName", name, names::subdomain(name)));
    }
}

fn claim_update(new: &Value, old: &Value, errors: &mut Vec<FieldError>) {
    let bound = text(&old["status"], "phase") == "Bound";
    let fixed = |object: &Value| {
        let mut spec = object["spec"].clone();
        // A claim is bound by naming its volume.
        if text(&old["spec"], "volumeName").is_empty() {
            remove(&mut spec, "volumeName");
        }
        if !has(&old["spec"], "storageClassName") {
            remove(&mut spec, "storageClassName");
        }
        if bound {
            remove(&mut spec["resources"], "requests");
            remove(&mut spec, "volumeAttributesClassName");
        }
        spec
    };
    if fixed(new) != fixed(old) {
        errors.push(FieldError::forbidden("spec", CLAIM_FORBIDDEN));
    }
    let amount = |object: &Value| {
        object["spec"]["resources"]["requests"]["storage"].as_str().and_then(Quantity::parse)
    };
    if let (true, Some(new), Some(old)) = (bound, amount(new), amount(old))
        && new.compare(old).is_lt()
    {
        errors.push(FieldError::forbidden(
            "spec.resources.requests.storage",
            "field can not be less than status.capacity",
        ));
    }
}
