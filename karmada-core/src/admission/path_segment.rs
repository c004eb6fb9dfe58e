//! Names that become part of a path.

use super::FieldError;

/// Checks that a name that is required can be part of a path.
pub(super) fn validate_required_segment(
    name: &str,
    field: &str,
    required: &str,
    errors: &mut Vec<FieldError>,
) {
    if name.is_empty() {
        errors.push(FieldError::required(field, required));
        return;
    }
    errors
        .extend(segment_messages(name).into_iter().map(|message| FieldError::invalid(field, name, message)));
}

/// Returns why a name cannot be part of a path.
fn segment_messages(name: &str) -> Vec<String> {
    if matches!(name, "." | "..") {
        return vec![format!("may not be '{name}'")];
    }
    let forbidden = ["/", "%"].into_iter().filter(|text| name.contains(text));
    forbidden.map(|text| format!("may not contain '{text}'")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_slashes_and_percents_are_refused() {
        for (name, count) in [("a", 0), ("a.b", 0), (".", 1), ("..", 1), ("a/b", 1), ("a/%", 2)] {
            assert_eq!(segment_messages(name).len(), count, "{name}");
        }
    }
}
