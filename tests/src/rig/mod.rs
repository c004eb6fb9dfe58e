//! Real clusters for tests: kube-apiserver, etcd and kube-controller-manager as processes on loopback.
//!
//! [`Binaries::obtain`] builds the programs once with Go; without Go it says so, and callers report what they
//! leave out. [`RealCluster::start`] runs one cluster and ends it when it is dropped; [`RealFleet::start`] a control
//! plane and members, each member behind a [`Gate`] that cuts it off; [`RealFleet::start_installed`] the same with all
//! that `karmadactl init` installs.

mod binaries;
mod cluster;
mod etcd;
mod fleet;
mod gate;
pub mod host;
mod installed;
mod proxy;
mod service;
mod tunnel;

pub use binaries::{Binaries, BinariesError};
pub use cluster::{RealCluster, RealControllers};
pub use etcd::{Etcd, Room, Sync};
pub use fleet::{RealFleet, RealMember};
pub use gate::{Gate, Reachability};
pub use installed::{Flags, Installation};
pub use proxy::router_as;
