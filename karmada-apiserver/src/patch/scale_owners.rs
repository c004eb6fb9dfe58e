//! Who owns the number of replicas after it was written through the scale of an object.

use serde_json::Value;

use super::field_path::PathElement;
use super::field_set::FieldSet;
use super::managed_fields::{Operation, Update};
use super::managers::{Entry, Identity, Managers};

/// The version in which scales are written.
const SCALE_VERSION: &str = "autoscaling/v1";

/// Sets `metadata.managedFields` of `new`, whose replicas, at a dotted path, came through its scale.
///
/// A scale has the owners that the replicas have in the object, in another version; what they own there is written
/// back as theirs, without a time. Replicas that nobody owns stay so, for an object without owners is not tracked.
pub fn update_scale(new: &mut Value, update: &Update<'_>, replicas: &str) {
    let mut managers = update.old.and_then(Managers::of).unwrap_or_default();
    let path: Vec<PathElement> = replicas
        .split('.')
        .filter(|part| !part.is_empty())
        .map(|part| PathElement::Field(part.into()))
        .collect();
    let mut field = FieldSet::default();
    field.insert(&path);
    let owners: Vec<Identity> = managers
        .entries
        .values()
        .filter(|entry| entry.fields.contains(&path))
        .map(|entry| entry.identity.clone())
        .collect();
    if owners.is_empty() {
        managers.write_to(new);
        return;
    }
    let in_scale = scale_owners(new, update, replicas, &owners);
    for owner in &owners {
        // An applier is the same in both versions.
        let stays = owner.operation == Operation::Apply && in_scale.contains(owner);
        if !stays {
            managers.disown(&owner.key(), &field);
        }
    }
    for identity in in_scale {
        if identity.operation == Operation::Apply && owners.contains(&identity) {
            continue;
        }
        let key = Identity { api_version: SCALE_VERSION.to_owned(), ..identity.clone() }.key();
        managers.entries.insert(key, Entry { identity, time: None, fields: field.clone() });
    }
    managers.write_to(new);
}

/// Returns who owns the replicas in the scale, in the version of the object.
fn scale_owners(new: &Value, update: &Update<'_>, replicas: &str, owners: &[Identity]) -> Vec<Identity> {
    let before = update.old.and_then(|old| replicas_of(old, replicas));
    let after = replicas_of(new, replicas);
    match after {
        after if after == before => owners.to_vec(),
        // A scale does not print zero.
        None => Vec::new(),
        Some(_) => vec![Identity {
            manager: if update.manager.is_empty() { "unknown" } else { update.manager }.to_owned(),
            operation: Operation::Update,
            api_version: update.target.api_version.to_owned(),
            subresource: update.target.subresource.to_owned(),
        }],
    }
}

fn replicas_of(object: &Value, path: &str) -> Option<i64> {
    let value = path.split('.').filter(|part| !part.is_empty()).try_fold(object, |value, key| value.get(key));
    value.and_then(Value::as_i64).filter(|replicas| *replicas != 0)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use super::super::apply::tests::deployment_schema;
    use super::super::target::{Origin, Target};
    use super::*;

    /// Scales an object that one manager created; returns who owns the replicas after each step.
    fn owners_after(steps: &[i64]) -> Vec<Value> {
        let schema = deployment_schema();
        let target = |subresource| Target {
            schema: &schema,
            api_version: "apps/v1",
            kind: "Deployment",
            origin: Origin::BuiltIn,
            status_subresource: true,
            subresource,
        };
        let now = Timestamp::UNIX_EPOCH;
        let mut object = json!({"metadata": {"name": "x"}, "spec": {"replicas": 1, "paused": true}});
        let created = Update { old: None, manager: "creator", target: target(""), now };
        super::super::managed_fields::update(&mut object, &created);
        let scaled = steps.iter().map(|replicas| {
            let old = object.clone();
            object["spec"]["replicas"] = json!(replicas);
            let update = Update { old: Some(&old), manager: "scaler", target: target("scale"), now };
            update_scale(&mut object, &update, ".spec.replicas");
            let entries = object["metadata"]["managedFields"].as_array().unwrap();
            let owner = entries.iter().find(|entry| entry["fieldsV1"]["f:spec"].get("f:replicas").is_some());
            owner.map_or(Value::Null, |owner| json!([owner["manager"], owner["subresource"], owner["time"]]))
        });
        scaled.collect()
    }

    #[test]
    fn whoever_scales_owns_the_replicas_without_a_time() {
        assert_eq!(
            owners_after(&[2, 3]),
            [json!(["scaler", "scale", null]), json!(["scaler", "scale", null])]
        );
    }

    #[test]
    fn a_scale_that_changes_nothing_leaves_the_owner_without_a_time() {
        assert_eq!(owners_after(&[1]), [json!(["creator", null, null])]);
    }

    #[test]
    fn nobody_owns_replicas_after_a_scale_to_zero() {
        assert_eq!(owners_after(&[0, 3]), [Value::Null, Value::Null]);
    }
}
