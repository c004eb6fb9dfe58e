//! Server-side apply of a plan.

use http::Request;
use serde_json::Value;

use super::{Plan, PlannedObject};
use crate::api_error::ApiError;
use crate::discovery::{Discovery, ResourceKind};

/// Who owns the fields that propagate sets.
const FIELD_MANAGER: &str = "karmadactl";

/// Whether the server keeps what it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Persistence {
    Kept,
    /// Everything but the write: validation, defaults, admission.
    DryRun,
}

/// What happens to fields that somebody else set to another value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conflicts {
    Refused,
    Overwritten,
}

/// How a plan is applied.
#[derive(Clone, Copy, Debug)]
pub struct ApplyOptions {
    pub persistence: Persistence,
    pub conflicts: Conflicts,
}

/// An object the server took.
#[derive(Clone, Debug)]
pub struct Applied {
    pub planned: PlannedObject,
    pub kind: ResourceKind,
    /// The object as the server has it now.
    pub object: Value,
}

/// An object the server did not take. Those before it are applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    #[error("the server doesn't have a resource type {kind:?} in {api_version:?}")]
    UnknownKind { manifest: Option<usize>, kind: String, api_version: String },
    #[error("cannot apply {label}")]
    Refused {
        manifest: Option<usize>,
        label: String,
        #[source]
        source: Box<ApiError>,
    },
}

impl ApplyError {
    /// Which manifest was refused.
    pub fn manifest(&self) -> Option<usize> {
        match self {
            Self::UnknownKind { manifest, .. } | Self::Refused { manifest, .. } => *manifest,
        }
    }

    /// Paths of the fields the server complains about.
    pub fn fields(&self) -> Vec<String> {
        let Self::Refused { source, .. } = self else { return Vec::new() };
        let kube::Error::Api(status) = &source.0 else { return Vec::new() };
        let causes = status.details.as_ref().map(|details| details.causes.as_slice()).unwrap_or_default();
        causes.iter().map(|cause| cause.field.clone()).filter(|field| !field.is_empty()).collect()
    }

    /// Whether somebody else owns a field.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Refused { source, .. } if source.code() == Some(409))
    }
}

/// Applies every object of a plan in order; `report` hears of each.
pub async fn apply_plan(
    client: &kube::Client,
    discovery: &Discovery,
    plan: &Plan,
    options: ApplyOptions,
    mut report: impl FnMut(&Applied),
) -> Result<Vec<Applied>, ApplyError> {
    let mut applied = Vec::new();
    for planned in &plan.objects {
        let object = apply_one(client, discovery, planned, options).await?;
        report(&object);
        applied.push(object);
    }
    Ok(applied)
}

async fn apply_one(
    client: &kube::Client,
    discovery: &Discovery,
    planned: &PlannedObject,
    options: ApplyOptions,
) -> Result<Applied, ApplyError> {
    let object = &planned.object;
    let (api_version, kind) = (text(object, "apiVersion"), text(object, "kind"));
    let kind = discovery.kind(api_version, kind).ok_or_else(|| ApplyError::UnknownKind {
        manifest: planned.manifest,
        kind: kind.to_owned(),
        api_version: api_version.to_owned(),
    })?;
    let name = text(&object["metadata"], "name");
    let refused = |source: kube::Error| ApplyError::Refused {
        manifest: planned.manifest,
        label: format!("{}/{name}", kind.qualified_singular()),
        source: Box::new(ApiError(source)),
    };
    let mut path = kind.path(object["metadata"]["namespace"].as_str());
    path.push_str(&format_query(name, options));
    let body = serde_json::to_vec(object).map_err(|source| refused(kube::Error::SerdeError(source)))?;
    let request = Request::patch(path)
        .header("Content-Type", "application/apply-patch+yaml")
        .header("Accept", "application/json")
        .body(body)
        .map_err(|source| refused(kube::Error::HttpError(source)))?;
    let object = client.request(request).await.map_err(refused)?;
    Ok(Applied { planned: planned.clone(), kind: kind.clone(), object })
}

fn format_query(name: &str, options: ApplyOptions) -> String {
    let force = options.conflicts == Conflicts::Overwritten;
    let mut query = format!("/{name}?fieldManager={FIELD_MANAGER}&force={force}&fieldValidation=Strict");
    if options.persistence == Persistence::DryRun {
        query.push_str("&dryRun=All");
    }
    query
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}
