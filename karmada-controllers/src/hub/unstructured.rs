//! An object of any kind: the JSON document with its metadata parsed once.

use std::borrow::Cow;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use kube::core::{ApiResource, DynamicResourceScope};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;

/// An object of any kind.
///
/// Core functions read [`Unstructured::value`]; indexes and predicates read the parsed
/// metadata. The two agree from deserialisation on: changing one does not change the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Unstructured {
    meta: ObjectMeta,
    value: Value,
}

impl Unstructured {
    /// Wraps a document, parsing its metadata.
    ///
    /// # Errors
    /// When the document has no readable `metadata`.
    pub fn try_from_value(value: Value) -> Result<Self, serde_json::Error> {
        let meta = match value.get("metadata") {
            Some(metadata) => ObjectMeta::deserialize(metadata)?,
            None => ObjectMeta::default(),
        };
        Ok(Self { meta, value })
    }

    /// Returns the whole document.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// Returns the document, giving up the parsed metadata.
    pub fn into_value(self) -> Value {
        self.value
    }

    /// Replaces the document; the parsed metadata stays.
    pub(crate) fn set_value(&mut self, value: Value) {
        self.value = value;
    }

    /// Drops what no controller reads and sets the type, which items of a list do not carry.
    pub(crate) fn normalise(&mut self, resource: &ApiResource) {
        self.meta.managed_fields = None;
        let Some(object) = self.value.as_object_mut() else { return };
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("managedFields");
        }
        object.entry("apiVersion").or_insert_with(|| Value::String(resource.api_version.clone()));
        object.entry("kind").or_insert_with(|| Value::String(resource.kind.clone()));
    }

    /// Reduces the object to its metadata, for objects that only their existence matters of.
    pub(crate) fn shrink_to_metadata(&mut self) {
        if let Some(object) = self.value.as_object_mut() {
            object.retain(|key, _| matches!(key.as_str(), "apiVersion" | "kind" | "metadata"));
        }
    }
}

impl<'de> Deserialize<'de> for Unstructured {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Self::try_from_value(value).map_err(de::Error::custom)
    }
}

impl Serialize for Unstructured {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

impl Resource for Unstructured {
    type DynamicType = ApiResource;
    type Scope = DynamicResourceScope;

    fn kind(dt: &ApiResource) -> Cow<'_, str> {
        dt.kind.as_str().into()
    }

    fn group(dt: &ApiResource) -> Cow<'_, str> {
        dt.group.as_str().into()
    }

    fn version(dt: &ApiResource) -> Cow<'_, str> {
        dt.version.as_str().into()
    }

    fn api_version(dt: &ApiResource) -> Cow<'_, str> {
        dt.api_version.as_str().into()
    }

    fn plural(dt: &ApiResource) -> Cow<'_, str> {
        dt.plural.as_str().into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.meta
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.meta
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keeps_the_document_and_parses_its_metadata() {
        let document = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "labels": {"x": "y"}}, "data": {"k": "v"}});
        let object: Unstructured = serde_json::from_value(document.clone()).unwrap();
        assert_eq!(object.meta().name.as_deref(), Some("a"));
        assert_eq!(serde_json::to_value(&object).unwrap(), document);
    }

    #[test]
    fn fills_the_type_that_list_items_lack() {
        let mut object: Unstructured =
            serde_json::from_value(json!({"metadata": {"name": "a", "managedFields": []}})).unwrap();
        object.normalise(&ApiResource::erase::<k8s_openapi::api::core::v1::ConfigMap>(&()));
        assert_eq!(
            object.value(),
            &json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}})
        );
    }
}
