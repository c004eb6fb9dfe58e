//! Cron schedules, checked as the cron job controller reads them.

/// Lowest and highest value of a field, and the names that stand for values.
struct Bounds {
    low: u32,
    high: u32,
    names: &'static [&'static str],
}

const MONTHS: &[&str] = &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: &[&str] = &["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const FIELDS: [Bounds; 5] = [
    Bounds { low: 0, high: 59, names: &[] },
    Bounds { low: 0, high: 23, names: &[] },
    Bounds { low: 1, high: 31, names: &[] },
    Bounds { low: 1, high: 12, names: MONTHS },
    Bounds { low: 0, high: 6, names: WEEKDAYS },
];
const DESCRIPTORS: &[&str] =
    &["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];

/// Returns what is wrong with a schedule.
pub(super) fn problem(schedule: &str) -> Option<String> {
    if schedule.starts_with('@') {
        let known = DESCRIPTORS.contains(&schedule) || schedule.starts_with("@every ");
        return (!known).then(|| format!("unrecognized descriptor: {schedule}"));
    }
    let fields: Vec<&str> = schedule.split_whitespace().collect();
    if fields.len() != FIELDS.len() {
        return Some(format!("expected exactly 5 fields, found {}: [{}]", fields.len(), fields.join(" ")));
    }
    fields
        .iter()
        .zip(&FIELDS)
        .flat_map(|(field, bounds)| field.split(',').map(move |part| (part, bounds)))
        .find_map(|(part, bounds)| range_problem(part, bounds))
}

fn range_problem(part: &str, bounds: &Bounds) -> Option<String> {
    let pieces: Vec<&str> = part.split('/').collect();
    let ends: Vec<&str> = pieces[0].split('-').collect();
    if pieces.len() > 2 {
        return Some(format!("too many slashes: {part}"));
    }
    if ends.len() > 2 {
        return Some(format!("too many hyphens: {part}"));
    }
    let mut high = bounds.high;
    let low = if matches!(ends[0], "*" | "?") {
        bounds.low
    } else {
        let low = match number(ends[0], bounds) {
            Ok(low) => low,
            Err(problem) => return Some(problem),
        };
        high = match ends.get(1).map(|end| number(end, bounds)) {
            Some(Ok(high)) => high,
            Some(Err(problem)) => return Some(problem),
            None if pieces.len() == 2 => bounds.high,
            None => low,
        };
        low
    };
    if let Some(step) = pieces.get(1) {
        match number(step, bounds) {
            Ok(0) => return Some(format!("step of range should be a positive number: {part}")),
            Ok(_) => {}
            Err(problem) => return Some(problem),
        }
    }
    if low < bounds.low {
        return Some(format!("beginning of range ({low}) below minimum ({}): {part}", bounds.low));
    }
    if high > bounds.high {
        return Some(format!("end of range ({high}) above maximum ({}): {part}", bounds.high));
    }
    (low > high).then(|| format!("beginning of range ({low}) beyond end of range ({high}): {part}"))
}

fn number(text: &str, bounds: &Bounds) -> Result<u32, String> {
    if let Some(index) = bounds.names.iter().position(|name| name.eq_ignore_ascii_case(text)) {
        return Ok(index as u32 + bounds.low);
    }
    text.parse::<u32>().map_err(|_| {
        let quoted = super::super::field_error::quote(text);
        format!("failed to parse int from {text}: strconv.Atoi: parsing {quoted}: invalid syntax")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_what_cron_accepts() {
        for schedule in
            ["0 3 * * *", "*/5 * * * *", "@daily", "0 0 1,15 jan-mar mon", "5-10/2 * ? * *", "@every 1h"]
        {
            assert_eq!(problem(schedule), None, "{schedule}");
        }
    }

    #[test]
    fn names_the_problem() {
        assert_eq!(problem("bad").as_deref(), Some("expected exactly 5 fields, found 1: [bad]"));
        assert_eq!(problem("61 * * * *").as_deref(), Some("end of range (61) above maximum (59): 61"));
        assert_eq!(problem("@x").as_deref(), Some("unrecognized descriptor: @x"));
    }
}
