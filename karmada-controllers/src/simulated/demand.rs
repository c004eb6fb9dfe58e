//! What a pod asks of a node.

use std::collections::BTreeMap;

use karmada_core::api::ResourceList;
use karmada_core::membership::pod_requests;
use serde_json::Value;

use super::json::{list, text};

/// Amounts by resource, in thousand-millionths.
pub(super) type Amounts = BTreeMap<String, i128>;

const ONE: i128 = 1_000_000_000;

/// Returns amounts that can be counted with.
pub(super) fn amounts(list: &ResourceList) -> Amounts {
    list.iter().map(|(name, quantity)| (name.clone(), quantity.nanos())).collect()
}

/// What a pod asks of a node.
#[derive(Clone, Debug, Default)]
pub(super) struct Demand {
    /// Requests, with one of `pods`.
    pub requests: Amounts,
    /// The pod's `spec`, for what it says about nodes.
    spec: Value,
}

/// What a node is, for those who look for one.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct NodeFacts {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub taints: Vec<Value>,
    pub unschedulable: bool,
    pub ready: bool,
    pub allocatable: Amounts,
}

/// What keeps a pod off a node, in kube-scheduler's words.
pub(super) const UNSCHEDULABLE: &str = "node(s) were unschedulable";
const AFFINITY: &str = "node(s) didn't match Pod's node affinity/selector";
const NOT_READY: &str = "node(s) were not ready";

impl Demand {
    /// Reads a pod, or a pod template.
    pub(super) fn of(pod: &Value) -> Self {
        let mut requests = amounts(&pod_requests(pod));
        requests.retain(|_, amount| *amount > 0);
        requests.insert("pods".to_owned(), ONE);
        let spec = pod.get("spec").cloned().unwrap_or_default();
        let kept = ["nodeSelector", "affinity", "tolerations"];
        let spec = kept.iter().filter_map(|key| Some(((*key).to_owned(), spec.get(*key)?.clone()))).collect();
        Self { requests, spec: Value::Object(spec) }
    }

    /// Returns what keeps the pod off a node, apart from room.
    pub(super) fn objection(&self, node: &NodeFacts) -> Option<String> {
        if node.unschedulable && !self.tolerates(&unschedulable_taint()) {
            return Some(UNSCHEDULABLE.to_owned());
        }
        if !node.ready {
            return Some(NOT_READY.to_owned());
        }
        if !self.selects(node) {
            return Some(AFFINITY.to_owned());
        }
        self.objectionable_taint(node, &["NoSchedule", "NoExecute"]).map(|taint| {
            format!("node(s) had untolerated taint {{{}: {}}}", text(taint, "key"), text(taint, "value"))
        })
    }

    /// Whether a taint of the node makes the pod leave it.
    pub(super) fn must_leave(&self, node: &NodeFacts) -> bool {
        self.objectionable_taint(node, &["NoExecute"]).is_some()
    }

    /// Whether the node is one that the pod may run on, room and its state apart.
    pub(super) fn selects(&self, node: &NodeFacts) -> bool {
        let selector = self.spec.get("nodeSelector").and_then(Value::as_object);
        let selected = selector
            .into_iter()
            .flatten()
            .all(|(key, value)| node.labels.get(key).map(String::as_str) == value.as_str());
        let required =
            "/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms";
        let Some(terms) = self.spec.pointer(required).and_then(Value::as_array) else { return selected };
        selected && terms.iter().any(|term| matches_term(term, node))
    }

    fn objectionable_taint<'a>(&self, node: &'a NodeFacts, effects: &[&str]) -> Option<&'a Value> {
        node.taints.iter().find(|taint| effects.contains(&text(taint, "effect")) && !self.tolerates(taint))
    }

    fn tolerates(&self, taint: &Value) -> bool {
        list(&self.spec, "tolerations").iter().any(|toleration| {
            let effect = text(toleration, "effect");
            let key = text(toleration, "key");
            let exists = text(toleration, "operator") == "Exists";
            (effect.is_empty() || effect == text(taint, "effect"))
                && (key == text(taint, "key") || (key.is_empty() && exists))
                && (exists || text(toleration, "value") == text(taint, "value"))
        })
    }
}

fn unschedulable_taint() -> Value {
    serde_json::json!({"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"})
}

fn matches_term(term: &Value, node: &NodeFacts) -> bool {
    let (expressions, fields) = (list(term, "matchExpressions"), list(term, "matchFields"));
    // A term that says nothing matches nothing.
    if expressions.is_empty() && fields.is_empty() {
        return false;
    }
    expressions.iter().all(|wanted| matches(wanted, node.labels.get(text(wanted, "key")).map(String::as_str)))
        && fields
            .iter()
            .all(|wanted| text(wanted, "key") == "metadata.name" && matches(wanted, Some(&node.name)))
}

fn matches(requirement: &Value, value: Option<&str>) -> bool {
    let values = list(requirement, "values");
    let listed = || values.iter().any(|known| known.as_str() == value);
    let compared = |is_wanted: fn(i64, i64) -> bool| {
        let limit = values.first().and_then(Value::as_str).and_then(|text| text.parse().ok());
        let value = value.and_then(|text| text.parse().ok());
        value.zip(limit).is_some_and(|(value, limit)| is_wanted(value, limit))
    };
    match text(requirement, "operator") {
        "In" => value.is_some() && listed(),
        "NotIn" => value.is_none() || !listed(),
        "Exists" => value.is_some(),
        "DoesNotExist" => value.is_none(),
        "Gt" => compared(|value, limit| value > limit),
        "Lt" => compared(|value, limit| value < limit),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn node(taints: Value) -> NodeFacts {
        NodeFacts {
            name: "n1".into(),
            labels: [("zone".to_owned(), "a".to_owned()), ("cores".to_owned(), "8".to_owned())].into(),
            taints: taints.as_array().cloned().unwrap_or_default(),
            unschedulable: false,
            ready: true,
            allocatable: Amounts::new(),
        }
    }

    fn objection(spec: Value, node: &NodeFacts) -> Option<String> {
        Demand::of(&json!({"spec": spec})).objection(node)
    }

    #[test]
    fn selectors_and_affinity_choose_nodes() {
        let node = node(json!([]));
        assert_eq!(objection(json!({"nodeSelector": {"zone": "a"}}), &node), None);
        assert_eq!(objection(json!({"nodeSelector": {"zone": "b"}}), &node).as_deref(), Some(AFFINITY));
        for (operator, key, values, fits) in [
            ("In", "zone", json!(["a", "b"]), true),
            ("NotIn", "zone", json!(["a"]), false),
            ("NotIn", "rack", json!(["a"]), true),
            ("Exists", "rack", json!([]), false),
            ("DoesNotExist", "rack", json!([]), true),
            ("Gt", "cores", json!(["4"]), true),
            ("Lt", "cores", json!(["8"]), false),
        ] {
            let term = json!({"matchExpressions": [{"key": key, "operator": operator, "values": values}]});
            let spec = json!({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution":
                {"nodeSelectorTerms": [term]}}}});
            assert_eq!(objection(spec, &node).is_none(), fits, "{operator} {key}");
        }
    }

    #[test]
    fn taints_keep_off_who_does_not_tolerate_them() {
        let node = node(json!([{"key": "gpu", "value": "yes", "effect": "NoSchedule"}]));
        assert_eq!(objection(json!({}), &node).as_deref(), Some("node(s) had untolerated taint {gpu: yes}"));
        for toleration in [
            json!({"key": "gpu", "operator": "Exists"}),
            json!({"key": "gpu", "value": "yes", "effect": "NoSchedule"}),
            json!({"operator": "Exists"}),
        ] {
            assert_eq!(objection(json!({"tolerations": [toleration]}), &node), None);
        }
        assert!(!Demand::of(&json!({})).must_leave(&node));
        let leaving = super::tests::node(json!([{"key": "down", "effect": "NoExecute"}]));
        assert!(Demand::of(&json!({})).must_leave(&leaving));
    }

    #[test]
    fn a_cordoned_node_takes_nobody_who_does_not_tolerate_it() {
        let node = NodeFacts { unschedulable: true, ..node(json!([])) };
        assert_eq!(objection(json!({}), &node).as_deref(), Some(UNSCHEDULABLE));
        let toleration = json!({"key": "node.kubernetes.io/unschedulable", "operator": "Exists"});
        assert_eq!(objection(json!({"tolerations": [toleration]}), &node), None);
    }
}
