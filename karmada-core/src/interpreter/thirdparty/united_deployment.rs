//! Kruise's UnitedDeployment.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::gated::{Gated, is_rolled_out, reflect_with_generations};
use super::members::Member;
use super::rules::{Answer, Rules};
use super::templates::{some_template_dependencies, workload_replicas};
use super::values::{assign, equal, guarded, status_of};

const FIELDS: Gated = Gated {
    counters: &["replicas", "readyReplicas", "updatedReplicas", "availableReplicas", "unavailableReplicas"],
    texts: &[],
};

pub(super) const RULES: Rules = Rules {
    replicas: Some(|object, options| workload_replicas(object, &["spec", "replicas"], options)),
    revise: Some(|object, replicas| Ok(assign(object, &["spec", "replicas"], replicas.into())?)),
    aggregate: Some(aggregate),
    dependencies: Some(|object| some_template_dependencies(object, &["spec", "template"])),
    reflect: Some(reflect),
    health: Some(health),
    ..Rules::NONE
};

/// Sets counters; of the conditions of each type the last one counts, and without any the template's stay.
///
/// DEVIATION: types in the order of their first appearance; upstream's order is random.
fn aggregate(object: &mut Value, members: Option<&[Member<'_>]>, _: Timestamp) -> Answer<()> {
    let members = members.unwrap_or_default();
    FIELDS.aggregate(object, members)?;
    let mut conditions: Vec<Value> = Vec::new();
    for condition in members.iter().flat_map(Member::conditions) {
        let condition_type = guarded(condition, &["type"]);
        match conditions.iter_mut().find(|known| equal(guarded(known, &["type"]), condition_type)) {
            Some(known) => *known = condition.clone(),
            None => conditions.push(condition.clone()),
        }
    }
    if !conditions.is_empty() {
        status_of(object)?.insert("conditions".to_owned(), conditions.into());
    }
    Ok(())
}

fn reflect(object: &Value) -> Answer<Map<String, Value>> {
    let fields = FIELDS.counters.iter().chain(&["conditions", "observedGeneration"]);
    reflect_with_generations(object, &fields.copied().collect::<Vec<_>>())
}

fn health(object: &Value) -> Answer<bool> {
    if ["metadata", "spec", "status"].iter().any(|part| guarded(object, &[part]).is_null()) {
        return Ok(false);
    }
    is_rolled_out(object)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn takes_the_last_condition_of_each_type() {
        let status = |status: &str| json!({"conditions": [{"type": "Available", "status": status}, {"type": status, "status": "True"}]});
        let statuses = [status("A"), status("B")];
        let members = statuses.each_ref().map(|status| Member { cluster: "m", status });
        let mut object = json!({"metadata": {"generation": 1}});
        aggregate(&mut object, Some(&members), Timestamp::UNIX_EPOCH).unwrap();
        let expected = json!([
            {"type": "Available", "status": "B"}, {"type": "A", "status": "True"}, {"type": "B", "status": "True"},
        ]);
        assert_eq!(object["status"]["conditions"], expected);
    }
}
