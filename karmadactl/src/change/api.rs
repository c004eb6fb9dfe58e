//! Requests that write one object.

use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use http::{Method, Request};
use kube::client::Body;
use kube::core::Status;
use serde_json::{Value, json};

use super::DryRun;
use crate::api_error::ApiError;
use crate::discovery::ResourceKind;

/// Objects asked for in one go; a longer list comes in pieces.
const CHUNK: usize = 500;

/// What the server does about fields that a kind does not have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Validation {
    #[default]
    Strict,
    Warn,
    Ignore,
}

/// How a patch is to be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatchType {
    Json,
    Merge,
    Strategic,
    /// Server-side apply that refuses to change what others own.
    Apply,
    /// Server-side apply that takes over what others own.
    ForceApply,
}

/// A part of an object with a path of its own.
pub type Subresource<'a> = Option<&'a str>;

/// What happens to the objects that an object owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Propagation {
    Background,
    Foreground,
    Orphan,
}

/// How an object is deleted.
#[derive(Clone, Debug)]
pub struct Deletion {
    pub propagation: Propagation,
    /// Seconds to end in; the server's choice when absent.
    pub grace_period: Option<u32>,
}

/// Sends changes, all in the same way.
pub struct Writer {
    client: kube::Client,
    pub dry_run: DryRun,
    /// Who owns the fields that are set.
    pub field_manager: String,
    pub validation: Validation,
    warnings: Mutex<Vec<String>>,
}

impl Writer {
    /// A writer that makes its changes.
    pub fn new(client: kube::Client, field_manager: &str) -> Self {
        Self {
            client,
            dry_run: DryRun::None,
            field_manager: field_manager.to_owned(),
            validation: Validation::default(),
            warnings: Mutex::new(Vec::new()),
        }
    }

    /// Sets how far changes go.
    pub fn with_dry_run(mut self, dry_run: DryRun) -> Self {
        self.dry_run = dry_run;
        self
    }

    /// Sets what happens to unknown fields.
    pub fn with_validation(mut self, validation: Validation) -> Self {
        self.validation = validation;
        self
    }

    /// The client behind it.
    pub fn client(&self) -> &kube::Client {
        &self.client
    }

    /// Returns what the server warned of since the last call.
    pub fn take_warnings(&self) -> Vec<String> {
        std::mem::take(&mut *self.warnings.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads an object.
    pub async fn read(
        &self,
        kind: &ResourceKind,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<Value, ApiError> {
        self.call(Method::GET, object_path(kind, namespace, name, None), None).await
    }

    /// Reads an object or a part of it; nothing when it does not exist.
    pub async fn find(
        &self,
        kind: &ResourceKind,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<Option<Value>, ApiError> {
        match self.read(kind, namespace, name).await {
            Ok(object) => Ok(Some(object)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads a part of an object.
    pub async fn read_part(
        &self,
        kind: &ResourceKind,
        namespace: Option<&str>,
        name: &str,
        subresource: Subresource<'_>,
    ) -> Result<Value, ApiError> {
        self.call(Method::GET, object_path(kind, namespace, name, subresource), None).await
    }

    /// Reads all objects that selectors match, with apiVersion and kind.
    pub async fn list(
        &self,
        kind: &ResourceKind,
        namespace: Option<&str>,
        labels: Option<&str>,
        fields: Option<&str>,
    ) -> Result<Vec<Value>, ApiError> {
        let mut items = Vec::new();
        let mut position = String::new();
        loop {
            let mut path = format!("{}?limit={CHUNK}", kind.path(namespace));
            for (name, value) in
                [("labelSelector", labels), ("fieldSelector", fields), ("continue", Some(position.as_str()))]
            {
                if let Some(value) = value.filter(|value| !value.is_empty()) {
                    path.extend(["&", name, "=", &escape(value)]);
                }
            }
            let list = self.call(Method::GET, path, None).await?;
            for item in list["items"].as_array().into_iter().flatten() {
                let mut item = item.clone();
                item["apiVersion"] = Value::String(kind.api_version());
                item["kind"] = Value::String(kind.kind.clone());
                items.push(item);
            }
            list["metadata"]["continue"].as_str().unwrap_or_default().clone_into(&mut position);
            if position.is_empty() {
                return Ok(items);
            }
        }
    }

    /// Creates an object.
    pub async fn create(
        &self,
        kind: &ResourceKind,
        namespace: Option<&str>,
        object: &Value,
    ) -> Result<Value, ApiError> {
        let path = kind.path(namespace) + &self.query();
        self.call(Method::POST, path, Some(("application/json", object))).await
    }

    /// Creates a part of an object, such as a token.
    pub async fn create_part(
        &self,
        kind: &ResourceKind,
        namespace: Option<&str>,
        name: &str,
        subresource: &str,
        object: &Value,
    ) -> Result<Value, ApiError> {
        let path = object_path(kind, namespace, name, Some(subresource)) + &self.query();
        self.call(Method::POST, path, Some(("application/json", object))).await
    }

    /// Changes an object by a patch.
    pub async fn patch(
        &self,
        kind: &ResourceKind,
        namespace: Option<&str>,
        name: &str,
        subresource: Subresource<'_>,
        patch_type: PatchType,
        patch: &Value,
    ) -> Result<Value, ApiError> {
        let (content_type, force) = match patch_type {
            PatchType::Json => ("application/json-patch+json", ""),
            PatchType::Merge => ("application/merge-patch+json", ""),
            PatchType::Strategic => ("application/strategic-merge-patch+json", ""),
            PatchType::Apply => ("application/apply-patch+yaml", "&force=false"),
            PatchType::ForceApply => ("application/apply-patch+yaml", "&force=true"),
        };
        let path = object_path(kind, namespace, name, subresource) + &self.query() + force;
        self.call(Method::PATCH, path, Some((content_type, patch))).await
    }

    /// Replaces an object.
    pub async fn replace(
        &self,
        kind: &ResourceKind,
        namespace: Option<&str>,
        name: &str,
        object: &Value,
    ) -> Result<Value, ApiError> {
        let path = object_path(kind, namespace, name, None) + &self.query();
        self.call(Method::PUT, path, Some(("application/json", object))).await
    }

    /// Deletes an object.
    pub async fn delete(
        &self,
        kind: &ResourceKind,
        namespace: Option<&str>,
        name: &str,
        deletion: &Deletion,
    ) -> Result<Value, ApiError> {
        let mut options = json!({
            "apiVersion": "v1", "kind": "DeleteOptions",
            "propagationPolicy": match deletion.propagation {
                Propagation::Background => "Background",
                Propagation::Foreground => "Foreground",
                Propagation::Orphan => "Orphan",
            },
        });
        if let Some(seconds) = deletion.grace_period {
            options["gracePeriodSeconds"] = json!(seconds);
        }
        if self.dry_run == DryRun::Server {
            options["dryRun"] = json!(["All"]);
        }
        let path = object_path(kind, namespace, name, None);
        self.call(Method::DELETE, path, Some(("application/json", &options))).await
    }

    /// Sends a body to a path as it is.
    pub async fn raw(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, ApiError> {
        self.call(method, path.to_owned(), body.map(|body| ("application/json", body))).await
    }

    fn query(&self) -> String {
        let validation = match self.validation {
            Validation::Strict => "Strict",
            Validation::Warn => "Warn",
            Validation::Ignore => "Ignore",
        };
        let mut query = format!("?fieldManager={}&fieldValidation={validation}", escape(&self.field_manager));
        if self.dry_run == DryRun::Server {
            query.push_str("&dryRun=All");
        }
        query
    }

    async fn call(
        &self,
        method: Method,
        path: String,
        body: Option<(&str, &Value)>,
    ) -> Result<Value, ApiError> {
        let mut request = Request::builder().method(method).uri(path).header("Accept", "application/json");
        let bytes = match body {
            None => Vec::new(),
            Some((content_type, value)) => {
                request = request.header("Content-Type", content_type);
                serde_json::to_vec(value).map_err(kube::Error::SerdeError)?
            }
        };
        let request = request.body(Body::from(bytes)).map_err(kube::Error::HttpError)?;
        let response = self.client.send(request).await?;
        let (parts, body) = response.into_parts();
        let bytes = body.collect_bytes().await?;
        for warning in parts.headers.get_all(http::header::WARNING) {
            if let Some(text) = warning.to_str().ok().and_then(warning_text) {
                self.warnings.lock().unwrap_or_else(PoisonError::into_inner).push(text);
            }
        }
        if parts.status.is_client_error() || parts.status.is_server_error() {
            let status = serde_json::from_slice::<Status>(&bytes).unwrap_or_else(|_| {
                let text = String::from_utf8_lossy(&bytes).trim().to_owned();
                Status::failure(&text, "Failed to parse error data").with_code(parts.status.as_u16())
            });
            return Err(kube::Error::Api(status.boxed()).into());
        }
        Ok(serde_json::from_slice(&bytes).map_err(kube::Error::SerdeError)?)
    }
}

/// Returns the text of a warning header: `299 - "text"`.
fn warning_text(header: &str) -> Option<String> {
    let quoted = header.split_once('"')?.1;
    let mut text = String::new();
    let mut letters = quoted.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => return Some(text),
            '\\' => text.extend(letters.next()),
            other => text.push(other),
        }
    }
    None
}

/// Path of an object or of a part of it.
fn object_path(
    kind: &ResourceKind,
    namespace: Option<&str>,
    name: &str,
    subresource: Subresource<'_>,
) -> String {
    let mut path = format!("{}/{}", kind.path(namespace), escape(name));
    if let Some(subresource) = subresource {
        path.push('/');
        path.push_str(subresource);
    }
    path
}

/// Percent-encodes everything that is not plain in a path segment or query value.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                escaped.push(char::from(byte));
            }
            _ => write!(escaped, "%{byte:02X}").expect("writing to a text cannot fail"),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_are_taken_out_of_their_header() {
        assert_eq!(warning_text("299 - \"a \\\"b\\\" c\"").unwrap(), "a \"b\" c");
        assert_eq!(warning_text("nothing quoted"), None);
    }

    #[test]
    fn paths_are_escaped() {
        let kind = ResourceKind {
            version: "v1".into(),
            plural: "pods".into(),
            scope: crate::discovery::Scope::Namespaced,
            ..ResourceKind::default()
        };
        assert_eq!(
            object_path(&kind, Some("n"), "a:b", Some("status")),
            "/api/v1/namespaces/n/pods/a%3Ab/status"
        );
    }
}
