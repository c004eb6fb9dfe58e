//! The workload tolerates the cluster's taints.

use crate::{
    api::{Toleration, cluster::Taint, policy::Placement},
    scheduling::snapshot::ClusterEntry,
};

/// Refuses clusters with a `NoSchedule` or `NoExecute` taint that the placement does not tolerate.
pub(in crate::scheduling) struct TaintToleration<'a> {
    tolerations: &'a [Toleration],
}

impl<'a> TaintToleration<'a> {
    pub(in crate::scheduling) fn new(placement: Option<&'a Placement>) -> Self {
        Self { tolerations: placement.map_or(&[], |placement| &placement.cluster_tolerations) }
    }

    /// Returns the position of the first taint that is not tolerated.
    pub(super) fn untolerated(&self, entry: &ClusterEntry) -> Option<usize> {
        entry.taints.iter().position(|taint| !self.is_tolerated(taint))
    }

    /// Returns all taints that are not tolerated.
    pub(in crate::scheduling) fn all_untolerated(
        &self,
        entry: &'a ClusterEntry,
    ) -> impl Iterator<Item = &'a Taint> {
        entry.taints.iter().filter(|taint| !self.is_tolerated(taint))
    }

    fn is_tolerated(&self, taint: &Taint) -> bool {
        self.tolerations.iter().any(|toleration| tolerates(toleration, taint))
    }
}

/// Returns true when a toleration covers a taint; what it leaves empty covers everything.
fn tolerates(toleration: &Toleration, taint: &Taint) -> bool {
    if !toleration.effect.is_empty() && toleration.effect != taint.effect {
        return false;
    }
    if !toleration.key.is_empty() && toleration.key != taint.key {
        return false;
    }
    match toleration.operator.as_str() {
        "" | "Equal" => toleration.value == taint.value,
        "Exists" => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn toleration(key: &str, operator: &str, value: &str, effect: &str) -> Toleration {
        Toleration {
            key: key.into(),
            operator: operator.into(),
            value: value.into(),
            effect: effect.into(),
            toleration_seconds: None,
        }
    }

    #[rstest]
    #[case::everything_with_exists_and_no_key(toleration("", "Exists", "", ""), true)]
    #[case::equal_values_without_an_operator(toleration("team", "", "ml", ""), true)]
    #[case::the_named_effect(toleration("team", "Exists", "", "NoSchedule"), true)]
    #[case::no_other_value(toleration("team", "Equal", "web", ""), false)]
    #[case::no_other_key(toleration("zone", "Exists", "", ""), false)]
    #[case::no_other_effect(toleration("team", "Exists", "", "NoExecute"), false)]
    #[case::nothing_with_an_unknown_operator(toleration("team", "Near", "ml", ""), false)]
    fn tolerates_taint(#[case] toleration: Toleration, #[case] expected: bool) {
        let taint =
            Taint { key: "team".into(), value: "ml".into(), effect: "NoSchedule".into(), time_added: None };
        assert_eq!(tolerates(&toleration, &taint), expected);
    }
}
