//! Kyverno's ClusterPolicy and Policy.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::conditions::{is_ready, merge_conditions};
use super::gated::reflect;
use super::members::Member;
use super::rules::{Answer, Rules};
use super::values::{field, from_number, guarded, mismatch, number, status_of};

const RULE_COUNTS: [&str; 4] = ["validate", "generate", "mutate", "verifyimages"];

pub(super) const RULES: Rules = Rules {
    aggregate: Some(aggregate),
    reflect: Some(|object| reflect(object, &["autogen", "conditions", "ready", "rulecount"])),
    health: Some(health),
    ..Rules::NONE
};

fn aggregate(object: &mut Value, members: Option<&[Member<'_>]>, _: Timestamp) -> Answer<()> {
    let Some(members) = members else {
        status_of(object)?;
        return Ok(());
    };
    merge_conditions(object, members)?;
    let mut counts = json!({});
    for name in RULE_COUNTS {
        let mut total = 0.0;
        for member in members {
            if !guarded(member.status, &["rulecount", name]).is_null() {
                total += number(member.status, &["rulecount", name])?;
            }
        }
        counts[name] = from_number(total);
    }
    let status = status_of(object)?;
    status.insert("rulecount".to_owned(), counts);
    for name in ["autogen", "ready"] {
        let found = members.iter().rev().map(|member| member.field(name)).find(|value| !value.is_null());
        match found {
            Some(value) => status.insert(name.to_owned(), value.clone()),
            None => status.remove(name),
        };
    }
    Ok(())
}

/// Returns what the policy says of itself, else whether it is ready.
fn health(object: &Value) -> Answer<bool> {
    match guarded(object, &["status", "ready"]) {
        Value::Null => Ok(is_ready(object, &["Succeeded"])),
        Value::Bool(ready) => Ok(*ready),
        _ => {
            let found = field(object, &["status", "ready"])?;
            Err(mismatch(&["status", "ready"], "boolean", found).into())
        }
    }
}
