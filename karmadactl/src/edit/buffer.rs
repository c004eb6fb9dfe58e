//! A file that the user's editor opens, for nobody else to read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The editor when nobody says which.
const DEFAULT_EDITOR: &str = "vi";
/// Mode of the file: a Secret may be in it.
const PRIVATE: u32 = 0o600;

/// An editor that did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum EditorError {
    #[error("cannot write {}", .path.display())]
    File {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("unable to launch the editor {editor:?}")]
    Start {
        editor: String,
        #[source]
        source: io::Error,
    },
    #[error("there was a problem with the editor {editor:?} ({status})")]
    Status { editor: String, status: String },
}

/// Returns the editor: of `KUBE_EDITOR`, else of `EDITOR`, else vi.
pub fn editor_command() -> String {
    ["KUBE_EDITOR", "EDITOR"]
        .into_iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|editor| !editor.trim().is_empty())
        .unwrap_or_else(|| DEFAULT_EDITOR.to_owned())
}

/// A file in the directory for temporary files.
#[derive(Debug)]
pub struct Buffer {
    path: PathBuf,
    editor: String,
}

impl Buffer {
    /// Makes the file.
    pub fn create(editor: String, extension: &str) -> Result<Self, EditorError> {
        let name = format!("karmadactl-edit-{}.{extension}", uuid::Uuid::new_v4().simple());
        let path = std::env::temp_dir().join(name);
        let created = OpenOptions::new().write(true).create_new(true).mode(PRIVATE).open(&path);
        created.map_err(|source| EditorError::File { path: path.clone(), source })?;
        Ok(Self { path, editor })
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a text, has it edited, and returns what was saved.
    pub fn edit(&self, text: &str) -> Result<String, EditorError> {
        let failed = |source| EditorError::File { path: self.path.clone(), source };
        let mut file = File::create(&self.path).map_err(failed)?;
        file.write_all(text.as_bytes()).map_err(failed)?;
        drop(file);
        // The editor may come with arguments, as in "code --wait".
        let status = Command::new("sh")
            .args(["-c", &format!("{} \"$1\"", self.editor), "sh"])
            .arg(&self.path)
            .status()
            .map_err(|source| EditorError::Start { editor: self.editor.clone(), source })?;
        if !status.success() {
            return Err(EditorError::Status { editor: self.editor.clone(), status: status.to_string() });
        }
        fs::read_to_string(&self.path).map_err(failed)
    }

    /// Removes the file.
    pub fn remove(self) {
        // What is gone already needs no removal.
        let _gone = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn what_the_editor_saves_comes_back_and_is_private() {
        let buffer = Buffer::create("sed -i -e s/a/b/".to_owned(), "yaml").unwrap();
        assert_eq!(buffer.edit("a: 1\n").unwrap(), "b: 1\n");
        let path = buffer.path().to_owned();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o077, 0);
        buffer.remove();
        assert!(!path.exists());
    }

    #[test]
    fn an_editor_that_fails_is_named() {
        let buffer = Buffer::create("false".to_owned(), "yaml").unwrap();
        let error = buffer.edit("").unwrap_err().to_string();
        buffer.remove();
        assert!(error.starts_with("there was a problem with the editor \"false\" ("), "{error}");
    }
}
