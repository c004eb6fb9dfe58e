//! Real clusters for tests: kube-apiserver, etcd and kube-controller-manager as processes on loopback.
//!
//! [`Binaries::obtain`] builds the programs once with Go; without Go it says so, and callers report what they
//! leave out. [`RealCluster::start`] runs one cluster and ends it when it is dropped.

mod binaries;
mod cluster;
mod proxy;

pub use binaries::{Binaries, BinariesError};
pub use cluster::{RealCluster, RealControllers};
pub use proxy::router_as;
