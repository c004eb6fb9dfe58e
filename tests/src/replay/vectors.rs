//! Reading recorded cases from directories.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// A file beside the cases that all of them use; each case gets it under the key `fixtures`.
const FIXTURES: &str = "fixtures.json";

/// The cases of one directory.
#[derive(Debug)]
pub struct Category {
    /// The folder's name.
    pub name: String,
    pub cases: Vec<Case>,
}

/// One recorded case.
#[derive(Debug)]
pub struct Case {
    /// Identifies the case in its category: `file/[operation/]name`.
    pub id: String,
    /// The case, or why its line cannot be read.
    pub value: Result<Value, String>,
}

/// Why vectors could not be read.
#[derive(Debug, thiserror::Error)]
pub enum VectorError {
    #[error("cannot read {path}")]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{path} is not JSON")]
    Parse { path: PathBuf, source: serde_json::Error },
    #[error("{0} holds no .jsonl, .jsonl.zst or .jsonl.gz file, and no folder that does")]
    NoVectors(PathBuf),
    #[error("no folder given holds the category {0}")]
    NoCategory(String),
    #[error("{0} has no name that could be a category")]
    NoName(PathBuf),
}

/// Returns the category folders that `directory` stands for: itself, or the folders in it.
pub fn category_folders(directory: &Path) -> Result<Vec<PathBuf>, VectorError> {
    if !case_files(directory)?.is_empty() {
        return Ok(vec![directory.to_path_buf()]);
    }
    let mut folders = Vec::new();
    for path in entries(directory)? {
        if path.is_dir() && !case_files(&path)?.is_empty() {
            folders.push(path);
        }
    }
    if folders.is_empty() {
        return Err(VectorError::NoVectors(directory.to_path_buf()));
    }
    Ok(folders)
}

/// Returns the name of the category in `folder`.
pub fn category_name(folder: &Path) -> Result<String, VectorError> {
    let folder =
        folder.canonicalize().map_err(|source| VectorError::Read { path: folder.to_path_buf(), source })?;
    let name = folder.file_name().and_then(|name| name.to_str());
    name.map(str::to_owned).ok_or_else(|| VectorError::NoName(folder.clone()))
}

/// Reads all cases of a category folder, file by file in the order of their names.
pub fn read_category(folder: &Path) -> Result<Category, VectorError> {
    let fixtures = read_fixtures(folder)?;
    let mut cases = Vec::new();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for (stem, path) in case_files(folder)? {
        for (number, line) in
            lines(&path)?.into_iter().enumerate().filter(|(_, line)| !line.trim().is_empty())
        {
            let value = serde_json::from_str::<Value>(&line)
                .map_err(|error| format!("line {} of {stem} is not JSON: {error}", number + 1));
            let mut id = match &value {
                Ok(value) => case_id(&stem, value, number + 1),
                Err(_) => format!("{stem}/line {}", number + 1),
            };
            let count = seen.entry(id.clone()).or_default();
            *count += 1;
            if *count > 1 {
                id = format!("{id}@{count}");
            }
            let value = value.map(|value| with_fixtures(value, fixtures.as_ref()));
            cases.push(Case { id, value });
        }
    }
    Ok(Category { name: category_name(folder)?, cases })
}

fn case_id(stem: &str, case: &Value, line: usize) -> String {
    let name = case["name"].as_str().map_or_else(|| format!("line {line}"), str::to_owned);
    let name = name.strip_prefix(&format!("{stem}/")).unwrap_or(&name);
    match case["op"].as_str() {
        Some(op) => format!("{stem}/{op}/{name}"),
        None => format!("{stem}/{name}"),
    }
}

fn with_fixtures(mut case: Value, fixtures: Option<&Value>) -> Value {
    if let (Some(case), Some(fixtures)) = (case.as_object_mut(), fixtures) {
        case.insert("fixtures".into(), fixtures.clone());
    }
    case
}

fn read_fixtures(folder: &Path) -> Result<Option<Value>, VectorError> {
    for name in [FIXTURES.to_owned(), format!("{FIXTURES}.zst"), format!("{FIXTURES}.gz")] {
        let path = folder.join(name);
        if path.is_file() {
            let text = lines(&path)?.join("\n");
            return serde_json::from_str(&text)
                .map(Some)
                .map_err(|source| VectorError::Parse { path: path.clone(), source });
        }
    }
    Ok(None)
}

/// Returns stem and path of the case files in `folder`, sorted.
fn case_files(folder: &Path) -> Result<Vec<(String, PathBuf)>, VectorError> {
    let mut files = Vec::new();
    for path in entries(folder)?.into_iter().filter(|path| path.is_file()) {
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        let stem = [".jsonl", ".jsonl.zst", ".jsonl.gz"].iter().find_map(|suffix| name.strip_suffix(suffix));
        if let Some(stem) = stem {
            files.push((stem.to_owned(), path));
        }
    }
    Ok(files)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, VectorError> {
    let read = |source| VectorError::Read { path: folder.to_path_buf(), source };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(read)? {
        paths.push(entry.map_err(read)?.path());
    }
    paths.sort();
    Ok(paths)
}

fn lines(path: &Path) -> Result<Vec<String>, VectorError> {
    let read = |source| VectorError::Read { path: path.to_path_buf(), source };
    let reader: Box<dyn Read> = match path.extension().and_then(|extension| extension.to_str()) {
        Some("zst") => Box::new(zstd::Decoder::new(File::open(path).map_err(read)?).map_err(read)?),
        // The system's gzip: this one format is not worth a dependency.
        Some("gz") => Box::new(std::io::Cursor::new(gunzip(path).map_err(read)?)),
        _ => Box::new(File::open(path).map_err(read)?),
    };
    BufReader::new(reader).lines().collect::<Result<_, _>>().map_err(read)
}

fn gunzip(path: &Path) -> std::io::Result<Vec<u8>> {
    let output = Command::new("gzip").arg("-dc").arg("--").arg(path).stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(std::io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn reads_plain_zstd_and_gzip_files_and_hands_out_fixtures() {
        let directory = tempfile::tempdir().unwrap();
        let folder = directory.path().join("overrides");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("fixtures.json"), "{\"a\":1}").unwrap();
        std::fs::write(folder.join("a.jsonl"), "{\"name\":\"x\"}\n\n{\"name\":\"x\"}\nnot json\n").unwrap();
        let packed = zstd::encode_all(&b"{\"name\":\"b/y\",\"op\":\"do\"}\n"[..], 3).unwrap();
        std::fs::write(folder.join("b.jsonl.zst"), packed).unwrap();
        let mut gzip = Command::new("gzip")
            .stdin(Stdio::piped())
            .stdout(File::create(folder.join("c.jsonl.gz")).unwrap())
            .spawn()
            .unwrap();
        gzip.stdin.take().unwrap().write_all(b"{\"name\":\"z\"}\n").unwrap();
        assert!(gzip.wait().unwrap().success());

        assert_eq!(category_folders(directory.path()).unwrap(), std::slice::from_ref(&folder));
        let category = read_category(&folder).unwrap();
        assert_eq!(category.name, "overrides");
        let ids: Vec<&str> = category.cases.iter().map(|case| case.id.as_str()).collect();
        assert_eq!(ids, ["a/x", "a/x@2", "a/line 4", "b/do/y", "c/z"]);
        assert_eq!(category.cases[0].value.as_ref().unwrap()["fixtures"]["a"], 1);
        assert!(category.cases[2].value.is_err());
    }
}
