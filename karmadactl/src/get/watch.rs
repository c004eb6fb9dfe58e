//! Following the changes of one kind in one cluster.

use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use kube::core::WatchEvent;
use serde_json::Value;

use super::fetch::{escape, http_request, read_table};
use super::{Content, GetRequest, NamespaceChoice, Part, Representation};
use crate::api_error::ApiError;

/// Pause before a watch that ended without a single event is opened again.
const REOPEN_PAUSE: Duration = Duration::from_secs(1);

/// One change.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// `ADDED`, `MODIFIED` or `DELETED`.
    pub event: &'static str,
    pub watched: Watched,
}

/// What changed, as it is now.
#[derive(Clone, Debug, PartialEq)]
pub enum Watched {
    /// A row of the server's table, in the columns of the list before.
    Row(Value),
    Object(Value),
}

/// An open-ended watch; the server ends it every few minutes and it is opened again.
pub struct Watch {
    client: kube::Client,
    path: String,
    representation: Representation,
    resource_version: String,
    events: Option<BoxStream<'static, Result<WatchEvent<Value>, kube::Error>>>,
}

/// Prepares to follow the changes since `part` was read.
pub fn watch(client: &kube::Client, part: &Part, name: Option<&str>, request: &GetRequest) -> Watch {
    let namespace = match &request.namespace {
        NamespaceChoice::One(namespace) => Some(namespace.as_str()),
        NamespaceChoice::All => None,
    };
    let mut path = format!("{}?watch=true", part.kind.path(namespace));
    if let Some(name) = name {
        path.push_str("&fieldSelector=");
        path.push_str(&escape(&format!("metadata.name={name}")));
    }
    if let Some(selector) = &request.label_selector {
        path.push_str("&labelSelector=");
        path.push_str(&escape(selector));
    }
    let representation = match part.content {
        Content::Table(_) => request.representation,
        Content::Objects(_) => Representation::Objects,
    };
    Watch {
        client: client.clone(),
        path,
        representation,
        resource_version: part.resource_version.clone(),
        events: None,
    }
}

impl Watch {
    /// Waits for the next changes.
    ///
    /// # Errors
    ///
    /// The server refuses the watch, is gone, or no longer knows the changes since the last one (410).
    pub async fn next(&mut self) -> Result<Vec<Change>, ApiError> {
        loop {
            let events = if let Some(events) = &mut self.events {
                events
            } else {
                let path = format!("{}&resourceVersion={}", self.path, escape(&self.resource_version));
                let request = http_request(&path, self.representation)?;
                let opened = self.client.request_events::<Value>(request).await?;
                self.events.insert(opened.boxed())
            };
            let Some(event) = events.next().await else {
                self.events = None;
                tokio::time::sleep(REOPEN_PAUSE).await;
                continue;
            };
            let changes = self.read(event?)?;
            if !changes.is_empty() {
                return Ok(changes);
            }
        }
    }

    fn read(&mut self, event: WatchEvent<Value>) -> Result<Vec<Change>, ApiError> {
        let (event, object) = match event {
            WatchEvent::Added(object) => ("ADDED", object),
            WatchEvent::Modified(object) => ("MODIFIED", object),
            WatchEvent::Deleted(object) => ("DELETED", object),
            WatchEvent::Bookmark(bookmark) => {
                self.resource_version = bookmark.metadata.resource_version;
                return Ok(Vec::new());
            }
            WatchEvent::Error(status) => return Err(ApiError(kube::Error::Api(status))),
        };
        if object["kind"] == "Table" {
            let table = read_table(&object);
            for row in &table.rows {
                self.advance(&row["object"]);
            }
            let change = |row| Change { event, watched: Watched::Row(row) };
            return Ok(table.rows.into_iter().map(change).collect());
        }
        self.advance(&object);
        Ok(vec![Change { event, watched: Watched::Object(object) }])
    }

    fn advance(&mut self, object: &Value) {
        if let Some(version) = object["metadata"]["resourceVersion"].as_str() {
            version.clone_into(&mut self.resource_version);
        }
    }
}
