//! Pods and their containers: which one is meant by `NAME`, `deploy/NAME` and `-c`.

mod container;
mod resolve;

pub use container::{Containers, NoSuchContainer, check_container, containers, default_container};
pub(crate) use resolve::select;
pub use resolve::{PodError, logged_pods, one_pod};
