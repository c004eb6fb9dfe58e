//! Kruise's DaemonSet.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::gated::{Gated, is_observed, reflect_with_generations};
use super::members::{Member, last};
use super::rules::{Answer, Rules};
use super::templates::template_dependencies;
use super::values::{compare, status_of};

const FIELDS: Gated = Gated {
    counters: &[
        "currentNumberScheduled",
        "numberMisscheduled",
        "desiredNumberScheduled",
        "numberReady",
        "updatedNumberScheduled",
        "numberAvailable",
        "numberUnavailable",
    ],
    texts: &[],
};

pub(super) const RULES: Rules = Rules {
    aggregate: Some(aggregate),
    dependencies: Some(|object| template_dependencies(object, &["spec", "template"])),
    reflect: Some(reflect),
    health: Some(health),
    ..Rules::NONE
};

/// Sets the status; without any hash the hash is the number zero.
fn aggregate(object: &mut Value, members: Option<&[Member<'_>]>, _: Timestamp) -> Answer<()> {
    let members = members.unwrap_or_default();
    FIELDS.aggregate(object, members)?;
    let hash = last(members, "daemonSetHash").cloned().unwrap_or_else(|| Value::from(0));
    status_of(object)?.insert("daemonSetHash".to_owned(), hash);
    Ok(())
}

fn reflect(object: &Value) -> Answer<Map<String, Value>> {
    let fields = FIELDS.counters.iter().chain(&["daemonSetHash", "observedGeneration"]);
    reflect_with_generations(object, &fields.copied().collect::<Vec<_>>())
}

fn health(object: &Value) -> Answer<bool> {
    let updated = ["status", "updatedNumberScheduled"];
    Ok(is_observed(object)?
        && compare(object, &updated, &["status", "desiredNumberScheduled"])?.is_ge()
        && compare(object, &["status", "numberAvailable"], &updated)?.is_ge())
}
