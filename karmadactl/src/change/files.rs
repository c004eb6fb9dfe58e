//! Objects in files.

use std::path::PathBuf;

use clap::Args;
use serde_json::Value;

use crate::error::CliError;
use crate::manifest::{InputReader, ManifestError, Subdirectories, read_text};

/// Which files are read.
#[derive(Args, Clone, Debug, Default)]
pub struct FileArgs {
    /// File or directory of manifests, - for stdin (can be repeated)
    #[arg(short, long, value_name = "PATH", value_delimiter = ',', value_hint = clap::ValueHint::AnyPath)]
    pub filename: Vec<PathBuf>,

    /// Read directories below the directories, too
    #[arg(short = 'R', long)]
    pub recursive: bool,

    /// Not supported: kustomize the directory first
    #[arg(short, long, value_name = "DIRECTORY", hide = true)]
    pub kustomize: Option<PathBuf>,
}

/// An object of a file.
#[derive(Clone, Debug)]
pub struct LocalObject {
    /// The file as the user named it.
    pub origin: String,
    pub object: Value,
}

/// Files that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FilesError {
    #[error("kustomizations are not built by this program (-k {})", .directory.display())]
    Kustomize { directory: PathBuf },
    #[error("the path {:?} does not exist", .path.display().to_string())]
    NoSuchPath { path: PathBuf },
    #[error("cannot read {0} by URL")]
    Url(String),
    #[error("{}", .0.join("\nerror: "))]
    Unreadable(Vec<String>),
    #[error("error parsing {0}")]
    Syntax(ManifestError),
    #[error(transparent)]
    Manifest(ManifestError),
}

impl FileArgs {
    /// Whether files are named at all.
    pub fn is_empty(&self) -> bool {
        self.filename.is_empty() && self.kustomize.is_none()
    }
}

/// Reads all objects of the files, in their order.
pub fn read_files(args: &FileArgs) -> Result<Vec<LocalObject>, CliError> {
    if let Some(directory) = &args.kustomize {
        let hint = format!("`kubectl kustomize {} | karmadactl ... -f -` does it", directory.display());
        return Err(CliError::failed(FilesError::Kustomize { directory: directory.clone() }).with_hint(hint));
    }
    let subdirectories = if args.recursive { Subdirectories::Read } else { Subdirectories::Skipped };
    let mut reader = InputReader::new(subdirectories);
    for path in &args.filename {
        let text = path.to_string_lossy();
        if text.starts_with("http://") || text.starts_with("https://") {
            return Err(CliError::failed(FilesError::Url(text.to_string()))
                .with_hint(format!("`curl -sSfL {text} | karmadactl ... -f -` does it")));
        }
        if path.as_os_str() != "-" && !path.exists() {
            return Err(CliError::failed(FilesError::NoSuchPath { path: path.clone() }));
        }
        reader.read(path);
    }
    let (inputs, problems) = reader.finish();
    if !problems.is_empty() {
        let messages = problems.iter().map(ToString::to_string).collect();
        let hints: Vec<String> = problems.into_iter().filter_map(|problem| problem.hint).collect();
        return Err(CliError::failed(FilesError::Unreadable(messages)).with_hints(hints));
    }
    let mut objects = Vec::new();
    for input in inputs {
        let manifests = read_text(&input.origin, &input.text).map_err(|error| {
            // DEVIATION: upstream quotes its parser; this names file, line and column.
            CliError::failed(match error {
                ManifestError::Syntax { .. } => FilesError::Syntax(error),
                error => FilesError::Manifest(error),
            })
        })?;
        objects.extend(
            manifests
                .into_iter()
                .map(|manifest| LocalObject { origin: input.origin.clone(), object: manifest.object }),
        );
    }
    Ok(objects)
}
