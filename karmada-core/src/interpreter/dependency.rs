//! References to objects that an object needs.

pub use crate::api::config::DependentObjectReference as DependentReference;

use super::InterpretError;

/// Longest value of a label.
const LONGEST_LABEL_VALUE: usize = 63;

impl DependentReference {
    /// Returns a reference to one object.
    pub fn named(api_version: &str, kind: &str, namespace: &str, name: &str) -> Self {
        Self {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            label_selector: None,
        }
    }
}

/// Checks that each reference says which objects it means.
pub(super) fn checked(
    references: Vec<DependentReference>,
) -> Result<Vec<DependentReference>, InterpretError> {
    for (index, reference) in references.iter().enumerate() {
        check(index, reference)?;
    }
    Ok(references)
}

fn check(index: usize, reference: &DependentReference) -> Result<(), InterpretError> {
    let error = |reason: String| Err(InterpretError::Dependency { index, reason });
    match &reference.label_selector {
        _ if !reference.name.is_empty() => Ok(()),
        None => error("dependency can not leave name and labelSelector all empty".to_owned()),
        Some(selector) => {
            match selector.match_labels.values().find(|value| value.len() > LONGEST_LABEL_VALUE) {
                Some(value) => {
                    error(format!("label value {value:?} must be no more than {LONGEST_LABEL_VALUE} bytes"))
                }
                None => Ok(()),
            }
        }
    }
}
