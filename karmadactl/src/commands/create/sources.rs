//! Keys and values from literals and files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where the data of a ConfigMap or Secret comes from.
#[derive(clap::Args, Clone, Debug, Default)]
#[expect(clippy::struct_field_names, reason = "the flags are called so")]
pub struct SourceArgs {
    /// KEY=VALUE (can be repeated)
    #[arg(long, value_name = "KEY=VALUE")]
    pub from_literal: Vec<String>,

    /// File, KEY=FILE or directory whose files become keys (can be repeated)
    #[arg(long, value_name = "[KEY=]PATH", value_hint = clap::ValueHint::AnyPath)]
    pub from_file: Vec<String>,

    /// File with lines of KEY=VALUE (can be repeated)
    #[arg(long, value_name = "PATH", value_hint = clap::ValueHint::FilePath)]
    pub from_env_file: Vec<PathBuf>,
}

/// Data that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum SourceError {
    #[error("from-env-file cannot be combined with from-file or from-literal")]
    Mixed,
    #[error("invalid literal source {0}, expected key=value")]
    Literal(String),
    #[error("key names or file paths cannot contain '='")]
    TwoEquals,
    #[error("file path for key name {0} missing")]
    NoPath(String),
    #[error("key name for file path {0} missing")]
    NoKey(String),
    #[error("error reading {}: {}", .path.display(), reason(.source))]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("cannot give a key name for a directory path")]
    KeyOfDirectory,
    #[error("{key:?} is not a valid key name: {}", .problems.join(";"))]
    Key { key: String, problems: Vec<String> },
    #[error("cannot add key {0}, another key by that name already exists")]
    Twice(String),
    #[error("env file {} line {line}: {key:?} is not a valid environment variable name", .path.display())]
    Variable { path: PathBuf, line: usize, key: String },
}

/// The words of the system, in Go's case.
fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}

/// Reads all data, by key.
pub(super) fn read(args: &SourceArgs) -> Result<BTreeMap<String, Vec<u8>>, SourceError> {
    let has_others = !args.from_file.is_empty() || !args.from_literal.is_empty();
    if has_others && !args.from_env_file.is_empty() {
        return Err(SourceError::Mixed);
    }
    let mut data = BTreeMap::new();
    for literal in &args.from_literal {
        let (key, value) = literal
            .split_once('=')
            .filter(|(key, _)| !key.is_empty())
            .ok_or_else(|| SourceError::Literal(literal.clone()))?;
        add(&mut data, key, value.as_bytes().to_vec())?;
    }
    for source in &args.from_file {
        read_source(&mut data, source)?;
    }
    for path in &args.from_env_file {
        read_variables(&mut data, path)?;
    }
    Ok(data)
}

fn add(data: &mut BTreeMap<String, Vec<u8>>, key: &str, value: Vec<u8>) -> Result<(), SourceError> {
    let problems = key_problems(key);
    if !problems.is_empty() {
        return Err(SourceError::Key { key: key.to_owned(), problems });
    }
    match data.insert(key.to_owned(), value) {
        None => Ok(()),
        Some(_) => Err(SourceError::Twice(key.to_owned())),
    }
}

fn key_problems(key: &str) -> Vec<String> {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    if key.is_empty() || !key.chars().all(is_plain) {
        return vec![
            "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')".to_owned(),
        ];
    }
    if matches!(key, "." | "..") || key.starts_with("..") {
        return vec![format!("must not start with '..' or be {key:?}")];
    }
    if key.len() > 253 { vec!["must be no more than 253 characters".to_owned()] } else { Vec::new() }
}

fn read_source(data: &mut BTreeMap<String, Vec<u8>>, source: &str) -> Result<(), SourceError> {
    let (key, path) = match source.split_once('=') {
        None => (None, source),
        Some(("", path)) => return Err(SourceError::NoKey(path.to_owned())),
        Some((key, "")) => return Err(SourceError::NoPath(key.to_owned())),
        Some((_, path)) if path.contains('=') => return Err(SourceError::TwoEquals),
        Some((key, path)) => (Some(key), path),
    };
    let path = Path::new(path);
    let unreadable = |source| SourceError::Unreadable { path: path.to_owned(), source };
    if path.is_dir() {
        if key.is_some() {
            return Err(SourceError::KeyOfDirectory);
        }
        let entries = std::fs::read_dir(path).map_err(unreadable)?;
        let mut files: Vec<PathBuf> = entries
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<_, _>>()
            .map_err(unreadable)?;
        files.sort();
        for file in files.iter().filter(|file| file.is_file()) {
            let name = file_name(file);
            // What cannot be a key is left out of a directory.
            if key_problems(&name).is_empty() {
                let bytes = std::fs::read(file)
                    .map_err(|source| SourceError::Unreadable { path: file.clone(), source })?;
                add(data, &name, bytes)?;
            }
        }
        return Ok(());
    }
    let bytes = std::fs::read(path).map_err(unreadable)?;
    add(data, &key.map_or_else(|| file_name(path), str::to_owned), bytes)
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn read_variables(data: &mut BTreeMap<String, Vec<u8>>, path: &Path) -> Result<(), SourceError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| SourceError::Unreadable { path: path.to_owned(), source })?;
    for (number, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let line = line.trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (key, value) = match line.split_once('=') {
            Some((key, value)) => (key, value.to_owned()),
            // A name alone takes the value it has around the program.
            None => (line, std::env::var(line).unwrap_or_default()),
        };
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
        let starts_well = !key.starts_with(|letter: char| letter.is_ascii_digit());
        if key.is_empty() || !key.chars().all(is_plain) || !starts_well {
            let (path, line) = (path.to_owned(), number + 1);
            return Err(SourceError::Variable { path, line, key: key.to_owned() });
        }
        add(data, key, value.into_bytes())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_files_and_directories_become_keys() {
        let home = tempfile::tempdir().unwrap();
        let path = |name: &str| home.path().join(name);
        std::fs::create_dir(path("d")).unwrap();
        std::fs::write(path("d/a.txt"), "A").unwrap();
        std::fs::write(path("d/not a key"), "B").unwrap();
        std::fs::write(path("env"), "# comment\nX=1\n  Y=a=b\n").unwrap();
        let text = |name: &str| path(name).display().to_string();
        let args = SourceArgs {
            from_literal: vec!["k=v=w".into()],
            from_file: vec![text("d"), format!("other={}", text("d/a.txt"))],
            from_env_file: Vec::new(),
        };
        let data: Vec<(String, String)> = read(&args)
            .unwrap()
            .into_iter()
            .map(|(key, value)| (key, String::from_utf8(value).unwrap()))
            .collect();
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(data, [pair("a.txt", "A"), pair("k", "v=w"), pair("other", "A")]);
        let args = SourceArgs { from_env_file: vec![path("env")], ..SourceArgs::default() };
        assert_eq!(read(&args).unwrap().keys().collect::<Vec<_>>(), ["X", "Y"]);
    }

    #[test]
    fn mistakes_are_named() {
        let error = |literal: &str, file: &str| {
            let texts = |text: &str| if text.is_empty() { Vec::new() } else { vec![text.to_owned()] };
            let args =
                SourceArgs { from_literal: texts(literal), from_file: texts(file), ..SourceArgs::default() };
            read(&args).unwrap_err().to_string()
        };
        assert_eq!(error("k", ""), "invalid literal source k, expected key=value");
        assert_eq!(error("", "/nonexistent"), "error reading /nonexistent: no such file or directory");
        assert_eq!(error("", "k="), "file path for key name k missing");
        assert_eq!(error("", "=p"), "key name for file path p missing");
        assert!(error("k y=1", "").starts_with("\"k y\" is not a valid key name: a valid config key"));
    }
}
