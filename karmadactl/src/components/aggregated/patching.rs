//! Patches that are made here, so that what they come to is checked before it is written.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use karmada_apiserver::http::Failure;
use karmada_apiserver::patch::{PatchError, json_patch, merge_patch, strategic_merge_patch};
use karmada_apiserver::registry::Schema;
use karmada_apiserver::registry::schema::PatchStrategy;
use serde_json::Value;

use super::negotiation::BodyForm;

/// Returns the object changed by a patch.
///
/// # Errors
/// When the patch makes no sense for the object.
pub(super) fn patched(object: &Value, form: BodyForm, patch: &Value) -> Result<Value, Failure> {
    let patched = match form {
        BodyForm::JsonPatch => json_patch(object, patch),
        BodyForm::StrategicMergePatch => strategic_merge_patch(object, patch, schema()),
        _ => merge_patch(object, patch),
    };
    patched.map_err(|error| match error {
        PatchError::Malformed(message) => Failure::bad_request(message),
        PatchError::Rejected => Failure::unprocessable_message(error.to_string()),
        PatchError::Meaningless(message) => Failure::unknown(message),
    })
}

/// The lists of a Cluster that strategic merge patches merge: those of its metadata.
fn schema() -> &'static Schema {
    static SCHEMA: OnceLock<Schema> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        let merged = |merge_key: Option<&str>| Schema {
            patch: PatchStrategy {
                merge: true,
                merge_key: merge_key.map(str::to_owned),
                ..PatchStrategy::default()
            },
            ..Schema::default()
        };
        let fields = |fields: Vec<(&str, Schema)>| Schema {
            properties: fields
                .into_iter()
                .map(|(name, schema)| (name.to_owned(), Arc::new(schema)))
                .collect::<BTreeMap<_, _>>(),
            ..Schema::default()
        };
        let metadata = fields(vec![("finalizers", merged(None)), ("ownerReferences", merged(Some("uid")))]);
        fields(vec![("metadata", metadata)])
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_language_of_patches_is_understood() {
        let object = json!({"metadata": {"finalizers": ["a"]}, "spec": {"region": "x", "zones": ["1"]}});
        let strategic = json!({"metadata": {"finalizers": ["b"]}, "spec": {"region": null, "zones": ["2"]}});
        assert_eq!(
            patched(&object, BodyForm::StrategicMergePatch, &strategic).unwrap(),
            json!({"metadata": {"finalizers": ["b", "a"]}, "spec": {"zones": ["2"]}})
        );
        assert_eq!(
            patched(&object, BodyForm::MergePatch, &strategic).unwrap()["metadata"]["finalizers"],
            json!(["b"])
        );
        let operations = json!([{"op": "replace", "path": "/spec/region", "value": "y"}]);
        assert_eq!(patched(&object, BodyForm::JsonPatch, &operations).unwrap()["spec"]["region"], "y");
        let failed = json!([{"op": "test", "path": "/spec/region", "value": "y"}]);
        assert_eq!(patched(&object, BodyForm::JsonPatch, &failed).unwrap_err().code, 422);
        assert_eq!(patched(&object, BodyForm::MergePatch, &json!(1)).unwrap_err().code, 400);
    }
}
