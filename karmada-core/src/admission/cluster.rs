//! Cluster, as upstream's aggregated API server treats it.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::{Value, json};

use super::{
    AdmissionDenied, AdmissionInput, FieldError, Operation,
    cluster_spec::validate_spec,
    entry::decode,
    object_meta::{Scope, validate_metadata, validate_metadata_update},
    read::{ReadError, read},
    resource_models::{default_models, standardise},
};
use crate::{
    api::{
        Feature, FeatureGates,
        cluster::{
            Cluster, ClusterSpec,
            constants::{CLUSTER_NAME_MAX_LENGTH, EFFECT_NO_EXECUTE, GROUP},
        },
    },
    object::{self, validation::dns_1123_label},
};

/// Returns what is wrong with the name of a cluster.
pub fn cluster_name_messages(name: &str) -> Vec<String> {
    if name.is_empty() {
        return vec!["must be not empty".to_owned()];
    }
    if name.len() > CLUSTER_NAME_MAX_LENGTH {
        return vec![format!("must be no more than {CLUSTER_NAME_MAX_LENGTH} characters")];
    }
    dns_1123_label(name)
}

/// Returns a new cluster as it is stored: prepared, checked, in canonical form.
///
/// # Errors
/// All that is wrong; the object cannot be read at all when the list is empty.
pub fn create_cluster(
    object: &Value,
    gates: &FeatureGates,
    now: Timestamp,
) -> Result<Value, Vec<FieldError>> {
    let mut spec = decode_spec(object)?;
    prepare(&mut spec, gates, Operation::Create);
    let mut errors = Vec::new();
    validate_metadata(&object["metadata"], Scope::Cluster, cluster_name_messages, &mut errors);
    validate_spec(&spec, &written_spec(object, &spec), &mut errors);
    if !errors.is_empty() {
        return Err(errors);
    }
    canonicalise(&mut spec, now);
    let mut metadata = object["metadata"].clone();
    metadata["generation"] = json!(1);
    Ok(json!({"apiVersion": Cluster::API_VERSION, "kind": Cluster::KIND, "metadata": metadata, "spec": spec}))
}

/// Returns a changed cluster as it is stored; its status stays as it was.
///
/// # Errors
/// All that is wrong; the object cannot be read at all when the list is empty.
pub fn update_cluster(
    object: &Value,
    old: &Value,
    gates: &FeatureGates,
    now: Timestamp,
) -> Result<Value, Vec<FieldError>> {
    let mut spec = decode_spec(object)?;
    let old_spec = decode_spec(old)?;
    prepare(&mut spec, gates, Operation::Update);
    let mut errors = Vec::new();
    let sent = with_stored_identity(&object["metadata"], &old["metadata"]);
    validate_metadata_update(&sent, &old["metadata"], &mut errors);
    validate_metadata(&object["metadata"], Scope::Cluster, cluster_name_messages, &mut errors);
    validate_spec(&spec, &written_spec(object, &spec), &mut errors);
    if !errors.is_empty() {
        return Err(errors);
    }
    let changed = spec != old_spec;
    canonicalise(&mut spec, now);
    let mut metadata = object["metadata"].clone();
    if changed {
        metadata["generation"] = json!(old["metadata"]["generation"].as_i64().unwrap_or_default() + 1);
    }
    let mut cluster = json!({"apiVersion": Cluster::API_VERSION, "kind": Cluster::KIND, "metadata": metadata, "spec": spec});
    if let Some(status) = old.get("status") {
        cluster["status"] = status.clone();
    }
    Ok(cluster)
}

/// Returns metadata in which what the client left out is taken from the stored object.
fn with_stored_identity(metadata: &Value, old: &Value) -> Value {
    let mut metadata = metadata.clone();
    if let Some(fields) = metadata.as_object_mut() {
        for field in ["uid", "creationTimestamp", "deletionTimestamp"] {
            if fields.get(field).is_none_or(|value| value.as_str().unwrap_or_default().is_empty()) {
                fields.insert(field.to_owned(), old[field].clone());
            }
        }
    }
    metadata
}

/// Adds what is wrong with the name of a cluster that another object names.
pub(super) fn push_cluster_name_messages(name: &str, field: &str, errors: &mut Vec<FieldError>) {
    let messages = cluster_name_messages(name).into_iter();
    errors.extend(messages.map(|message| FieldError::invalid(field, name, message)));
}

/// Prepares and canonicalises without checking: what the plug-in for the embedded API server does first.
pub(super) fn mutate(input: &AdmissionInput<'_>) -> Result<Value, AdmissionDenied> {
    let mut spec = decode::<Cluster>(input.object)?.spec;
    // Contradictory zones stay as they are: the check that follows tells so.
    prepare(&mut spec, input.gates, input.operation);
    canonicalise(&mut spec, input.now);
    let mut cluster = input.object.clone();
    cluster["spec"] = json!(spec);
    // The server checks names by the rule for all kinds next, in other words than those for clusters.
    let name = object::name(&cluster);
    if input.operation == Operation::Create && !name.is_empty() && !cluster_name_messages(name).is_empty() {
        validate(&AdmissionInput { object: &cluster, ..*input })?;
    }
    // Quantities stay as written, for the check that compares them so.
    restore_written_models(&mut cluster, input.object);
    Ok(cluster)
}

/// Checks metadata and spec.
pub(super) fn validate(input: &AdmissionInput<'_>) -> Result<(), AdmissionDenied> {
    // What cannot be read is no map of fields either.
    decode::<Cluster>(input.object)?;
    let mut object = input.object.clone();
    if let (Operation::Update, Some(old)) = (input.operation, input.old_object) {
        // An update without a resource version is unconditional.
        if object["metadata"]["resourceVersion"].as_str().unwrap_or_default().is_empty() {
            object["metadata"]["resourceVersion"] = old["metadata"]["resourceVersion"].clone();
        }
    }
    let result = match (input.operation, input.old_object) {
        (Operation::Update, Some(old)) => update_cluster(&object, old, input.gates, input.now),
        _ => create_cluster(&object, input.gates, input.now),
    };
    match result {
        Ok(_) => Ok(()),
        Err(errors) => Err(AdmissionDenied::invalid(GROUP, Cluster::KIND, object::name(&object), errors)),
    }
}

fn decode_spec(object: &Value) -> Result<ClusterSpec, Vec<FieldError>> {
    read::<Cluster>(object)
        .map(|cluster| cluster.spec)
        .map_err(|ReadError { path, message }| vec![FieldError::unreadable(path, message)])
}

fn prepare(spec: &mut ClusterSpec, gates: &FeatureGates, operation: Operation) {
    if !gates.is_enabled(Feature::CustomizedClusterResourceModeling) {
        return;
    }
    if !spec.resource_models.is_empty() {
        standardise(&mut spec.resource_models);
    } else if operation == Operation::Create {
        spec.resource_models = default_models();
    }
}

fn canonicalise(spec: &mut ClusterSpec, now: Timestamp) {
    for taint in &mut spec.taints {
        if taint.effect == EFFECT_NO_EXECUTE && taint.time_added.is_none() {
            taint.time_added = Some(Time(now));
        }
    }
    if !spec.zone.is_empty() && spec.zones.is_empty() {
        spec.zones = vec![std::mem::take(&mut spec.zone)];
    }
}

/// Returns the spec whose bounds of grades are compared as text; defaults count as written.
fn written_spec(object: &Value, spec: &ClusterSpec) -> Value {
    let written = &object["spec"];
    let has_models = written["resourceModels"].as_array().is_some_and(|models| !models.is_empty());
    if has_models { written.clone() } else { json!({"resourceModels": spec.resource_models}) }
}

/// Puts the bounds between grades back as the user wrote them.
fn restore_written_models(cluster: &mut Value, written: &Value) {
    let mut models: Vec<&Value> =
        written["spec"]["resourceModels"].as_array().into_iter().flatten().collect();
    models.sort_by_key(|model| model["grade"].as_u64().unwrap_or_default());
    let last = models.len().saturating_sub(1);
    for (index, model) in models.iter().enumerate() {
        for (position, range) in model["ranges"].as_array().into_iter().flatten().enumerate() {
            let target = &mut cluster["spec"]["resourceModels"][index]["ranges"][position];
            if index > 0 {
                target["min"] = range["min"].clone();
            }
            if index < last {
                target["max"] = range["max"].clone();
            }
        }
    }
}
