//! Conditions of several members.

use serde_json::Value;

use super::members::{Member, is_true};
use super::rules::Answer;
use super::values::{assign, elements, equal, guarded, mismatch, status_of};

/// Fields that tell conditions apart.
const IDENTITY: [&str; 3] = ["type", "status", "reason"];

/// Sets the conditions of all members, with the member's name before each message.
///
/// Conditions of the same type, status and reason become one, with their messages one after the other.
pub(super) fn merge_conditions(object: &mut Value, members: &[Member<'_>]) -> Answer<()> {
    let mut merged: Vec<(Value, String)> = Vec::new();
    for member in members {
        for condition in member.conditions() {
            let message = named_message(member.cluster, condition)?;
            let same = |(known, _): &&mut (Value, String)| {
                IDENTITY.iter().all(|name| equal(guarded(known, &[name]), guarded(condition, &[name])))
            };
            match merged.iter_mut().find(same) {
                Some((_, messages)) => *messages = format!("{messages}, {message}"),
                None => merged.push((condition.clone(), message)),
            }
        }
    }
    let mut conditions = Vec::with_capacity(merged.len());
    for (mut condition, message) in merged {
        assign(&mut condition, &["message"], Value::from(message))?;
        conditions.push(condition);
    }
    status_of(object)?.insert("conditions".to_owned(), Value::Array(conditions));
    Ok(())
}

fn named_message(cluster: &str, condition: &Value) -> Answer<String> {
    let message = super::values::field(condition, &["message"])?;
    match message {
        Value::String(text) => Ok(format!("{cluster}={text}")),
        Value::Number(number) => Ok(format!("{cluster}={number}")),
        other => Err(mismatch(&["status", "conditions", "message"], "string", other).into()),
    }
}

/// Returns whether the object is ready for one of some reasons.
pub(super) fn is_ready(object: &Value, reasons: &[&str]) -> bool {
    elements(guarded(object, &["status", "conditions"])).iter().any(|condition| {
        is_true(condition, "Ready")
            && guarded(condition, &["reason"]).as_str().is_some_and(|reason| reasons.contains(&reason))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn joins_the_messages_of_equal_conditions() {
        let condition = |reason| json!({"type": "Ready", "status": "True", "reason": reason, "message": "m"});
        let statuses = [
            json!({"conditions": [condition("A")]}),
            json!({"conditions": [condition("B"), condition("A")]}),
        ];
        let members =
            [Member { cluster: "m1", status: &statuses[0] }, Member { cluster: "m2", status: &statuses[1] }];
        let mut object = json!({"status": {"conditions": [condition("old")]}});
        merge_conditions(&mut object, &members).unwrap();
        let messages: Vec<_> =
            elements(&object["status"]["conditions"]).iter().map(|found| found["message"].clone()).collect();
        assert_eq!(messages, ["m1=m, m2=m", "m2=m"]);
    }

    #[test]
    fn refuses_conditions_without_a_message() {
        let status = json!({"conditions": [{"type": "Ready"}]});
        let members = [Member { cluster: "m1", status: &status }];
        assert!(merge_conditions(&mut json!({}), &members).is_err());
    }
}
