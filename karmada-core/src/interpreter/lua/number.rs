//! Numbers as scripts write and read them.

use serde_json::{Number, Value};

/// Returns whether a number has no fraction and fits 64 bits.
fn whole(number: f64) -> Option<i64> {
    let integer = number as i64;
    // The cast saturates at a number that is one more than the largest integer.
    let exact = number.fract() == 0.0 && (i64::MIN as f64..i64::MAX as f64).contains(&number);
    exact.then_some(integer)
}

/// Returns the text of a number: integers in full, others in as few digits as tell them apart.
pub(super) fn text(number: f64) -> String {
    match whole(number) {
        Some(integer) => integer.to_string(),
        None => shortest(number),
    }
}

/// Returns a number in as few digits as tell it apart, with an exponent when there are more than six before the point or four zeros after it.
pub(super) fn shortest(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().expect("Rust writes an integer after the e");
    if (-4..6).contains(&exponent) {
        return number.to_string();
    }
    format!("{digits}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}

/// Returns the number that `tonumber` reads from a text.
pub(super) fn parse(text: &str, base: Option<u32>) -> Option<f64> {
    let text = text.trim_matches([' ', '\n', '\t']);
    if text.contains('.') {
        return parse_float(text);
    }
    let hexadecimal = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let (digits, base) = match (base, hexadecimal) {
        (Some(base), _) => (text, base),
        (None, Some(digits)) => (digits, 16),
        (None, None) => (text, 10),
    };
    i64::from_str_radix(digits, base).ok().map(|integer| integer as f64)
}

fn parse_float(text: &str) -> Option<f64> {
    let numeric = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'+' | b'-' | b'e' | b'E'));
    if numeric { text.parse().ok() } else { None }
}

/// Returns a number as JSON: without a fraction an integer, as far as integers go.
///
/// Numbers that have no JSON form give `None`.
pub(super) fn to_json(number: f64) -> Option<Value> {
    if !number.is_finite() {
        return None;
    }
    if number.fract() == 0.0 && number.abs() < 1e21 {
        // The decimal text decides, not the bits: large numbers end in zeros there.
        let digits = if number.abs() < 1e15 { whole(number) } else { number.to_string().parse().ok() };
        if let Some(integer) = digits {
            return Some(Value::from(integer));
        }
    }
    Number::from_f64(number).map(Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case(3.0, "3")]
    #[case(-0.0, "0")]
    #[case(1e15, "1000000000000000")]
    #[case(1.0 / 3.0, "0.3333333333333333")]
    #[case(0.1 + 0.2, "0.30000000000000004")]
    #[case(1e20, "1e+20")]
    #[case(1_234_567.5, "1.2345675e+06")]
    #[case(123_456.5, "123456.5")]
    #[case(0.0001, "0.0001")]
    #[case(0.00001, "1e-05")]
    #[case(f64::INFINITY, "+Inf")]
    #[case(f64::NEG_INFINITY, "-Inf")]
    #[case(f64::NAN, "NaN")]
    #[case(9_007_199_254_740_992.0, "9007199254740992")]
    fn writes(#[case] number: f64, #[case] expected: &str) {
        assert_eq!(text(number), expected);
    }

    #[rstest]
    #[case("0x10", None, Some(16.0))]
    #[case(" 5 ", None, Some(5.0))]
    #[case("-7", None, Some(-7.0))]
    #[case("5Gi", None, None)]
    #[case("1e3", None, None)]
    #[case("1.5e3", None, Some(1500.0))]
    #[case("1.2.3", None, None)]
    #[case("inf.", None, None)]
    #[case("ff", Some(16), Some(255.0))]
    #[case("8", Some(8), None)]
    #[case("", None, None)]
    fn reads(#[case] text: &str, #[case] base: Option<u32>, #[case] expected: Option<f64>) {
        assert_eq!(parse(text, base), expected);
    }

    #[rstest]
    #[case(4.0, json!(4))]
    #[case(-0.0, json!(0))]
    #[case(2.5, json!(2.5))]
    #[case(1_152_921_504_606_846_976.0, json!(1_152_921_504_606_847_000_i64))]
    #[case(1e20, json!(1e20))]
    #[case(1e300, json!(1e300))]
    fn goes_to_json(#[case] number: f64, #[case] expected: Value) {
        assert_eq!(to_json(number), Some(expected));
    }

    #[test]
    fn has_no_json_for_what_is_no_number() {
        assert_eq!(to_json(f64::NAN), None);
        assert_eq!(to_json(f64::INFINITY), None);
    }
}
