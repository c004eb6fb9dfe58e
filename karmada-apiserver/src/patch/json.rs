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
    let mut patched = object.clone();
    for operation in operations {
        run(&mut patched, operation).ok_or(PatchError::Rejected)?;
    }
    Ok(patched)
}

fn cannot_unmarshal(found: &str, wanted: &str) -> PatchError {
    PatchError::Malformed(format!(
        "error decoding patch: json: cannot unmarshal {found} into Go value of type {wanted}"
    ))
}

/// Runs one operation; `None` when it cannot be done.
fn run(target: &mut Value, operation: &Value) -> Option<()> {
    let path = pointer(operation["path"].as_str()?);
    let value = || operation["value"].clone();
    match operation["op"].as_str()? {
        "add" => add(target, &path, value()),
        "replace" => replace(target, &path, value()),
        "remove" => remove(target, &path).map(drop),
        "move" => {
            let moved = remove(target, &pointer(operation["from"].as_str()?))?;
            add(target, &path, moved)
        }
        "copy" => {
            let copied = find(target, &pointer(operation["from"].as_str()?))?.clone();
            add(target, &path, copied)
        }
        "test" => {
            let expected = &operation["value"];
            match find(target, &path) {
                Some(found) => (found == expected).then_some(()),
                None => expected.is_null().then_some(()),
            }
        }
        _ => None,
    }
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

fn replace(target: &mut Value, path: &[String], value: Value) -> Option<()> {
    let Some((last, parent)) = path.split_last() else {
        *target = value;
        return Some(());
    };
    match find_mut(target, parent)? {
        Value::Object(fields) => {
            fields.insert(last.clone(), value);
        }
        Value::Array(items) => {
            let position = index(last, items.len())?;
            items[position] = value;
        }
        _ => return None,
    }
    Some(())
}

fn remove(target: &mut Value, path: &[String]) -> Option<Value> {
    let (last, parent) = path.split_last()?;
    match find_mut(target, parent)? {
        Value::Object(fields) => fields.remove(last),
        Value::Array(items) => {
            let position = index(last, items.len())?;
            Some(items.remove(position))
        }
        _ => None,
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

    proptest! {
        #[test]
        fn the_difference_of_two_objects_leads_from_one_to_the_other(left in any_object(), right in any_object()) {
            let patch = serde_json::to_value(::json_patch::diff(&left, &right)).unwrap();
            prop_assert_eq!(json_patch(&left, &patch).unwrap(), right);
        }
    }
}
