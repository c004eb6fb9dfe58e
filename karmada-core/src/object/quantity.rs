//! Exact resource quantities.

use std::{
    cmp::Ordering,
    fmt,
    iter::Sum,
    ops::{Add, AddAssign, Mul, Neg, Sub, SubAssign},
    str::FromStr,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

const NANO: i128 = 1_000_000_000;
/// The most digits that are read of a number; what follows can only round it up.
const MAX_DIGITS: usize = 36;
const DECIMAL_SUFFIXES: &[(&str, i32)] = &[
    ("n", -9),
    ("u", -6),
    ("m", -3),
    ("", 0),
    ("k", 3),
    ("M", 6),
    ("G", 9),
    ("T", 12),
    ("P", 15),
    ("E", 18),
];
const BINARY_SUFFIXES: &[(&str, u32)] =
    &[("Ki", 10), ("Mi", 20), ("Gi", 30), ("Ti", 40), ("Pi", 50), ("Ei", 60)];

/// An exact number with the suffixes of Kubernetes.
///
/// It counts in thousand-millionths: smaller amounts are rounded up (away from zero) when they are
/// parsed, everything else is exact. Two quantities are equal when their values are, however
/// they are written. Sums that leave the range of some 10^29 stop at its end.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quantity {
    nanos: i128,
    format: QuantityFormat,
    notation: Notation,
}

/// Whether the number is written in its canonical form.
#[derive(Clone, Copy, Debug, Default)]
enum Notation {
    #[default]
    Canonical,
    /// As a decimal number with a point and no suffix.
    Point,
}

/// How a quantity is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum QuantityFormat {
    /// `m`, `k`, `M`, `G`...
    #[default]
    DecimalSi,
    /// `Ki`, `Mi`, `Gi`...
    BinarySi,
    /// `e3`, `e6`...
    DecimalExponent,
}

/// Why a text is not a quantity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// The text is not a number with a suffix.
    #[error("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")]
    Format,
    /// The suffix is not known.
    #[error("unable to parse quantity's suffix")]
    Suffix,
    /// The number is too large.
    #[error("numeric value of quantity is out of range")]
    Range,
}

impl Quantity {
    /// Nothing.
    pub const ZERO: Self = Self::from_nanos(0, QuantityFormat::DecimalSi);

    /// Returns a quantity of whole units.
    pub const fn from_value(value: i64, format: QuantityFormat) -> Self {
        Self::from_nanos(value as i128 * NANO, format)
    }

    /// Returns a quantity of thousandths.
    pub const fn from_milli(value: i64, format: QuantityFormat) -> Self {
        Self::from_nanos(value as i128 * 1_000_000, format)
    }

    /// Returns a quantity of a number that a script has computed.
    ///
    /// One with a fraction keeps being written with a point until it is computed with.
    ///
    /// # Errors
    /// When the number is out of range, infinite or none.
    pub fn from_number(number: f64) -> Result<Self, QuantityError> {
        let quantity: Self = number.to_string().parse()?;
        let notation = if number.fract() == 0.0 { Notation::Canonical } else { Notation::Point };
        Ok(Self { notation, ..quantity })
    }

    const fn from_nanos(nanos: i128, format: QuantityFormat) -> Self {
        Self { nanos, format, notation: Notation::Canonical }
    }

    /// Returns the value in thousand-millionths, exactly.
    pub const fn nanos(&self) -> i128 {
        self.nanos
    }

    /// Returns how the quantity is written.
    pub const fn format(&self) -> QuantityFormat {
        self.format
    }

    /// Returns true for zero.
    pub const fn is_zero(&self) -> bool {
        self.nanos == 0
    }

    /// Returns -1, 0 or 1.
    pub const fn sign(&self) -> i32 {
        self.nanos.signum() as i32
    }

    /// Returns whole units, rounded up away from zero, within the range of `i64`.
    pub fn value(&self) -> i64 {
        saturate(divide_away_from_zero(self.nanos, NANO))
    }

    /// Returns thousandths, rounded up away from zero, within the range of `i64`.
    pub fn milli_value(&self) -> i64 {
        saturate(divide_away_from_zero(self.nanos, 1_000_000))
    }

    /// Returns whole units when there is no fraction and they fit.
    pub fn as_integer(&self) -> Option<i64> {
        if self.nanos % NANO != 0 {
            return None;
        }
        i64::try_from(self.nanos / NANO).ok()
    }

    /// Returns the value as a floating point number; not exact.
    pub fn as_f64(&self) -> f64 {
        self.nanos as f64 / NANO as f64
    }
}

impl FromStr for Quantity {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        if text.is_empty() {
            return Err(QuantityError::Format);
        }
        let (negative, rest) = match text.as_bytes()[0] {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let (whole, rest) = split_digits(rest);
        let (fraction, suffix) = rest.strip_prefix('.').map_or(("", rest), split_digits);
        let whole = whole.trim_start_matches('0');

        let (magnitude, format) = match parse_suffix(suffix)? {
            Suffix::Decimal(exponent, format) => (decimal_nanos(whole, fraction, exponent)?, format),
            Suffix::Binary(bits) => {
                let nanos = binary_nanos(whole, fraction, bits);
                // Less than one unit has no binary form.
                let format = if nanos < NANO { QuantityFormat::DecimalSi } else { QuantityFormat::BinarySi };
                (nanos, format)
            }
        };
        Ok(Self::from_nanos(if negative { -magnitude } else { magnitude }, format))
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.nanos == 0 {
            return f.write_str("0");
        }
        if matches!(self.notation, Notation::Point) {
            let sign = if self.nanos < 0 { "-" } else { "" };
            let (whole, fraction) = (self.nanos.abs() / NANO, self.nanos.abs() % NANO);
            let text = format!("{sign}{whole}.{fraction:09}");
            return f.write_str(text.trim_end_matches('0').trim_end_matches('.'));
        }
        let small = self.nanos.abs() < 1024 * NANO;
        if self.format == QuantityFormat::BinarySi && !small && self.nanos % NANO == 0 {
            let (mut mantissa, mut suffix) = (self.nanos / NANO, "");
            for (next, _) in BINARY_SUFFIXES {
                if mantissa % 1024 != 0 {
                    break;
                }
                mantissa /= 1024;
                suffix = next;
            }
            return write!(f, "{mantissa}{suffix}");
        }

        let (mut mantissa, mut exponent) = (self.nanos, -9_i32);
        while mantissa % 1000 == 0 && (self.format == QuantityFormat::DecimalExponent || exponent < 18) {
            mantissa /= 1000;
            exponent += 3;
        }
        if self.format == QuantityFormat::DecimalExponent {
            return if exponent == 0 { write!(f, "{mantissa}") } else { write!(f, "{mantissa}e{exponent}") };
        }
        let suffix =
            DECIMAL_SUFFIXES.iter().find(|(_, power)| *power == exponent).map_or("", |(suffix, _)| suffix);
        write!(f, "{mantissa}{suffix}")
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.nanos == other.nanos
    }
}

impl Eq for Quantity {}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        self.nanos.cmp(&other.nanos)
    }
}

impl std::hash::Hash for Quantity {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.nanos.hash(state);
    }
}

impl AddAssign for Quantity {
    /// Adds; zero takes over the other's format.
    fn add_assign(&mut self, other: Self) {
        if self.is_zero() {
            self.format = other.format;
        }
        self.notation = Notation::Canonical;
        self.nanos = self.nanos.saturating_add(other.nanos);
    }
}

impl SubAssign for Quantity {
    /// Subtracts; zero takes over the other's format.
    fn sub_assign(&mut self, other: Self) {
        if self.is_zero() {
            self.format = other.format;
        }
        self.notation = Notation::Canonical;
        self.nanos = self.nanos.saturating_sub(other.nanos);
    }
}

impl Add for Quantity {
    type Output = Self;

    fn add(mut self, other: Self) -> Self {
        self += other;
        self
    }
}

impl Sub for Quantity {
    type Output = Self;

    fn sub(mut self, other: Self) -> Self {
        self -= other;
        self
    }
}

impl Neg for Quantity {
    type Output = Self;

    fn neg(self) -> Self {
        Self::from_nanos(self.nanos.saturating_neg(), self.format)
    }
}

impl Mul<i64> for Quantity {
    type Output = Self;

    fn mul(self, factor: i64) -> Self {
        Self::from_nanos(self.nanos.saturating_mul(i128::from(factor)), self.format)
    }
}

impl Sum for Quantity {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, Add::add)
    }
}

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(QuantityVisitor)
    }
}

struct QuantityVisitor;

impl de::Visitor<'_> for QuantityVisitor {
    type Value = Quantity;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a quantity")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Quantity, E> {
        text.trim().parse().map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Quantity, E> {
        Ok(Quantity::from_value(value, QuantityFormat::DecimalSi))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Quantity, E> {
        Ok(Quantity::from_nanos(i128::from(value) * NANO, QuantityFormat::DecimalSi))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Quantity, E> {
        // A number with a point or an exponent keeps its decimal text.
        value.to_string().parse().map_err(E::custom)
    }

    fn visit_unit<E: de::Error>(self) -> Result<Quantity, E> {
        Ok(Quantity::ZERO)
    }
}

enum Suffix {
    Decimal(i32, QuantityFormat),
    Binary(u32),
}

fn parse_suffix(suffix: &str) -> Result<Suffix, QuantityError> {
    if let Some((_, exponent)) = DECIMAL_SUFFIXES.iter().find(|(known, _)| *known == suffix) {
        return Ok(Suffix::Decimal(*exponent, QuantityFormat::DecimalSi));
    }
    if let Some((_, bits)) = BINARY_SUFFIXES.iter().find(|(known, _)| *known == suffix) {
        return Ok(Suffix::Binary(*bits));
    }
    let word_end = suffix.find(|c: char| !"eEinumkKMGTP".contains(c)).unwrap_or(suffix.len());
    let number = &suffix[word_end..];
    let digits = number.strip_prefix(['+', '-']).unwrap_or(number);
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(QuantityError::Format);
    }
    if matches!(&suffix[..word_end], "e" | "E") && !number.is_empty() {
        // Exponents beyond 32 bits wrap upstream; no number of this size is in range.
        let exponent: i32 = number.parse().map_err(|_| QuantityError::Suffix)?;
        return Ok(Suffix::Decimal(exponent, QuantityFormat::DecimalExponent));
    }
    Err(QuantityError::Suffix)
}

/// Returns (whole.fraction) * 10^exponent in nanos, rounded up.
fn decimal_nanos(whole: &str, fraction: &str, exponent: i32) -> Result<i128, QuantityError> {
    let digits: String = [whole, fraction].concat();
    let leading_zeros = digits.len() - digits.trim_start_matches('0').len();
    let significant = &digits[leading_zeros..];
    if significant.is_empty() {
        return Ok(0);
    }
    let kept = significant.len().min(MAX_DIGITS);
    let dropped = significant.len() - kept;
    let mut sticky = significant[kept..].bytes().any(|byte| byte != b'0');
    let number: i128 = significant[..kept].parse().map_err(|_| QuantityError::Range)?;

    let power = i64::from(exponent) + 9 - fraction.len() as i64 + dropped as i64;
    if power >= 0 {
        let factor = u32::try_from(power).ok().and_then(|power| 10_i128.checked_pow(power));
        let nanos = factor.and_then(|factor| number.checked_mul(factor)).ok_or(QuantityError::Range)?;
        return Ok(nanos + i128::from(sticky));
    }
    let Some(divisor) = u32::try_from(-power).ok().and_then(|power| 10_i128.checked_pow(power)) else {
        // Not zero, but smaller than anything that can be counted.
        return Ok(1);
    };
    sticky |= number % divisor != 0;
    Ok(number / divisor + i128::from(sticky))
}

/// Returns (whole.fraction) * 2^bits in nanos, rounded up, at most what `i64` holds in units.
fn binary_nanos(whole: &str, fraction: &str, bits: u32) -> i128 {
    const FRACTION_DIGITS: usize = 18;
    let limit = i128::from(i64::MAX) * NANO;
    let units = match whole {
        "" => Some(0),
        digits => digits.parse::<i128>().ok().and_then(|number| number.checked_mul(1 << bits)),
    };
    let Some(whole_nanos) = units.and_then(|units| units.checked_mul(NANO)) else {
        return limit;
    };
    let kept = fraction.len().min(FRACTION_DIGITS);
    let padded = format!("{:0<FRACTION_DIGITS$}", &fraction[..kept]);
    let sticky = fraction[kept..].bytes().any(|byte| byte != b'0');
    let number: i128 = padded.parse().expect("eighteen digits fit");
    let scaled = (number + i128::from(sticky)) << bits;
    (whole_nanos + divide_away_from_zero(scaled, NANO)).min(limit)
}

fn split_digits(text: &str) -> (&str, &str) {
    text.split_at(text.bytes().take_while(u8::is_ascii_digit).count())
}

fn divide_away_from_zero(number: i128, divisor: i128) -> i128 {
    let quotient = number / divisor;
    if number % divisor == 0 { quotient } else { quotient + number.signum() }
}

fn saturate(number: i128) -> i64 {
    i64::try_from(number).unwrap_or(if number < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn quantity(text: &str) -> Quantity {
        text.parse().unwrap()
    }

    #[test]
    fn keeps_the_point_of_computed_numbers() {
        for (number, expected) in [(2.048, "2.048"), (-0.5, "-0.5"), (512e6, "512M"), (1.0, "1")] {
            assert_eq!(Quantity::from_number(number).unwrap().to_string(), expected);
        }
        assert_eq!((Quantity::from_number(0.5).unwrap() + quantity("1")).to_string(), "1500m");
        assert!(Quantity::from_number(f64::NAN).is_err());
    }

    #[test]
    fn prints_the_canonical_form() {
        for (text, expected) in [
            ("0", "0"),
            ("0Gi", "0"),
            ("0.5", "500m"),
            ("1000m", "1"),
            ("1500m", "1500m"),
            ("1024Mi", "1Gi"),
            ("1536Mi", "1536Mi"),
            ("1.5Gi", "1536Mi"),
            ("0.5Ki", "512"),
            ("0.0001Ki", "102400u"),
            ("1000Ki", "1000Ki"),
            ("1023", "1023"),
            ("1000000", "1M"),
            ("1e3", "1e3"),
            ("1E3", "1e3"),
            ("1E", "1E"),
            ("12e4", "120e3"),
            ("-1.5", "-1500m"),
            ("+1", "1"),
            ("1.", "1"),
            (".5", "500m"),
            ("0.0000000001", "1n"),
            ("9223372036854775807", "9223372036854775807"),
            ("100Ei", "9223372036854775807"),
        ] {
            assert_eq!(quantity(text).to_string(), expected, "{text}");
        }
    }

    #[test]
    fn refuses_what_is_not_a_quantity() {
        for text in ["", "x", "1x", "1kk", "1 k", "1e", "1.1.1", "1Kb", "--1", "1e1.5", "0x10", "1mi"] {
            assert!(text.parse::<Quantity>().is_err(), "{text}");
        }
    }

    #[test]
    fn values_round_up_away_from_zero() {
        assert_eq!(quantity("1500m").value(), 2);
        assert_eq!(quantity("-1500m").value(), -2);
        assert_eq!(quantity("1").milli_value(), 1000);
        assert_eq!(quantity("1u").milli_value(), 1);
        assert_eq!(quantity("100E").value(), i64::MAX);
    }

    #[test]
    fn compares_by_value_not_by_text() {
        assert_eq!(quantity("1Gi"), quantity("1073741824"));
        assert!(quantity("1G") < quantity("1Gi"));
    }

    #[test]
    fn zero_takes_over_the_format_of_what_is_added() {
        assert_eq!((Quantity::ZERO + quantity("2Gi")).to_string(), "2Gi");
        assert_eq!((quantity("1G") + quantity("1Gi")).to_string(), "2073741824");
        assert_eq!((quantity("2") - quantity("500m")).to_string(), "1500m");
    }

    #[test]
    fn reads_numbers_from_json() {
        let list: Vec<Quantity> = serde_json::from_str(r#"[1, "1", 0.5, -2]"#).unwrap();
        assert_eq!(serde_json::to_string(&list).unwrap(), r#"["1","1","500m","-2"]"#);
    }

    proptest! {
        #[test]
        fn printing_loses_nothing(nanos in any::<i64>(), scale in 0_u32..10, format in 0..3) {
            let format = [QuantityFormat::DecimalSi, QuantityFormat::BinarySi, QuantityFormat::DecimalExponent][format as usize];
            let before = Quantity::from_nanos(i128::from(nanos) * 10_i128.pow(scale), format);
            prop_assert_eq!(quantity(&before.to_string()), before);
        }

        #[test]
        fn sums_are_exact(a in any::<i64>(), b in any::<i64>()) {
            let (a, b) = (Quantity::from_milli(a, QuantityFormat::DecimalSi), Quantity::from_milli(b, QuantityFormat::DecimalSi));
            prop_assert_eq!((a + b) - b, a);
            prop_assert_eq!(a + b, b + a);
        }

        #[test]
        fn any_text_is_answered(text in "[-+]?[0-9]{0,45}\\.?[0-9]{0,45}[eEinumkKMGTP]{0,2}[-+]?[0-9]{0,12}") {
            if let Ok(parsed) = text.parse::<Quantity>() {
                prop_assert_eq!(quantity(&parsed.to_string()), parsed);
            }
        }
    }
}
