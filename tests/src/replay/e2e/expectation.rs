//! Comparison of the objects of a fleet with a recorded expectation.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::diff::diff;
use super::fleet::CONTROL_PLANE;
use super::normalise::{Identifiers, normalise_recorded};
use super::state::{Event, Objects};

/// Messages of races between upstream's components: not to be expected of others.
const RACES: [&str; 3] = ["already exists", "the object has been modified", "StorageError"];

/// Returns how the objects differ from an expectation step.
pub fn object_differences(step: &Value, objects: &Objects, identifiers: &Identifiers) -> Vec<String> {
    let unstable: Vec<&str> =
        step["unstable"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let mut lines = Vec::new();
    for (server, expected) in step["expect"].as_object().into_iter().flatten() {
        let got = objects.get(server);
        for (reference, object) in expected.as_object().into_iter().flatten() {
            let place = format!("{server} {reference}");
            let Some(found) = got.and_then(|got| got.get(reference)) else {
                if !is_unstable(&unstable, server, reference) {
                    lines.push(format!("{place}: missing"));
                }
                continue;
            };
            let mut found = identifiers.normalise(found);
            let mut object = normalise_recorded(object);
            if server != CONTROL_PLANE {
                // Older Kubernetes has one in every template of pods.
                karmada_core::object::remove_unset_times(&mut found);
                karmada_core::object::remove_unset_times(&mut object);
            }
            for path in unstable_paths(&unstable, server, reference) {
                remove(&mut found, &path);
                remove(&mut object, &path);
            }
            lines.extend(compare(&place, &object, &found));
        }
        let extra =
            got.into_iter().flatten().filter(|(reference, _)| expected.get(reference.as_str()).is_none());
        for (reference, _) in extra.filter(|(reference, _)| !is_unstable(&unstable, server, reference)) {
            lines.push(format!("{server} {reference}: unexpected"));
        }
    }
    lines
}

/// Returns how the answer to a request differs from the recorded one.
pub fn answer_differences(place: &str, step: &Value, answer: &str, identifiers: &Identifiers) -> Vec<String> {
    let recorded = &step["response"];
    if let Some(raw) = recorded["raw"].as_str() {
        let same = raw.trim_end() == identifiers.normalise_text(answer.trim_end());
        return if same { Vec::new() } else { vec![format!("{place}: expected {raw:?}, got {answer:?}")] };
    }
    match serde_json::from_str(answer) {
        Ok(found) => compare(place, &normalise_recorded(recorded), &identifiers.normalise(&found)),
        Err(error) => vec![format!("{place}: the answer is no JSON ({error}): {answer}")],
    }
}

/// Returns the recorded events that are missing. Further events are not compared: their wording is upstream's matter.
pub fn missing_events(step: &Value, events: &BTreeSet<Event>) -> Vec<String> {
    let recorded = step["events"].as_array().into_iter().flatten();
    let wanted = recorded.filter(|event| {
        let message = event["message"].as_str().unwrap_or_default();
        !RACES.iter().any(|race| message.contains(race))
    });
    let missing = wanted.map(Event::recorded).filter(|event| !events.contains(event));
    let describe = |event: Event| {
        let near =
            events.iter().filter(|other| (&other.object, &other.reason) == (&event.object, &event.reason));
        let near: Vec<&str> = near.map(|other| other.message.as_str()).collect();
        format!(
            "event missing: {} {} {} {}: {:?}, there is {near:?}",
            event.kind, event.object, event.event_type, event.reason, event.message
        )
    };
    missing.map(describe).collect()
}

/// Compares two objects. Generations are a hint only: how often something is rewritten is not part of the contract.
fn compare(place: &str, expected: &Value, found: &Value) -> Vec<String> {
    let Some(text) = diff(&without_generation(expected), &without_generation(found)) else {
        return Vec::new();
    };
    let same_generation = expected["metadata"]["generation"] == found["metadata"]["generation"];
    let counts = |line: &&str| {
        let path = line.split(':').next().unwrap_or_default();
        !path.ends_with("bservedGeneration") && !path.ends_with("resourcetemplate.karmada.io/generation")
    };
    // The generation that a member's object reports is a hint wherever it was copied to.
    let is_reflected = |line: &&str| {
        let path = line.split(':').next().unwrap_or_default();
        let is_copy = path.contains("/aggregatedStatus/") || path.contains("/manifestStatuses/");
        path.ends_with("/status/generation") || (is_copy && path.ends_with("/status/observedGeneration"))
    };
    let lines = text.lines().filter(|line| !is_reflected(line) && (same_generation || counts(line)));
    lines.map(|line| format!("{place} {line}")).collect()
}

fn without_generation(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("generation");
    }
    object
}

fn pointer_to(server: &str, reference: &str) -> String {
    format!("/{server}/{}", reference.replace('~', "~0").replace('/', "~1"))
}

fn is_unstable(unstable: &[&str], server: &str, reference: &str) -> bool {
    unstable.contains(&pointer_to(server, reference).as_str())
}

fn unstable_paths(unstable: &[&str], server: &str, reference: &str) -> Vec<Vec<String>> {
    let pointer = pointer_to(server, reference) + "/";
    let inside = unstable.iter().filter_map(|path| path.strip_prefix(&pointer));
    inside
        .map(|path| path.split('/').map(|part| part.replace("~1", "/").replace("~0", "~")).collect())
        .collect()
}

/// Removes what is at a path. A list item becomes null, so that the others keep their places.
fn remove(value: &mut Value, path: &[String]) {
    let Some((first, rest)) = path.split_first() else { return };
    match value {
        Value::Object(fields) if rest.is_empty() => {
            fields.remove(first);
        }
        Value::Object(fields) => {
            if let Some(inner) = fields.get_mut(first) {
                remove(inner, rest);
            }
        }
        Value::Array(items) => {
            let item = first.parse::<usize>().ok().and_then(|index| items.get_mut(index));
            match item {
                Some(item) if rest.is_empty() => *item = Value::Null,
                Some(item) => remove(item, rest),
                None => {}
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    fn check(step: Value, objects: Value, expected: &[&str]) {
        let objects: Objects = serde_json::from_value::<BTreeMap<_, _>>(objects).unwrap();
        assert_eq!(object_differences(&step, &objects, &Identifiers::default()), expected);
    }

    #[test]
    fn names_missing_unexpected_and_different_objects() {
        check(
            json!({"expect": {"member1": {"v1/pods/n/a": {"x": 1}, "v1/pods/n/b": {}}}}),
            json!({"member1": {"v1/pods/n/a": {"x": 2}, "v1/pods/n/c": {}}}),
            &[
                "member1 v1/pods/n/a /x: expected 1, got 2",
                "member1 v1/pods/n/b: missing",
                "member1 v1/pods/n/c: unexpected",
            ],
        );
    }

    #[test]
    fn takes_unset_times_of_older_members_for_none() {
        let template = |metadata: serde_json::Value| json!({"spec": {"template": {"metadata": metadata}}});
        let unset = template(json!({"creationTimestamp": null}));
        let place = "v1/podtemplates/n/a";
        check(
            json!({"expect": {"member1": {place: template(json!({}))}}}),
            json!({"member1": {place: unset}}),
            &[],
        );
        check(
            json!({"expect": {"control-plane": {place: template(json!({}))}}}),
            json!({"control-plane": {place: unset}}),
            &["control-plane v1/podtemplates/n/a /spec/template/metadata/creationTimestamp: unexpected null"],
        );
    }

    #[test]
    fn leaves_out_what_was_unstable_and_takes_generations_as_hints() {
        check(
            json!({
                "expect": {"member1": {"v1/pods/n/a": {
                    "metadata": {"generation": 2}, "x": [1, 2], "status": {"observedGeneration": 2},
                }}},
                "unstable": ["/member1/v1~1pods~1n~1a/x/0"],
            }),
            json!({"member1": {"v1/pods/n/a": {
                "metadata": {"generation": 3}, "x": [9, 2], "status": {"observedGeneration": 3},
            }}}),
            &[],
        );
    }
}
