//! How a placement wants replicas to be divided.

use crate::{
    api::policy::{ClusterPreferences, DivisionPreference, Placement, ReplicaSchedulingType},
    scheduling::ScheduleError,
};

/// How a placement wants replicas to be divided.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Strategy<'a> {
    /// Every cluster gets all replicas.
    Duplicated,
    /// Into as few clusters as possible.
    Aggregated,
    /// By the room of the clusters.
    DynamicWeight,
    /// By weights of the policy; none means equal weights.
    StaticWeight(Option<&'a ClusterPreferences>),
}

impl<'a> Strategy<'a> {
    /// Reads the strategy of a placement; none means duplicated.
    pub(super) fn of_placement(placement: Option<&'a Placement>) -> Result<Self, ScheduleError> {
        let Some(strategy) = placement.and_then(|placement| placement.replica_scheduling.as_ref()) else {
            return Ok(Self::Duplicated);
        };
        let weights = strategy.weight_preference.as_ref();
        match (&strategy.replica_scheduling_type, &strategy.replica_division_preference) {
            (ReplicaSchedulingType::Duplicated, _) => Ok(Self::Duplicated),
            (ReplicaSchedulingType::Divided, DivisionPreference::Aggregated) => Ok(Self::Aggregated),
            (ReplicaSchedulingType::Divided, DivisionPreference::Weighted) => {
                let is_dynamic = weights.is_some_and(|weights| !weights.dynamic_weight.is_unset());
                Ok(if is_dynamic { Self::DynamicWeight } else { Self::StaticWeight(weights) })
            }
            (scheduling_type, preference) => Err(ScheduleError::UnsupportedStrategy {
                scheduling_type: scheduling_type.to_string(),
                preference: preference.to_string(),
            }),
        }
    }
}
