//! The cluster has the properties that replicas are spread by.

use crate::{
    api::policy::{SpreadConstraint, SpreadField},
    scheduling::snapshot::ClusterEntry,
};

/// A property of clusters that groups can be formed by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::scheduling) enum SpreadProperty {
    /// The provider.
    #[default]
    Provider,
    /// The region.
    Region,
    /// The zones.
    Zones,
}

/// Refuses clusters without a property that a constraint spreads by.
pub(in crate::scheduling) struct SpreadProperties {
    /// In the order of the constraints.
    wanted: Vec<SpreadProperty>,
}

impl SpreadProperties {
    pub(in crate::scheduling) fn new(constraints: &[SpreadConstraint]) -> Self {
        let property = |constraint: &SpreadConstraint| match constraint.spread_by_field {
            SpreadField::Provider => Some(SpreadProperty::Provider),
            SpreadField::Region => Some(SpreadProperty::Region),
            SpreadField::Zone => Some(SpreadProperty::Zones),
            _ => None,
        };
        Self { wanted: constraints.iter().filter_map(property).collect() }
    }

    /// Returns the first property that the cluster does not have.
    pub(super) fn missing(&self, entry: &ClusterEntry) -> Option<SpreadProperty> {
        self.all_missing(entry).next()
    }

    /// Returns all properties that the cluster does not have.
    pub(in crate::scheduling) fn all_missing(
        &self,
        entry: &ClusterEntry,
    ) -> impl Iterator<Item = SpreadProperty> {
        self.wanted.iter().copied().filter(|property| match property {
            SpreadProperty::Provider => entry.provider.is_empty(),
            SpreadProperty::Region => entry.region.is_empty(),
            SpreadProperty::Zones => entry.zones.is_empty(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::cluster::{Cluster, ClusterSpec};

    fn missing(fields: &[SpreadField]) -> Option<SpreadProperty> {
        let cluster = Cluster::new("m1", ClusterSpec { region: "eu".into(), ..Default::default() });
        let constraint =
            |field: &SpreadField| SpreadConstraint { spread_by_field: field.clone(), ..Default::default() };
        let constraints: Vec<_> = fields.iter().map(constraint).collect();
        SpreadProperties::new(&constraints).missing(&ClusterEntry::without_resources(&cluster))
    }

    #[test]
    fn names_the_first_missing_property() {
        assert_eq!(missing(&[SpreadField::Region, SpreadField::Cluster]), None);
        assert_eq!(missing(&[SpreadField::Region, SpreadField::Zone]), Some(SpreadProperty::Zones));
        assert_eq!(missing(&[SpreadField::Provider, SpreadField::Zone]), Some(SpreadProperty::Provider));
    }
}
