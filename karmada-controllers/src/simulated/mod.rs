//! The simulated part of an embedded member: nodes, and a controller that makes Deployments ready.
//!
//! No container runs. A Deployment's replicas become available as far as the nodes have room for
//! what they request, so status, estimates and shortages are real numbers.

mod capacity;
mod deployments;
mod nodes;

use kube::Client;

use crate::hub::Runtime;

pub use nodes::NodeSettings;

/// Annotation on simulated nodes that says so.
pub const SIMULATED_ANNOTATION: &str = "karmada.io/simulated";

/// What is simulated of a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub nodes: NodeSettings,
    /// How many pods are made as objects; Deployments beyond that get ready without.
    pub pod_objects: u32,
}

/// Creates the nodes that are missing and starts the Deployment controller.
///
/// # Errors
/// When the nodes cannot be created.
pub async fn start(client: Client, settings: &Settings, runtime: &Runtime) -> Result<(), kube::Error> {
    nodes::ensure(&client, &settings.nodes).await?;
    deployments::start(client, settings.nodes.capacity(), runtime);
    Ok(())
}
