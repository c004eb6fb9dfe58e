//! One reconcile of a binding by the scheduler.

use std::collections::HashMap;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};

use super::{
    applied_placement,
    decision::{Attempt, BindingChange, BindingDecision, BindingEvent, EventKind, Retry, StatusChange},
    triggers::{Trigger, needs_scheduling},
};
use crate::{
    api::{
        Condition,
        policy::{Placement, constants::APPLIED_PLACEMENT_ANNOTATION},
        work::{
            ClusterResourceBinding, ResourceBinding, ResourceBindingSpec, ResourceBindingStatus,
            TargetCluster,
            constants::{
                CONDITION_SCHEDULED, REASON_NO_CLUSTER_FIT, REASON_QUOTA_EXCEEDED, REASON_SCHEDULER_ERROR,
                REASON_SUCCESS, REASON_UNSCHEDULABLE, SCHEDULE_BINDING_FAILED, SCHEDULE_BINDING_SUCCEED,
            },
        },
    },
    scheduling::{ScheduleContext, ScheduleError, ScheduleErrorKind, ScheduleInput, schedule},
};

const SUCCESS_MESSAGE: &str = "Binding has been scheduled successfully.";

/// A binding of either kind.
#[derive(Clone, Copy)]
pub struct BindingInput<'a> {
    /// Its metadata.
    pub metadata: &'a ObjectMeta,
    /// Its spec.
    pub spec: &'a ResourceBindingSpec,
    /// Its status.
    pub status: Option<&'a ResourceBindingStatus>,
    /// What accurate estimators found, as in [`ScheduleInput::estimates`].
    pub estimates: Option<&'a HashMap<String, i32>>,
}

impl<'a> From<&'a ResourceBinding> for BindingInput<'a> {
    fn from(binding: &'a ResourceBinding) -> Self {
        let status = binding.status.as_ref();
        Self { metadata: &binding.metadata, spec: &binding.spec, status, estimates: None }
    }
}

impl<'a> From<&'a ClusterResourceBinding> for BindingInput<'a> {
    fn from(binding: &'a ClusterResourceBinding) -> Self {
        let status = binding.status.as_ref();
        Self { metadata: &binding.metadata, spec: &binding.spec, status, estimates: None }
    }
}

impl<'a> BindingInput<'a> {
    pub(super) fn schedule_input(&self) -> ScheduleInput<'a> {
        let last_scheduled = self.status.and_then(|status| status.last_scheduled_time.as_ref());
        ScheduleInput {
            name: self.metadata.name.as_deref().unwrap_or_default(),
            spec: self.spec,
            affinity_name: self.status.map_or("", |status| &status.scheduler_observed_affinity_name),
            last_scheduled: last_scheduled.map(|time| time.0),
            estimates: self.estimates,
        }
    }

    fn generation(&self) -> i64 {
        self.metadata.generation.unwrap_or(0)
    }

    fn annotation(&self) -> Option<&'a str> {
        self.metadata.annotations.as_ref()?.get(APPLIED_PLACEMENT_ANNOTATION).map(String::as_str)
    }
}

/// Decides what to do with a binding.
///
/// It may be called at any time and as often as one likes: a binding whose result stands is left
/// alone, apart from the note that its generation was looked at.
pub fn reconcile_binding(
    context: &ScheduleContext<'_>,
    binding: &BindingInput<'_>,
    now: Timestamp,
) -> BindingDecision {
    let mut decision = BindingDecision {
        trigger: None,
        attempts: Vec::new(),
        change: None,
        status: None,
        events: Vec::new(),
        retry: Retry::None,
    };
    if binding.metadata.deletion_timestamp.is_some() {
        let (name, title) = title(binding);
        decision.events.push(warning(format!("skip schedule deleting {}: {name}", first_lower(title))));
        return decision;
    }
    let Some(placement) = &binding.spec.placement else {
        let namespace = binding.metadata.namespace.as_deref().unwrap_or_default();
        let name = binding.metadata.name.as_deref().unwrap_or_default();
        decision.events.push(warning(format!("binding {namespace}/{name} has no placement")));
        decision.retry = Retry::Backoff;
        return decision;
    };
    let placed = place_binding(context, binding);
    decision.trigger = placed.trigger;
    decision.attempts = placed.attempts;
    let Some(outcome) = placed.outcome else {
        decision.status = finish_interrupted(binding, now).or_else(|| observe_generation(binding));
        return decision;
    };
    if !placement.cluster_affinities.is_empty() {
        decision.events.extend(failed_attempts(binding, &decision.attempts));
    }
    match outcome {
        Ok((clusters, affinity_name)) => {
            succeed(&mut decision, binding, placement, clusters, affinity_name, now);
        }
        Err(error) => fail(&mut decision, binding, placement, &error, now),
    }
    decision
}

/// Where a binding goes, without what is to be written about it.
#[derive(Clone, Debug)]
pub struct PlacedBinding {
    /// Why the binding was scheduled; none when its result stands.
    pub trigger: Option<Trigger>,
    /// What was tried, one attempt per affinity group.
    pub attempts: Vec<Attempt>,
    /// The clusters and the affinity group in use, or the failure that counts; none when the result
    /// stands.
    pub outcome: Option<PlacementResult>,
}

/// Decides where a binding goes.
///
/// It is the decision in [`reconcile_binding`], for those who write nothing.
pub fn place_binding(context: &ScheduleContext<'_>, binding: &BindingInput<'_>) -> PlacedBinding {
    let mut placed = PlacedBinding { trigger: None, attempts: Vec::new(), outcome: None };
    let Some(placement) = &binding.spec.placement else { return placed };
    let input = binding.schedule_input();
    let gates = context.options.gates;
    placed.trigger = needs_scheduling(context.snapshot, gates, &input, binding.annotation());
    if placed.trigger.is_none() {
        return placed;
    }
    let outcome = if placement.cluster_affinities.is_empty() {
        let decision = schedule(context, &input);
        placed.attempts.push(Attempt { affinity_name: String::new(), decision });
        outcome_of_last(&placed.attempts, None)
    } else {
        try_affinities(context, &input, placement, &mut placed.attempts)
    };
    placed.outcome = Some(outcome);
    placed
}

/// Returns an event for every affinity group that was tried without success.
fn failed_attempts(binding: &BindingInput<'_>, attempts: &[Attempt]) -> Vec<BindingEvent> {
    let placement = binding.spec.placement.as_ref();
    let index_of = |name: &str| {
        let groups = placement.map(|placement| placement.cluster_affinities.as_slice()).unwrap_or_default();
        groups.iter().position(|group| group.affinity_name == name).unwrap_or_default()
    };
    let (name, title) = title(binding);
    let failures = attempts.iter().filter_map(|attempt| {
        let error = attempt.decision.result.as_ref().err()?;
        let index = index_of(&attempt.affinity_name);
        Some(warning(format!(
            "failed to schedule {title}({name}) with clusterAffiliates index({index}): {error}"
        )))
    });
    failures.collect()
}

/// Returns namespace and name as one key, and the kind.
fn title(binding: &BindingInput<'_>) -> (String, &'static str) {
    let name = binding.metadata.name.as_deref().unwrap_or_default();
    match binding.metadata.namespace.as_deref() {
        Some(namespace) => (format!("{namespace}/{name}"), "ResourceBinding"),
        None => (name.to_owned(), "ClusterResourceBinding"),
    }
}

/// Returns a word with a small first letter.
fn first_lower(word: &str) -> String {
    let mut characters = word.chars();
    characters.next().map_or_else(String::new, |first| first.to_lowercase().chain(characters).collect())
}

/// The clusters and the affinity group in use, or the failure that counts.
pub type PlacementResult = Result<(Vec<TargetCluster>, Option<String>), ScheduleError>;

/// Tries the affinity groups from the one in use on, until one has room.
///
/// It never goes back to an earlier group by itself, but does when a schedule from scratch was
/// asked for. When no group will do, the first failure counts.
fn try_affinities(
    context: &ScheduleContext<'_>,
    input: &ScheduleInput<'_>,
    placement: &Placement,
    attempts: &mut Vec<Attempt>,
) -> PlacementResult {
    let groups = &placement.cluster_affinities;
    let in_use = groups.iter().position(|group| group.affinity_name == input.affinity_name);
    let start = if input.is_fresh() { 0 } else { in_use.unwrap_or(0) };
    let mut first_error = None;
    for group in &groups[start..] {
        let name = group.affinity_name.clone();
        let decision = schedule(context, &ScheduleInput { affinity_name: &name, ..*input });
        attempts.push(Attempt { affinity_name: name.clone(), decision });
        match outcome_of_last(attempts, Some(name)) {
            Ok(outcome) => return Ok(outcome),
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    Err(first_error.expect("there is at least one affinity group"))
}

fn outcome_of_last(attempts: &[Attempt], affinity_name: Option<String>) -> PlacementResult {
    let last = attempts.last().expect("an attempt was made");
    last.decision.result.clone().map(|clusters| (clusters, affinity_name))
}

fn succeed(
    decision: &mut BindingDecision,
    binding: &BindingInput<'_>,
    placement: &Placement,
    clusters: Vec<TargetCluster>,
    affinity_name: Option<String>,
    now: Timestamp,
) {
    let result: Vec<String> =
        clusters.iter().map(|target| format!("{}:{}", target.name, target.replicas)).collect();
    // The two kinds differ in a colon; the text is compared by those who watch events.
    let label = if binding.metadata.namespace.is_some() { "Result:" } else { "Result" };
    decision.events.push(BindingEvent {
        kind: EventKind::Normal,
        reason: SCHEDULE_BINDING_SUCCEED,
        message: format!("{SUCCESS_MESSAGE} {label} {{{}}}", result.join(", ")),
    });
    decision.change = change(binding, placement, clusters);
    let observed = binding.status.map_or("", |status| &status.scheduler_observed_affinity_name);
    decision.status = Some(StatusChange {
        observed_generation: Some(binding.generation()),
        observed_affinity_name: affinity_name.filter(|name| name != observed),
        last_scheduled_time: Some(now),
        conditions: with_condition(binding, "True", REASON_SUCCESS, SUCCESS_MESSAGE, now),
    });
}

fn fail(
    decision: &mut BindingDecision,
    binding: &BindingInput<'_>,
    placement: &Placement,
    error: &ScheduleError,
    now: Timestamp,
) {
    let message = error.to_string();
    if placement.cluster_affinities.is_empty() {
        decision.events.push(warning(message.clone()));
    }
    let reason = match error.kind() {
        ScheduleErrorKind::NoFit => {
            // No cluster may have the workload any more.
            decision.change = change(binding, placement, Vec::new());
            REASON_NO_CLUSTER_FIT
        }
        ScheduleErrorKind::Unschedulable => {
            decision.retry = Retry::Unschedulable;
            REASON_UNSCHEDULABLE
        }
        ScheduleErrorKind::Other => {
            decision.retry = Retry::Backoff;
            REASON_SCHEDULER_ERROR
        }
    };
    let conditions = with_condition(binding, "False", reason, &message, now);
    decision.status = conditions.map(|conditions| StatusChange {
        observed_generation: None,
        observed_affinity_name: None,
        last_scheduled_time: None,
        conditions: Some(conditions),
    });
}

/// Returns what to tell of a result that admission refused to write, for it exceeds a quota.
///
/// The binding is tried again: the quota may be raised, or used less.
pub fn quota_exceeded(
    binding: &BindingInput<'_>,
    message: &str,
    now: Timestamp,
) -> (Option<StatusChange>, BindingEvent) {
    let conditions = with_condition(binding, "False", REASON_QUOTA_EXCEEDED, message, now);
    let status = conditions.map(|conditions| StatusChange {
        observed_generation: None,
        observed_affinity_name: None,
        last_scheduled_time: None,
        conditions: Some(conditions),
    });
    (status, warning(message.to_owned()))
}

/// Returns the status that belongs to a result that was written without it.
///
/// Result and status are two writes: whoever is stopped in between leaves a binding that has its
/// clusters and still says that it has none.
fn finish_interrupted(binding: &BindingInput<'_>, now: Timestamp) -> Option<StatusChange> {
    if binding.spec.clusters.is_empty() {
        return None;
    }
    let conditions = binding.status.map(|status| status.conditions.as_slice()).unwrap_or_default();
    let scheduled = conditions.iter().find(|condition| condition.type_ == CONDITION_SCHEDULED);
    let says_so = scheduled.is_some_and(|condition| condition.status == "True");
    let is_observed =
        binding.status.map_or(0, |status| status.scheduler_observed_generation) == binding.generation();
    if says_so || is_observed {
        return None;
    }
    Some(StatusChange {
        observed_generation: Some(binding.generation()),
        observed_affinity_name: None,
        last_scheduled_time: Some(now),
        conditions: with_condition(binding, "True", REASON_SUCCESS, SUCCESS_MESSAGE, now),
    })
}

/// Returns the note that the generation was looked at, when it was not made yet.
fn observe_generation(binding: &BindingInput<'_>) -> Option<StatusChange> {
    let observed = binding.status.map_or(0, |status| status.scheduler_observed_generation);
    (observed != binding.generation()).then(|| StatusChange {
        observed_generation: Some(binding.generation()),
        observed_affinity_name: None,
        last_scheduled_time: None,
        conditions: None,
    })
}

/// Returns what to write into the binding; none when it is there already.
fn change(
    binding: &BindingInput<'_>,
    placement: &Placement,
    clusters: Vec<TargetCluster>,
) -> Option<BindingChange> {
    let applied_placement = applied_placement::print(placement);
    let known = &binding.spec.clusters;
    // The order says nothing, and upstream's is random.
    let is_same = known.len() == clusters.len() && clusters.iter().all(|target| known.contains(target));
    let clusters = if is_same { known.clone() } else { clusters };
    let is_there =
        binding.spec.clusters == clusters && binding.annotation() == Some(applied_placement.as_str());
    (!is_there).then_some(BindingChange { clusters, applied_placement })
}

/// Returns all conditions with `Scheduled` set; none when nothing changes.
fn with_condition(
    binding: &BindingInput<'_>,
    status: &str,
    reason: &str,
    message: &str,
    now: Timestamp,
) -> Option<Vec<Condition>> {
    let mut conditions = binding.status.map_or_else(Vec::new, |status| status.conditions.clone());
    let mut wanted = Condition {
        type_: CONDITION_SCHEDULED.to_owned(),
        status: status.to_owned(),
        reason: reason.to_owned(),
        message: message.to_owned(),
        last_transition_time: Some(Time(now)),
        ..Default::default()
    };
    match conditions.iter_mut().find(|condition| condition.type_ == CONDITION_SCHEDULED) {
        Some(known) => {
            if known.status == wanted.status {
                wanted.last_transition_time.clone_from(&known.last_transition_time);
                wanted.observed_generation = known.observed_generation;
            }
            if *known == wanted {
                return None;
            }
            *known = wanted;
        }
        None => conditions.push(wanted),
    }
    Some(conditions)
}

fn warning(message: String) -> BindingEvent {
    BindingEvent { kind: EventKind::Warning, reason: SCHEDULE_BINDING_FAILED, message }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        api::cluster::Cluster,
        scheduling::{AssumedWorkloads, ScheduleOptions, Snapshot, Trigger, WorkloadGroups},
    };

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn cluster(name: &str, pods: i64) -> Cluster {
        serde_json::from_value(json!({
            "metadata": {"name": name},
            "status": {
                "apiEnablements": [{"groupVersion": "apps/v1", "resources": [{"kind": "Deployment", "name": "d"}]}],
                "resourceSummary": {"allocatable": {"pods": pods.to_string()}},
            },
        }))
        .unwrap()
    }

    fn binding(replicas: i32, affinities: &[(&str, &str)]) -> ResourceBinding {
        let affinities: Vec<Value> = affinities
            .iter()
            .map(|(name, cluster)| json!({"affinityName": name, "clusterNames": [cluster]}))
            .collect();
        serde_json::from_value(json!({
            "metadata": {"name": "web-deployment", "namespace": "shop", "generation": 4},
            "spec": {
                "resource": {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "web"},
                "replicas": replicas,
                "placement": {
                    "clusterAffinities": affinities,
                    "replicaScheduling": {
                        "replicaSchedulingType": "Divided", "replicaDivisionPreference": "Aggregated"
                    },
                },
            },
        }))
        .unwrap()
    }

    fn reconcile(binding: &ResourceBinding) -> BindingDecision {
        let snapshot = Snapshot::new([&cluster("m1", 5), &cluster("m2", 10)]);
        let (groups, assumed, options) =
            (WorkloadGroups::default(), AssumedWorkloads::default(), ScheduleOptions::default());
        let context =
            ScheduleContext { snapshot: &snapshot, groups: &groups, assumed: &assumed, options: &options };
        reconcile_binding(&context, &BindingInput::from(binding), NOW)
    }

    /// Writes a decision into the binding, as the controller does.
    fn apply(binding: &ResourceBinding, decision: &BindingDecision) -> ResourceBinding {
        let mut value = serde_json::to_value(binding).unwrap();
        for patch in [
            decision.change.as_ref().map(BindingChange::merge_patch),
            decision.status.as_ref().map(StatusChange::merge_patch),
        ] {
            json_patch::merge(&mut value, &patch.unwrap_or_else(|| json!({})));
        }
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn finishes_a_result_whose_status_was_never_written() {
        let mut stopped = binding(8, &[("near", "m1"), ("far", "m2")]);
        let decision = reconcile(&stopped);
        // The first of the two writes was done, the second was not.
        let change = decision.change.unwrap();
        stopped.spec.clusters.clone_from(&change.clusters);
        let annotations = stopped.metadata.annotations.get_or_insert_default();
        annotations.insert(APPLIED_PLACEMENT_ANNOTATION.to_owned(), change.applied_placement);
        stopped.status = Some(ResourceBindingStatus {
            scheduler_observed_affinity_name: "far".to_owned(),
            ..ResourceBindingStatus::default()
        });
        stopped.metadata.generation = Some(5);
        let decision = reconcile(&stopped);
        assert_eq!(decision.trigger, None);
        let status = decision.status.unwrap();
        assert_eq!(status.condition().unwrap().status, "True");
        assert_eq!((status.observed_generation, status.last_scheduled_time), (Some(5), Some(NOW)));
    }

    #[test]
    fn falls_back_to_the_next_affinity_group_with_room() {
        let decision = reconcile(&binding(8, &[("near", "m1"), ("far", "m2")]));
        assert_eq!(decision.trigger, Some(Trigger::PlacementChanged));
        assert_eq!(decision.attempts.len(), 2);
        assert_eq!(decision.change.as_ref().unwrap().clusters[0].name, "m2");
        let status = decision.status.unwrap();
        assert_eq!(status.observed_affinity_name.as_deref(), Some("far"));
        assert_eq!(status.observed_generation, Some(4));
        let messages: Vec<&str> = decision.events.iter().map(|event| event.message.as_str()).collect();
        assert!(messages[0].contains("clusterAffiliates index(0): "), "{messages:?}");
        assert!(messages[1].starts_with(SUCCESS_MESSAGE) && messages[1].ends_with("{m2:8}"), "{messages:?}");
        assert_eq!(decision.retry, Retry::None);
    }

    #[test]
    fn leaves_a_binding_alone_once_its_result_stands() {
        let before = binding(8, &[("near", "m1"), ("far", "m2")]);
        let after = apply(&before, &reconcile(&before));
        let decision = reconcile(&after);
        assert_eq!(decision.trigger, None);
        assert!(decision.change.is_none() && decision.status.is_none() && decision.events.is_empty());
    }

    #[test]
    fn a_result_in_another_order_is_no_change() {
        let mut before = binding(2, &[]);
        before.spec.placement = Some(Placement::default());
        let mut after = apply(&before, &reconcile(&before));
        after.spec.clusters.reverse();
        let decision = reconcile(&after);
        assert_eq!((decision.trigger, after.spec.clusters.len()), (Some(Trigger::Duplicated), 2));
        assert_eq!(decision.change, None);
        after.spec.clusters.pop();
        assert!(reconcile(&after).change.is_some());
    }

    #[test]
    fn takes_the_clusters_away_when_none_fits() {
        let mut binding = binding(8, &[("near", "gone")]);
        binding.spec.clusters = vec![TargetCluster { name: "m1".into(), replicas: 8, ..Default::default() }];
        let decision = reconcile(&binding);
        assert_eq!(decision.change.unwrap().merge_patch()["spec"], json!({"clusters": null}));
        assert_eq!(decision.status.unwrap().condition().unwrap().reason, REASON_NO_CLUSTER_FIT);
        assert_eq!(decision.retry, Retry::None);
    }

    #[test]
    fn keeps_the_clusters_when_there_is_too_little_room() {
        let decision = reconcile(&binding(80, &[("near", "m1"), ("far", "m2")]));
        assert!(decision.change.is_none());
        assert_eq!(decision.status.unwrap().condition().unwrap().reason, REASON_UNSCHEDULABLE);
        assert_eq!(decision.retry, Retry::Unschedulable);
    }

    #[test]
    fn writes_a_failure_only_once() {
        let before = binding(80, &[("near", "m1")]);
        let after = apply(&before, &reconcile(&before));
        assert!(reconcile(&after).status.is_none());
    }

    #[test]
    fn does_not_schedule_what_is_being_deleted() {
        let mut binding = binding(8, &[("near", "m1")]);
        binding.metadata.deletion_timestamp = Some(Time(NOW));
        let decision = reconcile(&binding);
        assert!(decision.attempts.is_empty() && decision.change.is_none());
        assert_eq!(decision.events.len(), 1);
    }
}
