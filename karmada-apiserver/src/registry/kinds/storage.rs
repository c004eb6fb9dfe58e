//! Volumes, claims, storage classes and drivers.

use serde_json::{Value, json};

use super::super::field_error::FieldError;
use super::super::names;
use super::super::prepare::PrepareContext;
use super::super::quantity::Quantity;
use super::affinity_checks::validate_node_selector;
use super::checks::{check_qualified, check_subdomain, check_unique, require_subdomain};
use super::fields::{
    check_choice, check_immutable, check_not_negative, check_required, child, default, has, items, remove,
    remove_all, text,
};
use super::selector;
use super::volume_checks::{validate_host_path, validate_nfs};

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
    let mut errors = Vec::new();
    validate_claim_spec(&object["spec"], "spec", &mut errors);
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
    if items(spec, "accessModes").is_empty() {
        errors.push(FieldError::required("spec.accessModes", ""));
    } else {
        access_modes(spec, "spec", &mut errors);
    }
    let capacity = spec.get("capacity").and_then(Value::as_object);
    if capacity.is_none_or(serde_json::Map::is_empty) {
        errors.push(FieldError::required("spec.capacity", ""));
    }
    if capacity.is_none_or(|capacity| capacity.len() != 1 || !capacity.contains_key("storage")) {
        errors.push(FieldError::not_supported("spec.capacity", &spec["capacity"], &["storage"]));
    }
    for (name, amount) in capacity.into_iter().flatten() {
        let amount_read = amount.as_str().and_then(Quantity::parse);
        if amount_read.is_some_and(|amount| amount.is_zero() || amount.is_negative()) {
            let detail = "must be greater than zero";
            errors.push(FieldError::invalid(format!("spec.capacity[{name}]"), amount, detail));
        }
    }
    volume_sources(spec, &mut errors);
    if let Some(affinity) = spec.get("nodeAffinity") {
        match affinity.get("required") {
            None => errors.push(FieldError::required(
                "spec.nodeAffinity.required",
                "must specify required node constraints",
            )),
            Some(required) => validate_node_selector(required, "spec.nodeAffinity.required", &mut errors),
        }
    } else if has(spec, "local") {
        errors.push(FieldError::required("spec.nodeAffinity", "Local volume requires node affinity"));
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
        // The real server names these two without the spec.
        check_immutable(spec, &old["spec"], "volumeMode", "", &mut errors);
        if has(&old["spec"], "nodeAffinity") && spec["nodeAffinity"] != old["spec"]["nodeAffinity"] {
            let detail = "field is immutable, except for updating from beta label to GA";
            errors.push(FieldError::invalid("nodeAffinity", &spec["nodeAffinity"], detail));
        }
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

/// Checks the kinds of volumes that are common.
fn volume_sources(spec: &Value, errors: &mut Vec<FieldError>) {
    if let Some(source) = spec.get("hostPath") {
        validate_host_path(source, "spec.hostPath", errors);
    }
    if let Some(source) = spec.get("nfs") {
        validate_nfs(source, "spec.nfs", errors);
    }
    if let Some(source) = spec.get("local") {
        let path = text(source, "path");
        if path.is_empty() {
            errors.push(FieldError::required("spec.local.path", ""));
        } else if path.split('/').any(|part| part == "..") {
            errors.push(FieldError::invalid("spec.local.path", &source["path"], "must not contain '..'"));
        }
    }
    if let Some(source) = spec.get("csi") {
        require_subdomain(source, "driver", "spec.csi", errors);
        check_required(source, "volumeHandle", "spec.csi", "", errors);
        for secret in ["controllerExpandSecretRef", "controllerPublishSecretRef", "nodePublishSecretRef"] {
            if let Some(reference) = source.get(secret) {
                check_required(reference, "name", &format!("spec.csi.{secret}"), "", errors);
                check_required(reference, "namespace", &format!("spec.csi.{secret}"), "", errors);
            }
        }
    }
}

/// Returns what is wrong with a storage class.
pub(super) fn validate_storage_class(object: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    provisioner(object, "provisioner", &mut errors);
    let policies = ["Delete", "Retain"];
    if !text(object, "reclaimPolicy").is_empty() {
        check_choice(object, "reclaimPolicy", "", &policies, &mut errors);
    }
    check_choice(object, "volumeBindingMode", "", &["Immediate", "WaitForFirstConsumer"], &mut errors);
    topologies(object, &mut errors);
    if let Some(old) = old {
        for field in ["parameters", "reclaimPolicy", "volumeBindingMode"] {
            check_immutable(object, old, field, "", &mut errors);
        }
        if text(object, "provisioner") != text(old, "provisioner") {
            let value = Value::from(text(object, "provisioner"));
            errors.push(FieldError::invalid("provisioner", &value, "field is immutable"));
        }
    }
    errors
}

/// Reports what is no name of a program that makes volumes.
fn provisioner(object: &Value, key: &str, errors: &mut Vec<FieldError>) {
    check_required(object, key, "", "", errors);
    let name = text(object, key).to_lowercase();
    if !name.is_empty() {
        errors.extend(names::invalid_each(key, &name, names::qualified_name(&name)));
    }
}

fn topologies(object: &Value, errors: &mut Vec<FieldError>) {
    let terms = items(object, "allowedTopologies");
    for (index, term) in terms.iter().enumerate() {
        let path = format!("allowedTopologies[{index}].matchLabelExpressions");
        let expressions = items(term, "matchLabelExpressions");
        for (position, expression) in expressions.iter().enumerate() {
            let path = format!("{path}[{position}]");
            if items(expression, "values").is_empty() {
                errors.push(FieldError::required(format!("{path}.values"), ""));
            }
            check_unique(expression, "values", &path, errors);
            check_qualified(expression, "key", &path, errors);
            let key = &expression["key"];
            if expressions[..position].iter().any(|other| other["key"] == *key) {
                errors.push(FieldError::duplicate(format!("{path}.key"), key));
            }
        }
        // The real server shows no value here; terms without expressions are all the same.
        if expressions.is_empty() || terms[..index].contains(term) {
            errors.push(FieldError::duplicate(path, &Value::from("")));
        }
    }
}

/// Returns what is wrong with a driver of volumes.
pub(super) fn validate_driver(object: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let spec = &object["spec"];
    let mut errors = Vec::new();
    for mode in items(spec, "volumeLifecycleModes") {
        if !matches!(mode.as_str(), Some("Persistent" | "Ephemeral")) {
            errors.push(FieldError::not_supported(
                "spec.volumeLifecycleModes",
                mode,
                &["Persistent", "Ephemeral"],
            ));
        }
    }
    let policies = ["File", "None", "ReadWriteOnceWithFSType"];
    check_choice(spec, "fsGroupPolicy", "spec", &policies, &mut errors);
    let requests = items(spec, "tokenRequests");
    for (index, request) in requests.iter().enumerate() {
        let path = format!("spec.tokenRequests[{index}]");
        if requests[..index].iter().any(|other| text(other, "audience") == text(request, "audience")) {
            let audience = Value::from(text(request, "audience"));
            errors.push(FieldError::duplicate(format!("{path}.audience"), &audience));
        }
        if let Some(seconds) = request["expirationSeconds"].as_i64() {
            let (field, value) = (format!("{path}.expirationSeconds"), &request["expirationSeconds"]);
            if seconds < 600 {
                let detail = "may not specify a duration less than 10 minutes";
                errors.push(FieldError::invalid(field, value, detail));
            } else if seconds > 1 << 32 {
                let detail = "may not specify a duration larger than 2^32 seconds";
                errors.push(FieldError::invalid(field, value, detail));
            }
        }
    }
    if let Some(old) = old {
        let was = &old["spec"];
        if spec["attachRequired"] != was["attachRequired"] {
            // So the real server calls it.
            let field = "spec.attachedRequired";
            errors.push(FieldError::invalid(field, &spec["attachRequired"], "field is immutable"));
        }
        check_immutable(spec, was, "volumeLifecycleModes", "spec", &mut errors);
    }
    errors
}

/// Returns what is wrong with what a node says of its drivers.
pub(super) fn validate_node_drivers(object: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let drivers = items(&object["spec"], "drivers");
    for (index, driver) in drivers.iter().enumerate() {
        let path = format!("spec.drivers[{index}]");
        require_subdomain(driver, "name", &path, &mut errors);
        check_required(driver, "nodeID", &path, "", &mut errors);
        check_not_negative(&driver["allocatable"], "count", &format!("{path}.allocatable"), &mut errors);
        let name = &driver["name"];
        if !name.is_null() && drivers[..index].iter().any(|other| other["name"] == *name) {
            errors.push(FieldError::duplicate(format!("{path}.name"), name));
        }
        let keys = items(driver, "topologyKeys");
        for (index, key) in keys.iter().enumerate() {
            // The real server names the driver here.
            let found = key.as_str().unwrap_or_default();
            if found.is_empty() {
                errors.push(FieldError::required(&path, ""));
            }
            errors.extend(names::invalid_each(&path, found, names::qualified_name(found)));
            if keys[..index].contains(key) {
                errors.push(FieldError::duplicate(&path, key));
            }
        }
        // A driver that is still there stays what it is, but for what is allocatable.
        let fixed = |driver: &Value| (driver["nodeID"].clone(), items(driver, "topologyKeys").to_vec());
        let known = old.map(|old| items(&old["spec"], "drivers")).unwrap_or_default();
        if known.iter().any(|other| other["name"] == *name && fixed(other) != fixed(driver)) {
            errors.push(FieldError::invalid("spec.drivers", driver, "field is immutable"));
        }
    }
    errors
}

/// Returns what is wrong with a volume that is attached.
pub(super) fn validate_attachment(object: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let spec = &object["spec"];
    let mut errors = Vec::new();
    require_subdomain(spec, "attacher", "spec", &mut errors);
    let source = &spec["source"];
    let exactly = "must specify exactly one of inlineVolumeSpec and persistentVolumeName";
    match (source.get("persistentVolumeName").and_then(Value::as_str), has(source, "inlineVolumeSpec")) {
        (Some(""), false) => errors.push(FieldError::required(
            "spec.source.persistentVolumeName",
            "must specify non empty persistentVolumeName",
        )),
        (Some(name), false) => {
            let field = "spec.source.persistentVolumeName";
            errors.extend(names::invalid_each(field, name, names::subdomain(name)));
        }
        (None, true) => {}
        _ => errors.push(FieldError::required("spec.source", exactly)),
    }
    check_subdomain(spec, "nodeName", "spec", &mut errors);
    if let Some(old) = old
        && old["spec"] != *spec
    {
        errors.push(FieldError::invalid("spec", spec, "field is immutable"));
    }
    errors
}

/// Returns what is wrong with a capacity of storage.
pub(super) fn validate_capacity(object: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let name = text(object, "storageClassName");
    errors.extend(names::invalid_each("storageClassName", name, names::subdomain(name)));
    selector::validate(object.get("nodeTopology"), "nodeTopology", &mut errors);
    for field in ["capacity", "maximumVolumeSize"] {
        if object[field].as_str().and_then(Quantity::parse).is_some_and(Quantity::is_negative) {
            let detail = "must be greater than or equal to 0";
            errors.push(FieldError::invalid(field, &object[field], detail));
        }
    }
    if let Some(old) = old {
        check_immutable(object, old, "nodeTopology", "", &mut errors);
        check_immutable(object, old, "storageClassName", "", &mut errors);
    }
    errors
}

/// Returns what is wrong with a class of attributes of volumes.
pub(super) fn validate_attributes_class(object: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    provisioner(object, "driverName", &mut errors);
    if object.get("parameters").and_then(Value::as_object).is_none_or(serde_json::Map::is_empty) {
        errors.push(FieldError::required("parameters", "must contain at least one key/value pair"));
    }
    if let Some(old) = old {
        for field in ["driverName", "parameters"] {
            check_immutable(object, old, field, "", &mut errors);
        }
    }
    errors
}

/// Reports what is wrong with what a claim asks for.
pub(super) fn validate_claim_spec(spec: &Value, path: &str, errors: &mut Vec<FieldError>) {
    access_modes(spec, path, errors);
    selector::validate(spec.get("selector"), &format!("{path}.selector"), errors);
    let field = format!("{path}.resources[storage]");
    match spec["resources"]["requests"].get("storage") {
        None => errors.push(FieldError::required(field, "")),
        Some(amount) => {
            let quantity = amount.as_str().and_then(Quantity::parse);
            if quantity.is_some_and(|quantity| quantity.is_zero() || quantity.is_negative()) {
                errors.push(FieldError::invalid(field, amount, "must be greater than zero"));
            }
        }
    }
    for key in ["storageClassName", "volumeAttributesClassName"] {
        let name = text(spec, key);
        if !name.is_empty() {
            errors.extend(names::invalid_each(&format!("{path}.{key}"), name, names::subdomain(name)));
        }
    }
    check_choice(spec, "volumeMode", path, &["Block", "Filesystem"], errors);
    for key in ["dataSource", "dataSourceRef"] {
        if let Some(source) = spec.get(key) {
            check_required(source, "name", &format!("{path}.{key}"), "", errors);
            check_required(source, "kind", &format!("{path}.{key}"), "", errors);
        }
    }
}

fn access_modes(spec: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let field = format!("{path}.accessModes");
    let modes = items(spec, "accessModes");
    if modes.is_empty() {
        errors.push(FieldError::required(&field, "at least 1 access mode is required"));
    }
    for mode in modes {
        if !ACCESS_MODES.contains(&mode.as_str().unwrap_or_default()) {
            errors.push(FieldError::not_supported(&field, mode, ACCESS_MODES));
        }
    }
    if modes.len() > 1 && modes.iter().any(|mode| mode == "ReadWriteOncePod") {
        errors.push(FieldError::forbidden(&field, "may not use ReadWriteOncePod with other access modes"));
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

/// Notes when a volume came into its phase, unless the writer says it.
pub(super) fn note_phase_change(object: &mut Value, old: &Value, now: &str) {
    const TIME: &str = "lastPhaseTransitionTime";
    let before = &old["status"];
    let Some(status) = child(object, "status") else { return };
    if status[TIME].is_string() && status[TIME] != before[TIME] {
        return;
    }
    let time = if status["phase"] == before["phase"] { before[TIME].clone() } else { now.into() };
    match time {
        Value::Null => remove(status, TIME),
        time => status[TIME] = time,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    // As a real kube-apiserver 1.36 did it.
    #[rstest]
    #[case(json!({"phase": "Available"}), json!("now"))]
    #[case(json!({"phase": "Pending", "message": "x"}), json!("before"))]
    #[case(json!({"phase": "Pending", "lastPhaseTransitionTime": "before"}), json!("before"))]
    #[case(json!({"phase": "Bound", "lastPhaseTransitionTime": "said"}), json!("said"))]
    #[case(json!({"phase": "Bound", "lastPhaseTransitionTime": "before"}), json!("now"))]
    fn a_volume_remembers_when_its_phase_changed(#[case] status: Value, #[case] expected: Value) {
        let old = json!({"status": {"phase": "Pending", "lastPhaseTransitionTime": "before"}});
        let mut object = json!({"status": status});
        note_phase_change(&mut object, &old, "now");
        assert_eq!(object["status"]["lastPhaseTransitionTime"], expected);
    }
}
