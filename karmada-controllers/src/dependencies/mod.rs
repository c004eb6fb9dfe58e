//! Dependencies distributor: what a workload needs follows it to its clusters.
//!
//! Watches ResourceBindings and templates of all kinds. Keys are independent bindings: those that
//! ask for their dependencies. A template that changes, appears or goes brings back the bindings
//! that need it; which these are is known from their last reconcile.

mod lookup;
mod reconcile;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use karmada_core::api::work::ResourceBinding;
use karmada_core::api::work::constants::DEPENDENCIES_DISTRIBUTOR_FINALIZER;
use karmada_core::propagation::{DependencyIndex, TemplateKey, is_specification_changed};
use kube::ResourceExt;
use parking_lot::Mutex;

use crate::binding::is_generation_changed;
use crate::hub::{Change, EventRecorder, Hub, ObjectKey, Unstructured, WorkQueue, key_of};
use crate::interpreter::LiveInterpreter;

/// Bindings in work at the same time: most of it is waiting for durable writes.
const WORKERS: usize = 8;

struct Context {
    hub: Arc<Hub>,
    interpreter: Arc<LiveInterpreter>,
    events: EventRecorder,
    queue: Arc<WorkQueue<ObjectKey>>,
    /// Which bindings need which objects.
    dependents: Mutex<DependencyIndex<ObjectKey>>,
    /// Objects whose content changed, with the version of the change, until their bindings say so.
    changed: Mutex<BTreeMap<TemplateKey, String>>,
    /// Bindings whose spec is new, until that has been told.
    news: Mutex<BTreeSet<ObjectKey>>,
}

impl Context {
    fn enqueue_dependents(&self, key: &TemplateKey, object: &Unstructured) -> bool {
        let dependents = self.dependents.lock().dependents(key, object.labels());
        let is_needed = !dependents.is_empty();
        for dependent in dependents {
            self.queue.add(dependent);
        }
        is_needed
    }
}

/// Starts the controller.
pub(crate) fn start(hub: &Arc<Hub>, interpreter: &Arc<LiveInterpreter>) {
    let context = Arc::new(Context {
        hub: hub.clone(),
        interpreter: interpreter.clone(),
        events: hub.events.for_component("dependencies-distributor"),
        queue: Arc::default(),
        dependents: Mutex::default(),
        changed: Mutex::default(),
        news: Mutex::default(),
    });
    watch_templates(&context);
    watch_bindings(&context);
    let queue = context.queue.clone();
    hub.runtime.run_queue("dependencies", &queue, WORKERS, move |key| {
        let context = context.clone();
        async move { reconcile::reconcile(&context, &key).await }
    });
}

fn watch_templates(context: &Arc<Context>) {
    let handler = context.clone();
    context.hub.templates.on_change(Arc::new(move |resource, change| {
        let key = key_of(resource, change.object());
        match change {
            Change::Added(object) => {
                handler.enqueue_dependents(&key, object);
            }
            Change::Updated { old, new } => {
                let dependents = {
                    let index = handler.dependents.lock();
                    // Labels may choose it no longer.
                    let mut dependents = index.dependents(&key, old.labels());
                    dependents.extend(index.dependents(&key, new.labels()));
                    dependents
                };
                if dependents.is_empty() || !is_specification_changed(old.value(), new.value()) {
                    return;
                }
                let version = new.resource_version().unwrap_or_default();
                // Before the keys: a worker must find it.
                handler.changed.lock().insert(key, version);
                for dependent in dependents {
                    handler.queue.add(dependent);
                }
            }
            Change::Deleted(object) => {
                handler.changed.lock().remove(&key);
                handler.enqueue_dependents(&key, object);
            }
        }
    }));
}

fn watch_bindings(context: &Arc<Context>) {
    let handler = context.clone();
    context.hub.bindings.on_change(move |change| {
        let key = ObjectKey::of(&**change.object());
        match change {
            Change::Added(binding) => {
                let is_scheduled = binding.spec.propagate_deps && !binding.spec.clusters.is_empty();
                if is_scheduled || is_claimed(binding) {
                    handler.queue.add(key);
                }
            }
            Change::Updated { old, new } => {
                let is_asked = old.spec.propagate_deps || new.spec.propagate_deps || is_claimed(new);
                if is_asked && is_generation_changed(change) {
                    handler.news.lock().insert(key.clone());
                    handler.queue.add(key);
                }
            }
            Change::Deleted(binding) => {
                handler.queue.add(key);
                // An attached binding that went before its time, or for an older object, comes back.
                let resource = TemplateKey::from(&binding.spec.resource);
                for dependent in handler.dependents.lock().dependents(&resource, &BTreeMap::new()) {
                    handler.queue.add(dependent);
                }
                for snapshot in &binding.spec.required_by {
                    handler.queue.add(ObjectKey::new(&snapshot.namespace, &snapshot.name));
                }
            }
        }
    });
}

fn is_claimed(binding: &ResourceBinding) -> bool {
    binding.finalizers().iter().any(|finalizer| finalizer == DEPENDENCIES_DISTRIBUTOR_FINALIZER)
}
