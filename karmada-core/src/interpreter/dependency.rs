//! References to objects that an object needs.

use serde::{Deserialize, Serialize};

use super::InterpretError;
use crate::api::LabelSelector;

/// Longest value of a label.
const LONGEST_LABEL_VALUE: usize = 63;

/// Objects that an object needs: one by name, or several by labels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DependentReference {
    /// Group and version.
    pub api_version: String,
    /// Kind.
    pub kind: String,
    /// Namespace; empty for cluster-scoped objects.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label_selector: Option<LabelSelector>,
}

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
