//! Lua patterns, matched with a bounded number of steps.
//!
//! A pattern can take exponential time, and no hook sees a match: every step is counted instead.

/// Most captures of a pattern.
const MAX_CAPTURES: usize = 32;
/// Deepest recursion of a match.
const MAX_DEPTH: usize = 200;

/// A part of the subject, or a position in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Capture {
    /// From one offset to another.
    Part(usize, usize),
    /// A position, counted from one.
    Position(usize),
}

/// A match and its captures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Match {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) captures: Vec<Capture>,
}

/// Why a pattern cannot be matched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum PatternError {
    /// The steps are used up.
    #[error("the pattern takes too many steps")]
    Steps,
    /// The pattern is not well-formed.
    #[error("{0}")]
    Malformed(&'static str),
}

/// Returns the first match at or after an offset, and takes the steps that it needed from `steps`.
pub(super) fn first_match(
    subject: &[u8],
    pattern: &[u8],
    start: usize,
    steps: &mut u64,
) -> Result<Option<Match>, PatternError> {
    let (anchored, pattern) = match pattern.strip_prefix(b"^") {
        Some(rest) => (true, rest),
        None => (false, pattern),
    };
    let mut matcher = Matcher { subject, pattern, captures: Vec::new(), depth: 0, steps };
    for at in start..=subject.len() {
        matcher.captures.clear();
        if let Some(end) = matcher.run(at, 0)? {
            return Ok(Some(Match { start: at, end, captures: matcher.finished()? }));
        }
        if anchored {
            break;
        }
    }
    Ok(None)
}

/// Returns the first place of a text at or after an offset, at a cost in steps.
pub(super) fn first_text(
    subject: &[u8],
    text: &[u8],
    start: usize,
    steps: &mut u64,
) -> Result<Option<usize>, PatternError> {
    for at in start..=subject.len() {
        let rest = &subject[at..];
        if rest.len() < text.len() {
            break;
        }
        let cost = 1 + text.len() as u64 / 16;
        *steps = steps.checked_sub(cost).ok_or(PatternError::Steps)?;
        if rest.starts_with(text) {
            return Ok(Some(at));
        }
    }
    Ok(None)
}

#[derive(Clone, Copy)]
enum Open {
    Position,
    Pending,
    Closed(usize),
}

struct Matcher<'a> {
    subject: &'a [u8],
    pattern: &'a [u8],
    captures: Vec<(usize, Open)>,
    depth: usize,
    steps: &'a mut u64,
}

impl Matcher<'_> {
    fn step(&mut self) -> Result<(), PatternError> {
        *self.steps = self.steps.checked_sub(1).ok_or(PatternError::Steps)?;
        Ok(())
    }

    fn finished(&self) -> Result<Vec<Capture>, PatternError> {
        let captures = self.captures.iter().map(|(start, open)| match open {
            Open::Position => Ok(Capture::Position(start + 1)),
            Open::Closed(end) => Ok(Capture::Part(*start, *end)),
            Open::Pending => Err(PatternError::Malformed("unfinished capture")),
        });
        captures.collect()
    }

    /// Returns where a match of the pattern from `p` on ends that starts at `s`.
    fn run(&mut self, s: usize, p: usize) -> Result<Option<usize>, PatternError> {
        if self.depth >= MAX_DEPTH {
            return Err(PatternError::Malformed("pattern too complex"));
        }
        self.depth += 1;
        let end = self.run_items(s, p);
        self.depth -= 1;
        end
    }

    fn run_items(&mut self, mut s: usize, mut p: usize) -> Result<Option<usize>, PatternError> {
        loop {
            self.step()?;
            let Some(&item) = self.pattern.get(p) else { return Ok(Some(s)) };
            let next = self.pattern.get(p + 1).copied();
            match (item, next) {
                (b'(', Some(b')')) => return self.open(s, p + 2, Open::Position),
                (b'(', _) => return self.open(s, p + 1, Open::Pending),
                (b')', _) => return self.close(s, p + 1),
                (b'$', None) => return Ok((s == self.subject.len()).then_some(s)),
                (b'%', Some(b'b')) => {
                    let Some(end) = self.balanced(s, p + 2)? else { return Ok(None) };
                    (s, p) = (end, p + 4);
                }
                (b'%', Some(b'f')) => {
                    p += 2;
                    if self.pattern.get(p) != Some(&b'[') {
                        return Err(PatternError::Malformed("missing '[' after '%f' in pattern"));
                    }
                    let end = self.class_end(p)?;
                    let before = if s == 0 { 0 } else { self.subject[s - 1] };
                    let here = self.subject.get(s).copied().unwrap_or(0);
                    if self.in_set(before, p, end - 1) || !self.in_set(here, p, end - 1) {
                        return Ok(None);
                    }
                    p = end;
                }
                (b'%', Some(digit)) if digit.is_ascii_digit() => {
                    let Some(end) = self.again(s, digit)? else { return Ok(None) };
                    (s, p) = (end, p + 2);
                }
                _ => {
                    let end = self.class_end(p)?;
                    match self.pattern.get(end) {
                        Some(b'?') => {
                            if self.single(s, p, end)
                                && let Some(found) = self.run(s + 1, end + 1)?
                            {
                                return Ok(Some(found));
                            }
                            p = end + 1;
                        }
                        Some(b'+') => {
                            return if self.single(s, p, end) { self.most(s + 1, p, end) } else { Ok(None) };
                        }
                        Some(b'*') => return self.most(s, p, end),
                        Some(b'-') => return self.fewest(s, p, end),
                        _ => {
                            if !self.single(s, p, end) {
                                return Ok(None);
                            }
                            (s, p) = (s + 1, end);
                        }
                    }
                }
            }
        }
    }

    fn open(&mut self, s: usize, p: usize, kind: Open) -> Result<Option<usize>, PatternError> {
        if self.captures.len() >= MAX_CAPTURES {
            return Err(PatternError::Malformed("too many captures"));
        }
        self.captures.push((s, kind));
        let end = self.run(s, p)?;
        if end.is_none() {
            self.captures.pop();
        }
        Ok(end)
    }

    fn close(&mut self, s: usize, p: usize) -> Result<Option<usize>, PatternError> {
        let pending = self.captures.iter().rposition(|(_, open)| matches!(open, Open::Pending));
        let index = pending.ok_or(PatternError::Malformed("invalid pattern capture"))?;
        self.captures[index].1 = Open::Closed(s);
        let end = self.run(s, p)?;
        if end.is_none() {
            self.captures[index].1 = Open::Pending;
        }
        Ok(end)
    }

    fn balanced(&mut self, s: usize, p: usize) -> Result<Option<usize>, PatternError> {
        let (Some(&opening), Some(&closing)) = (self.pattern.get(p), self.pattern.get(p + 1)) else {
            return Err(PatternError::Malformed("missing arguments to '%b'"));
        };
        if self.subject.get(s) != Some(&opening) {
            return Ok(None);
        }
        let mut depth = 1;
        for at in s + 1..self.subject.len() {
            self.step()?;
            let byte = self.subject[at];
            if byte == closing {
                depth -= 1;
                if depth == 0 {
                    return Ok(Some(at + 1));
                }
            } else if byte == opening {
                depth += 1;
            }
        }
        Ok(None)
    }

    /// Matches what a capture has matched before.
    fn again(&mut self, s: usize, digit: u8) -> Result<Option<usize>, PatternError> {
        let index = usize::from(digit).checked_sub(usize::from(b'1'));
        let capture = index.and_then(|index| self.captures.get(index).copied());
        let Some((start, Open::Closed(end))) = capture else {
            return Err(PatternError::Malformed("invalid capture index"));
        };
        *self.steps = self.steps.checked_sub((end - start) as u64 / 16).ok_or(PatternError::Steps)?;
        let found = self.subject[s..].starts_with(&self.subject[start..end]);
        Ok(found.then_some(s + end - start))
    }

    fn most(&mut self, s: usize, p: usize, end: usize) -> Result<Option<usize>, PatternError> {
        let mut count = 0;
        while self.single(s + count, p, end) {
            self.step()?;
            count += 1;
        }
        loop {
            if let Some(found) = self.run(s + count, end + 1)? {
                return Ok(Some(found));
            }
            if count == 0 {
                return Ok(None);
            }
            count -= 1;
        }
    }

    fn fewest(&mut self, mut s: usize, p: usize, end: usize) -> Result<Option<usize>, PatternError> {
        loop {
            if let Some(found) = self.run(s, end + 1)? {
                return Ok(Some(found));
            }
            if !self.single(s, p, end) {
                return Ok(None);
            }
            s += 1;
        }
    }

    /// Returns where the single-character class at `p` ends.
    fn class_end(&self, p: usize) -> Result<usize, PatternError> {
        match self.pattern[p] {
            b'%' if p + 1 >= self.pattern.len() => {
                Err(PatternError::Malformed("malformed pattern (ends with '%')"))
            }
            b'%' => Ok(p + 2),
            b'[' => {
                let mut at = p + 1;
                if self.pattern.get(at) == Some(&b'^') {
                    at += 1;
                }
                // A bracket in first place is a character of the set.
                let first = at;
                loop {
                    match self.pattern.get(at) {
                        None => return Err(PatternError::Malformed("malformed pattern (missing ']')")),
                        Some(b']') if at > first => return Ok(at + 1),
                        Some(b'%') => at += 2,
                        Some(_) => at += 1,
                    }
                }
            }
            _ => Ok(p + 1),
        }
    }

    fn single(&self, s: usize, p: usize, end: usize) -> bool {
        let Some(&byte) = self.subject.get(s) else { return false };
        match self.pattern[p] {
            b'.' => true,
            b'%' => in_class(byte, self.pattern[p + 1]),
            b'[' => self.in_set(byte, p, end - 1),
            literal => literal == byte,
        }
    }

    /// Returns whether a byte is in the set between the brackets at `p` and `end`.
    fn in_set(&self, byte: u8, p: usize, end: usize) -> bool {
        let mut at = p + 1;
        let negated = self.pattern.get(at) == Some(&b'^');
        if negated {
            at += 1;
        }
        let mut found = false;
        while at < end {
            match self.pattern[at] {
                b'%' => {
                    found |= self.pattern.get(at + 1).is_some_and(|class| in_class(byte, *class));
                    at += 2;
                }
                low if self.pattern.get(at + 1) == Some(&b'-') && at + 2 < end => {
                    found |= (low..=self.pattern[at + 2]).contains(&byte);
                    at += 3;
                }
                literal => {
                    found |= literal == byte;
                    at += 1;
                }
            }
        }
        found != negated
    }
}

fn in_class(byte: u8, class: u8) -> bool {
    let found = match class.to_ascii_lowercase() {
        b'a' => byte.is_ascii_alphabetic(),
        b'c' => byte.is_ascii_control(),
        b'd' => byte.is_ascii_digit(),
        b'g' => byte.is_ascii_graphic(),
        b'l' => byte.is_ascii_lowercase(),
        b'p' => byte.is_ascii_punctuation(),
        b's' => byte.is_ascii_whitespace() || byte == 0x0b,
        b'u' => byte.is_ascii_uppercase(),
        b'w' => byte.is_ascii_alphanumeric(),
        b'x' => byte.is_ascii_hexdigit(),
        b'z' => byte == 0,
        _ => return class == byte,
    };
    found != class.is_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn parts(subject: &str, pattern: &str) -> Option<Vec<String>> {
        let found = first_match(subject.as_bytes(), pattern.as_bytes(), 0, &mut 100_000).unwrap()?;
        let whole = std::iter::once(subject[found.start..found.end].to_owned());
        let captures = found.captures.iter().map(|capture| match capture {
            Capture::Part(start, end) => subject[*start..*end].to_owned(),
            Capture::Position(at) => at.to_string(),
        });
        Some(whole.chain(captures).collect())
    }

    #[rstest]
    #[case::captures("v1.2.3", r"(%d+)%.(%d+)", Some(vec!["1.2", "1", "2"]))]
    #[case::none("x", "%d", None)]
    #[case::anchors("abc", "^b", None)]
    #[case::end("a$b", "b$", Some(vec!["b"]))]
    #[case::dollar_inside("a$b", "a$b", Some(vec!["a$b"]))]
    #[case::fewest("<a><b>", "<(.-)>", Some(vec!["<a>", "a"]))]
    #[case::most("<a><b>", "<(.*)>", Some(vec!["<a><b>", "a><b"]))]
    #[case::maybe("colour", "colou?r", Some(vec!["colour"]))]
    #[case::sets("key_1=2", "([%w_]+)=([^%s]+)", Some(vec!["key_1=2", "key_1", "2"]))]
    #[case::ranges("zzz9f", "[0-9a-f]+", Some(vec!["9f"]))]
    #[case::bracket_first("a]b", "[]]", Some(vec!["]"]))]
    #[case::balanced("f(a(b)c)d", "%b()", Some(vec!["(a(b)c)"]))]
    #[case::frontier("THE (quick) fox", "%f[%a]%a+%f[%A]", Some(vec!["THE"]))]
    #[case::again("abab", "(ab)%1", Some(vec!["abab", "ab"]))]
    #[case::position("hello", "l()", Some(vec!["l", "4"]))]
    #[case::empty("abc", "", Some(vec![""]))]
    fn matches(#[case] subject: &str, #[case] pattern: &str, #[case] expected: Option<Vec<&str>>) {
        assert_eq!(parts(subject, pattern), expected.map(|all| all.into_iter().map(str::to_owned).collect()));
    }

    #[rstest]
    #[case("%", "malformed pattern (ends with '%')")]
    #[case("[a", "malformed pattern (missing ']')")]
    #[case("[%", "malformed pattern (missing ']')")]
    #[case("(a", "unfinished capture")]
    #[case("a)", "invalid pattern capture")]
    #[case("%1", "invalid capture index")]
    #[case("%f", "missing '[' after '%f' in pattern")]
    #[case("%b(", "missing arguments to '%b'")]
    fn refuses(#[case] pattern: &str, #[case] expected: &'static str) {
        let found = first_match(b"a", pattern.as_bytes(), 0, &mut 1000);
        assert_eq!(found, Err(PatternError::Malformed(expected)));
    }

    #[test]
    fn stops_a_pattern_that_would_take_for_ever() {
        let subject = "a".repeat(5000);
        let found = first_match(subject.as_bytes(), "a*".repeat(30).as_bytes(), 0, &mut 1_000_000);
        assert!(found.unwrap().is_some());
        let pattern = ".*".repeat(30) + "b";
        let found = first_match(subject.as_bytes(), pattern.as_bytes(), 0, &mut 1_000_000);
        assert_eq!(found, Err(PatternError::Steps));
    }

    proptest::proptest! {
        #[test]
        fn never_fails_otherwise_than_by_its_errors(subject in "[ab(%]{0,20}", pattern in "[ab.%()\\[\\]^$*+?f1-]{0,12}") {
            let _ = first_match(subject.as_bytes(), pattern.as_bytes(), 0, &mut 100_000);
        }
    }
}
