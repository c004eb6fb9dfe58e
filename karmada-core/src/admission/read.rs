//! Reading objects, with the path of what cannot be read.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::object::{has_nulls, without_nulls};

/// A field that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {message}")]
pub(super) struct ReadError {
    /// The field, such as `spec.rules[0].name`.
    pub(super) path: String,
    /// Why.
    pub(super) message: String,
}

/// Reads an object as its type; null counts as absent.
///
/// DEVIATION: upstream's decoder mostly does not name the field.
pub(super) fn read<T: DeserializeOwned>(object: &Value) -> Result<T, ReadError> {
    // Most objects have no nulls and can be read; following the path costs as much again.
    if !has_nulls(object)
        && let Ok(read) = T::deserialize(object)
    {
        return Ok(read);
    }
    serde_path_to_error::deserialize(without_nulls(object))
        .map_err(|error| ReadError { path: error.path().to_string(), message: error.inner().to_string() })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::policy::{FederatedResourceQuota, PropagationPolicy};

    #[test]
    fn the_path_of_the_field_is_told() {
        let policy = json!({"spec": {"resourceSelectors": [{"kind": "A"}, {"kind": 5}]}});
        let error = read::<PropagationPolicy>(&policy).unwrap_err();
        assert_eq!(error.path, "spec.resourceSelectors[1].kind");
        let quota = json!({"spec": {"overall": {"cpu": "lots"}}});
        let error = read::<FederatedResourceQuota>(&quota).unwrap_err();
        assert_eq!(error.path, "spec.overall.cpu");
        assert!(error.message.starts_with("quantities must match"));
    }

    #[test]
    fn null_counts_as_absent() {
        let policy = json!({"metadata": null, "spec": {"resourceSelectors": null}});
        assert_eq!(read::<PropagationPolicy>(&policy), Ok(PropagationPolicy::default()));
    }
}
