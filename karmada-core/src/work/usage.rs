//! Resources that a binding takes from quotas.

use crate::api::ResourceList;
use crate::api::work::ResourceBindingSpec;
use crate::object::Quantity;

/// Returns what all replicas in all clusters request; a workload with components has one set of them per cluster.
pub fn resource_usage(spec: &ResourceBindingSpec) -> ResourceList {
    let mut usage = ResourceList::new();
    if spec.components.is_empty() {
        let replicas: i64 = spec.clusters.iter().map(|target| i64::from(target.replicas)).sum();
        if let Some(requirements) = &spec.replica_requirements {
            add(&mut usage, &requirements.resource_request, replicas);
        }
    } else {
        let sets = spec.clusters.len() as i64;
        for component in &spec.components {
            if let Some(requirements) = &component.replica_requirements {
                add(&mut usage, &requirements.resource_request, i64::from(component.replicas) * sets);
            }
        }
    }
    usage.retain(|_, quantity| !quantity.is_zero());
    usage
}

fn add(usage: &mut ResourceList, request: &ResourceList, times: i64) {
    for (name, quantity) in request {
        *usage.entry(name.clone()).or_insert(Quantity::ZERO) += *quantity * times;
    }
}
