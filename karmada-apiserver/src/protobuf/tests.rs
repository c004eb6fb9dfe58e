use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::registry::Registry;
use crate::registry::schema::{Schema, SchemaType};

/// As deep as generated objects go; schemas of schemas have no end.
const DEPTH: usize = 7;

/// Builds objects from a schema; the seed decides which fields they have.
struct Generator(u64);

impl Generator {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }

    fn object(&mut self, schema: &Schema, depth: usize) -> Value {
        // Objects in objects state no kind.
        let structure = schema.wire.as_ref().map_or("", |wire| wire.structure.as_str());
        let is_kind = schema.properties.contains_key("metadata") || structure == "DeleteOptions";
        let mut map = Map::new();
        for (name, node) in &schema.properties {
            // `status` of subresources is an empty structure, which OpenAPI shows as free of form.
            let skipped = is_kind && matches!(name.as_str(), "kind" | "apiVersion")
                || structure == "CustomResourceSubresources" && name == "status";
            if !skipped && depth < DEPTH && self.next(3) > 0 {
                map.insert(name.clone(), self.value(node, depth + 1));
            }
        }
        Value::Object(map)
    }

    fn value(&mut self, schema: &Schema, depth: usize) -> Value {
        match schema.schema_type {
            SchemaType::Object if !schema.properties.is_empty() => self.object(schema, depth),
            SchemaType::Object => match &schema.additional {
                Some(node) => json!({"a": self.value(node, depth + 1), "b/c": self.value(node, depth + 1)}),
                None => json!({"f:metadata": {"f:labels": {}}, "n": [1, null, "x"]}),
            },
            SchemaType::Array => match &schema.items {
                Some(node) => (0..=self.next(2)).map(|_| self.value(node, depth + 1)).collect(),
                None => json!(["a"]),
            },
            SchemaType::Boolean => (self.next(2) == 1).into(),
            SchemaType::Integer if schema.validation.format.as_deref() == Some("int64") => {
                [0, -1, i64::MAX, i64::MIN, 300][self.next(5) as usize].into()
            }
            SchemaType::Integer => [0, -1, i32::MAX, i32::MIN, 300][self.next(5) as usize].into(),
            SchemaType::Number => [json!(1.5), json!(-3), json!(0)][self.next(3) as usize].clone(),
            SchemaType::IntOrString => [json!(80), json!("http"), json!(-1)][self.next(3) as usize].clone(),
            SchemaType::String => match schema.validation.format.as_deref() {
                Some("date-time") => "1969-12-31T23:59:58Z".into(),
                Some("micro-time") => "2024-01-02T03:04:05.000006Z".into(),
                Some("byte") => "aGVsbG8A".into(),
                _ => ["", "a", "ä \u{0}", "k8s\u{0}"][self.next(4) as usize].into(),
            },
            SchemaType::Any if schema.validation.format.is_some() => "100m".into(),
            SchemaType::Any => json!({"type": "string"}),
        }
    }
}

fn decoded(bytes: &[u8]) -> Result<Value, DecodeError> {
    Envelope::open(bytes)?.decode(("", ""))
}

fn there_and_back(object: &Value) {
    let bytes = encode(object).unwrap();
    assert_eq!(&decoded(&bytes).unwrap(), object);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_built_in_kind_goes_there_and_back(seed in any::<u64>()) {
        let mut generator = Generator(seed);
        for resource in Registry::built_in().resources() {
            let mut object = generator.object(&resource.schema, 0);
            let list = json!({"kind": resource.list_kind, "apiVersion": resource.api_version(),
                "metadata": {"resourceVersion": "7"}, "items": [object]});
            object["kind"] = resource.kind.clone().into();
            object["apiVersion"] = resource.api_version().into();
            there_and_back(&object);
            if resource.verbs.iter().any(|verb| verb == "list") {
                there_and_back(&list);
            }
        }
    }

    #[test]
    fn a_damaged_message_is_an_error_or_another_object(
        seed in any::<u64>(),
        which in any::<prop::sample::Index>(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
    ) {
        let registry = Registry::built_in();
        let resources: Vec<_> = registry.resources().collect();
        let resource = which.get(&resources);
        let mut object = Generator(seed).object(&resource.schema, 0);
        object["kind"] = resource.kind.clone().into();
        object["apiVersion"] = resource.api_version().into();
        let mut bytes = encode(&object).unwrap();
        for (index, byte) in damage {
            let index = index.index(bytes.len());
            bytes[index] = byte;
        }
        bytes.truncate(cut.index(bytes.len()) + 1);
        // What decodes also encodes: nothing that comes in cannot go out.
        if let Ok(object) = decoded(&bytes) {
            encode(&object).unwrap();
        }
    }

    #[test]
    fn random_bytes_are_an_error_or_an_object(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
        let enveloped = [b"k8s\0\x0a\x09\x0a\x02v1\x12\x03Pod\x12".as_slice(), &bytes].concat();
        let _ = decoded(&enveloped);
        let _ = decoded(&[b"k8s\0".as_slice(), &bytes].concat());
        assert!(decoded(&bytes).is_err() || is_enveloped(&bytes));
    }
}

#[test]
fn reads_what_a_typed_client_sends() {
    let body = b"k8s\0\n\x0f\n\x02v1\x12\tNamespace\x12%\n\x1d\n\rreck-nsflow-a\x12\0\x1a\0\"\0*\x002\x008\0B\0\x12\0\x1a\x02\n\0\x1a\0\"\0";
    let mut object = decoded(body).unwrap();
    assert_eq!(object["metadata"]["creationTimestamp"], Value::Null);
    Registry::drop_empty(&definition("v1", "Namespace").unwrap(), &mut object);
    assert_eq!(
        object,
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "reck-nsflow-a"}, "spec": {},
            "status": {}})
    );
}

#[test]
fn frames_an_event_as_the_real_server_does() {
    let status =
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": 410});
    let frame = encode_event("ERROR", &status).unwrap();
    let (length, rest) = frame.split_first_chunk::<4>().unwrap();
    assert_eq!(u32::from_be_bytes(*length) as usize, rest.len());
    assert!(rest.starts_with(b"\n\x05ERROR\x12"));
    let start = rest.windows(4).position(|window| window == b"k8s\0").unwrap();
    assert_eq!(decoded(&rest[start..]).unwrap(), status);
}

#[test]
fn reads_packed_numbers_parts_of_messages_and_nested_envelopes() {
    let object = |message: &[u8], kind: &str, version: &str| {
        let mut type_meta = Message::default();
        type_meta.text(1, version);
        type_meta.text(2, kind);
        let mut unknown = Message::default();
        unknown.message(1, &type_meta);
        unknown.bytes(2, message);
        decoded(&[b"k8s\0".as_slice(), &unknown.into_bytes()].concat())
    };
    // securityContext.supplementalGroups, once as parts and packed.
    let pod = object(b"\x12\x06\x72\x04\x22\x02\x01\x02\x12\x05\x72\x03\x22\x01\x03", "Pod", "v1").unwrap();
    assert_eq!(pod["spec"]["securityContext"]["supplementalGroups"], json!([1, 2, 3]));
    let inner = encode(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}})).unwrap();
    let mut raw = Message::default();
    raw.bytes(1, &inner);
    let mut revision = Message::default();
    revision.message(2, &raw);
    let revision = object(&revision.into_bytes(), "ControllerRevision", "apps/v1").unwrap();
    assert_eq!(revision["data"]["metadata"]["name"], "a");
}

#[test]
fn refuses_what_is_too_deep_or_too_much() {
    let mut schema = Message::default();
    for _ in 0..200 {
        let mut outer = Message::default();
        outer.message(28, &schema);
        schema = outer;
    }
    let wrap = |fields: &[u32], mut message: Message| {
        for field in fields {
            let mut outer = Message::default();
            outer.message(*field, &message);
            message = outer;
        }
        let mut type_meta = Message::default();
        type_meta.text(1, "apiextensions.k8s.io/v1");
        type_meta.text(2, "CustomResourceDefinition");
        let mut unknown = Message::default();
        unknown.message(1, &type_meta);
        unknown.message(2, &message);
        [b"k8s\0".as_slice(), &unknown.into_bytes()].concat()
    };
    // openAPIV3Schema of the schema of a version of the spec.
    let error = decoded(&wrap(&[1, 4, 7, 2], schema)).unwrap_err();
    assert_eq!(error.to_string(), "proto: messages nest too deep");
    let mut many = Message::default();
    for _ in 0..1_100_000 {
        many.bytes(7, b"");
    }
    let error = decoded(&wrap(&[2], many)).unwrap_err();
    assert_eq!(error.to_string(), "proto: too many values");
}

#[test]
fn custom_kinds_have_no_message() {
    let error = encode(&json!({"apiVersion": "example.com/v1", "kind": "Widget"})).unwrap_err();
    assert!(matches!(error, EncodeError::NoMessage { .. }));
}
