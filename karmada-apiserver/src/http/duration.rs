//! Times as Go prints and reads them: `1h30m`, `250ms`.

use std::time::Duration;

/// Longest time that is told apart from longer ones.
const LONGEST: f64 = 1e9;

/// Says whether a text is a duration, also a negative one.
pub(super) fn is_valid(text: &str) -> bool {
    seconds(text).is_some()
}

/// Reads a duration; one below zero is zero, `None` when the text is none.
pub(super) fn parse(text: &str) -> Option<Duration> {
    let seconds = seconds(text)?;
    Some(Duration::from_secs_f64(seconds.clamp(0.0, LONGEST)))
}

fn seconds(text: &str) -> Option<f64> {
    let number = |c: char| c.is_ascii_digit() || c == '.';
    let negative = text.starts_with('-');
    let mut rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    if rest == "0" {
        return Some(0.0);
    }
    let mut sum = 0.0;
    let mut parts = 0;
    while !rest.is_empty() {
        let (digits, tail) = rest.split_at(rest.find(|c| !number(c)).unwrap_or(rest.len()));
        let (unit, after) = tail.split_at(tail.find(number).unwrap_or(tail.len()));
        // A number may begin or end with its point.
        let value: f64 = format!("0{digits}0").parse().ok().filter(|_| digits.chars().any(|c| c != '.'))?;
        let value = if digits.contains('.') { value } else { digits.parse().ok()? };
        let factor = match unit {
            "ns" => 1e-9,
            "us" | "µs" | "μs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        sum += value * factor;
        parts += 1;
        rest = after;
    }
    (parts > 0).then_some(if negative { -sum } else { sum })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_go_reads() {
        for (text, expected) in [
            ("1ns", Some(Duration::from_nanos(1))),
            ("1m30s", Some(Duration::from_secs(90))),
            ("1.5h", Some(Duration::from_mins(90))),
            (".5s", Some(Duration::from_millis(500))),
            ("0", Some(Duration::ZERO)),
            ("-1s", Some(Duration::ZERO)),
            ("", None),
            ("s", None),
            (".s", None),
            ("1", None),
            ("1x", None),
            ("1..5s", None),
            ("99999999999999999999h", Some(Duration::from_secs(1_000_000_000))),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
    }
}
