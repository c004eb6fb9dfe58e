//! Objects that are good for a while: Events, and the Leases of API servers that are gone.
//!
//! The time of an object is read from the object itself, so it survives a restart; one timer waits for the next to go.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::controller::Controller;
use crate::http::Failure;
use crate::server::Inner;
use crate::store::{Change, Draft, Event, EventKind, Expect, Stored, Write, WriteError};

const EVENTS: &str = "/events";
const LEASES: &str = "coordination.k8s.io/leases";
const SYSTEM: &str = "kube-system";
const IDENTITY: &str = "apiserver.kubernetes.io/identity";
const API_SERVER: &str = "kube-apiserver";
/// How long Events stay when the configuration does not say.
const EVENT_LIFETIME: SignedDuration = SignedDuration::from_hours(1);
/// Removals that are on their way at once.
const BATCH: usize = 64;

/// Removes objects after their time.
#[derive(Default)]
pub(super) struct Expiry {
    due: BTreeSet<(Timestamp, Place)>,
    known: HashMap<Place, Timestamp>,
}

/// Storage key of a resource and key of an object.
type Place = (&'static str, String);

impl Controller for Expiry {
    /// There is one timer for all.
    type Key = ();
    const NAME: &'static str = "expiry";

    fn all(&mut self, server: &Inner) -> Vec<()> {
        self.due.clear();
        self.known.clear();
        for resource in [EVENTS, LEASES] {
            for stored in server.store.list(resource, "").objects {
                self.note(server, resource, &stored);
            }
        }
        vec![()]
    }

    fn keys(&mut self, server: &Inner, resource: &str, event: &Event) -> Vec<()> {
        let Some(resource) = [EVENTS, LEASES].into_iter().find(|known| *known == resource) else {
            return Vec::new();
        };
        if event.kind == EventKind::Deleted {
            self.forget(&(resource, event.object.key()));
            return Vec::new();
        }
        let before = self.due.first().map(|(time, _)| *time);
        self.note(server, resource, &event.object);
        // The timer that runs is good unless something goes earlier now.
        let first = self.due.first().map(|(time, _)| *time);
        if first.is_some() && before.is_none_or(|before| first < Some(before)) {
            vec![()]
        } else {
            Vec::new()
        }
    }

    async fn reconcile(&mut self, server: &Arc<Inner>, (): &()) -> Result<Option<Duration>, Failure> {
        loop {
            let now = server.clock.now();
            let batch: Vec<(Timestamp, Place)> =
                self.due.iter().take_while(|(time, _)| *time <= now).take(BATCH).cloned().collect();
            if batch.is_empty() {
                let next = self.due.first().map(|(time, _)| time.duration_since(now));
                // Never before its time: timers may be early by less than a millisecond.
                return Ok(next
                    .and_then(|left| Duration::try_from(left).ok())
                    .map(|d| d + Duration::from_millis(1)));
            }
            let removals = batch.iter().map(|(time, place)| remove(server, place, *time));
            for result in futures::future::join_all(removals).await {
                result.map_err(|error| Failure::internal(format!("an expired object stays: {error}")))?;
            }
            for (_, place) in batch {
                self.forget(&place);
            }
        }
    }
}

impl Expiry {
    fn note(&mut self, server: &Inner, resource: &'static str, stored: &Stored) {
        let place = (resource, stored.key());
        self.forget(&place);
        if let Some(time) = end(server, resource, stored) {
            self.due.insert((time, place.clone()));
            self.known.insert(place, time);
        }
    }

    fn forget(&mut self, place: &Place) {
        if let Some(time) = self.known.remove(place) {
            self.due.remove(&(time, place.clone()));
        }
    }
}

/// Removes an object that is still due, as it is.
///
/// No finalizer holds it and no admission is asked: this is the store's own doing, as it is in the real one.
async fn remove(server: &Inner, (resource, key): &Place, time: Timestamp) -> Result<(), WriteError> {
    let Some(stored) = server.store.get(resource, key) else { return Ok(()) };
    // Written again meanwhile: the change is on its way to us.
    if end(server, resource, &stored).is_none_or(|end| end > time) {
        return Ok(());
    }
    let write = Write {
        resource: (*resource).into(),
        expect: Expect::Revision(stored.revision()),
        change: Change::Remove(Draft::new(&stored.value())),
    };
    match server.store.write(write).await {
        Ok(_) | Err(WriteError::Conflict(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Returns when an object goes; most Leases never do.
fn end(server: &Inner, resource: &str, stored: &Stored) -> Option<Timestamp> {
    if resource == EVENTS {
        let lifetime = server
            .config
            .event_ttl
            .map_or(EVENT_LIFETIME, |ttl| SignedDuration::try_from(ttl).unwrap_or(SignedDuration::MAX));
        let written = last_write(&stored.value())?;
        return Some(written.saturating_add(lifetime).unwrap_or(Timestamp::MAX));
    }
    if stored.namespace() != SYSTEM || stored.label(IDENTITY) != Some(API_SERVER) {
        return None;
    }
    let lease = stored.value();
    let renewed =
        time(lease.pointer("/spec/renewTime")).or_else(|| time(lease.pointer("/spec/acquireTime")))?;
    let length = lease.pointer("/spec/leaseDurationSeconds").and_then(Value::as_i64)?;
    Some(renewed.saturating_add(SignedDuration::from_secs(length)).unwrap_or(Timestamp::MAX))
}

/// Returns when an object was written last, as its metadata tells.
fn last_write(object: &Value) -> Option<Timestamp> {
    let managers = object.pointer("/metadata/managedFields").and_then(Value::as_array);
    let changes = managers.into_iter().flatten().filter_map(|entry| time(entry.get("time")));
    changes.chain(time(object.pointer("/metadata/creationTimestamp"))).max()
}

fn time(value: Option<&Value>) -> Option<Timestamp> {
    value?.as_str()?.parse().ok()
}
