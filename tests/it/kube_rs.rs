//! A controller written with kube-rs runs against the server, in process and over TLS.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail where they stand, like tests")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use indoc::indoc;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Pod, Secret};
use k8s_openapi::api::events::v1::Event as StoredEvent;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;
use karmada_apiserver::auth::UserInfo;
use karmada_apiserver::{ApiServer, ServerConfig};
use kube::api::{
    DeleteParams, DynamicObject, ListParams, LogParams, ObjectMeta, PartialObjectMeta, Patch, PatchParams,
    PostParams, WatchEvent, WatchParams,
};
use kube::core::GroupVersionKind;
use kube::discovery::{Discovery, Scope};
use kube::runtime::controller::Action;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use kube::runtime::finalizer::{Event as Finalizer, finalizer};
use kube::runtime::reflector::{self, ObjectRef};
use kube::runtime::wait::{Condition, await_condition, conditions};
use kube::runtime::{Controller, WatchStreamExt as _, watcher};
use kube::{Api, Client, CustomResource, Resource as _, ResourceExt};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::time::timeout;

const NAMESPACE: &str = "gardens";
const MANAGER: &str = "gardener";
const FINALIZER: &str = "example.com/gardener";
/// Longest time that anything may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// What is wanted of a garden.
#[derive(CustomResource, Clone, Debug, Serialize, Deserialize)]
#[kube(
    group = "example.com",
    version = "v1",
    kind = "Garden",
    namespaced,
    schema = "disabled",
    status = "Harvest"
)]
struct GardenSpec {
    plants: BTreeSet<String>,
}

/// What is there of a garden.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Harvest {
    grown: usize,
    observed_generation: i64,
}

#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct Failed(#[from] kube::Error);

struct Gardener {
    client: Client,
    recorder: Recorder,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_controller_runs_in_process() {
    let server = ApiServer::start(ServerConfig::default()).await.unwrap();
    let admin = server.client(UserInfo::admin());
    garden(&admin).await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_controller_runs_over_tls() {
    karmadactl::install_crypto_provider();
    let server = ApiServer::start(ServerConfig::default()).await.unwrap();
    let listener = server.listen(([127, 0, 0, 1], 0).into()).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("kubeconfig");
    let kubeconfig = server.kubeconfig(&listener.url(), "admin", &["system:masters"]).unwrap();
    std::fs::write(&path, kubeconfig.to_string()).unwrap();
    garden(&karmada_tests::process::client(&path).await.unwrap()).await;
    server.shutdown().await;
}

/// Lets a controller live through everything that a controller meets.
async fn garden(client: &Client) {
    install(client).await;
    let kinds = discover(client).await;
    assert_eq!(kinds, ["Garden: namespaced, status true", "Lease: namespaced, status false"]);

    let leader = Candidate { client, identity: "a" };
    let second = Candidate { client, identity: "b" };
    assert!(leader.lead().await && !second.lead().await && leader.lead().await);

    let (stop, stopped) = oneshot::channel::<()>();
    let controller = tokio::spawn(run_controller(client.clone(), async {
        // The other side is dropped when the test has failed.
        drop(stopped.await);
    }));
    let (names, reflector) = reflect_names(client);

    let gardens: Api<Garden> = Api::namespaced(client.clone(), NAMESPACE);
    plant_roses_and_tulips(client, &gardens).await;
    grows_again_what_was_taken(client).await;
    two_managers_share_a_garden(&gardens).await;
    wait_until(names, |names| *names == ["lilies", "roses", "tulips"].map(str::to_owned).into()).await;
    events_are_counted(client).await;
    everything_is_cleaned_up(client, &gardens).await;

    stop.send(()).unwrap();
    timeout(PATIENCE, controller).await.unwrap().unwrap();
    reflector.abort();
    leader.resign().await;
    assert!(second.lead().await && !leader.lead().await);

    streams_begin_with_what_is_there(client).await;
    pods_have_no_logs(client).await;
}

async fn install(client: &Client) {
    let definition: CustomResourceDefinition = serde_saphyr::from_str(indoc! {"
        metadata: {name: gardens.example.com}
        spec:
          group: example.com
          scope: Namespaced
          names: {plural: gardens, singular: garden, kind: Garden}
          versions:
          - name: v1
            served: true
            storage: true
            subresources: {status: {}}
            schema:
              openAPIV3Schema:
                type: object
                properties:
                  spec:
                    type: object
                    properties:
                      plants: {type: array, x-kubernetes-list-type: set, items: {type: string}}
                  status:
                    type: object
                    properties: {grown: {type: integer}, observedGeneration: {type: integer}}
    "})
    .unwrap();
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    definitions.create(&PostParams::default(), &definition).await.unwrap();
    until(definitions, "gardens.example.com", conditions::is_crd_established()).await;
    let namespace = Namespace {
        metadata: ObjectMeta { name: Some(NAMESPACE.to_owned()), ..ObjectMeta::default() },
        ..Namespace::default()
    };
    Api::all(client.clone()).create(&PostParams::default(), &namespace).await.unwrap();
}

/// Returns what both kinds of discovery say.
async fn discover(client: &Client) -> Vec<String> {
    let kinds = ["example.com/v1/Garden", "coordination.k8s.io/v1/Lease"].map(|kind| {
        let mut parts = kind.split('/');
        let mut part = || parts.next().unwrap_or_default();
        GroupVersionKind::gvk(part(), part(), part())
    });
    let say = |discovery: &Discovery| {
        let said = kinds.iter().map(|kind| {
            let (resource, capabilities) = discovery.resolve_gvk(kind).unwrap();
            let scope = if capabilities.scope == Scope::Namespaced { "namespaced" } else { "cluster" };
            let status = capabilities.subresources.iter().any(|(sub, _)| sub.plural.ends_with("status"));
            format!("{}: {scope}, status {status}", resource.kind)
        });
        said.collect::<Vec<_>>()
    };
    let aggregated = say(&Discovery::new(client.clone()).run_aggregated().await.unwrap());
    let legacy = say(&Discovery::new(client.clone()).run().await.unwrap());
    assert_eq!(aggregated, legacy);
    legacy
}

/// One of several that may lead, by a Lease.
struct Candidate<'a> {
    client: &'a Client,
    identity: &'a str,
}

impl Candidate<'_> {
    fn leases(&self) -> Api<Lease> {
        Api::namespaced(self.client.clone(), NAMESPACE)
    }

    /// Takes or renews the lease, unless another one holds it.
    async fn lead(&self) -> bool {
        let leases = self.leases();
        let entry = leases.entry(MANAGER).await.unwrap();
        let lease = entry.or_insert(|| Lease {
            metadata: ObjectMeta { name: Some(MANAGER.to_owned()), ..ObjectMeta::default() },
            ..Lease::default()
        });
        let holder = lease.get().spec.as_ref().and_then(|spec| spec.holder_identity.clone());
        if holder.is_some_and(|holder| holder != self.identity) {
            return false;
        }
        let mut lease = lease.and_modify(|lease| {
            let spec = lease.spec.get_or_insert_default();
            spec.holder_identity = Some(self.identity.to_owned());
            spec.lease_duration_seconds = Some(15);
            spec.renew_time = Some(MicroTime(Timestamp::now()));
            spec.lease_transitions = Some(spec.lease_transitions.unwrap_or(0) + 1);
        });
        lease.commit(&PostParams::default()).await.is_ok()
    }

    async fn resign(&self) {
        let empty = json!({ "spec": { "holderIdentity": null } });
        self.leases().patch(MANAGER, &PatchParams::default(), &Patch::Merge(empty)).await.unwrap();
    }
}

async fn run_controller(client: Client, stop: impl Future<Output = ()> + Send + Sync + 'static) {
    let reporter = Reporter { controller: MANAGER.to_owned(), instance: Some("a".to_owned()) };
    let gardener = Gardener { recorder: Recorder::new(client.clone(), reporter), client: client.clone() };
    let gardens: Api<Garden> = Api::namespaced(client.clone(), NAMESPACE);
    let plants: Api<ConfigMap> = Api::namespaced(client, NAMESPACE);
    Controller::new(gardens, watcher::Config::default().streaming_lists())
        .owns(plants, watcher::Config::default().labels("garden"))
        .graceful_shutdown_on(stop)
        .run(reconcile, |_, _, _| Action::requeue(Duration::from_millis(100)), Arc::new(gardener))
        .for_each(|_| std::future::ready(()))
        .await;
}

async fn reconcile(
    garden: Arc<Garden>,
    gardener: Arc<Gardener>,
) -> Result<Action, kube::runtime::finalizer::Error<Failed>> {
    let gardens: Api<Garden> = Api::namespaced(gardener.client.clone(), NAMESPACE);
    finalizer(&gardens, FINALIZER, garden, |event| async {
        match event {
            Finalizer::Apply(garden) => grow(&garden, &gardener).await,
            Finalizer::Cleanup(garden) => clear(&garden, &gardener.client).await,
        }
    })
    .await
}

/// Makes a ConfigMap for every plant, and a Secret that nobody owns.
async fn grow(garden: &Garden, gardener: &Gardener) -> Result<Action, Failed> {
    let params = PatchParams::apply(MANAGER).force();
    let plants: Api<ConfigMap> = Api::namespaced(gardener.client.clone(), NAMESPACE);
    for plant in &garden.spec.plants {
        let wanted = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": plant,
                "labels": { "garden": garden.name_any() },
                "ownerReferences": [garden.controller_owner_ref(&()).unwrap()],
            },
        });
        plants.patch(plant, &params, &Patch::Apply(wanted)).await?;
    }
    let fence = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "fence" } });
    let fences: Api<Secret> = Api::namespaced(gardener.client.clone(), NAMESPACE);
    fences.patch("fence", &params, &Patch::Apply(fence)).await?;
    let event = Event {
        type_: EventType::Normal,
        reason: "Grown".to_owned(),
        note: Some(format!("{} plants", garden.spec.plants.len())),
        action: "Grow".to_owned(),
        secondary: None,
    };
    gardener.recorder.publish(&event, &garden.object_ref(&())).await?;
    let status = Harvest {
        grown: garden.spec.plants.len(),
        observed_generation: garden.metadata.generation.unwrap_or_default(),
    };
    let gardens: Api<Garden> = Api::namespaced(gardener.client.clone(), NAMESPACE);
    let status = Patch::Merge(json!({ "status": status }));
    gardens.patch_status(&garden.name_any(), &PatchParams::default(), &status).await?;
    Ok(Action::await_change())
}

async fn clear(_: &Garden, client: &Client) -> Result<Action, Failed> {
    let fences: Api<Secret> = Api::namespaced(client.clone(), NAMESPACE);
    match fences.delete("fence", &DeleteParams::default()).await {
        Err(kube::Error::Api(status)) if status.is_not_found() => {}
        other => drop(other?),
    }
    Ok(Action::await_change())
}

/// Keeps the names of all plants, from metadata alone.
fn reflect_names(
    client: &Client,
) -> (tokio::sync::watch::Receiver<BTreeSet<String>>, tokio::task::JoinHandle<()>) {
    let plants: Api<PartialObjectMeta<ConfigMap>> = Api::namespaced(client.clone(), NAMESPACE);
    let (store, writer) = reflector::store();
    let config = watcher::Config::default().labels("garden").streaming_lists();
    let changes = watcher(plants, config).default_backoff().reflect(writer).applied_objects();
    let (sender, receiver) = tokio::sync::watch::channel(BTreeSet::new());
    let reflector = tokio::spawn(changes.for_each(move |_| {
        let names = store.state().iter().map(|plant| plant.name_any()).collect();
        // Nobody listens any more when the test is over.
        sender.send_replace(names);
        std::future::ready(())
    }));
    (receiver, reflector)
}

async fn plant_roses_and_tulips(client: &Client, gardens: &Api<Garden>) {
    let kind = GroupVersionKind::gvk("example.com", "v1", "Garden");
    let (resource, _) = kube::discovery::pinned_kind(client, &kind).await.unwrap();
    let garden = DynamicObject::new("palace", &resource)
        .data(json!({ "spec": { "plants": ["roses", "tulips"] }, "status": { "grown": 9 } }));
    let dynamic: Api<DynamicObject> = Api::namespaced_with(client.clone(), NAMESPACE, &resource);
    let created = dynamic.create(&PostParams::default(), &garden).await.unwrap();
    assert_eq!(created.data.get("status"), None, "the status has its own subresource");
    let exists = dynamic.create(&PostParams::default(), &garden).await.unwrap_err();
    assert!(matches!(exists, kube::Error::Api(status) if status.is_already_exists()));

    let grown = until(gardens.clone(), "palace", is_grown(2)).await;
    assert_eq!(grown.finalizers(), [FINALIZER]);
    let plants: Api<ConfigMap> = Api::namespaced(client.clone(), NAMESPACE);
    let roses = plants.get("roses").await.unwrap();
    assert_eq!(roses.owner_references(), [grown.controller_owner_ref(&()).unwrap()]);
    assert_eq!(roses.managed_fields()[0].manager.as_deref(), Some(MANAGER));
}

async fn grows_again_what_was_taken(client: &Client) {
    let plants: Api<ConfigMap> = Api::namespaced(client.clone(), NAMESPACE);
    let uid = plants.get("roses").await.unwrap().uid().unwrap();
    plants.delete("roses", &DeleteParams::default()).await.unwrap();
    let other = move |plant: Option<&ConfigMap>| {
        plant.is_some_and(|plant| plant.uid().is_some_and(|found| found != uid))
    };
    until(plants, "roses", other).await;
}

async fn two_managers_share_a_garden(gardens: &Api<Garden>) {
    let with = |plants: Value| {
        Patch::Apply(
            json!({ "apiVersion": "example.com/v1", "kind": "Garden", "spec": { "plants": plants } }),
        )
    };
    let owner = PatchParams::apply("owner");
    gardens.patch("palace", &owner, &with(json!(["lilies"]))).await.unwrap();
    let grown = until(gardens.clone(), "palace", is_grown(3)).await;
    assert_eq!(grown.spec.plants.len(), 3, "a set belongs to all who add to it");
    let conflict = gardens
        .patch(
            "palace",
            &PatchParams::apply("other"),
            &Patch::Apply(json!({
                "apiVersion": "example.com/v1", "kind": "Garden", "metadata": { "labels": { "a": "1" } },
            })),
        )
        .await
        .map(|garden| garden.labels().clone());
    assert_eq!(conflict.unwrap().len(), 1);
    let stolen = Patch::Apply(json!({
        "apiVersion": "example.com/v1", "kind": "Garden", "metadata": { "labels": { "a": "2" } },
    }));
    let conflict = gardens.patch("palace", &owner, &stolen).await.unwrap_err();
    assert!(matches!(conflict, kube::Error::Api(status) if status.is_conflict()));
}

async fn events_are_counted(client: &Client) {
    let events: Api<StoredEvent> = Api::namespaced(client.clone(), NAMESPACE);
    let of_gardens = ListParams::default().fields("regarding.kind=Garden,reason=Grown");
    let events = events.list(&of_gardens).await.unwrap();
    assert!(!events.items.is_empty());
    for event in &events {
        assert_eq!(event.reporting_controller.as_deref(), Some(MANAGER));
        assert_eq!(event.regarding.as_ref().unwrap().name.as_deref(), Some("palace"));
    }
    let counted = |event: &StoredEvent| event.series.as_ref().map_or(1, |series| series.count);
    assert!(events.iter().map(counted).sum::<i32>() >= 3, "{events:?}");
}

async fn everything_is_cleaned_up(client: &Client, gardens: &Api<Garden>) {
    let uid = gardens.get("palace").await.unwrap().uid().unwrap();
    let deleted = gardens.delete("palace", &DeleteParams::default()).await.unwrap();
    assert!(deleted.left().is_some_and(|garden| garden.meta().deletion_timestamp.is_some()));
    timeout(PATIENCE, await_condition(gardens.clone(), "palace", conditions::is_deleted(&uid)))
        .await
        .unwrap()
        .unwrap();
    let fences: Api<Secret> = Api::namespaced(client.clone(), NAMESPACE);
    assert!(fences.get_opt("fence").await.unwrap().is_none());
    let plants: Api<ConfigMap> = Api::namespaced(client.clone(), NAMESPACE);
    for plant in ["lilies", "roses", "tulips"] {
        let gone = |plant: Option<&ConfigMap>| plant.is_none();
        timeout(PATIENCE, await_condition(plants.clone(), plant, gone)).await.unwrap().unwrap();
    }
}

/// A list that is streamed has what a list has, in the same order, and then a bookmark.
async fn streams_begin_with_what_is_there(client: &Client) {
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), NAMESPACE);
    for name in ["x", "y", "z"] {
        let map = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name } });
        maps.create(&PostParams::default(), &serde_json::from_value(map).unwrap()).await.unwrap();
    }
    let listed: Vec<String> =
        maps.list_metadata(&ListParams::default()).await.unwrap().iter().map(ResourceExt::name_any).collect();
    let pages = maps.list(&ListParams::default().limit(1)).await.unwrap();
    assert_eq!((pages.items.len(), pages.metadata.remaining_item_count), (1, Some(listed.len() as i64 - 1)));

    let params = WatchParams::default().initial_events();
    let mut stream = maps.watch_metadata(&params, "0").await.unwrap().boxed();
    let mut streamed = Vec::new();
    loop {
        match timeout(PATIENCE, stream.next()).await.unwrap().unwrap().unwrap() {
            WatchEvent::Added(map) => streamed.push(map.name_any()),
            WatchEvent::Bookmark(bookmark) => {
                let ended = bookmark.metadata.annotations.get("k8s.io/initial-events-end");
                assert_eq!(ended.map(String::as_str), Some("true"));
                break;
            }
            other => assert!(matches!(other, WatchEvent::Added(_)), "{other:?}"),
        }
    }
    streamed.sort();
    assert_eq!(streamed, listed);

    let (store, writer) = reflector::store::<ConfigMap>();
    let config = watcher::Config::default().fields("metadata.name=y").streaming_lists();
    let reflector =
        tokio::spawn(watcher(maps.clone(), config).reflect(writer).for_each(|_| std::future::ready(())));
    timeout(PATIENCE, store.wait_until_ready()).await.unwrap().unwrap();
    assert_eq!(store.len(), 1);
    assert!(store.get(&ObjectRef::new("y").within(NAMESPACE)).is_some());
    reflector.abort();
}

async fn pods_have_no_logs(client: &Client) {
    let pods: Api<Pod> = Api::namespaced(client.clone(), NAMESPACE);
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "still" },
        "spec": { "containers": [{ "name": "c", "image": "i" }] },
    });
    pods.create(&PostParams::default(), &serde_json::from_value(pod).unwrap()).await.unwrap();
    let missing = pods.logs("none", &LogParams::default()).await.unwrap_err();
    assert!(matches!(missing, kube::Error::Api(status) if status.is_not_found()));
    let unscheduled = pods.logs("still", &LogParams::default()).await;
    assert_eq!(unscheduled.unwrap(), "", "a pod without a node has said nothing");
    for subresource in ["exec", "attach"] {
        let path =
            format!("/api/v1/namespaces/{NAMESPACE}/pods/still/{subresource}?command=true&stdout=true");
        let request = http::Request::get(path).body(Vec::new()).unwrap();
        let refused = client.request_text(request).await.unwrap_err();
        assert!(matches!(&refused, kube::Error::Api(status) if status.code == 400), "{refused:?}");
    }
}

fn is_grown(count: usize) -> impl Condition<Garden> {
    move |garden: Option<&Garden>| {
        garden.is_some_and(|garden| {
            let generation = garden.metadata.generation.unwrap_or_default();
            let status = garden.status.as_ref();
            status.is_some_and(|status| status.grown == count && status.observed_generation == generation)
        })
    }
}

/// Waits until an object is as it should be, and returns it.
async fn until<K>(api: Api<K>, name: &str, condition: impl Condition<K>) -> K
where
    K: kube::Resource + Clone + std::fmt::Debug + Send + serde::de::DeserializeOwned + 'static,
{
    timeout(PATIENCE, await_condition(api, name, condition)).await.unwrap().unwrap().unwrap()
}

async fn wait_until<T>(mut receiver: tokio::sync::watch::Receiver<T>, reached: impl FnMut(&T) -> bool) {
    drop(timeout(PATIENCE, receiver.wait_for(reached)).await.unwrap().unwrap());
}
