//! The steps of scheduling: filter, score, select, assign.

use super::{
    Decision, Division, ScheduleContext, ScheduleError, ScheduleInput, Selection, Verdict,
    affinity::AffinityTiers,
    assign::assign_replicas,
    decision::no_cluster_fit,
    estimate::Estimator,
    filter::filter_clusters,
    score::locality_score,
    select::{Candidate, select_candidates},
};
use crate::api::work::TargetCluster;

/// Decides which clusters run a binding's workload, and how many replicas each.
///
/// It is a pure function: the same clusters and the same binding give the same decision.
pub fn schedule(context: &ScheduleContext<'_>, input: &ScheduleInput<'_>) -> Decision {
    let held = replicas_held(context, input);
    let is_target: Vec<bool> = held.iter().map(Option::is_some).collect();
    let tiers = AffinityTiers::new(input.placement(), input.affinity_name);
    let mut verdicts = filter_clusters(context, input, &tiers, &is_target);
    let candidates = rate(context, input, &tiers, &held, &mut verdicts);
    let (mut selection, mut divisions) = (Selection::NotReached, Vec::new());
    let trace = (&mut selection, &mut divisions);
    let result = choose(context, input, &tiers, candidates, &mut verdicts, trace);
    Decision { result, verdicts, selection, divisions }
}

/// Returns the replicas that clusters have of this workload, by cluster index.
pub(super) fn replicas_held(context: &ScheduleContext<'_>, input: &ScheduleInput<'_>) -> Vec<Option<i32>> {
    let mut held = vec![None; context.snapshot.len()];
    for target in &input.spec.clusters {
        if let Some(index) = context.snapshot.index_of(&target.name) {
            held[index.0 as usize] = Some(target.replicas);
        }
    }
    held
}

/// Scores the feasible clusters and estimates their room; returns them, most wanted first.
fn rate(
    context: &ScheduleContext<'_>,
    input: &ScheduleInput<'_>,
    tiers: &AffinityTiers<'_>,
    held: &[Option<i32>],
    verdicts: &mut [Verdict],
) -> Vec<Candidate> {
    let estimator = Estimator::new(context, input);
    let mut candidates = Vec::new();
    for verdict in verdicts.iter_mut().filter(|verdict| verdict.is_feasible()) {
        let held = held[verdict.cluster.0 as usize];
        let (estimate, limit) = estimator.estimate(context.snapshot.entry(verdict.cluster));
        verdict.estimate = Some(estimate);
        verdict.limit = limit;
        verdict.locality_score = locality_score(context.options.plugins, held.is_some());
        candidates.push(Candidate::new(verdict, held, tiers.may_overflow()));
    }
    candidates.sort_unstable_by(Candidate::cmp_preference);
    candidates
}

fn choose(
    context: &ScheduleContext<'_>,
    input: &ScheduleInput<'_>,
    tiers: &AffinityTiers<'_>,
    candidates: Vec<Candidate>,
    verdicts: &mut [Verdict],
    (selection, divisions): (&mut Selection, &mut Vec<Division>),
) -> Result<Vec<TargetCluster>, ScheduleError> {
    if candidates.is_empty() {
        return Err(no_cluster_fit(context.snapshot, verdicts));
    }
    let selected = select_candidates(context, input, candidates, selection)?;
    for candidate in &selected {
        verdicts[candidate.cluster.0 as usize].selected = true;
    }
    let targets = assign_replicas(context, input, &selected, tiers.may_overflow(), divisions)?;
    for (cluster, target) in &targets {
        verdicts[cluster.0 as usize].share = Some(target.replicas);
    }
    Ok(targets.into_iter().map(|(_, target)| target).collect())
}
