//! Where the containers of a workload are.

use serde_json::Value;

use super::OverrideError;
use crate::native;

/// Returns the path of the containers of a kind, or `None` for kinds that overriders leave alone.
pub(super) fn containers_path(kind: &str) -> Option<&'static [&'static str]> {
    match kind {
        "Pod" => Some(&["spec", "containers"]),
        "ReplicaSet" | "Deployment" | "DaemonSet" | "StatefulSet" | "Job" => {
            Some(&["spec", "template", "spec", "containers"])
        }
        _ => None,
    }
}

/// Checks that an object is valid for its kind, whatever its API group is called.
pub(super) fn check_type(object: &Value, kind: &str) -> Result<(), OverrideError> {
    native::convert(kind, object)
        .map(drop)
        .map_err(|source| OverrideError::Convert { kind: kind.to_owned(), source })
}

/// Returns the containers at a path: an empty list when there are none.
///
/// # Errors
///
/// When something on the way is no object, or the end is no list.
pub(super) fn containers_mut<'a>(
    object: &'a mut Value,
    path: &[&str],
) -> Result<&'a mut [Value], OverrideError> {
    let error = || OverrideError::Containers { path: path.join("/") };
    let mut current = object;
    for name in path {
        match current {
            Value::Object(members) => match members.get_mut(*name) {
                Some(next) => current = next,
                None => return Ok(&mut []),
            },
            Value::Null => return Ok(&mut []),
            _ => return Err(error()),
        }
    }
    match current {
        Value::Array(containers) => Ok(containers),
        _ => Err(error()),
    }
}
