//! Answers: objects, lists, tables, metadata, errors.

use axum::body::Body;
use axum::response::Response;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::convert;
use super::failure::Failure;
use super::list_body::ListBody;
use super::negotiate::{self, Encoding, Form, Negotiated};
use super::query::Query;
use super::yaml;
use crate::protobuf;
use crate::registry::table::held_metadata;
use crate::registry::{IncludeObject, Resource, prepare, table};
use crate::store::Stored;

const WARNING: HeaderName = HeaderName::from_static("warning");

/// An object that was read or written.
#[derive(Clone, Debug)]
pub(crate) enum Saved {
    Stored(std::sync::Arc<Stored>),
    /// An object that is not in the store: of a dry run, or its last state.
    Unstored(Value),
}

/// How one client sees the objects of one resource.
#[derive(Clone, Debug)]
pub(super) struct View<'a> {
    pub(super) resource: &'a Resource,
    pub(super) negotiated: Negotiated,
    pub(super) include: IncludeObject,
    pub(super) now: Timestamp,
}

/// Metadata of a list besides its items.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ListMeta {
    pub(super) revision: u64,
    pub(super) token: Option<String>,
    pub(super) remaining: Option<usize>,
}

impl Saved {
    pub(crate) fn value(&self, resource: &Resource) -> Value {
        match self {
            Self::Stored(stored) => convert::read(stored, resource),
            Self::Unstored(value) => {
                let mut value = value.clone();
                if resource.defaults_on_read {
                    prepare::default_on_read(resource, &mut value);
                }
                value
            }
        }
    }
}

impl ListMeta {
    fn value(&self, resource: &Resource) -> Value {
        let mut meta = Map::new();
        if resource.is_custom() {
            meta.insert("continue".to_owned(), "".into());
        }
        meta.insert("resourceVersion".to_owned(), self.revision.to_string().into());
        if let Some(token) = &self.token {
            meta.insert("continue".to_owned(), token.clone().into());
        }
        if let Some(remaining) = self.remaining {
            meta.insert("remainingItemCount".to_owned(), remaining.into());
        }
        Value::Object(meta)
    }
}

/// Reads how much of an object a table's rows carry.
pub(super) fn include_object(query: &Query) -> Result<IncludeObject, Failure> {
    match query.text("includeObject") {
        "" | "Metadata" => Ok(IncludeObject::Metadata),
        "Object" => Ok(IncludeObject::Object),
        "None" => Ok(IncludeObject::None),
        other => Err(Failure::bad_request(format!(
            "Unable to convert to Table as requested: includeObject: Invalid value: {other:?}: must be 'Metadata', 'Object', 'None', or empty"
        ))),
    }
}

/// Reduces an object to its metadata.
fn partial(resource: &Resource, object: &Value, version: &str) -> Value {
    json!({"kind": "PartialObjectMetadata", "apiVersion": format!("meta.k8s.io/{version}"),
        "metadata": held_metadata(resource, object)})
}

impl View<'_> {
    /// Says whether stored bytes can be sent as they are.
    fn is_plain(&self) -> bool {
        self.negotiated.form == Form::Object && self.negotiated.encoding == Encoding::Json
    }

    /// Returns the table of some objects, in the client's version of tables.
    fn table(&self, objects: &[&Value], meta: Option<&Value>, version: &str) -> Value {
        let mut table = table(self.resource, objects, self.include, meta, self.now);
        if version != "v1" {
            let api_version = Value::from(format!("meta.k8s.io/{version}"));
            for row in table.get_mut("rows").and_then(Value::as_array_mut).into_iter().flatten() {
                if let Some(object) = row.get_mut("object")
                    && object.get("kind").is_some_and(|kind| kind == "PartialObjectMetadata")
                {
                    object["apiVersion"] = api_version.clone();
                }
            }
            table["apiVersion"] = api_version;
        }
        table
    }

    /// Transforms one object as the client asked.
    pub(super) fn transform(&self, object: Value) -> Result<Value, Failure> {
        match &self.negotiated.form {
            Form::Object => Ok(object),
            Form::Table(version) => Ok(self.table(&[&object], None, version)),
            Form::PartialObject(version) => Ok(partial(self.resource, &object, version)),
            Form::PartialObjectList(_) => Err(not_a_list(self.resource)),
        }
    }

    /// Appends one stored object as JSON text.
    pub(super) fn write(&self, out: &mut Vec<u8>, stored: &Stored) -> Result<(), Failure> {
        if self.negotiated.form == Form::Object && convert::is_same_version(stored, self.resource) {
            stored.write_object(out, &self.resource.api_version(), &self.resource.kind);
            return Ok(());
        }
        let value = self.transform(convert::read(stored, self.resource))?;
        serde_json::to_writer(out, &value).expect("writing JSON to memory cannot fail");
        Ok(())
    }

    /// Answers with one object.
    pub(super) fn object(&self, code: StatusCode, saved: &Saved) -> Result<Response, Failure> {
        if let (Saved::Stored(stored), true) = (saved, self.is_plain()) {
            let mut bytes = Vec::with_capacity(stored.size());
            self.write(&mut bytes, stored)?;
            bytes.push(b'\n');
            return Ok(response(code, Encoding::Json, bytes));
        }
        Ok(value_response(code, self.negotiated.encoding, &self.transform(saved.value(self.resource))?))
    }

    /// Answers with a list.
    pub(super) fn list(
        &self,
        meta: &ListMeta,
        items: Vec<std::sync::Arc<Stored>>,
    ) -> Result<Response, Failure> {
        let resource = self.resource;
        if self.is_plain() && items.iter().all(|item| convert::is_same_version(item, resource)) {
            let body = Body::new(self.plain_list(meta, items));
            return Ok(with_type(StatusCode::OK, "application/json", body));
        }
        let objects: Vec<Value> = items.iter().map(|item| convert::read(item, resource)).collect();
        let mut meta = meta.value(resource);
        if let (true, Some(meta)) = (self.negotiated.form != Form::Object, meta.as_object_mut()) {
            meta.retain(|_, value| *value != "");
        }
        let list = match &self.negotiated.form {
            Form::Object => {
                let items: Vec<Value> = objects
                    .into_iter()
                    .map(|mut object| {
                        if let (false, Some(map)) = (resource.is_custom(), object.as_object_mut()) {
                            map.remove("kind");
                            map.remove("apiVersion");
                        }
                        object
                    })
                    .collect();
                json!({"kind": resource.list_kind, "apiVersion": resource.api_version(), "metadata": meta, "items": items})
            }
            Form::Table(version) => self.table(&objects.iter().collect::<Vec<_>>(), Some(&meta), version),
            Form::PartialObjectList(version) => {
                let items: Value = if objects.is_empty() {
                    Value::Null
                } else {
                    objects.iter().map(|object| partial(self.resource, object, version)).collect()
                };
                json!({"kind": "PartialObjectMetadataList", "apiVersion": format!("meta.k8s.io/{version}"),
                    "metadata": meta, "items": items})
            }
            Form::PartialObject(_) => {
                let shown = if resource.is_custom() {
                    "*unstructured.UnstructuredList".to_owned()
                } else {
                    format!("*{}.{}", internal_group(&resource.group), resource.list_kind)
                };
                return Err(transform_refused(format!(
                    "you requested PartialObjectMetadata, but the requested object is a list ({shown})"
                )));
            }
        };
        Ok(value_response(StatusCode::OK, self.negotiated.encoding, &list))
    }

    fn plain_list(&self, meta: &ListMeta, items: Vec<std::sync::Arc<Stored>>) -> ListBody {
        let resource = self.resource;
        let text = |text: &str| Value::from(text).to_string();
        let api_version = text(&resource.api_version());
        let head = format!(
            "{{\"kind\":{},\"apiVersion\":{api_version},\"metadata\":{},\"items\":[",
            text(&resource.list_kind),
            meta.value(resource)
        );
        // Lists of built-in kinds do not repeat the type.
        let opening = if resource.is_custom() {
            format!("{{\"kind\":{},\"apiVersion\":{api_version},", text(&resource.kind))
        } else {
            "{".to_owned()
        };
        ListBody::new(head.into_bytes(), opening.into_bytes(), items)
    }
}

/// Returns the name of the real server's internal package of a group, which some messages show.
fn internal_group(group: &str) -> &str {
    match group.split('.').next() {
        Some("") | None => "core",
        Some(first) => first,
    }
}

fn not_a_list(resource: &Resource) -> Failure {
    let shown = if resource.is_custom() {
        "*unstructured.Unstructured".to_owned()
    } else {
        format!("*{}.{}", internal_group(&resource.group), resource.kind)
    };
    transform_refused(format!(
        "you requested PartialObjectMetadataList, but the requested object is not a list ({shown})"
    ))
}

fn transform_refused(message: String) -> Failure {
    let mut failure = Failure::not_acceptable("");
    failure.message = message;
    failure.details = None;
    failure
}

/// Answers with a JSON value in the agreed encoding.
pub(super) fn value_response(code: StatusCode, encoding: Encoding, value: &Value) -> Response {
    let bytes = match encoding {
        Encoding::Json => {
            let mut bytes = serde_json::to_vec(value).expect("a value is always JSON");
            bytes.push(b'\n');
            bytes
        }
        Encoding::PrettyJson => serde_json::to_vec_pretty(value).expect("a value is always JSON"),
        Encoding::Yaml => yaml::to_yaml(value).into_bytes(),
        Encoding::Protobuf => match protobuf::encode(value) {
            Ok(bytes) => bytes,
            Err(error) => return not_encodable(&error),
        },
    };
    response(code, encoding, bytes)
}

/// Answers for a value that should have a message and has none.
fn not_encodable(error: &protobuf::EncodeError) -> Response {
    tracing::error!(error = error as &dyn std::error::Error, "an answer has no protobuf form");
    let failure = Failure::internal("the object has no protobuf form");
    value_response(failure.code, Encoding::Json, &failure.status())
}

/// Answers with bytes of an encoding.
pub(super) fn response(code: StatusCode, encoding: Encoding, bytes: Vec<u8>) -> Response {
    let content_type = match encoding {
        Encoding::Json | Encoding::PrettyJson => "application/json",
        Encoding::Yaml => "application/yaml",
        Encoding::Protobuf => "application/vnd.kubernetes.protobuf",
    };
    with_type(code, content_type, Body::from(bytes))
}

/// Answers with a body of a media type.
pub(super) fn with_type(code: StatusCode, content_type: &str, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = code;
    if let Ok(value) = HeaderValue::from_str(content_type) {
        response.headers_mut().insert(CONTENT_TYPE, value);
    }
    response.headers_mut().insert("cache-control", HeaderValue::from_static("no-cache, private"));
    response
}

/// Answers with plain text.
pub(super) fn text(code: StatusCode, text: &str) -> Response {
    let mut response = with_type(code, "text/plain; charset=utf-8", Body::from(text.to_owned()));
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Answers with an error.
pub(super) fn failure(failure: &Failure, headers: &HeaderMap, query: &Query) -> Response {
    let mut response = if failure.plain {
        text(failure.code, &failure.message)
    } else {
        value_response(failure.code, negotiate::error_encoding(headers, query), &failure.status())
    };
    if let Some(seconds) = failure.retry_after {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    warn(response, &failure.warnings)
}

/// Adds `Warning` headers.
pub(super) fn warn(mut response: Response, warnings: &[String]) -> Response {
    for warning in warnings {
        let escaped = warning.replace('\\', "\\\\").replace('"', "\\\"");
        if let Ok(value) = HeaderValue::from_bytes(format!("299 - \"{escaped}\"").as_bytes()) {
            response.headers_mut().append(WARNING, value);
        }
    }
    response
}
