//! What admission adds to Works.

use serde_json::Value;

use super::{JobTtl, PruneError, prune, record_managed};
use crate::api::work::constants::WORK_ID_LABEL;
use crate::object;

/// Gives a Work its permanent id and brings its manifests into the form in which Works keep them.
///
/// A Work that has an id keeps it; stamping twice changes nothing more.
pub fn stamp(work: &mut Value, uuid: &str) -> Result<(), PruneError> {
    if object::label(work, WORK_ID_LABEL).unwrap_or_default().is_empty() {
        object::set_label(work, WORK_ID_LABEL, uuid);
    }
    let id = object::label(work, WORK_ID_LABEL).unwrap_or_default().to_owned();
    let manifests = work.pointer_mut("/spec/workload/manifests").and_then(Value::as_array_mut);
    for manifest in manifests.into_iter().flatten() {
        prune(manifest, JobTtl::Removed)?;
        record_managed(manifest, Some(&id));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn stamping_twice_changes_nothing_more() {
        let mut work =
            json!({"spec": {"workload": {"manifests": [{"kind": "ConfigMap", "metadata": {"uid": "u"}}]}}});
        stamp(&mut work, "first").unwrap();
        let once = work.clone();
        stamp(&mut work, "second").unwrap();
        assert_eq!(work, once);
        assert_eq!(
            once.pointer("/spec/workload/manifests/0/metadata/labels"),
            Some(&json!({WORK_ID_LABEL: "first"}))
        );
        assert_eq!(once.pointer("/spec/workload/manifests/0/metadata/uid"), None);
    }
}
