//! The lists of cases that pass: they only grow.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::Outcome;
use super::driver::CaseResult;

/// Returns the folder of the vectors and lists in this repository.
pub fn repository_vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors")
}

/// Returns the file that lists the passing cases of a category.
pub fn list_path(category: &str) -> PathBuf {
    repository_vectors().join("passing").join(format!("{category}.txt"))
}

/// Reads the passing cases of a category; none when it has no list yet.
pub fn read_list(category: &str) -> std::io::Result<BTreeSet<String>> {
    match std::fs::read_to_string(list_path(category)) {
        Ok(text) => Ok(text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(BTreeSet::new()),
        Err(error) => Err(error),
    }
}

/// Adds the cases that passed to a category's list and returns how many are new. Nothing is ever removed.
pub fn grow_list(category: &str, results: &[CaseResult]) -> std::io::Result<usize> {
    let mut list = read_list(category)?;
    let before = list.len();
    list.extend(results.iter().filter(|(_, outcome)| *outcome == Outcome::Passed).map(|(id, _)| id.clone()));
    let added = list.len() - before;
    if added > 0 {
        let path = list_path(category);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut text = list.into_iter().collect::<Vec<_>>().join("\n");
        text.push('\n');
        std::fs::write(path, text)?;
    }
    Ok(added)
}

/// Returns the listed cases among `results` that did not pass, with what became of them.
pub fn regressions<'a>(list: &BTreeSet<String>, results: &'a [CaseResult]) -> Vec<&'a CaseResult> {
    results.iter().filter(|(id, outcome)| list.contains(id) && *outcome != Outcome::Passed).collect()
}
