//! `--manifests`: what every cluster receives, as files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::names::object_path;
use crate::error::CliError;
use crate::printer::{DocumentFormat, render_document};

/// A directory cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    #[error("{} has files in it", .path.display())]
    NotEmpty { path: PathBuf },
    #[error("{} is not a directory", .path.display())]
    NotADirectory { path: PathBuf },
    #[error("{} has {} in it, which replacing it would remove", .path.display(), .inside.display())]
    Precious { path: PathBuf, inside: PathBuf },
    #[error("cannot write {}", .path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// What becomes of a directory that has files in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    Refused,
    Replaced,
}

/// Files that appear all at once, or not at all.
///
/// They are written to a directory beside the one that is wanted, which [`ManifestDirectory::finish`] puts in its place.
/// Without that they are removed.
#[derive(Debug)]
pub struct ManifestDirectory {
    target: PathBuf,
    /// Removed when it is dropped.
    draft: Draft,
    last_parent: Option<PathBuf>,
    files: usize,
}

#[derive(Debug)]
struct Draft(PathBuf);

impl Drop for Draft {
    fn drop(&mut self) {
        // After `finish` there is nothing left; elsewhere nobody can be told.
        let _gone = fs::remove_dir_all(&self.0);
    }
}

impl ManifestDirectory {
    /// Starts a directory.
    ///
    /// # Errors
    ///
    /// When there are files in it already and they are not to be replaced, when one of `precious` (the input) or the
    /// working directory is in it, or when it cannot be written.
    pub fn create(target: &Path, existing: Existing, precious: &[PathBuf]) -> Result<Self, DirectoryError> {
        let write = |path: &Path| {
            let path = path.to_owned();
            move |source| DirectoryError::Write { path, source }
        };
        match fs::read_dir(target) {
            Ok(mut entries) => {
                if existing == Existing::Refused && entries.next().is_some() {
                    return Err(DirectoryError::NotEmpty { path: target.to_owned() });
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                return Err(DirectoryError::NotADirectory { path: target.to_owned() });
            }
            Err(error) => return Err(write(target)(error)),
        }
        // A link is kept: what it leads to is replaced.
        let target = fs::canonicalize(target).unwrap_or_else(|_| target.to_owned());
        let working = std::env::current_dir().ok();
        let inside = precious
            .iter()
            .chain(&working)
            .filter_map(|path| fs::canonicalize(path).ok().map(|real| (path, real)))
            .find(|(_, real)| target.is_absolute() && real.starts_with(&target));
        if let Some((inside, _)) = inside {
            return Err(DirectoryError::Precious { path: target, inside: inside.clone() });
        }
        let parent = match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        fs::create_dir_all(&parent).map_err(write(&parent))?;
        let draft = beside(&parent, &target, "draft");
        fs::create_dir(&draft).map_err(write(&draft))?;
        Ok(Self { target, draft: Draft(draft), last_parent: None, files: 0 })
    }

    /// The directory that is wanted.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Writes what a cluster receives of an object.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn add(&mut self, cluster: &str, object: &Value) -> Result<(), CliError> {
        let path = self.draft.0.join(format!("{}.yaml", object_path(cluster, object)));
        let text = render_document(object, DocumentFormat::Yaml)?;
        let failed = |source| CliError::failed(DirectoryError::Write { path: path.clone(), source });
        if let Some(parent) = path.parent()
            && self.last_parent.as_deref() != Some(parent)
        {
            fs::create_dir_all(parent).map_err(failed)?;
            self.last_parent = Some(parent.to_owned());
        }
        fs::write(&path, text).map_err(failed)?;
        self.files += 1;
        Ok(())
    }

    /// Puts the files where they are wanted, and returns how many there are.
    ///
    /// # Errors
    ///
    /// When the directory cannot be renamed; what was there before is there again then.
    pub fn finish(self) -> Result<usize, DirectoryError> {
        let failed = |source| DirectoryError::Write { path: self.target.clone(), source };
        let parent = self.draft.0.parent().unwrap_or(Path::new("."));
        let old = beside(parent, &self.target, "old");
        let had_old = match fs::rename(&self.target, &old) {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(failed(error)),
        };
        if let Err(error) = fs::rename(&self.draft.0, &self.target) {
            if had_old {
                // The first error tells more than one of putting back what was there.
                let _put_back = fs::rename(&old, &self.target);
            }
            return Err(failed(error));
        }
        if had_old {
            fs::remove_dir_all(&old).map_err(|source| DirectoryError::Write { path: old, source })?;
        }
        Ok(self.files)
    }
}

/// Names a directory of this process beside another one.
fn beside(parent: &Path, target: &Path, what: &str) -> PathBuf {
    let name = target.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    parent.join(format!(".{name}.{what}-{}", std::process::id()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(name: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "n"}})
    }

    fn names(directory: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn files_appear_all_at_once() {
        let home = tempfile::tempdir().unwrap();
        let target = home.path().join("deep/out");
        let mut directory = ManifestDirectory::create(&target, Existing::Refused, &[]).unwrap();
        directory.add("m1", &object("a")).unwrap();
        directory.add("m2", &object("a")).unwrap();
        assert!(!target.exists());
        assert_eq!(directory.finish().unwrap(), 2);
        let text = fs::read_to_string(target.join("m1/n/configmap/a.yaml")).unwrap();
        assert_eq!(text, "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  namespace: \"n\"\n");
        assert_eq!(names(&home.path().join("deep")), ["out"]);
        assert_eq!(names(&target), ["m1", "m2"]);
    }

    #[test]
    fn what_is_there_is_kept_unless_it_is_to_be_replaced() {
        let home = tempfile::tempdir().unwrap();
        let target = home.path().join("out");
        fs::create_dir(&target).unwrap();
        fs::write(target.join("mine"), "x").unwrap();
        let refused = ManifestDirectory::create(&target, Existing::Refused, &[]).unwrap_err();
        assert!(matches!(refused, DirectoryError::NotEmpty { .. }));
        let file = ManifestDirectory::create(&target.join("mine"), Existing::Replaced, &[]).unwrap_err();
        assert!(matches!(file, DirectoryError::NotADirectory { .. }), "{file}");

        let precious = [target.join("mine")];
        let refused = ManifestDirectory::create(&target, Existing::Replaced, &precious).unwrap_err();
        assert!(matches!(refused, DirectoryError::Precious { .. }));

        let mut directory = ManifestDirectory::create(&target, Existing::Replaced, &[]).unwrap();
        directory.add("m1", &object("a")).unwrap();
        // Something goes wrong here: nothing has changed.
        drop(directory);
        assert_eq!(names(home.path()), ["out"]);
        assert_eq!(names(&target), ["mine"]);

        let mut directory = ManifestDirectory::create(&target, Existing::Replaced, &[]).unwrap();
        directory.add("m1", &object("a")).unwrap();
        directory.finish().unwrap();
        assert_eq!(names(&target), ["m1"]);
        assert_eq!(names(home.path()), ["out"]);
    }
}
