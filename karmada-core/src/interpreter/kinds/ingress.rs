//! Ingress.

use serde_json::{Value, json};

use super::super::{DependentReference, InterpretError};
use super::load_balancer;
use super::rules::Rules;
use super::typed::{read, reported_status, text, with_status};
use crate::api::work::AggregatedStatusItem;
use crate::object;

pub(super) const RULES: Rules = Rules {
    aggregate: Some(|object, items, _| aggregate(object, items.unwrap_or_default())),
    dependencies: Some(dependencies),
    reflect: Some(reflect),
    health: Some(|object| Ok(load_balancer::has_address(&read("Ingress", object)?["status"]))),
    ..Rules::NONE
};

fn aggregate(object: &Value, items: &[AggregatedStatusItem]) -> Result<Value, InterpretError> {
    let typed = read("Ingress", object)?;
    let addresses = load_balancer::aggregate("IngressStatus", items)?;
    if load_balancer::is_current(object, &typed["status"], &addresses) {
        return Ok(object.clone());
    }
    with_status("Ingress", object, json!({"loadBalancer": {"ingress": addresses}}))
}

/// The secrets with certificates; one without a name makes the whole answer an error.
fn dependencies(object: &Value) -> Result<Vec<DependentReference>, InterpretError> {
    let typed = read("Ingress", object)?;
    let entries = typed.pointer("/spec/tls").and_then(Value::as_array);
    let secrets = entries.into_iter().flatten().map(|entry| text(entry, "secretName"));
    Ok(secrets
        .map(|name| DependentReference::named("v1", "Secret", object::namespace(object), name))
        .collect())
}

fn reflect(object: &Value) -> Result<Option<Value>, InterpretError> {
    Ok(reported_status(object)?.cloned())
}
