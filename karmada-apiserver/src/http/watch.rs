//! Watches: initial state, changes that pass the selection, bookmarks, timeouts.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures::stream;
use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::{Instant, Sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::convert::localized;
use super::failure::Failure;
use super::negotiate::{Encoding, Form, Negotiated};
use super::options::{WatchFrom, WatchOptions};
use super::respond::{View, with_type};
use super::selector::Selection;
use crate::protobuf;
use crate::registry::{IncludeObject, Resource};
use crate::server::{Inner, LongRunning, WatchSlot};
use crate::store::{Event, EventKind, Store, Stored, Watcher};

/// The longest time of a watch; clients may ask for more seconds than clocks can count.
const LONGEST: Duration = Duration::from_hours(24 * 365);
/// How often a client that asked for bookmarks gets one.
const BOOKMARK_PERIOD: Duration = Duration::from_mins(1);
/// How long before its end a watch sends its last bookmark.
const BOOKMARK_LEAD: Duration = Duration::from_secs(2);
const INITIAL_END: &str = "k8s.io/initial-events-end";

/// One watch of one client.
pub(super) struct Watch {
    /// Converts objects of other versions.
    pub(super) server: Arc<Inner>,
    pub(super) store: Store,
    pub(super) resource: Arc<Resource>,
    pub(super) storage: Arc<str>,
    /// Key prefix of the scope.
    pub(super) prefix: String,
    pub(super) options: WatchOptions,
    pub(super) negotiated: Negotiated,
    pub(super) include: IncludeObject,
    pub(super) shutdown: CancellationToken,
    /// The shortest time that a watch lasts when the client does not say.
    pub(super) default_timeout: Duration,
    pub(super) _slot: Option<WatchSlot>,
    pub(super) _counted: LongRunning,
}

struct Stream {
    watch: Watch,
    watcher: Watcher,
    /// Completes when the server ends its watches.
    shutdown: Pin<Box<WaitForCancellationFutureOwned>>,
    /// Completes at the next bookmark, or at the end if there is none: kept over all events, for starting it costs.
    timer: Pin<Box<Sleep>>,
    /// Lines that are ready to be sent.
    ready: Vec<u8>,
    /// The revision up to which the client knows everything.
    revision: u64,
    deadline: Instant,
    next_bookmark: Option<Instant>,
    /// The first bookmark tells that the initial state is complete.
    announce_initial_end: bool,
    /// Tables carry their columns once.
    columns_sent: bool,
    finished: bool,
}

impl Watch {
    /// Starts the answer.
    pub(super) async fn start(self) -> Result<Response, Failure> {
        let store = self.store.clone();
        let current = store.revision();
        if self.options.not_older_than > current {
            return Err(Failure::future_revision(self.options.not_older_than, current));
        }
        let (initial, revision) = match self.options.from {
            WatchFrom::State => {
                let listing = store.list(&self.storage, &self.prefix);
                (listing.objects, listing.revision)
            }
            WatchFrom::Now => (Vec::new(), current),
            WatchFrom::Revision(revision) => (Vec::new(), revision),
        };
        let watcher = match store.watch(&self.storage, revision) {
            Ok(watcher) => watcher,
            Err(expired) => {
                let failure = Failure::watch_expired(crate::store::Expired {
                    requested: expired.requested,
                    oldest: expired.oldest,
                });
                let encoding = self.negotiated.encoding;
                let line = error_line(&failure, encoding)?;
                return Ok(with_type(StatusCode::OK, content_type(encoding), Body::from(line)));
            }
        };
        let content_type = content_type(self.negotiated.encoding);
        let now = Instant::now();
        let timeout = match self.options.timeout_seconds {
            Some(seconds) => Duration::from_secs(seconds).min(LONGEST),
            None => spread(self.default_timeout),
        };
        let deadline = now + timeout;
        let next_bookmark = self.options.bookmarks.then(|| first_bookmark(now, deadline));
        let announce = self.options.from == WatchFrom::State;
        let mut stream = Stream {
            watcher,
            shutdown: Box::pin(self.shutdown.clone().cancelled_owned()),
            timer: Box::pin(tokio::time::sleep_until(next_bookmark.unwrap_or(deadline))),
            ready: Vec::new(),
            revision,
            deadline,
            next_bookmark,
            announce_initial_end: announce,
            columns_sent: false,
            finished: false,
            watch: self,
        };
        let initial = localized(&stream.watch.server, &stream.watch.resource, initial).await?;
        for object in initial {
            if stream.watch.options.selection.matches(&object) {
                stream.push("ADDED", &object);
            }
        }
        if stream.watch.options.mark_initial_end && stream.watch.options.bookmarks {
            stream.bookmark();
        }
        let body = Body::from_stream(stream::unfold(stream, |mut stream| async move {
            let bytes = stream.next().await?;
            Some((Ok::<_, std::convert::Infallible>(bytes), stream))
        }));
        Ok(with_type(StatusCode::OK, content_type, body))
    }
}

/// Returns a time between one and two times another, so that not all watches end at once.
fn spread(shortest: Duration) -> Duration {
    let random = u32::from(uuid::Uuid::new_v4().as_bytes()[0]);
    shortest + shortest / 256 * random
}

fn content_type(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::Protobuf => "application/vnd.kubernetes.protobuf;stream=watch",
        _ => "application/json",
    }
}

/// The event that ends a watch.
fn error_line(failure: &Failure, encoding: Encoding) -> Result<Vec<u8>, Failure> {
    event_line("ERROR", failure.status(), encoding)
}

/// Encodes one event: a line of JSON or a frame.
fn event_line(kind: &str, object: Value, encoding: Encoding) -> Result<Vec<u8>, Failure> {
    if encoding == Encoding::Protobuf {
        return protobuf::encode_event(kind, &object).map_err(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "an event has no protobuf form");
            Failure::internal("the object has no protobuf form")
        });
    }
    let mut line =
        serde_json::to_vec(&json!({"type": kind, "object": object})).expect("a value is always JSON");
    line.push(b'\n');
    Ok(line)
}

fn first_bookmark(now: Instant, deadline: Instant) -> Instant {
    let last = deadline.checked_sub(BOOKMARK_LEAD).unwrap_or(deadline).max(now);
    (now + BOOKMARK_PERIOD).min(last)
}

impl Stream {
    /// Returns the next bytes, `None` at the end.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if !self.ready.is_empty() {
                return Some(std::mem::take(&mut self.ready).into());
            }
            if self.finished {
                return None;
            }
            tokio::select! {
                biased;
                () = self.shutdown.as_mut() => self.finished = true,
                events = self.watcher.next() => match events {
                    Ok(events) => self.events(events).await,
                    Err(expired) => self.expire(expired),
                },
                () = self.timer.as_mut() => {
                    if self.next_bookmark.is_none() || Instant::now() >= self.deadline {
                        self.finished = true;
                    } else {
                        self.send_bookmark().await;
                        self.timer.as_mut().reset(self.next_bookmark.unwrap_or(self.deadline));
                    }
                }
            }
        }
    }

    /// Ends the watch because its history is gone.
    fn expire(&mut self, expired: crate::store::Expired) {
        let line = error_line(&Failure::watch_expired(expired), self.watch.negotiated.encoding);
        self.ready = line.unwrap_or_default();
        self.finished = true;
    }

    /// Adds the lines of some changes, in the version of the watch.
    async fn events(&mut self, events: Vec<Arc<Event>>) {
        if self.watch.resource.conversion.is_none() {
            for event in &events {
                self.event(event);
            }
            return;
        }
        for event in events {
            let items =
                [Some(&event.object), event.previous.as_ref()].into_iter().flatten().cloned().collect();
            match localized(&self.watch.server, &self.watch.resource, items).await {
                Ok(items) => {
                    let mut items = items.into_iter();
                    let Some(object) = items.next() else { continue };
                    self.event(&Event { kind: event.kind, object, previous: items.next() });
                }
                Err(failure) => {
                    // Without the change the client would know too little: it has to start again.
                    self.ready
                        .extend(error_line(&failure, self.watch.negotiated.encoding).unwrap_or_default());
                    self.finished = true;
                    return;
                }
            }
        }
    }

    /// Adds the line of a change, as the selection shows it.
    fn event(&mut self, event: &Event) {
        self.revision = self.revision.max(event.revision());
        let object = &event.object;
        if !object.key_str().starts_with(&self.watch.prefix) {
            return;
        }
        match shown(&self.watch.options.selection, event) {
            Some(Shown::Added) => self.push("ADDED", object),
            Some(Shown::Modified) => self.push("MODIFIED", object),
            Some(Shown::Deleted(last)) => self.push("DELETED", &last),
            None => {}
        }
    }

    fn push(&mut self, kind: &str, object: &Stored) {
        let start = self.ready.len();
        let mut line = std::mem::take(&mut self.ready);
        let written = self.write_event(&mut line, kind, object);
        self.ready = line;
        if written.is_err() {
            // The form does not fit single objects: the real server ends such a watch without a word.
            self.ready.truncate(start);
            self.finished = true;
            return;
        }
        self.columns_sent = true;
    }

    fn view(&self) -> View<'_> {
        View {
            resource: &self.watch.resource,
            negotiated: self.watch.negotiated.clone(),
            include: self.watch.include,
            now: Timestamp::now(),
        }
    }

    fn write_event(&self, line: &mut Vec<u8>, kind: &str, object: &Stored) -> Result<(), Failure> {
        let view = self.view();
        if view.negotiated.encoding == Encoding::Protobuf {
            let object = view.transform(super::convert::read(object, view.resource))?;
            line.extend(event_line(kind, object, Encoding::Protobuf)?);
            return Ok(());
        }
        line.extend_from_slice(b"{\"type\":\"");
        line.extend_from_slice(kind.as_bytes());
        line.extend_from_slice(b"\",\"object\":");
        if matches!(view.negotiated.form, Form::Table(_)) {
            let mut table = view.transform(super::convert::read(object, view.resource))?;
            if self.columns_sent {
                table["columnDefinitions"] = Value::Null;
            }
            serde_json::to_writer(&mut *line, &table).expect("writing JSON to memory cannot fail");
        } else {
            view.write(line, object)?;
        }
        line.extend_from_slice(b"}\n");
        Ok(())
    }

    async fn send_bookmark(&mut self) {
        let now = Instant::now();
        // Everything up to this revision is in the ring already.
        let revision = self.watch.store.revision();
        match self.watcher.drain() {
            Ok(events) => self.events(events).await,
            Err(expired) => return self.expire(expired),
        }
        self.revision = self.revision.max(revision);
        self.bookmark();
        self.next_bookmark = Some(first_bookmark(now, self.deadline)).filter(|next| *next > now);
    }

    fn bookmark(&mut self) {
        let mut metadata = json!({"resourceVersion": self.revision.to_string()});
        if std::mem::take(&mut self.announce_initial_end) {
            metadata["annotations"] = json!({INITIAL_END: "true"});
        }
        let resource = &self.watch.resource;
        let empty =
            json!({"kind": resource.kind, "apiVersion": resource.api_version(), "metadata": metadata});
        let Ok(mut object) = self.view().transform(empty) else { return };
        if object["kind"] == "Table" && self.columns_sent {
            object["columnDefinitions"] = Value::Null;
        }
        match event_line("BOOKMARK", object, self.watch.negotiated.encoding) {
            Ok(line) => self.ready.extend(line),
            Err(_) => self.finished = true,
        }
    }
}

/// How a change looks through a selection.
enum Shown {
    Added,
    Modified,
    Deleted(Arc<Stored>),
}

fn shown(selection: &Selection, event: &Event) -> Option<Shown> {
    let now = selection.matches(&event.object);
    let before = event.previous.as_ref().is_some_and(|previous| selection.matches(previous));
    match event.kind {
        EventKind::Deleted => before.then(|| Shown::Deleted(event.object.clone())),
        EventKind::Added | EventKind::Modified => match (before, now) {
            (false, true) => Some(Shown::Added),
            (true, true) => Some(Shown::Modified),
            // The last state that was selected, at the revision of the change.
            (true, false) => {
                let previous = event.previous.as_ref()?;
                Some(Shown::Deleted(Arc::new(previous.at_revision(event.revision()))))
            }
            (false, false) => None,
        },
    }
}
