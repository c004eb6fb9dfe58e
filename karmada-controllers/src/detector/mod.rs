//! Detector: finds the policy of every template, claims the template and keeps its binding.
//!
//! Watches templates of all kinds that can be propagated, and both kinds of propagation policies.
//! Keys are templates in one queue and policies in the other; an empty namespace names a
//! ClusterPropagationPolicy.

mod discovery;
mod lookup;
mod policy;
mod template;
mod writes;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use karmada_core::api::Feature;
use karmada_core::propagation::{
    Change as Meaning, NamespaceFilter, SkippedApis, TemplateKey, classify_change,
};
use kube::Resource;
use parking_lot::Mutex;

use crate::binding::is_generation_changed;
use crate::hub::{Change, EventRecorder, Hub, ObjectKey, Urgency, WorkQueue, key_of};
use crate::interpreter::LiveInterpreter;

/// Templates in work at the same time: most of it is waiting for durable writes.
const TEMPLATE_WORKERS: usize = 16;
/// Policies in work at the same time.
const POLICY_WORKERS: usize = 2;

/// What is propagated.
#[derive(Clone, Debug, Default)]
pub struct DetectorSettings {
    /// APIs whose objects are never propagated (`--skipped-propagating-apis`).
    pub skipped_apis: SkippedApis,
    /// Namespaces whose objects are never propagated (`--skipped-propagating-namespaces`).
    pub namespaces: NamespaceFilter,
}

struct Context {
    hub: Arc<Hub>,
    settings: Arc<DetectorSettings>,
    interpreter: Arc<LiveInterpreter>,
    events: EventRecorder,
    templates: Arc<WorkQueue<TemplateKey>>,
    policies: Arc<WorkQueue<ObjectKey>>,
    /// What the changes of a queued template mean; a user's change outweighs Karmada's.
    meanings: Mutex<BTreeMap<TemplateKey, Meaning>>,
    /// Templates that no policy selects.
    waiting: Mutex<BTreeSet<TemplateKey>>,
    /// Templates that were there before the start and were not looked at yet.
    found: Mutex<BTreeSet<TemplateKey>>,
    /// Priorities that policies had before they were lowered.
    lowered: Mutex<BTreeMap<ObjectKey, i32>>,
}

impl Context {
    fn enqueue(&self, key: TemplateKey, meaning: Meaning, urgency: Urgency) {
        self.remember(&key, meaning);
        if self.hub.gates.is_enabled(Feature::ControllerPriorityQueue) {
            self.templates.add_with(key, urgency);
        } else {
            self.templates.add(key);
        }
    }

    fn remember(&self, key: &TemplateKey, meaning: Meaning) {
        let mut meanings = self.meanings.lock();
        let known = meanings.entry(key.clone()).or_insert(meaning);
        if meaning == Meaning::ByUser {
            *known = Meaning::ByUser;
        }
    }
}

/// Starts the caches of all kinds that can be propagated and waits for their first lists.
///
/// # Errors
/// When discovery cannot be read.
pub(crate) async fn start_caches(hub: &Hub, settings: &DetectorSettings) -> Result<(), kube::Error> {
    discovery::start_kinds(hub, &settings.skipped_apis).await
}

/// Starts the controller.
pub(crate) fn start(hub: &Arc<Hub>, interpreter: &Arc<LiveInterpreter>, settings: &Arc<DetectorSettings>) {
    let context = Arc::new(Context {
        hub: hub.clone(),
        settings: settings.clone(),
        interpreter: interpreter.clone(),
        events: hub.events.for_component("resource-detector"),
        templates: Arc::default(),
        policies: Arc::default(),
        meanings: Mutex::default(),
        waiting: Mutex::default(),
        found: Mutex::default(),
        lowered: Mutex::default(),
    });
    watch_templates(&context);
    watch_policies(&context, &hub.propagation_policies, |policy| policy.spec.priority);
    watch_policies(&context, &hub.cluster_propagation_policies, |policy| policy.spec.priority);
    discovery::follow_kinds(hub, settings);

    let runtime = hub.runtime.clone();
    {
        let (templates, context) = (context.templates.clone(), context.clone());
        runtime.run_queue("detector", &templates, TEMPLATE_WORKERS, move |key| {
            let context = context.clone();
            async move { template::reconcile(&context, &key).await }
        });
    }
    let policies = context.policies.clone();
    runtime.run_queue("policy", &policies, POLICY_WORKERS, move |key| {
        let context = context.clone();
        async move { policy::reconcile(&context, &key).await }
    });
}

fn watch_templates(context: &Arc<Context>) {
    let handler = context.clone();
    // The caches are filled before the handler comes: it is shown all they hold first.
    let starting = Arc::new(AtomicBool::new(true));
    let is_starting = starting.clone();
    context.hub.templates.on_change(Arc::new(move |resource, change| {
        if !handler.settings.namespaces.handles(change.object().value()) {
            return;
        }
        let key = key_of(resource, change.object());
        match change {
            Change::Added(_) => {
                // What was there before the start can wait for what users do now.
                let informer = handler.hub.templates.informer(&key.api_version, &key.kind);
                let is_first_list = informer.is_none_or(|informer| !informer.is_synced())
                    || is_starting.load(Ordering::Relaxed);
                let urgency = if is_first_list { Urgency::CanWait } else { Urgency::Normal };
                if is_first_list {
                    handler.found.lock().insert(key.clone());
                }
                handler.enqueue(key, Meaning::ByUser, urgency);
            }
            Change::Updated { old, new } => match classify_change(old.value(), new.value()) {
                Meaning::Irrelevant => {}
                meaning => {
                    handler.found.lock().remove(&key);
                    handler.enqueue(key, meaning, Urgency::Normal);
                }
            },
            // The binding follows by garbage collection.
            Change::Deleted(_) => {
                handler.found.lock().remove(&key);
                handler.waiting.lock().remove(&key);
            }
        }
    }));
    starting.store(false, Ordering::Relaxed);
}

fn watch_policies<K>(
    context: &Arc<Context>,
    informer: &crate::hub::Informer<K>,
    priority: fn(&K) -> Option<i32>,
) where
    K: Resource + Clone + serde::de::DeserializeOwned + std::fmt::Debug + Send + Sync + 'static,
{
    let handler = context.clone();
    informer.on_change(move |change| {
        if matches!(change, Change::Deleted(_)) || !is_generation_changed(change) {
            return;
        }
        let key = ObjectKey::of(&**change.object());
        if let Change::Updated { old, new } = change {
            let (before, after) = (priority(old).unwrap_or_default(), priority(new).unwrap_or_default());
            if after < before {
                handler.lowered.lock().insert(key.clone(), before);
            }
        }
        handler.policies.add(key);
    });
}
