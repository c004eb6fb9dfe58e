//! Events on objects of the control plane.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use k8s_openapi::api::core::v1::{Event, EventSource, ObjectReference as CoreReference};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::api::{Api, ObjectMeta, PostParams};
use kube::{Client, Resource, ResourceExt};
use serde_json::Value;
use tokio::sync::mpsc;

use super::Runtime;
use super::error::chain;

/// Events that wait to be written; more than that are dropped and counted.
const PENDING_EVENTS: usize = 4096;
/// Events remembered so that a repeated one is not written again.
const REMEMBERED_EVENTS: usize = 16_384;

/// The object that an event is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ObjectReference {
    pub api_version: String,
    pub kind: String,
    pub namespace: String,
    pub name: String,
    pub uid: String,
}

impl ObjectReference {
    /// Refers to a typed object.
    pub fn of<K: Resource<DynamicType = ()>>(object: &K) -> Self {
        Self {
            api_version: K::api_version(&()).into_owned(),
            kind: K::kind(&()).into_owned(),
            namespace: object.namespace().unwrap_or_default(),
            name: object.name_any(),
            uid: object.uid().unwrap_or_default(),
        }
    }

    /// Refers to an object given as a document.
    pub fn of_value(object: &Value) -> Self {
        let text =
            |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_string();
        Self {
            api_version: text("/apiVersion"),
            kind: text("/kind"),
            namespace: text("/metadata/namespace"),
            name: text("/metadata/name"),
            uid: text("/metadata/uid"),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Occurrence {
    about: ObjectReference,
    normal: bool,
    reason: String,
    message: String,
}

/// Writes events in the background. Recording never blocks and never fails a reconcile.
#[derive(Clone, Debug)]
pub struct EventRecorder {
    component: &'static str,
    sender: mpsc::Sender<(&'static str, Occurrence)>,
    dropped: Arc<AtomicU64>,
}

impl EventRecorder {
    /// Starts the writer.
    pub fn start(client: Client, runtime: &Runtime) -> Self {
        let (sender, receiver) = mpsc::channel(PENDING_EVENTS);
        runtime.spawn_cancellable(write_events(client, receiver));
        Self { component: "karmada-controller-manager", sender, dropped: Arc::default() }
    }

    /// Returns a recorder that signs its events as `component`.
    pub fn for_component(&self, component: &'static str) -> Self {
        Self { component, ..self.clone() }
    }

    /// Records that something went as wanted.
    pub fn normal(&self, about: &ObjectReference, reason: &str, message: impl Into<String>) {
        self.record(about, true, reason, message.into());
    }

    /// Records that something needs attention.
    pub fn warning(&self, about: &ObjectReference, reason: &str, message: impl Into<String>) {
        self.record(about, false, reason, message.into());
    }

    /// Number of events that were dropped because the writer could not keep up.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    fn record(&self, about: &ObjectReference, normal: bool, reason: &str, message: String) {
        let occurrence = Occurrence { about: about.clone(), normal, reason: reason.to_string(), message };
        if self.sender.try_send((self.component, occurrence)).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

async fn write_events(client: Client, mut receiver: mpsc::Receiver<(&'static str, Occurrence)>) {
    // A repeated event says nothing new: it is written once as long as it is remembered.
    let mut written: HashSet<Occurrence> = HashSet::new();
    while let Some((component, occurrence)) = receiver.recv().await {
        if written.len() >= REMEMBERED_EVENTS {
            written.clear();
        }
        if !written.insert(occurrence.clone()) {
            continue;
        }
        let event = event_of(component, &occurrence);
        let namespace = event.metadata.namespace.clone().unwrap_or_default();
        let api: Api<Event> = Api::namespaced(client.clone(), &namespace);
        if let Err(error) = api.create(&PostParams::default(), &event).await {
            // An event is lost rather than retried: the next occurrence is written again.
            written.remove(&occurrence);
            tracing::debug!(reason = occurrence.reason, error = chain(&error), "event not written");
        }
    }
}

fn event_of(component: &str, occurrence: &Occurrence) -> Event {
    let about = &occurrence.about;
    let namespace = if about.namespace.is_empty() { "default" } else { &about.namespace };
    let now = Time(jiff::Timestamp::now());
    Event {
        metadata: ObjectMeta {
            name: Some(format!("{}.{}", about.name, uuid::Uuid::new_v4().simple())),
            namespace: Some(namespace.to_string()),
            ..ObjectMeta::default()
        },
        involved_object: CoreReference {
            api_version: Some(about.api_version.clone()),
            kind: Some(about.kind.clone()),
            name: Some(about.name.clone()),
            namespace: (!about.namespace.is_empty()).then(|| about.namespace.clone()),
            uid: (!about.uid.is_empty()).then(|| about.uid.clone()),
            ..CoreReference::default()
        },
        type_: Some(if occurrence.normal { "Normal" } else { "Warning" }.to_string()),
        reason: Some(occurrence.reason.clone()),
        message: Some(occurrence.message.clone()),
        source: Some(EventSource { component: Some(component.to_string()), host: None }),
        reporting_component: Some(component.to_string()),
        first_timestamp: Some(now.clone()),
        last_timestamp: Some(now),
        count: Some(1),
        ..Event::default()
    }
}
