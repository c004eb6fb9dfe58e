//! How much fits into a cluster, and what limits it.

use std::fmt;

use serde::Serialize;

use super::words::{amount, count};
use crate::scheduling::{
    Limit, Verdict,
    estimate::{Capacity, Estimator},
    snapshot::ClusterEntry,
};

/// How much fits into a cluster, and what limits it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RoomExplanation {
    /// How many further replicas fit, or sets of components.
    pub fits: i64,
    /// What is counted: `replica` or `set`.
    pub unit: &'static str,
    /// What limits it: a resource, `pods`, `nodes`, `estimator` or `report`; none when nothing does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limited_by: Option<String>,
    /// The same as a clause.
    pub because: String,
    /// Pods that were placed there and are not reported yet; they count as taken.
    #[serde(skip_serializing_if = "is_zero")]
    pub assumed_pods: i64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_zero(number: &i64) -> bool {
    *number == 0
}

impl RoomExplanation {
    /// Returns none when the workload takes no room that is counted.
    pub(super) fn new(estimator: &Estimator<'_>, entry: &ClusterEntry, verdict: &Verdict) -> Option<Self> {
        let fits = i64::from(verdict.estimate?);
        if !estimator.counts() {
            return None;
        }
        let resource = |place: u16| estimator.resource(place).unwrap_or(("a resource", None));
        let (limited_by, because) = match verdict.limit {
            Limit::None => (None, "nothing that is known limits it".to_owned()),
            Limit::NotReported => {
                (Some("report".to_owned()), "the cluster has not reported its resources".to_owned())
            }
            Limit::Pods => {
                let pods = entry.capacity.as_ref().map_or(0, Capacity::pods);
                let clause = if pods > 0 {
                    format!("the limit is its number of pods: {} allowed", count(pods, "more pod"))
                } else {
                    "it allows no more pods".to_owned()
                };
                (Some("pods".to_owned()), clause)
            }
            Limit::Resource(place) => {
                let (name, wanted) = resource(place);
                let free = estimator.amount_free(entry, name);
                let clause = match (wanted, free) {
                    (Some(wanted), Some(free)) => format!(
                        "the limit is {name}: {} free, {} each",
                        amount(name, free.max(0)),
                        amount(name, wanted)
                    ),
                    _ => format!("the limit is {name}"),
                };
                (Some(name.to_owned()), clause)
            }
            Limit::MissingResource(place) => {
                let (name, _) = resource(place);
                (Some(name.to_owned()), format!("the cluster has no {name}"))
            }
            Limit::Nodes => (
                Some("nodes".to_owned()),
                "the limit is what fits on single nodes, by its resource models".to_owned(),
            ),
            Limit::Estimator => {
                (Some("estimator".to_owned()), "this is what its accurate estimator found".to_owned())
            }
        };
        let unit = if estimator.counts_sets() { "set" } else { "replica" };
        let assumed_pods = estimator.assumed_pods(entry);
        Some(Self { fits, unit, limited_by, because, assumed_pods })
    }
}

impl fmt::Display for RoomExplanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.fits > 0 {
            write!(f, "room for {}", count(self.fits, &format!("more {}", self.unit)))?;
        } else {
            f.write_str("no room")?;
        }
        write!(f, "; {}", self.because)?;
        if self.assumed_pods > 0 {
            write!(
                f,
                " ({} that are not reported yet count as taken)",
                count(self.assumed_pods, "placed pod")
            )?;
        }
        Ok(())
    }
}
