//! The arithmetic behind a share.

use std::{cmp::Ordering, fmt};

use serde::{Serialize, Serializer};

use super::words::{count, fraction};
use crate::scheduling::{Division, DivisionRule, DivisionStep, Part, TieOrder, Verdict, assign::priority};

/// The arithmetic behind a cluster's replicas.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ShareExplanation {
    /// The rule of the division.
    #[serde(serialize_with = "serialize_rule")]
    pub rule: DivisionRule,
    /// The replicas that it has and keeps, before any are handed out.
    pub keeps: i64,
    /// The replicas that were handed out to all clusters.
    pub handed_out: i64,
    /// Its weight; none when it did not take part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<i64>,
    /// The weights of all clusters that took part.
    pub total_weight: i64,
    /// The replicas that it won.
    pub won: i64,
    /// How its share was made whole.
    pub rounding: Rounding,
    /// Who wins a tie.
    #[serde(serialize_with = "serialize_tie_order")]
    pub tie_order: TieOrder,
}

/// How an exact share became a number of replicas.
///
/// Webster's method hands out replica by replica to the cluster with the highest
/// `weight / (2 * won + 1)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Rounding {
    /// It is whole, or not by weight.
    None,
    /// It got more than its exact share.
    Up,
    /// It got more, as it won a tie for the last replica.
    UpByTie,
    /// It got less than its exact share.
    Down,
    /// It got less, as it lost a tie for the last replica.
    DownByTie,
}

impl ShareExplanation {
    /// `held` is what the cluster has had; it counts where the rule keeps it.
    pub(super) fn new(division: &Division, verdict: &Verdict, held: i64) -> Self {
        let part = division.part_of(verdict.cluster);
        let keeps = match division.rule {
            DivisionRule::Kept
            | DivisionRule::DynamicWeight(DivisionStep::ScaleUp)
            | DivisionRule::Aggregated(DivisionStep::ScaleUp) => held,
            _ => 0,
        };
        let won = match (division.rule, part) {
            (DivisionRule::Copies, _) => division.replicas,
            (_, Some(part)) => part.seats,
            (_, None) => 0,
        };
        Self {
            rule: division.rule,
            keeps,
            handed_out: division.replicas,
            weight: part.map(|part| part.weight),
            total_weight: division.parts.iter().map(|part| part.weight).sum(),
            won,
            rounding: part.map_or(Rounding::None, |part| rounding(division, part)),
            tie_order: division.tie_order,
        }
    }
}

fn rounding(division: &Division, part: &Part) -> Rounding {
    let total: i128 = division.parts.iter().map(|part| i128::from(part.weight)).sum();
    let exact = i128::from(division.replicas) * i128::from(part.weight);
    let won = i128::from(part.seats) * total;
    let last =
        |part: &Part| if part.seats > 0 { priority(part.weight, part.seats - 1) } else { f64::INFINITY };
    let next = |part: &Part| priority(part.weight, part.seats);
    // The strongest claim that won nothing, and the weakest that did.
    let best_loser = division.parts.iter().map(next).fold(0.0, f64::max);
    let worst_winner = division.parts.iter().map(last).fold(f64::INFINITY, f64::min);
    match won.cmp(&exact) {
        Ordering::Greater if last(part) <= best_loser => Rounding::UpByTie,
        Ordering::Greater => Rounding::Up,
        Ordering::Less if next(part) >= worst_winner => Rounding::DownByTie,
        Ordering::Less => Rounding::Down,
        Ordering::Equal => Rounding::None,
    }
}

impl fmt::Display for ShareExplanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let replicas = count(self.handed_out, "replica");
        match self.rule {
            DivisionRule::Copies => return write!(f, "every chosen cluster gets all {replicas}"),
            DivisionRule::Kept if self.keeps > 0 => {
                return write!(
                    f,
                    "it keeps its {}: the chosen clusters have {} already, as wanted",
                    self.keeps, self.handed_out
                );
            }
            DivisionRule::Kept => {
                return write!(f, "the chosen clusters have all {replicas} already, so nothing moves");
            }
            _ => {}
        }
        if self.keeps > 0 {
            write!(f, "it keeps {}; ", self.keeps)?;
        }
        let Some(weight) = self.weight else {
            return match self.rule {
                DivisionRule::StaticWeight => f.write_str("no rule of staticWeightList selects it"),
                DivisionRule::Aggregated(DivisionStep::ScaleUp) if self.keeps > 0 => {
                    write!(f, "no more is needed: others have room for the {replicas} that were missing")
                }
                DivisionRule::Aggregated(DivisionStep::ScaleDown)
                | DivisionRule::DynamicWeight(DivisionStep::ScaleDown) => {
                    f.write_str("replicas are taken away, so only clusters that have some count")
                }
                _ => write!(f, "it is not needed: clusters before it have room for the {replicas} to place"),
            };
        };
        let total = self.total_weight;
        let source = match self.rule {
            DivisionRule::StaticWeight => "the weight of staticWeightList",
            DivisionRule::EqualWeight => "equal for all",
            DivisionRule::Aggregated(DivisionStep::ScaleDown)
            | DivisionRule::DynamicWeight(DivisionStep::ScaleDown) => "the replicas it has",
            DivisionRule::Aggregated(DivisionStep::Fresh)
            | DivisionRule::DynamicWeight(DivisionStep::Fresh) => "its room with the replicas it has",
            _ => "its room",
        };
        let new = if self.keeps > 0 { "new " } else { "" };
        let replicas = count(self.handed_out, &format!("{new}replica"));
        let exact = fraction(self.handed_out, weight, total);
        write!(f, "weight {weight} of {total} ({source}): {exact} of {replicas}")?;
        let order = match self.tie_order {
            TieOrder::First => "the first name",
            TieOrder::Last => "the last name",
        };
        match self.rounding {
            Rounding::None => Ok(()),
            Rounding::Up => write!(f, ", rounded up to {}", self.won),
            Rounding::Down => write!(f, ", rounded down to {}", self.won),
            Rounding::UpByTie => {
                write!(f, ", rounded up to {}: of equal claims {order} wins for this workload", self.won)
            }
            Rounding::DownByTie => {
                write!(f, ", rounded down to {}: of equal claims {order} wins for this workload", self.won)
            }
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn serialize_rule<S: Serializer>(rule: &DivisionRule, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(match rule {
        DivisionRule::Copies => "copies",
        DivisionRule::Kept => "kept",
        DivisionRule::StaticWeight => "staticWeight",
        DivisionRule::EqualWeight => "equalWeight",
        DivisionRule::DynamicWeight(DivisionStep::ScaleUp) => "dynamicWeightScaleUp",
        DivisionRule::DynamicWeight(DivisionStep::ScaleDown) => "dynamicWeightScaleDown",
        DivisionRule::DynamicWeight(DivisionStep::Fresh) => "dynamicWeightFresh",
        DivisionRule::Aggregated(DivisionStep::ScaleUp) => "aggregatedScaleUp",
        DivisionRule::Aggregated(DivisionStep::ScaleDown) => "aggregatedScaleDown",
        DivisionRule::Aggregated(DivisionStep::Fresh) => "aggregatedFresh",
    })
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn serialize_tie_order<S: Serializer>(order: &TieOrder, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(match order {
        TieOrder::First => "firstName",
        TieOrder::Last => "lastName",
    })
}
