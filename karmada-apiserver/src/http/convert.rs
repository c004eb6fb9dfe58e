//! One object in the words of another version of its resource.

use serde_json::Value;

use crate::registry::{Resource, prepare};
use crate::store::Stored;

/// Says whether the stored bytes are the answer for this version of the resource.
pub(super) fn is_same_version(stored: &Stored, resource: &Resource) -> bool {
    stored.kind() == resource.kind
        && stored.api_version() == resource.api_version()
        && !resource.defaults_on_read
}

/// Returns a stored object as this version of its resource shows it.
pub(super) fn read(stored: &Stored, resource: &Resource) -> Value {
    let mut object = stored.value();
    if !is_same_version(stored, resource) {
        prepare::convert(resource, &mut object);
        object["kind"] = resource.kind.clone().into();
        prepare::default_on_read(resource, &mut object);
    }
    object
}
