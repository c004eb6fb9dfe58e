//! Cluster IPs and node ports.
//!
//! What is taken is read off the stored services, so there is no second book to keep. Whoever stores services has to
//! let one of them through at a time.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use serde_json::{Value, json};

use super::super::field_error::{FieldError, FieldErrorKind};
use super::super::prepare::{Persistence, PrepareContext};
use super::fields::{has, items, items_mut, text};
use super::service::uses_node_ports;

/// The first address and the size of the service network, 10.96.0.0/16.
const NETWORK: u32 = u32::from_be_bytes([10, 96, 0, 0]);
const NETWORK_SIZE: u32 = 1 << 16;
/// Addresses below this are left to those who ask for one.
const RESERVED: u32 = 256;
const NODE_PORTS: std::ops::RangeInclusive<i64> = 30000..=32767;

/// Gives a service its addresses and ports.
pub(super) fn allocate(
    object: &mut Value,
    old: Option<&Value>,
    context: &PrepareContext<'_>,
) -> Vec<FieldError> {
    let kind = text(&object["spec"], "type").to_owned();
    let services = context.lookup.map(|lookup| lookup.objects("/services")).unwrap_or_default();
    let own = (text(&object["metadata"], "namespace"), text(&object["metadata"], "name"));
    let others: Vec<&Value> = services
        .iter()
        .filter(|other| (text(&other["metadata"], "namespace"), text(&other["metadata"], "name")) != own)
        .collect();
    // Dry runs take nothing, so all are shown the same.
    let seed = match context.persistence {
        Persistence::Stored => seed(text(&object["metadata"], "uid")),
        Persistence::DryRun => 0,
    };
    let mut errors = Vec::new();
    if kind != "ExternalName" {
        allocate_address(object, old, &others, seed, &mut errors);
    }
    if uses_node_ports(&kind) && object["spec"]["allocateLoadBalancerNodePorts"] != json!(false) {
        allocate_ports(object, &others, seed, &mut errors);
    }
    errors
}

fn allocate_address(
    object: &mut Value,
    old: Option<&Value>,
    others: &[&Value],
    seed: u32,
    errors: &mut Vec<FieldError>,
) {
    let spec = &mut object["spec"];
    let wanted = text(spec, "clusterIP").to_owned();
    if wanted == "None" {
        let selected = spec.get("selector").and_then(Value::as_object).is_some_and(|map| !map.is_empty());
        let (families, policy) = if selected {
            (json!(["IPv4"]), "SingleStack")
        } else {
            (json!(["IPv4", "IPv6"]), "RequireDualStack")
        };
        super::fields::default(spec, "ipFamilies", families);
        super::fields::default(spec, "ipFamilyPolicy", policy);
        return;
    }
    super::fields::default(spec, "ipFamilies", json!(["IPv4"]));
    super::fields::default(spec, "ipFamilyPolicy", "SingleStack");
    if old.is_some_and(|old| text(&old["spec"], "clusterIP") == wanted && !wanted.is_empty()) {
        return;
    }
    let used: BTreeSet<&str> = others
        .iter()
        .flat_map(|other| items(&other["spec"], "clusterIPs"))
        .filter_map(Value::as_str)
        .collect();
    if wanted.is_empty() {
        let Some(address) = free_address(&used, seed) else {
            errors.push(refused(spec, "failed to allocate a serviceIP: range is full"));
            return;
        };
        spec["clusterIP"] = json!(address.to_string());
        spec["clusterIPs"] = json!([address.to_string()]);
        return;
    }
    let Ok(IpAddr::V4(address)) = wanted.parse::<IpAddr>() else { return };
    let offset = u32::from(address).wrapping_sub(NETWORK);
    if offset >= NETWORK_SIZE {
        let problem =
            format!("failed to allocate IP {wanted}: the provided network does not match the current range");
        errors.push(refused(spec, &problem));
    } else if used.contains(wanted.as_str()) {
        errors.push(refused(
            spec,
            &format!("failed to allocate IP {wanted}: provided IP is already allocated"),
        ));
    }
}

fn free_address(used: &BTreeSet<&str>, seed: u32) -> Option<Ipv4Addr> {
    let span = NETWORK_SIZE - RESERVED - 1;
    (0..span)
        .map(|step| Ipv4Addr::from(NETWORK + RESERVED + (seed.wrapping_add(step)) % span))
        .find(|address| !used.contains(address.to_string().as_str()))
}

fn allocate_ports(object: &mut Value, others: &[&Value], seed: u32, errors: &mut Vec<FieldError>) {
    let mut used: BTreeSet<i64> = others
        .iter()
        .flat_map(|other| items(&other["spec"], "ports"))
        .filter_map(|port| port["nodePort"].as_i64())
        .collect();
    let spec = &mut object["spec"];
    for (index, port) in items(spec, "ports").iter().enumerate() {
        let Some(number) = port["nodePort"].as_i64() else { continue };
        let problem = if !NODE_PORTS.contains(&number) {
            "provided port is not in the valid range. The range of valid ports is 30000-32767"
        } else if !used.insert(number) {
            "provided port is already allocated"
        } else {
            continue;
        };
        errors.push(FieldError::invalid(format!("spec.ports[{index}].nodePort"), &port["nodePort"], problem));
    }
    let span = NODE_PORTS.end() - NODE_PORTS.start() + 1;
    for port in items_mut(spec, "ports") {
        if has(port, "nodePort") {
            continue;
        }
        let start = i64::from(seed) % span;
        let free = (0..span)
            .map(|step| NODE_PORTS.start() + (start + step) % span)
            .find(|port| !used.contains(port));
        if let Some(number) = free {
            used.insert(number);
            port["nodePort"] = json!(number);
        }
    }
}

fn refused(spec: &Value, problem: &str) -> FieldError {
    FieldError {
        kind: FieldErrorKind::Invalid,
        field: "spec.clusterIPs".to_owned(),
        message: format!("Invalid value: {}: {problem}", spec.get("clusterIPs").unwrap_or(&Value::Null)),
    }
}

/// Spreads addresses by the service's uid, so that a freed one is not reused at once.
fn seed(uid: &str) -> u32 {
    uid.bytes().fold(2_166_136_261, |hash: u32, byte| (hash ^ u32::from(byte)).wrapping_mul(16_777_619))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::super::super::prepare::{FieldValidation, Lookup};
    use super::*;

    struct Stored(Vec<Value>);

    impl Lookup for Stored {
        fn object(&self, _: &str, _: &str, _: &str) -> Option<Value> {
            None
        }

        fn objects(&self, _: &str) -> Vec<Value> {
            self.0.clone()
        }
    }

    fn allocated(service: &mut Value, stored: Vec<Value>) -> Vec<FieldError> {
        let stored = Stored(stored);
        let context =
            PrepareContext::new(FieldValidation::Ignore, Timestamp::UNIX_EPOCH).with_lookup(&stored);
        allocate(service, None, &context)
    }

    #[test]
    fn gives_out_addresses_and_ports_that_are_free() {
        let mut first =
            json!({"metadata": {"name": "a", "uid": "u"}, "spec": {"type": "NodePort", "ports": [{}, {}]}});
        assert!(allocated(&mut first, Vec::new()).is_empty());
        let mut second =
            json!({"metadata": {"name": "b", "uid": "u"}, "spec": {"type": "NodePort", "ports": [{}]}});
        assert!(allocated(&mut second, vec![first.clone()]).is_empty());
        assert_ne!(first["spec"]["clusterIP"], second["spec"]["clusterIP"]);
        assert_ne!(first["spec"]["ports"][0]["nodePort"], first["spec"]["ports"][1]["nodePort"]);
        assert_ne!(first["spec"]["ports"][0]["nodePort"], second["spec"]["ports"][0]["nodePort"]);
    }

    #[test]
    fn refuses_a_taken_address() {
        let service = |name: &str| {
            json!({"metadata": {"name": name}, "spec": {"type": "ClusterIP", "clusterIP": "10.96.8.8",
                "clusterIPs": ["10.96.8.8"]}})
        };
        let errors = allocated(&mut service("b"), vec![service("a")]);
        assert!(errors[0].message.contains("already allocated"), "{errors:?}");
    }
}
