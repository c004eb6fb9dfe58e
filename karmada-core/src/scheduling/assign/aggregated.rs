//! Aggregated: into as few clusters as possible.

use super::divide::Share;

/// Keeps the shortest prefix of the weights that has room for `target` replicas.
///
/// Clusters for which `is_used` holds come first, so that the workload stays where it is.
pub(super) fn shorten(weights: Vec<Share>, target: i64, is_used: impl Fn(&Share) -> bool) -> Vec<Share> {
    let (mut shortened, others): (Vec<Share>, Vec<Share>) = weights.into_iter().partition(is_used);
    shortened.extend(others);
    let mut room = 0;
    let length = shortened.iter().position(|weight| {
        room += weight.replicas;
        room >= target
    });
    shortened.truncate(length.map_or(shortened.len(), |last| last + 1));
    shortened
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheduling::ClusterIndex;

    fn shares(rooms: &[(u32, i64)]) -> Vec<Share> {
        rooms.iter().map(|(index, room)| Share { cluster: ClusterIndex(*index), replicas: *room }).collect()
    }

    #[test]
    fn keeps_the_shortest_prefix_with_enough_room() {
        assert_eq!(shorten(shares(&[(1, 5), (2, 4), (3, 3)]), 6, |_| false), shares(&[(1, 5), (2, 4)]));
    }

    #[test]
    fn prefers_clusters_that_are_used() {
        let is_used = |share: &Share| share.cluster == ClusterIndex(3);
        assert_eq!(shorten(shares(&[(1, 5), (2, 4), (3, 3)]), 3, is_used), shares(&[(3, 3)]));
    }
}
