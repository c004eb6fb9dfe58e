//! The APIServices of the built-in group versions, which this server serves itself.

use serde_json::{Value, json};

use super::crds::AUTOMANAGED;
use crate::registry::Registry;

/// Priority of a group and of its version, as a real server has them; clients sort by them.
const PRIORITIES: [(&str, &str, i32, i32); 21] = [
    ("", "v1", 18_000, 1),
    ("admissionregistration.k8s.io", "v1", 16_700, 15),
    ("apiextensions.k8s.io", "v1", 16_700, 15),
    ("apps", "v1", 17_800, 15),
    ("authentication.k8s.io", "v1", 17_700, 15),
    ("authorization.k8s.io", "v1", 17_600, 15),
    ("autoscaling", "v1", 17_500, 15),
    ("autoscaling", "v2", 17_500, 30),
    ("batch", "v1", 17_400, 15),
    ("certificates.k8s.io", "v1", 17_300, 15),
    ("coordination.k8s.io", "v1", 16_500, 15),
    ("discovery.k8s.io", "v1", 16_200, 15),
    ("events.k8s.io", "v1", 17_750, 15),
    ("flowcontrol.apiserver.k8s.io", "v1", 16_100, 21),
    ("networking.k8s.io", "v1", 17_200, 15),
    ("node.k8s.io", "v1", 16_300, 15),
    ("policy", "v1", 17_100, 15),
    ("rbac.authorization.k8s.io", "v1", 17_000, 15),
    ("resource.k8s.io", "v1", 16_200, 21),
    ("scheduling.k8s.io", "v1", 16_600, 15),
    ("storage.k8s.io", "v1", 16_800, 15),
];

/// Returns an APIService for every built-in group version that is served.
pub(super) fn local_services(registry: &Registry) -> Vec<Value> {
    let served = |group: &str, version: &str| {
        registry.resources().any(|resource| resource.group == group && resource.version == version)
    };
    let priorities = PRIORITIES.iter().filter(|(group, version, ..)| served(group, version));
    priorities
        .map(|(group, version, minimum, priority)| {
            let mut service = json!({"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
                "metadata": {"name": format!("{version}.{group}"), "labels": {AUTOMANAGED: "onstart"}},
                "spec": {"version": version, "groupPriorityMinimum": minimum, "versionPriority": priority}});
            if !group.is_empty() {
                service["spec"]["group"] = (*group).into();
            }
            service
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_built_in_group_version_has_one() {
        let registry = Registry::built_in();
        let served: BTreeSet<String> = registry
            .resources()
            .filter(|resource| resource.group != "apiregistration.k8s.io")
            .map(|resource| format!("{}.{}", resource.version, resource.group))
            .collect();
        let services = local_services(&registry);
        let named: BTreeSet<String> =
            services.iter().map(|service| service["metadata"]["name"].as_str().unwrap().to_owned()).collect();
        assert_eq!(named, served);
    }
}
