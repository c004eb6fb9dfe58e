//! What a decision of the detector consists of.

use std::fmt;

use serde_json::Value;

use super::Binding;
use crate::{api::work::ObjectReference, interpreter::InterpretError, object};

/// One write; a list of them is done in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Write {
    /// A JSON merge patch of a template's metadata.
    PatchTemplate {
        /// The template.
        key: TemplateKey,
        /// The patch.
        patch: Value,
    },
    /// A binding to make.
    CreateBinding(Box<Binding>),
    /// A binding to replace; it holds the resource version it was made from.
    UpdateBinding(Box<Binding>),
    /// A JSON merge patch of a binding's metadata; the namespace is empty for a ClusterResourceBinding.
    PatchBinding {
        /// The binding's namespace.
        namespace: String,
        /// The binding's name.
        name: String,
        /// The patch.
        patch: Value,
    },
}

/// Names a template.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TemplateKey {
    /// Group and version.
    pub api_version: String,
    /// Kind.
    pub kind: String,
    /// Namespace, empty for cluster-scoped templates.
    pub namespace: String,
    /// Name.
    pub name: String,
}

impl TemplateKey {
    /// Returns the key of a template.
    pub fn of(template: &Value) -> Self {
        Self {
            api_version: object::api_version(template).to_owned(),
            kind: object::kind(template).to_owned(),
            namespace: object::namespace(template).to_owned(),
            name: object::name(template).to_owned(),
        }
    }
}

impl From<&ObjectReference> for TemplateKey {
    fn from(reference: &ObjectReference) -> Self {
        Self {
            api_version: reference.api_version.clone(),
            kind: reference.kind.clone(),
            namespace: reference.namespace.clone(),
            name: reference.name.clone(),
        }
    }
}

impl fmt::Display for TemplateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = object::namespaced_key(&self.namespace, &self.name);
        write!(f, "{}, kind={}, {key}", self.api_version, self.kind)
    }
}

/// Something to tell about an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Good or bad.
    pub type_: EventType,
    /// A word for machines.
    pub reason: &'static str,
    /// A sentence for people.
    pub message: String,
}

/// Whether an event is good news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventType {
    /// All is well.
    Normal,
    /// Something is wrong.
    Warning,
}

impl EventType {
    /// Returns the text on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "Normal",
            Self::Warning => "Warning",
        }
    }
}

impl Event {
    pub(super) fn normal(reason: &'static str, message: String) -> Self {
        Self { type_: EventType::Normal, reason, message }
    }

    pub(super) fn warning(reason: &'static str, message: String) -> Self {
        Self { type_: EventType::Warning, reason, message }
    }
}

/// Why a template is not propagated; all of it may pass with time.
#[derive(Debug, thiserror::Error)]
pub enum PropagationError {
    /// No policy selects the template (said once, so that a slow cache gets a second chance).
    #[error("no matched propagation policy")]
    NoPolicy,
    /// The policy in charge is going.
    #[error("{policy} is being deleted")]
    PolicyTerminating {
        /// The policy, as in events.
        policy: String,
    },
    /// Override policies that must come first are not there.
    #[error("waiting for dependent overrides")]
    DependentOverrides,
    /// The binding belongs to an older template of the same name.
    #[error(
        "failed to update binding due to different owner reference UID, will try again later after binding is garbage collected, see https://github.com/karmada-io/karmada/issues/2090"
    )]
    OwnerMismatch,
    /// The priority class is not there.
    #[error("PriorityClass.scheduling.k8s.io {name:?} not found")]
    PriorityClassNotFound {
        /// Its name.
        name: String,
    },
    /// The kind of priority class is not supported.
    #[error("priority class source is {source_name}, but {source_name} is not supported yet")]
    PriorityClassSource {
        /// The kind.
        source_name: String,
    },
    /// The template asks for more replicas than can be counted.
    #[error("replicas {replicas} are out of range")]
    Replicas {
        /// What it asks for.
        replicas: i64,
    },
    /// The template cannot be read.
    #[error(transparent)]
    Interpret(#[from] InterpretError),
}
