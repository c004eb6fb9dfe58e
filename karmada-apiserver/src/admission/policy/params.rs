//! The parameters that a binding gives its policy.

use serde_json::Value;

use super::compiled::{NotFound, ParamKind, ParamRef};
use crate::admission::webhook::{Attributes, selects_labels};
use crate::http::read_stored;
use crate::registry::Resource;
use crate::store::object_key;

/// Returns the parameters, one evaluation for each; none at all when the binding does not apply.
///
/// # Errors
/// What is wrong with the binding.
pub(super) fn find(
    resource: &Resource,
    reference: Option<&ParamRef>,
    attributes: &Attributes<'_>,
) -> Result<Vec<Option<Value>>, String> {
    let Some(reference) = reference else { return Ok(vec![None]) };
    let namespace = match (resource.namespaced, reference.namespace.as_str()) {
        (false, "") => "",
        (false, _) => {
            return Err("paramRef.namespace must not be provided for a cluster-scoped `paramKind`".to_owned());
        }
        (true, "") if attributes.namespace.is_empty() => {
            return Err(
                "cannot use namespaced paramRef in policy binding that matches cluster-scoped resources"
                    .to_owned(),
            );
        }
        (true, "") => attributes.namespace,
        (true, namespace) => namespace,
    };
    let storage = attributes.registry.storage_key(resource);
    let store = &attributes.server.store;
    let found: Vec<Value> = match (&reference.name, &reference.selector) {
        (Some(name), _) => {
            let stored = store.get(&storage, &object_key(namespace, name));
            stored.map(|stored| read_stored(&stored, resource)).into_iter().collect()
        }
        (None, Some(selector)) => {
            let prefix = if namespace.is_empty() { String::new() } else { format!("{namespace}/") };
            let objects = store.list(&storage, &prefix).objects;
            let values = objects.iter().map(|stored| read_stored(stored, resource));
            values.filter(|value| selects_labels(selector, value)).collect()
        }
        (None, None) => return Err("one of name or selector must be provided".to_owned()),
    };
    if found.is_empty() && reference.not_found == NotFound::Deny {
        return Err("no params found for policy binding with `Deny` parameterNotFoundAction".to_owned());
    }
    Ok(found.into_iter().map(Some).collect())
}

/// Returns the resource of the parameters of a policy.
///
/// # Errors
/// When nothing is served of that kind.
pub(super) fn resource(
    kind: &ParamKind,
    attributes: &Attributes<'_>,
) -> Result<std::sync::Arc<Resource>, String> {
    let (group, version) = kind.api_version.split_once('/').unwrap_or(("", &kind.api_version));
    attributes.registry.resource_for_kind(group, version, &kind.kind).ok_or_else(|| {
        format!("failed to find resource referenced by paramKind: '{}, Kind={}'", kind.api_version, kind.kind)
    })
}
