//! JSON patch (RFC 6902) with the liberties that override policies always had.
//!
//! Array indexes may be negative (counted from the end) and may have leading zeros; a missing target of
//! `remove` or `replace` is an error; `add` needs an existing parent; a `~` that starts no escape stays.

use std::borrow::Cow;

use serde_json::Value;

use super::document::Document;

/// One operation of a patch.
#[derive(Clone, Debug)]
pub(super) struct PatchOperation<'a> {
    /// The operation's name, as the policy says it.
    pub(super) operator: Cow<'a, str>,
    /// JSON pointer of the target.
    pub(super) path: Cow<'a, str>,
    /// The value of `add`, `replace` and `test`.
    pub(super) value: Value,
}

/// Why a patch does not apply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    /// The document is neither an object nor a list.
    #[error("the document is no object and no list")]
    NotStructured,
    /// The document is null, so that there is nothing to look into.
    #[error("error in {operation} for path: '{path}': invalid value, expected object")]
    Null {
        /// Name of the operation.
        operation: &'static str,
        /// Path of the operation.
        path: String,
    },
    /// The parent of the target is missing.
    #[error("{operation} operation does not apply: doc is missing path: {path}: missing value")]
    MissingPath {
        /// Name of the operation.
        operation: &'static str,
        /// Path of the operation.
        path: String,
    },
    /// The target is missing.
    #[error("{operation} operation does not apply: doc is missing key: {path}: missing value")]
    MissingKey {
        /// Name of the operation.
        operation: &'static str,
        /// Path of the operation.
        path: String,
    },
    /// An index is no number or is out of range.
    #[error(
        "error in {operation} for path: '{path}': unable to access invalid index: {index}: invalid index referenced"
    )]
    BadIndex {
        /// Name of the operation.
        operation: &'static str,
        /// Path of the operation.
        path: String,
        /// The index.
        index: String,
    },
    /// A tested value is another one.
    #[error("testing value {path} failed")]
    TestFailed {
        /// Path of the operation.
        path: String,
    },
    /// The operation needs a source path, which override policies cannot give.
    #[error("invalid operation {operation:?}: missing from field: missing value")]
    MissingFrom {
        /// Name of the operation.
        operation: String,
    },
    /// The operation is unknown.
    #[error("invalid operation {operation:?}: unsupported operation")]
    Unsupported {
        /// Name of the operation.
        operation: String,
    },
}

/// Applies all operations; on an error the document is in an unspecified state.
pub(super) fn apply(document: &mut Document, operations: &[PatchOperation<'_>]) -> Result<(), PatchError> {
    // The whole patch is read before the document is touched.
    for operation in operations {
        check_operator(&operation.operator)?;
    }
    if matches!(document, Document::Scalar(_)) && !document.is_null() {
        return Err(PatchError::NotStructured);
    }
    operations.iter().try_for_each(|operation| apply_one(document, operation))
}

fn check_operator(operator: &str) -> Result<(), PatchError> {
    match operator {
        "add" | "remove" | "replace" | "test" => Ok(()),
        "move" | "copy" => Err(PatchError::MissingFrom { operation: operator.to_owned() }),
        _ => Err(PatchError::Unsupported { operation: operator.to_owned() }),
    }
}

fn apply_one(document: &mut Document, operation: &PatchOperation<'_>) -> Result<(), PatchError> {
    let path = operation.path.as_ref();
    match operation.operator.as_ref() {
        "add" => add(document, path, &operation.value),
        "remove" => remove(document, path),
        "replace" => replace(document, path, &operation.value),
        _ => test(document, path, &operation.value),
    }
}

fn add(document: &mut Document, path: &str, value: &Value) -> Result<(), PatchError> {
    if path.is_empty() {
        return replace_root(document, value);
    }
    let (parent, key) = find(document, path, "add")?;
    match parent {
        Document::Object(members) => set_member(members, key, value.clone().into()),
        Document::Array(elements) => {
            let bad_index = || bad_index("add", path, &key);
            if key == "-" {
                elements.push(value.clone().into());
                return Ok(());
            }
            let length = elements.len() + 1;
            let index = index_of(&key, length).ok_or_else(bad_index)?;
            elements.insert(index, value.clone().into());
        }
        Document::Scalar(_) => return Err(PatchError::Null { operation: "add", path: path.to_owned() }),
    }
    Ok(())
}

fn remove(document: &mut Document, path: &str) -> Result<(), PatchError> {
    if path.is_empty() {
        return Err(PatchError::MissingKey { operation: "remove", path: String::new() });
    }
    let (parent, key) = find(document, path, "remove")?;
    match parent {
        Document::Object(members) => {
            let Some(index) = members.iter().position(|(known, _)| *known == key) else {
                return Err(PatchError::MissingKey { operation: "remove", path: path.to_owned() });
            };
            members.remove(index);
        }
        Document::Array(elements) => {
            let index = index_of(&key, elements.len()).ok_or_else(|| bad_index("remove", path, &key))?;
            elements.remove(index);
        }
        Document::Scalar(_) => return Err(PatchError::Null { operation: "remove", path: path.to_owned() }),
    }
    Ok(())
}

fn replace(document: &mut Document, path: &str, value: &Value) -> Result<(), PatchError> {
    if path.is_empty() {
        return replace_root(document, value);
    }
    let (parent, key) = find(document, path, "replace")?;
    match member_mut(parent, &key) {
        Some(target) => *target = value.clone().into(),
        None => return Err(PatchError::MissingKey { operation: "replace", path: path.to_owned() }),
    }
    Ok(())
}

fn test(document: &mut Document, path: &str, value: &Value) -> Result<(), PatchError> {
    let found = if path.is_empty() {
        Some(document.clone())
    } else {
        let (parent, key) = find(document, path, "test")?;
        member_mut(parent, &key).cloned()
    };
    let found = found.map_or(Value::Null, Document::into_value);
    if found == *value { Ok(()) } else { Err(PatchError::TestFailed { path: path.to_owned() }) }
}

fn replace_root(document: &mut Document, value: &Value) -> Result<(), PatchError> {
    if !value.is_object() && !value.is_array() {
        return Err(PatchError::NotStructured);
    }
    *document = value.clone().into();
    Ok(())
}

/// Returns the parent of the target and the target's key in it.
///
/// Whatever stands before the first slash is ignored.
fn find<'a>(
    document: &'a mut Document,
    path: &str,
    operation: &'static str,
) -> Result<(&'a mut Document, String), PatchError> {
    let missing = || PatchError::MissingPath { operation, path: path.to_owned() };
    let (_, tokens) = path.split_once('/').ok_or_else(missing)?;
    let mut parent = document;
    let mut tokens = tokens.split('/').map(unescape).peekable();
    while let Some(token) = tokens.next() {
        if tokens.peek().is_none() {
            return Ok((parent, token));
        }
        parent = member_mut(parent, &token)
            .filter(|next| matches!(next, Document::Object(_) | Document::Array(_)))
            .ok_or_else(missing)?;
    }
    Err(missing())
}

fn member_mut<'a>(parent: &'a mut Document, key: &str) -> Option<&'a mut Document> {
    match parent {
        Document::Object(members) => {
            members.iter_mut().find(|(known, _)| known == key).map(|(_, member)| member)
        }
        Document::Array(elements) => {
            let index = index_of(key, elements.len())?;
            elements.get_mut(index)
        }
        Document::Scalar(_) => None,
    }
}

fn set_member(members: &mut Vec<(String, Document)>, key: String, value: Document) {
    match members.iter_mut().find(|(known, _)| *known == key) {
        Some(known) => known.1 = value,
        None => members.push((key, value)),
    }
}

/// Returns the index that a token means in a list of `length` elements.
fn index_of(token: &str, length: usize) -> Option<usize> {
    let index: i64 = token.parse().ok()?;
    let index = if index < 0 { index + i64::try_from(length).ok()? } else { index };
    usize::try_from(index).ok().filter(|index| *index < length)
}

fn bad_index(operation: &'static str, path: &str, index: &str) -> PatchError {
    PatchError::BadIndex { operation, path: path.to_owned(), index: index.to_owned() }
}

fn unescape(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn patched(document: Value, operations: &[(&str, &str, Value)]) -> Result<Value, PatchError> {
        let operations: Vec<_> = operations
            .iter()
            .map(|(operator, path, value)| PatchOperation {
                operator: (*operator).into(),
                path: (*path).into(),
                value: value.clone(),
            })
            .collect();
        let mut document = Document::from(document);
        apply(&mut document, &operations)?;
        Ok(document.into_value())
    }

    #[test]
    fn counts_negative_indexes_from_the_end() {
        assert_eq!(patched(json!({"l": [1, 2]}), &[("add", "/l/-1", json!(3))]), Ok(json!({"l": [1, 2, 3]})));
        assert_eq!(
            patched(json!({"l": [1, 2]}), &[("replace", "/l/-1", json!(3))]),
            Ok(json!({"l": [1, 3]}))
        );
        assert_eq!(
            patched(json!({"l": [1, 2]}), &[("replace", "/l/00", json!(3))]),
            Ok(json!({"l": [3, 2]}))
        );
    }

    #[test]
    fn needs_an_existing_target_except_for_add() {
        assert!(matches!(
            patched(json!({}), &[("replace", "/a", json!(1))]),
            Err(PatchError::MissingKey { operation: "replace", .. })
        ));
        assert!(matches!(
            patched(json!({}), &[("add", "/a/b", json!(1))]),
            Err(PatchError::MissingPath { operation: "add", .. })
        ));
        assert!(matches!(
            patched(json!({"l": []}), &[("replace", "/l/-", json!(1))]),
            Err(PatchError::MissingKey { .. })
        ));
        assert_eq!(patched(json!({}), &[("add", "/a", json!(1))]), Ok(json!({"a": 1})));
    }

    #[test]
    fn refuses_a_patch_with_an_unknown_operation_before_changing_anything() {
        let operations = [("add", "/a", json!(1)), ("", "/b", json!(1))];
        assert!(matches!(patched(json!({}), &operations), Err(PatchError::Unsupported { .. })));
    }

    #[test]
    fn reads_escapes_in_keys() {
        assert_eq!(patched(json!({}), &[("add", "/a~1b~0c~2", json!(1))]), Ok(json!({"a/b~c~2": 1})));
    }

    fn documents() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(json!(null)),
            any::<bool>().prop_map(Value::from),
            (0..5_i64).prop_map(Value::from)
        ];
        leaf.prop_recursive(3, 24, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::btree_map("[a-c]", inner, 0..3).prop_map(|map| json!(map)),
            ]
        })
    }

    fn operations() -> impl Strategy<Value = Vec<(&'static str, String, Value)>> {
        let operator = prop::sample::select(vec!["add", "remove", "replace", "test"]);
        let path =
            prop::collection::vec("[a-c0-2]", 1..4).prop_map(|tokens| format!("/{}", tokens.join("/")));
        prop::collection::vec((operator, path, documents()), 1..4)
    }

    proptest! {
        /// The checker is another implementation of the standard, which has none of the liberties.
        #[test]
        fn agrees_with_the_standard_where_it_takes_no_liberties(
            document in prop::collection::btree_map("[a-c]", documents(), 0..3),
            operations in operations(),
        ) {
            let document = json!(document);
            let standard: json_patch::Patch = serde_json::from_value(json!(
                operations
                    .iter()
                    .map(|(operator, path, value)| json!({"op": operator, "path": path, "value": value}))
                    .collect::<Vec<_>>()
            ))
            .unwrap();
            let mut expected = document.clone();
            let expected = json_patch::patch(&mut expected, &standard).is_ok().then_some(expected);
            let operations: Vec<_> = operations.iter().map(|(name, path, value)| (*name, path.as_str(), value.clone())).collect();
            let answer = patched(document, &operations);
            if let Some(expected) = expected {
                prop_assert_eq!(answer, Ok(expected));
            } else {
                // A test of something that is missing for null is the one thing that is accepted beyond the standard.
                prop_assert!(answer.is_err() || operations.iter().any(|(name, _, value)| *name == "test" && value.is_null()));
            }
        }
    }
}
