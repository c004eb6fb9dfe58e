//! Kubeflow's PyTorchJob and TFJob.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::super::{DependentReference, NativeOptions};
use super::members::{Member, copy_single, earliest, is_true, latest};
use super::rules::{Answer, Rules};
use super::templates::{component, component_replicas, template_dependencies};
use super::values::{elements, from_number, guarded, number_or, status_of, time_text};
use crate::api::work::Component;

const COUNTERS: [&str; 3] = ["active", "succeeded", "failed"];

pub(super) const PYTORCH_RULES: Rules = Rules {
    components: Some(|object, options| PYTORCH.components(object, options)),
    aggregate: Some(aggregate_pytorch),
    dependencies: Some(|object| PYTORCH.dependencies(object)),
    health: Some(|object| Ok(is_healthy(object))),
    ..Rules::NONE
};

pub(super) const TF_RULES: Rules = Rules {
    components: Some(|object, options| TF.components(object, options)),
    aggregate: Some(aggregate_tf),
    dependencies: Some(|object| TF.dependencies(object)),
    health: Some(|object| Ok(is_healthy(object))),
    ..Rules::NONE
};

const PYTORCH: Roles =
    Roles { field: "pytorchReplicaSpecs", roles: &[("Master", "master"), ("Worker", "worker")] };

const TF: Roles = Roles {
    field: "tfReplicaSpecs",
    roles: &[
        ("PS", "ps"),
        ("Worker", "worker"),
        ("Chief", "chief"),
        ("Master", "master"),
        ("Evaluator", "evaluator"),
    ],
};

/// Where the specs of roles are, and the names of their components.
struct Roles {
    field: &'static str,
    roles: &'static [(&'static str, &'static str)],
}

impl Roles {
    fn specs<'a>(&self, object: &'a Value) -> impl Iterator<Item = (&'static str, &'a Value)> {
        let specs = guarded(object, &["spec", self.field]);
        let found = self.roles.iter().map(move |(role, name)| (*name, guarded(specs, &[role])));
        found.filter(|(_, spec)| !spec.is_null())
    }

    fn components(&self, object: &Value, options: NativeOptions) -> Answer<Vec<Component>> {
        let specs = self.specs(object);
        specs
            .map(|(name, spec)| component(name, component_replicas(spec, &["replicas"], 1)?, spec, options))
            .collect()
    }

    fn dependencies(&self, object: &Value) -> Answer<Vec<DependentReference>> {
        let mut found = Vec::new();
        for (role, _) in self.roles {
            let path = ["spec", self.field, role, "template"];
            if !guarded(object, &path).is_null() {
                found.extend(template_dependencies(object, &path)?);
            }
        }
        Ok(found)
    }
}

/// Returns whether there are conditions, and none of a failure.
pub(super) fn is_healthy(object: &Value) -> bool {
    let conditions = elements(guarded(object, &["status", "conditions"]));
    !conditions.is_empty() && !conditions.iter().any(|condition| is_true(condition, "Failed"))
}

/// How a job has ended in its members.
enum End<'a> {
    Failed(Vec<&'a str>),
    Succeeded,
    Open,
}

fn end_of<'a>(members: &[Member<'a>]) -> End<'a> {
    let has = |member: &Member<'_>, name| member.conditions().iter().any(|found| is_true(found, name));
    let failed: Vec<_> =
        members.iter().filter(|member| has(member, "Failed")).map(|member| member.cluster).collect();
    if !failed.is_empty() {
        return End::Failed(failed);
    }
    let succeeded = !members.is_empty() && members.iter().all(|member| has(member, "Succeeded"));
    if succeeded { End::Succeeded } else { End::Open }
}

fn is_finished(member: &Member<'_>) -> bool {
    member.conditions().iter().any(|found| is_true(found, "Failed") || is_true(found, "Succeeded"))
}

fn aggregate_pytorch(object: &mut Value, members: Option<&[Member<'_>]>, _: Timestamp) -> Answer<()> {
    let Some(members) = members else { return Ok(()) };
    if copy_single(object, members)? {
        return Ok(());
    }
    let condition = |condition_type: &str, status: &str, message: &str, time: Option<&str>| {
        json!({
            "type": condition_type, "status": status, "reason": format!("PyTorchJob{condition_type}"),
            "message": message, "lastTransitionTime": time, "lastUpdateTime": time,
        })
    };
    let started = earliest(members, "startTime");
    let completed = latest(members, "completionTime");
    let end = end_of(members);
    let mut conditions = Vec::new();
    if started.is_some() {
        conditions.push(condition("Created", "True", "PyTorchJob is created.", started));
    }
    if let Some(since) = running_since(members) {
        let status = if matches!(end, End::Open) { "True" } else { "False" };
        conditions.push(condition("Running", status, "PyTorchJob is running.", Some(since)));
    }
    match end {
        End::Failed(clusters) => {
            let message = format!("PyTorchJob executed failed in member clusters: {}", clusters.join(", "));
            conditions.push(condition("Failed", "True", &message, completed));
        }
        End::Succeeded => {
            let message = "PyTorchJob is successfully completed.";
            conditions.push(condition("Succeeded", "True", message, completed));
        }
        End::Open => {}
    }
    set_status(object, members, conditions)
}

fn running_since<'a>(members: &[Member<'a>]) -> Option<&'a str> {
    let conditions = members.iter().flat_map(Member::conditions);
    let running = conditions.filter(|condition| guarded(condition, &["type"]) == "Running");
    running.filter_map(|condition| guarded(condition, &["lastTransitionTime"]).as_str()).min()
}

fn aggregate_tf(object: &mut Value, members: Option<&[Member<'_>]>, now: Timestamp) -> Answer<()> {
    let Some(members) = members else { return Ok(()) };
    let time = time_text(now);
    let condition = |condition_type: &str, reason: &str, message: &str| {
        json!({
            "type": condition_type, "status": "True", "reason": reason, "message": message,
            "lastProbeTime": time, "lastTransitionTime": time,
        })
    };
    let conditions = match end_of(members) {
        End::Failed(clusters) => {
            let message = format!("TFJob executed failed in member clusters: {}", clusters.join(", "));
            vec![condition("Failed", "TFJobFailed", &message)]
        }
        End::Succeeded => vec![condition("Succeeded", "Completed", "TFJob completed successfully")],
        End::Open => Vec::new(),
    };
    set_status(object, members, conditions)
}

/// Sets times, the counters of each role without zeros, and conditions.
fn set_status(object: &mut Value, members: &[Member<'_>], mut conditions: Vec<Value>) -> Answer<()> {
    for condition in conditions.iter_mut().filter_map(Value::as_object_mut) {
        condition.retain(|_, value| !value.is_null());
    }
    let mut replicas = json!({});
    for member in members {
        for (role, counts) in member.field("replicaStatuses").as_object().into_iter().flatten() {
            let known = &mut replicas[role];
            if known.is_null() {
                *known = json!({});
            }
            for counter in COUNTERS {
                let total = number_or(known, &[counter], 0.0)? + number_or(counts, &[counter], 0.0)?;
                if total != 0.0 {
                    known[counter] = from_number(total);
                }
            }
        }
    }
    let started = earliest(members, "startTime");
    let completed = latest(members, "completionTime").filter(|_| members.iter().all(is_finished));
    let status = status_of(object)?;
    set_or_remove(status, "startTime", started);
    set_or_remove(status, "completionTime", completed);
    status.insert("replicaStatuses".to_owned(), replicas);
    status.insert("conditions".to_owned(), conditions.into());
    Ok(())
}

fn set_or_remove(status: &mut Map<String, Value>, name: &str, value: Option<&str>) {
    match value {
        Some(value) => status.insert(name.to_owned(), value.into()),
        None => status.remove(name),
    };
}
