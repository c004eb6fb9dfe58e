//! Flux's HelmRelease.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::super::DependentReference;
use super::conditions::{is_ready, merge_conditions};
use super::flux::{Needs, retain_suspension};
use super::gated::reflect_with_generations;
use super::members::{Member, last, observed_generation};
use super::rules::{Answer, Rules};
use super::values::{elements, field, from_number, guarded, number, number_or, status_of};

const FAILURES: [&str; 3] = ["failures", "installFailures", "upgradeFailures"];
const REVISIONS: [&str; 5] = [
    "helmChart",
    "lastAppliedRevision",
    "lastAttemptedRevision",
    "lastAttemptedValuesChecksum",
    "lastReleaseRevision",
];

pub(super) const RULES: Rules = Rules {
    retain: Some(retain_suspension),
    aggregate: Some(aggregate),
    dependencies: Some(dependencies),
    reflect: Some(reflect),
    health: Some(|object| Ok(is_ready(object, &["ReconciliationSucceeded"]))),
    ..Rules::NONE
};

/// Sets the status. Failures are added to those that the template has already, and only to those.
fn aggregate(object: &mut Value, members: Option<&[Member<'_>]>, _: Timestamp) -> Answer<()> {
    let observed = observed_generation(object, members.unwrap_or_default())?;
    let Some(members) = members else {
        let status = status_of(object)?;
        for name in FAILURES {
            status.insert(name.to_owned(), Value::from(0));
        }
        for name in REVISIONS {
            status.insert(name.to_owned(), Value::from(""));
        }
        status.insert("observedGeneration".to_owned(), observed);
        return Ok(());
    };
    merge_conditions(object, members)?;
    for name in FAILURES {
        if guarded(object, &["status", name]).is_null() {
            continue;
        }
        let mut total = number(object, &["status", name])?;
        for member in members {
            total += number_or(member.status, &[name], 0.0)?;
        }
        status_of(object)?.insert(name.to_owned(), from_number(total));
    }
    let status = status_of(object)?;
    for name in REVISIONS {
        if let Some(revision) = last(members, name) {
            status.insert(name.to_owned(), revision.clone());
        }
    }
    status.insert("observedGeneration".to_owned(), observed);
    Ok(())
}

fn reflect(object: &Value) -> Answer<Map<String, Value>> {
    let fields = FAILURES.iter().chain(&REVISIONS).chain(&["conditions", "observedGeneration"]);
    reflect_with_generations(object, &fields.copied().collect::<Vec<_>>())
}

fn dependencies(object: &Value) -> Answer<Vec<DependentReference>> {
    let references: [&[&str]; 2] =
        [&["spec", "chart", "spec", "verify", "secretRef"], &["spec", "kubeConfig", "secretRef"]];
    let mut needs = Needs::of(object).secrets(&references)?;
    for source in elements(guarded(object, &["spec", "valuesFrom"])) {
        let kind = field(source, &["kind"])?;
        if let Some(kind @ ("Secret" | "ConfigMap")) = kind.as_str() {
            needs.add(kind, field(source, &["name"])?)?;
        }
    }
    let account = guarded(object, &["spec", "serviceAccountName"]);
    if !account.is_null() {
        needs.add("ServiceAccount", account)?;
    }
    Ok(needs.into_references())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn adds_failures_to_those_that_are_there() {
        let status = json!({"failures": 2, "installFailures": 1});
        let members = [Member { cluster: "m", status: &status }];
        let mut object = json!({"metadata": {"generation": 1}, "status": {"failures": 5}});
        aggregate(&mut object, Some(&members), Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(object["status"]["failures"], 7);
        assert_eq!(object["status"].get("installFailures"), None);
    }
}
