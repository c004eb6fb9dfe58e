//! Kruise's AdvancedCronJob.

use jiff::Timestamp;
use serde_json::Value;

use super::super::DependentReference;
use super::members::{Member, concatenated};
use super::rules::{Answer, Rules};
use super::templates::some_template_dependencies;
use super::values::{field, status_of};

pub(super) const RULES: Rules =
    Rules { aggregate: Some(aggregate), dependencies: Some(dependencies), ..Rules::NONE };

/// Collects the active jobs; type and time are those of the last member that has them.
fn aggregate(object: &mut Value, members: Option<&[Member<'_>]>, _: Timestamp) -> Answer<()> {
    let members = members.unwrap_or_default();
    let active = concatenated(members, "active")?;
    let newest = |name| members.iter().rev().map(|member| member.field(name)).find(|value| !value.is_null());
    let status = status_of(object)?;
    status.insert("active".to_owned(), active);
    status.insert("type".to_owned(), newest("type").cloned().unwrap_or_else(|| Value::from("")));
    match newest("lastScheduleTime") {
        Some(time) => status.insert("lastScheduleTime".to_owned(), time.clone()),
        None => status.remove("lastScheduleTime"),
    };
    Ok(())
}

/// Returns what the job needs; a job of neither kind needs nothing.
fn dependencies(object: &Value) -> Answer<Vec<DependentReference>> {
    for kind in ["broadcastJobTemplate", "jobTemplate"] {
        if !field(object, &["spec", "template", kind])?.is_null() {
            return some_template_dependencies(object, &["spec", "template", kind, "spec", "template"]);
        }
    }
    Ok(Vec::new())
}
