//! The caches that dependencies are found in.

use std::sync::Arc;

use karmada_core::api::work::ResourceBinding;
use karmada_core::propagation::{DependencyLookup, DependencyObject, TemplateKey};
use kube::ResourceExt;

use crate::hub::{Hub, ObjectKey, Unstructured};

/// The hub's caches as the distributor reads them.
pub(super) struct HubLookup<'a>(pub(super) &'a Hub);

impl DependencyLookup for HubLookup<'_> {
    fn object(&self, key: &TemplateKey) -> Option<DependencyObject> {
        let object = self.0.templates.find(key)?;
        Some(dependency(key.clone(), &object))
    }

    fn objects(&self, api_version: &str, kind: &str, namespace: &str) -> Vec<DependencyObject> {
        let Some(informer) = self.0.templates.informer(api_version, kind) else { return Vec::new() };
        let objects = informer.list_namespace(namespace);
        let objects = objects.iter().map(|object| {
            let key = TemplateKey {
                api_version: api_version.to_owned(),
                kind: kind.to_owned(),
                namespace: namespace.to_owned(),
                name: object.name_any(),
            };
            dependency(key, object)
        });
        objects.collect()
    }

    fn binding(&self, namespace: &str, name: &str) -> Option<Arc<ResourceBinding>> {
        self.0.bindings.find(&ObjectKey::new(namespace, name))
    }
}

fn dependency(key: TemplateKey, object: &Unstructured) -> DependencyObject {
    DependencyObject {
        key,
        uid: object.uid().unwrap_or_default(),
        resource_version: object.resource_version().unwrap_or_default(),
        labels: object.labels().clone(),
    }
}
