//! What is wrong with the input, and how it is told.

use std::collections::HashSet;

use crate::manifest::{Batch, ReadProblem};
use crate::printer::Printer;

/// Most problems that are printed; the rest is counted.
const MOST_PRINTED: usize = 100;

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The input cannot be used.
    Error,
    /// The input can be used, but is hardly what was meant.
    Warning,
    /// Nothing is wrong, but it may surprise.
    Note,
}

/// Something about an object of the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub severity: Severity,
    /// Index in the batch; none when no single object is to blame.
    pub object: Option<usize>,
    /// Path of the field, empty for the whole object.
    pub field: String,
    pub message: String,
    /// Where to point: some problems are with the name of the field, not with its value.
    pub part: Part,
    /// What to do about it.
    pub hint: Option<String>,
}

/// A part of a field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Part {
    Key,
    #[default]
    Value,
}

impl Problem {
    /// A problem with a field of an object.
    pub fn new(severity: Severity, object: usize, field: &str, message: impl Into<String>) -> Self {
        Self {
            severity,
            object: Some(object),
            field: field.to_owned(),
            message: message.into(),
            part: Part::Value,
            hint: None,
        }
    }

    /// Points at the name of the field.
    pub fn at_key(mut self) -> Self {
        self.part = Part::Key;
        self
    }

    /// Adds what to do about it.
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// What was said about the input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    pub errors: usize,
    pub warnings: usize,
}

/// Which problems are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Errors, warnings and notes.
    All,
    /// Errors.
    ErrorsOnly,
}

/// Prints what could not be read.
pub fn tell_unreadable(printer: &Printer, problems: &[ReadProblem]) -> Told {
    let mut hints = HashSet::new();
    for problem in problems.iter().take(MOST_PRINTED) {
        printer.error(&problem.to_string());
        if let Some(hint) = &problem.hint
            && hints.insert(hint)
        {
            printer.hint(hint);
        }
    }
    more(printer, problems.len(), "errors");
    Told { errors: problems.len(), warnings: 0 }
}

/// Prints problems in the order of severity and input, each with file, line, column, object and field.
pub fn tell(printer: &Printer, batch: &Batch, mut problems: Vec<Problem>, detail: Detail) -> Told {
    problems.sort_by_key(|problem| (problem.severity, problem.object));
    problems.dedup();
    let mut told = Told::default();
    let mut locator = batch.locator();
    for severity in [Severity::Error, Severity::Warning, Severity::Note] {
        let of_severity: Vec<&Problem> =
            problems.iter().filter(|problem| problem.severity == severity).collect();
        let words = match severity {
            Severity::Error => {
                told.errors = of_severity.len();
                "errors"
            }
            Severity::Warning => {
                told.warnings = of_severity.len();
                "warnings"
            }
            Severity::Note => "notes",
        };
        if detail == Detail::ErrorsOnly && severity != Severity::Error {
            continue;
        }
        let mut last_hint = None;
        for problem in of_severity.iter().take(MOST_PRINTED) {
            let place = problem.object.map(|index| match problem.part {
                Part::Key => locator.place_of_key(index, &problem.field),
                Part::Value => locator.place(index, &problem.field),
            });
            let text = match place {
                Some(place) => format!("{place}: {}", problem.message),
                None => problem.message.clone(),
            };
            match severity {
                Severity::Error => printer.error(&text),
                Severity::Warning => printer.warning(&text),
                Severity::Note => printer.note(&text),
            }
            // A hint that many lines share is said once.
            if problem.hint.is_some() && problem.hint != last_hint {
                printer.hint(problem.hint.as_deref().unwrap_or_default());
            }
            last_hint.clone_from(&problem.hint);
        }
        more(printer, of_severity.len(), words);
    }
    told
}

fn more(printer: &Printer, count: usize, words: &str) {
    if count > MOST_PRINTED {
        printer.progress(&format!("... and {} more {words}", count - MOST_PRINTED));
    }
}
