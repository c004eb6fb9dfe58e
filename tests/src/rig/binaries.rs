//! The programs of a real control plane, built from their Go modules.

use std::ffi::OsStr;
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
    #[error(
        "Kubernetes {release} is not in {}: tests/rig/members/build.sh {release} {}", .directory.display(), .directory.display()
    )]
    NotBuilt { release: String, directory: PathBuf },
    #[error("building kube-apiserver ended with {status}")]
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
        build("rig/build.sh", &[directory.as_os_str()])?;
        Ok(Self { directory })
    }

    /// Returns kube-apiserver and kube-controller-manager of another release, a folder of `tests/rig/members`, building
    /// those that are not there yet.
    ///
    /// # Errors
    /// When there is no such folder or the build fails.
    pub fn of_release(&self, release: &str) -> Result<Self, BinariesError> {
        let directory = self.directory.join("members").join(release);
        build("rig/members/build.sh", &[release.as_ref(), directory.as_os_str()])?;
        Ok(Self { directory })
    }

    /// Returns the releases that members can be, the folders of `tests/rig/members`, oldest first.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn releases() -> io::Result<Vec<String>> {
        let mut releases = Vec::new();
        for entry in std::fs::read_dir(releases_directory())? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                releases.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        releases.sort();
        Ok(releases)
    }

    /// Returns what [`Binaries::of_release`] built of the version that is locked now; never builds it.
    ///
    /// # Errors
    /// When it was not built; with the directory where it would be.
    pub fn built_release(release: &str) -> Result<Self, BinariesError> {
        let directory = directory().ok_or(BinariesError::NoDirectory)?.join("members").join(release);
        let stamp = std::fs::read_to_string(directory.join("stamp")).unwrap_or_default();
        let is_built =
            locked_version(release).is_some_and(|version| stamp.trim() == format!("kubernetes {version}"));
        if !is_built {
            return Err(BinariesError::NotBuilt { release: release.to_owned(), directory });
        }
        Ok(Self { directory })
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

pub(super) fn build(script: &str, arguments: &[&OsStr]) -> Result<(), BinariesError> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(script);
    let status = Command::new(&script)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .map_err(|source| BinariesError::Script { script, source })?;
    if status.success() { Ok(()) } else { Err(BinariesError::Build { status }) }
}

fn releases_directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("rig/members")
}

/// Returns the version of Kubernetes that the module of a release names, such as `v1.30.14`.
fn locked_version(release: &str) -> Option<String> {
    let module = std::fs::read_to_string(releases_directory().join(release).join("go.mod")).ok()?;
    let mut words = module.split_whitespace().skip_while(|word| *word != "k8s.io/kubernetes");
    words.nth(1).map(str::to_owned)
}

fn directory() -> Option<PathBuf> {
    if let Some(directory) = std::env::var_os(DIRECTORY_VARIABLE) {
        return Some(directory.into());
    }
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache")))?;
    Some(cache.join("karmada-rig"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_release_locks_a_version_of_its_own() {
        let releases = Binaries::releases().unwrap();
        assert!(releases.len() >= 2, "{releases:?}");
        for release in releases {
            let version = locked_version(&release).unwrap();
            assert!(version.starts_with(&format!("{release}.")), "{release}: {version}");
        }
        assert_eq!(locked_version("v0.1"), None);
    }
}
