//! Upstream's own benchmark inputs, with its answers.

use std::collections::BTreeMap;

use karmada_core::{
    api::{
        cluster::Cluster,
        work::{ResourceBindingSpec, TargetCluster},
    },
    scheduling::Decision,
};
use serde::Deserialize;

const FILES: [(usize, &[u8]); 4] = [
    (10, include_bytes!("../data/scheduling/clusters-10.json.zst")),
    (100, include_bytes!("../data/scheduling/clusters-100.json.zst")),
    (1000, include_bytes!("../data/scheduling/clusters-1000.json.zst")),
    (5000, include_bytes!("../data/scheduling/clusters-5000.json.zst")),
];

/// Clusters and the bindings that upstream scheduled on them.
#[derive(Deserialize)]
pub(crate) struct UpstreamInput {
    pub(crate) clusters: Vec<Cluster>,
    pub(crate) bindings: BTreeMap<String, UpstreamBinding>,
}

/// A binding and upstream's answer.
#[derive(Deserialize)]
pub(crate) struct UpstreamBinding {
    pub(crate) spec: ResourceBindingSpec,
    expect: Expectation,
}

#[derive(Deserialize)]
struct Expectation {
    clusters: Vec<TargetCluster>,
    #[serde(default)]
    ordered: bool,
}

/// Reads all inputs, by number of clusters.
pub(crate) fn upstream_inputs() -> Vec<(usize, UpstreamInput)> {
    let read = |(count, bytes): (usize, &[u8])| {
        let json = zstd::decode_all(bytes).expect("the data is compressed");
        (count, serde_json::from_slice(&json).expect("the data is an input"))
    };
    FILES.into_iter().map(read).collect()
}

impl UpstreamBinding {
    /// Stops the program when the decision is not upstream's answer.
    pub(crate) fn check(&self, decision: &Decision) {
        let mut got = decision.result.clone().expect("upstream finds clusters");
        let mut wanted = self.expect.clusters.clone();
        if !self.expect.ordered {
            got.sort_by(|left, right| left.name.cmp(&right.name));
            wanted.sort_by(|left, right| left.name.cmp(&right.name));
        }
        assert_eq!(got, wanted);
    }
}
