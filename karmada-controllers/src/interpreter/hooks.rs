//! Interpreter webhooks as they are configured now.

use std::collections::BTreeMap;
use std::sync::Arc;

use karmada_core::api::config::ResourceInterpreterWebhookConfiguration;
use karmada_core::interpreter::webhook::Hooks;
use kube::ResourceExt as _;
use parking_lot::RwLock;

use crate::hub::Change;

/// The webhooks of all stored configurations.
#[derive(Debug, Default)]
pub(super) struct StoredHooks {
    state: RwLock<State>,
}

#[derive(Debug, Default)]
struct State {
    by_name: BTreeMap<String, Arc<ResourceInterpreterWebhookConfiguration>>,
    /// What decisions ask; one that is being made keeps the hooks it began with.
    current: Arc<Hooks>,
}

impl StoredHooks {
    /// Takes over a change.
    pub(super) fn follow(&self, change: &Change<ResourceInterpreterWebhookConfiguration>) {
        let object = change.object();
        let mut state = self.state.write();
        match change {
            Change::Added(_) | Change::Updated { .. } => {
                state.by_name.insert(object.name_any(), object.clone());
            }
            Change::Deleted(_) => {
                state.by_name.remove(&object.name_any());
            }
        }
        state.current = Arc::new(Hooks::new(state.by_name.values().map(AsRef::as_ref)));
    }

    /// Returns the webhooks as they are now.
    pub(super) fn current(&self) -> Arc<Hooks> {
        self.state.read().current.clone()
    }
}

#[cfg(test)]
mod tests {
    use karmada_core::interpreter::{ObjectKind, Operation};
    use serde_json::json;

    use super::*;

    fn configuration(kind: &str) -> Arc<ResourceInterpreterWebhookConfiguration> {
        let configuration = json!({
            "apiVersion": "config.karmada.io/v1alpha1", "kind": "ResourceInterpreterWebhookConfiguration",
            "metadata": {"name": "hooks"},
            "webhooks": [{
                "name": "h.io", "clientConfig": {"url": "https://h"}, "interpreterContextVersions": ["v1alpha1"],
                "rules": [{"operations": ["*"], "apiGroups": ["*"], "apiVersions": ["*"], "kinds": [kind]}],
            }],
        });
        Arc::new(serde_json::from_value(configuration).unwrap())
    }

    #[test]
    fn the_webhooks_are_those_that_are_stored_now() {
        let stored = StoredHooks::default();
        let asked = |kind| {
            let kind = ObjectKind { api_version: "example.io/v1", kind };
            stored.current().candidate(kind, Operation::Retain).is_some()
        };
        assert!(!asked("Foo"));
        stored.follow(&Change::Added(configuration("Foo")));
        assert!(asked("Foo") && !asked("Bar"));
        stored.follow(&Change::Updated { old: configuration("Foo"), new: configuration("Bar") });
        assert!(!asked("Foo") && asked("Bar"));
        stored.follow(&Change::Deleted(configuration("Bar")));
        assert!(!asked("Bar") && stored.current().is_empty());
    }
}
