//! What is wrong or remarkable about the input.

/// Something to tell about an object of the input, or about all of it.
///
/// The message is a fragment without the object's name: whoever prints it knows file, line and
/// column of the object and of the field.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// The position of the object in the input; none when it is about all objects.
    pub object: Option<usize>,
    /// The path of the field, such as `spec.placement.spreadConstraints[0]`; empty for the object.
    pub field: String,
    /// What is wrong.
    pub message: String,
    /// What may help.
    pub hint: Option<String>,
    /// Another object that has to do with it.
    pub related: Option<usize>,
}

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing can be simulated.
    Error,
    /// Something is probably not meant so.
    Warning,
    /// Good to know.
    Note,
}

impl Problem {
    pub(super) fn error(object: usize, field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, object, field, message)
    }

    pub(super) fn warning(object: usize, field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, object, field, message)
    }

    pub(super) fn note(object: usize, field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Severity::Note, object, field, message)
    }

    /// A problem of all the input.
    pub(super) fn general(severity: Severity, message: impl Into<String>) -> Self {
        Self { object: None, ..Self::new(severity, 0, "", message) }
    }

    pub(super) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    fn new(severity: Severity, object: usize, field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            severity,
            object: Some(object),
            field: field.into(),
            message: message.into(),
            hint: None,
            related: None,
        }
    }
}
