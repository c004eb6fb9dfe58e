//! One template: who propagates it, and what follows.

use serde_json::Value;

use super::{
    Binding, BindingView, Change, Claimant, Event, Lookup, NamespaceFilter, PolicyRef, PropagationError,
    TemplateKey, Write, best_cluster_policy, best_policy,
    binding::{self, Sources, metadata_object},
    claim_patch, claimant, matches_selectors, unclaim_patch,
};
use crate::{
    api::{
        FeatureGates,
        policy::{
            ActivationPreference,
            constants::{APPLY_POLICY_FAILED, APPLY_POLICY_SUCCEED},
        },
    },
    causes::text_with_causes,
    interpreter::ResourceInterpreter,
    object,
};

/// What a decision about a template starts from.
pub struct TemplateInput<'a> {
    /// The template.
    pub template: &'a Value,
    /// Its binding, when there is one.
    pub binding: Option<BindingView<'a>>,
    /// Who changed the template; everything but [`Change::ByKarmada`] counts as the user.
    pub change: Change,
    /// Whether it was found without a policy before.
    pub is_waiting: bool,
    /// The caches.
    pub lookup: &'a dyn Lookup,
    /// Features.
    pub gates: &'a FeatureGates,
    /// Replicas and components.
    pub interpreter: &'a dyn ResourceInterpreter,
}

/// What to do about a template.
#[derive(Debug)]
pub struct TemplateDecision {
    /// How it stands.
    pub outcome: TemplateOutcome,
    /// What to write, in this order; stop at the first failure and try again.
    pub writes: Vec<Write>,
    /// What to tell about the template.
    pub events: Vec<Event>,
    /// Why to try again later.
    pub error: Option<PropagationError>,
}

/// How a template stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateOutcome {
    /// A policy propagates it.
    Propagated {
        /// The policy, as in events.
        policy: String,
    },
    /// A lazy policy claims it; the binding waits for a change by the user.
    ClaimedOnly {
        /// The policy, as in events.
        policy: String,
    },
    /// The policy that claims it selects it no more; the policy's own turn takes care of that.
    NoLongerSelected,
    /// The policy that claimed it is gone, and now the claim is.
    Unclaimed,
    /// A controller propagates it.
    ClaimedByController,
    /// No policy selects it: remember it and look again when a policy comes.
    Waiting,
    /// It could not be propagated; see the error.
    Failed,
}

impl TemplateDecision {
    /// Puts the template's resource version into the binding.
    ///
    /// Writing the claim gives the template a new one; call this between the two writes.
    pub fn record_resource_version(&mut self, resource_version: &str) {
        for write in &mut self.writes {
            if let Write::CreateBinding(binding) | Write::UpdateBinding(binding) = write {
                resource_version.clone_into(&mut binding.spec_mut().resource.resource_version);
            }
        }
    }

    fn new(outcome: TemplateOutcome) -> Self {
        Self { outcome, writes: Vec::new(), events: Vec::new(), error: None }
    }

    fn failed(error: PropagationError) -> Self {
        Self { error: Some(error), ..Self::new(TemplateOutcome::Failed) }
    }
}

/// Decides about one template.
///
/// The policy that claims it stays in charge as long as it exists; otherwise the best policy of
/// the namespace is chosen, and only then the best cluster-wide one. Doing it again without a
/// change writes nothing.
pub fn reconcile_template(input: &TemplateInput<'_>) -> TemplateDecision {
    let template = input.template;
    if NamespaceFilter::is_claimed_by_controller(template) {
        return TemplateDecision::new(TemplateOutcome::ClaimedByController);
    }
    if let Some(claimant) = claimant(template) {
        return reconcile_claimed(input, &claimant);
    }
    let Some(policy) = find_policy(input) else {
        // The first time is an error: it makes for another look when caches have caught up.
        let error = (!input.is_waiting).then_some(PropagationError::NoPolicy);
        return TemplateDecision { error, ..TemplateDecision::new(TemplateOutcome::Waiting) };
    };
    if !has_dependent_overrides(&policy, object::namespace(template), input.lookup) {
        return TemplateDecision::failed(PropagationError::DependentOverrides);
    }
    apply(input, &policy)
}

/// Returns true when the override policies that must come first are there.
pub(super) fn has_dependent_overrides(policy: &PolicyRef, namespace: &str, lookup: &dyn Lookup) -> bool {
    policy.spec().dependent_overrides.iter().all(|name| match policy {
        PolicyRef::Namespaced(_) => lookup.has_override_policy(namespace, name),
        PolicyRef::Cluster(_) => lookup.has_cluster_override_policy(name),
    })
}

fn reconcile_claimed(input: &TemplateInput<'_>, claimant: &Claimant) -> TemplateDecision {
    let template = input.template;
    let policy: Option<PolicyRef> = match claimant {
        Claimant::Namespaced { namespace, name, .. } => {
            input.lookup.propagation_policy(namespace, name).map(PolicyRef::from)
        }
        Claimant::Cluster { name, .. } => input.lookup.cluster_propagation_policy(name).map(PolicyRef::from),
    };
    let Some(policy) = policy else {
        return unclaim(input, claimant);
    };
    if policy.is_terminating() {
        return TemplateDecision::failed(PropagationError::PolicyTerminating { policy: policy.to_string() });
    }
    if !matches_selectors(template, &policy.spec().resource_selectors) {
        return TemplateDecision::new(TemplateOutcome::NoLongerSelected);
    }
    if !has_dependent_overrides(&policy, object::namespace(template), input.lookup) {
        return TemplateDecision::failed(PropagationError::DependentOverrides);
    }
    apply(input, &policy)
}

/// Takes the claim away, first from the binding: a template without a claim leads to a new one.
fn unclaim(input: &TemplateInput<'_>, claimant: &Claimant) -> TemplateDecision {
    let mut decision = TemplateDecision::new(TemplateOutcome::Unclaimed);
    if let Some(binding) = input.binding
        && let Some(write) = unclaim_binding(binding, claimant)
    {
        decision.writes.push(write);
    }
    if let Some(patch) = unclaim_patch(input.template, claimant) {
        decision.writes.push(Write::PatchTemplate { key: TemplateKey::of(input.template), patch });
    }
    decision
}

pub(super) fn unclaim_binding(binding: BindingView<'_>, claimant: &Claimant) -> Option<Write> {
    let patch = unclaim_patch(&metadata_object(binding.metadata), claimant)?;
    Some(Write::PatchBinding {
        namespace: binding.metadata.namespace.clone().unwrap_or_default(),
        name: binding.metadata.name.clone().unwrap_or_default(),
        patch,
    })
}

fn find_policy(input: &TemplateInput<'_>) -> Option<PolicyRef> {
    let namespace = object::namespace(input.template);
    if !namespace.is_empty() {
        let policies = input.lookup.propagation_policies(namespace);
        if let Some(policy) = best_policy(input.template, &policies) {
            return Some(policy.clone().into());
        }
    }
    let policies = input.lookup.cluster_propagation_policies();
    best_cluster_policy(input.template, &policies).map(|policy| policy.clone().into())
}

fn apply(input: &TemplateInput<'_>, policy: &PolicyRef) -> TemplateDecision {
    let mut decision = TemplateDecision::new(TemplateOutcome::Propagated { policy: policy.to_string() });
    let mut claimed = None;
    if let Some(patch) = claim_patch(input.template, policy) {
        let template = claimed.insert(input.template.clone());
        json_patch::merge(template, &patch);
        decision.writes.push(Write::PatchTemplate { key: TemplateKey::of(input.template), patch });
    }
    if input.change == Change::ByKarmada && policy.spec().activation_preference == ActivationPreference::Lazy
    {
        decision.outcome = TemplateOutcome::ClaimedOnly { policy: policy.to_string() };
        return decision;
    }

    let sources = Sources {
        template: claimed.as_ref().unwrap_or(input.template),
        policy,
        lookup: input.lookup,
        gates: input.gates,
        interpreter: input.interpreter,
    };
    match desired_binding(&sources, input.binding, &mut decision.events) {
        Ok(Some(write)) => {
            decision.writes.push(write);
            decision.events.push(Event::normal(APPLY_POLICY_SUCCEED, format!("Apply {policy} succeed")));
        }
        // Nothing to write is nothing to tell.
        Ok(None) => decision.events.clear(),
        Err(error) => {
            decision.events.push(Event::warning(
                APPLY_POLICY_FAILED,
                format!("Apply {policy} failed: {}", text_with_causes(&error)),
            ));
            decision.error = Some(error);
            decision.outcome = TemplateOutcome::Failed;
        }
    }
    decision
}

fn desired_binding(
    sources: &Sources<'_>,
    existing: Option<BindingView<'_>>,
    events: &mut Vec<Event>,
) -> Result<Option<Write>, PropagationError> {
    let desired: Binding = binding::build(sources, events)?;
    let Some(existing) = existing else {
        return Ok(Some(Write::CreateBinding(Box::new(desired))));
    };
    let updated = binding::update(existing, desired)?;
    Ok(updated.map(|binding| Write::UpdateBinding(Box::new(binding))))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::{api::work::ResourceBinding, interpreter::NativeInterpreter, propagation::Snapshot};

    fn web() -> Value {
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web", "namespace": "a", "uid": "u1", "resourceVersion": "7"},
            "spec": {"replicas": 2}
        })
    }

    fn snapshot(spec: Value) -> Snapshot {
        let mut policy = json!({
            "metadata": {"name": "p", "namespace": "a", "labels": {"propagationpolicy.karmada.io/permanent-id": "id"}},
            "spec": {"resourceSelectors": [{"apiVersion": "apps/v1", "kind": "Deployment"}]}
        });
        json_patch::merge(&mut policy["spec"], &spec);
        Snapshot {
            propagation_policies: vec![Arc::new(serde_json::from_value(policy).unwrap())],
            ..Default::default()
        }
    }

    fn decide(
        template: &Value,
        binding: Option<&ResourceBinding>,
        change: Change,
        snapshot: &Snapshot,
    ) -> TemplateDecision {
        reconcile_template(&TemplateInput {
            template,
            binding: binding.map(BindingView::from),
            change,
            is_waiting: false,
            lookup: snapshot,
            gates: &FeatureGates::default(),
            interpreter: &NativeInterpreter::default(),
        })
    }

    fn claimed_and_bound(snapshot: &Snapshot) -> (Value, ResourceBinding) {
        let mut template = web();
        let decision = decide(&template, None, Change::ByUser, snapshot);
        let [Write::PatchTemplate { patch, .. }, Write::CreateBinding(binding)] = decision.writes.as_slice()
        else {
            unreachable!("{decision:?}")
        };
        json_patch::merge(&mut template, patch);
        let Binding::Namespaced(binding) = binding.as_ref() else { unreachable!() };
        (template, binding.clone())
    }

    #[test]
    fn a_new_template_is_claimed_and_then_bound() {
        let (template, binding) = claimed_and_bound(&snapshot(json!({})));
        assert_eq!(template["metadata"]["annotations"]["propagationpolicy.karmada.io/name"], "p");
        assert_eq!(binding.metadata.name.as_deref(), Some("web-deployment"));
        assert_eq!(binding.spec.replicas, 2);
    }

    #[test]
    fn deciding_again_writes_nothing() {
        let snapshot = snapshot(json!({}));
        let (template, binding) = claimed_and_bound(&snapshot);
        let decision = decide(&template, Some(&binding), Change::ByUser, &snapshot);
        assert!(decision.writes.is_empty() && decision.events.is_empty(), "{decision:?}");
    }

    #[test]
    fn what_the_scheduler_decided_survives_an_update() {
        let snapshot = snapshot(json!({}));
        let (mut template, mut binding) = claimed_and_bound(&snapshot);
        binding.spec.clusters = serde_json::from_value(json!([{"name": "m1", "replicas": 2}])).unwrap();
        template["spec"]["replicas"] = json!(3);
        let decision = decide(&template, Some(&binding), Change::ByUser, &snapshot);
        let [Write::UpdateBinding(updated)] = decision.writes.as_slice() else {
            unreachable!("{decision:?}")
        };
        assert_eq!((updated.spec().replicas, &updated.spec().clusters), (3, &binding.spec.clusters));
    }

    #[test]
    fn a_lazy_policy_waits_for_the_user() {
        let decision =
            decide(&web(), None, Change::ByKarmada, &snapshot(json!({"activationPreference": "Lazy"})));
        assert_eq!(decision.outcome, TemplateOutcome::ClaimedOnly { policy: "policy(a/p)".to_owned() });
        assert_eq!(decision.writes.len(), 1);
    }

    #[test]
    fn the_claim_of_a_policy_that_is_gone_is_removed_from_the_binding_first() {
        let (template, binding) = claimed_and_bound(&snapshot(json!({})));
        let decision = decide(&template, Some(&binding), Change::ByUser, &Snapshot::default());
        assert_eq!(decision.outcome, TemplateOutcome::Unclaimed);
        assert!(matches!(
            decision.writes.as_slice(),
            [Write::PatchBinding { .. }, Write::PatchTemplate { .. }]
        ));
    }

    #[test]
    fn a_template_without_a_policy_is_an_error_only_once() {
        let template = web();
        let empty = Snapshot::default();
        let mut input = TemplateInput {
            template: &template,
            binding: None,
            change: Change::ByUser,
            is_waiting: false,
            lookup: &empty,
            gates: &FeatureGates::default(),
            interpreter: &NativeInterpreter::default(),
        };
        assert!(matches!(reconcile_template(&input).error, Some(PropagationError::NoPolicy)));
        input.is_waiting = true;
        assert!(reconcile_template(&input).error.is_none());
    }

    #[test]
    fn a_binding_of_an_older_template_is_left_alone() {
        let snapshot = snapshot(json!({}));
        let (mut template, binding) = claimed_and_bound(&snapshot);
        template["metadata"]["uid"] = "u2".into();
        let decision = decide(&template, Some(&binding), Change::ByUser, &snapshot);
        assert!(matches!(decision.error, Some(PropagationError::OwnerMismatch)));
    }
}
