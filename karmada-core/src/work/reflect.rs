//! What a member's object tells its Work.

use serde_json::Value;

use super::{About, Event};
use crate::api::work::constants::{INTERPRET_HEALTH_FAILED, REFLECT_STATUS_FAILED, REFLECT_STATUS_SUCCEED};
use crate::api::work::{ManifestStatus, ResourceHealth, ResourceIdentifier, Work};
use crate::causes::text_with_causes;
use crate::interpreter::{InterpretError, ObjectKind, Operation, ResourceInterpreter};
use crate::object::{self, GroupVersionKind};

/// What a member's object tells its Work.
#[derive(Debug, Default)]
pub struct Reflection {
    /// The new `status.manifestStatuses`, `None` when it is so already.
    pub manifest_statuses: Option<Vec<ManifestStatus>>,
    /// Events about the Work.
    pub events: Vec<Event>,
    /// Why the status could not be read: try again.
    pub error: Option<InterpretError>,
}

/// Reads status and health of a member's object for its Work.
///
/// The Work has one status, that of the object that was last looked at. An object that none of the manifests
/// describes tells nothing.
pub fn reflect_status(work: &Work, observed: &Value, interpreter: &dyn ResourceInterpreter) -> Reflection {
    let mut reflection = Reflection::default();
    let Some(ordinal) = manifest_index(&work.spec.workload.manifests, observed) else { return reflection };
    let title = format!(
        "object({}/{}/{})",
        object::kind(observed),
        object::namespace(observed),
        object::name(observed)
    );
    let status = match interpreter.reflect_status(observed) {
        Ok(status) => status,
        Err(error) => {
            let message = format!("Reflect status for {title} failed, err: {}.", text_with_causes(&error));
            reflection.events.push(Event::warning(About::Work, REFLECT_STATUS_FAILED, message));
            reflection.error = Some(error);
            return reflection;
        }
    };
    let message = format!("Reflect status for {title} succeed.");
    reflection.events.push(Event::normal(About::Work, REFLECT_STATUS_SUCCEED, message));
    let health = health(observed, &title, interpreter, &mut reflection.events);
    let entry = ManifestStatus { identifier: identifier(ordinal, observed), status, health };
    let current = work.status.as_ref().map(|status| status.manifest_statuses.as_slice()).unwrap_or_default();
    if !matches!(current, [known] if is_same(known, &entry)) {
        reflection.manifest_statuses = Some(vec![entry]);
    }
    reflection
}

/// Whether two entries say the same: API servers drop nulls from what is patched into a Work.
fn is_same(known: &ManifestStatus, entry: &ManifestStatus) -> bool {
    let significant = |entry: &ManifestStatus| entry.status.as_ref().map(object::without_nulls);
    known == entry
        || (known.identifier == entry.identifier
            && known.health == entry.health
            && significant(known) == significant(entry))
}

fn health(
    observed: &Value,
    title: &str,
    interpreter: &dyn ResourceInterpreter,
    events: &mut Vec<Event>,
) -> ResourceHealth {
    if !interpreter.hook_enabled(ObjectKind::of(observed), Operation::InterpretHealth) {
        return ResourceHealth::Healthy;
    }
    interpreter.health(observed).unwrap_or_else(|error| {
        let message = format!("Interpret health of {title} failed, err: {}.", text_with_causes(&error));
        events.push(Event::warning(About::Work, INTERPRET_HEALTH_FAILED, message));
        ResourceHealth::Unknown
    })
}

/// Returns the place of the manifest that describes an object.
fn manifest_index(manifests: &[Value], observed: &Value) -> Option<usize> {
    manifests.iter().position(|manifest| {
        ObjectKind::of(manifest) == ObjectKind::of(observed)
            && object::namespace(manifest) == object::namespace(observed)
            && object::name(manifest) == object::name(observed)
    })
}

fn identifier(ordinal: usize, observed: &Value) -> ResourceIdentifier {
    let GroupVersionKind { group, version, kind } = GroupVersionKind::of(observed);
    ResourceIdentifier {
        ordinal: ordinal as i64,
        group,
        version,
        kind,
        // It has always been left empty.
        resource: String::new(),
        namespace: object::namespace(observed).to_owned(),
        name: object::name(observed).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interpreter::Interpreter;
    use serde_json::json;

    fn claim(phase: &str) -> Value {
        json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": {"namespace": "n", "name": "data"}, "status": {"phase": phase},
        })
    }

    #[test]
    fn a_null_that_the_api_server_dropped_is_no_news() {
        let observed = json!({
            "apiVersion": "example.io/v1", "kind": "Foo", "metadata": {"namespace": "n", "name": "a"},
            "status": {"currentMetrics": null, "desiredReplicas": 0},
        });
        let mut work = Work::default();
        work.spec.workload.manifests = vec![observed.clone()];
        let interpreter = Interpreter::default();
        let mut statuses = reflect_status(&work, &observed, &interpreter).manifest_statuses.unwrap();
        statuses[0].status = Some(json!({"desiredReplicas": 0}));
        work.status.get_or_insert_default().manifest_statuses = statuses;
        assert_eq!(reflect_status(&work, &observed, &interpreter).manifest_statuses, None);
    }

    #[test]
    fn tells_status_and_health_once() {
        let mut work = Work::default();
        work.spec.workload.manifests = vec![claim("")];
        let interpreter = Interpreter::default();
        let reflection = reflect_status(&work, &claim("Pending"), &interpreter);
        let statuses = reflection.manifest_statuses.unwrap();
        assert_eq!(statuses[0].health, ResourceHealth::Unhealthy);
        assert_eq!(statuses[0].status, Some(json!({"phase": "Pending"})));
        assert_eq!(
            reflection.events[0].message,
            "Reflect status for object(PersistentVolumeClaim/n/data) succeed."
        );
        work.status.get_or_insert_default().manifest_statuses = statuses;
        assert_eq!(reflect_status(&work, &claim("Pending"), &interpreter).manifest_statuses, None);
    }
}
