//! From files to customizations, objects and status items.

use std::path::{Path, PathBuf};

use karmada_core::api::config::ResourceInterpreterCustomization;
use karmada_core::api::work::AggregatedStatusItem;
use serde_json::Value;

use crate::manifest::{
    Input, InputReader, Location, Manifest, ManifestError, Node, NodeValue, ReadProblem, Subdirectories,
    read_documents, read_text, unknown_fields,
};

/// Group and version of customizations.
const CUSTOMIZATION_VERSION: &str = "config.karmada.io/v1alpha1";
/// Kind of customizations.
const CUSTOMIZATION_KIND: &str = "ResourceInterpreterCustomization";

/// A customization and where it comes from.
#[derive(Clone, Debug)]
pub struct CustomizationFile {
    /// The file and its places.
    pub manifest: Manifest,
    /// What it says.
    pub customization: ResourceInterpreterCustomization,
}

/// Input that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// A file is not there.
    #[error("the path {:?} does not exist", .path.display().to_string())]
    NoSuchPath {
        /// The path.
        path: PathBuf,
    },
    /// What the files contain is wrong.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Problems(Vec<ReadProblem>),
    /// A file is no manifest.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
}

impl InputError {
    /// Returns what to do about it.
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Problems(problems) => problems.iter().filter_map(|problem| problem.hint.clone()).collect(),
            Self::NoSuchPath { .. } | Self::Manifest(_) => Vec::new(),
        }
    }
}

/// Reads files, directories and, for `-`, stdin.
pub fn read_texts(paths: &[PathBuf], subdirectories: Subdirectories) -> Result<Vec<Input>, InputError> {
    let mut reader = InputReader::new(subdirectories);
    for path in paths {
        if path.as_os_str() != "-" && !path.exists() {
            return Err(InputError::NoSuchPath { path: path.clone() });
        }
        reader.read(path);
    }
    let (inputs, problems) = reader.finish();
    if problems.is_empty() { Ok(inputs) } else { Err(InputError::Problems(problems)) }
}

/// Reads customizations; anything else in the files is an error.
pub fn read_customizations(
    paths: &[PathBuf],
    subdirectories: Subdirectories,
) -> Result<Vec<CustomizationFile>, InputError> {
    let mut files = Vec::new();
    let mut problems = Vec::new();
    let definitions = karmada_core::api::crds();
    for input in read_texts(paths, subdirectories)? {
        for manifest in read_text(&input.origin, &input.text)? {
            match customization(&manifest, &definitions) {
                Ok(customization) => files.push(CustomizationFile { manifest, customization }),
                Err(found) => problems.extend(found),
            }
        }
    }
    if problems.is_empty() { Ok(files) } else { Err(InputError::Problems(problems)) }
}

fn customization(
    manifest: &Manifest,
    definitions: &[Value],
) -> Result<ResourceInterpreterCustomization, Vec<ReadProblem>> {
    let problem = |path: &str, message: String| ReadProblem {
        origin: manifest.origin.clone(),
        location: Some(manifest.node().locate(path)),
        message,
        hint: None,
    };
    let (version, kind) = (manifest.text("/apiVersion"), manifest.text("/kind"));
    if (version, kind) != (CUSTOMIZATION_VERSION, CUSTOMIZATION_KIND) {
        let found = format!("a {kind} of {version} is no {CUSTOMIZATION_KIND} of {CUSTOMIZATION_VERSION}");
        let field = if kind == CUSTOMIZATION_KIND { "apiVersion" } else { "kind" };
        return Err(vec![problem(field, found)]);
    }
    let mut problems: Vec<ReadProblem> = unknown_fields(manifest.node(), definitions)
        .into_iter()
        .map(|field| ReadProblem {
            origin: manifest.origin.clone(),
            location: Some(field.location),
            message: format!("{kind} has no field {}", field.path),
            hint: field
                .suggestion
                .map(|name| format!("did you mean {name:?} at {}:{}?", manifest.origin, field.location)),
        })
        .collect();
    for path in ["spec.target.apiVersion", "spec.target.kind"] {
        let pointer = format!("/{}", path.replace('.', "/"));
        match manifest.object.pointer(&pointer) {
            Some(Value::String(text)) if !text.is_empty() => {}
            Some(Value::String(_)) | None => problems.push(problem(path, format!("{path} is not set"))),
            Some(_) => problems.push(problem(path, format!("{path} must be a text"))),
        }
    }
    problems.extend(wrong_scripts(manifest.node()).into_iter().map(|(location, message)| ReadProblem {
        origin: manifest.origin.clone(),
        location: Some(location),
        message,
        hint: None,
    }));
    if !problems.is_empty() {
        return Err(problems);
    }
    serde_json::from_value(manifest.object.clone()).map_err(|error| vec![problem("spec", error.to_string())])
}

/// Finds scripts that are no text.
fn wrong_scripts(node: &Node) -> Vec<(Location, String)> {
    let Some(rules) = node.field("spec").and_then(|spec| spec.field("customizations")) else {
        return vec![(node.locate("spec"), "spec.customizations is not set".to_owned())];
    };
    let NodeValue::Object(rules) = &rules.value else {
        return vec![(rules.location, "spec.customizations must be an object".to_owned())];
    };
    rules
        .iter()
        .filter_map(|(name, _, rule)| match rule.field("luaScript") {
            Some(script) if matches!(script.value, NodeValue::Scalar(Value::String(_))) => None,
            Some(script) => {
                Some((script.location, format!("spec.customizations.{name}.luaScript must be a text")))
            }
            None => Some((rule.location, format!("spec.customizations.{name}.luaScript is not set"))),
        })
        .collect()
}

/// Reads the one object of a file.
pub fn read_object(path: &Path) -> Result<Value, InputError> {
    let mut objects = Vec::new();
    for input in read_texts(&[path.to_owned()], Subdirectories::Skipped)? {
        objects.extend(read_text(&input.origin, &input.text)?);
    }
    match objects.len() {
        1 => Ok(objects.remove(0).object),
        count => {
            let message = format!("one object is expected, there are {count}");
            Err(InputError::Problems(vec![ReadProblem::of_file(path.display().to_string(), message)]))
        }
    }
}

/// Reads what member clusters report: one item a document, or a list of them.
pub fn read_status_items(path: &Path) -> Result<Vec<AggregatedStatusItem>, InputError> {
    let mut items = Vec::new();
    let mut problems = Vec::new();
    for input in read_texts(&[path.to_owned()], Subdirectories::Skipped)? {
        for document in read_documents(&input.origin, &input.text)? {
            let nodes = match document.value {
                NodeValue::List(nodes) => nodes,
                NodeValue::Scalar(Value::Null) => continue,
                _ => vec![document],
            };
            for node in nodes {
                match status_item(&input.origin, &node) {
                    Ok(item) => items.push(item),
                    Err(problem) => problems.push(problem),
                }
            }
        }
    }
    if problems.is_empty() { Ok(items) } else { Err(InputError::Problems(problems)) }
}

/// Reads what one member cluster reports.
pub(super) fn status_item(origin: &str, node: &Node) -> Result<AggregatedStatusItem, ReadProblem> {
    let problem = |path: &str, message: String| ReadProblem {
        origin: origin.to_owned(),
        location: Some(node.locate(path)),
        message,
        hint: None,
    };
    if !matches!(node.value, NodeValue::Object(_)) {
        return Err(problem("", "an object with clusterName and status is expected".to_owned()));
    }
    let has_cluster = matches!(
        node.field("clusterName").map(|name| &name.value),
        Some(NodeValue::Scalar(Value::String(name))) if !name.is_empty()
    );
    if !has_cluster {
        return Err(problem("clusterName", "clusterName must be set to the name of a cluster".to_owned()));
    }
    serde_json::from_value(node.to_json()).map_err(|error| problem("", format!("no status item: {error}")))
}
