//! One object through the rules of its resource, before it is stored.
//!
//! A write has two halves. [`decode`] is what reading the body does: unknown fields, types, pruning, defaults.
//! [`admit_create`] and [`admit_update`] are what storing does: system fields, status reset, generation, validation.
//! Field managers are computed between the two, from the decoded object. [`prepare_create`] and [`prepare_update`]
//! do both.

use jiff::Timestamp;
use serde_json::Value;

use super::body::{Body, Problem};
use super::field_error::FieldError;
use super::resource::Resource;
use super::typed::Mismatch;
use super::{crd, kinds, metadata, structural, typed, validate};

/// How unknown and duplicate fields are treated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FieldValidation {
    Ignore,
    #[default]
    Warn,
    Strict,
}

/// What a write may ask about the rest of the store.
///
/// Cluster IPs, node ports and priorities depend on other objects.
pub trait Lookup {
    /// Returns an object; `storage_key` is that of [`super::Registry::storage_key`].
    fn object(&self, storage_key: &str, namespace: &str, name: &str) -> Option<Value>;
    /// Returns all objects of a resource.
    fn objects(&self, storage_key: &str) -> Vec<Value>;
}

/// What becomes of the result of a write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Persistence {
    #[default]
    Stored,
    DryRun,
}

/// The circumstances of a write.
#[derive(Clone, Copy)]
pub struct PrepareContext<'a> {
    pub field_validation: FieldValidation,
    pub now: Timestamp,
    pub persistence: Persistence,
    /// Absent: nothing is allocated and nothing is looked up.
    pub lookup: Option<&'a dyn Lookup>,
    /// The body the object was read from; it knows of duplicate fields and of their order.
    pub body: Option<&'a Body>,
}

impl<'a> PrepareContext<'a> {
    /// Returns a context that knows no other objects.
    pub fn new(field_validation: FieldValidation, now: Timestamp) -> Self {
        Self { field_validation, now, persistence: Persistence::Stored, lookup: None, body: None }
    }

    /// Says whether the result is stored.
    pub fn with_persistence(mut self, persistence: Persistence) -> Self {
        self.persistence = persistence;
        self
    }

    /// Lets the rules ask for other objects.
    pub fn with_lookup(mut self, lookup: &'a dyn Lookup) -> Self {
        self.lookup = Some(lookup);
        self
    }

    /// Names the body that the object was read from.
    pub fn with_body(mut self, body: &'a Body) -> Self {
        self.body = Some(body);
        self
    }

    fn time(&self) -> String {
        self.now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }
}

/// Texts for `Warning` headers, without code and quotes.
pub type Warnings = Vec<String>;

/// Which part of the object a write may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateTarget {
    Main,
    Status,
    Scale,
}

/// Why an object may not be stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrepareError {
    /// The object breaks rules: 422 with a cause for each.
    #[error("the object is invalid")]
    Invalid(Vec<FieldError>),
    /// Strict decoding found these: 400 `... strict decoding error: A, B`.
    #[error("strict decoding error: {}", .0.join(", "))]
    UnknownFields(Vec<String>),
    /// The body cannot be read as this kind: 400.
    #[error("{}", .0.decoded)]
    Unreadable(Mismatch),
    /// The write has to name the revision it is based on: 422 for the plural of the resource.
    #[error("the object names no revision")]
    NoRevision(FieldError),
    /// Policy forbids it: 403.
    #[error("{0}")]
    Forbidden(String),
}

/// Takes a new object through all rules.
///
/// Sets what the system sets (uid, creation time, generation, generated name), fills defaults and clears the status.
///
/// # Errors
///
/// See [`PrepareError`].
pub fn prepare_create(
    resource: &Resource,
    object: &mut Value,
    context: &PrepareContext<'_>,
) -> Result<Warnings, PrepareError> {
    let mut warnings = decode(resource, object, context)?;
    warnings.extend(admit_create(resource, object, context)?);
    Ok(warnings)
}

/// Takes a changed object through all rules, against the stored one.
///
/// # Errors
///
/// See [`PrepareError`].
pub fn prepare_update(
    resource: &Resource,
    new: &mut Value,
    old: &Value,
    target: UpdateTarget,
    context: &PrepareContext<'_>,
) -> Result<Warnings, PrepareError> {
    let mut warnings = decode(resource, new, context)?;
    warnings.extend(admit_update(resource, new, old, target, context)?);
    Ok(warnings)
}

/// Reads an object as its kind: finds unknown fields, prunes, canonicalises, fills defaults.
///
/// # Errors
///
/// Unknown fields in strict mode, values of the wrong type.
pub fn decode(
    resource: &Resource,
    object: &mut Value,
    context: &PrepareContext<'_>,
) -> Result<Warnings, PrepareError> {
    set_type_meta(resource, object);
    let unknown = if resource.is_custom() {
        decode_custom(resource, object)?
    } else {
        let findings = typed::decode(&resource.kind, &resource.schema, object);
        if let Some(mismatch) = findings.mismatch {
            return Err(PrepareError::Unreadable(mismatch));
        }
        findings.unknown
    };
    if !resource.is_custom() {
        kinds::apply_defaults(resource, object);
        typed::emit(&resource.schema, object);
    }
    let problems = match context.body {
        // The order of a custom object's fields is lost before they are checked.
        Some(body) if resource.is_custom() => body
            .ordered(Vec::new())
            .into_iter()
            .chain(unknown.into_iter().map(|problem| problem.text))
            .collect(),
        Some(body) => body.ordered(unknown),
        None => unknown.into_iter().map(|problem| problem.text).collect(),
    };
    match context.field_validation {
        FieldValidation::Ignore => Ok(Warnings::new()),
        FieldValidation::Warn => Ok(problems),
        FieldValidation::Strict if problems.is_empty() => Ok(Warnings::new()),
        FieldValidation::Strict => Err(PrepareError::UnknownFields(problems)),
    }
}

/// Applies the built-in admission that comes before mutating webhooks to a decoded object.
pub(crate) fn admit_early(
    resource: &Resource,
    object: &mut Value,
    old: Option<&Value>,
    context: &PrepareContext<'_>,
) -> Result<(), PrepareError> {
    if resource.is_custom() { Ok(()) } else { kinds::admit_early(resource, object, old, context) }
}

/// Applies the rules of creation to a decoded object.
///
/// # Errors
///
/// See [`PrepareError`].
pub fn admit_create(
    resource: &Resource,
    object: &mut Value,
    context: &PrepareContext<'_>,
) -> Result<Warnings, PrepareError> {
    let now = context.time();
    let mut warnings = Warnings::new();
    warnings.extend(metadata::deduplicate_owners(object));
    metadata::fill_system_fields(resource, object, &now);
    if kinds::has_generation(resource) {
        metadata::metadata_mut(object).insert("generation".to_owned(), 1.into());
    }
    kinds::prepare_status(resource, object, None, &now);
    let mut errors = Vec::new();
    if resource.is_custom() {
        // What was cleared may have a default.
        structural::apply_defaults(&resource.schema, object);
        errors.extend(metadata::validate(resource, object));
        errors.extend(validate_custom(resource, object, None));
        shape_for_storage(resource, object);
        if resource.status_subresource && resource.defaults_on_read {
            // The default of a status is read and not stored.
            object.as_object_mut().map(|object| object.remove("status"));
        }
        warnings.extend(metadata::finalizer_warnings(object, None));
    } else {
        let late = kinds::admit(resource, object, None, context)?;
        warnings.extend(kinds::warnings(resource, object, None));
        errors.extend(metadata::validate(resource, object));
        // Without a name the rest is not looked at.
        let unnamed = errors.iter().any(|error| error.message.ends_with("name or generateName is required"));
        if !unnamed {
            errors.extend(kinds::validate(resource, object, None));
        }
        if errors.is_empty() {
            errors = late;
        }
        typed::settle(&resource.schema, object);
    }
    if errors.is_empty() { Ok(warnings) } else { Err(PrepareError::Invalid(errors)) }
}

/// Applies the rules of change to a decoded object.
///
/// # Errors
///
/// See [`PrepareError`].
pub fn admit_update(
    resource: &Resource,
    new: &mut Value,
    old: &Value,
    target: UpdateTarget,
    context: &PrepareContext<'_>,
) -> Result<Warnings, PrepareError> {
    let revision = new["metadata"]["resourceVersion"].as_str().unwrap_or_default();
    if matches!(revision, "" | "0") && kinds::needs_revision(resource) {
        return Err(PrepareError::NoRevision(FieldError::invalid(
            "metadata.resourceVersion",
            &Value::from(0),
            "must be specified for an update",
        )));
    }
    let mut warnings = Warnings::new();
    warnings.extend(metadata::deduplicate_owners(new));
    keep_system_fields(resource, new, old);
    match target {
        UpdateTarget::Main | UpdateTarget::Scale => {
            kinds::prepare_status(resource, new, Some(old), &context.time());
        }
        UpdateTarget::Status => {
            keep_all_but_status(resource, new, old);
            if !resource.is_custom() {
                kinds::complete_status(resource, new, old, &context.time());
            }
        }
    }
    let mut late = Vec::new();
    if !resource.is_custom() && target != UpdateTarget::Status {
        late = kinds::admit(resource, new, Some(old), context)?;
        warnings.extend(kinds::warnings(resource, new, Some(old)));
    }
    if kinds::counts_changes(resource)
        && target != UpdateTarget::Status
        && kinds::spec_changed(resource, new, old)
    {
        let generation = old["metadata"]["generation"].as_i64().unwrap_or_default() + 1;
        metadata::metadata_mut(new).insert("generation".to_owned(), generation.into());
    }
    let mut errors = metadata::validate_update(resource, new, old);
    // What is wrong with the change, not with the object.
    let is_change = |error: &FieldError| {
        error.message.ends_with("field is immutable")
            || error.message.starts_with("Forbidden: no new finalizers can be added")
    };
    if resource.is_custom() {
        structural::apply_defaults(&resource.schema, new);
        errors.extend(
            errors.iter().filter(|e| !is_change(e)).flat_map(|e| [e.clone(), e.clone()]).collect::<Vec<_>>(),
        );
        errors.extend(validate_custom(resource, new, Some(old)));
        shape_for_storage(resource, new);
        warnings.extend(metadata::finalizer_warnings(new, Some(old)));
    } else {
        // The real server checks metadata for all kinds and for each, the immutable part less often.
        let again: Vec<FieldError> = errors
            .iter()
            .flat_map(|e| std::iter::repeat_n(e.clone(), if is_change(e) { 1 } else { 3 }))
            .collect();
        errors.extend(again);
        if target == UpdateTarget::Status {
            errors.extend(kinds::validate_status(resource, new, old));
        } else {
            errors.extend(kinds::validate(resource, new, Some(old)));
        }
        if errors.is_empty() {
            errors = late;
        }
        typed::settle(&resource.schema, new);
    }
    if errors.is_empty() { Ok(warnings) } else { Err(PrepareError::Invalid(errors)) }
}

/// Leaves out what the stored version of a custom resource does not know.
fn shape_for_storage(resource: &Resource, object: &mut Value) {
    // What a webhook converts is shaped afterwards.
    if resource.conversion.is_none() {
        prune_for_storage(resource, object);
    }
}

/// Leaves out what the stored version of a custom resource does not know, of an object in that version.
pub(crate) fn prune_for_storage(resource: &Resource, object: &mut Value) {
    if let Some(schema) = &resource.storage_schema {
        structural::prune(schema, object);
    }
}

/// Returns the nulls of an applied configuration that the schema of a custom resource has no place for.
pub(crate) fn forbidden_nulls(resource: &Resource, applied: &Value) -> Vec<FieldError> {
    if !resource.is_custom() {
        return Vec::new();
    }
    let found = structural::forbidden_nulls(&resource.schema, applied);
    let mut errors = validate::validate(&resource.schema, applied, None);
    errors.retain(|error| found.contains(&error.field));
    errors
}

/// Returns what the schema of a custom resource and its rules say about an object.
pub(crate) fn validate_custom(resource: &Resource, object: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let mut errors = validate::validate(&resource.schema, object, old);
    if let Some(rules) = &resource.rules {
        errors.extend(crd::check_rules(rules, object, old, &errors));
    }
    errors
}

/// Says why an object cannot be read as a kind, if it cannot.
pub fn mismatch(resource: &Resource, object: &Value) -> Option<Mismatch> {
    if resource.is_custom() {
        return None;
    }
    typed::decode(&resource.kind, &resource.schema, &mut object.clone()).mismatch
}

/// Returns an object of the kind of which nothing is set: what it prints is what is always printed.
///
/// Against it the fields of a new object are owned: what every object has belongs to nobody.
pub fn blank(resource: &Resource) -> Value {
    let mut object = serde_json::json!({"apiVersion": resource.api_version(), "kind": resource.kind});
    if !resource.is_custom() {
        typed::emit(&resource.schema, &mut object);
    }
    object
}

/// Fills in the defaults of a stored custom object, which may be older than its schema.
pub fn default_on_read(resource: &Resource, object: &mut Value) {
    if resource.is_custom() {
        structural::prune(&resource.schema, object);
        structural::apply_defaults(&resource.schema, object);
    } else {
        kinds::default_on_read(resource, object);
    }
}

fn decode_custom(resource: &Resource, object: &mut Value) -> Result<Vec<Problem>, PrepareError> {
    let mut unknown = structural::prune(&resource.schema, object);
    // Metadata is read as the typed structure that it is.
    if let (Some(schema), Some(metadata)) =
        (resource.schema.properties.get("metadata"), object.get_mut("metadata"))
    {
        let findings = typed::decode("ObjectMeta", schema, metadata);
        if let Some(mismatch) = findings.mismatch {
            return Err(PrepareError::Unreadable(mismatch));
        }
        unknown.extend(findings.unknown.into_iter().map(|problem| {
            let path = format!("metadata.{}", problem.path);
            Problem { text: format!("unknown field \"{path}\""), path }
        }));
    }
    unknown.extend(structural::prune_embedded(&resource.schema, object));
    unknown.sort_by(|a, b| a.path.cmp(&b.path));
    structural::apply_defaults(&resource.schema, object);
    Ok(unknown)
}

fn set_type_meta(resource: &Resource, object: &mut Value) {
    metadata::metadata_mut(object);
    object["apiVersion"] = resource.api_version().into();
    object["kind"] = resource.kind.clone().into();
}

/// Takes over what a client may leave out or may not change.
fn keep_system_fields(resource: &Resource, new: &mut Value, old: &Value) {
    let stored = &old["metadata"];
    let metadata = metadata::metadata_mut(new);
    metadata.remove("selfLink");
    if !resource.namespaced {
        metadata.remove("namespace");
    }
    for field in ["generation", "creationTimestamp"] {
        match stored.get(field) {
            Some(value) => metadata.insert(field.to_owned(), value.clone()),
            None => metadata.remove(field),
        };
    }
    for field in ["uid", "deletionTimestamp", "deletionGracePeriodSeconds"] {
        if let Some(value) = stored.get(field)
            && metadata.get(field).is_none_or(|value| value.is_null() || *value == "")
        {
            metadata.insert(field.to_owned(), value.clone());
        }
    }
}

/// A write to the status changes nothing else.
fn keep_all_but_status(resource: &Resource, new: &mut Value, old: &Value) {
    let mut kept = old.clone();
    match new.get("status") {
        Some(status) => kept["status"] = status.clone(),
        None => {
            if let Some(map) = kept.as_object_mut() {
                map.remove("status");
            }
        }
    }
    if !resource.is_custom() && resource.kind == "Pod" && kept["status"]["qosClass"].is_null() {
        // The class never changes.
        kept["status"]["qosClass"] = old["status"]["qosClass"].clone();
    }
    let mut metadata = new["metadata"].clone();
    let fixed: &[&str] = match (resource.is_custom(), resource.kind.as_str()) {
        (true, _) => &["labels", "annotations", "finalizers", "ownerReferences", "generateName"],
        (_, "Deployment" | "PodDisruptionBudget") => &["labels"],
        _ => &[],
    };
    if let Some(metadata) = metadata.as_object_mut() {
        for field in fixed {
            match old["metadata"].get(*field) {
                Some(value) => metadata.insert((*field).to_owned(), value.clone()),
                None => metadata.remove(*field),
            };
        }
    }
    kept["metadata"] = metadata;
    *new = kept;
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Registry;
    use super::*;

    fn context() -> PrepareContext<'static> {
        PrepareContext::new(FieldValidation::Strict, Timestamp::UNIX_EPOCH)
    }

    fn created(group: &str, version: &str, plural: &str, mut object: Value) -> Value {
        let resource = Registry::built_in().resource(group, version, plural).unwrap();
        prepare_create(&resource, &mut object, &context()).unwrap();
        object
    }

    fn deployment() -> Value {
        json!({"metadata": {"name": "web"}, "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": {
            "metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "nginx:1.27"}]}}}})
    }

    #[test]
    fn fills_a_deployment_as_the_real_server_does() {
        let object = created("apps", "v1", "deployments", deployment());
        assert_eq!(
            object["spec"],
            json!({
                "replicas": 1, "selector": {"matchLabels": {"a": "b"}}, "revisionHistoryLimit": 10,
                "progressDeadlineSeconds": 600,
                "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}},
                "template": {"metadata": {"labels": {"a": "b"}}, "spec": {
                    "containers": [{"name": "c", "image": "nginx:1.27", "resources": {},
                        "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
                        "imagePullPolicy": "IfNotPresent"}],
                    "restartPolicy": "Always", "terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst",
                    "securityContext": {}, "schedulerName": "default-scheduler"}},
            })
        );
        assert_eq!(object["status"], json!({}));
        assert_eq!(object["metadata"]["generation"], 1);
    }

    #[test]
    fn counts_a_generation_for_a_changed_spec_only() {
        let resource = Registry::built_in().resource("apps", "v1", "deployments").unwrap();
        let old = created("apps", "v1", "deployments", deployment());
        let mut labelled = old.clone();
        labelled["metadata"]["labels"] = json!({"x": "y"});
        prepare_update(&resource, &mut labelled, &old, UpdateTarget::Main, &context()).unwrap();
        assert_eq!(labelled["metadata"]["generation"], 1);
        let mut scaled = old.clone();
        scaled["spec"]["replicas"] = json!(3);
        prepare_update(&resource, &mut scaled, &old, UpdateTarget::Main, &context()).unwrap();
        assert_eq!(scaled["metadata"]["generation"], 2);
    }

    #[test]
    fn a_status_write_keeps_the_spec() {
        let resource = Registry::built_in().resource("apps", "v1", "deployments").unwrap();
        let old = created("apps", "v1", "deployments", deployment());
        let mut new = old.clone();
        new["spec"]["replicas"] = json!(9);
        new["status"] = json!({"replicas": 1});
        prepare_update(&resource, &mut new, &old, UpdateTarget::Status, &context()).unwrap();
        assert_eq!((&new["spec"]["replicas"], &new["status"]["replicas"]), (&json!(1), &json!(1)));
    }

    #[test]
    fn refuses_unknown_fields_in_the_order_of_the_body() {
        let resource = Registry::built_in().resource("", "v1", "configmaps").unwrap();
        let text = br#"{"metadata":{"name":"x","lables":{}},"dta":{},"data":{"a":"1","a":"2"}}"#;
        let body = Body::parse(&bytes::Bytes::from_static(text)).unwrap();
        let mut object = body.value.clone();
        let error = prepare_create(&resource, &mut object, &context().with_body(&body)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "strict decoding error: unknown field \"metadata.lables\", unknown field \"dta\", duplicate field \"data.a\""
        );
    }

    #[test]
    fn prepares_every_built_in_kind_without_losing_its_type() {
        for resource in Registry::built_in().resources() {
            let mut object = json!({"metadata": {"name": "x"}});
            // Most are invalid when empty: what counts is that nothing breaks.
            let _ = prepare_create(resource, &mut object, &context());
            assert_eq!(object["kind"], resource.kind.as_str());
            assert_eq!(object["apiVersion"], resource.api_version());
        }
    }
}
