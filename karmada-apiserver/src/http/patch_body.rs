//! The PATCH verb: which language a patch is in, and what it makes of an object.

use bytes::Bytes;
use http::HeaderMap;
use serde_json::Value;

use super::call::{Call, object_name};
use super::failure::{Cause, Failure};
use super::respond::Saved;
use super::update::{Changed, check_names, check_namespace_matches};
use super::{body, dispatch};
use crate::patch::{self, ApplyError, ApplyOptions, Force, PatchError};
use crate::registry::{PrepareError, UpdateTarget, prepare};

/// The language of a patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    Json,
    Merge,
    Strategic,
    Apply,
}

/// What the refusal of a patch shows of it, which is put together when there is one.
#[derive(Clone, Debug)]
pub(super) struct Shown(Patch);

impl Shown {
    /// Returns a strategic patch itself, the result of any other.
    fn text(&self, call: &Call<'_>, old: &Value) -> Result<String, Failure> {
        let patch = self.0.parse()?;
        match self.0.language {
            Language::Strategic => Ok(patch::go_value(&patch)),
            _ => Ok(self.0.patched(call, old, &patch)?.to_string()),
        }
    }

    /// Returns the answer for a patch that leaves an object nobody can read.
    pub(super) fn refusal(&self, call: &Call<'_>, old: &Value, error: &PrepareError) -> Failure {
        let why = match (self.0.language, error) {
            (Language::Strategic, PrepareError::Unreadable(mismatch)) => mismatch.converted.clone(),
            _ => error.to_string(),
        };
        match self.text(call, old) {
            Ok(text) => Failure::unreadable_patch(&text, &why),
            Err(failure) => failure,
        }
    }
}

/// Languages of patches that custom resources take.
const CUSTOM_PATCHES: &str =
    "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml";

/// A patch as it came.
#[derive(Clone, Debug)]
pub(super) struct Patch {
    pub(super) language: Language,
    body: Bytes,
}

impl Patch {
    /// Reads the language of a patch.
    pub(super) fn read(call: &Call<'_>, headers: &HeaderMap, body: Bytes) -> Result<Self, Failure> {
        let custom = call.resource.is_custom();
        let language = match body::media_type(headers).as_str() {
            "application/json-patch+json" => Language::Json,
            "application/merge-patch+json" => Language::Merge,
            "application/strategic-merge-patch+json" if !custom => Language::Strategic,
            "application/apply-patch+yaml" => Language::Apply,
            _ if custom => return Err(Failure::unsupported_media_type(CUSTOM_PATCHES)),
            _ => return Err(Failure::unsupported_patch()),
        };
        Ok(Self { language, body })
    }

    /// Parses the text of a patch that is no apply.
    fn parse(&self) -> Result<Value, Failure> {
        patch::decode_json(&self.body).map_err(|error| match self.language {
            Language::Json | Language::Merge => {
                Failure::bad_request(format!("error decoding patch: {error}"))
            }
            _ => Failure::bad_request(error),
        })
    }

    fn patched(&self, call: &Call<'_>, old: &Value, patch: &Value) -> Result<Value, Failure> {
        let result = match self.language {
            Language::Json => patch::json_patch(old, patch),
            Language::Merge => patch::merge_patch(old, patch),
            Language::Strategic => patch::strategic_merge_patch(old, patch, &call.resource.schema),
            Language::Apply => Ok(old.clone()),
        };
        result.map_err(|error| patch_failure(&error))
    }

    /// A patch may not move an object or make another kind of it.
    fn check_patched(&self, call: &Call<'_>, new: &mut Value) -> Result<(), Failure> {
        let resource = &call.resource;
        let type_meta = |key: &str| new.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (kind, api_version) = (type_meta("kind"), type_meta("apiVersion"));
        let same = kind == resource.kind && api_version == resource.api_version();
        if self.language != Language::Strategic && !same {
            let known = call.resource.is_custom() || kind.is_empty() || api_version.is_empty();
            if known {
                dispatch::check_kind(call, &kind, &api_version, new)?;
            } else {
                let claimed = (kind.as_str(), api_version.as_str());
                let why = dispatch::foreign_kind_problem(call, &resource.kind, &resource.group, claimed, new);
                return Err(Failure::unreadable_patch(&new.to_string(), &why));
            }
        }
        // Metadata that is none is for the decoder to refuse.
        match new.get("metadata") {
            None | Some(Value::Null | Value::Object(_)) => check_names(call, new),
            Some(_) => Ok(()),
        }
    }

    /// Applies the patch to an object of the main resource or its status.
    pub(super) async fn run(&self, call: &mut Call<'_>, target: UpdateTarget) -> Result<Patched, Failure> {
        if self.language == Language::Apply {
            return self.apply(call, target).await;
        }
        if call.options.force.is_some() {
            return Err(force_without_apply());
        }
        call.existing()?;
        let patch = self.parse()?;
        let saved = call
            .change(target, |call, old| {
                let mut new = self.patched(call, old, &patch)?;
                self.check_patched(call, &mut new)?;
                Ok(Changed::Patched { new, shown: Shown(self.clone()) })
            })
            .await?;
        Ok(Patched { saved, created: false })
    }

    /// Applies the patch to another object that stands for the resource, such as its scale.
    pub(super) fn on_view(&self, view: &Value, schema: &crate::registry::Schema) -> Result<Value, Failure> {
        let patch = self.parse()?;
        let result = match self.language {
            Language::Json => patch::json_patch(view, &patch),
            Language::Merge => patch::merge_patch(view, &patch),
            Language::Strategic => patch::strategic_merge_patch(view, &patch, schema),
            Language::Apply => patch::merge_patch(view, &patch),
        };
        result.map_err(|error| patch_failure(&error))
    }

    /// Parses the configuration of an apply.
    pub(super) fn configuration(&self) -> Result<Value, Failure> {
        let value = if body::looks_like_json(&self.body) {
            // YAML takes more than JSON does; what neither takes is refused as YAML.
            patch::decode_json(&self.body)
                .or_else(|_| body::parse_yaml(&self.body).map_err(|_| body::unfinished_flow(&self.body)))
        } else {
            body::parse_yaml(&self.body)
        };
        let value = value.map_err(|error| Failure::bad_request(format!("error decoding YAML: {error}")))?;
        if value.is_object() {
            return Ok(value);
        }
        if value.is_null() {
            // Nothing is an object that says nothing, not even what it is.
            return Ok(Value::Object(serde_json::Map::new()));
        }
        let found = match value {
            Value::Array(_) => "array",
            Value::String(_) => "string",
            Value::Bool(_) => "bool",
            _ => "number",
        };
        Err(Failure::bad_request(format!(
            "error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {found} into Go \
             value of type map[string]interface {{}}"
        )))
    }

    async fn apply(&self, call: &mut Call<'_>, target: UpdateTarget) -> Result<Patched, Failure> {
        check_apply_options(call)?;
        let mut applied = self.configuration()?;
        if applied.get("metadata").is_none_or(Value::is_null) {
            applied["metadata"] = serde_json::json!({});
        }
        // What is there has a name already.
        if call.stored().is_some() && object_name(&applied).is_empty() && applied["metadata"].is_object() {
            applied["metadata"]["name"] = call.name.clone().into();
        }
        loop {
            if call.stored().is_none() {
                if !call.subresource.is_empty() {
                    return Err(call.not_found());
                }
                match self.apply_new(call, applied.clone()).await {
                    Err(failure) if failure.reason == "AlreadyExists" && call.stored().is_some() => continue,
                    result => return result.map(|saved| Patched { saved, created: true }),
                }
            }
            let mut warnings = Vec::new();
            let result = call
                .change(target, |call, old| {
                    let new = applied_to(call, Some(old), &applied)?;
                    let (new, found) = decode_applied(call, new, &applied)?;
                    warnings = found;
                    Ok(Changed::Applied(new))
                })
                .await;
            return match result {
                // Someone removed it meanwhile: create it.
                Err(failure) if failure.reason == "NotFound" && call.stored().is_none() => continue,
                result => {
                    call.warnings.splice(0..0, warnings);
                    result.map(|saved| Patched { saved, created: false })
                }
            };
        }
    }

    async fn apply_new(&self, call: &mut Call<'_>, applied: Value) -> Result<Saved, Failure> {
        check_namespace_matches(call, &mut applied.clone())?;
        let new = applied_to(call, None, &applied)?;
        let (new, warnings) = decode_applied(call, new, &applied)?;
        call.warnings.extend(warnings);
        let uid = new.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default();
        if !uid.is_empty() {
            let why = format!(
                "uid mismatch: the provided object specified uid {uid}, and no existing object was found"
            );
            return Err(Failure::conflict(&call.resource.group, &call.resource.plural, &call.name, &why));
        }
        call.create_decoded(new).await
    }
}

impl Call<'_> {
    /// Applies a configuration of the server itself; its fields win.
    pub(crate) async fn apply_as_owner(&mut self, applied: &Value) -> Result<Saved, Failure> {
        self.options.force = Some(true);
        self.change(UpdateTarget::Main, |call, old| {
            let new = applied_to(call, Some(old), applied)?;
            decode_applied(call, new, applied).map(|(new, _)| Changed::Applied(new))
        })
        .await
    }
}

/// The result of a patch.
pub(super) struct Patched {
    pub(super) saved: Saved,
    pub(super) created: bool,
}

/// Decodes the result of an apply; unknown fields are those of the configuration.
fn decode_applied(call: &Call<'_>, mut new: Value, applied: &Value) -> Result<(Value, Vec<String>), Failure> {
    let name = call.name.clone();
    let resource = call.resource.clone();
    // What is applied says null on purpose; elsewhere a null that is not allowed is left out.
    let nulls = prepare::forbidden_nulls(&resource, applied);
    if !nulls.is_empty() {
        return Err(call.prepare_failure(PrepareError::Invalid(nulls), &name));
    }
    let decoded = {
        let new = &mut new;
        call.prepare(&name, |context| prepare::decode(&resource, new, context))
    };
    check_names(call, &mut new)?;
    Ok((new, decoded?))
}

pub(super) fn applied_to(call: &Call<'_>, live: Option<&Value>, applied: &Value) -> Result<Value, Failure> {
    let api_version = call.resource.api_version();
    let force = if call.options.force == Some(true) { Force::Yes } else { Force::No };
    let options = ApplyOptions { manager: &call.options.field_manager, force, now: call.now };
    patch::apply::apply(live, applied, &options, &call.patch_target(&api_version)).map_err(|error| {
        match &error {
            ApplyError::BadRequest(message) => Failure::bad_request(message.clone()),
            ApplyError::Misfit { .. } => Failure::unknown(error.to_string()),
            ApplyError::Conflicts(conflicts) => {
                let causes: Vec<Cause> = conflicts
                    .iter()
                    .map(|conflict| {
                        Cause::new(
                            "FieldManagerConflict",
                            &conflict.field,
                            format!("conflict with {}", conflict.manager),
                        )
                    })
                    .collect();
                Failure::apply_conflict(error.to_string(), &causes)
            }
        }
    })
}

fn check_apply_options(call: &Call<'_>) -> Result<(), Failure> {
    if call.options.manager_given {
        return Ok(());
    }
    let cause =
        Cause::new("FieldValueRequired", "fieldManager", "Required value: is required for apply patch");
    Err(Failure::invalid("meta.k8s.io", "PatchOptions", "", &[cause]))
}

fn force_without_apply() -> Failure {
    let cause =
        Cause::new("FieldValueForbidden", "force", "Forbidden: may not be specified for non-apply patch");
    Failure::invalid("meta.k8s.io", "PatchOptions", "", &[cause])
}

fn patch_failure(error: &PatchError) -> Failure {
    match error {
        PatchError::Malformed(message) => Failure::bad_request(message.clone()),
        PatchError::Rejected => Failure::unprocessable_message(error.to_string()),
        PatchError::Meaningless(message) => Failure::unknown(message.clone()),
    }
}
