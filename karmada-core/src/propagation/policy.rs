//! One policy: which templates it lets go and which have to be looked at again.

use serde_json::Value;

use super::{
    BindingView, Change, Claimant, Lookup, PolicyRef, PropagationError, TemplateKey, Write,
    matches_selectors,
    template::{has_dependent_overrides, unclaim_binding},
    unclaim_patch,
};
use crate::api::policy::ActivationPreference;

/// What a decision about a policy starts from.
pub struct PolicyInput<'a> {
    /// The policy; it is not being deleted.
    pub policy: &'a PolicyRef,
    /// The bindings that carry the policy's permanent id.
    pub bindings: &'a [PolicyBinding<'a>],
    /// The templates that wait for a policy.
    pub waiting: &'a [&'a Value],
    /// The caches.
    pub lookup: &'a dyn Lookup,
}

/// A binding of a policy and its template.
#[derive(Clone, Copy, Debug)]
pub struct PolicyBinding<'a> {
    /// The binding.
    pub binding: BindingView<'a>,
    /// The template, when it still exists.
    pub template: Option<&'a Value>,
}

/// What to do about a policy.
#[derive(Debug)]
pub struct PolicyDecision {
    /// What to write, in this order; stop at the first failure and try again.
    pub writes: Vec<Write>,
    /// The templates to look at again.
    pub requeue: Vec<TemplateKey>,
    /// How the change counts for them: a lazy policy does not refresh bindings by itself.
    pub change: Change,
    /// The templates that wait no more; they are in `requeue` too.
    pub matched: Vec<TemplateKey>,
    /// Why to try again later.
    pub error: Option<PropagationError>,
}

/// What the deletion of a policy starts from.
pub struct PolicyDeletionInput<'a> {
    /// The policy.
    pub policy: &'a PolicyRef,
    /// The templates that carry the policy's permanent id, each with its binding.
    pub templates: &'a [(&'a Value, Option<BindingView<'a>>)],
}

/// Decides about a policy that was made or changed.
pub fn reconcile_policy(input: &PolicyInput<'_>) -> PolicyDecision {
    let policy = input.policy;
    let claimant = Claimant::from(policy);
    let is_lazy = policy.spec().activation_preference == ActivationPreference::Lazy;
    let mut decision = PolicyDecision {
        writes: Vec::new(),
        requeue: Vec::new(),
        change: if is_lazy { Change::ByKarmada } else { Change::ByUser },
        matched: Vec::new(),
        error: None,
    };

    for PolicyBinding { binding, template } in input.bindings {
        decision.requeue.push(TemplateKey::from(&binding.spec.resource));
        let Some(template) = template else {
            continue;
        };
        if matches_selectors(template, &policy.spec().resource_selectors) {
            continue;
        }
        if let Some(patch) = unclaim_patch(template, &claimant) {
            decision.writes.push(Write::PatchTemplate { key: TemplateKey::of(template), patch });
        }
        decision.writes.extend(unclaim_binding(*binding, &claimant));
    }

    for template in input.waiting {
        let namespace = crate::object::namespace(template);
        let in_reach = matches!(policy, PolicyRef::Cluster(_)) || namespace == policy.namespace();
        if !in_reach || !matches_selectors(template, &policy.spec().resource_selectors) {
            continue;
        }
        if !has_dependent_overrides(policy, namespace, input.lookup) {
            decision.error = Some(PropagationError::DependentOverrides);
            break;
        }
        let key = TemplateKey::of(template);
        decision.requeue.push(key.clone());
        decision.matched.push(key);
    }
    decision
}

/// Decides about a policy that is being deleted.
///
/// Claims are removed from each binding first and then from its template, whose change leads to
/// another policy. Bindings and what they propagated stay. When all writes are done, drop
/// [`PolicyRef::finalizer`].
pub fn reconcile_policy_deletion(input: &PolicyDeletionInput<'_>) -> Vec<Write> {
    let claimant = Claimant::from(input.policy);
    let mut writes = Vec::new();
    for (template, binding) in input.templates {
        writes.extend(binding.and_then(|binding| unclaim_binding(binding, &claimant)));
        if let Some(patch) = unclaim_patch(template, &claimant) {
            writes.push(Write::PatchTemplate { key: TemplateKey::of(template), patch });
        }
    }
    writes
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::{api::work::ResourceBinding, propagation::Snapshot};

    fn policy(spec: Value) -> PolicyRef {
        let policy = json!({
            "metadata": {"name": "p", "namespace": "a", "labels": {"propagationpolicy.karmada.io/permanent-id": "id"}},
            "spec": spec
        });
        PolicyRef::Namespaced(Arc::new(serde_json::from_value(policy).unwrap()))
    }

    fn claimed(name: &str) -> (Value, ResourceBinding) {
        let metadata = json!({
            "name": name, "namespace": "a",
            "labels": {"propagationpolicy.karmada.io/permanent-id": "id", "keep": "1"},
            "annotations": {"propagationpolicy.karmada.io/namespace": "a", "propagationpolicy.karmada.io/name": "p"}
        });
        let template = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata});
        let resource = json!({"apiVersion": "v1", "kind": "ConfigMap", "namespace": "a", "name": name});
        (
            template,
            serde_json::from_value(json!({"metadata": metadata, "spec": {"resource": resource}})).unwrap(),
        )
    }

    #[test]
    fn what_is_no_longer_selected_is_let_go() {
        let policy =
            policy(json!({"resourceSelectors": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "x"}]}));
        let (kept, kept_binding) = claimed("x");
        let (lost, lost_binding) = claimed("y");
        let bindings = [
            PolicyBinding { binding: (&kept_binding).into(), template: Some(&kept) },
            PolicyBinding { binding: (&lost_binding).into(), template: Some(&lost) },
        ];
        let input =
            PolicyInput { policy: &policy, bindings: &bindings, waiting: &[], lookup: &Snapshot::default() };
        let decision = reconcile_policy(&input);
        assert_eq!(decision.requeue.len(), 2);
        let [Write::PatchTemplate { key, patch }, Write::PatchBinding { name, .. }] =
            decision.writes.as_slice()
        else {
            unreachable!("{decision:?}")
        };
        assert_eq!((key.name.as_str(), name.as_str()), ("y", "y"));
        assert_eq!(patch["metadata"]["labels"], json!({"propagationpolicy.karmada.io/permanent-id": null}));
    }

    #[test]
    fn waiting_templates_of_the_namespace_are_looked_at_again() {
        let policy = policy(json!({"resourceSelectors": [{"apiVersion": "v1", "kind": "ConfigMap"}]}));
        let here =
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "namespace": "a"}});
        let there =
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "namespace": "b"}});
        let waiting = [&here, &there];
        let input =
            PolicyInput { policy: &policy, bindings: &[], waiting: &waiting, lookup: &Snapshot::default() };
        assert_eq!(reconcile_policy(&input).matched, vec![TemplateKey::of(&here)]);
    }

    #[test]
    fn deletion_cleans_the_binding_before_the_template() {
        let policy = policy(json!({}));
        let (template, binding) = claimed("x");
        let templates = [(&template, Some(BindingView::from(&binding)))];
        let writes =
            reconcile_policy_deletion(&PolicyDeletionInput { policy: &policy, templates: &templates });
        assert!(matches!(writes.as_slice(), [Write::PatchBinding { .. }, Write::PatchTemplate { .. }]));
    }
}
