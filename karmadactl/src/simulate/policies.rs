//! Why a policy won: the policies that select a resource, in the order in which they come.

use std::cmp::Reverse;

use karmada_core::api::policy::{ClusterPropagationPolicy, PropagationPolicy, PropagationSpec};
use karmada_core::propagation::{ImplicitPriority, selectors_priority};
use karmada_core::simulation::PolicyName;
use serde_json::Value;

/// The propagation policies of an input.
#[derive(Debug, Default)]
pub struct Policies {
    policies: Vec<Policy>,
}

#[derive(Debug)]
struct Policy {
    /// Empty for policies of the whole cluster.
    namespace: String,
    name: String,
    spec: PropagationSpec,
}

/// A policy that selects a resource.
struct Contender<'a> {
    policy: &'a Policy,
    how: ImplicitPriority,
}

impl Policies {
    /// Takes the policies out of the objects; those that cannot be read are reported elsewhere.
    pub fn of(objects: &[Value]) -> Self {
        let mut policies = Vec::new();
        for object in objects {
            let metadata = &object["metadata"];
            let text = |field: &str| metadata[field].as_str().unwrap_or_default().to_owned();
            let spec = match object["kind"].as_str() {
                Some("PropagationPolicy") => {
                    serde_json::from_value::<PropagationPolicy>(object.clone()).map(|policy| policy.spec)
                }
                Some("ClusterPropagationPolicy") => {
                    serde_json::from_value::<ClusterPropagationPolicy>(object.clone())
                        .map(|policy| policy.spec)
                }
                _ => continue,
            };
            if let Ok(spec) = spec {
                policies.push(Policy { namespace: text("namespace"), name: text("name"), spec });
            }
        }
        Self { policies }
    }

    /// Says how the policy that won selects the template, and why others that do came after it.
    pub fn choice(&self, template: &Value, winner: &PolicyName) -> Vec<String> {
        let namespace = template["metadata"]["namespace"].as_str().unwrap_or_default();
        let mut contenders: Vec<Contender<'_>> = self
            .policies
            .iter()
            .filter(|policy| policy.namespace.is_empty() || policy.namespace == namespace)
            .map(|policy| Contender {
                policy,
                how: selectors_priority(template, &policy.spec.resource_selectors),
            })
            .filter(|contender| contender.how != ImplicitPriority::Mismatch)
            .collect();
        contenders.sort_by_key(|contender| {
            let policy = contender.policy;
            (
                policy.namespace.is_empty(),
                Reverse(policy.spec.priority.unwrap_or_default()),
                Reverse(contender.how),
                policy.name.clone(),
            )
        });
        let is_winner = |policy: &Policy| policy.name == winner.name && policy.namespace == winner.namespace;
        let Some(won) = contenders.iter().find(|contender| is_winner(contender.policy)) else {
            return vec![format!("{} {}, which has claimed it", winner.kind(), winner.name)];
        };
        let mut lines = vec![format!("{} selects it {}", won.policy.label(), won.how())];
        for other in contenders.iter().filter(|contender| !is_winner(contender.policy)) {
            lines.push(format!(
                "{} selects it {}, but {}",
                other.policy.label(),
                other.how(),
                won.beats(other)
            ));
        }
        lines
    }
}

impl Policy {
    fn label(&self) -> String {
        let kind = if self.namespace.is_empty() { "ClusterPropagationPolicy" } else { "PropagationPolicy" };
        format!("{kind} {}", self.name)
    }

    fn priority(&self) -> i32 {
        self.spec.priority.unwrap_or_default()
    }
}

impl Contender<'_> {
    fn how(&self) -> &'static str {
        match self.how {
            ImplicitPriority::Name => "by name",
            ImplicitPriority::Labels => "by labels",
            ImplicitPriority::All | ImplicitPriority::Mismatch => "with all of its kind",
        }
    }

    /// Why this one comes before another.
    fn beats(&self, other: &Contender<'_>) -> String {
        if !self.policy.namespace.is_empty() && other.policy.namespace.is_empty() {
            return "a policy of the namespace comes before one of the cluster".to_owned();
        }
        let (priority, less) = (self.policy.priority(), other.policy.priority());
        if priority > less {
            return format!("its priority is {less}, not {priority}");
        }
        if self.how > other.how {
            return format!("one that selects {} comes first", self.how());
        }
        if priority == less && self.how == other.how && self.policy.name < other.policy.name {
            return "the smaller name comes first".to_owned();
        }
        "the other one has claimed it, and this one does not preempt".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_policy_that_selects_is_named_with_the_reason() {
        let policy = |kind: &str, name: &str, priority: i32, selector: Value| {
            let mut selector = selector;
            selector["apiVersion"] = "v1".into();
            selector["kind"] = "ConfigMap".into();
            json!({"apiVersion": "policy.karmada.io/v1alpha1", "kind": kind,
                "metadata": {"name": name, "namespace": if kind == "PropagationPolicy" { "n" } else { "" }},
                "spec": {"priority": priority, "resourceSelectors": [selector]}})
        };
        let policies = Policies::of(&[
            policy("PropagationPolicy", "all", 0, json!({})),
            policy("PropagationPolicy", "low", -1, json!({"name": "a"})),
            policy("PropagationPolicy", "named", 0, json!({"name": "a"})),
            policy("PropagationPolicy", "named-too", 0, json!({"name": "a"})),
            policy("PropagationPolicy", "other", 9, json!({"name": "b"})),
            policy("ClusterPropagationPolicy", "wide", 9, json!({})),
        ]);
        let template =
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "n"}});
        let winner = |name: &str| PolicyName { object: 0, namespace: "n".into(), name: name.into() };
        assert_eq!(
            policies.choice(&template, &winner("named")),
            [
                "PropagationPolicy named selects it by name",
                "PropagationPolicy named-too selects it by name, but the smaller name comes first",
                "PropagationPolicy all selects it with all of its kind, but one that selects by name comes first",
                "PropagationPolicy low selects it by name, but its priority is -1, not 0",
                "ClusterPropagationPolicy wide selects it with all of its kind, but a policy of the namespace comes before one of the cluster",
            ]
        );
        assert_eq!(
            policies.choice(&template, &winner("all"))[1],
            "PropagationPolicy named selects it by name, but the other one has claimed it, and this one does not preempt"
        );
    }
}
