//! The programs of a real control plane, built from their Go modules.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

/// Where the programs are kept, when it is not the user's cache directory.
const DIRECTORY_VARIABLE: &str = "KARMADA_RIG_DIR";

/// Programs of a real control plane.
#[derive(Clone, Debug)]
pub struct Binaries {
    directory: PathBuf,
}

/// Why there are no programs.
#[derive(Debug, thiserror::Error)]
pub enum BinariesError {
    #[error("Go is not installed, so kube-apiserver and etcd cannot be built")]
    NoGo,
    #[error("there is no directory for the programs: set {DIRECTORY_VARIABLE} or HOME")]
    NoDirectory,
    #[error("cannot run {}", .script.display())]
    Script {
        script: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("building kube-apiserver and etcd ended with {status}")]
    Build { status: ExitStatus },
}

impl Binaries {
    /// Returns the programs, building those that are not there yet (about five minutes on two cores).
    ///
    /// # Errors
    /// When Go is missing or the build fails.
    pub fn obtain() -> Result<Self, BinariesError> {
        let directory = directory().ok_or(BinariesError::NoDirectory)?;
        let go = Command::new("go").arg("version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        if !go.is_ok_and(|status| status.success()) {
            return Err(BinariesError::NoGo);
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("rig/build.sh");
        let status = Command::new(&script)
            .arg(&directory)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()
            .map_err(|source| BinariesError::Script { script, source })?;
        if status.success() { Ok(Self { directory }) } else { Err(BinariesError::Build { status }) }
    }

    /// Returns the directory of a client (`helm`, `client-go-probe`), if it was built; never builds it.
    pub fn of_client(program: &str) -> Option<PathBuf> {
        directory().filter(|directory| directory.join(program).is_file())
    }

    /// Returns the path of `etcd`, `kube-apiserver` or `kube-controller-manager`.
    pub fn path(&self, program: &str) -> PathBuf {
        self.directory.join(program)
    }
}

fn directory() -> Option<PathBuf> {
    if let Some(directory) = std::env::var_os(DIRECTORY_VARIABLE) {
        return Some(directory.into());
    }
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache")))?;
    Some(cache.join("karmada-rig"))
}
