//! One resource: which policy propagates it, and where the scheduler puts it.

use serde_json::Value;

use super::{
    Mode, Note, Obstacle, Reason, Record, World, identity::stable_id, record::PolicyName, world::Template,
};
use crate::{
    api::{
        policy::{Preemption, ReplicaSchedulingType},
        work::{
            ResourceBindingSpec, TargetCluster,
            constants::{CLUSTER_RESOURCE_BINDING_ID_LABEL, RESOURCE_BINDING_ID_LABEL},
        },
    },
    object::{self, GroupVersionKind},
    propagation::{
        Binding, BindingView, Change, Claimant, Lookup, PolicyRef, PropagationError, TemplateInput,
        TemplateOutcome, Write, best_cluster_policy, best_policy, claimant, preempt, reconcile_template,
        unclaim_patch,
    },
    scheduling::{
        AssumedWorkloads, Attempt, BindingInput, ClusterIndex, DivisionStep, Explanation, ScheduleContext,
        ScheduleError, ScheduleErrorKind, ScheduleInput, Trigger, WorkloadGroups, is_in_charge,
        place_binding,
    },
    work::wants_namespace_works,
};

/// How often a template changes hands before its policy is settled.
const MOST_TURNS: usize = 8;

/// What the detector makes of a template.
pub(super) struct Propagated {
    pub(super) result: Detected,
    /// The template with its claim; none when it is as in the input.
    pub(super) claimed: Option<Value>,
    /// Its binding; the scheduler has not looked at it yet.
    pub(super) binding: Option<Binding>,
    pub(super) policy: Option<PolicyName>,
    pub(super) notes: Vec<Note>,
}

/// How the template stands.
pub(super) enum Detected {
    /// A policy propagates it.
    Bound,
    /// It is a namespace that goes to every member.
    Everywhere,
    Not(Reason),
    Failed(PropagationError),
}

/// What the scheduler makes of a binding.
pub(super) struct Scheduled {
    pub(super) trigger: Option<Trigger>,
    pub(super) attempts: Vec<Attempt>,
    pub(super) obstacle: Option<Obstacle>,
    /// The clusters of the earlier result.
    pub(super) held: Vec<TargetCluster>,
    pub(super) notes: Vec<Note>,
}

impl World {
    /// Decides which policy propagates a template, and makes its binding.
    pub(super) fn propagate(&self, index: usize) -> Propagated {
        let template = &self.templates[index];
        let mut propagated = Propagated {
            result: Detected::Not(Reason::NoPolicy),
            claimed: None,
            binding: self.binding_of(&template.key).cloned(),
            policy: None,
            notes: Vec::new(),
        };
        if let Some(result) = self.decided_without_policy(template) {
            propagated.result = result;
            return propagated;
        }
        if self.older_bindings.contains(&index) {
            propagated.notes.push(Note::BindingOfOlderObject);
        }
        let lookup = self.policies.for_template(&template.value);
        self.settle_preemption(template, &lookup, &mut propagated);
        for _ in 0..MOST_TURNS {
            let value = propagated.claimed.as_ref().unwrap_or(&template.value);
            let decision = reconcile_template(&TemplateInput {
                template: value,
                binding: propagated.binding.as_ref().map(BindingView::from),
                change: Change::ByUser,
                is_waiting: true,
                lookup: &lookup,
                gates: &self.options.gates,
                interpreter: &self.options.interpreter,
            });
            let released = claimant(value);
            for write in decision.writes {
                propagated.carry_out(&template.value, write);
            }
            match decision.outcome {
                TemplateOutcome::Propagated { .. } | TemplateOutcome::ClaimedOnly { .. } => {
                    propagated.result = Detected::Bound;
                    break;
                }
                TemplateOutcome::Unclaimed => {}
                TemplateOutcome::NoLongerSelected => {
                    if let Some(claimant) = released {
                        propagated.release(&template.value, &claimant);
                    }
                }
                TemplateOutcome::ClaimedByController => {
                    propagated.result = Detected::Not(Reason::ClaimedByController);
                    break;
                }
                TemplateOutcome::Waiting => {
                    let has_place = |binding: &Binding| !binding.spec().clusters.is_empty();
                    if propagated.binding.as_ref().is_some_and(has_place) {
                        propagated.notes.push(Note::PolicyGone);
                    }
                    break;
                }
                TemplateOutcome::Failed => {
                    if let Some(error) = decision.error {
                        propagated.result = Detected::Failed(error);
                    }
                    break;
                }
            }
        }
        let value = propagated.claimed.as_ref().unwrap_or(&template.value);
        propagated.policy = match &propagated.result {
            Detected::Bound => claimant(value).and_then(|claimant| self.policy_name(&claimant)),
            Detected::Failed(_) => self.chosen_policy(value, &lookup),
            _ => None,
        };
        if let Some(binding) = &mut propagated.binding {
            give_id(binding);
        }
        propagated
    }

    /// Lets the scheduler choose the clusters of a binding.
    pub(super) fn schedule(&self, binding: &mut Binding, groups: &WorkloadGroups) -> Scheduled {
        let mut scheduled = Scheduled {
            trigger: None,
            attempts: Vec::new(),
            obstacle: None,
            held: Vec::new(),
            notes: Vec::new(),
        };
        let spec = binding.spec();
        if spec.placement.is_none() {
            return scheduled;
        }
        if !is_in_charge(&self.options.scheduler_name, binding.metadata(), spec) {
            scheduled.obstacle = Some(if spec.is_scheduling_suspended() {
                Obstacle::Suspended
            } else {
                Obstacle::OtherScheduler { name: spec.scheduler_name.clone() }
            });
            return scheduled;
        }
        let context = ScheduleContext {
            snapshot: &self.snapshot,
            groups,
            assumed: &AssumedWorkloads::default(),
            options: &self.schedule,
        };
        let input = match &*binding {
            Binding::Namespaced(binding) => BindingInput::from(binding),
            Binding::Cluster(binding) => BindingInput::from(binding),
        };
        let placed = place_binding(&context, &input);
        scheduled.trigger = placed.trigger;
        scheduled.attempts = placed.attempts;
        match placed.outcome {
            None => {}
            Some(Ok((clusters, _))) => {
                scheduled.held = std::mem::replace(&mut binding.spec_mut().clusters, clusters);
            }
            Some(Err(error)) => {
                scheduled.notes.extend(room_note(&error, binding.spec()));
                scheduled.held.clone_from(&binding.spec().clusters);
                if error.kind() == ScheduleErrorKind::NoFit {
                    binding.spec_mut().clusters.clear();
                }
                if !binding.spec().clusters.is_empty() {
                    scheduled.notes.push(Note::Kept);
                }
                scheduled.obstacle = Some(Obstacle::NoFit(error));
            }
        }
        scheduled
    }

    /// Explains what the scheduler tried for a record, attempt by attempt.
    ///
    /// With the feature WorkloadAffinity, groups are explained as if no other workload was placed.
    pub fn explain(&self, record: &Record, mut each: impl FnMut(&Attempt, &Explanation<'_>)) {
        let Some(binding) = record.binding() else { return };
        let mut spec = binding.spec().clone();
        spec.clusters.clone_from(&record.held);
        let status = match binding {
            Binding::Namespaced(binding) => binding.status.as_ref(),
            Binding::Cluster(binding) => binding.status.as_ref(),
        };
        let last_scheduled = status.and_then(|status| status.last_scheduled_time.as_ref());
        let context = ScheduleContext {
            snapshot: &self.snapshot,
            groups: &WorkloadGroups::default(),
            assumed: &AssumedWorkloads::default(),
            options: &self.schedule,
        };
        for attempt in &record.attempts {
            let input = ScheduleInput {
                name: binding.metadata().name.as_deref().unwrap_or_default(),
                spec: &spec,
                affinity_name: &attempt.affinity_name,
                last_scheduled: last_scheduled.map(|time| time.0),
                estimates: None,
            };
            each(attempt, &attempt.decision.explain(&context, &input));
        }
    }

    /// Returns the clusters that a template goes to by its policy.
    pub(super) fn clusters_of(&self, index: usize) -> Vec<String> {
        let propagated = self.propagate(index);
        let (Detected::Bound, Some(mut binding)) = (propagated.result, propagated.binding) else {
            return Vec::new();
        };
        self.schedule(&mut binding, &WorkloadGroups::default());
        binding.spec().clusters.iter().map(|target| target.name.clone()).collect()
    }

    /// Returns what is decided before any policy is looked at.
    fn decided_without_policy(&self, template: &Template) -> Option<Detected> {
        let value = &template.value;
        let not = |reason| Some(Detected::Not(reason));
        if object::is_terminating(value) {
            return not(Reason::Deleted);
        }
        if self.options.skipped_apis.skips(&GroupVersionKind::of(value)) {
            return not(Reason::ApiSkipped);
        }
        if template.key.api_version == "v1" && template.key.kind == "Namespace" {
            if !self.options.namespaces.includes_namespace(&template.key.name) {
                return not(Reason::NamespaceSkipped { namespace: template.key.name.clone() });
            }
            if wants_namespace_works(value) {
                return Some(Detected::Everywhere);
            }
        }
        if !self.options.namespaces.handles(value) {
            return not(Reason::NamespaceSkipped { namespace: template.key.namespace.clone() });
        }
        None
    }

    /// Lets policies take a template that another one claims, until none does any more.
    fn settle_preemption(&self, template: &Template, lookup: &dyn Lookup, propagated: &mut Propagated) {
        if claimant(&template.value).is_none() {
            return;
        }
        let namespaced =
            lookup.propagation_policies(&template.key.namespace).into_iter().map(PolicyRef::from);
        let cluster = lookup.cluster_propagation_policies().into_iter().map(PolicyRef::from);
        let mut policies: Vec<PolicyRef> = namespaced
            .chain(cluster)
            .filter(|policy| policy.spec().preemption == Preemption::Always && !policy.is_terminating())
            .collect();
        policies.sort_by(|left, right| (right.priority(), left.name()).cmp(&(left.priority(), right.name())));
        for policy in policies {
            let value = propagated.claimed.as_ref().unwrap_or(&template.value);
            if let Some(taken) = preempt(&policy, value, lookup, &self.options.gates) {
                merge_into(&mut propagated.claimed, &template.value, &taken.patch);
                propagated.notes.push(Note::Preempted { message: taken.event.message });
            }
        }
    }

    fn policy_name(&self, claimant: &Claimant) -> Option<PolicyName> {
        let (namespace, name) = match claimant {
            Claimant::Namespaced { namespace, name, .. } => (namespace.clone(), name.clone()),
            Claimant::Cluster { name, .. } => (String::new(), name.clone()),
        };
        let key = (namespace, name);
        let object = *self.policy_objects.get(&key)?;
        Some(PolicyName { object, namespace: key.0, name: key.1 })
    }

    /// Returns the policy that was chosen for a template, whatever came of it.
    fn chosen_policy(&self, value: &Value, lookup: &dyn Lookup) -> Option<PolicyName> {
        if let Some(claimant) = claimant(value) {
            return self.policy_name(&claimant);
        }
        let policies = lookup.propagation_policies(object::namespace(value));
        if let Some(policy) = best_policy(value, &policies) {
            return self.policy_name(&Claimant::from(&PolicyRef::from(policy.clone())));
        }
        let policies = lookup.cluster_propagation_policies();
        let policy = best_cluster_policy(value, &policies)?;
        self.policy_name(&Claimant::from(&PolicyRef::from(policy.clone())))
    }
}

impl Propagated {
    /// Does to the simulated objects what a write does to real ones.
    fn carry_out(&mut self, original: &Value, write: Write) {
        match write {
            Write::PatchTemplate { patch, .. } => merge_into(&mut self.claimed, original, &patch),
            Write::CreateBinding(binding) | Write::UpdateBinding(binding) => self.binding = Some(*binding),
            Write::PatchBinding { patch, .. } => self.patch_binding(&patch),
        }
    }

    /// Takes a claim away from the template and its binding, as the policy's own turn does.
    fn release(&mut self, original: &Value, claimant: &Claimant) {
        let value = self.claimed.as_ref().unwrap_or(original);
        if let Some(patch) = unclaim_patch(value, claimant) {
            merge_into(&mut self.claimed, original, &patch);
            self.patch_binding(&patch);
        }
    }

    fn patch_binding(&mut self, patch: &Value) {
        let Some(binding) = &mut self.binding else { return };
        let metadata = match binding {
            Binding::Namespaced(binding) => &mut binding.metadata,
            Binding::Cluster(binding) => &mut binding.metadata,
        };
        for (field, entries) in [("labels", &mut metadata.labels), ("annotations", &mut metadata.annotations)]
        {
            let entries = entries.get_or_insert_default();
            for (key, value) in patch["metadata"][field].as_object().into_iter().flatten() {
                match value.as_str() {
                    Some(text) => drop(entries.insert(key.clone(), text.to_owned())),
                    None => drop(entries.remove(key)),
                }
            }
        }
    }
}

/// Returns the shares of a successful attempt, by cluster name.
pub(super) fn shares(attempt: &Attempt) -> impl Iterator<Item = (ClusterIndex, i32)> {
    attempt.decision.verdicts.iter().filter_map(|verdict| Some((verdict.cluster, verdict.share?)))
}

/// Returns how a binding is spread over its clusters.
pub(super) fn mode_of(spec: &ResourceBindingSpec) -> Mode {
    let Some(placement) = &spec.placement else { return Mode::Following };
    if !spec.is_workload() {
        return Mode::Copied;
    }
    let scheduling = placement.replica_scheduling.as_ref();
    match scheduling.map(|scheduling| &scheduling.replica_scheduling_type) {
        Some(ReplicaSchedulingType::Divided) => Mode::Divided,
        _ => Mode::Duplicated,
    }
}

/// Gives a binding the permanent id that admission would give it.
pub(super) fn give_id(binding: &mut Binding) {
    let (label, metadata) = match binding {
        Binding::Namespaced(binding) => (RESOURCE_BINDING_ID_LABEL, &mut binding.metadata),
        Binding::Cluster(binding) => (CLUSTER_RESOURCE_BINDING_ID_LABEL, &mut binding.metadata),
    };
    let namespace = metadata.namespace.as_deref().unwrap_or_default();
    let name = metadata.name.as_deref().unwrap_or_default();
    let id = || stable_id(&[label, namespace, name]);
    let labels = metadata.labels.get_or_insert_default();
    if labels.get(label).is_none_or(String::is_empty) {
        labels.insert(label.to_owned(), id());
    }
}

/// Returns how many replicas would fit, where that is the obstacle.
fn room_note(error: &ScheduleError, spec: &ResourceBindingSpec) -> Option<Note> {
    let ScheduleError::NotEnoughReplicas { step, available } = error else { return None };
    let held: i64 = spec.clusters.iter().map(|target| i64::from(target.replicas)).sum();
    let fitting = match step {
        DivisionStep::ScaleUp => held.saturating_add(*available),
        _ => *available,
    };
    let wanted = i64::from(spec.replicas);
    Some(Note::Room { fitting: fitting.clamp(0, wanted), wanted })
}

fn merge_into(claimed: &mut Option<Value>, original: &Value, patch: &Value) {
    json_patch::merge(claimed.get_or_insert_with(|| original.clone()), patch);
}
