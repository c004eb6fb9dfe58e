//! Resource quantities: canonical text and comparison.

use std::cmp::Ordering;

/// A parsed quantity: `mantissa * 10^-9`, and the suffix family it was written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quantity {
    nanos: i128,
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    BinarySi,
    DecimalSi,
    DecimalExponent,
}

const NANO: i128 = 1_000_000_000;
const BINARY: [(&str, u32); 6] = [("Ki", 10), ("Mi", 20), ("Gi", 30), ("Ti", 40), ("Pi", 50), ("Ei", 60)];
const DECIMAL: [(&str, i32); 10] =
    [("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];

impl Quantity {
    /// Parses a quantity; amounts below one nano are rounded up, as the format has no smaller ones.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (negative, unsigned) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let end = unsigned.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(unsigned.len());
        let (number, suffix) = unsigned.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
            return None;
        }
        let digits: i128 = format!("0{whole}{fraction}").parse().ok()?;
        let places = i32::try_from(fraction.len()).ok()?;
        let (format, nanos) = scale(digits, places, suffix)?;
        Some(Self { nanos: if negative { -nanos } else { nanos }, format })
    }

    /// Whether the amount is zero.
    pub(crate) fn is_zero(self) -> bool {
        self.nanos == 0
    }

    /// Whether the amount has no fraction.
    pub(crate) fn is_whole(self) -> bool {
        self.nanos % NANO == 0
    }

    /// Whether the amount is below zero.
    pub(crate) fn is_negative(self) -> bool {
        self.nanos < 0
    }

    /// Orders by amount.
    pub(crate) fn compare(self, other: Self) -> Ordering {
        self.nanos.cmp(&other.nanos)
    }

    /// Returns a whole amount.
    pub(crate) fn from_integer(value: i64) -> Self {
        Self { nanos: i128::from(value) * NANO, format: Format::DecimalSi }
    }

    /// Returns the amount if it is a whole number.
    pub(crate) fn as_integer(self) -> Option<i64> {
        (self.nanos % NANO == 0).then(|| i64::try_from(self.nanos / NANO).ok()).flatten()
    }

    /// Returns the nearest floating-point number.
    pub(crate) fn as_float(self) -> f64 {
        self.nanos as f64 / NANO as f64
    }

    /// Adds in the format of the first.
    pub(crate) fn checked_add(self, other: Self) -> Option<Self> {
        self.nanos.checked_add(other.nanos).map(|nanos| Self { nanos, ..self })
    }

    /// Subtracts in the format of the first.
    pub(crate) fn checked_sub(self, other: Self) -> Option<Self> {
        self.nanos.checked_sub(other.nanos).map(|nanos| Self { nanos, ..self })
    }

    /// Prints the canonical form: the largest suffix that needs no fraction.
    pub(crate) fn canonical(self) -> String {
        if self.nanos == 0 {
            return "0".to_owned();
        }
        let small = self.nanos.abs() < 1024 * NANO;
        if self.format == Format::BinarySi && !small && self.nanos % NANO == 0 {
            return binary(self.nanos / NANO);
        }
        let mut value = self.nanos;
        let mut exponent = -9;
        while value % 1000 == 0 && exponent < 18 {
            value /= 1000;
            exponent += 3;
        }
        if self.format == Format::DecimalExponent {
            return if exponent == 0 { value.to_string() } else { format!("{value}e{exponent}") };
        }
        let suffix = DECIMAL.iter().find(|(_, e)| *e == exponent).map_or("", |(suffix, _)| suffix);
        format!("{value}{suffix}")
    }
}

fn binary(mut value: i128) -> String {
    let mut suffix = "";
    for (name, _) in BINARY {
        if value % 1024 != 0 {
            break;
        }
        value /= 1024;
        suffix = name;
    }
    format!("{value}{suffix}")
}

/// Returns the family of a suffix and the amount in nanos.
fn scale(digits: i128, places: i32, suffix: &str) -> Option<(Format, i128)> {
    if let Some((_, bits)) = BINARY.iter().find(|(name, _)| *name == suffix) {
        let scaled = digits.checked_mul(1_i128 << bits)?.checked_mul(NANO)?;
        return Some((Format::BinarySi, divide_up(scaled, 10_i128.checked_pow(places.unsigned_abs())?)));
    }
    let (format, exponent) = if let Some((_, exponent)) = DECIMAL.iter().find(|(name, _)| *name == suffix) {
        (Format::DecimalSi, *exponent)
    } else {
        let exponent = suffix.strip_prefix(['e', 'E'])?;
        (Format::DecimalExponent, exponent.parse::<i32>().ok()?)
    };
    let power = exponent + 9 - places;
    let factor = 10_i128.checked_pow(power.unsigned_abs())?;
    let nanos = if power >= 0 { digits.checked_mul(factor)? } else { divide_up(digits, factor) };
    Some((format, nanos))
}

fn divide_up(value: i128, by: i128) -> i128 {
    (value + by - 1) / by
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_the_canonical_form() {
        let rows = [
            ("1000m", "1"),
            ("1024Mi", "1Gi"),
            ("1.5Gi", "1536Mi"),
            ("0.5", "500m"),
            ("100m", "100m"),
            ("1e3", "1e3"),
            ("1000", "1k"),
            ("0", "0"),
            ("1Ki", "1Ki"),
            ("512", "512"),
            ("-1", "-1"),
            ("0.1Mi", "104857600m"),
            ("1024", "1024"),
            ("1500M", "1500M"),
            ("2000000", "2M"),
        ];
        for (input, expected) in rows {
            assert_eq!(Quantity::parse(input).map(Quantity::canonical).as_deref(), Some(expected), "{input}");
        }
    }

    #[test]
    fn refuses_what_is_no_quantity() {
        for text in ["", "abc", "1.2.3", "1Kib", "--1", "1e"] {
            assert_eq!(Quantity::parse(text), None, "{text}");
        }
    }

    #[test]
    fn canonical_text_reads_as_the_same_amount() {
        for text in ["1000m", "1.5Gi", "0.1Mi", "7e6", "123456789n", "3Ei"] {
            let quantity = Quantity::parse(text).unwrap();
            let again = Quantity::parse(&quantity.canonical()).unwrap();
            assert_eq!(quantity.compare(again), Ordering::Equal, "{text}");
        }
    }
}
