//! Service.

use serde_json::{Value, json};

use super::super::{InterpretError, fields};
use super::load_balancer;
use super::rules::Rules;
use super::typed::{read, reported_status, text, with_status};
use crate::api::work::AggregatedStatusItem;
use crate::object::set_nested;

pub(super) const RULES: Rules = Rules {
    retain: Some(retain),
    aggregate: Some(|object, items, _| aggregate(object, items.unwrap_or_default())),
    reflect: Some(reflect),
    health: Some(health),
    ..Rules::NONE
};

/// Keeps what the member has allocated.
fn retain(mut desired: Value, observed: &Value) -> Result<Value, InterpretError> {
    if let Some(port) = fields::integer(observed, &["spec", "healthCheckNodePort"])?.filter(|port| *port > 0)
    {
        set_nested(&mut desired, &["spec", "healthCheckNodePort"], port.into())?;
    }
    if let Some(address) =
        fields::text(observed, &["spec", "clusterIP"])?.filter(|address| !address.is_empty())
    {
        set_nested(&mut desired, &["spec", "clusterIP"], address.into())?;
    }
    Ok(desired)
}

fn is_load_balancer(object: &Value) -> bool {
    object.pointer("/spec/type").and_then(Value::as_str) == Some("LoadBalancer")
}

fn aggregate(object: &Value, items: &[AggregatedStatusItem]) -> Result<Value, InterpretError> {
    let typed = read("Service", object)?;
    if text(&typed["spec"], "type") != "LoadBalancer" {
        return Ok(object.clone());
    }
    let addresses = load_balancer::aggregate("ServiceStatus", items)?;
    if load_balancer::is_current(object, &typed["status"], &addresses) {
        return Ok(object.clone());
    }
    let mut status = typed["status"].clone();
    status["loadBalancer"] = json!({"ingress": addresses});
    with_status("Service", object, status)
}

fn reflect(object: &Value) -> Result<Option<Value>, InterpretError> {
    if !is_load_balancer(object) {
        return Ok(None);
    }
    let Some(status) = reported_status(object)? else { return Ok(None) };
    let status = read("ServiceStatus", status)?;
    Ok(Some(json!({"loadBalancer": status["loadBalancer"]})))
}

fn health(object: &Value) -> Result<bool, InterpretError> {
    let typed = read("Service", object)?;
    Ok(text(&typed["spec"], "type") != "LoadBalancer" || load_balancer::has_address(&typed["status"]))
}
