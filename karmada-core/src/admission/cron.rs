//! Schedules of CronFederatedHPA.
//!
//! Five to seven parts: an optional second, minute, hour, day of the month, month, weekday, and
//! an optional year; or a name such as `@daily`.

/// Names for whole schedules.
const NAMED: &[(&str, &str)] = &[
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
    ("@always", "* * * * *"),
    ("@5minutes", "*/5 * * * *"),
    ("@10minutes", "*/10 * * * *"),
    ("@15minutes", "*/15 * * * *"),
    ("@30minutes", "0,30 * * * *"),
    ("@everysecond", "* * * * * *"),
];
/// Months and weekdays that may be written as names.
const LITERALS: &[(&str, &str)] = &[
    ("SUN", "0"),
    ("MON", "1"),
    ("TUE", "2"),
    ("WED", "3"),
    ("THU", "4"),
    ("FRI", "5"),
    ("SAT", "6"),
    ("JAN", "1"),
    ("FEB", "2"),
    ("MAR", "3"),
    ("APR", "4"),
    ("MAY", "5"),
    ("JUN", "6"),
    ("JUL", "7"),
    ("AUG", "8"),
    ("SEP", "9"),
    ("OCT", "10"),
    ("NOV", "11"),
    ("DEC", "12"),
];
/// What the parts may be: second, minute, hour, day, month, weekday, year.
const BOUNDS: [(i64, i64); 7] = [(0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 7), (0, 9999)];
const DAY: usize = 3;
const WEEKDAY: usize = 5;

/// Returns true for a schedule that can be followed.
pub(super) fn is_valid(schedule: &str) -> bool {
    parts(schedule)
        .is_some_and(|parts| parts.iter().enumerate().all(|(position, part)| is_valid_part(part, position)))
}

/// Splits a schedule; it always begins with the second.
fn parts(schedule: &str) -> Option<Vec<String>> {
    let schedule = schedule.trim_matches([' ', '\t']);
    let named = NAMED.iter().find(|(name, _)| *name == schedule.to_lowercase());
    let schedule = named.map_or(schedule, |(_, meaning)| meaning).to_uppercase();
    let mut parts: Vec<String> = schedule.split_whitespace().map(with_numbers).collect();
    let has_year = parts.last().is_some_and(|last| has_four_digits(last));
    match parts.len() {
        5 => parts.insert(0, "0".to_owned()),
        6 if has_year => parts.insert(0, "0".to_owned()),
        6 | 7 => {}
        _ => return None,
    }
    Some(parts)
}

fn with_numbers(part: &str) -> String {
    LITERALS.iter().fold(part.to_owned(), |part, (name, number)| part.replace(name, number))
}

fn has_four_digits(text: &str) -> bool {
    text.as_bytes().windows(4).any(|window| window.iter().all(u8::is_ascii_digit))
}

fn is_valid_part(part: &str, position: usize) -> bool {
    part.split(',').all(|choice| match position {
        DAY if choice.contains(['L', 'W']) => is_special_day(choice),
        WEEKDAY if choice.contains(['L', '#']) => is_special_weekday(choice),
        _ => is_valid_choice(choice, position),
    })
}

fn is_valid_choice(choice: &str, position: usize) -> bool {
    if matches!(choice, "*" | "?") {
        return true;
    }
    let (low, high) = BOUNDS[position];
    if let Some((range, step)) = choice.split_once('/') {
        let step = step.split('/').next().unwrap_or_default();
        if number(step).is_none_or(|step| step == 0) {
            return false;
        }
        return matches!(range, "*" | "0")
            || match range.split_once('-') {
                Some(_) => is_range(range, low, high),
                None => number(range).is_some_and(|start| start >= low && start <= high),
            };
    }
    if choice.contains('-') {
        // Sunday is the first day of a range, whichever way it is written.
        let choice = if position == WEEKDAY { choice.replacen("7-", "0-", 1) } else { choice.to_owned() };
        return is_range(&choice, low, high);
    }
    number(choice).is_some_and(|value| value >= low && value <= high)
}

fn is_range(text: &str, low: i64, high: i64) -> bool {
    let mut ends = text.split('-').map(number);
    match (ends.next().flatten(), ends.next().flatten()) {
        (Some(start), Some(end)) => start <= end && start >= low && end <= high,
        _ => false,
    }
}

/// `L` is the last day, `15W` the working day nearest to the fifteenth.
fn is_special_day(choice: &str) -> bool {
    choice == "L" || choice.split_once('W').is_some_and(|(day, _)| number(day).is_some())
}

/// `5L` is the last Friday, `5#3` the third.
fn is_special_weekday(choice: &str) -> bool {
    if let Some((day, _)) = choice.split_once('L') {
        return number(day).is_some();
    }
    choice.split_once('#').is_some_and(|(day, nth)| {
        let nth = nth.split('#').next().unwrap_or_default();
        number(day).is_some() && number(nth).is_some()
    })
}

/// Reads a number as Go does: a sign is allowed, anything else is not.
fn number(text: &str) -> Option<i64> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn schedules_have_five_to_seven_parts() {
        for valid in [
            "0 8 * * *",
            "  0   8 * * *  ",
            "*/10 * * * * *",
            "0 0 0 1 1 * 2030",
            "0 0 1 1 * 2030",
            "@daily",
            "@Hourly",
            "0 0 * JAN MON-FRI",
            "0 0 * jan,feb sat",
            "*/7 1-5,9 * * 0,7",
            "0-30/5 5/2 ? * 7-3",
            "0 0 L * *",
            "0 0 15W * 5#3",
            "0 0 * * 5L",
        ] {
            assert!(is_valid(valid), "{valid}");
        }
        for invalid in [
            "",
            "* * * *",
            "* * * * * * * *",
            "@fortnightly",
            "60 * * * *",
            "-1 * * * *",
            "0 9-5 * * *",
            "0 24 * * *",
            "0 0 0 * *",
            "0 0 32 * *",
            "0 0 * 13 *",
            "0 0 * * 8",
            "*/0 * * * *",
            "*/x * * * *",
            "a * * * *",
            "1,,2 * * * *",
            "0 0 W * *",
            "every day please now",
        ] {
            assert!(!is_valid(invalid), "{invalid}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in ".{0,40}", cron in "[-0-9*/,LW#? A-Z]{0,40}") {
            let _ = (is_valid(&text), is_valid(&cron));
        }

        #[test]
        fn numbers_are_valid_exactly_within_their_bounds(minute in -5_i64..70, hour in -5_i64..30, day in -5_i64..40) {
            let expected = (0..60).contains(&minute) && (0..24).contains(&hour) && (1..32).contains(&day);
            prop_assert_eq!(is_valid(&format!("{minute} {hour} {day} * *")), expected);
        }
    }
}
