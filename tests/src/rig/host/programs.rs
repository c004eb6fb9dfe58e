//! The programs of a node, built from their Go modules.

use std::path::PathBuf;

use super::super::binaries::{Binaries, BinariesError};

/// Programs of a host cluster: those of a control plane, and those of a node.
#[derive(Clone, Debug)]
pub struct HostPrograms {
    control_plane: Binaries,
    directory: PathBuf,
}

impl HostPrograms {
    /// Returns the programs, building those that are not there yet (minutes on two cores).
    ///
    /// # Errors
    /// When Go is missing or the build fails.
    pub fn obtain() -> Result<Self, BinariesError> {
        let control_plane = Binaries::obtain()?;
        let directory = control_plane.path("host");
        super::super::binaries::build("rig/host/build.sh", &[directory.as_os_str()])?;
        Ok(Self { control_plane, directory })
    }

    /// Returns the programs if they were built once; those that are out of date are built again.
    pub fn built() -> Option<Result<Self, BinariesError>> {
        Binaries::of_client("host/kubelet").map(|_| Self::obtain())
    }

    /// Returns the path of a program.
    pub fn path(&self, program: &str) -> PathBuf {
        let own = self.directory.join(program);
        if own.is_file() { own } else { self.control_plane.path(program) }
    }

    /// Returns the programs of a control plane.
    pub fn control_plane(&self) -> &Binaries {
        &self.control_plane
    }
}
