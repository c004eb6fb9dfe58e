//! Addresses of load balancers, which a MultiClusterService and a MultiClusterIngress report.

use std::net::{IpAddr, Ipv4Addr};

use super::FieldError;
use crate::object::validation::dns_1123_subdomain;

const PATH: &str = "status.loadBalancer.ingress";

/// Checks pairs of address and host name.
pub(super) fn validate_addresses<'a>(
    addresses: impl Iterator<Item = (&'a str, &'a str)>,
    errors: &mut Vec<FieldError>,
) {
    for (index, (ip, hostname)) in addresses.enumerate() {
        if !ip.is_empty() && !is_ip(ip) {
            errors.push(FieldError::invalid(format!("{PATH}[{index}].ip"), ip, "must be a valid IP address"));
        }
        if hostname.is_empty() {
            continue;
        }
        let field = format!("{PATH}[{index}].hostname");
        let messages = dns_1123_subdomain(hostname).into_iter();
        errors.extend(messages.map(|message| FieldError::invalid(&field, hostname, message)));
        if is_ip(hostname) {
            errors.push(FieldError::invalid(field, hostname, "must be a DNS name, not an IP address"));
        }
    }
}

/// Returns true for an address of either family; zeros may lead the numbers of the older one.
pub(super) fn is_ip(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok() || without_leading_zeros(text).parse::<Ipv4Addr>().is_ok()
}

fn without_leading_zeros(text: &str) -> String {
    let number = |number: &str| {
        let trimmed = number.trim_start_matches('0');
        if trimmed.is_empty() && !number.is_empty() { "0".to_owned() } else { trimmed.to_owned() }
    };
    text.split('.').map(number).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_may_lead() {
        for ip in ["1.2.3.4", "010.1.1.1", "0.0.0.00", "::1", "fe80::1"] {
            assert!(is_ip(ip), "{ip}");
        }
        for text in ["", "1.1.1", "1.2.3.256", "a.b.c.d", "1..2.3", "1.2.3.4.5", "::g"] {
            assert!(!is_ip(text), "{text}");
        }
    }
}
