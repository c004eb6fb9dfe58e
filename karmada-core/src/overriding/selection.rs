//! Which rules of which override policies apply, and in which order.

use serde_json::Value;

use crate::api::cluster::Cluster;
use crate::api::policy::{ClusterAffinity, OverrideSpec, Overriders, ResourceSelector};
use crate::object::{self, Selector};
use crate::propagation::cluster_matches;

/// A policy by name and spec.
pub(super) type Candidate<'a> = (&'a str, &'a OverrideSpec);

/// Returns whether a policy selects an object; one without selectors selects everything.
pub fn selects(spec: &OverrideSpec, object: &Value) -> bool {
    closeness(spec, object).is_some()
}

/// Returns the rules that apply to an object in a cluster, in the order of application.
pub(super) fn select_rules<'a>(
    object: &Value,
    cluster: &Cluster,
    candidates: Vec<Candidate<'a>>,
) -> Vec<(&'a str, &'a Overriders)> {
    let mut selected: Vec<_> = candidates
        .into_iter()
        .filter_map(|(name, spec)| Some((closeness(spec, object)?, name, spec)))
        .collect();
    selected.sort_by_key(|(closeness, name, _)| (*closeness, *name));
    selected
        .into_iter()
        .flat_map(|(_, name, spec)| rules(spec).map(move |(target, overriders)| (name, target, overriders)))
        .filter(|(_, target, _)| target.is_none_or(|affinity| cluster_matches(cluster, affinity)))
        .map(|(name, _, overriders)| (name, overriders))
        .collect()
}

/// How closely a policy means an object; the closest wins by being applied last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Closeness {
    Everything,
    Labels,
    Name,
}

fn closeness(spec: &OverrideSpec, object: &Value) -> Option<Closeness> {
    if spec.resource_selectors.is_empty() {
        return Some(Closeness::Everything);
    }
    spec.resource_selectors.iter().filter_map(|selector| selector_closeness(selector, object)).max()
}

fn selector_closeness(selector: &ResourceSelector, object: &Value) -> Option<Closeness> {
    if selector.api_version != object::api_version(object)
        || selector.kind != object::kind(object)
        || !selector.namespace.is_empty() && selector.namespace != object::namespace(object)
    {
        return None;
    }
    if !selector.name.is_empty() {
        return (selector.name == object::name(object)).then_some(Closeness::Name);
    }
    let Some(labels) = &selector.label_selector else { return Some(Closeness::Everything) };
    let selector = Selector::from_label_selector(labels).ok()?;
    selector.matches_with(|key| object::label(object, key)).then_some(Closeness::Labels)
}

/// Returns the rules of a policy; the deprecated form counts as one rule when there are no others.
fn rules(spec: &OverrideSpec) -> impl Iterator<Item = (Option<&ClusterAffinity>, &Overriders)> {
    let legacy = spec.override_rules.is_empty().then_some((spec.target_cluster.as_ref(), &spec.overriders));
    spec.override_rules.iter().map(|rule| (rule.target_cluster.as_ref(), &rule.overriders)).chain(legacy)
}
