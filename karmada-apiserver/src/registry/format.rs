//! String formats that custom resource schemas check.

use std::net::{Ipv4Addr, Ipv6Addr};

use base64::Engine as _;

/// Whether a string has the format. Formats that the server does not know accept everything.
pub(crate) fn matches(name: &str, text: &str) -> bool {
    match name {
        "date-time" | "datetime" => text.parse::<jiff::Timestamp>().is_ok(),
        "date" => text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok(),
        "duration" => is_duration(text),
        "byte" => base64::engine::general_purpose::STANDARD.decode(text).is_ok(),
        "ipv4" => text.parse::<Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<Ipv6Addr>().is_ok(),
        "cidr" => is_cidr(text),
        "uuid" | "uuid3" | "uuid4" | "uuid5" => is_uuid(name, text),
        "email" => text.split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty()),
        "hostname" => is_hostname(text),
        "uri" => text.parse::<http::Uri>().is_ok_and(|uri| uri.scheme().is_some() || text.starts_with('/')),
        "mac" => is_mac(text),
        "hexcolor" => {
            let digits = text.strip_prefix('#').unwrap_or(text);
            matches!(digits.len(), 3 | 6) && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
        }
        _ => true,
    }
}

/// Go durations (`1h30m`), and words (`3 days`) that the real checker knows too.
fn is_duration(text: &str) -> bool {
    let mut rest = text.trim_start_matches(['-', '+']);
    if rest == "0" {
        return true;
    }
    if rest.is_empty() {
        return false;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        if digits == 0 {
            return false;
        }
        rest = rest[digits..].trim_start();
        let unit_length = rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len());
        let (unit, tail) = rest.split_at(unit_length);
        let known = matches!(
            unit,
            "ns" | "us"
                | "µs"
                | "μs"
                | "ms"
                | "s"
                | "m"
                | "h"
                | "d"
                | "w"
                | "second"
                | "seconds"
                | "minute"
                | "minutes"
                | "hour"
                | "hours"
                | "day"
                | "days"
                | "week"
                | "weeks"
        );
        if !known {
            return false;
        }
        rest = tail.trim_start();
    }
    true
}

fn is_cidr(text: &str) -> bool {
    let Some((address, prefix)) = text.split_once('/') else { return false };
    let Ok(bits) = prefix.parse::<u8>() else { return false };
    match address.parse::<std::net::IpAddr>() {
        Ok(std::net::IpAddr::V4(_)) => bits <= 32,
        Ok(std::net::IpAddr::V6(_)) => bits <= 128,
        Err(_) => false,
    }
}

fn is_uuid(name: &str, text: &str) -> bool {
    let Ok(id) = uuid::Uuid::try_parse(text) else { return false };
    match name {
        "uuid3" => id.get_version_num() == 3,
        "uuid4" => id.get_version_num() == 4,
        "uuid5" => id.get_version_num() == 5,
        _ => true,
    }
}

fn is_hostname(text: &str) -> bool {
    let label = |part: &str| {
        !part.is_empty()
            && part.len() <= 63
            && !part.starts_with('-')
            && !part.ends_with('-')
            && part.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    text.len() <= 255 && text.trim_end_matches('.').split('.').all(label)
}

fn is_mac(text: &str) -> bool {
    let parts: Vec<&str> = text.split([':', '-']).collect();
    matches!(parts.len(), 6 | 8)
        && parts.iter().all(|p| p.len() == 2 && p.bytes().all(|b| b.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_good_from_bad() {
        let good = [
            ("date-time", "2024-01-02T03:04:05Z"),
            ("date", "2024-01-02"),
            ("duration", "1h30m"),
            ("duration", "3 days"),
            ("ipv4", "10.0.0.1"),
            ("cidr", "10.0.0.0/8"),
            ("uuid", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
            ("hostname", "a.example.com"),
            ("no-such-format", "anything"),
        ];
        for (name, text) in good {
            assert!(matches(name, text), "{name} {text}");
        }
        let bad = [
            ("date-time", "yesterday"),
            ("date", "2024-13-02"),
            ("duration", "1x"),
            ("duration", ""),
            ("ipv4", "10.0.0"),
            ("cidr", "10.0.0.0/40"),
            ("uuid", "x"),
            ("hostname", "-a"),
            ("byte", "§"),
        ];
        for (name, text) in bad {
            assert!(!matches(name, text), "{name} {text}");
        }
    }
}
