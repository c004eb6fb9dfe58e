//! Timestamps and durations.

use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp, Zoned};

use super::super::error::EvalError;
use super::super::value::Value;
use super::{Answer, failed};

const UNITS: &[(&str, i128)] = &[
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

pub(super) fn call(name: &str, args: &[Value]) -> Answer {
    match args {
        [Value::Duration(span)] => of_duration(name, *span),
        [Value::Timestamp(time)] => of_timestamp(name, &time.to_zoned(TimeZone::UTC)),
        [Value::Timestamp(time), Value::String(zone)] if name.starts_with("get") => match time_zone(zone) {
            Some(zone) => of_timestamp(name, &time.to_zoned(zone)),
            None => Some(failed(format!("unknown time zone {zone}"))),
        },
        _ => None,
    }
}

fn of_duration(name: &str, span: SignedDuration) -> Answer {
    let seconds = span.as_secs();
    Some(Ok(Value::Int(match name {
        "getHours" => seconds / 3600,
        "getMinutes" => seconds / 60,
        "getSeconds" => seconds,
        "getMilliseconds" => i64::try_from(span.as_millis()).unwrap_or(i64::MAX),
        _ => return None,
    })))
}

fn of_timestamp(name: &str, time: &Zoned) -> Answer {
    Some(Ok(Value::Int(match name {
        "getFullYear" => i64::from(time.year()),
        "getMonth" => i64::from(time.month()) - 1,
        "getDayOfYear" => i64::from(time.day_of_year()) - 1,
        "getDayOfMonth" => i64::from(time.day()) - 1,
        "getDate" => i64::from(time.day()),
        "getDayOfWeek" => i64::from(time.weekday().to_sunday_zero_offset()),
        "getHours" => i64::from(time.hour()),
        "getMinutes" => i64::from(time.minute()),
        "getSeconds" => i64::from(time.second()),
        "getMilliseconds" => i64::from(time.millisecond()),
        _ => return None,
    })))
}

/// Reads a zone: a name of the database or an offset such as `-02:00`.
fn time_zone(text: &str) -> Option<TimeZone> {
    if let Some((hours, minutes)) = text.split_once(':') {
        let negative = hours.starts_with('-');
        let hours: i32 = hours.trim_start_matches(['+', '-']).parse().ok()?;
        let minutes: i32 = minutes.parse().ok()?;
        let seconds = hours.checked_mul(3600)?.checked_add(minutes.checked_mul(60)?)?;
        let offset = Offset::from_seconds(if negative { -seconds } else { seconds }).ok()?;
        return Some(TimeZone::fixed(offset));
    }
    if matches!(text, "" | "UTC") { Some(TimeZone::UTC) } else { TimeZone::get(text).ok() }
}

/// Reads a duration as Go writes it, such as `1h30m`.
pub(in crate::cel) fn parse_duration(text: &str) -> Result<SignedDuration, EvalError> {
    let invalid = || EvalError::failed(format!("time: invalid duration {}", crate::registry::quote(text)));
    let (negative, mut rest) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    if rest == "0" {
        return Ok(SignedDuration::ZERO);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total = 0_i128;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, tail) = rest.split_at(end);
        let end = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(end);
        let scale =
            UNITS.iter().find(|(name, _)| *name == unit).map(|(_, scale)| *scale).ok_or_else(invalid)?;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') || whole.len() > 19 {
            return Err(invalid());
        }
        let fraction = &fraction[..fraction.len().min(15)];
        let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| invalid())? };
        let part: i128 = if fraction.is_empty() { 0 } else { fraction.parse().map_err(|_| invalid())? };
        total += whole * scale + part * scale / 10_i128.pow(fraction.len() as u32);
        if total > i128::from(i64::MAX) {
            return Err(invalid());
        }
        rest = tail;
    }
    let nanos = i64::try_from(if negative { -total } else { total }).map_err(|_| invalid())?;
    Ok(SignedDuration::from_nanos(nanos))
}

/// Reads an RFC 3339 timestamp.
pub(in crate::cel) fn parse_timestamp(text: &str) -> Result<Timestamp, EvalError> {
    let has_shape = text.len() >= 20 && matches!(text.as_bytes()[10], b'T' | b't') && !text.contains('[');
    has_shape.then(|| text.parse().ok()).flatten().ok_or_else(|| {
        let text = crate::registry::quote(text);
        EvalError::failed(format!(
            "parsing time {text} as \"2006-01-02T15:04:05Z07:00\": cannot parse {text}"
        ))
    })
}

pub(super) fn print_timestamp(time: Timestamp) -> String {
    time.to_string()
}

/// Prints seconds with as many digits as needed, such as `1.5s`.
pub(super) fn print_duration(span: SignedDuration) -> String {
    let nanos = span.as_nanos();
    let sign = if nanos < 0 { "-" } else { "" };
    let nanos = nanos.unsigned_abs();
    let (seconds, rest) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
    if rest == 0 {
        return format!("{sign}{seconds}s");
    }
    let fraction = format!("{rest:09}");
    format!("{sign}{seconds}.{}s", fraction.trim_end_matches('0'))
}
