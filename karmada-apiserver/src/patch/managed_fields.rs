//! Who owns which fields after a create, update or patch.

use std::sync::LazyLock;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::compare::Comparison;
use super::field_set::FieldSet;
use super::managers::{Entry, Identity, Managers};
use super::renewal;
use super::reset::reset_fields;
use super::target::Target;
use super::typed::Type;
use super::zero::with_struct_members;

/// Bytes of a manager's name that are kept when it is taken from a user agent.
const MAX_MANAGER_BYTES: usize = 128;

/// What a manager did to come to own fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// Said what it wants of its fields (server-side apply).
    Apply,
    /// Wrote the object, whole or with a patch.
    Update,
}

impl Operation {
    /// Returns the word used in `managedFields`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Apply => "Apply",
            Self::Update => "Update",
        }
    }
}

/// A write that is not an apply.
#[derive(Clone, Copy, Debug)]
pub struct Update<'a> {
    /// The stored object; when the object is being created, absent or what every object of the kind has.
    pub old: Option<&'a Value>,
    /// Who writes, from [`manager_name`].
    pub manager: &'a str,
    pub target: Target<'a>,
    pub now: Timestamp,
}

/// Sets `metadata.managedFields` of `new`, which is about to replace `update.old`.
///
/// To be called when the object is decoded and defaulted, before admission and before server-set fields are filled in:
/// those belong to nobody. `managedFields` that the request brought (main endpoint only) replace the stored ones;
/// an empty list or a single empty entry resets them.
pub fn update(new: &mut Value, update: &Update<'_>) {
    let stored = || update.old.and_then(Managers::of).unwrap_or_default();
    let sent = &new["metadata"]["managedFields"];
    let kept = update.old.and_then(|old| old["metadata"]["managedFields"].as_array());
    let changes = Changed::by(update, new);
    // Who may send owners mostly sends those that are stored.
    let unsent = !update.target.subresource.is_empty() || sent.is_null() || sent.as_array() == kept;
    let entries = kept.filter(|entries| unsent && !entries.is_empty());
    if let Some(renewed) = entries.and_then(|entries| changes.renewed(entries, update))
        && let Some(metadata) = new.get_mut("metadata").and_then(Value::as_object_mut)
    {
        metadata.insert("managedFields".to_owned(), Value::Array(renewed));
        return;
    }
    let sent = &new["metadata"]["managedFields"];
    let managers = match sent.as_array() {
        _ if !update.target.subresource.is_empty() => stored(),
        None => stored(),
        Some(entries) if is_reset(entries) => Managers::default(),
        Some(_) => Managers::of(new).unwrap_or_else(stored),
    };
    // Only a stored object has a name: a blank one is what a new object is compared with.
    let is_stored = update.old.is_some_and(|old| old["metadata"]["name"].is_string());
    if managers.entries.is_empty() && is_stored {
        // An object without owners stays one until somebody applies.
        managers.write_to(new);
        return;
    }
    changes.apply(update, managers).write_to(new);
}

/// Says why nobody can read who owns what of an object, if nobody can.
pub fn unreadable_owners(object: &Value) -> Option<&'static str> {
    let entries = object.pointer("/metadata/managedFields").and_then(Value::as_array).into_iter().flatten();
    let is_operation = |entry: &Value| matches!(entry["operation"].as_str(), Some("Apply" | "Update"));
    if !entries.clone().all(is_operation) {
        return Some("operation must be `Apply` or `Update`");
    }
    Managers::of(object).is_none().then_some("fields cannot be decoded")
}

/// Takes the fields that a write changes away from those who own them in another version of the object.
///
/// `old` and `new` are the states before and after the write in the version of `target`; the owners are those of
/// `object`, in whatever version it is.
pub fn disown_in_version(object: &mut Value, old: &Value, new: &Value, target: &Target<'_>) {
    let Some(mut managers) = Managers::of(object) else { return };
    let root = Type::root(target.schema, target.origin);
    let comparison = Comparison::of(root, old, new).without(&reset_fields(target));
    let lost = comparison.set_fields().union(&comparison.removed);
    let is_of_version = |entry: &Entry| entry.identity.api_version == target.api_version;
    let keys: Vec<String> = managers
        .entries
        .iter()
        .filter(|(_, entry)| is_of_version(entry))
        .map(|(key, _)| key.clone())
        .collect();
    for key in keys {
        managers.disown(&key, &lost);
    }
    managers.write_to(object);
}

/// Returns whether two versions of an object differ only in the times of `managedFields`: then there is nothing to write.
pub fn equal_but_for_times(old: &Value, new: &Value) -> bool {
    let without_times = |object: &Value| {
        let mut object = object.clone();
        if let Some(entries) = object.pointer_mut("/metadata/managedFields").and_then(Value::as_array_mut) {
            for entry in entries.iter_mut().filter_map(Value::as_object_mut) {
                entry.remove("time");
            }
            entries.sort_by_cached_key(Value::to_string);
        }
        object
    };
    // Most changes are elsewhere: those need no copies.
    same_members(Some(old), Some(new), |key| key == "metadata")
        && same_members(old.get("metadata"), new.get("metadata"), |key| key == "managedFields")
        && (old == new || without_times(old) == without_times(new))
}

/// Returns whether two objects, or values that are none, are equal but for some members.
fn same_members(old: Option<&Value>, new: Option<&Value>, ignored: fn(&str) -> bool) -> bool {
    let (Some(Value::Object(old)), Some(Value::Object(new))) = (old, new) else { return old == new };
    let relevant = |map: &'_ Map<String, Value>| map.keys().filter(|key| !ignored(key)).count();
    relevant(old) == relevant(new)
        && old.iter().all(|(key, value)| ignored(key) || new.get(key) == Some(value))
}

/// Returns the name of the manager of a request: what it says, or else the first part of its user agent.
pub fn manager_name(field_manager: Option<&str>, user_agent: &str) -> String {
    if let Some(manager) = field_manager.filter(|manager| !manager.is_empty()) {
        return manager.to_owned();
    }
    let name = user_agent.split('/').next().unwrap_or_default();
    let mut kept = String::new();
    for character in name.chars().filter(|character| !character.is_control()) {
        if kept.len() + character.len_utf8() > MAX_MANAGER_BYTES {
            break;
        }
        kept.push(character);
    }
    kept
}

fn is_reset(entries: &[Value]) -> bool {
    match entries {
        [] => true,
        [entry] => entry.as_object().is_some_and(|entry| {
            entry.values().all(|value| value.is_null() || value.as_str().is_some_and(str::is_empty))
        }),
        _ => false,
    }
}

/// Returns the managers after `update.manager` wrote `new`.
pub(super) fn after_update(update: &Update<'_>, new: &Value, managers: Managers) -> Managers {
    Changed::by(update, new).apply(update, managers)
}

/// What a write changes.
struct Changed {
    /// Fields that the writer comes to own.
    taken: FieldSet,
    /// Fields that others own no more.
    lost: FieldSet,
}

impl Changed {
    fn by(update: &Update<'_>, new: &Value) -> Self {
        let target = &update.target;
        let root = Type::root(target.schema, target.origin);
        let empty = Value::Object(Map::new());
        let old = with_struct_members(update.old.unwrap_or(&empty), target);
        let new = with_struct_members(new, target);
        let comparison = Comparison::of(root, &old, &new).without(&reset_fields(target));
        let (mut taken, mut lost) = comparison.into_set_and_removed();
        let has_owners = update.old.is_some_and(|old| old["metadata"]["managedFields"].is_array())
            || new["metadata"]["managedFields"].is_array();
        // Of an object without owners nobody loses anything.
        if has_owners {
            lost.absorb(taken.clone());
        }
        taken.remove_all(metadata_of_the_server());
        Self { taken, lost }
    }

    fn renewed(&self, entries: &[Value], update: &Update<'_>) -> Option<Vec<Value>> {
        let changes = renewal::Changes { taken: &self.taken, lost: &self.lost };
        renewal::renewed(entries, &writer(update), write_time(&update.target, update.now), changes)
    }

    fn apply(self, update: &Update<'_>, mut managers: Managers) -> Managers {
        let keys: Vec<String> = managers.entries.keys().cloned().collect();
        for key in keys {
            managers.disown(&key, &self.lost);
        }
        if !self.taken.is_empty() {
            let identity = writer(update);
            let entry = managers.entries.entry(identity.key()).or_insert_with(|| Entry {
                identity,
                time: None,
                fields: FieldSet::default(),
            });
            entry.fields.absorb(self.taken);
            entry.time = write_time(&update.target, update.now);
            managers.cap_updaters();
        }
        managers
    }
}

fn writer(update: &Update<'_>) -> Identity {
    Identity {
        manager: if update.manager.is_empty() { "unknown" } else { update.manager }.to_owned(),
        operation: Operation::Update,
        api_version: update.target.api_version.to_owned(),
        subresource: update.target.subresource.to_owned(),
    }
}

/// Returns the fields that nobody owns.
pub(super) fn metadata_of_the_server() -> &'static FieldSet {
    static FIELDS: LazyLock<FieldSet> = LazyLock::new(|| {
        FieldSet::of_fields(&[
            &["apiVersion"],
            &["kind"],
            &["metadata"],
            &["metadata", "clusterName"],
            &["metadata", "creationTimestamp"],
            &["metadata", "generation"],
            &["metadata", "managedFields"],
            &["metadata", "name"],
            &["metadata", "namespace"],
            &["metadata", "resourceVersion"],
            &["metadata", "selfLink"],
            &["metadata", "uid"],
        ])
    });
    &FIELDS
}

/// Returns the time of a write as `managedFields` holds it, in whole seconds. Scaling leaves no time.
pub(super) fn write_time(target: &Target<'_>, now: Timestamp) -> Option<String> {
    (target.subresource != "scale").then(|| now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::apply::tests::{configmap_schema, deployment_schema};
    use super::super::target::Origin;
    use super::*;

    fn target<'a>(schema: &'a crate::registry::Schema, kind: &'a str) -> Target<'a> {
        Target {
            schema,
            api_version: "v1",
            kind,
            origin: Origin::BuiltIn,
            status_subresource: kind == "Deployment",
            subresource: "",
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    #[test]
    fn a_creator_owns_what_it_set_but_not_the_structs_around_it() {
        let schema = deployment_schema();
        let mut object = json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x", "labels": {"a": "b"}},
            "spec": {
                "replicas": 2, "selector": {"matchLabels": {"a": "b"}},
                "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%"}},
                "template": {
                    "metadata": {"labels": {"a": "b"}},
                    "spec": {"containers": [{"name": "c", "image": "i", "resources": {}}]},
                },
            },
            "status": {"replicas": 3},
        });
        let write =
            Update { old: None, manager: "creator", target: target(&schema, "Deployment"), now: at(0) };
        update(&mut object, &write);
        assert_eq!(
            object["metadata"]["managedFields"],
            json!([{
                "manager": "creator", "operation": "Update", "apiVersion": "v1", "time": "2023-11-14T22:13:20Z",
                "fieldsType": "FieldsV1",
                "fieldsV1": {
                    "f:metadata": {"f:labels": {".": {}, "f:a": {}}},
                    "f:spec": {
                        "f:replicas": {}, "f:selector": {},
                        "f:strategy": {"f:rollingUpdate": {".": {}, "f:maxSurge": {}}, "f:type": {}},
                        "f:template": {
                            "f:metadata": {"f:labels": {".": {}, "f:a": {}}},
                            "f:spec": {"f:containers": {
                                "k:{\"name\":\"c\"}": {".": {}, "f:image": {}, "f:name": {}, "f:resources": {}},
                            }},
                        },
                    },
                },
            }])
        );
    }

    #[test]
    fn an_updater_takes_the_fields_it_changed_from_their_owners() {
        let schema = configmap_schema();
        let mut old = json!({"metadata": {"name": "x"}, "data": {"a": "1", "b": "2"}});
        update(
            &mut old,
            &Update { old: None, manager: "one", target: target(&schema, "ConfigMap"), now: at(0) },
        );
        let mut new = old.clone();
        new["data"] = json!({"a": "9", "c": "3"});
        update(
            &mut new,
            &Update { old: Some(&old), manager: "two", target: target(&schema, "ConfigMap"), now: at(1) },
        );
        let owned: Vec<_> =
            new["metadata"]["managedFields"].as_array().unwrap().iter().map(|e| &e["fieldsV1"]).collect();
        assert_eq!(owned, [&json!({"f:data": {}}), &json!({"f:data": {"f:a": {}, "f:c": {}}})]);
    }

    #[test]
    fn resets_on_request_and_then_leaves_the_object_without_owners() {
        let schema = configmap_schema();
        let mut old = json!({"metadata": {"name": "x"}, "data": {"a": "1"}});
        update(
            &mut old,
            &Update { old: None, manager: "one", target: target(&schema, "ConfigMap"), now: at(0) },
        );
        for reset in [json!([]), json!([{}])] {
            let mut new = old.clone();
            new["metadata"]["managedFields"] = reset;
            new["data"]["a"] = json!("2");
            update(
                &mut new,
                &Update { old: Some(&old), manager: "two", target: target(&schema, "ConfigMap"), now: at(1) },
            );
            assert_eq!(new["metadata"].get("managedFields"), None);
        }
    }

    #[test]
    fn takes_the_managers_name_from_the_user_agent() {
        assert_eq!(manager_name(Some("me"), "x/1"), "me");
        assert_eq!(manager_name(None, "my-tool/2.0 (linux) extra"), "my-tool");
        assert_eq!(manager_name(Some(""), &format!("{}/1", "x".repeat(200))).len(), 128);
    }
}
