//! Scores of clusters.
//!
//! The one plugin that tells clusters apart is cluster locality: a cluster that runs the
//! workload already is better than one that does not.

use super::{Plugin, PluginSet};

/// The best score.
const MAX_SCORE: u8 = 100;

/// Returns the score for running the workload already.
pub(super) fn locality_score(plugins: PluginSet, is_target: bool) -> u8 {
    if is_target && plugins.contains(Plugin::ClusterLocality) { MAX_SCORE } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefers_clusters_that_run_the_workload_already() {
        assert_eq!(locality_score(PluginSet::default(), true), 100);
        assert_eq!(locality_score(PluginSet::default(), false), 0);
    }

    #[test]
    fn prefers_none_when_the_plugin_is_off() {
        let plugins = PluginSet::parse(["*", "-ClusterLocality"]).unwrap();
        assert_eq!(locality_score(plugins, true), 0);
    }
}
