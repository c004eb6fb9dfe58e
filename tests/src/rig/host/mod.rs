//! A real host cluster on one machine, for tests of installations: one node with kubelet, containerd, pods that reach
//! one another, Services, node ports and names.
//!
//! The node is a [`Machine`]: namespaces of their own, so that nothing of it is left or seen outside. Callers say what
//! they leave out where [`HostPrograms::obtain`] or [`missing`] says that it cannot be had.

mod cluster;
mod configuration;
mod images;
mod machine;
mod programs;

pub use cluster::HostCluster;
pub use images::{Image, images_of};
pub use machine::{Machine, missing};
pub use programs::HostPrograms;
