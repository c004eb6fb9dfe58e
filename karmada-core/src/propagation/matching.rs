//! Which templates a policy selects, and which policy comes first.

use std::{cmp::Reverse, sync::Arc};

use serde_json::Value;

use crate::{
    api::policy::{ClusterPropagationPolicy, PropagationPolicy, PropagationSpec, ResourceSelector},
    object::{self, Selector},
};

/// How exactly a selector names a template.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum ImplicitPriority {
    /// It does not select it.
    #[default]
    Mismatch,
    /// It selects every template of the kind.
    All,
    /// It selects it by labels.
    Labels,
    /// It selects it by name.
    Name,
}

/// Returns how exactly a selector names a template.
///
/// A name makes the label selector irrelevant; a label selector that is not valid selects nothing.
pub fn selector_priority(template: &Value, selector: &ResourceSelector) -> ImplicitPriority {
    if selector.api_version != object::api_version(template)
        || selector.kind != object::kind(template)
        || (!selector.namespace.is_empty() && selector.namespace != object::namespace(template))
    {
        return ImplicitPriority::Mismatch;
    }
    if !selector.name.is_empty() {
        let same = selector.name == object::name(template);
        return if same { ImplicitPriority::Name } else { ImplicitPriority::Mismatch };
    }
    let Some(label_selector) = &selector.label_selector else {
        return ImplicitPriority::All;
    };
    let labels = object::labels(template);
    let matches = Selector::from_label_selector(label_selector)
        .is_ok_and(|checked| checked.matches_with(|key| labels?.get(key)?.as_str()));
    if matches { ImplicitPriority::Labels } else { ImplicitPriority::Mismatch }
}

/// Returns how exactly the best of the selectors names a template.
pub fn selectors_priority(template: &Value, selectors: &[ResourceSelector]) -> ImplicitPriority {
    selectors.iter().map(|selector| selector_priority(template, selector)).max().unwrap_or_default()
}

/// Returns true when a selector selects the template.
pub fn matches_selectors(template: &Value, selectors: &[ResourceSelector]) -> bool {
    selectors.iter().any(|selector| selector_priority(template, selector) != ImplicitPriority::Mismatch)
}

/// Returns the policy of the template's namespace that comes first for it.
///
/// The highest explicit priority wins, then the most exact selector, then the smaller name.
/// Policies that are being deleted and policies of other namespaces do not count.
pub fn best_policy<'a>(
    template: &Value,
    policies: &'a [Arc<PropagationPolicy>],
) -> Option<&'a Arc<PropagationPolicy>> {
    let namespace = object::namespace(template);
    if namespace.is_empty() {
        return None;
    }
    let candidates = policies.iter().filter(|policy| {
        policy.metadata.deletion_timestamp.is_none()
            && policy.metadata.namespace.as_deref() == Some(namespace)
    });
    best(template, candidates, |policy| (&policy.spec, policy.metadata.name.as_deref().unwrap_or_default()))
}

/// Returns the cluster-wide policy that comes first for the template.
pub fn best_cluster_policy<'a>(
    template: &Value,
    policies: &'a [Arc<ClusterPropagationPolicy>],
) -> Option<&'a Arc<ClusterPropagationPolicy>> {
    let candidates = policies.iter().filter(|policy| policy.metadata.deletion_timestamp.is_none());
    best(template, candidates, |policy| (&policy.spec, policy.metadata.name.as_deref().unwrap_or_default()))
}

fn best<'a, T>(
    template: &Value,
    candidates: impl Iterator<Item = &'a Arc<T>>,
    parts: impl Fn(&'a T) -> (&'a PropagationSpec, &'a str),
) -> Option<&'a Arc<T>> {
    let ranked = candidates.filter_map(|policy| {
        let (spec, name) = parts(policy);
        let implicit = selectors_priority(template, &spec.resource_selectors);
        (implicit != ImplicitPriority::Mismatch).then(|| {
            let rank = (spec.priority.unwrap_or_default(), implicit, Reverse(name));
            (rank, policy)
        })
    });
    ranked.max_by(|(left, _), (right, _)| left.cmp(right)).map(|(_, policy)| policy)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn web() -> Value {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "a", "labels": {"app": "x"}}})
    }

    fn policy(name: &str, priority: i32, selector: Value) -> Arc<PropagationPolicy> {
        let mut selector = selector;
        selector["apiVersion"] = "apps/v1".into();
        selector["kind"] = "Deployment".into();
        let policy = json!({
            "metadata": {"name": name, "namespace": "a"},
            "spec": {"priority": priority, "resourceSelectors": [selector]}
        });
        Arc::new(serde_json::from_value(policy).unwrap())
    }

    fn winner(policies: &[Arc<PropagationPolicy>]) -> &str {
        best_policy(&web(), policies).unwrap().metadata.name.as_deref().unwrap()
    }

    #[test]
    fn explicit_priority_wins_over_an_exact_name() {
        let policies = [policy("exact", 0, json!({"name": "web"})), policy("high", 1, json!({}))];
        assert_eq!(winner(&policies), "high");
    }

    #[test]
    fn names_win_over_labels_over_everything() {
        let all = policy("all", 0, json!({}));
        let labels = policy("labels", 0, json!({"labelSelector": {"matchLabels": {"app": "x"}}}));
        let name = policy("name", 0, json!({"name": "web"}));
        assert_eq!(winner(&[all.clone(), labels.clone()]), "labels");
        assert_eq!(winner(&[all, name, labels]), "name");
    }

    #[test]
    fn the_smaller_name_wins_a_tie() {
        assert_eq!(
            winner(&[policy("b", 0, json!({})), policy("a", 0, json!({})), policy("c", 0, json!({}))]),
            "a"
        );
    }

    proptest! {
        #[test]
        fn the_winner_beats_every_other_policy_in_any_order(
            rows in proptest::collection::btree_map("[a-c]{1,2}", (-1..3, 0..4_usize), 1..8),
            turn in 0..8_usize,
        ) {
            let selectors = [
                json!({}),
                json!({"labelSelector": {"matchLabels": {"app": "x"}}}),
                json!({"name": "web"}),
                json!({"name": "other"}),
            ];
            let ranks = [1, 2, 3, 0];
            let mut policies: Vec<_> = rows
                .iter()
                .map(|(name, (priority, selector))| policy(name, *priority, selectors[*selector].clone()))
                .collect();
            let middle = turn % policies.len();
            policies.rotate_left(middle);
            // The rule said plainly: walk all that match, by priority, then exactness, then name.
            let mut matching: Vec<_> = rows.iter().filter(|(_, (_, selector))| ranks[*selector] > 0).collect();
            matching.sort_by_key(|(name, (priority, selector))| (-priority, -ranks[*selector], (*name).clone()));
            let expected = matching.first().map(|(name, _)| name.as_str());
            let won = best_policy(&web(), &policies).and_then(|policy| policy.metadata.name.as_deref());
            prop_assert_eq!(won, expected);
        }
    }

    #[test]
    fn policies_of_other_namespaces_do_not_count() {
        let mut elsewhere = PropagationPolicy::clone(&policy("a", 9, json!({})));
        elsewhere.metadata.namespace = Some("b".to_owned());
        assert!(best_policy(&web(), &[Arc::new(elsewhere)]).is_none());
    }
}
