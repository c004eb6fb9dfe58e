//! The plugins of the scheduler, and which of them are in use.

/// A plugin of the scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Plugin {
    /// The cluster serves the kind.
    ApiEnablement,
    /// The workload tolerates the cluster's taints.
    TaintToleration,
    /// The placement selects the cluster.
    ClusterAffinity,
    /// The cluster has the properties that replicas are spread by.
    SpreadConstraint,
    /// The workload is not leaving the cluster.
    ClusterEviction,
    /// The workloads of the same affinity group run in the cluster.
    WorkloadAffinity,
    /// No workload of the same anti-affinity group runs in the cluster.
    WorkloadAntiAffinity,
    /// Clusters that run the workload already score higher.
    ClusterLocality,
}

impl Plugin {
    /// The filters, in the order in which their reasons are reported.
    pub const FILTERS: [Self; 7] = [
        Self::ApiEnablement,
        Self::TaintToleration,
        Self::ClusterAffinity,
        Self::SpreadConstraint,
        Self::ClusterEviction,
        Self::WorkloadAffinity,
        Self::WorkloadAntiAffinity,
    ];
    const ALL: [Self; 8] = [
        Self::ApiEnablement,
        Self::TaintToleration,
        Self::ClusterAffinity,
        Self::SpreadConstraint,
        Self::ClusterEviction,
        Self::WorkloadAffinity,
        Self::WorkloadAntiAffinity,
        Self::ClusterLocality,
    ];

    /// Returns the name by which flags and reports know the plugin.
    pub fn name(self) -> &'static str {
        match self {
            Self::ApiEnablement => "APIEnablement",
            Self::TaintToleration => "TaintToleration",
            Self::ClusterAffinity => "ClusterAffinity",
            Self::SpreadConstraint => "SpreadConstraint",
            Self::ClusterEviction => "ClusterEviction",
            Self::WorkloadAffinity => "WorkloadAffinity",
            Self::WorkloadAntiAffinity => "WorkloadAntiAffinity",
            Self::ClusterLocality => "ClusterLocality",
        }
    }

    pub(in crate::scheduling) fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// The plugins in use; by default all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PluginSet(u8);

impl Default for PluginSet {
    fn default() -> Self {
        Self(u8::MAX)
    }
}

/// A flag names a plugin that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown scheduler plugin {0:?}")]
pub struct UnknownPlugin(pub String);

impl PluginSet {
    /// Reads the values of the flag `--plugins`: `*` for all, `Name` for one, `-Name` without one.
    ///
    /// # Errors
    ///
    /// When a name is not known.
    pub fn parse<'a>(values: impl IntoIterator<Item = &'a str>) -> Result<Self, UnknownPlugin> {
        let (mut with, mut without) = (0, 0);
        for value in values {
            if value == "*" {
                with = u8::MAX;
                continue;
            }
            let name = value.strip_prefix('-').unwrap_or(value);
            let plugin = Plugin::ALL.into_iter().find(|plugin| plugin.name() == name);
            let plugin = plugin.ok_or_else(|| UnknownPlugin(name.to_owned()))?;
            *if value.starts_with('-') { &mut without } else { &mut with } |= plugin.bit();
        }
        Ok(Self(with & !without))
    }

    /// Returns true when the plugin is in use.
    pub fn contains(self, plugin: Plugin) -> bool {
        self.0 & plugin.bit() != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_flag_like_upstream() {
        let all_but_one = PluginSet::parse(["*", "-TaintToleration"]).unwrap();
        assert!(
            all_but_one.contains(Plugin::ClusterAffinity) && !all_but_one.contains(Plugin::TaintToleration)
        );
        let one = PluginSet::parse(["ClusterAffinity"]).unwrap();
        assert!(one.contains(Plugin::ClusterAffinity) && !one.contains(Plugin::ApiEnablement));
        assert_eq!(PluginSet::parse(["Nope"]), Err(UnknownPlugin("Nope".into())));
    }
}
