//! Where embedded control planes keep their data and kubeconfigs.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::error::CliError;
use crate::printer::{DocumentFormat, render_document};

/// A file or directory that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("cannot create the directory {}", .path.display())]
    Directory {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("cannot write {}", .path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("cannot write a kubeconfig as YAML")]
    Render(#[source] Box<CliError>),
}

/// Returns the directory of a command's data: `karmada/<command>` in the user's data directory.
pub fn default_data_dir(command: &str) -> PathBuf {
    dirs::data_dir().unwrap_or_else(|| PathBuf::from(".")).join("karmada").join(command)
}

/// Creates a directory that only the user can look into, unless it exists.
pub(crate) fn create_private_directory(path: &Path) -> Result<(), FileError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|source| FileError::Directory { path: path.to_owned(), source })
}

/// Writes a kubeconfig that only the user can read, whole or not at all.
pub fn write_kubeconfig(path: &Path, kubeconfig: &Value) -> Result<(), FileError> {
    let text = render_document(kubeconfig, DocumentFormat::Yaml)
        .map_err(|error| FileError::Render(Box::new(error)))?;
    write_private(path, &text)
}

/// Writes a file that only the user can read, whole or not at all.
pub fn write_private(path: &Path, text: &str) -> Result<(), FileError> {
    let failed = |source| FileError::Write { path: path.to_owned(), source };
    if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        create_private_directory(directory)?;
    }
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{}.tmp", std::process::id()));
    let temporary = PathBuf::from(temporary);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&temporary).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    std::fs::rename(&temporary, path).map_err(failed)
}

/// Returns the address that a kubeconfig of an earlier run points to, if it is an IP address and a port.
///
/// A restart that listens there again keeps all kubeconfigs and Clusters valid.
pub fn previous_address(kubeconfig: &Path) -> Option<SocketAddr> {
    let text = std::fs::read_to_string(kubeconfig).ok()?;
    let document: Value = serde_saphyr::from_str(&text).ok()?;
    document["clusters"][0]["cluster"]["server"].as_str()?.strip_prefix("https://")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_kubeconfig_is_private_and_tells_the_address_of_the_last_run() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("new").join("a.config");
        write_kubeconfig(
            &path,
            &json!({ "clusters": [{ "cluster": { "server": "https://127.0.0.1:6443" } }] }),
        )
        .unwrap();
        assert_eq!(previous_address(&path), Some("127.0.0.1:6443".parse().unwrap()));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            assert_eq!(
                std::fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777,
                0o700
            );
        }
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        assert_eq!(previous_address(&directory.path().join("none")), None);
    }
}
