//! The steps of scheduling: filter, score, select, assign.

use super::{
    Decision, ScheduleContext, ScheduleError, ScheduleInput, Verdict,
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
    let result = choose(context, input, &tiers, candidates, &mut verdicts);
    Decision { result, verdicts }
}

/// Returns the replicas that clusters have of this workload, by cluster index.
fn replicas_held(context: &ScheduleContext<'_>, input: &ScheduleInput<'_>) -> Vec<Option<i32>> {
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
        let estimate = estimator.estimate(context.snapshot.entry(verdict.cluster));
        verdict.estimate = Some(estimate);
        verdict.locality_score = locality_score(context.options.plugins, held.is_some());
        candidates.push(Candidate {
            cluster: verdict.cluster,
            tier: if tiers.may_overflow() { verdict.tier } else { 0 },
            score: i64::from(verdict.locality_score),
            allocatable: i64::from(estimate),
            available: i64::from(estimate) + i64::from(held.unwrap_or(0)),
        });
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
) -> Result<Vec<TargetCluster>, ScheduleError> {
    if candidates.is_empty() {
        return Err(no_cluster_fit(context.snapshot, verdicts));
    }
    let selected = select_candidates(context, input, candidates)?;
    for candidate in &selected {
        verdicts[candidate.cluster.0 as usize].selected = true;
    }
    let targets = assign_replicas(context, input, &selected, tiers.may_overflow())?;
    for (cluster, target) in &targets {
        verdicts[cluster.0 as usize].share = Some(target.replicas);
    }
    Ok(targets.into_iter().map(|(_, target)| target).collect())
}
