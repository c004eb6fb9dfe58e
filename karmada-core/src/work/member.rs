//! What to write to a member for a manifest.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde_json::{Map, Value};

use super::bookkeeping::keep_foreign_metadata;
use super::{About, Event, JobTtl, PruneError, prune};
use crate::api::reserved::{LABEL_TRUE, MANAGED_LABEL};
use crate::api::work::constants::{
    CONFLICT_RESOLUTION_ANNOTATION, CONFLICT_RESOLUTION_OVERWRITE, SYNC_FAILED, SYNC_SUCCEED,
};
use crate::interpreter::{InterpretError, ObjectKind, Operation, ResourceInterpreter};
use crate::object;

/// Fields of the metadata that are the member's.
const MEMBER_METADATA: [&str; 3] = ["resourceVersion", "finalizers", "ownerReferences"];

/// What to write to a member.
#[derive(Clone, Debug, PartialEq)]
pub enum MemberWrite {
    /// Create this object.
    Create(Value),
    /// Replace the member's object by this one, which carries its resource version.
    Update(Value),
    /// The object is as it should be.
    Unchanged,
}

/// Nothing can be written to the member.
#[derive(Debug, thiserror::Error)]
pub enum MemberConflict {
    /// The object is someone else's and may not be taken over.
    #[error(
        "resource(kind={kind}, {namespace}/{name}) already exists in the cluster {cluster} and the \
         {CONFLICT_RESOLUTION_ANNOTATION} strategy value is empty, Karmada will not manage this resource"
    )]
    Unmanaged {
        /// Its kind.
        kind: String,
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// The member.
        cluster: String,
    },
    /// What of the member's object is kept cannot be said.
    #[error("failed to retain fields")]
    Retain(#[source] InterpretError),
    /// The objects cannot be compared.
    #[error("failed to prune")]
    Prune(#[from] PruneError),
}

/// Decides what to write to a member for a manifest of a Work, given the member's object if there is one.
///
/// What the member has set and Karmada does not manage stays: resource version, finalizers, owners, foreign labels
/// and annotations, and whatever the interpreter retains.
pub fn plan_member_write(
    manifest: &Value,
    observed: Option<&Value>,
    cluster: &str,
    interpreter: &dyn ResourceInterpreter,
) -> Result<MemberWrite, MemberConflict> {
    let Some(observed) = observed else { return Ok(MemberWrite::Create(manifest.clone())) };
    if !may_update(manifest, observed) {
        return Err(MemberConflict::Unmanaged {
            kind: object::kind(manifest).to_owned(),
            namespace: object::namespace(manifest).to_owned(),
            name: object::name(manifest).to_owned(),
            cluster: cluster.to_owned(),
        });
    }
    let mut desired = manifest.clone();
    take_member_metadata(&mut desired, observed);
    keep_foreign_metadata(&mut desired, observed);
    if interpreter.hook_enabled(ObjectKind::of(&desired), Operation::Retain) {
        desired = interpreter.retain(desired, observed).map_err(MemberConflict::Retain)?;
    }
    if comparable(&desired)? == comparable(observed)? {
        return Ok(MemberWrite::Unchanged);
    }
    Ok(MemberWrite::Update(desired))
}

/// A write over an object of a member, as far as what comes of it depends on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriteAttempt {
    desired: u64,
    observed: u64,
}

impl WriteAttempt {
    /// Takes what is written, and what it is written over.
    ///
    /// # Errors
    /// When the objects cannot be compared.
    pub fn new(desired: &Value, observed: &Value) -> Result<Self, PruneError> {
        Ok(Self { desired: digest(desired)?, observed: digest(observed)? })
    }

    /// Returns whether the member took the write and kept its object as it was.
    ///
    /// An older Kubernetes drops fields that it does not know, a schema those that it does not name: to write again what
    /// the member drops changes nothing again.
    ///
    /// # Errors
    /// When the objects cannot be compared.
    pub fn was_futile(self, written: &Value) -> Result<bool, PruneError> {
        Ok(self.observed == digest(written)?)
    }
}

fn digest(object: &Value) -> Result<u64, PruneError> {
    let mut hasher = DefaultHasher::new();
    comparable(object)?.hash(&mut hasher);
    Ok(hasher.finish())
}

/// Returns whether Karmada may delete a member's object: only its own.
pub fn may_delete(observed: &Value) -> bool {
    object::label(observed, MANAGED_LABEL) == Some(LABEL_TRUE)
}

/// Returns whether a change in a member makes it necessary to write the manifest again.
///
/// `recorded` is the resource version of the last own write; without one the object was never written. `before` is
/// `None` when the object is new.
pub fn needs_sync(before: Option<&Value>, after: &Value, recorded: Option<&str>) -> bool {
    let version = after.pointer("/metadata/resourceVersion").and_then(Value::as_str);
    if recorded.is_none() || recorded == version {
        return false;
    }
    let Some(before) = before else { return true };
    match (comparable(before), comparable(after)) {
        (Ok(before), Ok(after)) => before != after,
        _ => true,
    }
}

/// Returns the event about the template that a write to a member deserves, given its error text if it failed.
pub fn sync_event(manifest: &Value, cluster: &str, error: Option<&str>) -> Event {
    let (namespace, name) = (object::namespace(manifest), object::name(manifest));
    match error {
        None => {
            let message = format!("Successfully applied resource({namespace}/{name}) to cluster {cluster}");
            Event::normal(About::Template, SYNC_SUCCEED, message)
        }
        Some(error) => {
            let message = format!(
                "Failed to create or update resource({namespace}/{name}) in member cluster({cluster}): {error}"
            );
            Event::warning(About::Template, SYNC_FAILED, message)
        }
    }
}

fn may_update(manifest: &Value, observed: &Value) -> bool {
    may_delete(observed)
        || object::annotation(manifest, CONFLICT_RESOLUTION_ANNOTATION) == Some(CONFLICT_RESOLUTION_OVERWRITE)
}

fn take_member_metadata(desired: &mut Value, observed: &Value) {
    let Some(members) = desired.as_object_mut() else { return };
    let metadata = members.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
    let Some(metadata) = metadata.as_object_mut() else { return };
    for field in MEMBER_METADATA {
        match observed.pointer(&format!("/metadata/{field}")) {
            Some(value) => metadata.insert(field.to_owned(), value.clone()),
            None => metadata.remove(field),
        };
    }
}

/// Returns an object without what says nothing about whether it is as it should be.
fn comparable(object: &Value) -> Result<Value, PruneError> {
    let mut object = object.clone();
    prune(&mut object, JobTtl::Removed)?;
    // An empty map of the metadata is as good as none.
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|_, value| value.as_object().is_none_or(|map| !map.is_empty()));
    }
    object::remove_unset_times(&mut object);
    Ok(object)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interpreter::Interpreter;
    use serde_json::json;

    fn plan(manifest: &Value, observed: &Value) -> Result<MemberWrite, MemberConflict> {
        plan_member_write(manifest, Some(observed), "m1", &Interpreter::default())
    }

    #[test]
    fn leaves_objects_of_others_alone_unless_told_to_take_them_over() {
        let mut manifest =
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "n"}});
        let observed = manifest.clone();
        let error = plan(&manifest, &observed).unwrap_err();
        assert_eq!(
            error.to_string(),
            "resource(kind=ConfigMap, n/c) already exists in the cluster m1 and the work.karmada.io/conflict-resolution \
             strategy value is empty, Karmada will not manage this resource"
        );
        object::set_annotation(&mut manifest, CONFLICT_RESOLUTION_ANNOTATION, CONFLICT_RESOLUTION_OVERWRITE);
        assert!(matches!(plan(&manifest, &observed), Ok(MemberWrite::Update(_))));
    }

    #[test]
    fn writes_nothing_when_the_object_is_as_it_should_be() {
        let manifest = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {
            "name": "c", "labels": {MANAGED_LABEL: "true"},
        }, "data": {"a": "1"}});
        let mut observed = manifest.clone();
        observed["metadata"]["resourceVersion"] = json!("7");
        observed["metadata"]["labels"]["local"] = json!("1");
        assert_eq!(plan(&manifest, &observed).unwrap(), MemberWrite::Unchanged);
        observed["data"]["a"] = json!("2");
        let Ok(MemberWrite::Update(update)) = plan(&manifest, &observed) else { panic!("an update") };
        assert_eq!(update["metadata"]["resourceVersion"], "7");
        assert_eq!(update["metadata"]["labels"]["local"], "1");
        assert_eq!(update["data"]["a"], "1");
    }

    #[test]
    fn takes_an_unset_time_of_an_older_kubernetes_for_none() {
        let spec = json!({"template": {"metadata": {"labels": {"app": "a"}}, "spec": {"hostNetwork": true}}});
        let manifest = json!({"apiVersion": "example.io/v1", "kind": "X", "metadata": {
            "name": "d", "labels": {MANAGED_LABEL: "true"},
        }, "spec": spec});
        let mut observed = manifest.clone();
        observed["spec"]["template"]["metadata"]["creationTimestamp"] = Value::Null;
        assert_eq!(plan(&manifest, &observed).unwrap(), MemberWrite::Unchanged);
        observed["spec"]["template"]["metadata"]["labels"]["app"] = json!("b");
        assert!(matches!(plan(&manifest, &observed), Ok(MemberWrite::Update(_))));
    }

    #[test]
    fn knows_a_write_that_changed_nothing_until_one_of_both_sides_changes() {
        let observed =
            json!({"kind": "X", "metadata": {"resourceVersion": "1"}, "spec": {"a": 1}, "status": 1});
        let desired = json!({"kind": "X", "metadata": {"resourceVersion": "1"}, "spec": {"a": 1, "new": 2}});
        let attempt = WriteAttempt::new(&desired, &observed).unwrap();
        let changed = |path: &str, value: Value| {
            let mut changed = observed.clone();
            *changed.pointer_mut(path).unwrap() = value;
            changed
        };
        let later = [changed("/status", json!(2)), changed("/metadata/resourceVersion", json!("2"))];
        for written in &later {
            assert!(attempt.was_futile(written).unwrap(), "{written}");
            assert_eq!(attempt, WriteAttempt::new(&desired, written).unwrap());
        }
        let drifted = changed("/spec/a", json!(3));
        assert!(!attempt.was_futile(&drifted).unwrap() && !attempt.was_futile(&desired).unwrap());
        assert_ne!(attempt, WriteAttempt::new(&desired, &drifted).unwrap());
        assert_ne!(attempt, WriteAttempt::new(&drifted, &observed).unwrap());
    }

    #[test]
    fn syncs_again_when_someone_else_has_changed_more_than_the_status() {
        let before = json!({"kind": "X", "metadata": {"resourceVersion": "1"}, "spec": 1});
        let status = json!({"kind": "X", "metadata": {"resourceVersion": "2"}, "spec": 1, "status": {}});
        let drift = json!({"kind": "X", "metadata": {"resourceVersion": "3"}, "spec": 2});
        assert!(!needs_sync(Some(&before), &status, Some("1")));
        assert!(needs_sync(Some(&before), &drift, Some("1")));
        assert!(!needs_sync(Some(&before), &drift, Some("3")));
        assert!(!needs_sync(None, &drift, None));
        assert!(needs_sync(None, &drift, Some("1")));
    }
}
