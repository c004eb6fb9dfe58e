//! What the scheduler decided, and why.

use std::{borrow::Cow, collections::BTreeMap};

use super::{
    Division, Limit, Plugin, ScheduleError, Selection, Snapshot, filter::SpreadProperty,
    snapshot::ClusterEntry,
};
use crate::api::work::TargetCluster;

/// Where a cluster is in a [`Snapshot`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterIndex(pub(super) u32);

impl ClusterIndex {
    /// Returns the position in the snapshot's order, which is that of names.
    pub fn position(self) -> usize {
        self.0 as usize
    }
}

/// What the scheduler decided, and why.
#[derive(Clone, Debug)]
pub struct Decision {
    /// The chosen clusters in the order in which they are stored, or why there are none.
    pub result: Result<Vec<TargetCluster>, ScheduleError>,
    /// One verdict per cluster of the snapshot, sorted by cluster name.
    pub verdicts: Vec<Verdict>,
    /// How clusters were selected from those that passed the filters.
    pub selection: Selection,
    /// How replicas were divided over the selected clusters, tier by tier; the last one may have
    /// failed.
    pub divisions: Vec<Division>,
}

/// What the scheduler thought of one cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The cluster.
    pub cluster: ClusterIndex,
    /// True when the cluster is being deleted; it was not looked at.
    pub deleting: bool,
    /// Which plugins refused it.
    pub refusals: Refusals,
    /// The score for running the workload already.
    pub locality_score: u8,
    /// The place of the overflow affinity it matches; 0 is the affinity itself.
    pub tier: u16,
    /// How many further replicas (or sets of components) fit; none when nobody asked.
    pub estimate: Option<i32>,
    /// What the estimate is limited by.
    pub limit: Limit,
    /// True when the spread constraints chose it.
    pub selected: bool,
    /// How many replicas it got; none when it is not in the result.
    pub share: Option<i32>,
}

impl Verdict {
    pub(super) fn new(cluster: ClusterIndex) -> Self {
        Self {
            cluster,
            deleting: false,
            refusals: Refusals::default(),
            locality_score: 0,
            tier: 0,
            estimate: None,
            limit: Limit::None,
            selected: false,
            share: None,
        }
    }

    /// Returns true when no filter stood against the cluster.
    pub fn is_feasible(&self) -> bool {
        !self.deleting && self.refusals.is_empty()
    }

    /// Returns the scores by plugin; the cluster's score is their sum.
    ///
    /// The score of the affinity is always 0: it says yes or no.
    pub fn scores(&self) -> impl Iterator<Item = (Plugin, u8)> {
        [(Plugin::ClusterAffinity, 0), (Plugin::ClusterLocality, self.locality_score)].into_iter()
    }

    /// Returns why the cluster was refused, by plugin, in the order of [`Plugin::FILTERS`].
    ///
    /// `snapshot` is the one the verdict was made from.
    pub fn reasons<'a>(&self, snapshot: &'a Snapshot) -> Vec<(Plugin, Cow<'a, str>)> {
        let entry = snapshot.entry(self.cluster);
        self.refusals.plugins().map(|plugin| (plugin, self.refusals.reason(plugin, entry))).collect()
    }
}

/// Which plugins refused a cluster, in a few bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refusals {
    plugins: u8,
    property: SpreadProperty,
    taint: u16,
}

impl Refusals {
    /// Returns true when no plugin refused.
    pub fn is_empty(self) -> bool {
        self.plugins == 0
    }

    /// Returns true when this plugin refused.
    pub fn contains(self, plugin: Plugin) -> bool {
        self.plugins & plugin.bit() != 0
    }

    /// Returns the plugins that refused, in the order of [`Plugin::FILTERS`].
    pub fn plugins(self) -> impl Iterator<Item = Plugin> {
        Plugin::FILTERS.into_iter().filter(move |plugin| self.contains(*plugin))
    }

    pub(super) fn add(&mut self, plugin: Plugin) {
        self.plugins |= plugin.bit();
    }

    pub(super) fn add_taint(&mut self, position: usize) {
        self.add(Plugin::TaintToleration);
        self.taint = u16::try_from(position).unwrap_or(u16::MAX);
    }

    pub(super) fn add_property(&mut self, property: SpreadProperty) {
        self.add(Plugin::SpreadConstraint);
        self.property = property;
    }

    fn reason(self, plugin: Plugin, entry: &ClusterEntry) -> Cow<'static, str> {
        match plugin {
            Plugin::ApiEnablement => "cluster(s) did not have the API resource".into(),
            Plugin::TaintToleration => match entry.taints.get(usize::from(self.taint)) {
                Some(taint) if taint.value.is_empty() => {
                    format!("cluster(s) had untolerated taint {{{}:{}}}", taint.key, taint.effect).into()
                }
                Some(taint) => format!(
                    "cluster(s) had untolerated taint {{{}={}:{}}}",
                    taint.key, taint.value, taint.effect
                )
                .into(),
                None => "cluster(s) had untolerated taint".into(),
            },
            Plugin::ClusterAffinity => {
                "cluster(s) did not match the placement cluster affinity constraint".into()
            }
            Plugin::SpreadConstraint => match self.property {
                SpreadProperty::Provider => "cluster(s) did not have provider property".into(),
                SpreadProperty::Region => "cluster(s) did not have region property".into(),
                SpreadProperty::Zones => "cluster(s) did not have zones property".into(),
            },
            Plugin::ClusterEviction => "cluster(s) is in the process of eviction".into(),
            Plugin::WorkloadAffinity => {
                "ResourceBinding with the same affinity group does not target this cluster".into()
            }
            Plugin::WorkloadAntiAffinity => {
                "cluster already has workload with the same anti-affinity group".into()
            }
            Plugin::ClusterLocality => "".into(),
        }
    }
}

/// Returns the error for verdicts that refuse every cluster.
///
/// A cluster that several plugins refuse counts for the first of them.
///
/// DEVIATION: upstream runs the plugins in random order, so which of several reasons is counted
/// changes from call to call.
pub(super) fn no_cluster_fit(snapshot: &Snapshot, verdicts: &[Verdict]) -> ScheduleError {
    let mut counts: BTreeMap<Cow<'static, str>, usize> = BTreeMap::new();
    let mut same: [usize; Plugin::FILTERS.len()] = [0; Plugin::FILTERS.len()];
    let mut samples: [Option<&Verdict>; Plugin::FILTERS.len()] = [None; Plugin::FILTERS.len()];
    for verdict in verdicts {
        let Some(plugin) = verdict.refusals.plugins().next() else { continue };
        if matches!(plugin, Plugin::TaintToleration | Plugin::SpreadConstraint) {
            let reason = verdict.refusals.reason(plugin, snapshot.entry(verdict.cluster));
            *counts.entry(reason).or_default() += 1;
        } else {
            same[plugin as usize] += 1;
            samples[plugin as usize] = Some(verdict);
        }
    }
    for (plugin, (count, sample)) in Plugin::FILTERS.into_iter().zip(same.into_iter().zip(samples)) {
        if let Some(verdict) = sample {
            counts.insert(verdict.refusals.reason(plugin, snapshot.entry(verdict.cluster)), count);
        }
    }
    let mut reasons: Vec<(usize, String)> =
        counts.into_iter().map(|(reason, count)| (count, reason.into_owned())).collect();
    reasons.sort_by_cached_key(|(count, reason)| format!("{count} {reason}"));
    ScheduleError::NoClusterFit { total: snapshot.len(), reasons }
}
