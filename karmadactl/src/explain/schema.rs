//! Finding a field in the documents of a server.

use std::collections::BTreeMap;

use http::Request;
use serde_json::Value;

use crate::api_error::ApiError;
use crate::discovery::{Discovery, ResourceKind, UnknownType};

/// Deepest chain of references; schemas may go in circles.
pub(super) const DEEPEST: usize = 64;

/// A kind's schema and the place in it that was asked for.
#[derive(Clone, Debug)]
pub struct Explained {
    pub kind: ResourceKind,
    /// Names of the fields on the way.
    pub path: Vec<String>,
    schemas: BTreeMap<String, Value>,
    /// The schema of the place, as its parent has it.
    schema: Value,
}

/// What cannot be explained.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    #[error(transparent)]
    UnknownType(#[from] UnknownType),
    #[error("couldn't find resource for {api_version:?}, Kind={name:?}")]
    UnknownVersion { api_version: String, name: String },
    #[error("the server does not describe {api_version} {kind}")]
    NotDescribed { api_version: String, kind: String },
    #[error("field {field:?} does not exist")]
    NoField { field: String, kind: Box<ResourceKind> },
    #[error(transparent)]
    Api(#[from] ApiError),
}

/// Explains `TYPE.FIELD.FIELD`, of `api_version` when that is given.
///
/// # Errors
/// When the server has no such type or field.
pub async fn explain(
    client: &kube::Client,
    what: &str,
    api_version: Option<&str>,
) -> Result<Explained, ExplainError> {
    let discovery = Discovery::of(client).await?;
    let (kind, path) = find_kind(&discovery, what, api_version)?;
    let root = if kind.group.is_empty() { "api" } else { "apis" };
    let key = format!("{root}/{}", kind.api_version());
    let index = read(client, "/openapi/v3").await?;
    let not_described =
        || ExplainError::NotDescribed { api_version: kind.api_version(), kind: kind.kind.clone() };
    let url = index["paths"][&key]["serverRelativeURL"].as_str().ok_or_else(not_described)?;
    let mut document = read(client, url).await?;
    let schemas: BTreeMap<String, Value> = match document["components"]["schemas"].take() {
        Value::Object(schemas) => schemas.into_iter().collect(),
        _ => BTreeMap::new(),
    };
    let schema = schemas.values().find(|schema| is_of(schema, &kind)).cloned().ok_or_else(not_described)?;
    let mut explained = Explained { kind, path: Vec::new(), schemas, schema };
    for field in path {
        let fields = explained.fields();
        let found = fields.into_iter().find(|(name, _)| **name == field).map(|(_, schema)| schema.clone());
        explained.schema = found.ok_or_else(|| ExplainError::NoField {
            field: field.clone(),
            kind: Box::new(explained.kind.clone()),
        })?;
        explained.path.push(field);
    }
    Ok(explained)
}

/// Takes the longest beginning that is a type; the rest are fields.
fn find_kind(
    discovery: &Discovery,
    what: &str,
    api_version: Option<&str>,
) -> Result<(ResourceKind, Vec<String>), ExplainError> {
    let what = what.trim_end_matches('.');
    let (name, rest) = what.split_once('.').unwrap_or((what, ""));
    let fields = |rest: &str| -> Vec<String> {
        rest.split('.').filter(|field| !field.is_empty()).map(str::to_owned).collect()
    };
    // A group may follow the type: `deployments.apps.spec`.
    let groups = discovery.kinds().iter().filter(|kind| {
        !kind.group.is_empty()
            && rest.strip_prefix(&kind.group).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    });
    let group = groups.map(|kind| kind.group.as_str()).max_by_key(|group| group.len());
    if let Some(group) = group
        && let Ok(kinds) = discovery.find(&format!("{name}.{group}"))
        && let Some(kind) = kinds.first()
    {
        let kind = in_version(discovery, kind, api_version)?;
        return Ok((kind, fields(&rest[group.len()..])));
    }
    let kinds = discovery.find(name)?;
    let kind = kinds.first().ok_or_else(|| UnknownType { name: name.to_owned() })?;
    Ok((in_version(discovery, kind, api_version)?, fields(rest)))
}

fn in_version(
    discovery: &Discovery,
    kind: &ResourceKind,
    api_version: Option<&str>,
) -> Result<ResourceKind, ExplainError> {
    let Some(api_version) = api_version.filter(|version| !version.is_empty()) else {
        return Ok(kind.clone());
    };
    discovery.kind(api_version, &kind.kind).cloned().ok_or_else(|| ExplainError::UnknownVersion {
        api_version: api_version.to_owned(),
        name: kind.kind.clone(),
    })
}

fn is_of(schema: &Value, kind: &ResourceKind) -> bool {
    let claims = schema["x-kubernetes-group-version-kind"].as_array().into_iter().flatten();
    let mut claims = claims.filter(|claim| {
        claim["group"] == kind.group.as_str()
            && claim["version"] == kind.version.as_str()
            && claim["kind"] == kind.kind.as_str()
    });
    claims.next().is_some()
}

async fn read(client: &kube::Client, path: &str) -> Result<Value, ApiError> {
    let request = Request::get(path).header("Accept", "application/json").body(Vec::new());
    Ok(client.request(request.map_err(kube::Error::HttpError)?).await?)
}

impl Explained {
    /// The schema of the place, as its parent has it.
    pub(super) fn schema(&self) -> &Value {
        &self.schema
    }

    /// Returns the fields of the place: those of its object, of its items or of its values.
    pub(super) fn fields(&self) -> Vec<(&String, &Value)> {
        self.fields_of(&self.schema)
    }

    pub(super) fn fields_of<'a>(&'a self, schema: &'a Value) -> Vec<(&'a String, &'a Value)> {
        self.object_of(schema)["properties"].as_object().into_iter().flatten().collect()
    }

    /// Returns the schema that the fields of a place are in.
    pub(super) fn object_of<'a>(&'a self, schema: &'a Value) -> &'a Value {
        let mut schema = schema;
        for _ in 0..DEEPEST {
            schema = if let Some(name) = reference(schema) {
                self.schemas.get(name).unwrap_or(&Value::Null)
            } else if schema["items"].is_object() {
                &schema["items"]
            } else if schema["additionalProperties"].is_object() {
                &schema["additionalProperties"]
            } else {
                return schema;
            };
        }
        &Value::Null
    }

    /// Returns the schema that a reference leads to, or the schema itself.
    pub(super) fn resolved<'a>(&'a self, schema: &'a Value) -> &'a Value {
        reference(schema).map_or(schema, |name| self.schemas.get(name).unwrap_or(&Value::Null))
    }
}

/// Returns the name of the schema that this one refers to.
pub(super) fn reference(schema: &Value) -> Option<&str> {
    let own = schema["$ref"].as_str();
    let wrapped = || schema["allOf"].as_array()?.first()?["$ref"].as_str();
    own.or_else(wrapped)?.rsplit('/').next()
}

#[cfg(test)]
impl Explained {
    pub(super) fn for_test(schemas: Value, name: &str, kind: ResourceKind, path: &[&str]) -> Self {
        let Value::Object(schemas) = schemas else { panic!("no schemas") };
        let schemas: BTreeMap<String, Value> = schemas.into_iter().collect();
        let schema = schemas[name].clone();
        Self { kind, path: path.iter().map(|&field| field.to_owned()).collect(), schemas, schema }
    }
}
