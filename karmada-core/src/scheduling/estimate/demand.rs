//! What pods ask for, as numbers.

use crate::{
    api::{ResourceList, work::Component},
    object::{Quantity, QuantityFormat},
};

/// The resource that is counted in thousandths.
const CPU: &str = "cpu";

/// What one pod asks for.
pub(super) type Demand = Vec<ResourceDemand>;

/// How much of one resource a pod asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ResourceDemand {
    /// The resource.
    pub(super) name: String,
    /// The amount in the unit of the resource; never zero or less.
    pub(super) amount: i64,
}

/// The pods of one component: a number of replicas that ask for the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PodSet {
    pub(super) replicas: i64,
    /// In the unit of the resource, for placing on nodes.
    pub(super) demand: Demand,
    /// In the unit of the quantity's format, for comparing with the sum of a cluster.
    pub(super) demand_by_format: Demand,
}

impl PodSet {
    pub(super) fn of_component(component: &Component) -> Self {
        let request =
            component.replica_requirements.as_ref().map(|requirements| &requirements.resource_request);
        Self::new(component.replicas, request)
    }

    pub(super) fn new(replicas: i32, request: Option<&ResourceList>) -> Self {
        let list = |amount: fn(&str, &Quantity) -> i64| {
            request.map(|request| demand_with(request, amount)).unwrap_or_default()
        };
        Self {
            replicas: i64::from(replicas.max(0)),
            demand: list(amount_in_unit),
            demand_by_format: list(|_, quantity| amount_by_format(quantity)),
        }
    }
}

/// Returns what a pod with this request asks for, in the units of the resources.
pub(super) fn demand_of(request: &ResourceList) -> Demand {
    demand_with(request, amount_in_unit)
}

/// Returns the amount in the unit of the resource: thousandths for CPU, else whole units.
pub(super) fn amount_in_unit(name: &str, quantity: &Quantity) -> i64 {
    if name == CPU { quantity.milli_value() } else { quantity.value() }
}

/// Returns the amount in thousandths when the quantity is written decimally, else in whole units.
///
/// Upstream counts component sets like this, also where one side of a comparison is written
/// decimally and the other in binary, and so finds a thousand times too much room or too little
/// (karmada v1.19.0-rc.0 pkg/estimator/client). The room found is part of the result.
pub(super) fn amount_by_format(quantity: &Quantity) -> i64 {
    if quantity.format() == QuantityFormat::DecimalSi { quantity.milli_value() } else { quantity.value() }
}

fn demand_with(request: &ResourceList, amount: impl Fn(&str, &Quantity) -> i64) -> Demand {
    request
        .iter()
        .map(|(name, quantity)| ResourceDemand { name: name.clone(), amount: amount(name, quantity) })
        .filter(|demand| demand.amount > 0)
        .collect()
}
