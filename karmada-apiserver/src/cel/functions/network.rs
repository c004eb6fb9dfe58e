//! Addresses, networks and URLs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use super::super::error::EvalError;
use super::super::value::{Key, Url, Value};
use super::Answer;

pub(super) fn call(name: &str, args: &[Value]) -> Answer {
    Some(match (name, args) {
        ("ip", [Value::String(text)]) => ip(text).map(Value::Ip),
        ("ip", [Value::Cidr(address, _)]) => Ok(Value::Ip(*address)),
        ("isIP", [Value::String(text)]) => Ok(Value::Bool(ip(text).is_ok())),
        ("ip.isCanonical", [Value::String(text)]) => {
            ip(text).map(|address| Value::Bool(address.to_string() == **text))
        }
        ("cidr", [Value::String(text)]) => cidr(text).map(|(address, bits)| Value::Cidr(address, bits)),
        ("isCIDR", [Value::String(text)]) => Ok(Value::Bool(cidr(text).is_ok())),
        ("url", [Value::String(text)]) => url(text).map(|url| Value::Url(Arc::new(url))),
        ("isURL", [Value::String(text)]) => Ok(Value::Bool(url(text).is_ok())),
        (_, [Value::Ip(address)]) => return of_address(name, *address),
        (_, [Value::Cidr(address, bits), rest @ ..]) => return of_network(name, *address, *bits, rest),
        (_, [Value::Url(url)]) => return of_url(name, url),
        _ => return None,
    })
}

/// Reads an address; forms that only some programs understand are refused.
fn ip(text: &str) -> Result<IpAddr, EvalError> {
    let address: IpAddr = text.parse().map_err(|_| {
        let text = crate::registry::quote(text);
        EvalError::failed(format!("IP Address {text} parse error during conversion from string: ParseAddr({text}): unable to parse IP"))
    })?;
    if matches!(address, IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some()) {
        let text = crate::registry::quote(text);
        return Err(EvalError::failed(format!("IPv4-mapped IPv6 address {text} is not allowed")));
    }
    Ok(address)
}

fn cidr(text: &str) -> Result<(IpAddr, u8), EvalError> {
    let invalid = || {
        let text = crate::registry::quote(text);
        EvalError::failed(format!("network address parse error during conversion from string: {text}"))
    };
    let (address, bits) = text.split_once('/').ok_or_else(invalid)?;
    let address = ip(address).map_err(|_| invalid())?;
    let well_formed =
        bits.bytes().all(|byte| byte.is_ascii_digit()) && !(bits.len() > 1 && bits.starts_with('0'));
    let limit = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.parse::<u8>().ok().filter(|bits| well_formed && *bits <= limit).ok_or_else(invalid)?;
    Ok((address, bits))
}

fn of_address(name: &str, address: IpAddr) -> Answer {
    Some(Ok(match name {
        "family" => Value::Int(if address.is_ipv4() { 4 } else { 6 }),
        "isUnspecified" => Value::Bool(address.is_unspecified()),
        "isLoopback" => Value::Bool(address.is_loopback()),
        "isLinkLocalMulticast" => Value::Bool(match address {
            IpAddr::V4(v4) => v4.octets()[..3] == [224, 0, 0],
            IpAddr::V6(v6) => v6.segments()[0] & 0xff0f == 0xff02,
        }),
        "isLinkLocalUnicast" => Value::Bool(is_link_local(address)),
        "isGlobalUnicast" => Value::Bool(
            !(address.is_unspecified()
                || address.is_loopback()
                || address.is_multicast()
                || is_link_local(address)
                || matches!(address, IpAddr::V4(v4) if v4.is_broadcast())),
        ),
        _ => return None,
    }))
}

fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.segments()[0] & 0xffc0 == 0xfe80,
    }
}

fn masked(address: IpAddr, bits: u8) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or_default();
            Ipv4Addr::from(u32::from(v4) & mask).into()
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or_default();
            Ipv6Addr::from(u128::from(v6) & mask).into()
        }
    }
}

fn of_network(name: &str, address: IpAddr, bits: u8, rest: &[Value]) -> Answer {
    let network = masked(address, bits);
    let contains = |other: IpAddr, other_bits: u8| {
        Value::Bool(
            other.is_ipv4() == address.is_ipv4() && other_bits >= bits && masked(other, bits) == network,
        )
    };
    Some(match (name, rest) {
        ("containsIP", [Value::Ip(other)]) => Ok(contains(*other, u8::MAX)),
        ("containsIP", [Value::String(text)]) => ip(text).map(|other| contains(other, u8::MAX)),
        ("containsCIDR", [Value::Cidr(other, other_bits)]) => Ok(contains(*other, *other_bits)),
        ("containsCIDR", [Value::String(text)]) => cidr(text).map(|(other, bits)| contains(other, bits)),
        ("masked", []) => Ok(Value::Cidr(network, bits)),
        ("prefixLength", []) => Ok(Value::Int(i64::from(bits))),
        _ => return None,
    })
}

/// Reads an absolute URI or an absolute path.
fn url(text: &str) -> Result<Url, EvalError> {
    let invalid = |reason: &str| {
        let text = crate::registry::quote(text);
        Err(EvalError::failed(format!(
            "URL parse error during conversion from string: parse {text}: {reason}"
        )))
    };
    if text.bytes().any(|byte| byte < 0x20 || byte == 0x7f) {
        return invalid("net/url: invalid control character in URL");
    }
    if text.is_empty() {
        return invalid("empty url");
    }
    let (rest, _) = text.split_once('#').unwrap_or((text, ""));
    let (scheme, rest) = match rest.split_once(':') {
        Some((scheme, tail)) if is_scheme(scheme) => (scheme.to_ascii_lowercase(), tail),
        _ => (String::new(), rest),
    };
    if scheme.is_empty() && !rest.starts_with('/') {
        return invalid("invalid URI for request");
    }
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (host, path) = match rest.strip_prefix("//").filter(|_| !scheme.is_empty()) {
        Some(rest) => rest.split_at(rest.find('/').unwrap_or(rest.len())),
        None => ("", rest),
    };
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    if host.contains([' ', '<', '>', '"', '\\', '^', '`', '{', '|', '}']) {
        return invalid("invalid character in host name");
    }
    let (hostname, port) = match host.rsplit_once(':') {
        Some((hostname, port)) if !port.contains(']') => (hostname, port),
        _ => (host, ""),
    };
    if !port.bytes().all(|byte| byte.is_ascii_digit()) {
        return invalid(&format!("invalid port \":{port}\" after host"));
    }
    let mut parameters: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty() && !pair.contains(';')) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if let (Some(name), Some(value)) = (unescape(name), unescape(value)) {
            parameters.entry(name).or_default().push(value);
        }
    }
    Ok(Url {
        text: text.to_owned(),
        scheme,
        host: host.to_owned(),
        hostname: hostname.trim_start_matches('[').trim_end_matches(']').to_owned(),
        port: port.to_owned(),
        path: escape_path(path),
        query: parameters,
    })
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

fn escape_path(path: &str) -> String {
    let mut escaped = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~$&+,/:;=@%!'()*".contains(&byte) {
            escaped.push(byte as char);
        } else {
            // Writing to a string cannot fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

fn unescape(text: &str) -> Option<String> {
    let mut data = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        data.push(match byte {
            b'+' => b' ',
            b'%' => {
                let high = char::from(bytes.next()?).to_digit(16)?;
                let low = char::from(bytes.next()?).to_digit(16)?;
                (high * 16 + low) as u8
            }
            other => other,
        });
    }
    Some(String::from_utf8_lossy(&data).into_owned())
}

fn of_url(name: &str, url: &Url) -> Answer {
    Some(Ok(match name {
        "getScheme" => Value::string(url.scheme.as_str()),
        "getHost" => Value::string(url.host.as_str()),
        "getHostname" => Value::string(url.hostname.as_str()),
        "getPort" => Value::string(url.port.as_str()),
        "getEscapedPath" => Value::string(url.path.as_str()),
        "getQuery" => Value::map(
            url.query
                .iter()
                .map(|(name, values)| {
                    let values = values.iter().map(|value| Value::string(value.as_str())).collect();
                    (Key::String(name.as_str().into()), Value::list(values))
                })
                .collect(),
        ),
        _ => return None,
    }))
}
