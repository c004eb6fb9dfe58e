//! Files in, placements and manifests out: the whole flow as one pure function.
//!
//! A [`World`] is made of objects as they are in files: clusters, policies, override policies,
//! resources, and bindings that say where things are now. [`World::simulate`] runs the same
//! decisions as the controllers (policy, binding, scheduling, dependencies, overrides, Works) and
//! gives one [`Record`] per resource, one at a time. [`ManifestBuilder`] makes the objects that
//! members receive, [`diff`] tells what moves between two worlds.
//!
//! What is assumed: clusters that have not reported serve every kind and have room for everything;
//! members have no objects of their own in the way; workloads of one simulation do not take room
//! from each other, as the control plane too estimates from what clusters last reported. Ties
//! between clusters are broken by uids: where files have none, derived ones decide.

mod clusters;
mod diff;
mod flow;
mod followers;
mod identity;
mod intake;
mod lookup;
mod manifests;
mod note;
mod options;
mod overrides;
mod problem;
mod record;
mod remarks;
mod schema;
mod scope;
mod shape;
mod simulate;
#[cfg(test)]
mod tests;
mod world;

pub use diff::{ClusterChange, DiffDetail, ResourceChange, diff};
pub use manifests::{Manifest, ManifestBuilder, ManifestError, ManifestFailure, Manifests};
pub use note::Note;
pub use options::SimulationOptions;
pub use problem::{Problem, Severity};
pub use record::{Mode, Obstacle, Outcome, OverrideName, OverrideUse, PolicyName, Reason, Record};
pub use simulate::Simulation;
pub use world::World;
