//! Names of resources: of quotas and of containers.

use super::FieldError;
use crate::{
    api::ResourceList,
    object::{Quantity, validation::qualified_name},
};

const COMPUTE: &[&str] = &["cpu", "memory", "ephemeral-storage"];
const QUOTA_OF_COMPUTE: &[&str] = &[
    "requests.cpu",
    "requests.memory",
    "requests.storage",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
];
/// Resources that are counted in whole objects.
const OBJECT_COUNTS: &[&str] = &[
    "pods",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
    "services.nodeports",
    "services.loadbalancers",
];
const HUGE_PAGES: &str = "hugepages-";

/// Checks names and amounts of a quota.
pub(super) fn validate_quota_list(resources: &ResourceList, path: &str, errors: &mut Vec<FieldError>) {
    for (name, quantity) in resources {
        let field = format!("{path}[{name}]");
        push_name_messages(name, &field, errors);
        if !name.contains('/') && !is_quota(name) {
            errors.push(FieldError::invalid(&field, name, "must be a standard resource for quota"));
        }
        validate_amount(name, quantity, &field, errors);
    }
}

/// Checks the name of a resource that a container asks for.
pub(super) fn validate_container_name(name: &str, field: &str, errors: &mut Vec<FieldError>) {
    push_name_messages(name, field, errors);
    if !name.contains('/') && !COMPUTE.contains(&name) && !name.starts_with(HUGE_PAGES) {
        errors.push(FieldError::invalid(field, name, "must be a standard resource for containers"));
    }
}

fn push_name_messages(name: &str, field: &str, errors: &mut Vec<FieldError>) {
    let messages = qualified_name(name);
    if messages.is_empty() && !name.contains('/') && !is_standard(name) {
        let detail = "must be a standard resource type or fully qualified";
        errors.push(FieldError::invalid(field, name, detail));
    }
    errors.extend(messages.into_iter().map(|message| FieldError::invalid(field, name, message)));
}

fn validate_amount(name: &str, quantity: &Quantity, field: &str, errors: &mut Vec<FieldError>) {
    if quantity.sign() < 0 {
        errors.push(FieldError::invalid_value(field, quantity, "must be greater than or equal to 0"));
    }
    let is_counted = OBJECT_COUNTS.contains(&name) || is_extended(name);
    if is_counted && quantity.milli_value() % 1000 != 0 {
        errors.push(FieldError::invalid_value(field, quantity, "must be an integer"));
    }
}

fn is_standard(name: &str) -> bool {
    is_quota(name) || name == "storage"
}

fn is_quota(name: &str) -> bool {
    COMPUTE.contains(&name)
        || QUOTA_OF_COMPUTE.contains(&name)
        || OBJECT_COUNTS.contains(&name)
        || name.starts_with(HUGE_PAGES)
        || name.strip_prefix("requests.").is_some_and(|rest| rest.starts_with(HUGE_PAGES))
}

/// Returns true for resources of other domains than Kubernetes' own: devices, which are whole.
fn is_extended(name: &str) -> bool {
    let is_native = !name.contains('/') || name.contains("kubernetes.io/");
    !is_native && !name.starts_with("requests.") && qualified_name(&format!("requests.{name}")).is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn details(name: &str, quantity: &str) -> Vec<String> {
        let mut errors = Vec::new();
        let list = ResourceList::from([(name.to_owned(), quantity.parse().unwrap())]);
        validate_quota_list(&list, "spec.overall", &mut errors);
        errors.into_iter().map(|error| error.detail).collect()
    }

    #[test]
    fn quotas_know_their_resources() {
        for name in ["cpu", "requests.hugepages-2Mi", "count/jobs.batch", "requests.example.org/gpu"] {
            assert_eq!(details(name, "2"), Vec::<String>::new(), "{name}");
        }
        assert_eq!(details("storage", "1"), ["must be a standard resource for quota"]);
        assert_eq!(details("widgets", "1").len(), 2);
    }

    #[test]
    fn what_is_counted_is_whole() {
        assert_eq!(details("pods", "1.5"), ["must be an integer"]);
        assert_eq!(details("example.org/gpu", "500m"), ["must be an integer"]);
        assert_eq!(details("cpu", "-500m"), ["must be greater than or equal to 0"]);
    }
}
