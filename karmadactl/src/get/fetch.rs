//! Asking every cluster at the same time, each with its own timeout.

use std::fmt;
use std::time::Duration;

use futures::future::join_all;
use http::Request;
use serde_json::Value;

use super::{GetRequest, Missing, NamespaceChoice, Representation, Source};
use crate::api_error::ApiError;
use crate::discovery::{Discovery, ResourceKind, UnknownType};
use crate::error::chain_line;

/// Objects asked for in one go; a longer list comes in pieces.
const CHUNK: &str = "500";
const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

/// What the clusters answered.
#[derive(Debug, Default)]
pub struct Fetched {
    pub parts: Vec<Part>,
    pub failures: Vec<Failure>,
}

/// What one cluster has of one kind.
#[derive(Debug)]
pub struct Part {
    pub cluster: String,
    pub kind: ResourceKind,
    pub content: Content,
    /// Where a watch goes on from.
    pub resource_version: String,
}

/// Rows or objects.
#[derive(Debug)]
pub enum Content {
    Table(ServerTable),
    Objects(Vec<Value>),
}

/// A `meta.k8s.io/v1` Table.
#[derive(Clone, Debug, Default)]
pub struct ServerTable {
    pub columns: Vec<Column>,
    /// Rows as the server sent them: `cells` and `object.metadata`.
    pub rows: Vec<Value>,
}

/// A column of a server's table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    /// 0 is always shown, others only when asked for more.
    pub priority: i64,
}

/// One thing that did not work in one cluster.
#[derive(Debug)]
pub struct Failure {
    pub cluster: String,
    pub cause: FailureCause,
}

/// Why a cluster did not answer.
#[derive(Debug)]
pub enum FailureCause {
    /// There is no way to the cluster; the text says why.
    Unreachable(String),
    Timeout(Duration),
    UnknownType(UnknownType),
    Api(ApiError),
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "cluster({}): ", self.cluster)?;
        match &self.cause {
            FailureCause::Unreachable(why) => formatter.write_str(why),
            FailureCause::Timeout(timeout) => {
                write!(formatter, "no answer within {} seconds", timeout.as_secs())
            }
            FailureCause::UnknownType(error) => error.fmt(formatter),
            FailureCause::Api(error) => formatter.write_str(&chain_line(error)),
        }
    }
}

impl Failure {
    /// Whether nobody answered.
    pub fn is_unreachable(&self) -> bool {
        match &self.cause {
            FailureCause::Unreachable(_) | FailureCause::Timeout(_) => true,
            FailureCause::Api(error) => error.is_unreachable(),
            FailureCause::UnknownType(_) => false,
        }
    }

    /// Whether the named object is simply not there.
    pub fn is_not_found(&self) -> bool {
        matches!(&self.cause, FailureCause::Api(error) if error.is_not_found())
    }
}

/// Asks all clusters and returns answers and failures in the order of `sources`.
pub async fn fetch(sources: &[Source], request: &GetRequest) -> Fetched {
    let answers = join_all(sources.iter().map(|source| async move {
        let answer = tokio::time::timeout(request.timeout, fetch_source(source, request)).await;
        answer.unwrap_or_else(|_elapsed| {
            let cause = FailureCause::Timeout(request.timeout);
            Fetched { parts: Vec::new(), failures: vec![Failure { cluster: source.name.clone(), cause }] }
        })
    }))
    .await;
    let mut fetched = Fetched::default();
    for answer in answers {
        fetched.parts.extend(answer.parts);
        fetched.failures.extend(answer.failures);
    }
    if request.missing == Missing::Ignored {
        fetched.failures.retain(|failure| !failure.is_not_found());
    }
    fetched
}

async fn fetch_source(source: &Source, request: &GetRequest) -> Fetched {
    let mut fetched = Fetched::default();
    let mut fail = |cause| fetched.failures.push(Failure { cluster: source.name.clone(), cause });
    let client = match &source.client {
        Ok(client) => client,
        Err(error) => {
            fail(FailureCause::Unreachable(chain_line(error)));
            return fetched;
        }
    };
    let discovery = match Discovery::of(client).await {
        Ok(discovery) => discovery,
        Err(error) => {
            fail(FailureCause::Api(error));
            return fetched;
        }
    };
    let mut wanted: Vec<(&ResourceKind, Option<&String>)> = Vec::new();
    for target in &request.targets {
        match discovery.find(&target.type_name) {
            Ok(kinds) if target.names.is_empty() => wanted.extend(kinds.into_iter().map(|kind| (kind, None))),
            Ok(kinds) => {
                for kind in kinds {
                    wanted.extend(target.names.iter().map(|name| (kind, Some(name))));
                }
            }
            Err(error) => fail(FailureCause::UnknownType(error)),
        }
    }
    let answers = join_all(
        wanted.iter().map(|(kind, name)| fetch_kind(client, kind, name.map(String::as_str), request)),
    )
    .await;
    for ((kind, _), answer) in wanted.into_iter().zip(answers) {
        match answer {
            Ok((content, resource_version)) => fetched.parts.push(Part {
                cluster: source.name.clone(),
                kind: kind.clone(),
                content,
                resource_version,
            }),
            Err(error) => {
                let failure = Failure { cluster: source.name.clone(), cause: FailureCause::Api(error) };
                fetched.failures.push(failure);
            }
        }
    }
    fetched
}

async fn fetch_kind(
    client: &kube::Client,
    kind: &ResourceKind,
    name: Option<&str>,
    request: &GetRequest,
) -> Result<(Content, String), ApiError> {
    let mut objects = Vec::new();
    let mut table: Option<ServerTable> = None;
    let mut position = String::new();
    loop {
        let path = path(kind, name, request, &position);
        let answer: Value = client.request(http_request(&path, request.representation)?).await?;
        let resource_version = answer["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned();
        if answer["kind"] == "Table" {
            let piece = read_table(&answer);
            match &mut table {
                Some(table) => table.rows.extend(piece.rows),
                None => table = Some(piece),
            }
        } else if answer["items"].is_array() {
            objects.extend(list_items(&answer, kind));
        } else {
            objects.push(answer.clone());
        }
        answer["metadata"]["continue"].as_str().unwrap_or_default().clone_into(&mut position);
        if position.is_empty() {
            let content = match (table, request.representation) {
                (Some(table), _) => Content::Table(table),
                (None, Representation::Table | Representation::TableWithObjects) => {
                    Content::Table(plain_table(&objects))
                }
                (None, Representation::Objects) => Content::Objects(objects),
            };
            return Ok((content, resource_version));
        }
    }
}

/// Path and query of one request.
fn path(kind: &ResourceKind, name: Option<&str>, request: &GetRequest, position: &str) -> String {
    let namespace = match &request.namespace {
        NamespaceChoice::One(namespace) => Some(namespace.as_str()),
        NamespaceChoice::All => None,
    };
    let collection = kind.path(namespace);
    let include = match request.representation {
        Representation::TableWithObjects => "includeObject=Object",
        Representation::Table | Representation::Objects => "",
    };
    if let Some(name) = name {
        let mark = if include.is_empty() { "" } else { "?" };
        return format!("{collection}/{}{mark}{include}", escape(name));
    }
    let mut path = format!("{collection}?limit={CHUNK}");
    if !include.is_empty() {
        path.push('&');
        path.push_str(include);
    }
    if let Some(selector) = &request.label_selector {
        path.push_str("&labelSelector=");
        path.push_str(&escape(selector));
    }
    if !position.is_empty() {
        path.push_str("&continue=");
        path.push_str(&escape(position));
    }
    path
}

/// Returns a GET with the Accept header of a representation.
pub(super) fn http_request(path: &str, representation: Representation) -> Result<Request<Vec<u8>>, ApiError> {
    let accept = match representation {
        Representation::Table | Representation::TableWithObjects => TABLE,
        Representation::Objects => "application/json",
    };
    Request::get(path)
        .header("Accept", accept)
        .body(Vec::new())
        .map_err(|source| ApiError(kube::Error::HttpError(source)))
}

/// Percent-encodes everything that is not plain in a path segment or query value.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                escaped.push(char::from(byte));
            }
            _ => {
                escaped.push('%');
                escaped.extend(
                    char::from_digit(u32::from(byte >> 4), 16).map(|digit| digit.to_ascii_uppercase()),
                );
                escaped.extend(
                    char::from_digit(u32::from(byte & 15), 16).map(|digit| digit.to_ascii_uppercase()),
                );
            }
        }
    }
    escaped
}

/// Reads a Table of a list or of a watch event.
pub(super) fn read_table(answer: &Value) -> ServerTable {
    let columns = answer["columnDefinitions"].as_array().map(Vec::as_slice).unwrap_or_default();
    ServerTable {
        columns: columns
            .iter()
            .map(|column| Column {
                name: column["name"].as_str().unwrap_or_default().to_owned(),
                priority: column["priority"].as_i64().unwrap_or_default(),
            })
            .collect(),
        rows: answer["rows"].as_array().cloned().unwrap_or_default(),
    }
}

/// Items of a list carry neither apiVersion nor kind; documents must.
fn list_items(list: &Value, kind: &ResourceKind) -> Vec<Value> {
    let mut items = list["items"].as_array().cloned().unwrap_or_default();
    for item in &mut items {
        if let Some(object) = item.as_object_mut() {
            object.entry("apiVersion").or_insert_with(|| kind.api_version().into());
            object.entry("kind").or_insert_with(|| kind.kind.clone().into());
        }
    }
    items
}

/// The columns of a server that prints no tables.
fn plain_table(objects: &[Value]) -> ServerTable {
    let column = |name: &str| Column { name: name.to_owned(), priority: 0 };
    ServerTable {
        columns: vec![column("Name"), column("Created At")],
        rows: objects
            .iter()
            .map(|object| {
                let metadata = &object["metadata"];
                serde_json::json!({
                    "cells": [metadata["name"], metadata["creationTimestamp"]],
                    "object": object,
                })
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discovery::Scope;

    #[test]
    fn paths_carry_selectors_escaped_and_continue_where_the_last_piece_ended() {
        let kind = ResourceKind {
            group: "apps".into(),
            version: "v1".into(),
            plural: "deployments".into(),
            scope: Scope::Namespaced,
            ..ResourceKind::default()
        };
        let request = GetRequest {
            targets: Vec::new(),
            namespace: NamespaceChoice::One("web".into()),
            label_selector: Some("app in (a,b)".into()),
            representation: Representation::Table,
            missing: Missing::Fails,
            timeout: Duration::from_secs(1),
        };
        assert_eq!(
            path(&kind, None, &request, "x="),
            "/apis/apps/v1/namespaces/web/deployments?limit=500&labelSelector=app%20in%20%28a%2Cb%29&continue=x%3D"
        );
        let everywhere = GetRequest { namespace: NamespaceChoice::All, label_selector: None, ..request };
        assert_eq!(path(&kind, None, &everywhere, ""), "/apis/apps/v1/deployments?limit=500");
        assert_eq!(path(&kind, Some("a:b"), &everywhere, ""), "/apis/apps/v1/deployments/a%3Ab");
    }
}
