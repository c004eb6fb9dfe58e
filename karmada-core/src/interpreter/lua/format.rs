//! `string.format`: layouts with verbs, flags, widths and precisions as Go prints them.

use super::number;

/// Widest field and longest precision.
const WIDEST: usize = 1_000_000;
/// Most digits after the point: a number has nothing but zeros after them.
const MOST_DECIMALS: usize = 1100;
/// Longest result in bytes.
const LONGEST: usize = 4 << 20;

/// A value to print.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Argument {
    Nil,
    Boolean(bool),
    Number(f64),
    Text(Vec<u8>),
}

/// Returns a layout with its values, at most as many of them as it has verbs, or `None` when that is too long.
pub(super) fn format(layout: &[u8], arguments: &[Argument]) -> Option<Vec<u8>> {
    let arguments = &arguments[..arguments.len().min(places(layout))];

    let mut printed = Vec::with_capacity(layout.len());
    let mut rest = layout;
    let mut used = 0;
    while let Some(position) = rest.iter().position(|byte| *byte == b'%') {
        printed.extend_from_slice(&rest[..position]);
        rest = &rest[position + 1..];
        if printed.len() > LONGEST {
            return None;
        }
        let spec = Spec::parse(&mut rest);
        let Some(verb) = take_verb(&mut rest) else {
            printed.extend_from_slice(b"%!(NOVERB)");
            break;
        };
        if verb == '%' {
            printed.push(b'%');
            continue;
        }
        for (bad, note) in [(spec.bad_width, "%!(BADWIDTH)"), (spec.bad_precision, "%!(BADPREC)")] {
            if bad {
                printed.extend_from_slice(note.as_bytes());
            }
        }
        match arguments.get(used) {
            Some(argument) => print(&mut printed, argument, verb, &spec),
            None => printed.extend_from_slice(format!("%!{verb}(MISSING)").as_bytes()),
        }
        used += 1;
    }
    printed.extend_from_slice(rest);
    if used < arguments.len() {
        printed.extend_from_slice(b"%!(EXTRA ");
        for (index, argument) in arguments[used..].iter().enumerate() {
            if index > 0 {
                printed.extend_from_slice(b", ");
            }
            printed.extend_from_slice(type_name(argument).as_bytes());
            printed.push(b'=');
            printed.extend_from_slice(&plain(argument));
        }
        printed.push(b')');
    }
    (printed.len() <= LONGEST).then_some(printed)
}

/// Returns how many values a layout has room for: a doubled percent sign counts as one.
fn places(layout: &[u8]) -> usize {
    let mut places = 0;
    let mut rest = layout;
    while let Some(position) = rest.iter().position(|byte| *byte == b'%') {
        places += 1;
        rest = &rest[position + 1..];
        rest = rest.strip_prefix(b"%").unwrap_or(rest);
    }
    places
}

/// Takes the character that names the verb; a broken one is any byte.
fn take_verb(rest: &mut &[u8]) -> Option<char> {
    let first = *rest.first()?;
    let length = if first < 0x80 { 1 } else { rest.len().min(4) };
    let text = rest[..length].utf8_chunks().next().map_or("", |chunk| chunk.valid());
    let verb = text.chars().next().unwrap_or(char::REPLACEMENT_CHARACTER);
    *rest = &rest[if text.is_empty() { 1 } else { verb.len_utf8() }..];
    Some(verb)
}

#[derive(Clone, Debug, Default)]
struct Spec {
    minus: bool,
    plus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    width: usize,
    precision: Option<usize>,
    bad_width: bool,
    bad_precision: bool,
}

impl Spec {
    fn parse(rest: &mut &[u8]) -> Self {
        let mut spec = Self::default();
        while let Some(flag) = rest.first() {
            match flag {
                b'-' => spec.minus = true,
                b'+' => spec.plus = true,
                b'#' => spec.sharp = true,
                b' ' => spec.space = true,
                b'0' => spec.zero = true,
                _ => break,
            }
            *rest = &rest[1..];
        }
        spec.zero &= !spec.minus;
        match take_number(rest) {
            Some(width) => spec.width = width,
            None => spec.bad_width = true,
        }
        if rest.first() == Some(&b'.') {
            *rest = &rest[1..];
            match take_number(rest) {
                Some(precision) => spec.precision = Some(precision),
                None => spec.bad_precision = true,
            }
        }
        spec
    }

    /// Pads what was printed to the width; zeros go between the sign and the digits.
    fn pad(&self, printed: &mut Vec<u8>, text: &[u8], numeric: bool) {
        let length: usize =
            text.utf8_chunks().map(|chunk| chunk.valid().chars().count() + chunk.invalid().len()).sum();
        let missing = self.width.saturating_sub(length);
        if self.minus {
            printed.extend_from_slice(text);
            printed.resize(printed.len() + missing, b' ');
            return;
        }
        let sign = usize::from(numeric && matches!(text.first(), Some(b'+' | b'-' | b' ')));
        if self.zero {
            printed.extend_from_slice(&text[..sign]);
            printed.resize(printed.len() + missing, b'0');
            printed.extend_from_slice(&text[sign..]);
        } else {
            printed.resize(printed.len() + missing, b' ');
            printed.extend_from_slice(text);
        }
    }
}

/// Takes a number, zero when there is none; one that is too large gives `None`.
fn take_number(rest: &mut &[u8]) -> Option<usize> {
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let number = rest[..digits].iter().try_fold(0_usize, |number, digit| {
        let number = number * 10 + usize::from(digit - b'0');
        (number <= WIDEST).then_some(number)
    });
    *rest = &rest[digits..];
    number
}

fn print(printed: &mut Vec<u8>, argument: &Argument, verb: char, spec: &Spec) {
    match (argument, verb) {
        (Argument::Number(value), 's' | 'q') => {
            print_text(printed, number::text(*value).as_bytes(), verb, spec);
        }
        (Argument::Number(value), 'i') => print_integer(printed, *value as i64, 'd', spec),
        (Argument::Number(value), 'b' | 'c' | 'd' | 'o' | 'x' | 'X' | 'U') => {
            print_integer(printed, *value as i64, verb, spec);
        }
        (Argument::Number(value), 'e' | 'E' | 'f' | 'F' | 'g' | 'G') => {
            print_float(printed, *value, verb, spec);
        }
        (Argument::Number(value), 'v') => {
            let text = number::text(*value);
            spec.pad(printed, text.as_bytes(), true);
        }
        (Argument::Number(value), _) => {
            let name = if value.fract() == 0.0 { "int64" } else { "float64" };
            printed.extend_from_slice(format!("%!{verb}({name}={})", number::text(*value)).as_bytes());
        }
        (Argument::Text(text), 'd' | 'i') => {
            match std::str::from_utf8(text).ok().and_then(|text| number::parse(text, None)) {
                Some(_) => print_text(printed, text, 's', spec),
                None => print_integer(printed, 0, 'd', spec),
            }
        }
        (Argument::Text(text), 's' | 'v' | 'q' | 'x' | 'X') => print_text(printed, text, verb, spec),
        (Argument::Text(text), _) => {
            printed.extend_from_slice(format!("%!{verb}(string=").as_bytes());
            printed.extend_from_slice(text);
            printed.push(b')');
        }
        (Argument::Boolean(value), 't') => spec.pad(printed, value.to_string().as_bytes(), false),
        (other, 's' | 'v' | 'q' | 'x' | 'X') => print_text(printed, &plain(other), verb, spec),
        (other, _) => {
            printed.extend_from_slice(format!("%!{verb}({}=", type_name(other)).as_bytes());
            printed.extend_from_slice(&plain(other));
            printed.push(b')');
        }
    }
}

fn print_text(printed: &mut Vec<u8>, text: &[u8], verb: char, spec: &Spec) {
    let text = match spec.precision {
        Some(precision) if verb != 'x' && verb != 'X' => &text[..offset_of_character(text, precision)],
        _ => text,
    };
    match verb {
        'q' => spec.pad(printed, quoted(text).as_bytes(), false),
        'x' | 'X' => {
            let text = &text[..text.len().min(spec.precision.unwrap_or(usize::MAX))];
            let digits: String = text
                .iter()
                .map(|byte| if verb == 'x' { format!("{byte:02x}") } else { format!("{byte:02X}") })
                .collect();
            spec.pad(printed, digits.as_bytes(), false);
        }
        _ => spec.pad(printed, text, false),
    }
}

/// Returns where the character of an index starts; broken bytes count as characters.
fn offset_of_character(text: &[u8], index: usize) -> usize {
    let mut left = index;
    let mut offset = 0;
    for chunk in text.utf8_chunks() {
        for character in chunk.valid().chars() {
            if left == 0 {
                return offset;
            }
            left -= 1;
            offset += character.len_utf8();
        }
        for _ in chunk.invalid() {
            if left == 0 {
                return offset;
            }
            left -= 1;
            offset += 1;
        }
    }
    offset
}

fn print_integer(printed: &mut Vec<u8>, value: i64, verb: char, spec: &Spec) {
    let magnitude = value.unsigned_abs();
    let character = u32::try_from(value).ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER);
    let (prefix, mut digits) = match verb {
        'c' => return spec.pad(printed, character.to_string().as_bytes(), false),
        'U' => return spec.pad(printed, format!("U+{magnitude:04X}").as_bytes(), false),
        'b' => ("0b", format!("{magnitude:b}")),
        'o' => ("0", format!("{magnitude:o}")),
        'x' => ("0x", format!("{magnitude:x}")),
        'X' => ("0X", format!("{magnitude:X}")),
        _ => ("", magnitude.to_string()),
    };
    let sign = match (value < 0, spec.plus, spec.space) {
        (true, _, _) => "-",
        (false, true, _) => "+",
        (false, false, true) => " ",
        _ => "",
    };
    if spec.precision == Some(0) && value == 0 {
        // No digits at all, and no zeros either.
        return Spec { zero: false, ..spec.clone() }.pad(printed, b"", false);
    }
    let wanted = match spec.precision {
        Some(precision) => precision,
        None if spec.zero => spec.width.saturating_sub(sign.len()),
        None => 0,
    };
    if wanted > digits.len() {
        digits.insert_str(0, &"0".repeat(wanted - digits.len()));
    }
    let prefix = if spec.sharp { prefix } else { "" };
    // A precision takes the place of zeros before the number.
    let spaces = Spec { zero: false, ..spec.clone() };
    spaces.pad(printed, format!("{sign}{prefix}{digits}").as_bytes(), true);
}

fn print_float(printed: &mut Vec<u8>, value: f64, verb: char, spec: &Spec) {
    let decimals = spec.precision.map(|precision| precision.min(MOST_DECIMALS));
    let mut text = match verb.to_ascii_lowercase() {
        _ if !value.is_finite() => number::shortest(value),
        'e' => with_exponent(value, decimals.unwrap_or(6)),
        'f' => format!("{value:.*}", decimals.unwrap_or(6)),
        _ => match decimals {
            None => number::shortest(value),
            Some(precision) => general(value, precision.max(1)),
        },
    };
    if verb.is_ascii_uppercase() && value.is_finite() {
        text = text.to_ascii_uppercase();
    }
    if !value.is_finite() {
        text = text.trim_start_matches('+').to_owned();
    }
    if spec.plus && !text.starts_with('-') || value == f64::INFINITY {
        text.insert(0, '+');
    } else if spec.space && !text.starts_with('-') {
        text.insert(0, ' ');
    }
    // Zeros before a number that has no digits would say something wrong.
    let zero = spec.zero && value.is_finite();
    Spec { zero, ..spec.clone() }.pad(printed, text.as_bytes(), true);
}

fn with_exponent(value: f64, precision: usize) -> String {
    let text = format!("{value:.precision$e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |exponent| ('-', exponent));
    format!("{digits}e{sign}{exponent:0>2}")
}

/// Returns a number with so many significant digits, without zeros at the end.
fn general(value: f64, precision: usize) -> String {
    let scientific = with_exponent(value, precision - 1);
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "+00"));
    let exponent: i64 = exponent.parse().unwrap_or(0);
    let trim = |text: &str| {
        let end = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text };
        end.to_owned()
    };
    if exponent < -4 || exponent >= precision as i64 {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{}e{sign}{:02}", trim(digits), exponent.abs());
    }
    let decimals = usize::try_from(precision as i64 - 1 - exponent).unwrap_or(0);
    trim(&format!("{value:.decimals$}"))
}

fn quoted(text: &[u8]) -> String {
    let mut quoted = String::from("\"");
    for chunk in text.utf8_chunks() {
        for character in chunk.valid().chars() {
            quoted.push_str(&escaped(character));
        }
        quoted.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    quoted.push('"');
    quoted
}

fn escaped(character: char) -> String {
    let short = match character {
        '"' | '\\' => character,
        '\u{7}' => 'a',
        '\u{8}' => 'b',
        '\u{c}' => 'f',
        '\n' => 'n',
        '\r' => 'r',
        '\t' => 't',
        '\u{b}' => 'v',
        control if control.is_ascii_control() => return format!("\\x{:02x}", u32::from(control)),
        control if control.is_control() => return format!("\\u{:04x}", u32::from(control)),
        other => return other.to_string(),
    };
    format!("\\{short}")
}

fn plain(argument: &Argument) -> Vec<u8> {
    match argument {
        Argument::Nil => b"nil".to_vec(),
        Argument::Boolean(value) => value.to_string().into_bytes(),
        Argument::Number(value) => number::text(*value).into_bytes(),
        Argument::Text(text) => text.clone(),
    }
}

fn type_name(argument: &Argument) -> &'static str {
    match argument {
        Argument::Nil => "*lua.LNilType",
        Argument::Boolean(_) => "lua.LBool",
        Argument::Number(_) => "lua.LNumber",
        Argument::Text(_) => "lua.LString",
    }
}

#[cfg(test)]
mod tests {
    use super::Argument::{Boolean, Nil, Number};
    use super::*;
    use rstest::rstest;

    fn text(text: &str) -> Argument {
        Argument::Text(text.as_bytes().to_vec())
    }

    #[rstest]
    #[case("%d", vec![Number(3.7)], "3")]
    #[case("%i", vec![Number(3.0)], "3")]
    #[case("%5d|%-5s|", vec![Number(3.0), text("a")], "    3|a    |")]
    #[case("%05d %+d % d %x %X %#x %o %b %c", vec![Number(42.0), Number(1.0), Number(2.0), Number(255.0), Number(255.0), Number(255.0), Number(8.0), Number(5.0), Number(65.0)], "00042 +1  2 ff FF 0xff 10 101 A")]
    #[case("%05d|%.3d|%6.3d", vec![Number(-42.0), Number(7.0), Number(7.0)], "-0042|007|   007")]
    #[case("%q", vec![text("a\"b\n")], r#""a\"b\n""#)]
    #[case("%d%%", vec![Number(5.0)], "5%")]
    #[case("%s %s", vec![text("a")], "a %!s(MISSING)")]
    #[case("%s", vec![text("a"), text("b")], "a")]
    #[case("%s %s %s %v", vec![Nil, Boolean(true), Number(2.5), Number(2.0)], "nil true 2.5 2")]
    #[case("%t", vec![Boolean(false)], "false")]
    #[case("%d", vec![Boolean(false)], "%!d(lua.LBool=false)")]
    #[case("%g %g %g", vec![Number(1e20), Number(0.1), Number(100_000.0)], "1e+20 0.1 100000")]
    #[case("%.3g|%.3g|%G", vec![Number(1234.5), Number(0.5), Number(1e-7)], "1.23e+03|0.5|1E-07")]
    #[case("%f|%.2f|%8.3f|%-8.1f|%08.2f", vec![Number(1.5), Number(2.675), Number(1.0), Number(1.0), Number(-1.5)], "1.500000|2.67|   1.000|1.0     |-0001.50")]
    #[case("%e|%.1E", vec![Number(12345.0), Number(0.05)], "1.234500e+04|5.0E-02")]
    #[case("%.2s|%5.1s|", vec![text("äöü"), text("xyz")], "äö|    x|")]
    #[case("%d %d", vec![text("12"), text("x")], "12 0")]
    #[case("%y %", vec![Number(1.0), Number(2.0)], "%!y(int64=1) %!(NOVERB)%!(EXTRA lua.LNumber=2)")]
    #[case("100%", vec![], "100%!(NOVERB)")]
    #[case("%99999999d", vec![Number(1.0)], "%!(BADWIDTH)1")]
    #[case("%f %5.1f", vec![Number(f64::INFINITY), Number(f64::NAN)], "+Inf   NaN")]
    fn prints(#[case] layout: &str, #[case] arguments: Vec<Argument>, #[case] expected: &str) {
        assert_eq!(String::from_utf8(format(layout.as_bytes(), &arguments).unwrap()).unwrap(), expected);
    }

    #[test]
    fn refuses_what_is_too_long() {
        assert_eq!(format(&b"%999999d".repeat(9), &vec![Number(1.0); 9]), None);
    }

    proptest::proptest! {
        #[test]
        fn takes_any_layout(layout in "[%a0-9.+#xdsqgefviU -]{0,12}", number: f64) {
            let layout = layout.replace("99", "9");
            format(layout.as_bytes(), &[Number(number), text("x"), Nil]);
        }
    }
}
