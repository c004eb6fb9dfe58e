//! Durations as people say them.

use jiff::Timestamp;
use serde_json::Value;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const YEAR: i64 = 365 * DAY;

/// Prints the time since a moment; a moment that is not known is `<unknown>`.
pub(super) fn since(moment: &Value, now: Timestamp) -> String {
    match parse(moment) {
        Some(moment) => human(now.as_second() - moment.as_second()),
        None => "<unknown>".to_owned(),
    }
}

/// Reads an RFC 3339 text.
pub(super) fn parse(moment: &Value) -> Option<Timestamp> {
    moment.as_str()?.parse().ok()
}

/// Prints a duration in at most two units.
pub(super) fn human(seconds: i64) -> String {
    if seconds < -1 {
        return "<invalid>".to_owned();
    }
    let seconds = seconds.max(0);
    let two = |big: i64, big_unit: &str, small: i64, small_unit: &str| {
        if small == 0 { format!("{big}{big_unit}") } else { format!("{big}{big_unit}{small}{small_unit}") }
    };
    if seconds < 2 * MINUTE {
        format!("{seconds}s")
    } else if seconds < 10 * MINUTE {
        two(seconds / MINUTE, "m", seconds % MINUTE, "s")
    } else if seconds < 3 * HOUR {
        format!("{}m", seconds / MINUTE)
    } else if seconds < 8 * HOUR {
        two(seconds / HOUR, "h", seconds % HOUR / MINUTE, "m")
    } else if seconds < 2 * DAY {
        format!("{}h", seconds / HOUR)
    } else if seconds < 8 * DAY {
        two(seconds / DAY, "d", seconds % DAY / HOUR, "h")
    } else if seconds < 2 * YEAR {
        format!("{}d", seconds / DAY)
    } else if seconds < 8 * YEAR {
        two(seconds / YEAR, "y", seconds % YEAR / DAY, "d")
    } else {
        format!("{}y", seconds / YEAR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_at_most_two_units() {
        let rows = [
            (5, "5s"),
            (119, "119s"),
            (120, "2m"),
            (330, "5m30s"),
            (3 * HOUR, "3h"),
            (3 * HOUR + 5 * MINUTE, "3h5m"),
            (47 * HOUR, "47h"),
            (2 * DAY + HOUR, "2d1h"),
            (30 * DAY, "30d"),
            (3 * YEAR, "3y"),
            (9 * YEAR + DAY, "9y"),
            (-5, "<invalid>"),
        ];
        for (seconds, expected) in rows {
            assert_eq!(human(seconds), expected);
        }
    }
}
