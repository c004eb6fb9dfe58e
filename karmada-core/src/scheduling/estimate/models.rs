//! Placing pods on the nodes that a cluster's grades stand for.
//!
//! Every node of a grade has what the grade has at least, and room for 110 pods. Equal nodes are
//! kept together with their number, so a grade may stand for any number of nodes.

use super::{
    capacity::NodeGrade,
    demand::{Demand, PodSet},
};

/// The pods that a node takes.
const PODS_PER_NODE: i64 = 110;
/// Where counting whole component sets stops.
///
/// DEVIATION: upstream counts on; a cluster that claims more would keep the scheduler busy.
const MAX_SETS: i64 = 100_000;

/// Nodes in the order in which pods are placed on them.
pub(super) struct Nodes(Vec<NodeRun>);

/// Equal nodes that follow one another.
#[derive(Clone)]
struct NodeRun {
    count: i64,
    pods: i64,
    resources: Vec<(String, i64)>,
}

impl Nodes {
    pub(super) fn new(grades: &[NodeGrade]) -> Self {
        let run = |grade: &NodeGrade| NodeRun {
            count: grade.count,
            pods: PODS_PER_NODE,
            resources: grade.resources.clone(),
        };
        Self(grades.iter().map(run).collect())
    }

    /// Returns how many pods with this demand fit.
    pub(super) fn count_pods(&self, demand: &Demand) -> i64 {
        self.0.iter().fold(0, |sum, run| sum.saturating_add(run.count.saturating_mul(run.fit(demand))))
    }

    /// Returns how many whole sets of components fit, at most `limit`.
    pub(super) fn count_sets(mut self, components: &[PodSet], limit: i64) -> i64 {
        let limit = limit.min(MAX_SETS);
        (0..limit).find(|_| !self.place(components)).unwrap_or(limit)
    }

    /// Places components one after the other, each pod on the first node with room; stops at the
    /// first component that does not fit as a whole and returns false.
    pub(super) fn place(&mut self, components: &[PodSet]) -> bool {
        components.iter().all(|component| self.place_pods(component))
    }

    fn place_pods(&mut self, component: &PodSet) -> bool {
        let mut left = component.replicas;
        let mut position = 0;
        while left > 0 && position < self.0.len() {
            let run = &self.0[position];
            let fit = run.fit(&component.demand);
            if fit == 0 {
                position += 1;
                continue;
            }
            let full = (left / fit).min(run.count);
            let rest = if full < run.count { left % fit } else { 0 };
            let mut parts = Vec::with_capacity(3);
            for (count, pods) in [(full, fit), (i64::from(rest > 0), rest)] {
                if count > 0 {
                    parts.push(run.with_pods(count, pods, &component.demand));
                }
            }
            let untouched = run.count - full - i64::from(rest > 0);
            if untouched > 0 {
                parts.push(NodeRun { count: untouched, ..run.clone() });
            }
            left -= full * fit + rest;
            let placed = parts.len();
            self.0.splice(position..=position, parts);
            position += placed;
        }
        left == 0
    }
}

impl NodeRun {
    fn fit(&self, demand: &Demand) -> i64 {
        let free = |name: &str| {
            self.resources.iter().find(|(known, _)| known == name).map_or(0, |(_, amount)| *amount)
        };
        demand.iter().fold(self.pods, |fit, one| fit.min(free(&one.name) / one.amount)).max(0)
    }

    /// Returns `count` of these nodes with `pods` pods more on each.
    fn with_pods(&self, count: i64, pods: i64, demand: &Demand) -> Self {
        let mut run = Self { count, ..self.clone() };
        run.pods -= pods;
        for one in demand {
            if let Some((_, amount)) = run.resources.iter_mut().find(|(name, _)| *name == one.name) {
                *amount -= pods * one.amount;
            }
        }
        run
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::scheduling::estimate::demand::ResourceDemand;

    fn cpu(amount: i64) -> Demand {
        if amount == 0 { vec![] } else { vec![ResourceDemand { name: "cpu".into(), amount }] }
    }

    fn grade(count: i64, milli: i64) -> NodeGrade {
        NodeGrade { count, resources: vec![("cpu".into(), milli)] }
    }

    fn pods(replicas: i64, milli: i64) -> PodSet {
        PodSet { replicas, demand: cpu(milli), demand_by_format: vec![] }
    }

    #[test]
    fn does_not_place_one_pod_on_two_nodes() {
        let nodes = Nodes::new(&[grade(3, 1500)]);
        assert_eq!(nodes.count_pods(&cpu(1000)), 3);
    }

    #[test]
    fn takes_110_pods_on_a_node_at_most() {
        assert_eq!(Nodes::new(&[grade(2, 1000)]).count_pods(&cpu(1)), 220);
    }

    #[test]
    fn counts_only_whole_sets() {
        let nodes = Nodes::new(&[grade(2, 2000)]);
        assert_eq!(nodes.count_sets(&[pods(1, 1000), pods(2, 500)], 10), 2);
    }

    #[test]
    fn a_thousand_million_nodes_take_no_longer_than_one() {
        assert_eq!(Nodes::new(&[grade(1_000_000_000, 1000)]).count_pods(&cpu(1000)), 1_000_000_000);
    }

    proptest! {
        #[test]
        fn equal_nodes_together_are_like_nodes_one_by_one(
            grades in proptest::collection::vec((1_i64..5, 0_i64..4000), 1..4),
            components in proptest::collection::vec((0_i64..6, 0_i64..1500), 1..4),
            limit in 0_i64..20,
        ) {
            let together: Vec<NodeGrade> = grades.iter().map(|(count, milli)| grade(*count, *milli)).collect();
            let apart: Vec<NodeGrade> = grades
                .iter()
                .flat_map(|(count, milli)| (0..*count).map(|_| grade(1, *milli)))
                .collect();
            let components: Vec<PodSet> = components.iter().map(|(replicas, milli)| pods(*replicas, *milli)).collect();
            prop_assert_eq!(
                Nodes::new(&together).count_sets(&components, limit),
                Nodes::new(&apart).count_sets(&components, limit)
            );
        }
    }
}
