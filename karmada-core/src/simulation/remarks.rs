//! What is remarkable about all records together.

use std::collections::BTreeSet;

use super::{Problem, Record, World, clusters::listed, flow::Detected, record::Outcome, scope::nearest};
use crate::{
    api::policy::ResourceSelector,
    propagation::{TemplateKey, matches_selectors},
};

/// Counts who has a part in the records.
pub(super) struct Tally<'w> {
    world: &'w World,
    /// Positions of policies and override policies in the input.
    used: BTreeSet<usize>,
    /// By position; emptied once every cluster is used.
    unused_clusters: BTreeSet<&'w str>,
}

impl<'w> Tally<'w> {
    pub(super) fn new(world: &'w World) -> Self {
        let unused_clusters = world.clusters.keys().map(String::as_str).collect();
        Self { world, used: BTreeSet::new(), unused_clusters }
    }

    pub(super) fn count(&mut self, record: &Record) {
        self.used.extend(record.policy.as_ref().map(|policy| policy.object));
        for change in &record.overrides {
            self.used.extend(change.policies.iter().map(|policy| policy.object));
        }
        // Namespaces go everywhere: they do not make a cluster a used one.
        let is_placed = !matches!(record.outcome, Outcome::Placed(super::Mode::Everywhere));
        if !self.unused_clusters.is_empty() && is_placed {
            for target in record.targets() {
                self.unused_clusters.remove(target.name.as_str());
            }
        }
    }

    pub(super) fn remarks(&self) -> Vec<Problem> {
        let mut remarks = Vec::new();
        let selectors = self.world.policies.selectors();
        for ((namespace, name), object) in &self.world.policy_objects {
            if self.used.contains(object) {
                continue;
            }
            let selectors = selectors.get(&(namespace.as_str(), name.as_str())).copied().unwrap_or_default();
            remarks.push(self.unused_policy(*object, selectors));
        }
        for object in self.world.override_objects.values().filter(|object| !self.used.contains(object)) {
            remarks.push(Problem::note(*object, "", "the override policy changes nothing"));
        }
        let unused: Vec<&str> = self.unused_clusters.iter().copied().collect();
        if let Some(first) = unused.first()
            && !self.world.is_empty()
        {
            let message = format!("nothing runs on {}", listed(&unused));
            let mut remark = Problem::note(self.world.cluster_objects[*first], "", message);
            remark.related = None;
            remarks.push(remark);
        }
        remarks.sort();
        remarks.sort_by_key(|remark| remark.object);
        remarks
    }

    /// Says why a policy propagates nothing.
    fn unused_policy(&self, object: usize, selectors: &[ResourceSelector]) -> Problem {
        let selected = self.world.templates.iter().position(|template| {
            let is_near = selectors.iter().any(|selector| selector.kind == template.key.kind);
            is_near && matches_selectors(&template.value, selectors)
        });
        let Some(selected) = selected else {
            let problem = Problem::note(object, "spec.resourceSelectors", "the policy selects nothing");
            return match selectors.iter().find_map(|selector| self.near_miss(selector)) {
                Some(hint) => problem.with_hint(hint),
                None => problem,
            };
        };
        let TemplateKey { kind, name, .. } = &self.world.templates[selected].key;
        let propagated = self.world.propagate(selected);
        match (propagated.policy, propagated.result) {
            (Some(winner), _) if winner.object != object => {
                let message = format!(
                    "the policy propagates nothing: {} {} comes first for {kind} {name}",
                    winner.kind(),
                    winner.name
                );
                let mut problem = Problem::note(object, "spec.resourceSelectors", message);
                problem.related = Some(winner.object);
                problem
            }
            (_, Detected::Not(reason)) => {
                let message =
                    format!("the policy propagates nothing: it selects {kind} {name}, but {reason}");
                Problem::note(object, "spec.resourceSelectors", message)
            }
            _ => Problem::note(object, "spec.resourceSelectors", "the policy propagates nothing"),
        }
    }

    /// Returns what a selector probably means.
    fn near_miss(&self, selector: &ResourceSelector) -> Option<String> {
        let templates = || self.world.templates.iter().map(|template| &template.key);
        let same_kind = || templates().filter(|key| key.kind == selector.kind);
        if let Some(key) = same_kind().find(|key| key.name == selector.name && !selector.name.is_empty()) {
            if key.api_version != selector.api_version {
                return Some(format!("{} {} is of {}", key.kind, key.name, key.api_version));
            }
            return Some(format!("{} {} is in namespace {}", key.kind, key.name, key.namespace));
        }
        if let Some(key) = same_kind().find(|key| key.api_version != selector.api_version) {
            return Some(format!("{} {} is of {}", key.kind, key.name, key.api_version));
        }
        let name = nearest(&selector.name, same_kind().map(|key| key.name.as_str()));
        if let Some(name) = name.filter(|_| !selector.name.is_empty()) {
            return Some(format!("did you mean {} {name}?", selector.kind));
        }
        let kind = nearest(&selector.kind, templates().map(|key| key.kind.as_str()));
        kind.filter(|kind| *kind != selector.kind).map(|kind| format!("did you mean kind {kind}?"))
    }
}
