//! Garbage collection: dependents go with their owners.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::controller::Controller;
use crate::http::Failure;
use crate::http::call::Call;
use crate::http::{DeleteOptions, Propagation};
use crate::registry::Resource;
use crate::server::Inner;
use crate::store::{Event, EventKind, Stored, object_key};

const ORPHAN: &str = "orphan";
const FOREGROUND: &str = "foregroundDeletion";
const MANAGER: &str = "kube-controller-manager";

/// An object: storage key of its resource, key within.
type Place = (Arc<str>, String);

/// Deletes what has no owner left, and lets owners go whose dependents are gone.
#[derive(Default)]
pub(super) struct Collector {
    /// Owner's uid to its dependents.
    dependents: HashMap<Box<str>, BTreeSet<Place>>,
}

/// One owner reference.
struct Owner {
    uid: String,
    place: Option<Place>,
    blocks: bool,
}

/// What an owner reference is worth.
enum Worth {
    /// The owner is there, or nobody can tell.
    Solid,
    Dangling,
    /// The owner waits for its dependents to go.
    Waiting,
}

impl Controller for Collector {
    type Key = Place;
    const NAME: &'static str = "garbage-collector";

    fn all(&mut self, server: &Inner) -> Vec<Place> {
        self.dependents.clear();
        let mut keys = Vec::new();
        for resource in server.store.resources() {
            for stored in server.store.list(&resource, "").objects {
                let place = (resource.clone(), stored.key());
                for owner in stored.owners() {
                    self.dependents.entry(owner.into()).or_default().insert(place.clone());
                }
                if stored.owners().next().is_some() || stored.is_deleting() {
                    keys.push(place);
                }
            }
        }
        keys
    }

    fn keys(&mut self, server: &Inner, resource: &str, event: &Event) -> Vec<Place> {
        let stored = &event.object;
        let place: Place = (resource.into(), stored.key());
        let mut keys = Vec::new();
        for owner in event.previous.iter().flat_map(|previous| previous.owners()) {
            if let Some(dependents) = self.dependents.get_mut(owner) {
                dependents.remove(&place);
                if dependents.is_empty() {
                    self.dependents.remove(owner);
                }
            }
        }
        let gone = event.kind == EventKind::Deleted;
        if !gone {
            for owner in stored.owners() {
                self.dependents.entry(owner.into()).or_default().insert(place.clone());
            }
        }
        let had_owners = event.previous.as_ref().is_some_and(|previous| previous.owners().next().is_some());
        if had_owners && (gone || event.previous.as_ref().is_some_and(|p| !p.owners().eq(stored.owners()))) {
            // Owners may have waited for this one.
            let previous = event.previous.as_ref().map(|previous| previous.value()).unwrap_or_default();
            keys.extend(owners(server, &previous).into_iter().filter_map(|owner| owner.place));
        }
        if gone || stored.is_deleting() {
            keys.extend(self.dependents.get(stored.uid()).into_iter().flatten().cloned());
        }
        if !gone && (stored.owners().next().is_some() || stored.is_deleting()) {
            keys.push(place);
        }
        keys
    }

    async fn reconcile(&mut self, server: &Arc<Inner>, place: &Place) -> Result<Option<Duration>, Failure> {
        let Some(stored) = server.store.get(&place.0, &place.1) else { return Ok(None) };
        let Some(resource) = resource_of(server, &stored, &place.0) else { return Ok(None) };
        let object = stored.value();
        let result = if stored.is_deleting() && has_finalizer(&object, ORPHAN) {
            self.orphan(server, &stored, &resource).await
        } else if stored.is_deleting() && has_finalizer(&object, FOREGROUND) {
            self.wait_for_dependents(server, &stored, &resource).await
        } else if stored.is_deleting() {
            Ok(())
        } else {
            self.check_owners(server, &stored, &object, &resource).await
        };
        match result {
            // Someone else was faster: the next change tells.
            Err(failure) if failure.code == http::StatusCode::NOT_FOUND => Ok(None),
            Err(failure) if failure.code == http::StatusCode::CONFLICT => Ok(Some(Duration::ZERO)),
            result => result.map(|()| None),
        }
    }
}

impl Collector {
    fn dependents(&self, server: &Inner, owner: &Stored) -> Vec<(Place, Arc<Stored>)> {
        let places = self.dependents.get(owner.uid()).into_iter().flatten();
        places
            .filter_map(|place| Some((place.clone(), server.store.get(&place.0, &place.1)?)))
            .filter(|(_, stored)| stored.owners().any(|uid| uid == owner.uid()))
            .filter(|(_, stored)| owner.namespace().is_empty() || stored.namespace() == owner.namespace())
            .collect()
    }

    /// Frees the dependents of a deleted object, then lets it go.
    async fn orphan(
        &self,
        server: &Arc<Inner>,
        stored: &Stored,
        resource: &Arc<Resource>,
    ) -> Result<(), Failure> {
        for (place, dependent) in self.dependents(server, stored) {
            if let Some(resource) = resource_of(server, &dependent, &place.0) {
                drop_owners(server, &dependent, &resource, &[stored.uid()]).await?;
            }
        }
        remove_finalizer(server, stored, resource, ORPHAN).await
    }

    /// Deletes the dependents of an object, and lets it go when the blocking ones are gone.
    async fn wait_for_dependents(
        &self,
        server: &Arc<Inner>,
        stored: &Stored,
        resource: &Arc<Resource>,
    ) -> Result<(), Failure> {
        let mut blocked = false;
        for (place, dependent) in self.dependents(server, stored) {
            let object = dependent.value();
            let blocking =
                owners(server, &object).iter().any(|owner| owner.uid == stored.uid() && owner.blocks);
            blocked |= blocking;
            if !dependent.is_deleting()
                && let Some(resource) = resource_of(server, &dependent, &place.0)
            {
                self.check_owners(server, &dependent, &object, &resource).await?;
            }
        }
        if blocked
            && self.dependents(server, stored).iter().any(|(_, dependent)| {
                owners(server, &dependent.value())
                    .iter()
                    .any(|owner| owner.uid == stored.uid() && owner.blocks)
            })
        {
            return Ok(());
        }
        remove_finalizer(server, stored, resource, FOREGROUND).await
    }

    /// Deletes an object without solid owners; drops references to owners that are gone.
    async fn check_owners(
        &self,
        server: &Arc<Inner>,
        stored: &Stored,
        object: &Value,
        resource: &Arc<Resource>,
    ) -> Result<(), Failure> {
        let (mut solid, mut lost, mut waiting) = (0, Vec::new(), Vec::new());
        let all = owners(server, object);
        if all.is_empty() {
            return Ok(());
        }
        for owner in &all {
            match worth(server, owner, stored) {
                Worth::Solid => solid += 1,
                Worth::Dangling => lost.push(owner.uid.as_str()),
                Worth::Waiting => waiting.push(owner.uid.as_str()),
            }
        }
        if solid > 0 {
            let gone = [lost, waiting].concat();
            return if gone.is_empty() { Ok(()) } else { drop_owners(server, stored, resource, &gone).await };
        }
        let has_dependents = !self.dependents(server, stored).is_empty();
        let propagation = if has_finalizer(object, ORPHAN) {
            Propagation::Orphan
        } else if has_finalizer(object, FOREGROUND) || (!waiting.is_empty() && has_dependents) {
            Propagation::Foreground
        } else {
            Propagation::Background
        };
        let options = DeleteOptions {
            propagation: Some(propagation),
            uid: Some(stored.uid().to_owned()),
            resource_version: Some(stored.revision().to_string()),
            ..DeleteOptions::default()
        };
        let mut call = Call::internal(server, resource.clone(), stored.namespace(), stored.name(), MANAGER)
            .reviewed_as("generic-garbage-collector");
        call.delete(&options).await.map(|_| ())
    }
}

/// Returns the owners of an object with their places.
fn owners(server: &Inner, object: &Value) -> Vec<Owner> {
    let registry = server.registry();
    let namespace = object.pointer("/metadata/namespace").and_then(Value::as_str).unwrap_or_default();
    let references = object.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    references
        .into_iter()
        .flatten()
        .map(|reference| {
            let text = |key: &str| reference.get(key).and_then(Value::as_str).unwrap_or_default();
            let api_version = text("apiVersion");
            let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
            // Any version of the kind will do: they share one storage.
            let resource = registry.resource_for_kind(group, version, text("kind")).or_else(|| {
                registry.resources().find(|r| r.group == group && r.kind == text("kind")).cloned()
            });
            let place = resource.and_then(|resource| {
                // An object of the cluster cannot be owned by one of a namespace.
                let reachable = !resource.namespaced || !namespace.is_empty();
                let scope = if resource.namespaced { namespace } else { "" };
                let storage: Arc<str> = registry.storage_key(&resource).into();
                reachable.then(|| (storage, object_key(scope, text("name"))))
            });
            Owner {
                uid: text("uid").to_owned(),
                place,
                blocks: reference.get("blockOwnerDeletion").and_then(Value::as_bool).unwrap_or(false),
            }
        })
        .collect()
}

fn worth(server: &Inner, owner: &Owner, dependent: &Stored) -> Worth {
    let Some((storage, key)) = &owner.place else { return Worth::Solid };
    let Some(stored) = server.store.get(storage, key).filter(|stored| stored.uid() == owner.uid) else {
        return Worth::Dangling;
    };
    let waits =
        stored.is_deleting() && has_finalizer(&stored.value(), FOREGROUND) && stored.uid() != dependent.uid();
    if waits { Worth::Waiting } else { Worth::Solid }
}

fn has_finalizer(object: &Value, name: &str) -> bool {
    let finalizers = object.pointer("/metadata/finalizers").and_then(Value::as_array);
    finalizers.is_some_and(|finalizers| finalizers.iter().any(|finalizer| finalizer == name))
}

/// Returns the resource of a stored object, in the version it was stored with if that is served.
fn resource_of(server: &Inner, stored: &Stored, storage: &str) -> Option<Arc<Resource>> {
    let registry = server.registry();
    let own = registry.resources().filter(|resource| registry.storage_key(resource) == storage);
    let mut served: Vec<Arc<Resource>> = own.cloned().collect();
    served.sort_by_key(|resource| resource.api_version() != stored.api_version());
    served.into_iter().next()
}

async fn drop_owners(
    server: &Arc<Inner>,
    stored: &Stored,
    resource: &Arc<Resource>,
    gone: &[&str],
) -> Result<(), Failure> {
    let mut call = Call::internal(server, resource.clone(), stored.namespace(), stored.name(), MANAGER);
    let uid = stored.uid().to_owned();
    call.replace(|old| {
        if old.pointer("/metadata/uid").and_then(Value::as_str) != Some(&uid) {
            return Ok(old.clone());
        }
        let mut new = old.clone();
        let Some(metadata) = new.get_mut("metadata").and_then(Value::as_object_mut) else { return Ok(new) };
        let mut left: Vec<Value> =
            metadata.get("ownerReferences").and_then(Value::as_array).cloned().unwrap_or_default();
        left.retain(|owner| owner["uid"].as_str().is_none_or(|uid| !gone.contains(&uid)));
        if left.is_empty() {
            metadata.remove("ownerReferences");
        } else {
            metadata.insert("ownerReferences".to_owned(), left.into());
        }
        metadata.remove("resourceVersion");
        Ok(new)
    })
    .await
    .map(|_| ())
}

async fn remove_finalizer(
    server: &Arc<Inner>,
    stored: &Stored,
    resource: &Arc<Resource>,
    name: &str,
) -> Result<(), Failure> {
    let mut call = Call::internal(server, resource.clone(), stored.namespace(), stored.name(), MANAGER);
    let uid = stored.uid().to_owned();
    call.replace(|old| {
        let mut new = old.clone();
        if old.pointer("/metadata/uid").and_then(Value::as_str) != Some(&uid) {
            return Ok(new);
        }
        let left: Vec<String> = old
            .pointer("/metadata/finalizers")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|finalizer| Some(finalizer.as_str()?.to_owned()))
            .filter(|finalizer| finalizer != name)
            .collect();
        crate::http::set_finalizers(&mut new, &left);
        if let Some(metadata) = new.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("resourceVersion");
        }
        Ok(new)
    })
    .await
    .map(|_| ())
}
