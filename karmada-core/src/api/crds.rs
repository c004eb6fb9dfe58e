//! The CustomResourceDefinitions of all kinds.

use serde_json::Value;

/// Upstream's definitions; see `data/ORIGIN.md`.
const COMPRESSED: &[u8] = include_bytes!("../../data/crds.json.zst");

/// Returns the CustomResourceDefinition of every kind, sorted by name.
///
/// The schemas are upstream's. Cluster, which upstream serves by an aggregated API server, is
/// among them as a definition of its own.
///
/// # Panics
/// Never: a test reads the embedded data.
pub fn crds() -> Vec<Value> {
    let text = zstd::decode_all(COMPRESSED).expect("the embedded definitions are valid zstd");
    serde_json::from_slice(&text).expect("the embedded definitions are a JSON list")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::{Serialize, de::DeserializeOwned};
    use serde_json::{Map, json};

    use super::*;
    use crate::api::{
        apps::*, autoscaling::*, cluster::Cluster, config::*, multicluster::*, networking::*, policy::*,
        remedy::Remedy, work::*,
    };

    /// A small generator: the schema decides the shape, the state the values.
    struct Generator(u64);

    impl Generator {
        fn next(&mut self, bound: u64) -> u64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) % bound
        }

        /// Returns a value with every field the schema knows, none of them zero.
        fn generate(&mut self, schema: &Value) -> Value {
            if let Some(values) = schema["enum"].as_array() {
                return values[self.next(values.len() as u64) as usize].clone();
            }
            if schema["x-kubernetes-int-or-string"] == true {
                return json!(format!("{}m", 1 + self.next(999)));
            }
            if schema["x-kubernetes-preserve-unknown-fields"] == true {
                return json!({"free": [self.next(9), null, {"x": "y"}]});
            }
            match schema["type"].as_str().unwrap() {
                "object" => self.generate_object(schema),
                "array" => (0..=self.next(2)).map(|_| self.generate(&schema["items"])).collect(),
                "boolean" => json!(true),
                "integer" => json!(1 + self.next(1000)),
                "string" if schema["format"] == "date-time" => json!("2026-01-02T03:04:05Z"),
                "string" if schema["format"] == "byte" => json!("c29tZQ=="),
                "string" => json!(format!("s{}", self.next(1000))),
                other => unreachable!("type {other}"),
            }
        }

        fn generate_object(&mut self, schema: &Value) -> Value {
            if let Some(properties) = schema["properties"].as_object() {
                let known = properties.iter().filter(|(name, _)| name.as_str() != "association");
                return known
                    .map(|(name, schema)| (name.clone(), self.generate(schema)))
                    .collect::<Map<_, _>>()
                    .into();
            }
            if let Some(values) = schema.get("additionalProperties") {
                return json!({"k": self.generate(values), format!("k{}", self.next(9)): self.generate(values)});
            }
            json!({"name": "some"})
        }
    }

    fn definition(name: &str, version: &str) -> Value {
        let crd = crds().into_iter().find(|crd| crd["metadata"]["name"] == name).unwrap();
        let versions = crd["spec"]["versions"].as_array().unwrap();
        versions.iter().find(|candidate| candidate["name"] == version).unwrap()["schema"]["openAPIV3Schema"]
            .clone()
    }

    fn round_trips<T: Serialize + DeserializeOwned + kube::Resource<DynamicType = ()>>(seed: u64) {
        let name = format!("{}.{}", T::plural(&()), T::group(&()));
        let mut object = Generator(seed).generate(&definition(&name, &T::version(&())));
        object["apiVersion"] = T::api_version(&()).into();
        object["kind"] = T::kind(&()).into();
        let typed: T = serde_json::from_value(object.clone()).unwrap();
        assert_eq!(serde_json::to_value(&typed).unwrap(), object, "{name}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn typed_objects_keep_every_field_of_the_schema(seed in any::<u64>()) {
            round_trips::<PropagationPolicy>(seed);
            round_trips::<ClusterPropagationPolicy>(seed);
            round_trips::<OverridePolicy>(seed);
            round_trips::<ClusterOverridePolicy>(seed);
            round_trips::<FederatedResourceQuota>(seed);
            round_trips::<ClusterTaintPolicy>(seed);
            round_trips::<Work>(seed);
            round_trips::<ResourceBinding>(seed);
            round_trips::<ClusterResourceBinding>(seed);
            round_trips::<Cluster>(seed);
            round_trips::<FederatedHPA>(seed);
            round_trips::<CronFederatedHPA>(seed);
            round_trips::<MultiClusterService>(seed);
            round_trips::<MultiClusterIngress>(seed);
            round_trips::<ServiceExport>(seed);
            round_trips::<ServiceImport>(seed);
            round_trips::<Remedy>(seed);
            round_trips::<WorkloadRebalancer>(seed);
            round_trips::<ResourceInterpreterCustomization>(seed);
            round_trips::<ResourceInterpreterWebhookConfiguration>(seed);
        }
    }

    #[test]
    fn every_definition_has_a_stored_version_and_a_schema() {
        let crds = crds();
        assert_eq!(crds.len(), 20);
        for crd in crds {
            let versions = crd["spec"]["versions"].as_array().unwrap();
            assert_eq!(versions.iter().filter(|version| version["storage"] == true).count(), 1);
            assert!(versions.iter().all(|version| version["schema"]["openAPIV3Schema"]["type"] == "object"));
        }
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
}
