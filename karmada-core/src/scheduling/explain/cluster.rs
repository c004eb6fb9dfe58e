//! One cluster's part in a decision.

use std::fmt;

use serde::Serialize;

use super::{
    Obstacle, RoomExplanation, ShareExplanation,
    words::{count, list},
};

/// What became of one cluster, and why.
///
/// Its text is a headline with indented lines below.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterExplanation {
    /// The cluster.
    pub cluster: String,
    /// What became of it.
    pub outcome: Outcome,
    /// The replicas that it got; none when it is not in the result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i32>,
    /// The replicas that it had; none when it was not in the last result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_replicas: Option<i32>,
    /// Who refused it; all of it has to change before the cluster is a candidate.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub refusals: Vec<RefusalExplanation>,
    /// The parts of its score.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scores: Vec<ScorePart>,
    /// The overflow affinity that it matches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overflow: Option<String>,
    /// Its place among the candidates, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rank: Option<usize>,
    /// How much fits into it; none when nobody asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomExplanation>,
    /// Why the spread constraints passed it over, and what would have to change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passed_over: Option<Obstacle>,
    /// The arithmetic behind its replicas; none when replicas were not divided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<ShareExplanation>,
}

/// What became of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// It is in the result.
    Placed,
    /// It was selected, but no replica was left for it.
    NoShare,
    /// It fits, but spread constraints selected others.
    NotSelected,
    /// It fits, but the binding as a whole could not be placed.
    Unplaced,
    /// Plugins refused it.
    Refused,
    /// It is being deleted, so nobody looked at it.
    Deleting,
}

/// Why a plugin refused a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RefusalExplanation {
    /// The plugin.
    pub plugin: &'static str,
    /// Its reason, in the words of conditions and events.
    pub reason: String,
    /// What stands in the way; all of it has to change.
    pub obstacles: Vec<Obstacle>,
}

/// One plugin's part of a score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScorePart {
    /// The plugin.
    pub plugin: &'static str,
    /// From 0 to 100.
    pub score: u8,
}

impl ClusterExplanation {
    /// Returns the sum of its scores.
    pub fn score(&self) -> i64 {
        self.scores.iter().map(|part| i64::from(part.score)).sum()
    }

    /// Returns the first line: the cluster and what became of it.
    pub fn headline(&self) -> String {
        let outcome = match self.outcome {
            Outcome::Placed => match self.replicas {
                Some(replicas) if self.share.is_some() => {
                    let replicas = count(i64::from(replicas), "replica");
                    match self.previous_replicas {
                        Some(before) if Some(before) != self.replicas => {
                            format!("{replicas}, before {before}")
                        }
                        _ => replicas,
                    }
                }
                _ => "gets the resource".to_owned(),
            },
            Outcome::NoShare => "chosen, but no replica was left for it".to_owned(),
            Outcome::NotSelected => "fits, but others were chosen".to_owned(),
            Outcome::Unplaced => "fits, but the workload as a whole could not be placed".to_owned(),
            Outcome::Refused => {
                format!("refused by {}", list(self.refusals.iter().map(|refusal| refusal.plugin)))
            }
            Outcome::Deleting => "is being deleted".to_owned(),
        };
        format!("{}: {outcome}", self.cluster)
    }

    /// Returns the lines below the headline.
    pub fn details(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for refusal in &self.refusals {
            for obstacle in &refusal.obstacles {
                lines.push(format!("{}: {}", refusal.plugin, obstacle.fact));
                lines.push(format!("  to change that: {}", obstacle.remedy));
            }
        }
        lines.extend(self.room.as_ref().map(ToString::to_string));
        if let Some(name) = &self.overflow {
            lines.push(format!("it counts only for overflow, by affinity {name}"));
        }
        for part in self.scores.iter().filter(|part| part.score > 0) {
            lines.push(format!("score {} by {}: it runs the workload already", part.score, part.plugin));
        }
        if let Some(obstacle) = &self.passed_over {
            lines.push(obstacle.fact.clone());
            lines.push(format!("  to change that: {}", obstacle.remedy));
        }
        lines.extend(self.share.as_ref().map(ToString::to_string));
        lines
    }
}

impl fmt::Display for ClusterExplanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.headline())?;
        self.details().iter().try_for_each(|line| write!(f, "\n  {line}"))
    }
}
