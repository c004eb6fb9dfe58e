//! Joining and unjoining against two API servers in this process.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail where they stand, like tests")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use karmada_apiserver::admission::{AdmissionDenied, AdmissionPlugin, AdmissionRequest};
use karmada_apiserver::auth::UserInfo;
use karmada_apiserver::{ApiServer, ServerConfig};
use karmadactl::join::{
    JoinError, JoinOptions, Mode, Removal, UnjoinError, UnjoinOptions, UnjoinOutcome, join_cluster,
    unjoin_cluster,
};
use karmadactl::raw;
use kube::Client;
use serde_json::Value;

/// Who joins; what the servers write by themselves they write as somebody else.
const JOINER: &str = "joiner";

/// Kinds a join writes.
const KINDS: [&str; 6] = [
    "/api/v1/namespaces",
    "/api/v1/serviceaccounts",
    "/api/v1/secrets",
    "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    "/apis/cluster.karmada.io/v1alpha1/clusters",
];

/// Refuses the write of its turn, once; a join that is cut off there.
#[derive(Debug)]
struct RefusesOne {
    turns: AtomicUsize,
}

impl RefusesOne {
    /// Refuses the `turn`-th write from now, counted from 1; 0 refuses none.
    fn refuse(&self, turn: usize) {
        self.turns.store(turn, Ordering::SeqCst);
    }

    /// Whether a refusal is still to come.
    fn is_armed(&self) -> bool {
        self.turns.load(Ordering::SeqCst) > 0
    }
}

impl AdmissionPlugin for RefusesOne {
    fn admit(&self, request: &AdmissionRequest<'_>, _: Option<&mut Value>) -> Result<(), AdmissionDenied> {
        // The server's own writes are none of ours.
        if request.user.name != JOINER {
            return Ok(());
        }
        let turn = self.turns.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |turns| turns.checked_sub(1));
        if turn == Ok(1) { Err(AdmissionDenied::forbidden("the line is cut")) } else { Ok(()) }
    }
}

struct Clusters {
    control_plane: Client,
    member: Client,
    refuses: Arc<RefusesOne>,
    before: (BTreeSet<String>, BTreeSet<String>),
    servers: [ApiServer; 2],
}

impl Clusters {
    async fn start() -> Self {
        let refuses = Arc::new(RefusesOne { turns: AtomicUsize::new(0) });
        let crds = karmada_core::api::crds();
        let config =
            |crds| ServerConfig { crds, admission: vec![refuses.clone()], ..ServerConfig::default() };
        let control_plane = ApiServer::start(config(crds)).await.unwrap();
        let member = ApiServer::start(config(Vec::new())).await.unwrap();
        let mut clusters = Self {
            control_plane: control_plane.client(UserInfo::new(JOINER, &["system:masters"])),
            member: member.client(UserInfo::new(JOINER, &["system:masters"])),
            refuses,
            before: Default::default(),
            servers: [control_plane, member],
        };
        clusters.before = (objects(&clusters.control_plane).await, objects(&clusters.member).await);
        clusters
    }

    async fn join(&self, name: &str) -> Result<String, JoinError> {
        let options = JoinOptions::new(name, "https://127.0.0.1:6445");
        Ok(join_cluster(&self.control_plane, &self.member, &options).await?.id)
    }

    async fn unjoin(&self, name: &str, member: Option<&Client>) -> Result<UnjoinOutcome, UnjoinError> {
        let options = UnjoinOptions {
            cluster_name: name.into(),
            cluster_namespace: "karmada-cluster".into(),
            wait: Duration::from_secs(10),
            removal: Removal::Graceful,
            mode: Mode::Apply,
        };
        unjoin_cluster(&self.control_plane, member, &options, |_| {}).await
    }

    /// What is there now and was not before, in the control plane and in the member.
    async fn added(&self) -> (Vec<String>, Vec<String>) {
        let (control_plane, member) = &self.before;
        (
            objects(&self.control_plane).await.difference(control_plane).cloned().collect(),
            objects(&self.member).await.difference(member).cloned().collect(),
        )
    }

    async fn stop(self) {
        for server in self.servers {
            server.shutdown().await;
        }
    }
}

/// Names of all objects of the kinds a join writes; `default` service accounts come with every namespace.
async fn objects(client: &Client) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for path in KINDS {
        let list = raw::read(client, path).await.unwrap().unwrap_or_default();
        let kind = path.rsplit('/').next().unwrap();
        for item in list["items"].as_array().into_iter().flatten() {
            let metadata = &item["metadata"];
            let name = metadata["name"].as_str().unwrap();
            if !(kind == "serviceaccounts" && name == "default") {
                names.insert(format!("{kind}/{}/{name}", metadata["namespace"].as_str().unwrap_or("-")));
            }
        }
    }
    names
}

fn footprint() -> (Vec<&'static str>, Vec<&'static str>) {
    (
        vec![
            "clusters/-/m1",
            "namespaces/-/karmada-cluster",
            "secrets/karmada-cluster/m1",
            "secrets/karmada-cluster/m1-impersonator",
        ],
        vec![
            "clusterrolebindings/-/karmada-controller-manager:karmada-m1",
            "clusterroles/-/karmada-controller-manager:karmada-m1",
            "namespaces/-/karmada-cluster",
            "secrets/karmada-cluster/karmada-impersonator",
            "secrets/karmada-cluster/karmada-m1",
            "serviceaccounts/karmada-cluster/karmada-impersonator",
            "serviceaccounts/karmada-cluster/karmada-m1",
        ],
    )
}

async fn assert_joined(clusters: &Clusters) {
    let (control_plane, member) = clusters.added().await;
    assert_eq!(
        (control_plane.iter().map(String::as_str).collect(), member.iter().map(String::as_str).collect()),
        footprint()
    );
    let cluster = raw::read(&clusters.control_plane, "/apis/cluster.karmada.io/v1alpha1/clusters/m1")
        .await
        .unwrap()
        .unwrap();
    for (name, keys) in [("m1", vec!["caBundle", "token"]), ("m1-impersonator", vec!["token"])] {
        let path = format!("/api/v1/namespaces/karmada-cluster/secrets/{name}");
        let secret = raw::read(&clusters.control_plane, &path).await.unwrap().unwrap();
        let data = secret["data"].as_object().unwrap();
        assert_eq!(data.keys().map(String::as_str).collect::<Vec<_>>(), keys);
        assert!(
            data.values().all(|value| value.as_str().is_some_and(|text| !text.is_empty())),
            "{name} has empty values"
        );
        assert_eq!(secret["metadata"]["ownerReferences"][0]["uid"], cluster["metadata"]["uid"]);
        assert_eq!(secret["type"], "Opaque");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_join_leaves_exactly_its_footprint_and_unjoin_takes_it_away() {
    let clusters = Clusters::start().await;
    let id = clusters.join("m1").await.unwrap();
    let system = raw::read(&clusters.member, "/api/v1/namespaces/kube-system").await.unwrap().unwrap();
    assert_eq!(system["metadata"]["uid"], id.as_str());
    assert_joined(&clusters).await;

    for name in ["m1", "other"] {
        let error = clusters.join(name).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("the cluster ID {id} or the cluster name {name} has been registered")
        );
    }
    assert_joined(&clusters).await;

    assert_eq!(clusters.unjoin("m1", Some(&clusters.member)).await.unwrap(), UnjoinOutcome::Removed);
    eventually_unjoined(&clusters).await;
    let error = clusters.unjoin("m1", Some(&clusters.member)).await.unwrap_err();
    assert_eq!(error.to_string(), "no cluster object m1 found in karmada control Plane");
    clusters.stop().await;
}

/// Namespaces and owned secrets go in the background.
async fn eventually_unjoined(clusters: &Clusters) {
    let expected = (vec!["namespaces/-/karmada-cluster".to_owned()], Vec::new());
    let mut added = clusters.added().await;
    for _ in 0..500 {
        if added == expected {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
        added = clusters.added().await;
    }
    assert_eq!(added, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_join_that_was_cut_off_anywhere_is_finished_by_the_next() {
    // The number of writes of a join is found by cutting later and later until nothing is cut.
    for turn in 1.. {
        let clusters = Clusters::start().await;
        clusters.refuses.refuse(turn);
        let first = clusters.join("m1").await;
        if clusters.refuses.is_armed() {
            assert!(turn > 10, "a join has more than {turn} writes");
            clusters.refuses.refuse(0);
            assert_joined(&clusters).await;
            clusters.stop().await;
            break;
        }
        assert!(matches!(first, Err(JoinError::Ensure { .. })), "write {turn} was refused: {first:?}");
        clusters.refuses.refuse(0);
        clusters.join("m1").await.unwrap();
        assert_joined(&clusters).await;
        clusters.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unjoin_that_was_cut_off_in_the_member_is_finished_by_the_next() {
    let clusters = Clusters::start().await;
    clusters.join("m1").await.unwrap();
    clusters.unjoin("m1", None).await.unwrap();
    let (_, left) = clusters.added().await;
    assert_eq!(left, footprint().1);
    assert_eq!(clusters.unjoin("m1", Some(&clusters.member)).await.unwrap(), UnjoinOutcome::LeftoversRemoved);
    eventually_unjoined(&clusters).await;
    clusters.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_writes_nothing() {
    let clusters = Clusters::start().await;
    let options = JoinOptions { mode: Mode::DryRun, ..JoinOptions::new("m1", "https://127.0.0.1:6445") };
    let outcome = join_cluster(&clusters.control_plane, &clusters.member, &options).await.unwrap();
    assert_eq!(outcome.ensured.len(), 11);
    assert_eq!(clusters.added().await, (Vec::new(), Vec::new()));
    clusters.stop().await;
}
