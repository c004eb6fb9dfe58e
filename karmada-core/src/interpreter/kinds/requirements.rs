//! What one replica of a workload needs.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::{InterpretError, NativeOptions};
use super::typed::{number, read, text};
use crate::api::ResourceList;
use crate::api::work::{NodeClaim, ReplicaRequirements};
use crate::object::{Quantity, QuantityFormat};

/// Returns the replicas and requirements of a workload with `spec.replicas` and `spec.template`.
pub(super) fn workload_replicas(
    type_name: &str,
    object: &Value,
    options: NativeOptions,
) -> Result<(i64, Option<ReplicaRequirements>), InterpretError> {
    let typed = read(type_name, object)?;
    let requirements =
        requirements(&typed["spec"]["template"]["spec"], &object["spec"]["template"]["spec"], options);
    Ok((number(&typed["spec"], "replicas"), requirements))
}

/// Returns what a pod needs: its spec as its type reads it, and as it was written.
pub(in super::super) fn requirements(
    spec: &Value,
    written: &Value,
    options: NativeOptions,
) -> Option<ReplicaRequirements> {
    let node_claim = node_claim(spec, written);
    let resource_request = requests(spec);
    if node_claim.is_none() && resource_request.is_empty() {
        return None;
    }
    let priority_class_name =
        if options.resource_quota_estimate { text(spec, "priorityClassName") } else { "" };
    Some(ReplicaRequirements {
        node_claim,
        resource_request,
        namespace: String::new(),
        priority_class_name: priority_class_name.to_owned(),
    })
}

fn node_claim(spec: &Value, written: &Value) -> Option<NodeClaim> {
    let required = spec.pointer("/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution");
    // An empty selector is a claim too, and only the object as written still has it.
    let selects_nodes = written.get("nodeSelector").is_some_and(Value::is_object);
    let claim = NodeClaim {
        hard_node_affinity: required.and_then(|required| serde_json::from_value(required.clone()).ok()),
        node_selector: decode(spec.get("nodeSelector")),
        tolerations: decode(spec.get("tolerations")),
    };
    (selects_nodes || claim != NodeClaim::default()).then_some(claim)
}

fn decode<T: serde::de::DeserializeOwned + Default>(value: Option<&Value>) -> T {
    value.and_then(|value| serde_json::from_value(value.clone()).ok()).unwrap_or_default()
}

/// Sums the requests of containers, at least what each init container asks for, plus the pod's overhead.
fn requests(spec: &Value) -> ResourceList {
    let mut total = Amounts::default();
    for container in list(spec, "containers") {
        container_requests(container).for_each(|(name, quantity)| total.add(name, quantity));
    }
    for container in list(spec, "initContainers") {
        container_requests(container).for_each(|(name, quantity)| total.raise(name, quantity));
    }
    quantities(spec.get("overhead")).for_each(|(name, quantity)| total.add(name, quantity));
    total.into_list()
}

/// Returns the requests of a container; a limit without a request is a request too.
fn container_requests(container: &Value) -> impl Iterator<Item = (&str, Quantity)> {
    let requests = container.pointer("/resources/requests");
    let limits = quantities(container.pointer("/resources/limits"));
    let unrequested =
        limits.filter(move |(name, _)| requests.and_then(|requests| requests.get(*name)).is_none());
    quantities(requests).chain(unrequested)
}

fn quantities(value: Option<&Value>) -> impl Iterator<Item = (&str, Quantity)> {
    let members = value.and_then(Value::as_object).into_iter().flatten();
    members.filter_map(|(name, quantity)| Some((name.as_str(), quantity.as_str()?.parse().ok()?)))
}

fn list<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value.get(field).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// Amounts in whole units, of processors in thousandths, with Go's overflow.
#[derive(Default)]
struct Amounts(BTreeMap<String, i64>);

impl Amounts {
    fn add(&mut self, name: &str, quantity: Quantity) {
        let Some(amount) = amount(name, quantity) else { return };
        let total = self.0.entry(name.to_owned()).or_default();
        *total = total.wrapping_add(amount);
    }

    fn raise(&mut self, name: &str, quantity: Quantity) {
        let Some(amount) = amount(name, quantity) else { return };
        let total = self.0.entry(name.to_owned()).or_default();
        *total = (*total).max(amount);
    }

    fn into_list(self) -> ResourceList {
        let positive = self.0.into_iter().filter(|(_, amount)| *amount > 0);
        positive
            .map(|(name, amount)| {
                let quantity = match name.as_str() {
                    "cpu" => Quantity::from_milli(amount, QuantityFormat::DecimalSi),
                    "memory" | "ephemeral-storage" => Quantity::from_value(amount, QuantityFormat::BinarySi),
                    other if other.starts_with("hugepages-") => {
                        Quantity::from_value(amount, QuantityFormat::BinarySi)
                    }
                    _ => Quantity::from_value(amount, QuantityFormat::DecimalSi),
                };
                (name, quantity)
            })
            .collect()
    }
}

/// Returns the amount of a resource that schedulers count.
fn amount(name: &str, quantity: Quantity) -> Option<i64> {
    match name {
        "cpu" => Some(quantity.milli_value()),
        "memory" | "ephemeral-storage" | "pods" => Some(quantity.value()),
        _ if is_scalar_resource(name) => Some(quantity.value()),
        _ => None,
    }
}

fn is_scalar_resource(name: &str) -> bool {
    let extended = name.contains('/') && !name.starts_with("requests.");
    extended || name.starts_with("hugepages-") || name.starts_with("attachable-volumes-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn needed(spec: Value) -> Value {
        let requirements = requirements(&spec, &spec, NativeOptions::default());
        serde_json::to_value(requirements).unwrap()
    }

    #[test]
    fn takes_limits_for_missing_requests() {
        let spec = json!({"containers": [{"resources": {
            "limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "100m"},
        }}]});
        assert_eq!(needed(spec), json!({"resourceRequest": {"cpu": "100m", "memory": "1Gi"}}));
    }

    #[test]
    fn raises_the_sum_to_the_largest_init_container() {
        let spec = json!({
            "containers": [{"resources": {"requests": {"cpu": "1"}}}],
            "initContainers": [{"resources": {"requests": {"cpu": "3"}}}],
            "overhead": {"cpu": "10m"},
        });
        assert_eq!(needed(spec), json!({"resourceRequest": {"cpu": "3010m"}}));
    }

    #[test]
    fn needs_nothing_when_nothing_is_asked_for() {
        assert_eq!(needed(json!({"containers": [{"name": "a"}], "tolerations": []})), Value::Null);
        assert_eq!(needed(json!({"nodeSelector": {}})), json!({"nodeClaim": {}}));
    }
}
