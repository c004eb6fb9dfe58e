//! What a decision about dependencies consists of.

use serde_json::Value;

use crate::{
    api::work::ResourceBinding,
    object::SelectorError,
    propagation::{Event, TemplateKey},
};

/// What to do about the dependencies of a binding, in the order of the fields.
#[derive(Debug, Default)]
pub struct DependenciesDecision {
    /// A JSON merge patch of the independent binding's metadata, before anything else is written.
    pub claim: Option<Value>,
    /// Attached bindings to write. One that fails does not stop the others.
    pub writes: Vec<AttachedWrite>,
    /// A JSON merge patch of the independent binding's metadata, once all writes are done.
    pub release: Option<Value>,
    /// Events about the template, whatever comes of the writes.
    pub template_events: Vec<Event>,
    /// Events about the independent binding, once all writes are done.
    pub binding_events: Vec<Event>,
    /// Events about attached bindings, once they are written.
    pub attached_events: Vec<AttachedEvent>,
    /// The dependencies that are there.
    pub objects: Vec<TemplateKey>,
    /// What could not be attached; the rest was.
    pub error: Option<DependenciesError>,
}

impl DependenciesDecision {
    /// Whether there is anything to write.
    pub fn has_writes(&self) -> bool {
        self.claim.is_some() || !self.writes.is_empty() || self.release.is_some()
    }
}

/// An attached binding to write.
#[derive(Clone, Debug, PartialEq)]
pub enum AttachedWrite {
    /// To make.
    Create(Box<ResourceBinding>),
    /// To replace; it holds the resource version it was made from.
    Update(Box<ResourceBinding>),
}

impl AttachedWrite {
    /// Returns the binding.
    pub fn binding(&self) -> &ResourceBinding {
        match self {
            Self::Create(binding) | Self::Update(binding) => binding,
        }
    }
}

/// An event about an attached binding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachedEvent {
    /// Its name; its namespace is that of the independent binding.
    pub name: String,
    /// What to tell.
    pub event: Event,
}

/// A dependency cannot be attached.
#[derive(Debug, thiserror::Error)]
pub enum DependenciesError {
    /// The binding was not admitted by the control plane.
    #[error("binding {name} has no permanent id")]
    NoPermanentId {
        /// The binding.
        name: String,
    },
    /// A dependency's selector is not valid.
    #[error("label selector of the dependency on {kind} is not valid")]
    Selector {
        /// The kind it selects.
        kind: String,
        /// Why.
        #[source]
        source: SelectorError,
    },
    /// Another object of a kind with the same name has the binding that the dependency would get.
    #[error("binding {name} of the dependency {dependency} is that of {holder}")]
    NameTaken {
        /// The binding.
        name: String,
        /// Who wants it.
        dependency: Box<TemplateKey>,
        /// Who has it.
        holder: Box<TemplateKey>,
    },
}
