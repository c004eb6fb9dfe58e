//! What the detector asks about a template.

use serde_json::Value;

use crate::api::work::{Component, ReplicaRequirements};

/// Reads replicas and components of templates; an answer of `None` means the kind has none.
pub trait ReplicaInterpreter {
    /// Returns the replicas and what one of them needs.
    fn replicas(
        &self,
        template: &Value,
    ) -> Option<Result<(i32, Option<ReplicaRequirements>), InterpretReplicasError>>;

    /// Returns the parts of a workload with several pod templates.
    fn components(&self, template: &Value) -> Option<Result<Vec<Component>, InterpretReplicasError>>;
}

/// Why replicas or components of a template cannot be read.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct InterpretReplicasError(pub Box<dyn std::error::Error + Send + Sync>);
