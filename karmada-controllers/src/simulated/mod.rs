//! The simulated part of an embedded member: nodes on paper, and the controllers of workloads.
//!
//! No container runs. Pods are placed on the nodes by what they request, where selectors, affinity
//! and taints let them, and are ready at once; pods that find no room wait, and say why. Workloads
//! follow their pods. So status, estimates, shortages and failures are real numbers, and what a
//! user does to a node or a pod has the effect it has in a real cluster.
//!
//! Everything is driven by watches: nothing runs while nothing changes, and a start over a
//! settled state writes nothing. Decisions are functions of plain values; [`cluster`] writes.

mod claims;
mod cluster;
mod daemon_sets;
mod demand;
mod deployments;
mod jobs;
mod json;
mod nodes;
mod paper;
mod pod_state;
mod pods;
mod replica_sets;
mod rollout;
mod room;
mod services;
mod stateful_sets;
mod wiring;

use kube::Client;

use crate::hub::Runtime;

pub use nodes::NodeSettings;
pub use pod_state::{OUTCOME_ANNOTATION, RUNS_FOR_ANNOTATION};

/// Annotation on simulated nodes and volumes that says so.
pub const SIMULATED_ANNOTATION: &str = "karmada.io/simulated";

/// What is simulated of a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub nodes: NodeSettings,
    /// How many pods are made as objects; Deployments beyond that get ready without.
    pub pod_objects: u32,
}

/// Creates the nodes that are missing and starts the controllers.
///
/// # Errors
/// When the nodes cannot be created.
pub async fn start(client: Client, settings: &Settings, runtime: &Runtime) -> Result<(), kube::Error> {
    nodes::ensure(&client, &settings.nodes).await?;
    wiring::start(client, settings.pod_objects, runtime);
    Ok(())
}
