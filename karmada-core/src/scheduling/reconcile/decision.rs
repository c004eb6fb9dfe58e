//! What to do with a binding.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::{Value, json};

use super::Trigger;
use crate::{
    api::{
        Condition,
        policy::constants::APPLIED_PLACEMENT_ANNOTATION,
        work::{TargetCluster, constants::CONDITION_SCHEDULED},
    },
    scheduling::{BindingInput, Decision, Explanation, ScheduleContext, ScheduleInput},
};

/// What to do with a binding, in the order of the fields.
#[derive(Clone, Debug)]
pub struct BindingDecision {
    /// Why the binding was scheduled; none when it did not need to be.
    pub trigger: Option<Trigger>,
    /// What was tried, one attempt per affinity group.
    pub attempts: Vec<Attempt>,
    /// What to write into the binding; none when it is as it should be.
    pub change: Option<BindingChange>,
    /// What to write into its status; none when it is as it should be.
    pub status: Option<StatusChange>,
    /// Events to send about the binding and its template.
    pub events: Vec<BindingEvent>,
    /// Whether and how to try again.
    pub retry: Retry,
}

/// One call of the scheduler.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The affinity group that was used; empty when there are none.
    pub affinity_name: String,
    /// What came of it.
    pub decision: Decision,
}

/// What to write into a binding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BindingChange {
    /// The clusters; empty takes them away.
    pub clusters: Vec<TargetCluster>,
    /// The annotation with the placement that was scheduled.
    pub applied_placement: String,
}

/// What to write into a binding's status.
#[derive(Clone, Debug, PartialEq)]
pub struct StatusChange {
    /// The generation that was looked at; none leaves it.
    pub observed_generation: Option<i64>,
    /// The affinity group in use; none leaves it.
    pub observed_affinity_name: Option<String>,
    /// When the binding was scheduled; none leaves it.
    pub last_scheduled_time: Option<Timestamp>,
    /// All conditions with the new one; none leaves them.
    pub conditions: Option<Vec<Condition>>,
}

/// An event about a binding and its template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BindingEvent {
    /// Normal or Warning.
    pub kind: EventKind,
    /// The reason.
    pub reason: &'static str,
    /// The text.
    pub message: String,
}

/// The type of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// Something went well.
    Normal,
    /// Something went wrong.
    Warning,
}

/// Whether and how to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Not before something changes.
    None,
    /// Soon, and then less and less often.
    Backoff,
    /// When something changes, or after a while: there is too little room.
    Unschedulable,
}

impl Attempt {
    /// Explains what came of it; context and binding must be those it was made from.
    pub fn explain<'a>(
        &'a self,
        context: &ScheduleContext<'a>,
        binding: &BindingInput<'a>,
    ) -> Explanation<'a> {
        let mut input: ScheduleInput<'a> = binding.schedule_input();
        if !self.affinity_name.is_empty() {
            input.affinity_name = &self.affinity_name;
        }
        self.decision.explain(context, &input)
    }
}

impl BindingChange {
    /// Returns the merge patch.
    pub fn merge_patch(&self) -> Value {
        let clusters = if self.clusters.is_empty() { Value::Null } else { json!(self.clusters) };
        json!({
            "metadata": {"annotations": {APPLIED_PLACEMENT_ANNOTATION: self.applied_placement}},
            "spec": {"clusters": clusters},
        })
    }
}

impl StatusChange {
    /// Returns the merge patch for the status subresource.
    pub fn merge_patch(&self) -> Value {
        let mut status = serde_json::Map::new();
        if let Some(generation) = self.observed_generation {
            status.insert("schedulerObservedGeneration".into(), generation.into());
        }
        if let Some(name) = &self.observed_affinity_name {
            status.insert("schedulerObservingAffinityName".into(), name.as_str().into());
        }
        if let Some(time) = self.last_scheduled_time {
            status.insert("lastScheduledTime".into(), json!(Time(time)));
        }
        if let Some(conditions) = &self.conditions {
            status.insert("conditions".into(), json!(conditions));
        }
        json!({"status": status})
    }

    /// Returns the condition `Scheduled`, when it changes.
    pub fn condition(&self) -> Option<&Condition> {
        self.conditions.iter().flatten().find(|condition| condition.type_ == CONDITION_SCHEDULED)
    }
}
