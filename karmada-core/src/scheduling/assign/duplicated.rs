//! Duplicated: every cluster gets all replicas.

use super::divide::Share;
use crate::scheduling::select::Candidate;

/// Gives every cluster all replicas.
pub(super) fn divide(replicas: i64, selected: &[Candidate]) -> Vec<Share> {
    selected.iter().map(|candidate| Share { cluster: candidate.cluster, replicas }).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::scheduling::testing::{case, cluster};

    #[test]
    fn gives_every_cluster_all_replicas_whatever_its_room() {
        let case = case([cluster("a", 1), cluster("b", 9)], 3, json!({}));
        assert_eq!(case.run(), "b:3 a:3");
    }
}
