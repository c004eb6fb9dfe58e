//! JSON patch (RFC 6902), with the habits that clients know from the Go server.
//!
//! `replace` of a missing member adds it, `-1` counts list items from the end, a missing `value` is null, and the part of
//! a path before the first `/` is ignored.

use serde_json::Value;

use super::PatchError;
use super::go_text::go_json_type;

/// Returns `object` changed by the operations of a JSON patch, all or none.
///
/// # Errors
///
/// [`PatchError::Malformed`] when the patch is not a list of objects, [`PatchError::Rejected`] when an operation fails.
pub fn json_patch(object: &Value, patch: &Value) -> Result<Value, PatchError> {
    let operations = match patch {
        Value::Null => return Ok(object.clone()),
        Value::Array(operations) => operations,
        other => return Err(cannot_unmarshal(go_json_type(other), "[]handlers.jsonPatchOp")),
    };
    if let Some(bad) = operations.iter().find(|operation| !operation.is_object() && !operation.is_null()) {
        return Err(cannot_unmarshal(go_json_type(bad), "handlers.jsonPatchOp"));
    }
    apply(object, operations).map_err(|_| PatchError::Rejected)
}

/// Runs the operations of a patch, all or none.
///
/// # Errors
///
/// The first operation that cannot be done, in the words of the library that the Go server uses.
pub(crate) fn apply(object: &Value, operations: &[Value]) -> Result<Value, String> {
    let mut patched = object.clone();
    for operation in operations {
        run(&mut patched, operation)?;
    }
    Ok(patched)
}

fn cannot_unmarshal(found: &str, wanted: &str) -> PatchError {
    PatchError::Malformed(format!(
        "error decoding patch: json: cannot unmarshal {found} into Go value of type {wanted}"
    ))
}

/// Runs one operation.
fn run(target: &mut Value, operation: &Value) -> Result<(), String> {
    let kind = operation["op"].as_str().unwrap_or("unknown");
    if !matches!(kind, "add" | "replace" | "remove" | "move" | "copy" | "test") {
        return Err(format!("Unexpected kind: {kind}"));
    }
    let text = |key: &str| {
        operation[key]
            .as_str()
            .ok_or_else(|| format!("{kind} operation failed to decode {key}: missing value"))
    };
    let shown = text("path")?;
    let path = pointer(shown);
    let value = || operation["value"].clone();
    match kind {
        "add" if path.is_empty() => replace_root(target, value(), kind),
        "add" => add(target, &path, value()).ok_or_else(|| missing(kind, &format!("{shown:?}"))),
        "replace" if path.is_empty() => replace_root(target, value(), kind),
        "replace" => replace(target, &path, value(), shown),
        "remove" => remove(target, &path, kind, shown).map(drop),
        "move" => {
            let from = text("from")?;
            let moved = remove(target, &pointer(from), kind, from)?;
            add(target, &path, moved).ok_or_else(|| missing(kind, shown))
        }
        "copy" => {
            let from = text("from")?;
            let from_path = pointer(from);
            let known = from_path
                .split_last()
                .and_then(|(_, parent)| find(target, parent))
                .is_some_and(|parent| parent.is_object() || parent.is_array());
            if !known {
                return Err(missing(kind, from));
            }
            // What is not there is copied as null.
            let copied = find(target, &from_path).cloned().unwrap_or(Value::Null);
            add(target, &path, copied).ok_or_else(|| missing(kind, shown))
        }
        _ => test(target, &path, &operation["value"], shown),
    }
}

fn missing(kind: &str, shown: &str) -> String {
    format!("{kind} operation does not apply: doc is missing path: {shown}: missing value")
}

fn test(target: &Value, path: &[String], expected: &Value, shown: &str) -> Result<(), String> {
    let known = path.split_last().is_none_or(|(_, parent)| find(target, parent).is_some());
    if !known {
        return Err(format!("test operation does not apply: is missing path: {shown}: missing value"));
    }
    let found = find(target, path).unwrap_or(&Value::Null);
    if found == expected { Ok(()) } else { Err(format!("testing value {shown} failed: test failed")) }
}

fn replace_root(target: &mut Value, value: Value, kind: &str) -> Result<(), String> {
    if !value.is_object() && !value.is_array() {
        return Err(format!("{kind} operation value must be object or array: %!w(<nil>)"));
    }
    *target = value;
    Ok(())
}

fn pointer(path: &str) -> Vec<String> {
    path.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect()
}

fn find<'a>(target: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(target, |value, part| match value {
        Value::Object(fields) => fields.get(part),
        Value::Array(items) => items.get(index(part, items.len())?),
        _ => None,
    })
}

fn find_mut<'a>(target: &'a mut Value, path: &[String]) -> Option<&'a mut Value> {
    path.iter().try_fold(target, |value, part| match value {
        Value::Object(fields) => fields.get_mut(part),
        Value::Array(items) => {
            let index = index(part, items.len())?;
            items.get_mut(index)
        }
        _ => None,
    })
}

/// Returns the position that `part` names in a list of `length` items; negative numbers count from the end.
fn index(part: &str, length: usize) -> Option<usize> {
    let number: i64 = part.parse().ok()?;
    let number = if number < 0 { number.checked_add(i64::try_from(length).ok()?)? } else { number };
    usize::try_from(number).ok().filter(|number| *number < length)
}

fn add(target: &mut Value, path: &[String], value: Value) -> Option<()> {
    let Some((last, parent)) = path.split_last() else {
        *target = value;
        return Some(());
    };
    match find_mut(target, parent)? {
        Value::Object(fields) => {
            fields.insert(last.clone(), value);
        }
        Value::Array(items) if last == "-" => items.push(value),
        Value::Array(items) => {
            let position = index(last, items.len() + 1)?;
            items.insert(position, value);
        }
        _ => return None,
    }
    Some(())
}

fn replace(target: &mut Value, path: &[String], value: Value, shown: &str) -> Result<(), String> {
    let lost = || missing("replace", shown);
    let (last, parent) = path.split_last().ok_or_else(lost)?;
    match find_mut(target, parent) {
        Some(Value::Object(fields)) => {
            fields.insert(last.clone(), value);
        }
        Some(Value::Array(items)) => {
            let position = index(last, items.len()).ok_or_else(lost)?;
            items[position] = value;
        }
        _ => return Err(lost()),
    }
    Ok(())
}

fn remove(target: &mut Value, path: &[String], kind: &str, shown: &str) -> Result<Value, String> {
    let lost = || missing(kind, &format!("{shown:?}"));
    let (last, parent) = path.split_last().ok_or_else(lost)?;
    match find_mut(target, parent) {
        Some(Value::Object(fields)) => fields.remove(last).ok_or_else(|| {
            // A move shows the key only.
            let place = if kind == "move" { last } else { shown };
            format!(
                "error in {kind} for path: '{place}': Unable to remove nonexistent key: {last}: missing value"
            )
        }),
        Some(Value::Array(items)) => {
            let position = index(last, items.len()).ok_or_else(|| {
                format!("error in {kind} for path: '{shown}': Unable to access invalid index: {last}: invalid index referenced")
            })?;
            Ok(items.remove(position))
        }
        _ => Err(lost()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::testing::any_object;
    use super::*;

    fn check(patch: Value, expected: Option<Value>) {
        let object = json!({"data": {"color": "blue"}, "list": ["a", "b"]});
        assert_eq!(json_patch(&object, &patch).ok(), expected, "{patch}");
    }

    #[test]
    fn follows_the_go_servers_habits() {
        check(json!(null), Some(json!({"data": {"color": "blue"}, "list": ["a", "b"]})));
        check(
            json!([{"op": "replace", "path": "/data/nope", "value": "x"}]),
            Some(json!({"data": {"color": "blue", "nope": "x"}, "list": ["a", "b"]})),
        );
        check(
            json!([{"op": "add", "path": "data/x", "value": 1}]),
            Some(json!({"data": {"color": "blue"}, "list": ["a", "b"], "x": 1})),
        );
        check(
            json!([{"op": "add", "path": "/list/-1", "value": "c"}]),
            Some(json!({"data": {"color": "blue"}, "list": ["a", "b", "c"]})),
        );
        check(
            json!([{"op": "move", "path": "/data/moved", "from": "/data/color"}]),
            Some(json!({"data": {"moved": "blue"}, "list": ["a", "b"]})),
        );
        for refused in [
            json!([{"op": "remove", "path": "/data/nope"}]),
            json!([{"op": "add", "path": "/nope/deep", "value": 1}]),
            json!([{"op": "add", "path": "/list/9", "value": 1}]),
            json!([{"op": "remove", "path": "/list/2"}]),
            json!([{"op": "test", "path": "/data/color", "value": "red"}]),
            json!([{"op": "bogus", "path": "/data/x", "value": "1"}]),
            json!([{"path": "/data/x", "value": "1"}]),
            json!([{"op": "add", "value": "1"}]),
            json!([null]),
        ] {
            check(refused, None);
        }
    }

    #[test]
    fn refuses_what_is_not_a_list_of_operations() {
        let error = json_patch(&json!({}), &json!({"op": "add"})).unwrap_err();
        assert_eq!(
            error.to_string(),
            "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp"
        );
    }

    #[test]
    fn says_which_operation_cannot_be_done() {
        let object = json!({"data": {"a": "1"}, "list": ["x"]});
        let rows = [
            (
                json!({"op": "remove", "path": "/nope"}),
                "error in remove for path: '/nope': Unable to remove nonexistent key: nope: missing value",
            ),
            (
                json!({"op": "test", "path": "/data/a", "value": "2"}),
                "testing value /data/a failed: test failed",
            ),
            (
                json!({"op": "add", "path": "/nope/x", "value": 1}),
                "add operation does not apply: doc is missing path: \"/nope/x\": missing value",
            ),
            (
                json!({"op": "replace", "path": "/nope/z", "value": 1}),
                "replace operation does not apply: doc is missing path: /nope/z: missing value",
            ),
            (
                json!({"op": "remove", "path": "/nope/x"}),
                "remove operation does not apply: doc is missing path: \"/nope/x\": missing value",
            ),
            (
                json!({"op": "test", "path": "/nope/z", "value": 1}),
                "test operation does not apply: is missing path: /nope/z: missing value",
            ),
            (
                json!({"op": "move", "path": "/data/q", "from": "/data/zz"}),
                "error in move for path: 'zz': Unable to remove nonexistent key: zz: missing value",
            ),
            (json!({"op": "frob", "path": "/data/a"}), "Unexpected kind: frob"),
            (json!({"path": "/data/a"}), "Unexpected kind: unknown"),
            (json!({"op": "add", "value": 1}), "add operation failed to decode path: missing value"),
            (
                json!({"op": "replace", "path": "", "value": "x"}),
                "replace operation value must be object or array: %!w(<nil>)",
            ),
        ];
        for (operation, expected) in rows {
            assert_eq!(
                apply(&object, std::slice::from_ref(&operation)).unwrap_err(),
                expected,
                "{operation}"
            );
        }
        let copy = json!([{"op": "copy", "path": "/data/q", "from": "/data/zz"}]);
        assert_eq!(json_patch(&object, &copy).unwrap()["data"], json!({"a": "1", "q": null}));
    }

    proptest! {
        #[test]
        fn the_difference_of_two_objects_leads_from_one_to_the_other(left in any_object(), right in any_object()) {
            let patch = serde_json::to_value(::json_patch::diff(&left, &right)).unwrap();
            prop_assert_eq!(json_patch(&left, &patch).unwrap(), right);
        }
    }
}
