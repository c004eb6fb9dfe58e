//! The cluster serves the kind.

use crate::{
    api::work::ObjectReference,
    scheduling::{Snapshot, snapshot::ClusterEntry},
};

/// Refuses clusters that did not report that they serve the kind.
///
/// A list of APIs that is not complete does not help: what is not on it counts as not served.
pub(super) struct ApiEnablement {
    /// None when no cluster serves the kind.
    api: Option<u32>,
}

impl ApiEnablement {
    pub(super) fn new(snapshot: &Snapshot, resource: &ObjectReference) -> Self {
        Self { api: snapshot.api_number(&resource.api_version, &resource.kind) }
    }

    pub(super) fn refuses(&self, entry: &ClusterEntry) -> bool {
        !entry.has_api(self.api)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{api::cluster::Cluster, scheduling::ClusterIndex};

    fn cluster(kinds: &[&str]) -> Cluster {
        let resources: Vec<_> = kinds.iter().map(|kind| json!({"name": "x", "kind": kind})).collect();
        serde_json::from_value(json!({
            "metadata": {"name": "m1"},
            "spec": {"syncMode": "Push"},
            "status": {"apiEnablements": [{"groupVersion": "apps/v1", "resources": resources}]},
        }))
        .unwrap()
    }

    fn refuses(kinds: &[&str], api_version: &str, kind: &str) -> bool {
        let snapshot = Snapshot::new([&cluster(kinds)]);
        let resource =
            ObjectReference { api_version: api_version.into(), kind: kind.into(), ..Default::default() };
        ApiEnablement::new(&snapshot, &resource).refuses(snapshot.entry(ClusterIndex(0)))
    }

    #[test]
    fn accepts_a_cluster_that_serves_the_kind() {
        assert!(!refuses(&["DaemonSet", "Deployment"], "apps/v1", "Deployment"));
    }

    #[test]
    fn refuses_other_versions_of_the_kind() {
        assert!(refuses(&["Deployment"], "apps/v1beta1", "Deployment"));
    }

    #[test]
    fn refuses_a_cluster_that_reported_nothing() {
        assert!(refuses(&[], "apps/v1", "Deployment"));
    }
}
