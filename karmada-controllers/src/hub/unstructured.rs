//! An object of any kind: a JSON document whose parts are parsed when they are read.

use std::borrow::Cow;
use std::sync::OnceLock;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use kube::core::{ApiResource, DynamicResourceScope};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;

use super::packed::{Copied, Packable, Packed};

/// An object of any kind.
///
/// Core functions read [`Unstructured::value`]; indexes and predicates read the parsed
/// metadata. The two agree from deserialisation on: changing one does not change the other.
/// Who owns which field is not kept: nobody reads it, and an update without it leaves it as it is.
#[derive(Clone, Debug)]
pub struct Unstructured {
    // The text or the document is there from the start, the document at the latest when it is read. An object that
    // only passes by, such as the echo of an own write, is never made a tree of.
    packed: Option<Packed>,
    value: OnceLock<Value>,
    meta: OnceLock<ObjectMeta>,
    /// Whether the text says of which type the object is.
    is_typed: bool,
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
        Ok(Self { packed: None, value: value.into(), meta: meta.into(), is_typed: false })
    }

    /// Returns the whole document.
    pub fn value(&self) -> &Value {
        self.value.get_or_init(|| self.packed.as_ref().map(Packed::value).unwrap_or_default())
    }

    /// Returns the document, giving up the parsed metadata.
    pub fn into_value(self) -> Value {
        let Self { packed, value, .. } = self;
        value.into_inner().or_else(|| packed.as_ref().map(Packed::value)).unwrap_or_default()
    }

    /// Replaces the document; the parsed metadata stays.
    pub(crate) fn set_value(&mut self, value: Value) {
        self.meta();
        self.packed = None;
        self.value = value.into();
    }

    /// Drops what no controller reads and sets the type, which items of a list do not carry.
    pub(crate) fn normalise(&mut self, resource: &ApiResource) {
        if self.packed.is_some() && self.is_typed {
            return;
        }
        self.meta_mut().managed_fields = None;
        let mut value = self.take_value();
        if let Some(object) = value.as_object_mut() {
            if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
                metadata.remove("managedFields");
            }
            object.entry("apiVersion").or_insert_with(|| Value::String(resource.api_version.clone()));
            object.entry("kind").or_insert_with(|| Value::String(resource.kind.clone()));
        }
        self.set_value(value);
    }

    /// Reduces the object to its metadata, for objects that only their existence matters of.
    pub(crate) fn shrink_to_metadata(&mut self) {
        let mut value = self.take_value();
        if let Some(object) = value.as_object_mut() {
            object.retain(|key, _| matches!(key.as_str(), "apiVersion" | "kind" | "metadata"));
        }
        self.set_value(value);
    }

    fn take_value(&mut self) -> Value {
        self.value();
        self.value.take().unwrap_or_default()
    }
}

impl Packable for Unstructured {
    fn pack(&self) -> Option<Packed> {
        match &self.packed {
            Some(packed) => Some(packed.clone()),
            None => Copied::read(self.value()).ok().map(Copied::into_packed),
        }
    }

    fn unpack(packed: &Packed) -> Self {
        Self { packed: Some(packed.clone()), value: OnceLock::new(), meta: OnceLock::new(), is_typed: true }
    }
}

impl PartialEq for Unstructured {
    fn eq(&self, other: &Self) -> bool {
        self.meta() == other.meta() && self.value() == other.value()
    }
}

impl<'de> Deserialize<'de> for Unstructured {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let copied = Copied::read(deserializer)?;
        let is_typed = copied.is_typed();
        let packed = copied.into_packed();
        let meta = packed.metadata().map_err(de::Error::custom)?;
        Ok(Self { packed: Some(packed), value: OnceLock::new(), meta: meta.into(), is_typed })
    }
}

impl Serialize for Unstructured {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value().serialize(serializer)
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
        self.meta.get_or_init(|| {
            let packed = self.packed.as_ref().map(Packed::metadata);
            packed.and_then(Result::ok).unwrap_or_default()
        })
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        self.meta();
        self.meta.get_mut().expect("it was just read")
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

    #[test]
    fn an_object_comes_back_from_its_rest_as_it_was() {
        let check = |object: &Unstructured| {
            let again = Unstructured::unpack(&object.pack().unwrap());
            assert_eq!(&again, object);
            assert_eq!(again.into_value(), *object.value());
        };
        let document = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "uid": "u"}, "spec": {"x": [1, 2.5, null]}});
        let mut object: Unstructured = serde_json::from_str(&document.to_string()).unwrap();
        check(&object);
        object.shrink_to_metadata();
        check(&object);
        assert_eq!(
            object.value(),
            &json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "uid": "u"}})
        );
        check(&Unstructured::try_from_value(document).unwrap());
    }

    #[test]
    fn metadata_that_cannot_be_read_is_an_error_from_the_start() {
        let text = r#"{"metadata": {"name": 1}, "spec": {}}"#;
        assert!(serde_json::from_str::<Unstructured>(text).is_err());
        assert!(serde_json::from_str::<Unstructured>(r#"{"metadata": null}"#).is_err());
    }
}
