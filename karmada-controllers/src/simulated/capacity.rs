//! Which replicas fit on the nodes.

use std::collections::BTreeMap;

use karmada_core::api::ResourceList;
use karmada_core::object::{Quantity, QuantityFormat};

use crate::hub::ObjectKey;

/// The nodes' resources and who holds how much of them.
///
/// All nodes count as one: a replica fits if the sum of what is free suffices.
#[derive(Debug)]
pub(super) struct Capacity {
    free: ResourceList,
    held: BTreeMap<ObjectKey, (i64, ResourceList)>,
}

impl Capacity {
    pub(super) fn new(total: ResourceList) -> Self {
        Self { free: total, held: BTreeMap::new() }
    }

    /// Gives `owner` room for up to `replicas` pods, in place of what it held. Returns how many fit.
    pub(super) fn assign(&mut self, owner: &ObjectKey, replicas: i64, mut request: ResourceList) -> i64 {
        self.release(owner);
        request.insert("pods".into(), Quantity::from_value(1, QuantityFormat::DecimalSi));
        let mut fit = replicas.max(0);
        for (name, amount) in &request {
            if amount.sign() <= 0 {
                continue;
            }
            let free = self.free.get(name).map_or(0, Quantity::nanos);
            fit = fit.min(i64::try_from((free / amount.nanos()).max(0)).unwrap_or(i64::MAX));
        }
        for (name, amount) in &request {
            if let Some(free) = self.free.get_mut(name) {
                *free -= *amount * fit;
            }
        }
        self.held.insert(owner.clone(), (fit, request));
        fit
    }

    /// Frees what `owner` holds. Returns whether it held anything.
    pub(super) fn release(&mut self, owner: &ObjectKey) -> bool {
        let Some((replicas, request)) = self.held.remove(owner) else { return false };
        for (name, amount) in &request {
            if let Some(free) = self.free.get_mut(name) {
                *free += *amount * replicas;
            }
        }
        replicas > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(cpu: &str, pods: &str) -> ResourceList {
        [("cpu".to_string(), cpu.parse().unwrap()), ("pods".to_string(), pods.parse().unwrap())].into()
    }

    fn request(cpu: &str) -> ResourceList {
        [("cpu".to_string(), cpu.parse().unwrap())].into()
    }

    #[test]
    fn gives_what_is_free_and_takes_it_back() {
        let mut capacity = Capacity::new(list("4", "10"));
        let (a, b) = (ObjectKey::new("ns", "a"), ObjectKey::new("ns", "b"));
        assert_eq!(capacity.assign(&a, 3, request("1")), 3);
        assert_eq!(capacity.assign(&b, 3, request("500m")), 2);
        assert!(capacity.release(&a));
        assert_eq!(capacity.assign(&b, 30, request("500m")), 8);
        assert!(!capacity.release(&a));
    }

    #[test]
    fn pods_without_requests_are_limited_by_pod_slots() {
        let mut capacity = Capacity::new(list("4", "10"));
        assert_eq!(capacity.assign(&ObjectKey::new("ns", "a"), 100, ResourceList::new()), 10);
    }
}
