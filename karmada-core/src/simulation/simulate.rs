//! One record after the other.

use std::vec;

use super::{
    Mode, Note, Obstacle, Outcome, Problem, Reason, Record, World,
    flow::{Detected, Propagated, Scheduled, mode_of, shares},
    followers::Followers,
    record::Destination,
    remarks::Tally,
};
use crate::{
    api::work::{ResourceBindingSpec, TargetCluster},
    propagation::Binding,
    scheduling::{ClusterIndex, WorkloadGroups},
};

/// The records of a world, made one at a time.
pub struct Simulation<'w> {
    world: &'w World,
    next: usize,
    followers: Followers<'w>,
    groups: WorkloadGroups,
    /// Records that were made before their turn, as the order of scheduling has a meaning.
    early: Option<vec::IntoIter<Record>>,
    tally: Tally<'w>,
}

impl<'w> Simulation<'w> {
    pub(super) fn new(world: &'w World) -> Self {
        let mut simulation = Self {
            world,
            next: 0,
            followers: Followers::new(world),
            groups: WorkloadGroups::default(),
            early: None,
            tally: Tally::new(world),
        };
        if world.schedule.gates.workload_affinity {
            simulation.simulate_by_priority();
        }
        simulation
    }

    /// Returns what is remarkable about all records so far: policies that select nothing, override
    /// policies that change nothing, clusters that get nothing.
    ///
    /// Ask for it after the last record.
    pub fn remarks(&self) -> Vec<Problem> {
        self.tally.remarks()
    }

    /// Makes all records at once, those of high priority first.
    ///
    /// Workloads of a group look at where the others went, so the order matters: it is that of the
    /// scheduler's queue, and of names where priorities are equal.
    fn simulate_by_priority(&mut self) {
        for binding in self.world.bindings.values() {
            if let Binding::Namespaced(binding) = binding {
                self.groups.observe(binding);
            }
        }
        let priority = |index: usize| {
            let binding = self.world.propagate(index).binding;
            let priority = binding.and_then(|binding| binding.spec().schedule_priority.clone());
            priority.map_or(0, |priority| priority.priority)
        };
        let mut order: Vec<(i32, usize)> =
            (0..self.world.len()).map(|index| (-priority(index), index)).collect();
        order.sort_unstable();
        let mut records: Vec<Record> = Vec::with_capacity(order.len());
        for (_, index) in order {
            let record = self.record(index);
            if let Some(Binding::Namespaced(binding)) = record.binding() {
                let name = binding.metadata.name.as_deref().unwrap_or_default();
                let namespace = binding.metadata.namespace.as_deref().unwrap_or_default();
                self.groups.remove(namespace, name);
                self.groups.observe(binding);
            }
            records.push(record);
        }
        records.sort_by_key(|record| record.template);
        self.early = Some(records.into_iter());
    }

    fn record(&mut self, index: usize) -> Record {
        let world = self.world;
        let mut propagated = world.propagate(index);
        if matches!(propagated.result, Detected::Everywhere) {
            return everywhere(world, index);
        }
        let mut notes = std::mem::take(&mut propagated.notes);
        let mut scheduled = None;
        if matches!(propagated.result, Detected::Bound) {
            notes.extend(world.missing_dependencies(index, &propagated));
            if let Some(binding) = &mut propagated.binding {
                let mut result = world.schedule(binding, &self.groups);
                notes.append(&mut result.notes);
                scheduled = Some(result);
            }
        }
        let may_follow = matches!(
            propagated.result,
            Detected::Bound | Detected::Failed(_) | Detected::Not(Reason::NoPolicy)
        );
        let followed = if may_follow {
            self.followers.attach(index, &mut propagated.binding, &self.groups)
        } else {
            super::followers::Followed::default()
        };
        notes.extend(followed.notes);
        if let Some(binding) = &propagated.binding {
            notes.extend(binding_notes(world, binding.spec()));
        }
        assemble(world, index, propagated, scheduled, followed.required_by, notes)
    }
}

impl Iterator for Simulation<'_> {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        let record = match &mut self.early {
            Some(records) => records.next()?,
            None if self.next < self.world.len() => self.record(self.next),
            None => return None,
        };
        self.next += 1;
        self.tally.count(&record);
        Some(record)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.world.len() - self.next;
        (left, Some(left))
    }
}

impl ExactSizeIterator for Simulation<'_> {}

fn everywhere(world: &World, index: usize) -> Record {
    let live = world.clusters.values().filter(|cluster| cluster.metadata.deletion_timestamp.is_none());
    let targets: Vec<TargetCluster> = live
        .map(|cluster| TargetCluster { name: cluster.name().to_owned(), ..TargetCluster::default() })
        .collect();
    let template = &world.templates[index];
    Record {
        object: template.object,
        key: template.key.clone(),
        policy: None,
        outcome: Outcome::Placed(Mode::Everywhere),
        trigger: None,
        attempts: Vec::new(),
        required_by: Vec::new(),
        overrides: world.overrides_of(&template.value, positions(world, &targets)),
        notes: Vec::new(),
        template: index,
        claimed: None,
        destination: Destination::Clusters(targets),
        held: Vec::new(),
    }
}

fn assemble(
    world: &World,
    index: usize,
    propagated: Propagated,
    scheduled: Option<Scheduled>,
    required_by: Vec<crate::propagation::TemplateKey>,
    notes: Vec<Note>,
) -> Record {
    let template = &world.templates[index];
    let Propagated { result, claimed, binding, policy, .. } = propagated;
    let (trigger, attempts, obstacle, held) = match scheduled {
        Some(Scheduled { trigger, attempts, obstacle, held, .. }) => (trigger, attempts, obstacle, held),
        None => (None, Vec::new(), None, Vec::new()),
    };
    let destination = binding.map_or(Destination::Nowhere, |binding| Destination::Binding(Box::new(binding)));
    let mut record = Record {
        object: template.object,
        key: template.key.clone(),
        policy,
        outcome: Outcome::NotPropagated(Reason::NoPolicy),
        trigger,
        attempts,
        required_by,
        overrides: Vec::new(),
        notes,
        template: index,
        claimed,
        destination,
        held,
    };
    record.outcome = outcome_of(&record, result, obstacle);
    let value = record.claimed.as_ref().unwrap_or(&template.value);
    record.overrides = world.overrides_of(value, target_positions(world, &record));
    record
}

/// Returns where the targets of a record are in the snapshot.
fn target_positions<'a>(world: &'a World, record: &'a Record) -> Box<dyn Iterator<Item = ClusterIndex> + 'a> {
    let Some(binding) = record.binding() else {
        return Box::new(record.targets().filter_map(position(world)));
    };
    let following = binding.spec().required_by.iter().flat_map(|snapshot| &snapshot.clusters);
    let following = following.filter_map(position(world));
    match record.attempts.last() {
        // The verdicts know without looking for names.
        Some(attempt) if attempt.decision.result.is_ok() => {
            Box::new(shares(attempt).map(|(cluster, _)| cluster).chain(following))
        }
        _ => Box::new(positions(world, &binding.spec().clusters).chain(following)),
    }
}

fn positions<'a>(world: &'a World, targets: &'a [TargetCluster]) -> impl Iterator<Item = ClusterIndex> {
    targets.iter().filter_map(position(world))
}

fn position(world: &World) -> impl Fn(&TargetCluster) -> Option<ClusterIndex> {
    |target| world.snapshot.index_of(&target.name)
}

fn outcome_of(record: &Record, result: Detected, obstacle: Option<Obstacle>) -> Outcome {
    let has_targets = record.targets().next().is_some();
    match result {
        Detected::Everywhere => Outcome::Placed(Mode::Everywhere),
        Detected::Failed(error) => Outcome::Failed(error),
        Detected::Bound => match (obstacle, record.binding()) {
            (Some(obstacle), _) => Outcome::NotScheduled(obstacle),
            (None, Some(binding)) => Outcome::Placed(mode_of(binding.spec())),
            (None, None) => Outcome::NotPropagated(Reason::NoPolicy),
        },
        Detected::Not(Reason::NoPolicy) if !record.required_by.is_empty() => {
            if has_targets {
                Outcome::Placed(Mode::Following)
            } else {
                Outcome::NotPropagated(Reason::NothingToFollow)
            }
        }
        Detected::Not(reason) => Outcome::NotPropagated(reason),
    }
}

/// Returns notes on what a binding says besides its clusters.
fn binding_notes(world: &World, spec: &ResourceBindingSpec) -> Vec<Note> {
    let mut notes = Vec::new();
    if let Some(suspension) = &spec.suspension {
        let listed = suspension.policy.dispatching_on_clusters.as_ref();
        let listed = listed.map(|listed| listed.cluster_names.as_slice()).unwrap_or_default();
        if suspension.policy.dispatching == Some(true) {
            notes.push(Note::DispatchingSuspended { clusters: Vec::new() });
        } else if !listed.is_empty() {
            let is_target = |name: &&String| spec.clusters.iter().any(|target| target.name == **name);
            let clusters: Vec<String> = listed.iter().filter(is_target).cloned().collect();
            if !clusters.is_empty() {
                notes.push(Note::DispatchingSuspended { clusters });
            }
        }
    }
    let tasks = spec.graceful_eviction_tasks.iter();
    notes.extend(tasks.map(|task| Note::Leaving { cluster: task.from_cluster.clone() }));
    // Only results of before may hold clusters that do not exist.
    if !world.bindings.is_empty() {
        let unknown = spec.clusters.iter().filter(|target| !world.clusters.contains_key(&target.name));
        notes.extend(unknown.map(|target| Note::UnknownCluster { cluster: target.name.clone() }));
    }
    notes
}
