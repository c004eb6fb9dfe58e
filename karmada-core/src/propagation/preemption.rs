//! A policy takes templates from another one.

use std::cmp::Reverse;

use serde_json::Value;

use super::{Claimant, Event, Lookup, PolicyRef, claim_patch, claimant, matches_selectors};
use crate::api::{
    Feature, FeatureGates,
    policy::{Preemption, constants::PREEMPT_POLICY_SUCCEED},
};

/// A template changes hands.
#[derive(Clone, Debug, PartialEq)]
pub struct PreemptionDecision {
    /// The JSON merge patch of the template's metadata.
    pub patch: Value,
    /// What to tell about the template when the patch is written.
    pub event: Event,
}

/// Decides whether a policy takes a template from the policy that claims it.
///
/// A PropagationPolicy takes it from any ClusterPropagationPolicy, and from another
/// PropagationPolicy of lower explicit priority; a ClusterPropagationPolicy only from another one
/// of lower explicit priority. Nobody takes what nobody claims: that is ordinary propagation.
pub fn preempt(
    policy: &PolicyRef,
    template: &Value,
    lookup: &dyn Lookup,
    gates: &FeatureGates,
) -> Option<PreemptionDecision> {
    if !gates.is_enabled(Feature::PropagationPolicyPreemption)
        || policy.spec().preemption != Preemption::Always
        || !matches_selectors(template, &policy.spec().resource_selectors)
    {
        return None;
    }
    let owner = claimant(template)?;
    let loser = match (&owner, policy) {
        (Claimant::Namespaced { namespace, name, .. }, PolicyRef::Namespaced(_)) => {
            if namespace == policy.namespace() && name == policy.name() {
                return None;
            }
            let current = lookup.propagation_policy(namespace, name)?;
            if policy.priority() <= current.spec.priority.unwrap_or_default() {
                return None;
            }
            format!("propagation policy({namespace}/{name})")
        }
        (Claimant::Cluster { name, .. }, PolicyRef::Namespaced(_)) => {
            format!("cluster propagation policy({name})")
        }
        (Claimant::Cluster { name, .. }, PolicyRef::Cluster(_)) => {
            if name == policy.name() {
                return None;
            }
            let current = lookup.cluster_propagation_policy(name)?;
            if policy.priority() <= current.spec.priority.unwrap_or_default() {
                return None;
            }
            format!("cluster propagation policy({name})")
        }
        (Claimant::Namespaced { .. }, PolicyRef::Cluster(_)) => return None,
    };
    let patch = claim_patch(template, policy)?;
    let winner = match policy {
        PolicyRef::Namespaced(_) => format!("Propagation policy({}/{})", policy.namespace(), policy.name()),
        PolicyRef::Cluster(_) => format!("Cluster propagation policy({})", policy.name()),
    };
    let message = format!("{winner} preempted {loser} successfully");
    Some(PreemptionDecision { patch, event: Event::normal(PREEMPT_POLICY_SUCCEED, message) })
}

/// Returns the policies that may now take templates of a policy whose priority was lowered.
///
/// They are of the same scope, preempt, and have an explicit priority strictly between the new
/// and the old one; the highest comes first.
pub fn policies_to_retry_preemption(
    policy: &PolicyRef,
    old_priority: i32,
    lookup: &dyn Lookup,
) -> Vec<PolicyRef> {
    let new_priority = policy.priority();
    if new_priority >= old_priority {
        return Vec::new();
    }
    let others: Vec<PolicyRef> = match policy {
        PolicyRef::Namespaced(_) => {
            lookup.propagation_policies(policy.namespace()).into_iter().map(PolicyRef::from).collect()
        }
        PolicyRef::Cluster(_) => {
            lookup.cluster_propagation_policies().into_iter().map(PolicyRef::from).collect()
        }
    };
    let mut candidates: Vec<PolicyRef> = others
        .into_iter()
        .filter(|other| {
            let between = other.spec().priority.is_some_and(|p| new_priority < p && p < old_priority);
            other.name() != policy.name() && other.spec().preemption == Preemption::Always && between
        })
        .collect();
    candidates.sort_by(|left, right| {
        (Reverse(left.priority()), left.name()).cmp(&(Reverse(right.priority()), right.name()))
    });
    candidates
}
