//! Overrider of fields that hold JSON or YAML text.

use serde_json::Value;

use super::OverrideError;
use super::document::Document;
use super::json_patch::{self, PatchOperation};
use super::yaml;
use crate::api::policy::{FieldOverrider, FieldPatchOperation};

/// Applies an overrider to the text of one field.
///
/// YAML operations win over JSON operations; with neither the text is emptied.
pub(super) fn apply(object: &mut Value, overrider: &FieldOverrider) -> Result<(), OverrideError> {
    let path = &overrider.field_path;
    let field = text_at(object, path)?;
    let changed = if !overrider.yaml.is_empty() {
        patch_yaml(field, path, &overrider.yaml)?
    } else if !overrider.json.is_empty() {
        patch_json(field, path, &overrider.json)?
    } else {
        String::new()
    };
    *field = changed;
    Ok(())
}

fn patch_json(text: &str, path: &str, operations: &[FieldPatchOperation]) -> Result<String, OverrideError> {
    if text.is_empty() {
        return Ok(String::new());
    }
    let mut document =
        Document::parse(text).map_err(|source| OverrideError::Json { path: path.to_owned(), source })?;
    json_patch::apply(&mut document, &patch(operations)).map_err(OverrideError::Patch)?;
    Ok(document.to_text())
}

fn patch_yaml(text: &str, path: &str, operations: &[FieldPatchOperation]) -> Result<String, OverrideError> {
    let value = yaml::parse(text).map_err(|source| OverrideError::Yaml { path: path.to_owned(), source })?;
    let mut document = Document::from(value);
    json_patch::apply(&mut document, &patch(operations)).map_err(OverrideError::Patch)?;
    Ok(yaml::print(&document.into_value()))
}

fn patch(operations: &[FieldPatchOperation]) -> Vec<PatchOperation<'_>> {
    operations
        .iter()
        .map(|operation| PatchOperation {
            operator: operation.operator.as_str().into(),
            path: operation.sub_path.as_str().into(),
            value: operation.value.clone(),
        })
        .collect()
}

/// Returns the text that a JSON pointer leads to.
fn text_at<'a>(object: &'a mut Value, pointer: &str) -> Result<&'a mut String, OverrideError> {
    let error = |reason| OverrideError::NoText { path: pointer.to_owned(), reason };
    let mut current = object;
    if !pointer.is_empty() {
        let tokens = pointer.strip_prefix('/').ok_or_else(|| error("it does not start with a slash"))?;
        for token in tokens.split('/').map(|token| token.replace("~1", "/").replace("~0", "~")) {
            current = match current {
                Value::Object(members) => members.get_mut(&token).ok_or_else(|| error("it leads nowhere"))?,
                Value::Array(elements) => {
                    let index: usize = token.parse().map_err(|_| error("a list index is no number"))?;
                    elements.get_mut(index).ok_or_else(|| error("a list index is out of range"))?
                }
                _ => return Err(error("it leads through a scalar")),
            };
        }
    }
    match current {
        Value::String(text) => Ok(text),
        _ => Err(error("the value is no text")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn replaced(text: &str, overrider: &str) -> Result<String, OverrideError> {
        let mut object = json!({"data": {"f": text}});
        apply(&mut object, &serde_json::from_str(overrider).unwrap())?;
        Ok(object["data"]["f"].as_str().unwrap().to_owned())
    }

    #[test]
    fn keeps_the_order_of_json_text() {
        let overrider =
            r#"{"fieldPath": "/data/f", "json": [{"operator": "replace", "subPath": "/a", "value": 9}]}"#;
        assert_eq!(replaced(r#"{"b":1.50, "a":2}"#, overrider).unwrap(), r#"{"b":1.50,"a":9}"#);
    }

    #[test]
    fn renders_yaml_text_anew() {
        let overrider =
            r#"{"fieldPath": "/data/f", "yaml": [{"operator": "add", "subPath": "/c", "value": "x"}]}"#;
        assert_eq!(replaced("# note\nb: yes\na: [1]\n", overrider).unwrap(), "a:\n- 1\nb: true\nc: x\n");
    }

    #[test]
    fn refuses_text_that_holds_no_structure() {
        let overrider =
            r#"{"fieldPath": "/data/f", "yaml": [{"operator": "add", "subPath": "/c", "value": "x"}]}"#;
        assert!(replaced("just text", overrider).is_err());
        assert!(replaced("", overrider).is_err());
    }
}
