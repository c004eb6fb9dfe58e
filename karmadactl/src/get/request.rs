//! What to read and where.

use std::time::Duration;

use futures::future::join_all;

use crate::api_error::ApiError;
use crate::members::{self, ConnectError};

/// What tables call the control plane.
pub const CONTROL_PLANE: &str = "Karmada";

/// Which clusters are asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum OperationScope {
    /// The control plane
    #[default]
    Karmada,
    /// Member clusters
    Members,
    /// The control plane and member clusters
    All,
}

/// Which namespaces are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NamespaceChoice {
    One(String),
    All,
}

/// What the answer is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Representation {
    /// Rows printed by the server.
    Table,
    /// Rows printed by the server, with the whole objects beside them.
    TableWithObjects,
    /// Whole objects.
    Objects,
}

/// What a named object that does not exist means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    Fails,
    Ignored,
}

/// A type and the names asked for; no names are all objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub type_name: String,
    pub names: Vec<String>,
}

/// What to read.
#[derive(Clone, Debug)]
pub struct GetRequest {
    pub targets: Vec<Target>,
    pub namespace: NamespaceChoice,
    pub label_selector: Option<String>,
    pub representation: Representation,
    pub missing: Missing,
    /// How long one cluster may take.
    pub timeout: Duration,
}

/// A cluster to read from.
pub struct Source {
    pub name: String,
    /// The way there, or why there is none.
    pub client: Result<kube::Client, ConnectError>,
}

impl Source {
    /// Whether this is the control plane.
    pub fn is_control_plane(&self) -> bool {
        self.name == CONTROL_PLANE
    }
}

/// A request that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum GetError {
    #[error(
        "cluster({CONTROL_PLANE}): You must provide one or more resources by argument or filename.\n\
         Example resource specifications include:\n   '-f rsrc.yaml'\n   '--filename=rsrc.json'\n   \
         '<resource> <name>'\n   '<resource>'"
    )]
    NothingAskedFor,
    #[error(
        "there is no need to specify a resource type as a separate argument when passing arguments in resource/name form (e.g. 'get resource/<resource_name>' instead of 'get resource resource/<resource_name>'"
    )]
    MixedForms,
    #[error("{argument:?} is not a resource/name")]
    NotAPair { argument: String },
    #[error("a name and a label selector exclude each other")]
    NameAndSelector,
    #[error("clusters don't exist: {}", .names.join(","))]
    UnknownClusters { names: Vec<String>, known: Vec<String> },
    #[error("cannot list the member clusters")]
    Clusters(#[source] ApiError),
}

/// Reads the arguments `TYPE[,TYPE] [NAME...]` or `TYPE/NAME...`.
pub fn parse_targets(arguments: &[String]) -> Result<Vec<Target>, GetError> {
    let (first, rest) = arguments.split_first().ok_or(GetError::NothingAskedFor)?;
    if first.contains('/') {
        return arguments
            .iter()
            .map(|argument| match argument.split_once('/') {
                Some((type_name, name)) if !type_name.is_empty() && !name.is_empty() => {
                    Ok(Target { type_name: type_name.to_owned(), names: vec![name.to_owned()] })
                }
                _ => Err(GetError::NotAPair { argument: argument.clone() }),
            })
            .collect();
    }
    if rest.iter().any(|argument| argument.contains('/')) {
        return Err(GetError::MixedForms);
    }
    let targets: Vec<Target> = first
        .split(',')
        .filter(|type_name| !type_name.is_empty())
        .map(|type_name| Target { type_name: type_name.to_owned(), names: rest.to_vec() })
        .collect();
    if targets.is_empty() { Err(GetError::NothingAskedFor) } else { Ok(targets) }
}

/// Returns the clusters of a scope: the control plane first, then members by name.
///
/// No names means all registered members.
pub async fn sources(
    control_plane: &kube::Client,
    scope: OperationScope,
    clusters: &[String],
) -> Result<Vec<Source>, GetError> {
    let mut sources = Vec::new();
    if scope != OperationScope::Members {
        sources.push(Source { name: CONTROL_PLANE.to_owned(), client: Ok(control_plane.clone()) });
    }
    if scope == OperationScope::Karmada {
        return Ok(sources);
    }
    let registered = members::clusters(control_plane).await.map_err(GetError::Clusters)?;
    let known: Vec<String> = registered.iter().filter_map(|cluster| cluster.metadata.name.clone()).collect();
    let unknown: Vec<String> = clusters.iter().filter(|name| !known.contains(name)).cloned().collect();
    if !unknown.is_empty() {
        return Err(GetError::UnknownClusters { names: unknown, known });
    }
    let wanted = registered.iter().zip(known);
    let wanted = wanted.filter(|(_, name)| clusters.is_empty() || clusters.contains(name));
    sources.extend(
        join_all(wanted.map(|(cluster, name)| async move {
            Source { name, client: members::member_client(control_plane, cluster).await }
        }))
        .await,
    );
    Ok(sources)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Vec<(String, Vec<String>)>, String> {
        let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        parse_targets(&arguments)
            .map(|targets| targets.into_iter().map(|target| (target.type_name, target.names)).collect())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn types_and_names_are_read_in_both_forms() {
        let pair = |type_name: &str, names: &[&str]| {
            (type_name.to_owned(), names.iter().map(|&name| name.to_owned()).collect())
        };
        assert_eq!(parse(&["rs,services"]).unwrap(), [pair("rs", &[]), pair("services", &[])]);
        assert_eq!(parse(&["deploy", "a", "b"]).unwrap(), [pair("deploy", &["a", "b"])]);
        assert_eq!(parse(&["rs/a", "svc/b"]).unwrap(), [pair("rs", &["a"]), pair("svc", &["b"])]);
        assert!(
            parse(&[]).unwrap_err().starts_with("cluster(Karmada): You must provide one or more resources")
        );
        assert!(parse(&["deploy", "rs/a"]).is_err());
        assert_eq!(parse(&["rs/a", "b"]).unwrap_err(), "\"b\" is not a resource/name");
    }
}
