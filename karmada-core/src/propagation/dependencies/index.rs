//! Who needs an object.

use std::collections::{BTreeMap, BTreeSet};

use crate::{interpreter::DependentReference, object::Selector, propagation::TemplateKey};

/// Remembers what each dependent needs, to find the dependents of an object that changed.
#[derive(Debug)]
pub struct DependencyIndex<K> {
    references: BTreeMap<K, Vec<DependentReference>>,
    named: BTreeMap<TemplateKey, BTreeSet<K>>,
    /// Selectors by kind and namespace; the name of these keys is empty.
    selected: BTreeMap<TemplateKey, BTreeMap<K, Vec<Selector>>>,
}

impl<K> Default for DependencyIndex<K> {
    fn default() -> Self {
        Self { references: BTreeMap::new(), named: BTreeMap::new(), selected: BTreeMap::new() }
    }
}

impl<K: Clone + Ord> DependencyIndex<K> {
    /// Replaces what a dependent needs.
    ///
    /// A selector that is not valid selects nothing.
    pub fn record(&mut self, dependent: &K, references: &[DependentReference]) {
        if self.references.get(dependent).is_some_and(|known| known == references) {
            return;
        }
        self.forget(dependent);
        if references.is_empty() {
            return;
        }
        for reference in references {
            let key = key_of(reference);
            if !reference.name.is_empty() {
                self.named.entry(key).or_default().insert(dependent.clone());
            } else if let Some(selector) = &reference.label_selector
                && let Ok(selector) = Selector::from_label_selector(selector)
            {
                let dependents = self.selected.entry(key).or_default();
                dependents.entry(dependent.clone()).or_default().push(selector);
            }
        }
        self.references.insert(dependent.clone(), references.to_vec());
    }

    /// Forgets a dependent.
    pub fn forget(&mut self, dependent: &K) {
        for reference in self.references.remove(dependent).unwrap_or_default() {
            let key = key_of(&reference);
            if let Some(dependents) = self.named.get_mut(&key) {
                dependents.remove(dependent);
                if dependents.is_empty() {
                    self.named.remove(&key);
                }
            }
            if let Some(dependents) = self.selected.get_mut(&key) {
                dependents.remove(dependent);
                if dependents.is_empty() {
                    self.selected.remove(&key);
                }
            }
        }
    }

    /// Returns those that need an object, by its name or its labels.
    pub fn dependents(&self, object: &TemplateKey, labels: &BTreeMap<String, String>) -> BTreeSet<K> {
        let mut found = self.named.get(object).cloned().unwrap_or_default();
        // Most objects are of a kind that nobody selects: do not make a key for them.
        if !self.selected.is_empty() {
            let kind = TemplateKey { name: String::new(), ..object.clone() };
            let selected = self.selected.get(&kind).into_iter().flatten();
            let selected = selected
                .filter(|(_, selectors)| selectors.iter().any(|selector| selector.matches(labels)))
                .map(|(dependent, _)| dependent.clone());
            found.extend(selected);
        }
        found
    }
}

fn key_of(reference: &DependentReference) -> TemplateKey {
    TemplateKey {
        api_version: reference.api_version.clone(),
        kind: reference.kind.clone(),
        namespace: reference.namespace.clone(),
        name: reference.name.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn slice_reference(namespace: &str) -> DependentReference {
        serde_json::from_value(json!({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "namespace": namespace,
            "labelSelector": {"matchLabels": {"svc": "web"}},
        }))
        .unwrap()
    }

    fn slice(namespace: &str) -> TemplateKey {
        TemplateKey { name: "x".to_owned(), ..key_of(&slice_reference(namespace)) }
    }

    #[test]
    fn finds_dependents_by_name_and_by_labels() {
        let config = DependentReference::named("v1", "ConfigMap", "n", "conf");
        let mut index = DependencyIndex::default();
        index.record(&"a", std::slice::from_ref(&config));
        index.record(&"b", &[config.clone(), slice_reference("n")]);
        let labels = BTreeMap::from([("svc".to_owned(), "web".to_owned())]);
        let other = BTreeMap::from([("svc".to_owned(), "shop".to_owned())]);

        assert_eq!(index.dependents(&key_of(&config), &labels), BTreeSet::from(["a", "b"]));
        assert_eq!(index.dependents(&slice("n"), &labels), BTreeSet::from(["b"]));
        assert_eq!(index.dependents(&slice("n"), &other), BTreeSet::new());
        assert_eq!(index.dependents(&slice("m"), &labels), BTreeSet::new());
    }

    #[test]
    fn nothing_is_left_of_what_is_no_longer_needed() {
        let config = DependentReference::named("v1", "ConfigMap", "n", "conf");
        let mut index = DependencyIndex::default();
        index.record(&"a", &[config.clone(), slice_reference("n")]);
        index.record(&"a", &[DependentReference::named("v1", "Secret", "n", "s")]);
        assert_eq!(index.dependents(&key_of(&config), &BTreeMap::new()), BTreeSet::new());
        index.forget(&"a");
        assert!(index.references.is_empty() && index.named.is_empty() && index.selected.is_empty());
    }
}
