//! From files to objects.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::node::{Location, Node, NodeValue};

/// How stdin is called in messages.
const STDIN: &str = "STDIN";

/// One object of a file.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// The file, as the user named it.
    pub origin: String,
    pub object: Value,
    node: Node,
}

impl Manifest {
    /// Returns `file:line:column` of a field path.
    pub fn place(&self, path: &str) -> String {
        format!("{}:{}", self.origin, self.node.locate(path))
    }

    /// The object with its places.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// A text field, empty when absent.
    pub fn text(&self, pointer: &str) -> &str {
        self.object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// `Kind namespace/name`, for messages.
    pub fn label(&self) -> String {
        let (kind, name) = (self.text("/kind"), self.text("/metadata/name"));
        match self.text("/metadata/namespace") {
            "" => format!("{kind} {name}"),
            namespace => format!("{kind} {namespace}/{name}"),
        }
    }
}

/// A manifest that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    #[error("the path {:?} does not exist", .path.display().to_string())]
    NoSuchPath { path: PathBuf },
    #[error("cannot read {}", .path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("the directory {} has no .yaml, .yml or .json file", .path.display())]
    EmptyDirectory { path: PathBuf },
    #[error("{origin}{}: {message}", .location.map(|location| format!(":{location}")).unwrap_or_default())]
    Syntax { origin: String, location: Option<Location>, message: String },
    #[error("{origin}:{location}: {message}")]
    NotAnObject { origin: String, location: Location, message: String },
    #[error("{origin}: there is no object in it")]
    NoObjects { origin: String },
}

/// Reads all objects of files and directories; `-` is stdin.
///
/// Of a directory the files ending in `.yaml`, `.yml` and `.json` are read, in the order of their names.
pub fn read_manifests(paths: &[PathBuf]) -> Result<Vec<Manifest>, ManifestError> {
    let mut manifests = Vec::new();
    for path in paths {
        if path.as_os_str() == "-" {
            let mut text = String::new();
            std::io::stdin()
                .read_to_string(&mut text)
                .map_err(|source| ManifestError::Unreadable { path: STDIN.into(), source })?;
            manifests.extend(read_text(STDIN, &text)?);
        } else if path.is_dir() {
            for file in files_of(path)? {
                manifests.extend(read_file(&file)?);
            }
        } else if path.exists() {
            manifests.extend(read_file(path)?);
        } else {
            return Err(ManifestError::NoSuchPath { path: path.clone() });
        }
    }
    Ok(manifests)
}

fn files_of(directory: &Path) -> Result<Vec<PathBuf>, ManifestError> {
    let unreadable = |source| ManifestError::Unreadable { path: directory.to_owned(), source };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let is_manifest = path
            .extension()
            .is_some_and(|extension| ["yaml", "yml", "json"].iter().any(|known| extension == *known));
        if is_manifest && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(ManifestError::EmptyDirectory { path: directory.to_owned() });
    }
    Ok(files)
}

fn read_file(path: &Path) -> Result<Vec<Manifest>, ManifestError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ManifestError::Unreadable { path: path.to_owned(), source })?;
    read_text(&path.display().to_string(), &text)
}

/// Reads all objects of a text; `origin` names it in messages.
pub fn read_text(origin: &str, text: &str) -> Result<Vec<Manifest>, ManifestError> {
    let mut manifests = Vec::new();
    for document in read_documents(origin, text)? {
        read_object(origin, document, &mut manifests)?;
    }
    if manifests.is_empty() {
        return Err(ManifestError::NoObjects { origin: origin.to_owned() });
    }
    Ok(manifests)
}

/// Reads the documents of a text, whatever they are; `origin` names it in messages.
pub fn read_documents(origin: &str, text: &str) -> Result<Vec<Node>, ManifestError> {
    let options = serde_saphyr::options! { legacy_octal_numbers: true };
    serde_saphyr::from_multiple_with_options(text, options).map_err(|error| {
        let location = error.location().map(Location::from).filter(|location| location.line > 0);
        ManifestError::Syntax { origin: origin.to_owned(), location, message: syntax_message(&error) }
    })
}

/// The parser's message without the place, which stands in front already, and without the quoted text.
fn syntax_message(error: &serde_saphyr::Error) -> String {
    let text = error.without_snippet().to_string();
    let first = text.lines().next().unwrap_or_default();
    first.split(" at line ").next().unwrap_or(first).trim_start_matches("error: ").to_owned()
}

fn read_object(origin: &str, node: Node, manifests: &mut Vec<Manifest>) -> Result<(), ManifestError> {
    if let NodeValue::Scalar(Value::Null) = node.value {
        return Ok(());
    }
    let refuse = |node: &Node, message: &str| ManifestError::NotAnObject {
        origin: origin.to_owned(),
        location: node.location,
        message: message.to_owned(),
    };
    let NodeValue::Object(_) = &node.value else {
        return Err(refuse(&node, "an object with apiVersion and kind is expected"));
    };
    for field in ["apiVersion", "kind"] {
        match node.field(field).map(|field| &field.value) {
            Some(NodeValue::Scalar(Value::String(text))) if !text.is_empty() => {}
            Some(_) => {
                return Err(refuse(node.field(field).unwrap_or(&node), &format!("{field} must be a text")));
            }
            None => return Err(refuse(&node, &format!("{field} is not set"))),
        }
    }
    let object = node.to_json();
    let is_list = object["kind"].as_str().is_some_and(|kind| kind.ends_with("List"));
    if is_list && let Some(NodeValue::List(items)) = node.field("items").map(|items| items.value.clone()) {
        for item in items {
            read_object(origin, item, manifests)?;
        }
        return Ok(());
    }
    let is_empty = |path| object.pointer(path).and_then(Value::as_str).is_none_or(str::is_empty);
    if is_empty("/metadata/name") && is_empty("/metadata/generateName") {
        let place = node.field("metadata").unwrap_or(&node).clone();
        return Err(refuse(&place, "metadata.name is not set"));
    }
    manifests.push(Manifest { origin: origin.to_owned(), object, node });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use indoc::indoc;

    #[test]
    fn documents_lists_and_json_become_objects() {
        let text = indoc! {r#"
            # a comment
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: a}
            data: {octal: "0644", mode: 0644, yes: "yes"}
            ---
            ---
            {"apiVersion": "v1", "kind": "List", "items": [
              {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "b", "namespace": "n"}}]}
        "#};
        let manifests = read_text("f.yaml", text).unwrap();
        let labels: Vec<String> = manifests.iter().map(Manifest::label).collect();
        assert_eq!(labels, ["ConfigMap a", "Secret n/b"]);
        assert_eq!(
            manifests[0].object["data"],
            serde_json::json!({"octal": "0644", "mode": 420, "yes": "yes"})
        );
        assert_eq!(manifests[0].place("data.mode"), "f.yaml:5:29");
        assert_eq!(manifests[1].place("metadata.name"), "f.yaml:9:63");
    }

    fn error(text: &str) -> String {
        read_text("f.yaml", text).unwrap_err().to_string()
    }

    #[test]
    fn errors_name_file_line_and_column() {
        assert_eq!(error("apiVersion: v1\nmetadata: {name: a}\n"), "f.yaml:1:1: kind is not set");
        assert_eq!(error("apiVersion: v1\nkind: [a]\n"), "f.yaml:2:7: kind must be a text");
        assert_eq!(
            error("apiVersion: v1\nkind: A\nmetadata:\n  labels: {}\n"),
            "f.yaml:4:3: metadata.name is not set"
        );
        assert_eq!(error("- a\n"), "f.yaml:1:1: an object with apiVersion and kind is expected");
        assert_eq!(error("# nothing\n"), "f.yaml: there is no object in it");
        let broken = error("apiVersion: v1\nkind: A\n  metadata: [\n");
        assert!(broken.starts_with("f.yaml:3:"), "{broken}");
        let twice = error("apiVersion: v1\nkind: A\nkind: B\n");
        assert!(twice.starts_with("f.yaml:3:1: ") && twice.contains("kind"), "{twice}");
    }
}
