//! Load balancer addresses of services and ingresses.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde_json::Value;

use super::super::InterpretError;
use super::typed::{number, statuses, text};
use crate::api::work::AggregatedStatusItem;

/// Returns the addresses of all members: sorted, each one once.
pub(super) fn aggregate(
    status_type: &str,
    items: &[AggregatedStatusItem],
) -> Result<Vec<Value>, InterpretError> {
    let reported = statuses(status_type, items)?;
    let mut merged: BTreeMap<String, Value> = BTreeMap::new();
    for (_, status) in &reported {
        let addresses = status.pointer("/loadBalancer/ingress").and_then(Value::as_array);
        for address in addresses.into_iter().flatten() {
            let mut address = address.clone();
            sort_ports(&mut address);
            merged.insert(key(&address), address);
        }
    }
    Ok(merged.into_values().collect())
}

/// Returns whether a template's status already has these addresses; a missing list differs from an empty one.
pub(super) fn is_current(object: &Value, typed_status: &Value, addresses: &[Value]) -> bool {
    let current = typed_status.pointer("/loadBalancer/ingress").and_then(Value::as_array);
    let written = object.pointer("/status/loadBalancer/ingress").is_some_and(Value::is_array);
    written && current.map(Vec::as_slice).unwrap_or_default() == addresses
}

/// Returns whether an address can be reached: it has an IP address or a host name.
pub(super) fn has_address(status: &Value) -> bool {
    let addresses = status.pointer("/loadBalancer/ingress").and_then(Value::as_array);
    addresses.into_iter().flatten().any(|address| !text(address, "ip").is_empty() || !text(address, "hostname").is_empty())
}

/// Addresses sort by their JSON text with the fields in this order.
fn key(address: &Value) -> String {
    let members = ["ip", "hostname", "ipMode", "ports"].iter().filter_map(|field| Some((field, address.get(field)?)));
    members.map(|(field, value)| format!("{field:?}:{value},")).collect()
}

fn sort_ports(address: &mut Value) {
    let Some(ports) = address.get_mut("ports").and_then(Value::as_array_mut) else { return };
    ports.sort_by(compare_ports);
    ports.dedup();
}

fn compare_ports(a: &Value, b: &Value) -> Ordering {
    (number(a, "port"), text(a, "protocol"), text(a, "error")).cmp(&(number(b, "port"), text(b, "protocol"), text(b, "error")))
}
