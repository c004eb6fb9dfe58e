//! Typed objects keep everything that upstream's schemas know.

use proptest::prelude::*;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use super::upstream_tests::{CLUSTER_FILE, upstream, upstream_cluster_schema};
use crate::{
    api::{
        apps::WorkloadRebalancer,
        autoscaling::{CronFederatedHPA, FederatedHPA},
        cluster::Cluster,
        config::{ResourceInterpreterCustomization, ResourceInterpreterWebhookConfiguration},
        multicluster::{ServiceExport, ServiceImport},
        networking::{MultiClusterIngress, MultiClusterService},
        policy::{
            ClusterOverridePolicy, ClusterPropagationPolicy, ClusterTaintPolicy, FederatedResourceQuota,
            OverridePolicy, Preemption, PropagationPolicy,
        },
        remedy::Remedy,
        work::{ClusterResourceBinding, ResourceBinding, Work, v1alpha1},
    },
    object::Quantity,
};

/// Upstream's schemas, by plural name and version.
struct Schemas(Vec<(String, Value)>);

impl Schemas {
    fn load() -> Self {
        let mut schemas = vec![(key("clusters.cluster.karmada.io", "v1alpha1"), upstream_cluster_schema())];
        for (file, crd) in upstream().iter().filter(|(file, _)| *file != CLUSTER_FILE) {
            for version in crd["spec"]["versions"].as_array().unwrap() {
                let name = file.strip_suffix(".json").unwrap();
                let version_name = version["name"].as_str().unwrap();
                schemas.push((key(name, version_name), version["schema"]["openAPIV3Schema"].clone()));
            }
        }
        Self(schemas)
    }

    fn of<T: kube::Resource<DynamicType = ()>>(&self) -> &Value {
        let key = key(&format!("{}.{}", T::plural(&()), T::group(&())), &T::version(&()));
        &self.0.iter().find(|(candidate, _)| *candidate == key).unwrap().1
    }
}

fn key(name: &str, version: &str) -> String {
    format!("{name}/{version}")
}

/// A small generator: the schema decides the shape, the state the values.
pub(in crate::api) struct Generator {
    state: u64,
    /// Of ten optional fields, how many are there.
    density: u64,
}

impl Generator {
    pub(in crate::api) fn new(seed: u64) -> Self {
        let mut generator = Self { state: seed, density: 10 };
        generator.density = [10, 10, 7, 3][generator.next(4) as usize];
        generator
    }

    fn next(&mut self, bound: u64) -> u64 {
        self.state =
            self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.state >> 33) % bound
    }

    fn pick(&mut self, values: &[Value]) -> Value {
        values[self.next(values.len() as u64) as usize].clone()
    }

    /// Returns a value that the schema allows; texts and numbers are often at their limits.
    ///
    /// Patterns are not looked at: what they forbid must survive a typed object all the same.
    pub(in crate::api) fn generate(&mut self, schema: &Value) -> Value {
        if let Some(values) = schema["enum"].as_array() {
            // One in eight is a value of some later version.
            return if self.next(8) == 0 { json!("Later") } else { self.pick(values) };
        }
        if schema["x-kubernetes-int-or-string"] == true {
            return self.pick(&[
                json!("1"),
                json!("250m"),
                json!("1.5Gi"),
                json!("-3k"),
                json!("0"),
                json!(7),
            ]);
        }
        if schema["x-kubernetes-preserve-unknown-fields"] == true {
            return json!({"free": [self.next(9), null, {"x": "", "y": {}}, []], "n": -1.5, "s": "ü"});
        }
        match schema["type"].as_str().unwrap() {
            "object" => self.object(schema),
            "array" => {
                let least = schema["minItems"].as_u64().unwrap_or(0);
                let most = schema["maxItems"].as_u64().unwrap_or(3);
                let count = least.max(self.next(most + 1));
                (0..count).map(|_| self.generate(&schema["items"])).collect()
            }
            "boolean" => json!(self.next(2) == 0),
            "integer" => self.integer(schema),
            "string" => self.string(schema),
            other => unreachable!("type {other}"),
        }
    }

    fn object(&mut self, schema: &Value) -> Value {
        if let Some(properties) = schema["properties"].as_object() {
            let required = schema["required"].as_array().map(Vec::as_slice).unwrap_or_default();
            let mut object = Map::new();
            for (name, property) in properties {
                if required.iter().any(|required| required == name) || self.next(10) < self.density {
                    object.insert(name.clone(), self.generate(property));
                }
            }
            return object.into();
        }
        if let Some(values) = schema.get("additionalProperties") {
            let count = self.next(3);
            return (0..count)
                .map(|index| (format!("key.example/{index}"), self.generate(values)))
                .collect::<Map<_, _>>()
                .into();
        }
        json!({"name": "some", "labels": {"a": ""}})
    }

    fn integer(&mut self, schema: &Value) -> Value {
        let (least, most) = match schema["format"].as_str() {
            Some("int32") => (i64::from(i32::MIN), i64::from(i32::MAX)),
            _ => (i64::MIN, i64::MAX),
        };
        let least = schema["minimum"].as_i64().unwrap_or(least);
        let most = schema["maximum"].as_i64().unwrap_or(most);
        let values = [json!(least), json!(most), json!(0.clamp(least, most)), json!(1.clamp(least, most))];
        self.pick(&values)
    }

    fn string(&mut self, schema: &Value) -> Value {
        match schema["format"].as_str() {
            Some("date-time") => self.pick(&[
                json!("2026-01-02T03:04:05Z"),
                json!("1970-01-01T00:00:00Z"),
                json!("9999-12-30T00:00:00Z"),
            ]),
            Some("byte") => self.pick(&[json!(""), json!("c29tZQ=="), json!("AP8=")]),
            _ => {
                let most = schema["maxLength"].as_u64().unwrap_or(100).min(400) as usize;
                let least = schema["minLength"].as_u64().unwrap_or(0) as usize;
                self.pick(&[
                    json!("x".repeat(least)),
                    json!("y".repeat(most)),
                    json!("é \"\n\u{1F600}"),
                    json!("*"),
                ])
            }
        }
    }
}

/// Adds a line for everything of the input that the output does not have.
///
/// What is empty may be left out or added, as Go does.
fn lost(path: &str, input: &Value, output: Option<&Value>, lines: &mut Vec<String>) {
    let Some(output) = output else {
        if !is_empty(input) {
            lines.push(format!("{path}: {input} is lost"));
        }
        return;
    };
    match (input, output) {
        (Value::Object(input), Value::Object(output)) => {
            for (key, value) in input {
                lost(&format!("{path}.{key}"), value, output.get(key), lines);
            }
            for (key, value) in output.iter().filter(|(key, _)| !input.contains_key(*key)) {
                if !is_empty(value) {
                    lines.push(format!("{path}.{key}: {value} is made up"));
                }
            }
        }
        (Value::Array(input), Value::Array(output)) if input.len() == output.len() => {
            for (index, (input, output)) in input.iter().zip(output).enumerate() {
                lost(&format!("{path}[{index}]"), input, Some(output), lines);
            }
        }
        (input, output) if input == output || is_same_quantity(input, output) => {}
        (input, output) => lines.push(format!("{path}: {input} became {output}")),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(number) => number.as_i64() == Some(0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(object) => object.values().all(is_empty),
    }
}

/// A quantity may be written in another way.
fn is_same_quantity(a: &Value, b: &Value) -> bool {
    let read = |value: &Value| serde_json::from_value::<Quantity>(value.clone()).ok();
    b.is_string() && read(a).is_some() && read(a) == read(b)
}

fn round_trips<T>(schemas: &Schemas, seed: u64)
where
    T: Serialize + DeserializeOwned + kube::Resource<DynamicType = ()> + PartialEq + std::fmt::Debug,
{
    let mut object = Generator::new(seed).generate(schemas.of::<T>());
    object["apiVersion"] = T::api_version(&()).into();
    object["kind"] = T::kind(&()).into();
    let typed: T = serde_json::from_value(object.clone()).unwrap();
    let written = serde_json::to_value(&typed).unwrap();
    let mut lines = Vec::new();
    lost(&T::kind(&()), &object, Some(&written), &mut lines);
    assert!(lines.is_empty(), "{}", lines.join("\n"));
    assert_eq!(serde_json::from_value::<T>(written).unwrap(), typed);
}

#[test]
fn typed_objects_keep_everything_the_schema_knows() {
    let schemas = Schemas::load();
    let config = ProptestConfig { cases: 128, ..ProptestConfig::default() };
    proptest!(config, |(seed in any::<u64>())| {
        round_trips::<PropagationPolicy>(&schemas, seed);
        round_trips::<ClusterPropagationPolicy>(&schemas, seed);
        round_trips::<OverridePolicy>(&schemas, seed);
        round_trips::<ClusterOverridePolicy>(&schemas, seed);
        round_trips::<FederatedResourceQuota>(&schemas, seed);
        round_trips::<ClusterTaintPolicy>(&schemas, seed);
        round_trips::<Work>(&schemas, seed);
        round_trips::<ResourceBinding>(&schemas, seed);
        round_trips::<ClusterResourceBinding>(&schemas, seed);
        round_trips::<v1alpha1::ResourceBinding>(&schemas, seed);
        round_trips::<v1alpha1::ClusterResourceBinding>(&schemas, seed);
        round_trips::<Cluster>(&schemas, seed);
        round_trips::<FederatedHPA>(&schemas, seed);
        round_trips::<CronFederatedHPA>(&schemas, seed);
        round_trips::<MultiClusterService>(&schemas, seed);
        round_trips::<MultiClusterIngress>(&schemas, seed);
        round_trips::<ServiceExport>(&schemas, seed);
        round_trips::<ServiceImport>(&schemas, seed);
        round_trips::<Remedy>(&schemas, seed);
        round_trips::<WorkloadRebalancer>(&schemas, seed);
        round_trips::<ResourceInterpreterCustomization>(&schemas, seed);
        round_trips::<ResourceInterpreterWebhookConfiguration>(&schemas, seed);
    });
}

/// Bindings survive the older version both ways as far as it has fields for them.
#[test]
fn bindings_of_the_older_version_survive_the_newer_one() {
    let schemas = Schemas::load();
    proptest!(|(seed in any::<u64>())| {
        let generated = Generator::new(seed).generate(schemas.of::<v1alpha1::ResourceBinding>());
        let old: v1alpha1::ResourceBinding = serde_json::from_value(generated).unwrap();
        let object = serde_json::to_value(&old).unwrap();
        let newer = v1alpha1::convert(object.clone(), "work.karmada.io/v1alpha2").unwrap();
        prop_assert_eq!(&newer["apiVersion"], "work.karmada.io/v1alpha2");
        prop_assert_eq!(v1alpha1::convert(newer, "work.karmada.io/v1alpha1").unwrap(), object);
    });
}

#[test]
fn unknown_enumeration_values_decode() {
    let policy: PropagationPolicy =
        serde_json::from_value(json!({"spec": {"preemption": "Sometimes", "conflictResolution": ""}}))
            .unwrap();
    assert_eq!(policy.spec.preemption, Preemption::Other("Sometimes".to_owned()));
    assert!(policy.spec.conflict_resolution.is_unset());
}

#[test]
fn an_empty_object_decodes() {
    let binding: ResourceBinding = serde_json::from_value(json!({})).unwrap();
    assert_eq!(binding, ResourceBinding::default());
}

#[test]
fn an_explicit_zero_of_an_optional_field_is_kept() {
    let spec = json!({
        "resourceSelectors": [], "placement": {}, "priority": 0, "preserveResourcesOnDeletion": false,
        "suspension": {"dispatching": false},
        "failover": {"application": {"decisionConditions": {"tolerationSeconds": 0}, "gracePeriodSeconds": 0}},
    });
    let policy: PropagationPolicy = serde_json::from_value(json!({"spec": spec})).unwrap();
    assert_eq!(serde_json::to_value(&policy.spec).unwrap(), spec);
}
