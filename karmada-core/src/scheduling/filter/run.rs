//! Running all filters over all clusters.

use super::{
    Plugin, api_enablement::ApiEnablement, cluster_affinity::ClusterAffinity,
    cluster_eviction::ClusterEviction, spread_constraint::SpreadProperties,
    taint_toleration::TaintToleration, workload_affinity::WorkloadAffinity,
    workload_anti_affinity::WorkloadAntiAffinity,
};
use crate::scheduling::{
    ScheduleContext, ScheduleInput, Verdict, affinity::AffinityTiers, snapshot::ClusterEntry,
};

/// Returns a verdict for every cluster, with all the plugins that refuse it.
///
/// `is_target` says by cluster index whether the binding has the cluster already.
pub(in crate::scheduling) fn filter_clusters(
    context: &ScheduleContext<'_>,
    input: &ScheduleInput<'_>,
    tiers: &AffinityTiers<'_>,
    is_target: &[bool],
) -> Vec<Verdict> {
    let filters = Filters::new(context, input, tiers);
    context
        .snapshot
        .entries()
        .map(|(index, entry)| {
            let mut verdict = Verdict::new(index);
            verdict.deleting = entry.deleting;
            if !entry.deleting {
                filters.apply(entry, is_target[index.0 as usize], &mut verdict);
            }
            verdict
        })
        .collect()
}

/// All filters, prepared for one binding; a filter that cannot refuse anything is absent.
struct Filters<'a> {
    api_enablement: Option<ApiEnablement>,
    taint_toleration: Option<TaintToleration<'a>>,
    tiers: &'a AffinityTiers<'a>,
    cluster_affinity: Option<ClusterAffinity>,
    spread_constraint: Option<SpreadProperties>,
    cluster_eviction: Option<ClusterEviction<'a>>,
    workload_affinity: Option<WorkloadAffinity>,
    workload_anti_affinity: Option<WorkloadAntiAffinity>,
}

impl<'a> Filters<'a> {
    fn new(context: &ScheduleContext<'_>, input: &ScheduleInput<'a>, tiers: &'a AffinityTiers<'a>) -> Self {
        let on = |plugin| context.options.plugins.contains(plugin);
        let spec = input.spec;
        let placement = input.placement();
        let groups_in_use = context.options.gates.workload_affinity;
        Self {
            api_enablement: on(Plugin::ApiEnablement)
                .then(|| ApiEnablement::new(context.snapshot, &spec.resource)),
            taint_toleration: on(Plugin::TaintToleration).then(|| TaintToleration::new(placement)),
            tiers,
            cluster_affinity: on(Plugin::ClusterAffinity).then(|| ClusterAffinity::new(spec)),
            spread_constraint: placement
                .filter(|_| on(Plugin::SpreadConstraint))
                .map(|placement| SpreadProperties::new(&placement.spread_constraints)),
            cluster_eviction: (on(Plugin::ClusterEviction) && !spec.graceful_eviction_tasks.is_empty())
                .then(|| ClusterEviction::new(&spec.graceful_eviction_tasks)),
            workload_affinity: (groups_in_use && on(Plugin::WorkloadAffinity))
                .then(|| WorkloadAffinity::new(context, input))
                .flatten(),
            workload_anti_affinity: (groups_in_use && on(Plugin::WorkloadAntiAffinity))
                .then(|| WorkloadAntiAffinity::new(context, input))
                .flatten(),
        }
    }

    fn apply(&self, entry: &ClusterEntry, is_target: bool, verdict: &mut Verdict) {
        verdict.tier = self.tiers.tier_of(entry);
        let refusals = &mut verdict.refusals;
        // What is there already may stay where the API, a taint or a group would keep it out.
        if !is_target {
            if self.api_enablement.as_ref().is_some_and(|filter| filter.refuses(entry)) {
                refusals.add(Plugin::ApiEnablement);
            }
            if let Some(taint) = self.taint_toleration.as_ref().and_then(|filter| filter.untolerated(entry)) {
                refusals.add_taint(taint);
            }
            if self.workload_affinity.as_ref().is_some_and(|filter| filter.refuses(verdict.cluster)) {
                refusals.add(Plugin::WorkloadAffinity);
            }
            if self.workload_anti_affinity.as_ref().is_some_and(|filter| filter.refuses(verdict.cluster)) {
                refusals.add(Plugin::WorkloadAntiAffinity);
            }
        }
        if self.cluster_affinity.as_ref().is_some_and(|filter| filter.refuses(verdict.tier)) {
            refusals.add(Plugin::ClusterAffinity);
        }
        if let Some(property) = self.spread_constraint.as_ref().and_then(|filter| filter.missing(entry)) {
            refusals.add_property(property);
        }
        if self.cluster_eviction.as_ref().is_some_and(|filter| filter.refuses(entry)) {
            refusals.add(Plugin::ClusterEviction);
        }
    }
}
