//! What a cluster has to give, as numbers.

use std::collections::BTreeMap;

use super::demand::{amount_by_format, amount_in_unit};
use crate::{
    api::{
        ResourceList,
        cluster::{ResourceModel, ResourceSummary},
    },
    object::Quantity,
};

/// The resource that limits the number of pods.
const PODS: &str = "pods";

/// What a cluster has to give.
#[derive(Clone, Debug)]
pub(in crate::scheduling) struct Capacity {
    /// How many more pods are allowed.
    pub(super) pods: i64,
    /// What is free of every resource the cluster has.
    pub(super) free: Vec<Free>,
    /// Nodes by grade; none when the grades are not known.
    pub(super) nodes: Option<Vec<NodeGrade>>,
    /// What is free of a resource that is not listed; none when there is nothing of it.
    unlisted: Option<Free>,
}

/// What is free of one resource.
#[derive(Clone, Debug)]
pub(super) struct Free {
    /// The number of the resource in the snapshot.
    pub(super) resource: u32,
    /// In the unit of the resource.
    pub(super) amount: i64,
    /// In the unit of the quantity's format.
    pub(super) amount_by_format: i64,
}

/// Equal nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NodeGrade {
    pub(super) count: i64,
    /// What each node has at least, in the units of the resources.
    pub(super) resources: Vec<(String, i64)>,
}

impl Capacity {
    /// `number` gives numbers to the names of resources.
    pub(in crate::scheduling) fn new(
        summary: &ResourceSummary,
        models: &[ResourceModel],
        mut number: impl FnMut(&str) -> u32,
    ) -> Self {
        let value_of = |list: &ResourceList| list.get(PODS).map_or(0, Quantity::value);
        let pods = value_of(&summary.allocatable)
            .saturating_sub(value_of(&summary.allocated))
            .saturating_sub(value_of(&summary.allocating));
        let free = summary.allocatable.iter().map(|(name, allocatable)| {
            let taken = |list: &ResourceList| list.get(name).copied().unwrap_or_default();
            let free = *allocatable - taken(&summary.allocated) - taken(&summary.allocating);
            Free {
                resource: number(name),
                amount: amount_in_unit(name, &free),
                amount_by_format: amount_by_format(&free),
            }
        });
        Self { pods, free: free.collect(), nodes: nodes_by_grade(summary, models), unlisted: None }
    }

    /// Returns how many more pods are allowed.
    pub(in crate::scheduling) fn pods(&self) -> i64 {
        self.pods
    }

    /// Returns what is free of the resource of this number; one without a number is new.
    pub(super) fn free(&self, resource: Option<u32>) -> Option<&Free> {
        let listed = resource.and_then(|resource| self.free.iter().find(|free| free.resource == resource));
        listed.or(self.unlisted.as_ref())
    }

    /// Returns the capacity of a cluster that has room for everything.
    pub(in crate::scheduling) fn unlimited() -> Self {
        let unlisted = Free { resource: u32::MAX, amount: i64::MAX, amount_by_format: i64::MAX };
        Self { pods: i64::MAX, free: Vec::new(), nodes: None, unlisted: Some(unlisted) }
    }
}

/// Returns the nodes by grade; none when there are no grades, or one that is not defined.
fn nodes_by_grade(summary: &ResourceSummary, models: &[ResourceModel]) -> Option<Vec<NodeGrade>> {
    if summary.allocatable_modelings.is_empty() {
        return None;
    }
    let models: BTreeMap<u32, &ResourceModel> = models.iter().map(|model| (model.grade, model)).collect();
    let mut nodes = Vec::new();
    for modeling in &summary.allocatable_modelings {
        let model = models.get(&modeling.grade)?;
        if modeling.count <= 0 {
            continue;
        }
        let minimum = |range: &crate::api::cluster::ResourceModelRange| {
            (range.name.clone(), amount_in_unit(&range.name, &range.min))
        };
        nodes.push(NodeGrade {
            count: i64::from(modeling.count),
            resources: model.ranges.iter().map(minimum).collect(),
        });
    }
    Some(nodes)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::scheduling::numbers::Numbers;

    #[test]
    fn subtracts_what_is_taken_and_what_is_about_to_be() {
        let summary = serde_json::from_value(json!({
            "allocatable": {"cpu": "4", "memory": "8Gi", "pods": "110"},
            "allocated": {"cpu": "1500m", "pods": "10"},
            "allocating": {"cpu": "500m", "memory": "1Gi", "pods": "5"},
        }))
        .unwrap();
        let mut numbers = Numbers::default();
        let capacity = Capacity::new(&summary, &[], |name| numbers.number(name));
        assert_eq!(capacity.pods, 95);
        assert_eq!(capacity.free(numbers.find("cpu")).unwrap().amount, 2000);
        assert_eq!(capacity.free(numbers.find("memory")).unwrap().amount, 7 << 30);
        assert!(capacity.nodes.is_none());
    }

    #[test]
    fn ignores_grades_when_one_is_not_defined() {
        let summary: ResourceSummary = serde_json::from_value(json!({
            "allocatableModelings": [{"grade": 0, "count": 0}, {"grade": 1, "count": 2}],
        }))
        .unwrap();
        let models: Vec<ResourceModel> = serde_json::from_value(
            json!([{"grade": 1, "ranges": [{"name": "cpu", "min": "1", "max": "2"}]}]),
        )
        .unwrap();
        assert_eq!(Capacity::new(&summary, &models, |_| 0).nodes, None);
        let summary: ResourceSummary =
            serde_json::from_value(json!({"allocatableModelings": [{"grade": 1, "count": 2}]})).unwrap();
        let node = NodeGrade { count: 2, resources: vec![("cpu".into(), 1000)] };
        assert_eq!(Capacity::new(&summary, &models, |_| 0).nodes, Some(vec![node]));
    }
}
