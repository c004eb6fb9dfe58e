//! A decision as a whole.

use std::{cmp::Reverse, fmt};

use super::{
    ClusterExplanation, Outcome, RefusalExplanation, RoomExplanation, ScorePart, ShareExplanation,
    obstacle::obstacles,
    selection::{constraint, passed_over},
    words::{count, list},
};
use crate::{
    api::policy::SpreadField,
    scheduling::{
        ClusterIndex, Decision, DivisionRule, Plugin, ScheduleContext, ScheduleError, ScheduleInput,
        Selection, Verdict, estimate::Estimator, schedule::replicas_held, select::Candidate,
    },
};

/// A decision in plain English: of every cluster what became of it, and of the whole.
///
/// Its text is a few lines about the whole; [`Self::clusters`] goes into detail.
pub struct Explanation<'a> {
    context: ScheduleContext<'a>,
    input: ScheduleInput<'a>,
    decision: &'a Decision,
    estimator: Estimator<'a>,
    /// By cluster index.
    held: Vec<Option<i32>>,
    /// The clusters that passed the filters, most wanted first.
    candidates: Vec<Candidate>,
    /// The place in `candidates` by cluster index.
    ranks: Vec<Option<usize>>,
}

impl Decision {
    /// Explains the decision; context and input must be those it was made from.
    pub fn explain<'a>(
        &'a self,
        context: &ScheduleContext<'a>,
        input: &ScheduleInput<'a>,
    ) -> Explanation<'a> {
        let held = replicas_held(context, input);
        let mut candidates: Vec<Candidate> = self
            .verdicts
            .iter()
            .filter(|verdict| verdict.is_feasible())
            .map(|verdict| {
                Candidate::new(verdict, held[verdict.cluster.0 as usize], overflow_of(input).is_some())
            })
            .collect();
        candidates.sort_unstable_by(Candidate::cmp_preference);
        let mut ranks = vec![None; context.snapshot.len()];
        for (rank, candidate) in candidates.iter().enumerate() {
            ranks[candidate.cluster.0 as usize] = Some(rank);
        }
        let estimator = Estimator::new(context, input);
        Explanation { context: *context, input: *input, decision: self, estimator, held, candidates, ranks }
    }
}

/// Returns the overflow affinities of the affinity in use.
fn overflow_of<'a>(input: &ScheduleInput<'a>) -> Option<&'a [crate::api::policy::AffinityTerm]> {
    let placement = input.placement().filter(|placement| placement.cluster_affinity.is_none())?;
    let term = placement.cluster_affinities.iter().find(|term| term.affinity_name == input.affinity_name)?;
    Some(term.overflow_affinities.as_slice()).filter(|overflow| !overflow.is_empty())
}

impl Explanation<'_> {
    /// Explains every cluster, by name.
    pub fn clusters(&self) -> impl Iterator<Item = ClusterExplanation> {
        self.decision.verdicts.iter().map(|verdict| self.explain(verdict))
    }

    /// Explains one cluster; none when it does not exist.
    pub fn cluster(&self, name: &str) -> Option<ClusterExplanation> {
        let index = self.context.snapshot.index_of(name)?;
        self.decision.verdicts.get(index.0 as usize).map(|verdict| self.explain(verdict))
    }

    /// Says what was decided for the binding as a whole.
    pub fn summary(&self) -> Vec<String> {
        let mut lines = Vec::new();
        match &self.decision.result {
            Ok(targets) => {
                let clusters = count(self.decision.verdicts.len() as i64, "cluster");
                let what = match self.decision.divisions.first().map(|division| division.rule) {
                    None => "the resource goes to".to_owned(),
                    Some(DivisionRule::Copies) => {
                        format!("{} each in", count(i64::from(self.input.spec.replicas), "replica"))
                    }
                    Some(_) => format!("{} in", count(i64::from(self.input.spec.replicas), "replica")),
                };
                lines.push(format!("{what} {} of {clusters}", targets.len()));
            }
            Err(error) => lines.push(format!("not placed: {error}")),
        }
        lines.extend(self.selection_line());
        lines.extend(self.refusal_line());
        lines
    }

    /// Says what would help a binding that could not be placed; empty when it was.
    pub fn help(&self) -> Vec<String> {
        let Err(error) = &self.decision.result else { return Vec::new() };
        let candidates = count(self.candidates.len() as i64, "cluster");
        let wanted = |field| constraint(&self.input, &field).map_or(0, |constraint| constraint.min_groups);
        let replicas = count(i64::from(self.input.spec.replicas), "replica");
        match error {
            ScheduleError::NoClusterFit { .. } => self.nearest_misses(),
            ScheduleError::TooFewClusters => vec![format!(
                "{candidates} passed the filters, and the cluster constraint wants {}: lower its minGroups or let more clusters pass",
                wanted(SpreadField::Cluster)
            )],
            ScheduleError::TooFewRegions => vec![format!(
                "{} passed the filters, and the region constraint wants {}: lower its minGroups or let clusters of more regions pass",
                count(self.regions().len() as i64, "region"),
                wanted(SpreadField::Region)
            )],
            ScheduleError::TooFewClustersInRegions => vec![format!(
                "no {} have {} together: raise maxGroups of the region constraint, or lower minGroups of the cluster constraint",
                count(constraint(&self.input, &SpreadField::Region).map_or(0, |one| one.max_groups), "region"),
                count(wanted(SpreadField::Cluster), "cluster")
            )],
            ScheduleError::TooLittleRoom { selected } => {
                let room = match self.decision.selection {
                    Selection::Clusters(facts) => facts.room,
                    _ => 0,
                };
                vec![format!(
                    "the {} with the most room take {room} of {replicas}: raise maxGroups of the cluster constraint, free some room, or ask for less",
                    count(*selected as i64, "cluster")
                )]
            }
            ScheduleError::UnsupportedConstraint => {
                vec!["add a spread constraint by cluster or by region".to_owned()]
            }
            ScheduleError::NoClusterSelected => {
                vec!["maxGroups of the spread constraint allows no cluster: set it to at least 1".to_owned()]
            }
            ScheduleError::UnsupportedStrategy { .. } => vec![
                "use replicaSchedulingType Duplicated, or Divided with replicaDivisionPreference Aggregated or Weighted"
                    .to_owned(),
            ],
            ScheduleError::NotEnoughReplicas { available, .. } => {
                let missing = self.decision.divisions.last().map_or(0, |division| division.replicas);
                vec![format!(
                    "{} to place and room for {available}: {} too many; free some room, add clusters, or ask for less",
                    count(missing, "replica"),
                    missing - available
                )]
            }
            ScheduleError::NotEnoughOverflow => {
                let room: i64 = self.candidates.iter().map(|candidate| candidate.available).sum();
                vec![format!(
                    "the affinity and all it may overflow into have room for {room} of {replicas}: free some room, add an overflow affinity, or ask for less"
                )]
            }
        }
    }

    fn explain(&self, verdict: &Verdict) -> ClusterExplanation {
        let index = verdict.cluster.0 as usize;
        let snapshot = self.context.snapshot;
        let entry = snapshot.entry(verdict.cluster);
        let refusal = |(plugin, reason): (Plugin, std::borrow::Cow<'_, str>)| RefusalExplanation {
            plugin: plugin.name(),
            reason: reason.into_owned(),
            obstacles: obstacles(&self.context, &self.input, verdict, plugin),
        };
        let outcome = self.outcome(verdict);
        let scores = verdict.scores().map(|(plugin, score)| ScorePart { plugin: plugin.name(), score });
        let overflow = overflow_of(&self.input).unwrap_or_default();
        let tier = usize::from(verdict.tier).checked_sub(1).and_then(|tier| overflow.get(tier));
        let not_selected = (outcome == Outcome::NotSelected).then_some(self.ranks[index]).flatten();
        ClusterExplanation {
            cluster: snapshot.name_of(verdict.cluster).to_owned(),
            outcome,
            replicas: verdict.share,
            previous_replicas: self.held[index],
            refusals: verdict.reasons(snapshot).into_iter().map(refusal).collect(),
            scores: if verdict.is_feasible() { scores.collect() } else { Vec::new() },
            overflow: tier.map(|term| term.affinity_name.clone()),
            rank: self.ranks[index].map(|rank| rank + 1),
            room: RoomExplanation::new(&self.estimator, entry, verdict),
            passed_over: not_selected.and_then(|rank| {
                let last = self.candidates.iter().rfind(|candidate| self.is_selected(candidate.cluster));
                passed_over(&self.input, &self.decision.selection, entry, &self.candidates[rank], last)
            }),
            share: self.share(verdict),
        }
    }

    fn outcome(&self, verdict: &Verdict) -> Outcome {
        if verdict.deleting {
            Outcome::Deleting
        } else if !verdict.refusals.is_empty() {
            Outcome::Refused
        } else if verdict.share.is_some() {
            Outcome::Placed
        } else if self.decision.result.is_err() {
            Outcome::Unplaced
        } else if verdict.selected {
            Outcome::NoShare
        } else {
            Outcome::NotSelected
        }
    }

    fn is_selected(&self, cluster: ClusterIndex) -> bool {
        self.decision.verdicts[cluster.0 as usize].selected
    }

    fn share(&self, verdict: &Verdict) -> Option<ShareExplanation> {
        if !verdict.selected || self.decision.result.is_err() {
            return None;
        }
        let held = i64::from(self.held[verdict.cluster.0 as usize].unwrap_or(0));
        let divisions = &self.decision.divisions;
        let own = divisions
            .iter()
            .find(|division| overflow_of(&self.input).is_none() || division.tier == verdict.tier);
        own.map(|division| ShareExplanation::new(division, verdict, held))
    }

    fn regions(&self) -> std::collections::BTreeSet<&str> {
        let region = |candidate: &Candidate| self.context.snapshot.entry(candidate.cluster).region.as_str();
        self.candidates.iter().map(region).filter(|region| !region.is_empty()).collect()
    }

    fn selection_line(&self) -> Option<String> {
        let candidates = self.candidates.len();
        match &self.decision.selection {
            Selection::NotReached | Selection::All => None,
            Selection::ConstraintsIgnored => {
                Some("spread constraints have no effect, as weights do not depend on room".to_owned())
            }
            Selection::Clusters(facts) => {
                let exchanged = if facts.exchanged > 0 {
                    format!(", {} of them for their room", facts.exchanged)
                } else {
                    String::new()
                };
                Some(format!(
                    "at most {} of {candidates} that fit{exchanged}",
                    count(facts.allowed as i64, "cluster")
                ))
            }
            Selection::Regions(ratings) => {
                let mut ratings: Vec<_> = ratings.iter().collect();
                ratings
                    .sort_by_key(|rating| (!rating.chosen, Reverse(rating.group.weight), &rating.group.name));
                let text: Vec<String> = ratings
                    .iter()
                    .map(|rating| {
                        let chosen = if rating.chosen { "chosen, " } else { "" };
                        let clusters = count(rating.group.value, "cluster");
                        format!("{} ({chosen}score {}, {clusters})", rating.group.name, rating.group.weight)
                    })
                    .collect();
                Some(format!("regions: {}", text.join(", ")))
            }
        }
    }

    fn refusal_line(&self) -> Option<String> {
        let refused = self.decision.verdicts.iter().filter(|verdict| !verdict.refusals.is_empty()).count();
        let by_plugin = Plugin::FILTERS.into_iter().filter_map(|plugin| {
            let refused_by = |verdict: &&Verdict| verdict.refusals.contains(plugin);
            let number = self.decision.verdicts.iter().filter(refused_by).count();
            (number > 0).then(|| format!("{number} by {}", plugin.name()))
        });
        let by_plugin: Vec<String> = by_plugin.collect();
        (refused > 0)
            .then(|| format!("{} refused: {}", count(refused as i64, "cluster"), by_plugin.join(", ")))
    }

    /// Says which clusters one change alone would let in.
    fn nearest_misses(&self) -> Vec<String> {
        let verdicts = &self.decision.verdicts;
        if verdicts.is_empty() {
            return vec!["no cluster is registered: join one first".to_owned()];
        }
        let least =
            verdicts.iter().map(|verdict| verdict.refusals.plugins().count()).filter(|number| *number > 0);
        let Some(least) = least.min() else {
            return vec!["every cluster is being deleted".to_owned()];
        };
        let nearest = verdicts.iter().filter(|verdict| verdict.refusals.plugins().count() == least);
        let mut by_plugins: std::collections::BTreeMap<Vec<Plugin>, Vec<&str>> = Default::default();
        for verdict in nearest {
            let name = self.context.snapshot.name_of(verdict.cluster);
            by_plugins.entry(verdict.refusals.plugins().collect()).or_default().push(name);
        }
        let line = |(plugins, names): (Vec<Plugin>, Vec<&str>)| {
            let plugins = plugins.into_iter().map(Plugin::name).collect::<Vec<_>>().join(" and ");
            format!("only {plugins} keeps out {}", list(names))
        };
        by_plugins.into_iter().map(line).collect()
    }
}

impl fmt::Display for Explanation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = self.summary();
        lines.extend(self.help().into_iter().map(|line| format!("to change that: {line}")));
        f.write_str(&lines.join("\n"))
    }
}
