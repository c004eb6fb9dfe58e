//! Events on objects of the control plane.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Event, EventSource, ObjectReference as CoreReference};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::api::{ObjectMeta, PostParams, Request};
use kube::{Client, Resource, ResourceExt};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Runtime;
use super::error::chain;

/// Events that wait to be written; more than that are dropped and counted.
const PENDING_EVENTS: usize = 16_384;
/// Events that are being written at the same time: together they need fewer durable commits.
const WRITERS: usize = 32;
/// How long an event lets the work go first that it tells of: a burst should not wait for its own story.
const PATIENCE: Duration = Duration::from_secs(15);
/// Time between two looks at what the controllers do: with nothing at hand twice, they have nothing urgent to do.
const CALM: Duration = Duration::from_millis(10);
/// Without a reconcile that ends in this time, they only wait for somebody who does not answer.
const STANDSTILL: Duration = Duration::from_millis(500);
/// Events that are written after a calm moment before the next one is looked for.
const BATCH: usize = 64;
/// How long the events that still wait may take when the controllers end.
const FAREWELL: Duration = Duration::from_secs(2);
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

/// An event on its way.
#[derive(Debug)]
struct Pending {
    component: &'static str,
    occurrence: Occurrence,
    /// When it happened, for the reader and for the patience.
    time: Timestamp,
    since: Instant,
}

/// Writes events in the background. Recording never blocks and never fails a reconcile.
#[derive(Clone, Debug)]
pub struct EventRecorder {
    component: &'static str,
    sender: mpsc::Sender<Pending>,
    dropped: Arc<AtomicU64>,
}

impl EventRecorder {
    /// Starts the writer. It lets the work of the runtime go first, for a while.
    pub fn start(client: Client, runtime: &Runtime) -> Self {
        let (sender, receiver) = mpsc::channel(PENDING_EVENTS);
        let writer = Writer { client, runtime: runtime.clone(), receiver, written: HashSet::new() };
        runtime.spawn(writer.run(runtime.cancellation()));
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
        let (time, since) = (Timestamp::now(), Instant::now());
        let pending = Pending { component: self.component, occurrence, time, since };
        if self.sender.try_send(pending).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Writes events, several at a time.
struct Writer {
    client: Client,
    runtime: Runtime,
    receiver: mpsc::Receiver<Pending>,
    /// A repeated event says nothing new: it is written once as long as it is remembered.
    written: HashSet<Occurrence>,
}

impl Writer {
    async fn run(mut self, cancel: CancellationToken) {
        let too_late = async {
            cancel.cancelled().await;
            tokio::time::sleep(FAREWELL).await;
        };
        tokio::select! {
            () = self.write_all(&cancel) => {}
            () = too_late => tracing::debug!("the last events were not written before the end"),
        }
    }

    /// Writes what comes; from the cancellation on, what is already here and then no more. An event that
    /// has been taken from the queue is never dropped on the way.
    async fn write_all(&mut self, cancel: &CancellationToken) {
        let mut in_flight: JoinSet<Result<(), Occurrence>> = JoinSet::new();
        let mut before_the_next_look = 0;
        loop {
            let pending = tokio::select! {
                Some(ended) = in_flight.join_next() => {
                    // An event is lost rather than retried: the next occurrence is written again.
                    if let Ok(Err(occurrence)) = ended {
                        self.written.remove(&occurrence);
                    }
                    continue;
                }
                () = cancel.cancelled(), if !self.receiver.is_closed() => {
                    self.receiver.close();
                    continue;
                }
                pending = self.receiver.recv(), if in_flight.len() < WRITERS => pending,
            };
            let Some(Pending { component, occurrence, time, since }) = pending else { break };
            if self.written.len() >= REMEMBERED_EVENTS {
                self.written.clear();
            }
            if !self.written.insert(occurrence.clone()) {
                continue;
            }
            if before_the_next_look == 0 {
                cancel.run_until_cancelled(self.wait_for_calm(since)).await;
                before_the_next_look = BATCH;
            }
            before_the_next_look -= 1;
            let client = self.client.clone();
            in_flight.spawn(async move { write(&client, component, occurrence, time).await });
        }
        while in_flight.join_next().await.is_some() {}
    }

    /// Waits until the controllers have nothing at hand or get nowhere, the event is old, or too many wait.
    async fn wait_for_calm(&self, since: Instant) {
        let mut last_progress = Instant::now();
        while since.elapsed() < PATIENCE && self.receiver.len() < PENDING_EVENTS / 2 {
            let before = self.runtime.reconciled();
            tokio::time::sleep(CALM).await;
            if self.runtime.reconciled() != before {
                last_progress = Instant::now();
            } else if !self.runtime.is_at_work() || last_progress.elapsed() >= STANDSTILL {
                return;
            }
        }
    }
}

async fn write(
    client: &Client,
    component: &str,
    occurrence: Occurrence,
    time: Timestamp,
) -> Result<(), Occurrence> {
    let event = event_of(component, &occurrence, time);
    let namespace = event.metadata.namespace.clone().unwrap_or_default();
    match create(client, &namespace, &event).await {
        Ok(()) => Ok(()),
        Err(error) => {
            tracing::debug!(reason = occurrence.reason, error = chain(&error), "event not written");
            Err(occurrence)
        }
    }
}

/// Creates an event without reading what the server made of it.
async fn create(client: &Client, namespace: &str, event: &Event) -> Result<(), kube::Error> {
    let body = serde_json::to_vec(event).map_err(kube::Error::SerdeError)?;
    let requests = Request::new(Event::url_path(&(), Some(namespace)));
    let request = requests.create(&PostParams::default(), body).map_err(kube::Error::BuildRequest)?;
    client.request_text(request).await.map(drop)
}

fn event_of(component: &str, occurrence: &Occurrence, time: Timestamp) -> Event {
    let about = &occurrence.about;
    let namespace = if about.namespace.is_empty() { "default" } else { &about.namespace };
    let time = Time(time);
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
        first_timestamp: Some(time.clone()),
        last_timestamp: Some(time),
        count: Some(1),
        ..Event::default()
    }
}

#[cfg(test)]
mod tests {
    use http::{Request, Response};
    use kube::client::Body;
    use parking_lot::Mutex;
    use serde_json::json;

    use super::*;

    /// A server that takes every event and keeps its reason.
    fn server() -> (Client, Arc<Mutex<Vec<String>>>) {
        let reasons: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = reasons.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let seen = seen.clone();
            async move {
                let bytes = request.into_body().collect_bytes().await.unwrap();
                let event: Value = serde_json::from_slice(&bytes).unwrap();
                seen.lock().push(event["reason"].as_str().unwrap().to_owned());
                Ok::<_, kube::Error>(
                    Response::builder().status(201).body(Body::from(bytes.to_vec())).unwrap(),
                )
            }
        });
        (Client::new(service, "default"), reasons)
    }

    fn about() -> ObjectReference {
        let object =
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "ns"}});
        ObjectReference::of_value(&object)
    }

    #[tokio::test(start_paused = true)]
    async fn events_let_the_work_go_first_but_not_for_ever() {
        let (client, reasons) = server();
        let runtime = Runtime::new();
        let recorder = EventRecorder::start(client, &runtime);
        let queue: Arc<super::super::WorkQueue<String>> = Arc::default();
        runtime.run_queue("busy", &queue, 1, {
            let queue = queue.clone();
            move |key: String| {
                queue.add_after(key, Duration::from_millis(1));
                async { Ok(super::super::Action::Done) }
            }
        });
        queue.add("again".to_owned());
        recorder.normal(&about(), "Patient", "text");
        tokio::time::sleep(PATIENCE / 2).await;
        assert!(reasons.lock().is_empty());
        tokio::time::sleep(PATIENCE).await;
        assert_eq!(*reasons.lock(), ["Patient"]);
        runtime.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn events_wait_while_a_reconcile_waits_for_an_answer_but_not_for_one_that_never_comes() {
        let (client, reasons) = server();
        let runtime = Runtime::new();
        let recorder = EventRecorder::start(client, &runtime);
        let queue: Arc<super::super::WorkQueue<String>> = Arc::default();
        runtime.run_queue("hanging", &queue, 1, |_: String| async {
            std::future::pending::<()>().await;
            Ok(super::super::Action::Done)
        });
        queue.add("key".to_owned());
        tokio::time::sleep(CALM).await;
        recorder.normal(&about(), "Meanwhile", "text");
        tokio::time::sleep(STANDSTILL / 2).await;
        assert!(reasons.lock().is_empty());
        tokio::time::sleep(STANDSTILL).await;
        assert_eq!(*reasons.lock(), ["Meanwhile"]);
        runtime.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_repeated_event_is_written_once_and_what_waits_at_the_end_is_written() {
        let (client, reasons) = server();
        let runtime = Runtime::new();
        let recorder = EventRecorder::start(client, &runtime);
        for reason in ["First", "First", "Second"] {
            recorder.normal(&about(), reason, "text");
        }
        runtime.shutdown().await;
        assert_eq!(*reasons.lock(), ["First", "Second"]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_event_that_waits_for_calm_is_written_at_the_end() {
        let (client, reasons) = server();
        let runtime = Runtime::new();
        let recorder = EventRecorder::start(client, &runtime);
        recorder.normal(&about(), "Taken", "text");
        // The writer takes the event and begins to wait; the clock stands still.
        tokio::task::yield_now().await;
        tokio::task::yield_now().await;
        assert_eq!(recorder.sender.capacity(), PENDING_EVENTS);
        runtime.shutdown().await;
        assert_eq!(*reasons.lock(), ["Taken"]);
    }
}
