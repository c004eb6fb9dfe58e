//! The resource an object belongs to, as far as field ownership cares.

use crate::registry::Schema;

/// What a change of fields is about: one endpoint of one resource.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// The schema of the whole object, also on subresources.
    pub schema: &'a Schema,
    /// `group/version` of the request.
    pub api_version: &'a str,
    pub kind: &'a str,
    pub origin: Origin,
    /// Whether the resource has the status subresource: then the other endpoints leave `status` alone.
    pub status_subresource: bool,
    /// The subresource of the request, empty for the object itself.
    pub subresource: &'a str,
}

/// Where a resource is defined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A Go type of the original server: fields that are never absent there count as present.
    BuiltIn,
    /// A CustomResourceDefinition.
    Custom,
}
