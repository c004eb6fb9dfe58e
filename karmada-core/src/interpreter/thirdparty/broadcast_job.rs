//! Kruise's BroadcastJob.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::NativeOptions;
use super::gated::reflect;
use super::members::{Member, is_true, last, sum};
use super::rules::{Answer, Rules};
use super::templates::{some_template_dependencies, template_requirements};
use super::values::{assign, equal, field, mismatch, number, status_of};
use crate::api::work::ReplicaRequirements;

const COUNTERS: [&str; 4] = ["active", "succeeded", "failed", "desired"];
const REFLECTED: [&str; 8] =
    ["active", "completionTime", "conditions", "desired", "failed", "phase", "startTime", "succeeded"];

pub(super) const RULES: Rules = Rules {
    replicas: Some(replicas),
    revise: Some(|object, replicas| Ok(assign(object, &["spec", "parallelism"], replicas.into())?)),
    retain: Some(retain),
    aggregate: Some(aggregate),
    dependencies: Some(|object| some_template_dependencies(object, &["spec", "template"])),
    reflect: Some(|object| reflect(object, &REFLECTED)),
    health: Some(health),
    ..Rules::NONE
};

fn replicas(object: &Value, options: NativeOptions) -> Answer<(i64, Option<ReplicaRequirements>)> {
    let replicas = match field(object, &["spec", "parallelism"])? {
        Value::Null => 1,
        Value::Number(_) => number(object, &["spec", "parallelism"])? as i64,
        other => return Err(mismatch(&["spec", "parallelism"], "number", other).into()),
    };
    Ok((replicas, template_requirements(object, &["spec", "template"], options)?))
}

/// Keeps the labels of the pod template, also when there are none.
fn retain(desired: &mut Value, observed: &Value) -> Answer<()> {
    let path = ["spec", "template", "metadata", "labels"];
    field(desired, &path)?;
    Ok(assign(desired, &path, field(observed, &path)?.clone())?)
}

/// Sets counters and conditions. A member that has not finished counts like the one before it.
fn aggregate(object: &mut Value, members: Option<&[Member<'_>]>, _: Timestamp) -> Answer<()> {
    let members = members.unwrap_or_default();
    let mut finish = None;
    let (mut complete, mut failed) = (0, Vec::new());
    for member in members {
        for condition in member.conditions() {
            let found = ["Complete", "Failed"].into_iter().find(|name| is_true(condition, name));
            finish = found.or(finish);
        }
        match finish {
            Some("Complete") => complete += 1,
            Some(_) => failed.push(member.cluster),
            None => {}
        }
    }
    let mut conditions = Vec::new();
    if !failed.is_empty() {
        let message = format!("Job executed failed in member clusters: {}", failed.join(", "));
        conditions
            .push(json!({"type": "Failed", "status": "True", "reason": "JobFailed", "message": message}));
    }
    if complete == members.len() && complete > 0 {
        conditions.push(
            json!({"type": "Completed", "status": "True", "reason": "Completed", "message": "Job completed"}),
        );
    }
    let status = status_of(object)?;
    for counter in COUNTERS {
        status.insert(counter.to_owned(), sum(members, counter)?);
    }
    status.insert("phase".to_owned(), last(members, "phase").cloned().unwrap_or_else(|| Value::from("")));
    status.insert("conditions".to_owned(), conditions.into());
    Ok(())
}

fn health(object: &Value) -> Answer<bool> {
    let zero = |name| -> Answer<bool> { Ok(equal(field(object, &["status", name])?, &Value::from(0))) };
    if zero("desired")? || !zero("failed")? {
        return Ok(false);
    }
    Ok(!(zero("succeeded")? && zero("active")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_an_unfinished_member_like_the_one_before() {
        let finished = json!({"conditions": [{"type": "Failed", "status": "True"}]});
        let statuses = [json!({"active": 1}), finished, json!({"active": 1})];
        let members: Vec<_> = statuses
            .iter()
            .zip(["m1", "m2", "m3"])
            .map(|(status, cluster)| Member { cluster, status })
            .collect();
        let mut object = json!({});
        aggregate(&mut object, Some(&members), Timestamp::UNIX_EPOCH).unwrap();
        let message = "Job executed failed in member clusters: m2, m3";
        assert_eq!(object["status"]["conditions"][0]["message"], message);
        assert_eq!(object["status"]["active"], 2);
    }
}
