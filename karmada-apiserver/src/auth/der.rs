//! Writing ASN.1 in its distinguished encoding: what certificates need of it.

use jiff::Timestamp;
use jiff::tz::TimeZone;

const BOOLEAN: u8 = 0x01;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const UTF8_STRING: u8 = 0x0c;
const PRINTABLE_STRING: u8 = 0x13;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const CONTEXT: u8 = 0x80;
const CONSTRUCTED: u8 = 0x20;
/// The two-digit years of `UTCTime` end here (RFC 5280, 4.1.2.5).
const LAST_SHORT_YEAR: i16 = 2049;

/// Writes a value behind its tag and length.
pub(super) fn value(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let length = content.len();
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => out.push(short),
        _ => {
            let bytes = length.to_be_bytes();
            let bytes: Vec<u8> = bytes.into_iter().skip_while(|byte| *byte == 0).collect();
            out.push(0x80 | u8::try_from(bytes.len()).expect("a length has at most eight bytes"));
            out.extend(bytes);
        }
    }
    out.extend_from_slice(content);
    out
}

pub(super) fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    value(SEQUENCE, &parts.concat())
}

/// Writes a set; its members are sorted by their encoding.
pub(super) fn set(mut parts: Vec<Vec<u8>>) -> Vec<u8> {
    parts.sort();
    value(SET, &parts.concat())
}

/// Writes a number of no sign from its bytes.
pub(super) fn unsigned(bytes: &[u8]) -> Vec<u8> {
    let mut digits: Vec<u8> = bytes.iter().copied().skip_while(|byte| *byte == 0).collect();
    if digits.first().is_none_or(|first| first & 0x80 != 0) {
        digits.insert(0, 0);
    }
    value(INTEGER, &digits)
}

pub(super) fn boolean(yes: bool) -> Vec<u8> {
    value(BOOLEAN, &[if yes { 0xff } else { 0 }])
}

/// Writes an object identifier from its encoded bytes.
pub(super) fn identifier(encoded: &[u8]) -> Vec<u8> {
    value(OBJECT_IDENTIFIER, encoded)
}

pub(super) fn octets(content: &[u8]) -> Vec<u8> {
    value(OCTET_STRING, content)
}

/// Writes whole bytes as a string of bits.
pub(super) fn bits(content: &[u8]) -> Vec<u8> {
    value(BIT_STRING, &[&[0], content].concat())
}

/// Writes named bits, the first being the highest, without the zeros at the end.
pub(super) fn named_bits(flags: u16) -> Vec<u8> {
    let mut bytes = flags.to_be_bytes().to_vec();
    while bytes.last() == Some(&0) {
        bytes.pop();
    }
    let unused = bytes.last().map_or(0, |last| last.trailing_zeros());
    let unused = u8::try_from(unused).expect("a byte has eight bits");
    value(BIT_STRING, &[&[unused], bytes.as_slice()].concat())
}

/// Writes a text in the narrower of the two string types that names use.
pub(super) fn text(text: &str) -> Vec<u8> {
    let printable = |c: char| c.is_ascii_alphanumeric() || " '()+,-./:=?".contains(c);
    let tag = if text.chars().all(printable) { PRINTABLE_STRING } else { UTF8_STRING };
    value(tag, text.as_bytes())
}

/// Writes a value that the context names, as bytes of its own.
pub(super) fn context(number: u8, content: &[u8]) -> Vec<u8> {
    value(CONTEXT | number, content)
}

/// Writes a whole value below a tag of the context.
pub(super) fn explicit(number: u8, content: &[u8]) -> Vec<u8> {
    value(CONTEXT | CONSTRUCTED | number, content)
}

/// Writes a time of whole seconds.
pub(super) fn time(time: Timestamp) -> Vec<u8> {
    let date = time.to_zoned(TimeZone::UTC).datetime();
    let (year, rest) = (
        date.year(),
        format!(
            "{:02}{:02}{:02}{:02}{:02}Z",
            date.month(),
            date.day(),
            date.hour(),
            date.minute(),
            date.second()
        ),
    );
    if (1950..=LAST_SHORT_YEAR).contains(&year) {
        value(UTC_TIME, format!("{:02}{rest}", year.rem_euclid(100)).as_bytes())
    } else {
        value(GENERALIZED_TIME, format!("{year:04}{rest}").as_bytes())
    }
}

/// Returns text between the lines that name what it is.
pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    use base64::Engine as _;
    let encoded = base64::engine::general_purpose::STANDARD.encode(der);
    let mut out = format!("-----BEGIN {label}-----\n");
    for line in encoded.as_bytes().chunks(64) {
        out.push_str(std::str::from_utf8(line).expect("base64 is ASCII"));
        out.push('\n');
    }
    out + "-----END " + label + "-----\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_take_as_few_bytes_as_they_need() {
        assert_eq!(value(4, &[7; 2]), [4, 2, 7, 7]);
        assert_eq!(value(4, &[7; 200])[..4], [4, 0x81, 200, 7]);
        assert_eq!(value(4, &[7; 0x1234])[..4], [4, 0x82, 0x12, 0x34]);
    }

    #[test]
    fn numbers_and_bits_have_no_superfluous_bytes() {
        assert_eq!(unsigned(&[0, 0, 0x80]), [2, 2, 0, 0x80]);
        assert_eq!(unsigned(&[0]), [2, 1, 0]);
        assert_eq!(named_bits(0x8000), [3, 2, 7, 0x80]);
        assert_eq!(named_bits(0xa000), [3, 2, 5, 0xa0]);
        assert_eq!(named_bits(0), [3, 1, 0]);
    }

    #[test]
    fn times_have_two_digits_of_their_year_as_long_as_these_are_enough() {
        assert_eq!(time("2026-11-21T09:42:09.7Z".parse().unwrap())[2..], *b"261121094209Z");
        assert_eq!(time("2050-01-01T00:00:00Z".parse().unwrap())[2..], *b"20500101000000Z");
    }
}
