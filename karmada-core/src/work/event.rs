//! Events that decisions ask for.

use crate::scheduling::EventKind;

/// The object that an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// The binding.
    Binding,
    /// The template.
    Template,
    /// The Work.
    Work,
}

/// An event to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The object it is about.
    pub about: About,
    /// Normal or warning.
    pub kind: EventKind,
    /// A word for machines.
    pub reason: &'static str,
    /// A sentence for people.
    pub message: String,
}

impl Event {
    pub(super) fn normal(about: About, reason: &'static str, message: impl Into<String>) -> Self {
        Self { about, kind: EventKind::Normal, reason, message: message.into() }
    }

    pub(super) fn warning(about: About, reason: &'static str, message: impl Into<String>) -> Self {
        Self { about, kind: EventKind::Warning, reason, message: message.into() }
    }
}
