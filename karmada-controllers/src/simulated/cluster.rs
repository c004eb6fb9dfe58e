//! What all simulated controllers of a member share: caches, room, and the ways to write.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Node, PersistentVolumeClaim, Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use karmada_core::object::{fnv1a_32, safe_encode};
use kube::api::{Api, ApiResource, DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use kube::runtime::watcher;
use kube::{Client, Resource, ResourceExt};
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::json::{list, merge_patch, text, text_at};
use super::room::Room;
use crate::hub::{
    EventRecorder, Informer, ObjectKey, ReconcileError, Runtime, Unstructured, WorkQueue, is_not_found,
    is_status,
};

/// A kind with its cache.
pub(super) struct Kind {
    pub resource: ApiResource,
    pub cache: Arc<Informer<Unstructured>>,
}

impl Kind {
    fn of<K: Resource<DynamicType = ()>>() -> Self {
        Self::with_cache::<K>(Informer::packed)
    }

    /// Makes a kind whose objects are all looked at again and again.
    fn of_few<K: Resource<DynamicType = ()>>() -> Self {
        Self::with_cache::<K>(|cache| cache)
    }

    fn with_cache<K>(form: fn(Informer<Unstructured>) -> Informer<Unstructured>) -> Self
    where
        K: Resource<DynamicType = ()>,
    {
        let resource = ApiResource::erase::<K>(&());
        let transformed = resource.clone();
        let cache =
            Informer::new(format!("simulated {}", resource.plural), move |object: &mut Unstructured| {
                object.normalise(&transformed);
            });
        Self { resource, cache: Arc::new(form(cache.with_index(controller_uid))) }
    }

    /// Returns the objects that an owner controls.
    pub(super) fn owned(&self, owner: &Value) -> Vec<Arc<Unstructured>> {
        self.cache.list_indexed(text_at(owner, "/metadata/uid"))
    }
}

fn controller_uid(object: &Unstructured) -> Vec<String> {
    let owner = object.owner_references().iter().find(|owner| owner.controller == Some(true));
    owner.map(|owner| owner.uid.clone()).into_iter().collect()
}

/// Returns the reference to the owner that controls an object.
pub(super) fn controller_of(object: &Value) -> Option<&Value> {
    let owners = list(object.get("metadata")?, "ownerReferences");
    owners.iter().find(|owner| owner.get("controller").and_then(Value::as_bool) == Some(true))
}

/// What all simulated controllers of a member share.
pub(super) struct Cluster {
    pub client: Client,
    pub nodes: Kind,
    pub pods: Kind,
    pub replica_sets: Kind,
    pub deployments: Kind,
    pub stateful_sets: Kind,
    pub daemon_sets: Kind,
    pub jobs: Kind,
    pub services: Kind,
    pub endpoint_slices: Kind,
    pub claims: Kind,
    pub room: Mutex<Room>,
    /// Pods that found no room.
    pub waiting: Mutex<BTreeSet<ObjectKey>>,
    /// Deployments on paper with replicas that found no room.
    pub short: Mutex<BTreeSet<ObjectKey>>,
    /// Uids of objects that were deleted and are still in the cache.
    gone: Mutex<HashSet<String>>,
    pub events: EventRecorder,
    pub queues: Queues,
}

/// One queue for each controller.
#[derive(Default)]
pub(super) struct Queues {
    pub pods: Arc<WorkQueue<ObjectKey>>,
    pub replica_sets: Arc<WorkQueue<ObjectKey>>,
    pub deployments: Arc<WorkQueue<ObjectKey>>,
    pub stateful_sets: Arc<WorkQueue<ObjectKey>>,
    pub daemon_sets: Arc<WorkQueue<ObjectKey>>,
    pub jobs: Arc<WorkQueue<ObjectKey>>,
    pub services: Arc<WorkQueue<ObjectKey>>,
    pub claims: Arc<WorkQueue<ObjectKey>>,
    /// Volumes whose claim is gone.
    pub volumes: Arc<WorkQueue<ObjectKey>>,
}

impl Queues {
    /// Tells the controller of an owner about a change below it.
    pub(super) fn add_owner(&self, object: &Value) {
        let Some(owner) = controller_of(object) else { return };
        let queue = match text(owner, "kind") {
            "ReplicaSet" => &self.replica_sets,
            "Deployment" => &self.deployments,
            "StatefulSet" => &self.stateful_sets,
            "DaemonSet" => &self.daemon_sets,
            "Job" => &self.jobs,
            "Service" => &self.services,
            _ => return,
        };
        queue.add(ObjectKey::new(text_at(object, "/metadata/namespace"), text(owner, "name")));
    }
}

impl Cluster {
    /// Starts the caches. They are empty until the watches have listed.
    pub(super) fn start(client: Client, runtime: &Runtime) -> Self {
        let events = EventRecorder::start(client.clone(), runtime).for_component("simulated-cluster");
        let cluster = Self {
            nodes: Kind::of_few::<Node>(),
            pods: Kind::of::<Pod>(),
            replica_sets: Kind::of::<ReplicaSet>(),
            deployments: Kind::of::<Deployment>(),
            stateful_sets: Kind::of::<StatefulSet>(),
            daemon_sets: Kind::of::<DaemonSet>(),
            jobs: Kind::of::<Job>(),
            services: Kind::of_few::<Service>(),
            endpoint_slices: Kind::of::<EndpointSlice>(),
            claims: Kind::of::<PersistentVolumeClaim>(),
            room: Mutex::default(),
            waiting: Mutex::default(),
            short: Mutex::default(),
            gone: Mutex::default(),
            events,
            queues: Queues::default(),
            client,
        };
        for kind in cluster.kinds() {
            let api: Api<Unstructured> = Api::all_with(cluster.client.clone(), &kind.resource);
            runtime.spawn(kind.cache.clone().run(api, watcher::Config::default(), runtime.cancellation()));
        }
        cluster
    }

    /// Waits until all caches hold what there is.
    pub(super) async fn wait_synced(&self) {
        for kind in self.kinds() {
            kind.cache.wait_synced().await;
        }
    }

    fn kinds(&self) -> [&Kind; 10] {
        [
            &self.nodes,
            &self.pods,
            &self.replica_sets,
            &self.deployments,
            &self.stateful_sets,
            &self.daemon_sets,
            &self.jobs,
            &self.services,
            &self.endpoint_slices,
            &self.claims,
        ]
    }

    /// Returns the pods that an owner controls and that were not deleted by this program.
    pub(super) fn pods_of(&self, owner: &Value) -> Vec<Arc<Unstructured>> {
        let mut pods = self.pods.owned(owner);
        let gone = self.gone.lock();
        pods.retain(|pod| !gone.contains(text_at(pod.value(), "/metadata/uid")));
        pods
    }

    /// Forgets that an object was deleted: the cache does not show it any more.
    pub(super) fn forget(&self, object: &Value) {
        self.gone.lock().remove(text_at(object, "/metadata/uid"));
    }

    /// Lets those that found no room look again, after those that are to be looked at before.
    pub(super) fn room_became_free(&self) {
        // One key stands for all of them: a thousand departures in a row are one reason to look.
        if !self.waiting.lock().is_empty() {
            self.queues.pods.add(everybody());
        }
        if !self.short.lock().is_empty() {
            self.queues.deployments.add(everybody());
        }
    }

    /// Creates an object unless it exists. Returns whether it was created.
    pub(super) async fn create(&self, kind: &Kind, object: &Value) -> Result<bool, ReconcileError> {
        let namespace = text_at(object, "/metadata/namespace");
        let describe =
            || format!("create {} {namespace}/{}", kind.resource.kind, text_at(object, "/metadata/name"));
        let document =
            Unstructured::try_from_value(object.clone()).map_err(ReconcileError::decision(describe()))?;
        match self.api(kind, namespace).create(&PostParams::default(), &document).await {
            Ok(created) => {
                kind.cache.observe(created);
                Ok(true)
            }
            // Another look, when the cache shows it, decides what becomes of it.
            Err(error) if is_status(&error, 409) => Ok(false),
            // The namespace goes, or there is none: nothing can be made there.
            Err(error) if is_not_found(&error) => Ok(false),
            Err(error) if is_status(&error, 403) && error.to_string().contains("being terminated") => {
                Ok(false)
            }
            Err(error) => Err(ReconcileError::api(describe())(error)),
        }
    }

    /// Deletes this very object at once.
    pub(super) async fn delete(&self, kind: &Kind, object: &Value) -> Result<(), ReconcileError> {
        let key = key_of(object);
        let uid = text_at(object, "/metadata/uid").to_owned();
        let options = DeleteParams {
            grace_period_seconds: Some(0),
            preconditions: Some(Preconditions { uid: Some(uid.clone()), resource_version: None }),
            ..DeleteParams::background()
        };
        self.gone.lock().insert(uid);
        match self.api(kind, &key.namespace).delete(&key.name, &options).await {
            Ok(_) => Ok(()),
            // Already gone, or another one of this name.
            Err(error) if is_not_found(&error) || is_status(&error, 409) => {
                let known = kind.cache.find(&key);
                if known.is_none_or(|known| known.value()["metadata"]["uid"] != object["metadata"]["uid"]) {
                    self.forget(object);
                }
                Ok(())
            }
            Err(error) => {
                self.forget(object);
                Err(ReconcileError::api(format!("delete {} {key}", kind.resource.kind))(error))
            }
        }
    }

    /// Merges a patch into an object.
    pub(super) async fn patch(
        &self,
        kind: &Kind,
        key: &ObjectKey,
        patch: &Value,
    ) -> Result<(), ReconcileError> {
        let api = self.api(kind, &key.namespace);
        match api.patch(&key.name, &PatchParams::default(), &Patch::Merge(patch)).await {
            Ok(patched) => kind.cache.observe(patched),
            Err(error) if is_not_found(&error) => {}
            Err(error) => {
                return Err(ReconcileError::api(format!("patch {} {key}", kind.resource.kind))(error));
            }
        }
        Ok(())
    }

    /// Writes what differs of a status, if anything does.
    pub(super) async fn write_status(
        &self,
        kind: &Kind,
        object: &Value,
        status: &Value,
    ) -> Result<(), ReconcileError> {
        let empty = json!({});
        let before = object.get("status").unwrap_or(&empty);
        let Some(difference) = merge_patch(before, status) else { return Ok(()) };
        let key = key_of(object);
        let api = self.api(kind, &key.namespace);
        // Of this very object: another one of the same name has a status of its own.
        let patch = json!({"metadata": {"uid": text_at(object, "/metadata/uid")}, "status": difference});
        match api.patch_status(&key.name, &PatchParams::default(), &Patch::Merge(&patch)).await {
            Ok(patched) => kind.cache.observe(patched),
            Err(error) if is_not_found(&error) || is_status(&error, 409) => {}
            Err(error) => {
                let describe = format!("update the status of {} {key}", kind.resource.kind);
                return Err(ReconcileError::api(describe)(error));
            }
        }
        Ok(())
    }

    pub(super) fn api(&self, kind: &Kind, namespace: &str) -> Api<Unstructured> {
        if namespace.is_empty() {
            Api::all_with(self.client.clone(), &kind.resource)
        } else {
            Api::namespaced_with(self.client.clone(), namespace, &kind.resource)
        }
    }
}

/// The key that stands for all that found no room; no object has it.
pub(super) fn everybody() -> ObjectKey {
    ObjectKey::default()
}

/// Names the object that a document is.
pub(super) fn key_of(object: &Value) -> ObjectKey {
    ObjectKey::new(text_at(object, "/metadata/namespace"), text_at(object, "/metadata/name"))
}

/// Returns the reference by which an owner controls an object.
pub(super) fn controlled_by(owner: &Value) -> Value {
    json!([{"apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": owner["metadata"]["name"],
            "uid": owner["metadata"]["uid"], "controller": true, "blockOwnerDeletion": true}])
}

/// Returns a name for one pod of an owner: the owner's, cut short if need be, and five letters.
pub(super) fn pod_name(owner: &str) -> String {
    const LONGEST: usize = 57;
    let random = uuid::Uuid::new_v4();
    let letters: String = safe_encode(&random.simple().to_string()).chars().take(5).collect();
    format!("{}-{letters}", owner.get(..LONGEST).unwrap_or(owner))
}

/// Returns a short name for the content of a pod template.
///
/// It is not the hash that upstream computes, which depends on Go's memory layout; it only has to differ.
pub(super) fn template_hash(template: &Value, salt: i64) -> String {
    let text = if salt == 0 { template.to_string() } else { format!("{template}{salt}") };
    safe_encode(&fnv1a_32(text.as_bytes()).to_string())
}

/// Makes a pod of a template, owned by `owner`.
pub(super) fn pod_of_template(
    owner: &Value,
    template: &Value,
    name: &str,
    labels: &[(&str, String)],
) -> Value {
    let mut pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": template.get("metadata").cloned().unwrap_or_else(|| json!({})),
        "spec": template.get("spec").cloned().unwrap_or_default(),
    });
    if let Some(metadata) = pod["metadata"].as_object_mut() {
        metadata.retain(|key, value| {
            matches!(key.as_str(), "labels" | "annotations" | "finalizers") && !value.is_null()
        });
        metadata.insert("name".into(), name.into());
        metadata.insert("namespace".into(), owner["metadata"]["namespace"].clone());
        metadata.insert("ownerReferences".into(), controlled_by(owner));
    }
    for (key, value) in labels {
        pod["metadata"]["labels"][*key] = value.as_str().into();
    }
    pod
}

/// Whether an object is being deleted.
pub(super) fn is_going(object: &Unstructured) -> bool {
    object.meta().deletion_timestamp.is_some()
}
