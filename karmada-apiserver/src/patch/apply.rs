//! Server-side apply: an object says what its manager wants, and the server keeps track of who wants what.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::compare::Comparison;
use super::field_path::print_path;
use super::field_set::FieldSet;
use super::managed_fields::{Operation, Update, after_update, metadata_of_the_server, write_time};
use super::managers::{Entry, Identity, Managers};
use super::merge_typed::merge;
use super::remove::remove;
use super::reset::reset_fields;
use super::target::Target;
use super::typed::Type;
use super::validate::misfit;
use super::zero::with_struct_members;

/// The manager whose applies take over what client-side applies have set.
const KUBECTL: &str = "kubectl";
/// Owner of what an object held before the first apply to it.
const BEFORE_FIRST_APPLY: &str = "before-first-apply";
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// Bytes all annotations of an object may have; a longer last-applied configuration is left empty.
const MAX_ANNOTATION_BYTES: usize = 256 << 10;

/// Who applies, and how.
#[derive(Clone, Copy, Debug)]
pub struct ApplyOptions<'a> {
    pub manager: &'a str,
    pub force: Force,
    pub now: Timestamp,
}

/// What to do about fields that others own with another value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Force {
    /// Refuse.
    No,
    /// Take them.
    Yes,
}

/// A field that another manager owns with another value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The other manager in the words of the message, for example `"kubectl" using v1`.
    pub manager: String,
    /// The field, for example `.spec.replicas`.
    pub field: String,
}

/// Why a configuration cannot be applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// The request makes no sense: 400.
    #[error("{0}")]
    BadRequest(String),
    /// The configuration does not fit the schema: 500 without a reason.
    #[error("failed to create typed patch object ({name}; {kind}): {text}")]
    Misfit { name: String, kind: String, text: String },
    /// Others own fields with other values: 409 with a cause `FieldManagerConflict` for each.
    #[error("{}", conflict_message(.0))]
    Conflicts(Vec<Conflict>),
}

fn conflict_message(conflicts: &[Conflict]) -> String {
    if let [conflict] = conflicts {
        return format!(
            "Apply failed with 1 conflict: conflict with {}: {}",
            conflict.manager, conflict.field
        );
    }
    let mut by_manager: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for conflict in conflicts {
        by_manager.entry(&conflict.manager).or_default().push(&conflict.field);
    }
    let lines = by_manager.into_iter().flat_map(|(manager, fields)| {
        let fields = fields.into_iter().map(|field| format!("- {field}"));
        std::iter::once(format!("conflicts with {manager}:")).chain(fields)
    });
    let lines: Vec<String> = lines.collect();
    format!("Apply failed with {} conflicts: {}", conflicts.len(), lines.join("\n"))
}

/// Returns the object that results when `applied` is applied to `live` (or creates the object when there is none).
///
/// The result has the new `managedFields`. It equals `live` when nothing changes, so that there is nothing to write.
///
/// # Errors
///
/// See [`ApplyError`].
pub fn apply(
    live: Option<&Value>,
    applied: &Value,
    options: &ApplyOptions<'_>,
    target: &Target<'_>,
) -> Result<Value, ApplyError> {
    check_request(applied, target)?;
    let empty = Value::Object(Map::new());
    let managers = live.and_then(Managers::of).unwrap_or_default();
    let managers = match live {
        Some(live) if managers.entries.is_empty() => {
            let first = Update { old: None, manager: BEFORE_FIRST_APPLY, target: *target, now: options.now };
            after_update(&first, live, managers)
        }
        _ => managers,
    };
    let change = Change { live: live.unwrap_or(&empty), applied, options, target };
    let mut outcome = match change.merge(managers.clone(), options.force) {
        Err(found) if options.manager == KUBECTL => {
            let allowed = change.unchanged_since_client_side_apply();
            let left: Vec<Found> = found.into_iter().filter(|found| !allowed.contains(&found.path)).collect();
            if left.is_empty() { change.merge(managers, Force::Yes) } else { Err(left) }
        }
        outcome => outcome,
    }
    .map_err(|found| ApplyError::Conflicts(found.into_iter().map(|found| found.conflict).collect()))?;
    if options.manager == KUBECTL {
        sync_last_applied(change.live, applied, &mut outcome);
    }
    Ok(outcome)
}

fn check_request(applied: &Value, target: &Target<'_>) -> Result<(), ApplyError> {
    let text = |name: &str| applied[name].as_str().unwrap_or_default();
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    // The core group has an empty name.
    let slash = if api_version.contains('/') { "" } else { "/" };
    let full_kind = format!("{slash}{api_version}, Kind={kind}");
    if api_version != target.api_version || kind != target.kind {
        return Err(ApplyError::BadRequest(format!("invalid object type: {full_kind}")));
    }
    if applied["metadata"].get("managedFields").is_some_and(|fields| !fields.is_null()) {
        return Err(ApplyError::BadRequest("metadata.managedFields must be nil".to_owned()));
    }
    let root = Type::root(target.schema, target.origin);
    if let Some(text) = misfit(root, applied) {
        let metadata = |name: &str| applied["metadata"][name].as_str().unwrap_or_default();
        let name = format!("{}/{}", metadata("namespace"), metadata("name"));
        return Err(ApplyError::Misfit { name, kind: full_kind, text });
    }
    Ok(())
}

struct Change<'a> {
    live: &'a Value,
    applied: &'a Value,
    options: &'a ApplyOptions<'a>,
    target: &'a Target<'a>,
}

/// A conflict with the path it is about.
struct Found {
    path: Vec<super::field_path::PathElement>,
    conflict: Conflict,
}

impl Change<'_> {
    fn root(&self) -> Type<'_> {
        Type::root(self.target.schema, self.target.origin)
    }

    fn merge(&self, mut managers: Managers, force: Force) -> Result<Value, Vec<Found>> {
        let root = self.root();
        let reset = reset_fields(self.target);
        let identity = Identity {
            manager: self.options.manager.to_owned(),
            operation: Operation::Apply,
            api_version: self.target.api_version.to_owned(),
            subresource: self.target.subresource.to_owned(),
        };
        let key = identity.key();
        let last = managers.entries.get(&key).map(|entry| entry.fields.clone()).unwrap_or_default();
        let time = managers.entries.get(&key).and_then(|entry| entry.time.clone());
        let mut fields = root.field_set(self.applied);
        fields.remove_branches(&reset);
        managers.entries.insert(key.clone(), Entry { identity, time, fields });

        let live = without_managed_fields(self.live);
        let merged = merge(root, &live, self.applied);
        // What is applied again stays: mostly that is all.
        let again = managers.entries.get(&key).is_some_and(|entry| last.is_within(&entry.fields));
        let mut merged = if again { merged } else { prune(root, &merged, &managers, &last) };
        let complete_live = with_struct_members(&live, self.target);
        let whole = Comparison::of(root, &complete_live, &with_struct_members(&merged, self.target));
        let touched = !whole.is_same();
        let comparison = whole.without(&reset);
        let found = take_from_others(&mut managers, &key, &comparison);
        if force == Force::No && !found.is_empty() {
            return Err(found);
        }
        managers.disown(&key, metadata_of_the_server());
        if let Some(entry) = managers.entries.get_mut(&key).filter(|_| touched) {
            entry.time = write_time(self.target, self.options.now);
        }
        if comparison.is_same() {
            let mut same = live;
            managers.write_to(&mut same);
            return Ok(same);
        }
        managers.write_to(&mut merged);
        Ok(merged)
    }

    /// Returns the fields that still have the value of the last client-side apply.
    fn unchanged_since_client_side_apply(&self) -> FieldSet {
        let Some(last_applied) = last_applied(self.live) else { return FieldSet::default() };
        let Ok(last_applied) = serde_json::from_str::<Value>(last_applied) else {
            return FieldSet::default();
        };
        let root = self.root();
        if misfit(root, &last_applied).is_some() {
            return FieldSet::default();
        }
        let comparison = Comparison::of(root, self.live, &last_applied);
        let changed = comparison.set_fields().union(&comparison.removed);
        root.field_set(&last_applied).difference(&changed)
    }
}

/// Takes changed and removed fields from their owners and returns whom that takes something it set otherwise.
fn take_from_others(managers: &mut Managers, key: &str, comparison: &Comparison) -> Vec<Found> {
    let set = comparison.set_fields();
    let mut others: Vec<Entry> =
        managers.entries.iter().filter(|(other, _)| *other != key).map(|(_, entry)| entry.clone()).collect();
    // In the order of managedFields.
    others.sort_by(Entry::order);
    let mut found = Vec::new();
    for other in others {
        let taken = other.fields.intersection(&set);
        found.extend(taken.paths().into_iter().map(|path| Found {
            conflict: Conflict { manager: other.identity.describe(), field: print_path(&path) },
            path,
        }));
        managers.disown(&other.identity.key(), &taken.union(&comparison.removed));
    }
    found
}

/// Removes what the manager applied the last time and does not apply any more, unless somebody else owns it.
fn prune(root: Type<'_>, merged: &Value, managers: &Managers, last: &FieldSet) -> Value {
    if last.is_empty() {
        return merged.clone();
    }
    let last = root.with_named_fields(last);
    let fields_of = |value: &Value| root.with_named_fields(&root.field_set(value));
    let all = fields_of(merged);
    let pruned = remove(root, merged, &last);
    // What others, or this configuration, own comes back.
    let owned = root.with_named_fields(&managers.all_fields());
    let pruned = remove(root, merged, &all.difference(&fields_of(&pruned).union(&owned)));
    // So does what nobody owned: only what this manager owned goes.
    remove(root, merged, &all.difference(&fields_of(&pruned)).intersection(&last))
}

fn without_managed_fields(object: &Value) -> Value {
    let Value::Object(map) = object else { return object.clone() };
    let members = map.iter().map(|(name, value)| {
        let value = match value {
            Value::Object(metadata) if name == "metadata" => {
                let kept = metadata.iter().filter(|(name, _)| *name != "managedFields");
                Value::Object(kept.map(|(name, value)| (name.clone(), value.clone())).collect())
            }
            value => value.clone(),
        };
        (name.clone(), value)
    });
    Value::Object(members.collect())
}

fn last_applied(object: &Value) -> Option<&str> {
    object["metadata"]["annotations"].get(LAST_APPLIED)?.as_str()
}

/// Keeps the annotation of client-side apply up to date where there is one.
fn sync_last_applied(live: &Value, applied: &Value, outcome: &mut Value) {
    if last_applied(live).is_none() {
        return;
    }
    let mut configuration = applied.clone();
    if let Some(annotations) =
        configuration.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut)
    {
        annotations.remove(LAST_APPLIED);
    }
    let mut text = format!("{configuration}\n");
    if let Some(annotations) = outcome.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        let others: usize = annotations
            .iter()
            .filter(|(name, _)| *name != LAST_APPLIED)
            .map(|(name, value)| name.len() + value.as_str().map_or(0, str::len))
            .sum();
        if others + LAST_APPLIED.len() + text.len() > MAX_ANNOTATION_BYTES {
            text = String::new();
        }
        annotations.insert(LAST_APPLIED.to_owned(), Value::from(text));
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use proptest::prelude::*;
    use serde_json::json;

    use crate::registry::schema::{ListType, Schema, SchemaType};

    use super::super::target::Origin;
    use super::*;

    fn scalar(schema_type: SchemaType) -> Schema {
        Schema { schema_type, ..Schema::default() }
    }

    fn object(properties: Vec<(&str, Schema)>) -> Schema {
        let properties: BTreeMap<_, _> =
            properties.into_iter().map(|(name, schema)| (name.to_owned(), Arc::new(schema))).collect();
        Schema { properties, ..scalar(SchemaType::Object) }
    }

    fn map_of(values: Schema) -> Schema {
        Schema { additional: Some(Arc::new(values)), ..scalar(SchemaType::Object) }
    }

    fn list(list_type: ListType, items: Schema) -> Schema {
        Schema { list_type, items: Some(Arc::new(items)), ..scalar(SchemaType::Array) }
    }

    pub(in super::super) fn configmap_schema() -> Schema {
        object(vec![("data", map_of(scalar(SchemaType::String)))])
    }

    pub(in super::super) fn deployment_schema() -> Schema {
        let text = || scalar(SchemaType::String);
        let port = object(vec![("containerPort", scalar(SchemaType::Integer)), ("protocol", text())]);
        let port_keys = ListType::Map(vec!["containerPort".into(), "protocol".into()]);
        let container = object(vec![
            ("name", text()),
            ("image", text()),
            ("args", list(ListType::Atomic, text())),
            ("ports", list(port_keys, port)),
            ("resources", object(vec![("limits", map_of(text()))])),
        ]);
        let pod = object(vec![("containers", list(ListType::Map(vec!["name".into()]), container))]);
        let selector = Schema { atomic_map: true, ..object(vec![("matchLabels", map_of(text()))]) };
        let rolling = object(vec![("maxSurge", scalar(SchemaType::IntOrString))]);
        let spec = object(vec![
            ("replicas", scalar(SchemaType::Integer)),
            ("selector", selector),
            ("strategy", object(vec![("type", text()), ("rollingUpdate", rolling)])),
            ("template", object(vec![("metadata", object(vec![("labels", map_of(text()))])), ("spec", pod)])),
        ]);
        object(vec![("spec", spec), ("status", object(vec![("replicas", scalar(SchemaType::Integer))]))])
    }

    struct Server {
        schema: Schema,
        kind: &'static str,
        live: Option<Value>,
        clock: i64,
    }

    impl Server {
        fn new(schema: Schema, kind: &'static str) -> Self {
            Self { schema, kind, live: None, clock: 1_700_000_000 }
        }

        fn target(&self) -> Target<'_> {
            Target {
                schema: &self.schema,
                api_version: "v1",
                kind: self.kind,
                origin: Origin::BuiltIn,
                status_subresource: true,
                subresource: "",
            }
        }

        fn apply(&mut self, manager: &str, force: Force, mut applied: Value) -> Result<(), String> {
            applied["apiVersion"] = json!("v1");
            applied["kind"] = json!(self.kind);
            self.clock += 1;
            let now = Timestamp::from_second(self.clock).unwrap();
            let options = ApplyOptions { manager, force, now };
            let result = apply(self.live.as_ref(), &applied, &options, &self.target());
            self.live = Some(result.map_err(|error| error.to_string())?);
            Ok(())
        }

        fn owners(&self) -> Value {
            let live = self.live.as_ref().unwrap();
            let entries = live["metadata"]["managedFields"].as_array().into_iter().flatten();
            let owned = entries.map(|entry| {
                let manager = format!(
                    "{}{}",
                    entry["manager"].as_str().unwrap(),
                    if entry["time"].is_null() { "?" } else { "" }
                );
                (manager, entry["fieldsV1"].clone())
            });
            Value::Object(owned.collect())
        }
    }

    #[test]
    fn removes_what_is_no_longer_applied_unless_another_manager_owns_it() {
        let mut server = Server::new(configmap_schema(), "ConfigMap");
        server
            .apply("a", Force::No, json!({"metadata": {"name": "x"}, "data": {"k": "1", "l": "2"}}))
            .unwrap();
        server.apply("b", Force::No, json!({"metadata": {"name": "x"}, "data": {"k": "1"}})).unwrap();
        assert_eq!(
            server.owners(),
            json!({"a": {"f:data": {"f:k": {}, "f:l": {}}}, "b?": {"f:data": {"f:k": {}}}})
        );
        server.apply("a", Force::No, json!({"metadata": {"name": "x"}})).unwrap();
        assert_eq!(server.live.as_ref().unwrap()["data"], json!({"k": "1"}));
        server.apply("b", Force::No, json!({"metadata": {"name": "x"}})).unwrap();
        assert_eq!(server.live.as_ref().unwrap().get("data"), None);
        assert_eq!(server.live.as_ref().unwrap()["metadata"], json!({"name": "x"}));
    }

    #[test]
    fn names_every_conflict_and_force_takes_the_fields() {
        let mut server = Server::new(deployment_schema(), "Deployment");
        let config = |replicas: i64, image: &str| {
            let container = json!({"name": "c", "image": image, "ports": [{"containerPort": 80}]});
            json!({"metadata": {"name": "x"}, "spec": {"replicas": replicas, "template": {"spec": {"containers": [container]}}}})
        };
        server.apply("a", Force::No, config(1, "i:1")).unwrap();
        assert_eq!(
            server.apply("b", Force::No, config(2, "i:2")).unwrap_err(),
            "Apply failed with 2 conflicts: conflicts with \"a\":\n- .spec.replicas\n\
             - .spec.template.spec.containers[name=\"c\"].image"
        );
        server.apply("b", Force::Yes, config(2, "i:2")).unwrap();
        let rest = json!({
            ".": {}, "f:name": {},
            "f:ports": {"k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {".": {}, "f:containerPort": {}}},
        });
        assert_eq!(
            server.owners()["a"],
            json!({"f:spec": {"f:template": {"f:spec": {"f:containers": {"k:{\"name\":\"c\"}": rest}}}}})
        );
    }

    #[test]
    fn refuses_what_does_not_fit_the_schema() {
        let check = |applied: Value, expected: &str| {
            let mut server = Server::new(deployment_schema(), "Deployment");
            assert_eq!(
                server.apply("a", Force::No, applied).unwrap_err(),
                format!("failed to create typed patch object (/x; /v1, Kind=Deployment): {expected}")
            );
        };
        let named = |spec: Value| json!({"metadata": {"name": "x"}, "spec": spec});
        check(
            json!({"metadata": {"name": "x", "bogus": 1}}),
            ".metadata.bogus: field not declared in schema",
        );
        check(named(json!({"replicas": "x"})), ".spec.replicas: expected numeric (int or float), got string");
        check(named(json!([])), ".spec: expected map, got &{[]}");
        check(
            named(json!({"template": {"spec": {"containers": [{"name": "c"}, {"name": "c"}]}}})),
            ".spec.template.spec.containers: duplicate entries for key [name=\"c\"]",
        );
    }

    #[test]
    fn takes_over_from_client_side_apply() {
        let mut server = Server::new(configmap_schema(), "ConfigMap");
        let last = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"labels":{"a":"1"},"name":"x"}}"#;
        let mut live = json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "x", "labels": {"a": "1"}, "annotations": {LAST_APPLIED: last}},
        });
        let write = Update {
            old: None,
            manager: "kubectl-client-side-apply",
            target: server.target(),
            now: Timestamp::from_second(1_700_000_000).unwrap(),
        };
        super::super::managed_fields::update(&mut live, &write);
        server.live = Some(live);
        server.apply("kubectl", Force::No, json!({"metadata": {"name": "x", "labels": {"a": "2"}}})).unwrap();
        let live = server.live.as_ref().unwrap();
        assert_eq!(live["metadata"]["labels"]["a"], "2");
        assert_eq!(live["metadata"]["annotations"][LAST_APPLIED], last.replace("\"1\"", "\"2\"") + "\n");
        assert!(
            server
                .apply("other", Force::No, json!({"metadata": {"name": "x", "labels": {"a": "3"}}}))
                .is_err()
        );
    }

    fn any_configmap() -> impl Strategy<Value = Value> {
        let texts = || prop::collection::btree_map("[a-c]", "[12]", 0..3);
        (texts(), texts(), prop::collection::btree_set("[a-c]", 0..3)).prop_map(
            |(labels, data, finalizers)| {
                let mut configmap = json!({"metadata": {"name": "x", "labels": labels}, "data": data});
                // Nobody owns an empty list, and objects are stored without it.
                if !finalizers.is_empty() {
                    configmap["metadata"]["finalizers"] = json!(finalizers);
                }
                configmap
            },
        )
    }

    proptest! {
        #[test]
        fn applying_again_changes_nothing(
            steps in prop::collection::vec((0usize..3, any_configmap()), 1..6)
        ) {
            let mut server = Server::new(configmap_schema(), "ConfigMap");
            for (manager, applied) in steps {
                let manager = ["a", "b", "c"][manager];
                server.apply(manager, Force::Yes, applied.clone()).unwrap();
                let before = server.live.clone();
                server.apply(manager, Force::No, applied).unwrap();
                prop_assert_eq!(&server.live, &before);
            }
        }

        #[test]
        fn the_object_is_what_its_appliers_want(
            steps in prop::collection::vec((0usize..3, any_configmap()), 1..6)
        ) {
            let mut server = Server::new(configmap_schema(), "ConfigMap");
            // Independent model: per data key the last forced value and its claimants.
            let mut model: BTreeMap<String, (String, std::collections::BTreeSet<usize>)> = BTreeMap::new();
            for (manager, applied) in steps {
                server.apply(["a", "b", "c"][manager], Force::Yes, applied.clone()).unwrap();
                let wanted = applied["data"].as_object().unwrap();
                model.retain(|key, (_, owners)| {
                    if !wanted.contains_key(key) {
                        owners.remove(&manager);
                    }
                    !owners.is_empty()
                });
                for (key, value) in wanted {
                    let value = value.as_str().unwrap().to_owned();
                    let entry = model.entry(key.clone()).or_insert_with(|| (value.clone(), [].into()));
                    if entry.0 != value {
                        *entry = (value, [].into());
                    }
                    entry.1.insert(manager);
                }
                let data: BTreeMap<String, String> =
                    serde_json::from_value(server.live.as_ref().unwrap().get("data").cloned().unwrap_or_else(|| json!({}))).unwrap();
                let expected: BTreeMap<String, String> =
                    model.iter().map(|(key, (value, _))| (key.clone(), value.clone())).collect();
                prop_assert_eq!(data, expected);
                for (index, name) in ["a", "b", "c"].iter().enumerate() {
                    let owners = server.owners();
                    let entry = [name.to_string(), format!("{name}?")].iter().find_map(|name| owners.get(name).cloned());
                    let owned = entry.map(|entry| entry["f:data"].clone()).unwrap_or_default();
                    let owned: Vec<String> = owned.as_object().into_iter().flatten()
                        .filter_map(|(key, _)| key.strip_prefix("f:").map(str::to_owned)).collect();
                    let expected: Vec<String> =
                        model.iter().filter(|(_, (_, owners))| owners.contains(&index)).map(|(key, _)| key.clone()).collect();
                    prop_assert_eq!(owned, expected);
                }
            }
        }
    }
}
