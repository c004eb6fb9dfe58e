//! Applying one object.

use serde_json::{Value, json};

use crate::api_error::ApiError;
use crate::change::{
    Deletion, Found, LAST_APPLIED, PatchType, Propagation, Writer, last_applied, merge_patch_between,
    patch_schema, three_way, while_doing, with_last_applied,
};
use crate::error::CliError;

/// How often a change is tried again when the object changed in between.
const ATTEMPTS: usize = 5;

/// Who compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApplyMode {
    /// This program, with what was applied last in an annotation.
    Client,
    /// As `Client`; what cannot be changed is deleted and created again.
    ClientOrAnew,
    /// The server, by the owners of fields.
    Server(PatchType),
}

/// What became of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Created,
    Configured,
    /// Nobody had applied it before: there was nothing to compare with.
    ConfiguredWithoutRecord,
    Unchanged,
    ServerSide,
}

impl Outcome {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Configured | Self::ConfiguredWithoutRecord => "configured",
            Self::Unchanged => "unchanged",
            Self::ServerSide => "serverside-applied",
        }
    }
}

/// An object that is applied.
#[derive(Clone, Debug)]
pub struct Applied {
    /// As the server has it now; in a dry run as it would be.
    pub object: Value,
    pub outcome: Outcome,
}

/// Applies an object of a file.
pub async fn apply_object(
    writer: &Writer,
    found: &Found,
    mode: ApplyMode,
    subresource: Option<&str>,
) -> Result<Applied, CliError> {
    let Some(local) = &found.local else { return Err(CliError::failed(NoFile)) };
    if found.name.is_empty() {
        return Err(CliError::failed(NoName { origin: local.origin.clone() }));
    }
    if let ApplyMode::Server(patch_type) = mode {
        return apply_on_server(writer, found, &local.object, patch_type, subresource).await;
    }
    let namespace = found.namespace.as_deref();
    let wanted = with_last_applied(&local.object);
    let mut attempt = 1;
    loop {
        let current = writer.find(&found.kind, namespace, &found.name).await.map_err(|error| {
            while_doing(format!("error when retrieving current configuration of {:?}", local.origin), error)
        })?;
        let Some(current) = current else {
            let object = if writer.dry_run.is_client() {
                wanted
            } else {
                let created = writer.create(&found.kind, namespace, &wanted).await;
                created
                    .map_err(|error| while_doing(format!("error when creating {:?}", local.origin), error))?
            };
            return Ok(Applied { object, outcome: Outcome::Created });
        };
        let change = Change::between(&current, &wanted);
        // DEVIATION: upstream says `configured` in a dry run even when nothing would change.
        let Some(patch) = change.patch else {
            return Ok(Applied { object: current, outcome: Outcome::Unchanged });
        };
        let outcome = change.outcome;
        if writer.dry_run.is_client() {
            return Ok(Applied { object: change.desired, outcome });
        }
        let patched = writer.patch(&found.kind, namespace, &found.name, None, PatchType::Merge, &patch).await;
        match patched {
            Ok(object) => return Ok(Applied { object, outcome }),
            Err(error) if error.code() == Some(409) && attempt < ATTEMPTS => attempt += 1,
            Err(error) if mode == ApplyMode::ClientOrAnew && is_immutable(&error) => {
                return replace_anew(writer, found, &wanted).await;
            }
            Err(error) => {
                return Err(while_doing(format!("error when patching {:?}", local.origin), error));
            }
        }
    }
}

/// How an object has to change.
struct Change {
    desired: Value,
    /// A merge patch that holds for this version only: lists in it are whole.
    patch: Option<Value>,
    outcome: Outcome,
}

impl Change {
    /// Compares what is wanted with what was applied last and with what is there.
    ///
    /// DEVIATION: upstream sends a strategic merge patch, this a merge patch with the same result.
    fn between(current: &Value, wanted: &Value) -> Self {
        let original = last_applied(current);
        let outcome = match original {
            Some(_) => Outcome::Configured,
            None => Outcome::ConfiguredWithoutRecord,
        };
        let text = |field: &str| wanted[field].as_str().unwrap_or_default();
        let schema = patch_schema(text("apiVersion"), text("kind"));
        let desired = three_way(&original.unwrap_or_else(|| json!({})), wanted, current, schema.as_deref());
        let mut patch = merge_patch_between(current, &desired);
        if let Some(patch) = &mut patch {
            patch["metadata"]["resourceVersion"] = current["metadata"]["resourceVersion"].clone();
        }
        Self { desired, patch, outcome }
    }
}

async fn apply_on_server(
    writer: &Writer,
    found: &Found,
    object: &Value,
    patch_type: PatchType,
    subresource: Option<&str>,
) -> Result<Applied, CliError> {
    let mut object = object.clone();
    if let Some(annotations) = object.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        annotations.remove(LAST_APPLIED);
    }
    let namespace = found.namespace.as_deref();
    let applied = writer.patch(&found.kind, namespace, &found.name, subresource, patch_type, &object).await;
    match applied {
        Ok(object) => Ok(Applied { object, outcome: Outcome::ServerSide }),
        Err(error) if error.code() == Some(409) && error.to_string().contains("conflict") => {
            Err(CliError::failed(error)
                .with_hint("--force-conflicts takes the fields over; else take them out of the file"))
        }
        Err(error) => Err(error.into()),
    }
}

/// Deletes an object and creates it as it is wanted.
async fn replace_anew(writer: &Writer, found: &Found, wanted: &Value) -> Result<Applied, CliError> {
    let namespace = found.namespace.as_deref();
    let deletion = Deletion { propagation: Propagation::Background, grace_period: None };
    writer.delete(&found.kind, namespace, &found.name, &deletion).await?;
    let what = format!("the end of {}", found.label());
    let gone = crate::wait::wait_until(&what, ANEW_TIMEOUT, || async {
        Ok(match writer.find(&found.kind, namespace, &found.name).await? {
            None => crate::wait::Probe::Ready(()),
            Some(_) => crate::wait::Probe::NotYet("it is still there".to_owned()),
        })
    });
    gone.await.map_err(CliError::failed)?;
    let object = writer.create(&found.kind, namespace, wanted).await?;
    Ok(Applied { object, outcome: Outcome::Configured })
}

/// How long an object may take to go before it is created again.
const ANEW_TIMEOUT: std::time::Duration = std::time::Duration::from_mins(1);

fn is_immutable(error: &ApiError) -> bool {
    matches!(error.code(), Some(409 | 422))
}

/// An object that no file describes.
#[derive(Debug, thiserror::Error)]
#[error("only objects of files can be applied")]
struct NoFile;

/// An object that cannot be found again.
#[derive(Debug, thiserror::Error)]
#[error("{origin}: an object without metadata.name cannot be applied (generateName is for create)")]
struct NoName {
    origin: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_holds_for_one_version_only() {
        let wanted = with_last_applied(&json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"k": "1"},
        }));
        let mut current = wanted.clone();
        current["metadata"]["resourceVersion"] = json!("7");
        current["metadata"]["uid"] = json!("x");
        assert_eq!(Change::between(&current, &wanted).patch, None);
        let next = with_last_applied(&json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"n": "1"},
        }));
        let change = Change::between(&current, &next);
        assert_eq!(change.outcome, Outcome::Configured);
        let patch = change.patch.unwrap();
        assert_eq!(patch["data"], json!({"k": null, "n": "1"}));
        assert_eq!(patch["metadata"]["resourceVersion"], "7");
        let foreign = json!({"metadata": {"name": "a", "resourceVersion": "7"}, "data": {"o": "1"}});
        let change = Change::between(&foreign, &next);
        assert_eq!(change.outcome, Outcome::ConfiguredWithoutRecord);
        assert_eq!(change.desired["data"], json!({"o": "1", "n": "1"}));
    }
}
