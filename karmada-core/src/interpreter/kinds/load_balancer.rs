//! Load balancer addresses of services and ingresses.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde_json::Value;

use super::super::InterpretError;
use super::typed::{number, statuses, text};
use crate::api::work::AggregatedStatusItem;

/// Returns the addresses of all members, each one once with the ports of all its mentions.
///
/// Those with a host name come first, by host name, then by IP address.
pub(super) fn aggregate(
    status_type: &str,
    items: &[AggregatedStatusItem],
) -> Result<Vec<Value>, InterpretError> {
    let reported = statuses(status_type, items)?;
    let mut merged: BTreeMap<Key, Value> = BTreeMap::new();
    for (_, status) in &reported {
        let addresses = status.pointer("/loadBalancer/ingress").and_then(Value::as_array);
        for address in addresses.into_iter().flatten() {
            let known = merged.entry(key(address)).or_insert_with(|| without_ports(address));
            add_ports(known, address);
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
    addresses
        .into_iter()
        .flatten()
        .any(|address| !text(address, "ip").is_empty() || !text(address, "hostname").is_empty())
}

/// What tells addresses apart; false sorts before true, so what is there comes first.
type Key = ((bool, String), String, (bool, String));

fn key(address: &Value) -> Key {
    let present_first = |field: &str| {
        let text = text(address, field);
        (text.is_empty(), text.to_owned())
    };
    (present_first("hostname"), text(address, "ip").to_owned(), present_first("ipMode"))
}

fn without_ports(address: &Value) -> Value {
    let mut address = address.clone();
    address.as_object_mut().and_then(|members| members.remove("ports"));
    address
}

fn add_ports(known: &mut Value, address: &Value) {
    let Some(added) = address.get("ports").and_then(Value::as_array) else { return };
    let mut ports = known.get("ports").and_then(Value::as_array).cloned().unwrap_or_default();
    ports.extend(added.iter().cloned());
    ports.sort_by(compare_ports);
    ports.dedup();
    known["ports"] = Value::Array(ports);
}

fn compare_ports(a: &Value, b: &Value) -> Ordering {
    (number(a, "port"), text(a, "protocol"), text(a, "error")).cmp(&(
        number(b, "port"),
        text(b, "protocol"),
        text(b, "error"),
    ))
}
