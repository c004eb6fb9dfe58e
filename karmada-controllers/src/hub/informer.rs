//! A shared cache of one kind, fed by one watch.

use std::collections::{BTreeSet, HashMap};
use std::fmt::{self, Debug};
use std::sync::Arc;

use futures::StreamExt;
use kube::Resource;
use kube::api::Api;
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt, watcher as watch_kind};
use parking_lot::{Mutex, RwLock};
use serde::de::DeserializeOwned;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::backoff::WatchBackoff;
use super::error::chain;
use super::packed::{Packable, Packed};

/// Namespace (empty for cluster-scoped objects) and name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectKey {
    pub namespace: String,
    pub name: String,
}

impl ObjectKey {
    /// Names an object. The namespace is empty for cluster-scoped ones.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }

    /// Names the object that `object` is.
    pub fn of<K: Resource>(object: &K) -> Self {
        let meta = object.meta();
        Self {
            namespace: meta.namespace.clone().unwrap_or_default(),
            name: meta.name.clone().unwrap_or_default(),
        }
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() {
            f.write_str(&self.name)
        } else {
            write!(f, "{}/{}", self.namespace, self.name)
        }
    }
}

/// What happened to a cached object.
#[derive(Clone, Debug)]
pub enum Change<K> {
    Added(Arc<K>),
    Updated { old: Arc<K>, new: Arc<K> },
    Deleted(Arc<K>),
}

impl<K> Change<K> {
    /// Returns the newest known state of the object.
    pub fn object(&self) -> &Arc<K> {
        match self {
            Self::Added(object) | Self::Deleted(object) | Self::Updated { new: object, .. } => object,
        }
    }
}

type Handler<K> = Box<dyn Fn(&Change<K>) + Send + Sync>;
type IndexFunction<K> = Box<dyn Fn(&K) -> Vec<String> + Send + Sync>;
type Transform<K> = Box<dyn Fn(&mut K) + Send + Sync>;

/// How an object came to the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    Watch,
    OwnWrite,
}

/// Which state of an object it is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Version {
    /// As every API server has it: higher is newer.
    Revision(u64),
    Text(Box<str>),
    None,
}

impl Version {
    fn of<K: Resource>(object: &K) -> Self {
        let Some(text) = object.meta().resource_version.as_deref() else { return Self::None };
        text.parse().map_or_else(|_| Self::Text(text.into()), Self::Revision)
    }

    fn revision(&self) -> Option<u64> {
        match self {
            Self::Revision(revision) => Some(*revision),
            Self::Text(_) | Self::None => None,
        }
    }

    /// Whether an object of version `other` is no news to who knows this one.
    fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Revision(known), Self::Revision(other)) => other <= known,
            (Self::Text(known), Self::Text(other)) => known == other,
            _ => false,
        }
    }
}

/// An object in the cache.
struct Kept<K> {
    version: Version,
    content: Content<K>,
}

enum Content<K> {
    Whole(Arc<K>),
    Packed(Packed, fn(&Packed) -> K),
}

impl<K> Content<K> {
    fn object(&self) -> Arc<K> {
        match self {
            Self::Whole(object) => object.clone(),
            Self::Packed(packed, unpack) => Arc::new(unpack(packed)),
        }
    }
}

// Derived, it would ask for `K: Clone`.
impl<K> Clone for Content<K> {
    fn clone(&self) -> Self {
        match self {
            Self::Whole(object) => Self::Whole(object.clone()),
            Self::Packed(packed, unpack) => Self::Packed(packed.clone(), *unpack),
        }
    }
}

fn pack<K: Packable>(object: &Arc<K>) -> Content<K> {
    object.pack().map_or_else(|| Content::Whole(object.clone()), |packed| Content::Packed(packed, K::unpack))
}

struct State<K> {
    objects: HashMap<Arc<ObjectKey>, Kept<K>>,
    /// Highest revision that the watch has shown.
    seen: u64,
    index: HashMap<String, BTreeSet<Arc<ObjectKey>>>,
    handlers: Vec<Handler<K>>,
}

/// A shared cache of one kind, fed by one watch.
///
/// Handlers run in the order of registration, in the task of the watch, and must only
/// enqueue keys. A handler that is added late is first shown all cached objects as added.
///
/// Of many large objects a cache keeps the text ([`Informer::packed`]): then every look makes an object anew, and
/// who looks at many of them does so at one after the other.
pub struct Informer<K> {
    name: String,
    // One lock for objects and handlers: a late handler misses no change and sees none twice.
    state: RwLock<State<K>>,
    index_function: Option<IndexFunction<K>>,
    transform: Transform<K>,
    /// In which form an object is kept.
    keep: fn(&Arc<K>) -> Content<K>,
    synced: watch::Sender<bool>,
    /// Whether the server answered the last try with a refusal, which somebody must put right.
    refused: watch::Sender<bool>,
    last_error: Mutex<Option<String>>,
}

impl<K> Debug for Informer<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Informer").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<K> Informer<K>
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + Sync + 'static,
{
    /// Makes a cache that is not fed yet.
    ///
    /// `transform` runs on every object before it is stored, to drop what nobody reads.
    pub fn new(name: impl Into<String>, transform: impl Fn(&mut K) + Send + Sync + 'static) -> Self {
        Self {
            name: name.into(),
            state: RwLock::new(State {
                objects: HashMap::new(),
                seen: 0,
                index: HashMap::new(),
                handlers: Vec::new(),
            }),
            index_function: None,
            transform: Box::new(transform),
            keep: |object| Content::Whole(object.clone()),
            synced: watch::Sender::new(false),
            refused: watch::Sender::new(false),
            last_error: Mutex::new(None),
        }
    }

    /// Keeps an index of the values that `function` gives for each object.
    pub fn with_index(mut self, function: impl Fn(&K) -> Vec<String> + Send + Sync + 'static) -> Self {
        self.index_function = Some(Box::new(function));
        self
    }

    /// Keeps the text of objects instead of the objects.
    pub fn packed(mut self) -> Self
    where
        K: Packable,
    {
        self.keep = pack;
        self
    }

    /// Feeds the cache until cancelled. Watch errors are retried with backoff.
    pub async fn run(self: Arc<Self>, api: Api<K>, config: watcher::Config, cancel: CancellationToken) {
        let stream = watch_kind(api, config).backoff(WatchBackoff::of(&self.name));
        futures::pin_mut!(stream);
        let mut listed: Option<BTreeSet<ObjectKey>> = None;
        loop {
            let next = tokio::select! {
                () = cancel.cancelled() => return,
                next = stream.next() => next,
            };
            match next {
                None => return,
                Some(Ok(Event::Init)) => listed = Some(BTreeSet::new()),
                Some(Ok(Event::InitApply(object))) => {
                    if let Some(listed) = listed.as_mut() {
                        listed.insert(ObjectKey::of(&object));
                    }
                    self.apply(object, Origin::Watch);
                }
                Some(Ok(Event::InitDone)) => {
                    if let Some(listed) = listed.take() {
                        self.retain(&listed);
                    }
                    self.note_success();
                    self.synced.send_replace(true);
                }
                Some(Ok(Event::Apply(object))) => self.apply(object, Origin::Watch),
                Some(Ok(Event::Delete(object))) => self.remove(&ObjectKey::of(&object), Some(object)),
                Some(Err(error)) => self.note_failure(&error),
            }
        }
    }

    fn note_success(&self) {
        if self.refused.send_replace(false) {
            tracing::info!(informer = self.name, "the server no longer refuses");
        }
        *self.last_error.lock() = None;
    }

    /// Remembers why the watch failed. A refusal is said once, in the server's words: they name verb and resource.
    fn note_failure(&self, error: &watcher::Error) {
        let text = chain(error);
        if let Some(message) = refusal(error) {
            if !self.refused.send_replace(true) {
                tracing::warn!(informer = self.name, error = message, "the server refuses, will retry");
            }
        } else {
            tracing::debug!(informer = self.name, error = text, "watch failed, will retry");
        }
        *self.last_error.lock() = Some(text);
    }

    /// Takes over the answer to a write without waiting for the watch to show it.
    ///
    /// The next reconcile reads its own write, and other controllers hear of it at once. An
    /// answer that the watch has already overtaken is ignored: the object may be gone by now.
    /// Revisions are compared as numbers; where they are none, the watch alone feeds the cache.
    pub fn observe(&self, object: K) {
        let Some(revision) = Version::of(&object).revision() else { return };
        if revision > self.state.read().seen {
            self.apply(object, Origin::OwnWrite);
        }
    }

    /// Registers a handler, showing it all cached objects first.
    pub fn on_change(&self, handler: impl Fn(&Change<K>) + Send + Sync + 'static) {
        let mut state = self.state.write();
        for kept in state.objects.values() {
            handler(&Change::Added(kept.content.object()));
        }
        state.handlers.push(Box::new(handler));
    }

    /// Waits until the first list is complete.
    pub async fn wait_synced(&self) {
        let mut receiver = self.synced.subscribe();
        // The sender lives in self, so waiting cannot fail.
        let _ = receiver.wait_for(|synced| *synced).await;
    }

    /// Waits until the first list is complete, or refused.
    pub async fn wait_synced_or_refused(&self) {
        let mut refused = self.refused.subscribe();
        tokio::select! {
            () = self.wait_synced() => {}
            // The sender lives in self, so waiting cannot fail.
            _ = refused.wait_for(|refused| *refused) => {}
        }
    }

    /// Whether the first list is complete.
    pub fn is_synced(&self) -> bool {
        *self.synced.borrow()
    }

    /// Returns the error of the last failed watch while the cache is not synced.
    pub fn last_error(&self) -> Option<String> {
        self.last_error.lock().clone()
    }

    /// Whether the cache holds an object.
    pub fn contains(&self, key: &ObjectKey) -> bool {
        self.state.read().objects.contains_key(key)
    }

    /// Returns one object.
    pub fn find(&self, key: &ObjectKey) -> Option<Arc<K>> {
        let content = self.state.read().objects.get(key).map(|kept| kept.content.clone());
        content.map(|content| content.object())
    }

    /// Returns all objects, ordered by namespace and name.
    pub fn list(&self) -> Vec<Arc<K>> {
        self.select(|_| true)
    }

    /// Returns the objects of one namespace, ordered by name.
    pub fn list_namespace(&self, namespace: &str) -> Vec<Arc<K>> {
        self.select(|key| key.namespace == namespace)
    }

    /// Returns the names of the objects of one namespace, in order.
    pub fn keys_of_namespace(&self, namespace: &str) -> Vec<ObjectKey> {
        let state = self.state.read();
        let keys = state.objects.keys().filter(|key| key.namespace == namespace);
        let mut keys: Vec<ObjectKey> = keys.map(|key| (**key).clone()).collect();
        keys.sort();
        keys
    }

    /// Returns the objects for which the index function gave `value`, ordered by key.
    pub fn list_indexed(&self, value: &str) -> Vec<Arc<K>> {
        let found: Vec<Content<K>> = {
            let state = self.state.read();
            let Some(keys) = state.index.get(value) else { return Vec::new() };
            let kept = keys.iter().filter_map(|key| state.objects.get(key));
            kept.map(|kept| kept.content.clone()).collect()
        };
        found.iter().map(Content::object).collect()
    }

    fn select(&self, is_wanted: impl Fn(&ObjectKey) -> bool) -> Vec<Arc<K>> {
        let mut found: Vec<(Arc<ObjectKey>, Content<K>)> = {
            let state = self.state.read();
            let wanted = state.objects.iter().filter(|(key, _)| is_wanted(key));
            wanted.map(|(key, kept)| (key.clone(), kept.content.clone())).collect()
        };
        found.sort_by(|a, b| a.0.cmp(&b.0));
        found.iter().map(|(_, content)| content.object()).collect()
    }

    fn apply(&self, mut object: K, origin: Origin) {
        let key = ObjectKey::of(&object);
        let version = Version::of(&object);
        if !self.is_news(&key, &version, origin) {
            return;
        }
        (self.transform)(&mut object);
        let new = Arc::new(object);
        let content = (self.keep)(&new);

        let mut state = self.state.write();
        match (origin, version.revision()) {
            (Origin::Watch, Some(revision)) => state.seen = state.seen.max(revision),
            // Looked at again under the lock: the watch may have come in between.
            (Origin::OwnWrite, Some(revision)) if revision <= state.seen => return,
            _ => {}
        }
        let (key, old) = match state.objects.get_key_value(&key) {
            Some((_, known)) if known.version.covers(&version) => return,
            Some((key, known)) => (key.clone(), Some(known.content.object())),
            None => (Arc::new(key), None),
        };
        self.index(&mut state, &key, old.as_deref(), Some(&new));
        state.objects.insert(key, Kept { version, content });
        let change = match old {
            Some(old) => Change::Updated { old, new },
            None => Change::Added(new),
        };
        for handler in &state.handlers {
            handler(&change);
        }
    }

    /// Whether an object is worth the work of keeping it.
    ///
    /// A re-list shows every object again, and the watch shows our own writes: only changes are news.
    fn is_news(&self, key: &ObjectKey, version: &Version, origin: Origin) -> bool {
        let mut state = self.state.write();
        let is_known = state.objects.get(key).is_some_and(|known| known.version.covers(version));
        if let (true, Origin::Watch, Some(revision)) = (is_known, origin, version.revision()) {
            state.seen = state.seen.max(revision);
        }
        !is_known
    }

    fn remove(&self, key: &ObjectKey, last: Option<K>) {
        let mut state = self.state.write();
        if let Some(revision) = last.as_ref().and_then(|last| Version::of(last).revision()) {
            state.seen = state.seen.max(revision);
        }
        let Some((key, kept)) = state.objects.remove_entry(key) else { return };
        let old = kept.content.object();
        self.index(&mut state, &key, Some(&old), None);
        let last = last.map_or(old, |mut last| {
            (self.transform)(&mut last);
            Arc::new(last)
        });
        let change = Change::Deleted(last);
        for handler in &state.handlers {
            handler(&change);
        }
    }

    /// Removes what a complete list no longer holds.
    fn retain(&self, listed: &BTreeSet<ObjectKey>) {
        let gone: Vec<Arc<ObjectKey>> =
            self.state.read().objects.keys().filter(|key| !listed.contains(&***key)).cloned().collect();
        for key in gone {
            self.remove(&key, None);
        }
    }

    /// Puts the new state of an object into the index in the place of the old one.
    fn index(&self, state: &mut State<K>, key: &Arc<ObjectKey>, old: Option<&K>, new: Option<&K>) {
        let Some(function) = &self.index_function else { return };
        let values = |object: Option<&K>| object.map(function).unwrap_or_default();
        let (before, after) = (values(old), values(new));
        if before == after {
            return;
        }
        for value in before {
            if let Some(keys) = state.index.get_mut(&value) {
                keys.remove(key);
                if keys.is_empty() {
                    state.index.remove(&value);
                }
            }
        }
        for value in after {
            state.index.entry(value).or_default().insert(key.clone());
        }
    }
}

/// Returns the words in which the server refused to show the kind. One that is gone is no refusal: its cache ends soon.
fn refusal(error: &watcher::Error) -> Option<&str> {
    match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status))
        | watcher::Error::WatchError(status) => {
            matches!(status.code, 401 | 403 | 405).then_some(status.message.as_str())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::ConfigMap;
    use kube::ResourceExt as _;
    use kube::api::ObjectMeta;

    use super::*;

    fn config_map(name: &str, version: &str, label: &str) -> ConfigMap {
        ConfigMap {
            metadata: ObjectMeta {
                name: Some(name.into()),
                namespace: Some("ns".into()),
                resource_version: Some(version.into()),
                labels: Some([("id".to_string(), label.to_string())].into()),
                ..ObjectMeta::default()
            },
            ..ConfigMap::default()
        }
    }

    fn informer() -> Informer<ConfigMap> {
        Informer::new("test", |_| {})
            .with_index(|object: &ConfigMap| object.labels().values().cloned().collect())
    }

    fn names(objects: &[Arc<ConfigMap>]) -> Vec<String> {
        objects.iter().map(|object| object.name_any()).collect()
    }

    #[test]
    fn index_follows_updates_and_deletes() {
        let informer = informer();
        informer.apply(config_map("a", "1", "x"), Origin::Watch);
        informer.apply(config_map("b", "2", "x"), Origin::Watch);
        assert_eq!(names(&informer.list_indexed("x")), ["a", "b"]);
        informer.apply(config_map("a", "3", "y"), Origin::Watch);
        assert_eq!(names(&informer.list_indexed("x")), ["b"]);
        informer.remove(&ObjectKey::new("ns", "b"), None);
        assert!(informer.list_indexed("x").is_empty());
    }

    #[test]
    fn late_handler_sees_what_is_cached_and_a_relist_is_no_news() {
        let informer = informer();
        informer.apply(config_map("a", "1", "x"), Origin::Watch);
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = seen.clone();
        informer.on_change(move |change| {
            let kind = match change {
                Change::Added(_) => "added",
                Change::Updated { .. } => "updated",
                Change::Deleted(_) => "deleted",
            };
            log.lock().push(format!("{kind} {}", change.object().name_any()));
        });
        informer.apply(config_map("a", "1", "x"), Origin::Watch);
        informer.apply(config_map("b", "2", "x"), Origin::Watch);
        informer.retain(&BTreeSet::from([ObjectKey::new("ns", "b")]));
        assert_eq!(*seen.lock(), ["added a", "added b", "deleted a"]);
    }

    #[test]
    fn an_own_write_is_read_at_once_and_its_echo_is_no_news() {
        let informer = informer();
        informer.apply(config_map("a", "1", "x"), Origin::Watch);
        let seen = Arc::new(Mutex::new(0));
        let count = seen.clone();
        informer.on_change(move |_| *count.lock() += 1);
        informer.observe(config_map("a", "5", "y"));
        assert_eq!(names(&informer.list_indexed("y")), ["a"]);
        informer.apply(config_map("a", "4", "z"), Origin::Watch);
        informer.apply(config_map("a", "5", "y"), Origin::Watch);
        assert_eq!(*seen.lock(), 2);
    }

    #[test]
    fn an_answer_that_the_watch_has_overtaken_does_not_bring_an_object_back() {
        let informer = informer();
        informer.apply(config_map("a", "1", "x"), Origin::Watch);
        informer.remove(&ObjectKey::new("ns", "a"), Some(config_map("a", "7", "x")));
        informer.observe(config_map("a", "6", "x"));
        assert!(informer.list().is_empty());
    }
}
