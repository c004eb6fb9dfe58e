//! Replays how policies select templates and clusters (category `policy-matching`).

use std::{collections::BTreeMap, sync::Arc};

use karmada_core::{
    api::{
        FeatureGates,
        cluster::Cluster,
        policy::{ClusterAffinity, ResourceSelector},
        work::{ClusterResourceBinding, ResourceBinding},
    },
    interpreter::{Interpreter, NativeInterpreter, NativeOptions},
    object,
    propagation::{
        self, Binding, BindingView, Change, NamespaceFilter, PolicyRef, SkippedApis, Snapshot, TemplateInput,
        Write,
    },
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Outcome, compare};

type Answer = Result<Value, Box<dyn std::error::Error>>;

/// Runs one case.
pub fn run(case: &Value) -> Outcome {
    let (input, expected) = (&case["input"], &case["expect"]);
    let answer = match case["op"].as_str().unwrap_or_default() {
        "policy.ResourceSelectorPriority" => selector_priority(input),
        "policy.ResourceMatchSelectors" => match_selectors(input),
        "policy.ClusterMatches" => cluster_matches(input),
        "policy.LookForMatched" => look_for_matched(input),
        "policy.Propagate" => propagate(input),
        "policy.Preempt" => preempt(input),
        "policy.EventFilter" => event_filter(input),
        "policy.SkippedAPIs" => skipped_apis(input),
        "policy.ChangeFilter" => Ok(json!({
            "specificationChanged": propagation::is_specification_changed(&input["old"], &input["new"]),
            "changedByKarmada": propagation::is_changed_by_karmada(&input["old"], &input["new"]),
        })),
        other => return Outcome::Skipped(format!("no runner for {other}")),
    };
    match (answer, expected.get("error")) {
        (Ok(answer), None) => compare(expected, &answer),
        (Err(_), Some(_)) => Outcome::Passed,
        (Ok(answer), Some(error)) => Outcome::Failed(format!("expected the error {error}, got {answer}")),
        (Err(error), None) => Outcome::Failed(format!("failed: {error}")),
    }
}

fn decode<T: DeserializeOwned + Default>(value: &Value) -> Result<T, serde_json::Error> {
    if value.is_null() { Ok(T::default()) } else { serde_json::from_value(value.clone()) }
}

fn selector_priority(input: &Value) -> Answer {
    let selector: ResourceSelector = decode(&input["selector"])?;
    Ok(priority_answer(propagation::selector_priority(&input["object"], &selector)))
}

fn match_selectors(input: &Value) -> Answer {
    let selectors: Vec<ResourceSelector> = decode(&input["selectors"])?;
    Ok(priority_answer(propagation::selectors_priority(&input["object"], &selectors)))
}

fn priority_answer(priority: propagation::ImplicitPriority) -> Value {
    let matches = priority != propagation::ImplicitPriority::Mismatch;
    json!({"priority": priority as i32, "matches": matches})
}

fn cluster_matches(input: &Value) -> Answer {
    let cluster: Cluster = decode(&input["cluster"])?;
    let affinity: ClusterAffinity = decode(&input["affinity"])?;
    Ok(json!({"matches": propagation::cluster_matches(&cluster, &affinity)}))
}

fn look_for_matched(input: &Value) -> Answer {
    let snapshot = snapshot(input)?;
    let policy = propagation::best_policy(&input["object"], &snapshot.propagation_policies);
    let cluster_policy =
        propagation::best_cluster_policy(&input["object"], &snapshot.cluster_propagation_policies);
    let key = |policy: PolicyRef| object::namespaced_key(policy.namespace(), policy.name());
    Ok(json!({
        "propagationPolicy": policy.map(|policy| key(policy.clone().into())),
        "clusterPropagationPolicy": cluster_policy.map(|policy| key(policy.clone().into())),
    }))
}

fn snapshot(input: &Value) -> Result<Snapshot, serde_json::Error> {
    let keys = |field: &str| {
        let objects = input[field].as_array().into_iter().flatten();
        objects.map(|policy| (object::namespace(policy).to_owned(), object::name(policy).to_owned()))
    };
    let classes = input["priorityClasses"].as_array().into_iter().flatten();
    Ok(Snapshot {
        propagation_policies: decode::<Vec<_>>(&input["propagationPolicies"])?
            .into_iter()
            .map(Arc::new)
            .collect(),
        cluster_propagation_policies: decode::<Vec<_>>(&input["clusterPropagationPolicies"])?
            .into_iter()
            .map(Arc::new)
            .collect(),
        override_policies: keys("overridePolicies").collect(),
        cluster_override_policies: keys("clusterOverridePolicies").map(|(_, name)| name).collect(),
        priority_classes: classes
            .map(|class| (object::name(class).to_owned(), class["value"].as_i64().unwrap_or_default() as i32))
            .collect(),
    })
}

fn gates(input: &Value) -> Result<FeatureGates, karmada_core::api::FeatureGateError> {
    let states = input["featureGates"].as_object().into_iter().flatten();
    FeatureGates::from_names(states.map(|(name, state)| (name.as_str(), state.as_bool().unwrap_or_default())))
}

fn propagate(input: &Value) -> Answer {
    let mut template = input["object"].clone();
    let gates = gates(input)?;
    let snapshot = snapshot(input)?;
    let mut bindings = Bindings::from_input(input)?;
    let resource_quota_estimate = gates.is_enabled(karmada_core::api::Feature::ResourceQuotaEstimate);
    let native = NativeInterpreter::new(NativeOptions { resource_quota_estimate });
    let interpreter = Interpreter::new(vec![Arc::new(native)]);

    let change = if input["changedByKarmada"] == true { Change::ByKarmada } else { Change::ByUser };
    let decision = propagation::reconcile_template(&TemplateInput {
        template: &template,
        binding: bindings.of(&template),
        change,
        is_waiting: false,
        lookup: &snapshot,
        gates: &gates,
        interpreter: &interpreter,
    });
    if let Some(error) = decision.error {
        return Err(Box::new(error));
    }
    for write in decision.writes {
        match write {
            Write::PatchTemplate { patch, .. } => merge(&mut template, &patch),
            Write::CreateBinding(binding) | Write::UpdateBinding(binding) => bindings.put(*binding),
            Write::PatchBinding { namespace, name, patch } => bindings.patch(&namespace, &name, &patch)?,
        }
    }
    Ok(answer(&template, &bindings))
}

fn preempt(input: &Value) -> Answer {
    let mut template = input["object"].clone();
    let snapshot = snapshot(input)?;
    let name = input["policyName"].as_str().unwrap_or_default();
    let policy: Option<PolicyRef> = if input["policyScope"] == "cluster" {
        let policies = snapshot.cluster_propagation_policies.iter();
        policies.map(|policy| PolicyRef::from(policy.clone())).find(|policy| policy.name() == name)
    } else {
        let policies = snapshot.propagation_policies.iter();
        policies.map(|policy| PolicyRef::from(policy.clone())).find(|policy| policy.name() == name)
    };
    let policy = policy.ok_or("the policy of the case does not exist")?;
    if let Some(decision) = propagation::preempt(&policy, &template, &snapshot, &gates(input)?) {
        merge(&mut template, &decision.patch);
    }
    Ok(answer(&template, &Bindings::default()))
}

fn event_filter(input: &Value) -> Answer {
    let patterns: Vec<String> = decode(&input["skippedPropagatingNamespaces"])?;
    Ok(json!({"handled": NamespaceFilter::new(&patterns)?.handles(&input["object"])}))
}

fn skipped_apis(input: &Value) -> Answer {
    let skipped = SkippedApis::parse(input["flag"].as_str().unwrap_or_default())?;
    Ok(json!({
        "groups": skipped.groups(),
        "groupVersions": skipped.versions(),
        "groupVersionKinds": skipped.kinds(),
    }))
}

/// Bindings by namespace and name.
#[derive(Default)]
struct Bindings(BTreeMap<(String, String), Binding>);

impl Bindings {
    fn from_input(input: &Value) -> Result<Self, serde_json::Error> {
        let mut bindings = Self::default();
        for binding in decode::<Vec<ResourceBinding>>(&input["resourceBindings"])? {
            bindings.put(Binding::Namespaced(binding));
        }
        for binding in decode::<Vec<ClusterResourceBinding>>(&input["clusterResourceBindings"])? {
            bindings.put(Binding::Cluster(binding));
        }
        Ok(bindings)
    }

    fn of(&self, template: &Value) -> Option<BindingView<'_>> {
        let name = object::binding_name(object::kind(template), object::name(template));
        self.0.get(&(object::namespace(template).to_owned(), name)).map(BindingView::from)
    }

    fn put(&mut self, binding: Binding) {
        let metadata = binding.metadata();
        let key = (metadata.namespace.clone().unwrap_or_default(), metadata.name.clone().unwrap_or_default());
        self.0.insert(key, binding);
    }

    fn patch(
        &mut self,
        namespace: &str,
        name: &str,
        patch: &Value,
    ) -> Result<(), Box<dyn std::error::Error>> {
        let key = (namespace.to_owned(), name.to_owned());
        let mut value = serde_json::to_value(self.0.get(&key).ok_or("the patched binding does not exist")?)?;
        merge(&mut value, patch);
        let binding = if namespace.is_empty() {
            Binding::Cluster(serde_json::from_value(value)?)
        } else {
            Binding::Namespaced(serde_json::from_value(value)?)
        };
        self.0.insert(key, binding);
        Ok(())
    }

    /// Returns the bindings of a scope as the recording holds them.
    fn recorded(&self, namespaced: bool) -> Vec<Value> {
        let of_scope =
            self.0.values().filter(|binding| matches!(binding, Binding::Namespaced(_)) == namespaced);
        let recorded = of_scope.map(|binding| {
            // Recorded bindings were read back from an API, which makes quantities canonical once more.
            let stored = serde_json::to_value(binding).unwrap_or_default();
            let mut value = match binding {
                Binding::Namespaced(_) => read_back::<ResourceBinding>(stored),
                Binding::Cluster(_) => read_back::<ClusterResourceBinding>(stored),
            };
            if let Some(fields) = value.as_object_mut() {
                fields.remove("apiVersion");
                fields.remove("kind");
                fields.entry("status").or_insert_with(|| json!({}));
            }
            value
        });
        recorded.collect()
    }
}

fn read_back<T: DeserializeOwned + serde::Serialize>(stored: Value) -> Value {
    serde_json::from_value::<T>(stored).and_then(serde_json::to_value).unwrap_or_default()
}

fn answer(template: &Value, bindings: &Bindings) -> Value {
    let metadata = &template["metadata"];
    json!({
        "templateLabels": metadata["labels"],
        "templateAnnotations": metadata["annotations"],
        "resourceBindings": bindings.recorded(true),
        "clusterResourceBindings": bindings.recorded(false),
    })
}

/// Applies a JSON merge patch.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(fields) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (field, value) in fields {
        if value.is_null() {
            if let Some(target) = target.as_object_mut() {
                target.remove(field);
            }
        } else {
            merge(&mut target[field.as_str()], value);
        }
    }
}
