//! Caches of the kinds that users' templates have, started as the kinds appear.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use karmada_core::propagation::TemplateKey;
use kube::api::Api;
use kube::core::ApiResource;
use kube::runtime::watcher;
use kube::{Client, ResourceExt};
use parking_lot::{Mutex, RwLock};

use super::{Change, Informer, ObjectKey, Runtime, Unstructured};

/// What happened to a template of some kind.
pub type TemplateHandler = Arc<dyn Fn(&ApiResource, &Change<Unstructured>) + Send + Sync>;
type IndexFunction = fn(&Unstructured) -> Vec<String>;
type Retained = fn(&Unstructured) -> bool;

#[derive(Clone)]
struct Kind {
    resource: ApiResource,
    namespaced: bool,
    informer: Arc<Informer<Unstructured>>,
    runtime: Runtime,
}

/// Caches of many kinds on one API server: one watch a kind, started on first need.
pub struct Templates {
    client: Client,
    runtime: Runtime,
    kinds: RwLock<BTreeMap<(String, String), Kind>>,
    handlers: Mutex<Vec<TemplateHandler>>,
    index: IndexFunction,
    keep_content: Retained,
}

impl fmt::Debug for Templates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Templates").field("kinds", &self.kinds.read().len()).finish_non_exhaustive()
    }
}

impl Templates {
    /// Makes a set without kinds.
    ///
    /// Objects for which `keep_content` is false are cached without content: only that they
    /// exist, and their metadata, is known then.
    pub fn new(client: Client, runtime: Runtime, index: IndexFunction, keep_content: Retained) -> Self {
        Self { client, runtime, kinds: RwLock::default(), handlers: Mutex::default(), index, keep_content }
    }

    /// Registers a handler for changes of all kinds, present and future.
    pub fn on_change(&self, handler: TemplateHandler) {
        // Holding the list keeps a kind from starting between the two steps.
        let mut handlers = self.handlers.lock();
        for kind in self.kinds.read().values() {
            let (handler, resource) = (handler.clone(), kind.resource.clone());
            kind.informer.on_change(move |change| handler(&resource, change));
        }
        handlers.push(handler);
    }

    /// Starts the cache of a kind unless it runs, and returns it.
    pub fn ensure(&self, resource: &ApiResource, namespaced: bool) -> Arc<Informer<Unstructured>> {
        let key = (resource.api_version.clone(), resource.kind.clone());
        let handlers = self.handlers.lock();
        if let Some(kind) = self.kinds.read().get(&key) {
            return kind.informer.clone();
        }
        let name = format!("{}.{}", resource.plural, resource.group);
        let (transformed, keep_content) = (resource.clone(), self.keep_content);
        let informer = Arc::new(
            Informer::new(name, move |object: &mut Unstructured| {
                object.normalise(&transformed);
                if !keep_content(object) {
                    object.shrink_to_metadata();
                }
            })
            .with_index(self.index)
            .packed(),
        );
        for handler in handlers.iter() {
            let (handler, resource) = (handler.clone(), resource.clone());
            informer.on_change(move |change| handler(&resource, change));
        }
        let runtime = self.runtime.child();
        let api: Api<Unstructured> = Api::all_with(self.client.clone(), resource);
        self.runtime.spawn(informer.clone().run(api, watcher::Config::default(), runtime.cancellation()));
        let kind = Kind { resource: resource.clone(), namespaced, informer: informer.clone(), runtime };
        self.kinds.write().insert(key, kind);
        informer
    }

    /// Ends the caches of kinds that are no longer served.
    pub fn retain(&self, served: impl Fn(&ApiResource) -> bool) {
        self.kinds.write().retain(|_, kind| {
            let keep = served(&kind.resource);
            if !keep {
                kind.runtime.cancellation().cancel();
            }
            keep
        });
    }

    /// Returns the cache of a kind that runs.
    pub fn informer(&self, api_version: &str, kind: &str) -> Option<Arc<Informer<Unstructured>>> {
        let kinds = self.kinds.read();
        kinds.get(&(api_version.to_string(), kind.to_string())).map(|kind| kind.informer.clone())
    }

    /// Returns one object, if its kind's cache runs and holds it.
    pub fn find(&self, key: &TemplateKey) -> Option<Arc<Unstructured>> {
        self.informer(&key.api_version, &key.kind)?.find(&ObjectKey::new(&key.namespace, &key.name))
    }

    /// Returns a client for objects of a kind whose cache runs.
    pub fn api(&self, api_version: &str, kind: &str, namespace: &str) -> Option<Api<Unstructured>> {
        let kinds = self.kinds.read();
        let kind = kinds.get(&(api_version.to_string(), kind.to_string()))?;
        Some(api_of(&self.client, &kind.resource, kind.namespaced, namespace))
    }

    /// Returns the objects of all running kinds for which the index function gave `value`.
    pub fn list_indexed(&self, value: &str) -> Vec<(TemplateKey, Arc<Unstructured>)> {
        let kinds: Vec<Kind> = self.kinds.read().values().cloned().collect();
        let mut found = Vec::new();
        for kind in kinds {
            for object in kind.informer.list_indexed(value) {
                found.push((key_of(&kind.resource, &object), object));
            }
        }
        found
    }

    /// Returns the running kinds.
    pub fn kinds(&self) -> Vec<ApiResource> {
        self.kinds.read().values().map(|kind| kind.resource.clone()).collect()
    }

    /// Whether every running cache has its first list.
    pub fn is_synced(&self) -> bool {
        self.kinds.read().values().all(|kind| kind.informer.is_synced())
    }

    /// Waits until every running cache has its first list, or was refused it: one kind that must not be read keeps nobody
    /// from the others.
    pub async fn wait_synced(&self) {
        let informers: Vec<_> = self.kinds.read().values().map(|kind| kind.informer.clone()).collect();
        for informer in informers {
            informer.wait_synced_or_refused().await;
        }
    }
}

/// Names an object of a kind.
pub(crate) fn key_of(resource: &ApiResource, object: &Unstructured) -> TemplateKey {
    TemplateKey {
        api_version: resource.api_version.clone(),
        kind: resource.kind.clone(),
        namespace: object.namespace().unwrap_or_default(),
        name: object.name_any(),
    }
}

/// Returns a client for objects of a kind in one namespace (or cluster-scoped).
pub(crate) fn api_of(
    client: &Client,
    resource: &ApiResource,
    namespaced: bool,
    namespace: &str,
) -> Api<Unstructured> {
    if namespaced {
        Api::namespaced_with(client.clone(), namespace, resource)
    } else {
        Api::all_with(client.clone(), resource)
    }
}
