//! Which objects arguments and files mean.

use karmada_core::api::LabelSelector;
use karmada_core::object::Selector;
use serde_json::Value;

use super::{FileArgs, LocalObject, Writer, read_files, while_doing};
use crate::api_error::ApiError;
use crate::discovery::{Discovery, ResourceKind, Scope};
use crate::error::CliError;
use crate::propagate::parse_selector;

/// What the user said.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// `TYPE NAME...` or `TYPE/NAME...`.
    pub arguments: Vec<String>,
    pub files: FileArgs,
    pub labels: Option<String>,
    pub fields: Option<String>,
    /// All objects of the types.
    pub all: bool,
    pub all_namespaces: bool,
    /// The namespace of the command line.
    pub namespace: Option<String>,
    /// The namespace when none is said.
    pub default_namespace: String,
    /// What types without names mean.
    pub unnamed: Unnamed,
}

/// What types without names, selector and `--all` mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unnamed {
    /// A mistake.
    #[default]
    Refused,
    /// All objects.
    All,
}

/// An object that was meant.
#[derive(Clone, Debug)]
pub struct Found {
    pub kind: ResourceKind,
    pub namespace: Option<String>,
    pub name: String,
    /// As the server has it, when it was listed.
    pub object: Option<Value>,
    /// As the file has it.
    pub local: Option<LocalObject>,
}

impl Found {
    /// `deployment.apps/web`.
    pub fn label(&self) -> String {
        format!("{}/{}", self.kind.qualified_singular(), self.name)
    }
}

/// The objects that were meant, and what is wrong with the others.
#[derive(Debug, Default)]
pub struct Selected {
    pub found: Vec<Found>,
    pub failures: Vec<CliError>,
}

/// A selection that makes no sense.
#[derive(Debug, thiserror::Error)]
pub enum SelectionError {
    #[error(
        "You must provide one or more resources by argument or filename.\n\
         Example resource specifications include:\n   '-f rsrc.yaml'\n   '--filename=rsrc.json'\n   \
         '<resource> <name>'\n   '<resource>'"
    )]
    Nothing,
    #[error(
        "when paths, URLs, or stdin is provided as input, you may not specify resource arguments as well"
    )]
    FilesAndArguments,
    #[error("resource(s) were provided, but no name was specified")]
    NoName,
    #[error("name cannot be provided when a selector is specified")]
    NameAndSelector,
    #[error("cannot set --all and --selector at the same time")]
    AllAndSelector,
    #[error("setting 'all' parameter but found a non empty selector. ")]
    AllAndName,
    #[error("a resource cannot be retrieved by name across all namespaces")]
    NameInAllNamespaces,
    #[error(
        "there is no need to specify a resource type as a separate argument when passing arguments in resource/name form (e.g. 'karmadactl get resource/<resource_name>' instead of 'karmadactl get resource resource/<resource_name>'"
    )]
    MixedForms,
    #[error("arguments in resource/name form must have a single resource and name")]
    NotAPair,
    #[error(
        "the namespace from the provided object \"{object}\" does not match the namespace \"{asked}\". You must pass '--namespace={object}' to perform this operation."
    )]
    OtherNamespace { object: String, asked: String },
    #[error(
        "resource mapping not found for name: \"{name}\" namespace: \"{namespace}\" from \"{origin}\": no matches for kind \"{kind}\" in version \"{api_version}\"\nensure CRDs are installed first"
    )]
    UnknownKind { origin: String, name: String, namespace: String, kind: String, api_version: String },
}

/// Finds the objects that a selection means.
///
/// # Errors
///
/// When the selection as a whole makes no sense; objects that are not found are among the failures.
pub async fn select(
    writer: &Writer,
    discovery: &Discovery,
    selection: &Selection,
) -> Result<Selected, CliError> {
    if !selection.files.is_empty() {
        if !selection.arguments.is_empty() {
            return Err(CliError::failed(SelectionError::FilesAndArguments));
        }
        return select_files(discovery, selection);
    }
    let refuse = |error| Err(CliError::failed(error));
    let targets = match targets(&selection.arguments) {
        Ok(targets) => targets,
        Err(error) => return refuse(error),
    };
    let has_selector = selection.labels.is_some() || selection.fields.is_some();
    let named = targets.iter().any(|(_, names)| !names.is_empty());
    if selection.all && selection.labels.is_some() {
        return refuse(SelectionError::AllAndSelector);
    }
    if named && has_selector {
        return refuse(SelectionError::NameAndSelector);
    }
    if named && selection.all {
        return refuse(SelectionError::AllAndName);
    }
    if named && selection.all_namespaces {
        return refuse(SelectionError::NameInAllNamespaces);
    }
    if !named && !has_selector && !selection.all && selection.unnamed == Unnamed::Refused {
        return refuse(SelectionError::NoName);
    }
    let mut selected = Selected::default();
    for (type_name, names) in targets {
        let kinds = discovery.find(&type_name).map_err(CliError::failed)?;
        for kind in kinds {
            let namespace = selection.namespace_of(kind);
            if !names.is_empty() {
                selected.found.extend(names.iter().map(|name| Found {
                    kind: kind.clone(),
                    namespace: namespace.clone(),
                    name: name.clone(),
                    object: None,
                    local: None,
                }));
                continue;
            }
            let (labels, fields) = (selection.labels.as_deref(), selection.fields.as_deref());
            match writer.list(kind, namespace.as_deref(), labels, fields).await {
                Ok(objects) => selected.found.extend(objects.into_iter().map(|object| found(kind, object))),
                Err(error) => selected.failures.push(CliError::from(error)),
            }
        }
    }
    Ok(selected)
}

/// Returns the kind of an object of a file.
pub fn find_kind<'a>(
    discovery: &'a Discovery,
    local: &LocalObject,
    namespace: &str,
) -> Result<&'a ResourceKind, SelectionError> {
    let text = |path: &str| local.object.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (api_version, kind) = (text("/apiVersion"), text("/kind"));
    discovery.kind(&api_version, &kind).ok_or_else(|| SelectionError::UnknownKind {
        origin: local.origin.clone(),
        name: text("/metadata/name"),
        namespace: Some(text("/metadata/namespace"))
            .filter(|own| !own.is_empty())
            .unwrap_or_else(|| namespace.to_owned()),
        kind,
        api_version,
    })
}

fn select_files(discovery: &Discovery, selection: &Selection) -> Result<Selected, CliError> {
    let mut selected = Selected::default();
    for local in read_files(&selection.files)? {
        match place(discovery, local, selection) {
            Ok(found) => selected.found.push(found),
            Err(error @ SelectionError::UnknownKind { .. }) => {
                selected.failures.push(CliError::failed(error));
            }
            Err(error) => return Err(CliError::failed(error)),
        }
    }
    if let Some(labels) = &selection.labels {
        let selector = parse_selector(labels).map_err(CliError::failed)?;
        let selector: LabelSelector = serde_json::from_value(selector).map_err(CliError::failed)?;
        let selector = Selector::from_label_selector(&selector).map_err(CliError::failed)?;
        selected.found.retain(|found| {
            let labels = found.local.as_ref().map(|local| &local.object["metadata"]["labels"]);
            selector.matches_with(|key| labels.and_then(|labels| labels[key].as_str()))
        });
    }
    Ok(selected)
}

/// Finds the kind of an object of a file, and puts it into the namespace that counts.
pub fn place(
    discovery: &Discovery,
    mut local: LocalObject,
    selection: &Selection,
) -> Result<Found, SelectionError> {
    let kind = find_kind(discovery, &local, &selection.default_namespace)?.clone();
    let own = local.object.pointer("/metadata/namespace").and_then(Value::as_str).unwrap_or_default();
    let namespace = match (kind.scope, own, &selection.namespace) {
        (Scope::Cluster, _, _) => None,
        (Scope::Namespaced, "", Some(asked)) => Some(asked.clone()),
        (Scope::Namespaced, "", None) => Some(selection.default_namespace.clone()),
        (Scope::Namespaced, own, Some(asked)) if own != asked => {
            return Err(SelectionError::OtherNamespace { object: own.to_owned(), asked: asked.clone() });
        }
        (Scope::Namespaced, own, _) => Some(own.to_owned()),
    };
    if let Some(namespace) = &namespace {
        local.object["metadata"]["namespace"] = Value::String(namespace.clone());
    }
    let name = local.object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok(Found { kind, namespace, name, object: None, local: Some(local) })
}

fn found(kind: &ResourceKind, object: Value) -> Found {
    let text = |field: &str| object["metadata"][field].as_str().map(str::to_owned);
    Found {
        kind: kind.clone(),
        namespace: text("namespace"),
        name: text("name").unwrap_or_default(),
        object: Some(object),
        local: None,
    }
}

impl Selection {
    fn namespace_of(&self, kind: &ResourceKind) -> Option<String> {
        if kind.scope == Scope::Cluster || self.all_namespaces {
            return None;
        }
        Some(self.namespace.clone().unwrap_or_else(|| self.default_namespace.clone()))
    }
}

impl Found {
    /// Returns the object as the server has it.
    pub async fn read(&self, writer: &Writer) -> Result<Value, CliError> {
        match &self.object {
            Some(object) => Ok(object.clone()),
            None => writer
                .read(&self.kind, self.namespace.as_deref(), &self.name)
                .await
                .map_err(|error| self.explain(error)),
        }
    }

    /// Words a refused request for this object.
    pub fn explain(&self, error: ApiError) -> CliError {
        match &self.local {
            Some(local) if error.reason().is_some() && !error.is_not_found() => while_doing(
                format!("error when retrieving current configuration of {:?}", local.origin),
                error,
            ),
            _ => CliError::from(error),
        }
    }
}

/// Reads `TYPE[,TYPE] [NAME...]` or `TYPE/NAME...`.
fn targets(arguments: &[String]) -> Result<Vec<(String, Vec<String>)>, SelectionError> {
    let (first, rest) = arguments.split_first().ok_or(SelectionError::Nothing)?;
    if first.contains('/') {
        let pair = |argument: &String| match argument.split_once('/') {
            Some((type_name, name)) if !type_name.is_empty() && !name.is_empty() && !name.contains('/') => {
                Ok((type_name.to_owned(), vec![name.to_owned()]))
            }
            _ => Err(SelectionError::NotAPair),
        };
        return arguments.iter().map(pair).collect();
    }
    if rest.iter().any(|argument| argument.contains('/')) {
        return Err(SelectionError::MixedForms);
    }
    let types = first.split(',').filter(|type_name| !type_name.is_empty());
    let targets: Vec<_> = types.map(|type_name| (type_name.to_owned(), rest.to_vec())).collect();
    if targets.is_empty() { Err(SelectionError::Nothing) } else { Ok(targets) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Vec<(String, Vec<String>)>, String> {
        let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        targets(&arguments).map_err(|error| error.to_string())
    }

    #[test]
    fn types_and_names_are_read_in_both_forms() {
        let pair = |type_name: &str, names: &[&str]| {
            (type_name.to_owned(), names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(parse(&["cm", "a", "b"]).unwrap(), [pair("cm", &["a", "b"])]);
        assert_eq!(parse(&["cm,secret"]).unwrap(), [pair("cm", &[]), pair("secret", &[])]);
        assert_eq!(parse(&["cm/a", "secret/b"]).unwrap(), [pair("cm", &["a"]), pair("secret", &["b"])]);
        assert!(parse(&[]).unwrap_err().starts_with("You must provide one or more resources"));
        assert!(parse(&["cm", "secret/b"]).unwrap_err().starts_with("there is no need"));
        assert!(parse(&["cm/a", "b"]).unwrap_err().starts_with("arguments in resource/name form"));
    }
}
