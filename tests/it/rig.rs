//! The control loops as processes on real kube-apiservers, where their programs were built.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use karmada_tests::process::Server;
use karmada_tests::replay::driver::{Selection, run_category};
use karmada_tests::replay::{Outcome, categories, passing, vectors};
use karmada_tests::rig::{Binaries, Flags, RealFleet, Sync};
use karmada_tests::writes::write_counts;
use karmadactl::install::names::Component;
use kube::Client;
use serde_json::{Value, json};

/// Beginnings of the names of scenarios that touch most of the flow: propagation, division, drift, status, deletion,
/// a cluster that changes, the way to a member through the control plane (`c06`, `l07`), admission (`o19`, `x05`).
const SCENARIOS: [&str; 11] =
    ["a03-", "c03-", "c06-", "d01-", "l07-", "o19-", "p04-", "p15-", "s02-", "t01-", "x05-"];

/// Those that run with members of other releases too: several kinds and their status, conflicts and what is kept. What
/// `promote` prints (`l07`) is what the member has, a `creationTimestamp: null` of older releases with it; Clusters tell the
/// release (`c03`).
const SCENARIOS_OF_RELEASES: [&str; 8] = ["d01-", "p04-", "r01-", "s02-", "s06-", "s10-", "t01-", "v10-"];

const PATIENCE: Duration = Duration::from_mins(1);
const FREQUENT: &str = "--cluster-status-update-frequency=1s";
/// How long nothing must be written.
const SILENCE: Duration = Duration::from_secs(6);

/// Returns the programs, or says what is left out: building them takes minutes, and that is left to those who want them.
fn binaries(what: &str) -> Option<Binaries> {
    match Binaries::of_client("kube-apiserver").map(|_| Binaries::obtain()) {
        Some(Ok(binaries)) => Some(binaries),
        missing => {
            #[expect(clippy::print_stderr, reason = "what is left out is said by name")]
            {
                eprintln!("skipped: {what} on real kube-apiservers ({missing:?})");
            }
            None
        }
    }
}

#[test]
fn scenarios_pass_on_real_clusters() {
    let Some(binaries) = binaries(&format!("{SCENARIOS:?}")) else { return };
    let category = vectors::read_category(&passing::repository_vectors().join("e2e")).unwrap();
    let names = SCENARIOS.map(str::to_owned);
    let runner = categories::rig_runner("e2e", &binaries, &binaries).unwrap();
    let results = run_category(&category, runner, Selection { name_parts: &names, ..Selection::default() });
    assert_eq!(results.len(), SCENARIOS.len(), "{results:#?}");
    for (name, outcome) in results {
        assert!(matches!(outcome, Outcome::Passed | Outcome::Differs(_)), "{name}: {outcome:?}");
    }
}

/// Templates of many kinds, with as little in them as the server takes: it adds the rest.
fn templates() -> Vec<(String, Value)> {
    let object = |api_version: &str, kind: &str, mut rest: Value| {
        rest["apiVersion"] = api_version.into();
        rest["kind"] = kind.into();
        rest["metadata"] = json!({"name": "sample", "namespace": "many", "labels": {"app": "sample"}});
        rest
    };
    let pod = json!({
        "metadata": {"labels": {"app": "sample"}}, "spec": {"containers": [{"name": "c", "image": "i"}]},
    });
    let mut finite = pod.clone();
    finite["spec"]["restartPolicy"] = "Never".into();
    let selector = json!({"matchLabels": {"app": "sample"}});
    let apps = "/apis/apps/v1/namespaces/many";
    let set = json!({"spec": {"selector": selector, "template": pod}});
    let mut stateful = set.clone();
    stateful["spec"]["serviceName"] = "sample".into();
    let core = "/api/v1/namespaces/many";
    let ports = json!([{"port": 80}]);
    let target = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "sample"});
    let role = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "sample"});
    let access = "/apis/rbac.authorization.k8s.io/v1/namespaces/many";
    let objects = [
        (apps, "deployments", object("apps/v1", "Deployment", set.clone())),
        (apps, "daemonsets", object("apps/v1", "DaemonSet", set)),
        (apps, "statefulsets", object("apps/v1", "StatefulSet", stateful)),
        (core, "configmaps", object("v1", "ConfigMap", json!({"data": {"a": "b"}}))),
        (core, "secrets", object("v1", "Secret", json!({"stringData": {"a": "b"}}))),
        (core, "serviceaccounts", object("v1", "ServiceAccount", json!({}))),
        (
            core,
            "services",
            object("v1", "Service", json!({"spec": {"ports": ports, "selector": {"app": "sample"}}})),
        ),
        (
            core,
            "persistentvolumeclaims",
            object(
                "v1",
                "PersistentVolumeClaim",
                json!({"spec": {
                    "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}},
                }}),
            ),
        ),
        (core, "resourcequotas", object("v1", "ResourceQuota", json!({"spec": {"hard": {"pods": "10"}}}))),
        (
            core,
            "limitranges",
            object(
                "v1",
                "LimitRange",
                json!({"spec": {"limits": [{"type": "Container", "default": {"cpu": "1"}}]}}),
            ),
        ),
        (
            "/apis/batch/v1/namespaces/many",
            "jobs",
            object("batch/v1", "Job", json!({"spec": {"template": finite}})),
        ),
        (
            "/apis/batch/v1/namespaces/many",
            "cronjobs",
            object(
                "batch/v1",
                "CronJob",
                json!({"spec": {
                    "schedule": "0 0 1 1 *", "jobTemplate": {"spec": {"template": finite}},
                }}),
            ),
        ),
        (
            "/apis/autoscaling/v2/namespaces/many",
            "horizontalpodautoscalers",
            object(
                "autoscaling/v2",
                "HorizontalPodAutoscaler",
                json!({"spec": {
                    "maxReplicas": 3, "scaleTargetRef": target,
                }}),
            ),
        ),
        (
            "/apis/policy/v1/namespaces/many",
            "poddisruptionbudgets",
            object(
                "policy/v1",
                "PodDisruptionBudget",
                json!({"spec": {"minAvailable": 1, "selector": selector}}),
            ),
        ),
        (
            "/apis/networking.k8s.io/v1/namespaces/many",
            "ingresses",
            object(
                "networking.k8s.io/v1",
                "Ingress",
                json!({"spec": {
                    "defaultBackend": {"service": {"name": "sample", "port": {"number": 80}}},
                }}),
            ),
        ),
        (
            "/apis/networking.k8s.io/v1/namespaces/many",
            "networkpolicies",
            object("networking.k8s.io/v1", "NetworkPolicy", json!({"spec": {"podSelector": {}}})),
        ),
        (
            access,
            "roles",
            object(
                "rbac.authorization.k8s.io/v1",
                "Role",
                json!({"rules": [
                    {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]},
                ]}),
            ),
        ),
        (
            access,
            "rolebindings",
            object(
                "rbac.authorization.k8s.io/v1",
                "RoleBinding",
                json!({
                    "roleRef": role, "subjects": [{"kind": "ServiceAccount", "name": "sample", "namespace": "many"}],
                }),
            ),
        ),
    ];
    objects.into_iter().map(|(root, plural, object)| (format!("{root}/{plural}"), object)).collect()
}

async fn create(client: &Client, path: &str, object: &Value) -> anyhow::Result<Value> {
    let request = http::Request::post(path)
        .header("Content-Type", "application/json")
        .body(serde_json::to_vec(object)?)?;
    Ok(client.request(request).await?)
}

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_karmadactl-under-test"))
}

fn start_loops(fleet: &RealFleet) -> anyhow::Result<Server> {
    let arguments = [
        "controllers",
        "--leader-elect=false",
        "--metrics-bind-address=0",
        "--health-probe-bind-address=0",
        FREQUENT,
    ];
    fleet.run(program(), &arguments)
}

/// Writes of both servers, but for those by which kube-apiserver says that it lives.
async fn writes(clients: &[&Client]) -> BTreeMap<String, u64> {
    let mut all = BTreeMap::new();
    for (index, client) in clients.iter().enumerate() {
        let counts = write_counts(client).await.into_iter().filter(|(what, _)| !what.ends_with(" leases"));
        all.extend(counts.map(|(what, count)| (format!("server {index}: {what}"), count)));
    }
    all
}

/// What every Work says of its member.
async fn statuses(client: &Client) -> anyhow::Result<BTreeMap<String, Value>> {
    let path = "/apis/work.karmada.io/v1alpha1/works";
    let list = karmadactl::raw::read(client, path).await?.unwrap_or_default();
    let works = list["items"].as_array().into_iter().flatten();
    Ok(works.map(|work| (work["metadata"]["name"].to_string(), work["status"].clone())).collect())
}

/// Waits until nothing is written for a while.
async fn wait_for_silence(clients: &[&Client]) -> anyhow::Result<BTreeMap<String, u64>> {
    let late = Instant::now() + PATIENCE;
    let mut last = writes(clients).await;
    loop {
        tokio::time::sleep(SILENCE).await;
        let now = writes(clients).await;
        if now == last {
            return Ok(now);
        }
        if Instant::now() > late {
            let more: Vec<_> = now.iter().filter(|(what, count)| last.get(*what) != Some(count)).collect();
            bail!("still written after {} s: {more:?}", PATIENCE.as_secs());
        }
        last = now;
    }
}

/// Returns the programs of the other releases that were built, and says which are left out.
fn older_releases(what: &str) -> anyhow::Result<Vec<(String, Binaries)>> {
    let mut built = Vec::new();
    for release in Binaries::releases()? {
        match Binaries::built_release(&release) {
            Ok(binaries) => built.push((release, binaries)),
            #[expect(clippy::print_stderr, reason = "what is left out is said by name")]
            Err(missing) => eprintln!("skipped: {what} with members of {release} ({missing})"),
        }
    }
    Ok(built)
}

#[test]
fn scenarios_pass_with_members_of_other_releases() -> anyhow::Result<()> {
    let Some(binaries) = binaries("members of other releases") else { return Ok(()) };
    let category = vectors::read_category(&passing::repository_vectors().join("e2e"))?;
    let names = SCENARIOS_OF_RELEASES.map(str::to_owned);
    for (release, of_members) in older_releases(&format!("{SCENARIOS_OF_RELEASES:?}"))? {
        let runner = categories::rig_runner("e2e", &binaries, &of_members)?;
        let results =
            run_category(&category, runner, Selection { name_parts: &names, ..Selection::default() });
        assert_eq!(results.len(), names.len(), "{release}: {results:#?}");
        for (name, outcome) in results {
            assert!(
                matches!(outcome, Outcome::Passed | Outcome::Differs(_)),
                "{release}: {name}: {outcome:?}"
            );
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_members_of_other_releases_add_or_drop_is_nothing_to_put_right() -> anyhow::Result<()> {
    let Some(binaries) = binaries("silence with members of other releases") else { return Ok(()) };
    for (release, of_members) in older_releases("silence of a settled control plane")? {
        let fleet = RealFleet::start(&binaries, &of_members, &["member1"], Sync::Never).await?;
        fleet.prepare().await?;
        fleet.join("member1").await?;
        let mut loops = Some(start_loops(&fleet)?);
        let restart = || {
            drop(loops.take());
            loops = Some(start_loops(&fleet)?);
            Ok(())
        };
        settle_restart_and_stay_silent(&fleet, restart).await.with_context(|| release.clone())?;
        let (control_plane, _) = fleet.clients().await?;
        let path = "/apis/cluster.karmada.io/v1alpha1/clusters/member1";
        let cluster = karmadactl::raw::read(&control_plane, path).await?.unwrap_or_default();
        let version = cluster["status"]["kubernetesVersion"].as_str().unwrap_or_default();
        assert!(version.starts_with(&format!("{release}.")), "{release}: {version}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_real_server_adds_to_objects_is_nothing_to_put_right() -> anyhow::Result<()> {
    let Some(binaries) = binaries("silence of a settled control plane") else { return Ok(()) };
    let fleet = RealFleet::start(&binaries, &binaries, &["member1"], Sync::Never).await?;
    fleet.prepare().await?;
    fleet.join("member1").await?;
    let mut loops = Some(start_loops(&fleet)?);
    settle_restart_and_stay_silent(&fleet, || {
        drop(loops.take());
        loops = Some(start_loops(&fleet)?);
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn components_of_an_installation_that_start_again_write_nothing() -> anyhow::Result<()> {
    let Some(binaries) = binaries("silence of an installation") else { return Ok(()) };
    let flags = Flags::from([
        (Component::AggregatedApiServer, Vec::new()),
        (Component::Webhook, Vec::new()),
        (Component::Scheduler, vec!["--leader-elect=false".to_owned()]),
        (Component::ControllerManager, vec!["--leader-elect=false".to_owned(), FREQUENT.to_owned()]),
    ]);
    let start =
        RealFleet::start_installed(&binaries, &binaries, &["member1"], Sync::Never, program(), &flags);
    let (fleet, mut installation) = start.await?;
    fleet.join("member1").await?;
    settle_restart_and_stay_silent(&fleet, || {
        for (component, flags) in &flags {
            installation.start(*component, flags)?;
        }
        Ok(())
    })
    .await
}

/// Propagates many kinds; nothing is written any more after that, also not by those who start again.
async fn settle_restart_and_stay_silent(
    fleet: &RealFleet,
    mut restart: impl FnMut() -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let (control_plane, members) = fleet.clients().await?;
    let member = &members["member1"];
    create(&control_plane, "/api/v1/namespaces", &json!({"metadata": {"name": "many"}})).await?;
    let templates = templates();
    let selectors: Vec<Value> = templates
        .iter()
        .map(|(_, object)| json!({"apiVersion": object["apiVersion"], "kind": object["kind"]}))
        .collect();
    let policy = json!({
        "apiVersion": "policy.karmada.io/v1alpha1", "kind": "PropagationPolicy",
        "metadata": {"name": "all", "namespace": "many"},
        "spec": {"resourceSelectors": selectors, "placement": {"clusterAffinity": {"clusterNames": ["member1"]}}},
    });
    create(&control_plane, "/apis/policy.karmada.io/v1alpha1/namespaces/many/propagationpolicies", &policy)
        .await?;
    for (path, object) in &templates {
        create(&control_plane, path, object).await?;
    }
    let late = Instant::now() + PATIENCE;
    for (path, _) in &templates {
        while karmadactl::raw::read(member, &format!("{path}/sample")).await?.is_none() {
            assert!(Instant::now() < late, "{path} did not arrive");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    let settled = wait_for_silence(&[&control_plane, member]).await?;
    let before = statuses(&control_plane).await?;
    let since = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();

    // Whoever takes over finds nothing to do either.
    restart()?;
    tokio::time::sleep(SILENCE).await;
    for (work, status) in statuses(&control_plane).await? {
        assert_eq!(before.get(&work), Some(&status), "{work}");
    }
    let more: BTreeMap<_, _> = writes(&[&control_plane, member])
        .await
        .into_iter()
        .filter(|(what, count)| settled.get(what) != Some(count))
        .collect();
    let events = karmadactl::raw::read(&control_plane, "/api/v1/events").await?.unwrap_or_default();
    let told = events["items"].as_array().into_iter().flatten();
    let told: Vec<String> = told
        .filter(|event| event["metadata"]["creationTimestamp"].as_str().unwrap_or_default() >= since.as_str())
        .map(|event| format!("{} {} {}", event["involvedObject"]["name"], event["reason"], event["message"]))
        .collect();
    assert!(more.is_empty(), "{more:?}, events: {told:?}");
    Ok(())
}
