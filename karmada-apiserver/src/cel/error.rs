//! What is wrong with an expression, before and while it runs.

use std::fmt;

/// A mistake at one place of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Issue {
    /// Characters from the start of the source.
    pub(crate) offset: usize,
    pub(crate) message: String,
}

/// Why an expression was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) struct CompileError {
    text: String,
}

impl CompileError {
    /// Shows the places of the mistakes in the source.
    pub(crate) fn new(source: &str, mut issues: Vec<Issue>) -> Self {
        issues.sort_by_key(|issue| issue.offset);
        let shown: Vec<String> = issues.iter().map(|issue| point_at(source, issue)).collect();
        Self { text: shown.join("\n") }
    }
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn point_at(source: &str, issue: &Issue) -> String {
    let mut line = 1;
    let mut start = 0;
    for (index, c) in source.chars().enumerate().take(issue.offset) {
        if c == '\n' {
            line += 1;
            start = index + 1;
        }
    }
    let column = issue.offset - start;
    let text: String = source
        .chars()
        .skip(start)
        .take_while(|&c| c != '\n')
        .map(|c| if c == '\t' { ' ' } else { c })
        .collect();
    let dots = ".".repeat(column);
    format!("ERROR: <input>:{line}:{}: {}\n | {text}\n | {dots}^", column + 1, issue.message)
}

/// Why an evaluation has no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EvalError {
    #[error("no such key: {0}")]
    NoSuchKey(String),
    #[error("no such overload")]
    NoSuchOverload,
    #[error("no such attribute(s): {0}")]
    NoSuchAttribute(String),
    #[error("operation cancelled: actual cost limit exceeded")]
    CostExceeded,
    #[error("{0}")]
    Failed(String),
}

impl EvalError {
    pub(crate) fn failed(text: impl Into<String>) -> Self {
        Self::Failed(text.into())
    }
}
