//! Words and numbers as people write them.

use crate::object::{Quantity, QuantityFormat};

/// How many names a sentence lists before it counts the rest.
const NAMES: usize = 5;

/// Returns a count with its noun: `1 replica`, `2 replicas`.
pub(super) fn count(number: i64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// Returns names as a list; the rest of a long one is counted.
pub(super) fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    if names.len() <= NAMES + 1 {
        return names.join(", ");
    }
    format!("{} and {} more", names[..NAMES].join(", "), names.len() - NAMES)
}

/// Returns `part / whole * number` with two digits, or none when it is whole.
pub(super) fn fraction(number: i64, part: i64, whole: i64) -> String {
    let hundredths = i128::from(number) * i128::from(part) * 100 / i128::from(whole.max(1));
    let exact = i128::from(number) * i128::from(part) % i128::from(whole.max(1)) == 0;
    if exact {
        (hundredths / 100).to_string()
    } else {
        format!("{}.{:02}", hundredths / 100, hundredths % 100)
    }
}

/// Returns an amount of a resource, in the unit that estimates count in.
pub(super) fn amount(resource: &str, amount: i64) -> String {
    if resource == "cpu" {
        return Quantity::from_milli(amount, QuantityFormat::DecimalSi).to_string();
    }
    let is_bytes =
        matches!(resource, "memory" | "ephemeral-storage" | "storage") || resource.starts_with("hugepages-");
    if !is_bytes {
        return Quantity::from_value(amount, QuantityFormat::DecimalSi).to_string();
    }
    let exact = Quantity::from_value(amount, QuantityFormat::BinarySi).to_string();
    if exact.len() <= 6 {
        return exact;
    }
    let units = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    let (mut rest, mut unit) = (amount as f64, 0);
    while rest.abs() >= 1024.0 && unit + 1 < units.len() {
        rest /= 1024.0;
        unit += 1;
    }
    format!("about {rest:.1}{}", units[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_with_the_right_noun() {
        assert_eq!([0, 1, 2].map(|number| count(number, "pod")), ["0 pods", "1 pod", "2 pods"]);
    }

    #[test]
    fn lists_a_few_names_and_counts_the_rest() {
        assert_eq!(list(["a", "b", "c", "d", "e", "f"]), "a, b, c, d, e, f");
        assert_eq!(list(["a", "b", "c", "d", "e", "f", "g"]), "a, b, c, d, e and 2 more");
    }

    #[test]
    fn writes_fractions_only_when_there_is_one() {
        assert_eq!(fraction(9, 12, 36), "3");
        assert_eq!(fraction(11, 12, 36), "3.66");
    }

    #[test]
    fn writes_amounts_like_manifests_do() {
        assert_eq!(amount("cpu", 1500), "1500m");
        assert_eq!(amount("cpu", 2000), "2");
        assert_eq!(amount("memory", 6 << 30), "6Gi");
        assert_eq!(amount("memory", 6_442_450_945), "about 6.0Gi");
        assert_eq!(amount("nvidia.com/gpu", 4), "4");
    }
}
