//! Volcano's Job.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::super::NativeOptions;
use super::gated::reflect;
use super::members::{Member, copy_single};
use super::rules::{Answer, Rules};
use super::templates::{component, component_replicas};
use super::values::{assign, elements, from_number, guarded, number, number_or, text, time_text};
use crate::api::work::Component;

const COUNTERS: [&str; 8] =
    ["minAvailable", "pending", "running", "succeeded", "failed", "terminating", "unknown", "retryCount"];
const REFLECTED: [&str; 14] = [
    "state",
    "minAvailable",
    "pending",
    "running",
    "succeeded",
    "failed",
    "terminating",
    "unknown",
    "version",
    "retryCount",
    "runningDuration",
    "taskStatusCount",
    "controlledResources",
    "conditions",
];
const HEALTHY_PHASES: [&str; 9] = [
    "Running",
    "Completed",
    "Pending",
    "Aborting",
    "Aborted",
    "Restarting",
    "Completing",
    "Terminating",
    "Terminated",
];

pub(super) const RULES: Rules = Rules {
    components: Some(components),
    aggregate: Some(aggregate),
    reflect: Some(|object| reflect(object, &REFLECTED)),
    health: Some(|object| Ok(HEALTHY_PHASES.contains(&text(object, &["status", "state", "phase"])))),
    ..Rules::NONE
};

fn components(object: &Value, options: NativeOptions) -> Answer<Vec<Component>> {
    let tasks = elements(guarded(object, &["spec", "tasks"])).iter().enumerate();
    tasks
        .map(|(index, task)| {
            let name = match text(task, &["name"]) {
                "" => format!("task-{index}"),
                name => name.to_owned(),
            };
            component(&name, component_replicas(task, &["minAvailable"], 1)?, task, options)
        })
        .collect()
}

fn aggregate(object: &mut Value, members: Option<&[Member<'_>]>, now: Timestamp) -> Answer<()> {
    let Some(members) = members else { return Ok(()) };
    if copy_single(object, members)? {
        return Ok(());
    }
    let mut status = Map::new();
    let mut set = |name: &str, value: Value| {
        if !value.is_null() && value != 0 && value != json!({}) {
            status.insert(name.to_owned(), value);
        }
    };
    for counter in COUNTERS {
        set(counter, super::members::sum(members, counter)?);
    }
    let mut version = 0.0_f64;
    for member in members {
        version = version.max(number_or(member.status, &["version"], 0.0)?);
    }
    set("version", from_number(version));
    set("runningDuration", longest_duration(members));
    set("taskStatusCount", task_status_count(members)?);
    set("controlledResources", controlled_resources(members));
    set("state", state(members, now));
    assign(object, &["status"], Value::Object(status)).map_err(Into::into)
}

/// Returns the state of all: failed when one is, completed when all are, else none.
fn state(members: &[Member<'_>], now: Timestamp) -> Value {
    let phase = |member: &&Member<'_>| text(member.status, &["state", "phase"]).to_owned();
    let failed: Vec<_> = members
        .iter()
        .filter(|member| ["Failed", "Aborted"].contains(&phase(member).as_str()))
        .map(|member| member.cluster)
        .collect();
    let time = time_text(now);
    if !failed.is_empty() {
        let message = format!("VolcanoJob executed failed in member clusters: {}", failed.join(", "));
        return json!({
            "phase": "Failed", "reason": "VolcanoJobFailed", "message": message, "lastTransitionTime": time,
        });
    }
    if !members.is_empty() && members.iter().all(|member| phase(&member) == "Completed") {
        return json!({"phase": "Completed", "reason": "Completed", "lastTransitionTime": time});
    }
    Value::Null
}

fn longest_duration(members: &[Member<'_>]) -> Value {
    let mut longest = (0.0, Value::Null);
    for member in members {
        let text = member.field("runningDuration").as_str().unwrap_or_default();
        let seconds = seconds(text);
        if seconds > longest.0 {
            longest = (seconds, Value::from(text));
        }
    }
    longest.1
}

/// Returns the seconds of a duration as Go writes it, such as `1h2m3.5s`.
fn seconds(duration: &str) -> f64 {
    let mut total = 0.0;
    let mut rest = duration;
    while let Some(end) = rest.find(|c: char| c.is_ascii_alphabetic()) {
        let amount: f64 = rest[..end].parse().unwrap_or(0.0);
        let unit_end =
            rest[end..].find(|c: char| !c.is_ascii_alphabetic()).map_or(rest.len(), |len| end + len);
        total += amount
            * match &rest[end..unit_end] {
                "h" => 3600.0,
                "m" => 60.0,
                "s" => 1.0,
                "ms" => 1e-3,
                "us" => 1e-6,
                "ns" => 1e-9,
                _ => 0.0,
            };
        rest = &rest[unit_end..];
    }
    total
}

fn task_status_count(members: &[Member<'_>]) -> Answer<Value> {
    let mut counts = json!({});
    for member in members {
        for (task, count) in member.field("taskStatusCount").as_object().into_iter().flatten() {
            for name in guarded(count, &["phase"]).as_object().into_iter().flat_map(Map::keys) {
                let before = number_or(&counts, &[task, "phase", name], 0.0)?;
                counts[task]["phase"][name] = from_number(before + number(count, &["phase", name])?);
            }
        }
    }
    Ok(counts)
}

fn controlled_resources(members: &[Member<'_>]) -> Value {
    let all = members.iter().filter_map(|member| member.field("controlledResources").as_object());
    Value::Object(all.flatten().map(|(name, uid)| (name.clone(), uid.clone())).collect())
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn reads_durations() {
        for (text, milliseconds) in
            [("2m30s", 150_000.0), ("1h0m0.5s", 3_600_500.0), ("250ms", 250.0), ("soon", 0.0)]
        {
            let difference: f64 = seconds(text) * 1e3 - milliseconds;
            assert!(difference.abs() < 1e-6, "{text}");
        }
    }
}
