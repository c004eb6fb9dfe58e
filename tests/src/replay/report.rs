//! Prints what became of the cases.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::Outcome;
use super::driver::CaseResult;

/// Failing cases that are shown per category unless asked otherwise.
pub const MAX_FAILURES: usize = 20;

/// How many cases had which outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub passed: usize,
    pub failed: usize,
    pub skipped: usize,
    pub differs: usize,
}

impl Counts {
    /// Counts the outcomes of `results`.
    pub fn of(results: &[CaseResult]) -> Self {
        let mut counts = Self::default();
        for (_, outcome) in results {
            match outcome {
                Outcome::Passed => counts.passed += 1,
                Outcome::Failed(_) => counts.failed += 1,
                Outcome::Skipped(_) => counts.skipped += 1,
                Outcome::Differs(_) => counts.differs += 1,
            }
        }
        counts
    }

    /// Adds the counts of another category.
    pub fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.differs += other.differs;
    }
}

/// Prints the failing cases of a category, its line, and the reasons of skipped and differing cases.
pub fn print_category(
    out: &mut dyn Write,
    name: &str,
    results: &[CaseResult],
    shown: usize,
) -> io::Result<()> {
    let failures = results.iter().filter_map(|(id, outcome)| match outcome {
        Outcome::Failed(difference) => Some((id, difference)),
        _ => None,
    });
    for (id, difference) in failures.take(shown) {
        writeln!(out, "FAILED {name}: {id}")?;
        for line in difference.lines() {
            writeln!(out, "    {line}")?;
        }
    }
    let counts = Counts::of(results);
    if counts.failed > shown {
        writeln!(out, "... and {} more failures in {name}", counts.failed - shown)?;
    }
    writeln!(
        out,
        "{name}: {} passed, {} failed, {} skipped, {} differs",
        counts.passed, counts.failed, counts.skipped, counts.differs
    )?;
    let mut reasons: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (_, outcome) in results {
        match outcome {
            Outcome::Skipped(reason) => *reasons.entry(("skipped", reason)).or_default() += 1,
            Outcome::Differs(reason) => *reasons.entry(("differs", reason)).or_default() += 1,
            Outcome::Passed | Outcome::Failed(_) => {}
        }
    }
    for ((kind, reason), count) in reasons {
        writeln!(out, "  {kind} {count}: {reason}")?;
    }
    Ok(())
}

/// Prints the closing lines: what differs, if anything, then the sum alone on a line.
pub fn print_total(out: &mut dyn Write, total: Counts) -> io::Result<()> {
    if total.differs > 0 {
        writeln!(out, "{} differ by a documented rule", total.differs)?;
    }
    writeln!(out, "{} passed, {} failed, {} skipped", total.passed, total.failed, total.skipped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_failures_counts_and_reasons() {
        let results = vec![
            ("a".to_owned(), Outcome::Passed),
            ("b".to_owned(), Outcome::Failed("/x: expected 1, got 2".into())),
            ("c".to_owned(), Outcome::Skipped("webhooks".into())),
            ("d".to_owned(), Outcome::Skipped("webhooks".into())),
            ("e".to_owned(), Outcome::Differs("stable order".into())),
        ];
        let mut out = Vec::new();
        print_category(&mut out, "made", &results, MAX_FAILURES).unwrap();
        print_total(&mut out, Counts::of(&results)).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "FAILED made: b\n    /x: expected 1, got 2\n\
             made: 1 passed, 1 failed, 2 skipped, 1 differs\n\
             \x20 differs 1: stable order\n\
             \x20 skipped 2: webhooks\n\
             1 differ by a documented rule\n\
             1 passed, 1 failed, 2 skipped\n"
        );
    }
}
