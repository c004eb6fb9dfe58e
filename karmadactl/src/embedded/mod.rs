//! Control planes and members inside this process.
//!
//! An embedded control plane is an API server with Karmada's kinds and admission, and the
//! controllers over an in-process client. A simulated member is an API server with nodes that
//! exist on paper. Both also listen on a TLS socket, for kubectl and for other programs.

mod admission;
mod cluster_proxy;
mod control_plane;
mod data_directory;
mod detach;
mod files;
mod local_up;
mod member_options;
mod readiness;
mod server;

pub use admission::KarmadaAdmission;
pub(crate) use admission::count_use;
#[cfg(test)]
pub(crate) use cluster_proxy::ClusterProxyRoute;
pub(crate) use cluster_proxy::proxy_failure;
pub use control_plane::{ControlPlaneError, EmbeddedControlPlane};
pub use data_directory::{DataDirectory, DataDirectoryError, Hold, LOG_FILE, Record};
pub use detach::{DetachError, Detached, start_detached};
pub(crate) use files::create_private_directory;
pub use files::{FileError, default_data_dir, previous_address, write_kubeconfig, write_private};
pub use local_up::{CONTROL_PLANE_KUBECONFIG, LocalUp, LocalUpError, LocalUpOptions, SimulatedMember};
pub use member_options::{MemberOptionError, MemberOptions};
pub use readiness::{AnnounceError, announce, wait_until_ready};
pub use server::{ApiOptions, EmbeddedError, EmbeddedOptions, EmbeddedServer, Storage};
