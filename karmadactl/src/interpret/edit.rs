//! Editing a file of customizations in the user's editor until its scripts load.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::check::{RuleState, check};
use super::inputs::read_customizations;
use super::layers::script_engine;
use crate::edit::{Buffer, EditorError};
use crate::error::chain_line;
use crate::manifest::Subdirectories;

/// What begins a line that is not of the file: its own comments stay.
const REMARK: &str = "#~";
const ADVICE: &str =
    "Edit and save. A file whose scripts do not load is opened again with the reasons, in lines like these.";

/// What became of an edited file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileEdit {
    Unchanged,
    Saved,
}

/// A file that was not edited.
#[derive(Debug, thiserror::Error)]
pub enum FileEditError {
    #[error("cannot read {}", .path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cannot write {}", .path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(transparent)]
    Editor(#[from] EditorError),
    /// It was saved as it was opened, and is wrong.
    #[error("{} is left as it was: {problems}", .path.display())]
    GivenUp { path: PathBuf, kept: PathBuf, problems: String },
}

/// Has a file of customizations edited until every script of it loads, and writes it then.
///
/// What is not of the customizations in it, such as comments, stays.
pub fn edit_file(path: &Path, editor: String) -> Result<FileEdit, FileEditError> {
    let text =
        fs::read_to_string(path).map_err(|source| FileEditError::Read { path: path.to_owned(), source })?;
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or("yaml");
    let buffer = Buffer::create(editor, extension)?;
    let (mut shown, mut problems) = (text.clone(), Vec::new());
    loop {
        let saved = without_remarks(&buffer.edit(&with_remarks(&shown, &problems))?);
        if saved == text {
            buffer.remove();
            return Ok(FileEdit::Unchanged);
        }
        if saved == shown && !problems.is_empty() {
            return Err(FileEditError::GivenUp {
                path: path.to_owned(),
                kept: buffer.path().to_owned(),
                problems: problems.join("; "),
            });
        }
        problems = problems_of(buffer.path());
        if problems.is_empty() {
            replace(path, &saved).map_err(|source| FileEditError::Write { path: path.to_owned(), source })?;
            buffer.remove();
            return Ok(FileEdit::Saved);
        }
        shown = saved;
    }
}

/// Returns why a file is no good.
fn problems_of(path: &Path) -> Vec<String> {
    let files = match read_customizations(&[path.to_owned()], Subdirectories::Skipped) {
        Ok(files) => files,
        Err(error) => {
            // The name of the copy says nothing.
            let place = format!("{}", path.display());
            return chain_line(&error).lines().map(|line| line.replace(&place, "the file")).collect();
        }
    };
    let engine = script_engine();
    let mut problems = Vec::new();
    for checked in files.iter().map(|file| check(file, &engine)) {
        for (operation, state) in &checked.rules {
            if let RuleState::Broken(error) = state {
                problems.push(format!("{}: {operation}: {error}", checked.source));
            }
        }
    }
    problems
}

fn with_remarks(text: &str, problems: &[String]) -> String {
    let mut all = format!("{REMARK} {ADVICE}\n");
    for line in problems.iter().flat_map(|problem| problem.lines()) {
        writeln!(all, "{REMARK} {line}").expect("writing to a text cannot fail");
    }
    all + text
}

fn without_remarks(text: &str) -> String {
    text.split_inclusive('\n').filter(|line| !line.starts_with(REMARK)).collect()
}

/// Puts a text into the place of a file, as a whole.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.{}", uuid::Uuid::new_v4().simple()));
    let written = fs::write(&beside, text)
        .and_then(|()| fs::set_permissions(&beside, fs::metadata(path)?.permissions()))
        .and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // It may not have been made.
        drop(fs::remove_file(&beside));
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "# Ours.\napiVersion: config.karmada.io/v1alpha1\nkind: ResourceInterpreterCustomization\n\
        metadata: {name: foo}\nspec:\n  target: {apiVersion: example.io/v1, kind: Foo}\n  customizations:\n    \
        healthInterpretation:\n      luaScript: function InterpretHealth(o) return true end # sure\n";

    fn edited(editor: &str) -> (Result<FileEdit, FileEditError>, String) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("foo.yaml");
        fs::write(&path, GOOD).unwrap();
        let result = edit_file(&path, editor.to_owned());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
        (result, fs::read_to_string(&path).unwrap())
    }

    #[test]
    fn what_loads_is_saved_with_its_comments() {
        let (result, text) = edited("sed -i s/true/false/");
        assert_eq!(result.unwrap(), FileEdit::Saved);
        assert_eq!(text, GOOD.replace("true", "false"));
        let (result, text) = edited("true");
        assert_eq!(result.unwrap(), FileEdit::Unchanged);
        assert_eq!(text, GOOD);
    }

    #[test]
    fn what_does_not_load_is_opened_again_with_the_reason_and_not_saved() {
        // The second time there is nothing to replace.
        let (result, text) = edited("sed -i 's/return true/return (/'");
        assert_eq!(text, GOOD);
        let Err(FileEditError::GivenUp { kept, problems, .. }) = result else { panic!("{result:?}") };
        assert!(problems.starts_with("foo: InterpretHealth: "), "{problems}");
        let seen = fs::read_to_string(&kept).unwrap();
        fs::remove_file(kept).unwrap();
        assert!(seen.lines().any(|line| line == format!("#~ {problems}")), "{seen}");

        // The first time it breaks the script, the second time it repairs it.
        let (result, text) =
            edited("sed -i -e '/^#~ foo/,$ s/return ( end/return nil end/' -e 's/return true/return (/'");
        assert_eq!(result.unwrap(), FileEdit::Saved);
        assert_eq!(text, GOOD.replace("return true", "return nil"));
    }
}
