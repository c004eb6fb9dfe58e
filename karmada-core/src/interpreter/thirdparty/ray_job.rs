//! Ray's RayJob.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::DependentReference;
use super::members::{Member, copy_single};
use super::ray::{cluster_components, cluster_dependencies};
use super::rules::{Answer, Rules};
use super::templates::template_dependencies;
use super::values::{assign, guarded, keep_identity, text};

/// Deployment states, the best one first.
const DEPLOYMENT_STATES: [&str; 9] = [
    "Complete",
    "Running",
    "Initializing",
    "Waiting",
    "Suspending",
    "Suspended",
    "Retrying",
    "ValidationFailed",
    "Failed",
];
/// States of the job, the best one first.
const JOB_STATES: [&str; 5] = ["SUCCEEDED", "RUNNING", "PENDING", "STOPPED", "FAILED"];

pub(super) const RULES: Rules = Rules {
    components: Some(|object, options| {
        cluster_components(guarded(object, &["spec", "rayClusterSpec"]), options)
    }),
    aggregate: Some(aggregate),
    dependencies: Some(dependencies),
    health: Some(|object| Ok(health(object))),
    ..Rules::NONE
};

/// Makes an object of identity and status alone, with the worst states and what is said of the worst deployment.
fn aggregate(object: &mut Value, members: Option<&[Member<'_>]>, _: Timestamp) -> Answer<()> {
    let Some(members) = members else { return Ok(()) };
    keep_identity(object);
    if copy_single(object, members)? {
        return Ok(());
    }
    let mut status = json!({});
    if let Some(member) = worst(members, "jobDeploymentStatus", &DEPLOYMENT_STATES) {
        for name in ["jobDeploymentStatus", "message", "reason"] {
            let value = member.field(name);
            if !value.is_null() {
                status[name] = value.clone();
            }
        }
    }
    if let Some(member) = worst(members, "jobStatus", &JOB_STATES) {
        status["jobStatus"] = member.field("jobStatus").clone();
    }
    Ok(assign(object, &["status"], status)?)
}

/// Returns the first member with the worst of the known states.
fn worst<'m, 'a>(members: &'m [Member<'a>], name: &str, states: &[&str]) -> Option<&'m Member<'a>> {
    let rank = |member: &Member<'_>| states.iter().position(|state| member.field(name) == state);
    members.iter().rev().filter(|member| rank(member).is_some()).max_by_key(|member| rank(member))
}

fn health(object: &Value) -> bool {
    match text(object, &["status", "jobDeploymentStatus"]) {
        "Running" => true,
        "Complete" => text(object, &["status", "jobStatus"]) == "SUCCEEDED",
        _ => false,
    }
}

fn dependencies(object: &Value) -> Answer<Vec<DependentReference>> {
    let mut found = cluster_dependencies(object, "rayClusterSpec")?;
    let submitter = ["spec", "submitterPodTemplate"];
    if !guarded(object, &submitter).is_null() {
        found.extend(template_dependencies(object, &submitter)?);
    }
    Ok(found)
}
