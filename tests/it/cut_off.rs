//! An agent that is cut off from the control plane while both sides change, and the way back.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use karmada_tests::rig::{Binaries, Gate, Reachability};
use kube::Client;
use serde_json::{Value, json};

use crate::pull::{CLUSTER, CONFIG_MAPS, SECRET, Two, config_map, program, read, ready, send, until};

const WORKS: &str = "/apis/work.karmada.io/v1alpha1/namespaces/karmada-es-m1/works";
const POLICIES: &str = "/apis/policy.karmada.io/v1alpha1/namespaces/default/propagationpolicies";
const TEAM: &str = "/api/v1/namespaces/team";
/// How long what was cut off may take to be as it should be again: it may be waiting for its next try.
const PATIENCE: Duration = Duration::from_mins(2);
/// Maps that are deleted when the cut comes.
const MAPS: usize = 40;

/// How long a cut lasts; `KARMADA_CUT_SECONDS` makes it longer.
fn cut() -> anyhow::Result<Duration> {
    match std::env::var("KARMADA_CUT_SECONDS") {
        Ok(text) => Ok(Duration::from_secs(text.parse().context("KARMADA_CUT_SECONDS")?)),
        Err(_) => Ok(Duration::from_secs(20)),
    }
}

/// A process that is not waited for until it is ready.
struct Starting(Child);

impl Starting {
    fn start(two: &Two, more: &[&str]) -> anyhow::Result<Self> {
        let log = two.directory.path().join("agent.log");
        let log = std::fs::OpenOptions::new().create(true).append(true).open(log)?;
        let mut command = Command::new(program());
        command.args(two.agent_arguments(more)).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        Ok(Self(command.spawn()?))
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        // Already dead is fine.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn path(name: &str) -> String {
    format!("{CONFIG_MAPS}/{name}")
}

/// Looks until a ConfigMap of the member says something; `None`: until it is gone.
async fn until_map(client: &Client, name: &str, value: Option<&str>) -> anyhow::Result<()> {
    let late = Instant::now() + PATIENCE;
    loop {
        let map = read(client, &path(name)).await?;
        let found = map.as_ref().map(|map| map["data"]["key"].as_str().unwrap_or_default());
        if found == value {
            return Ok(());
        }
        if Instant::now() > late {
            bail!("{name} is {map:?}, not {value:?}");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Looks until something of a server is so; what was seen last is in the error.
async fn eventually(
    client: &Client,
    path: &str,
    what: &str,
    found: impl Fn(&Value) -> bool,
) -> anyhow::Result<()> {
    let late = Instant::now() + PATIENCE;
    loop {
        let object = read(client, path).await?.unwrap_or_default();
        if found(&object) {
            return Ok(());
        }
        if Instant::now() > late {
            bail!("{path} is not {what}: {object}");
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list["items"].as_array().into_iter().flatten()
}

fn is_applied(work: &Value) -> bool {
    let conditions = work["status"]["conditions"].as_array().into_iter().flatten();
    work["metadata"]["deletionTimestamp"].is_null()
        && conditions
            .filter(|condition| condition["type"] == "Applied")
            .any(|applied| applied["status"] == "True")
}

fn is_managed(object: &Value) -> bool {
    object["metadata"]["labels"]["karmada.io/managed"] == "true"
}

/// Registers the member, with a gate between its agent and the control plane.
async fn register(two: &Two) -> anyhow::Result<Gate> {
    let mut arguments = two.register_arguments()?;
    // Nobody lets in an agent whose certificate ended meanwhile.
    arguments.retain(|argument| !argument.starts_with("--cert-expiration-seconds="));
    arguments.push(format!("--cert-expiration-seconds={}", 3600 + 2 * cut()?.as_secs()));
    let (code, _, stderr) = two.register(arguments).await?;
    ensure!(code == 0, "{stderr}");
    let gate = Gate::open(two.listen).await?;
    two.reach_by(gate.address()).await?;
    Ok(gate)
}

/// Propagates a map that stays when its template goes, and a namespace with a map in it.
async fn propagate_more(two: &Two) -> anyhow::Result<()> {
    two.propagate().await?;
    let mut kept = config_map("kept", "first");
    kept["metadata"]["labels"] = json!({"app": "kept"});
    let mut in_team = config_map("in-team", "first");
    in_team["metadata"]["namespace"] = "team".into();
    in_team["metadata"]["labels"] = json!({"app": "team"});
    let policy = |namespace: &str, app: &str, preserves: bool| {
        json!({
            "apiVersion": "policy.karmada.io/v1alpha1", "kind": "PropagationPolicy",
            "metadata": {"name": app, "namespace": namespace},
            "spec": {
                "preserveResourcesOnDeletion": preserves,
                "resourceSelectors": [{
                    "apiVersion": "v1", "kind": "ConfigMap", "labelSelector": {"matchLabels": {"app": app}},
                }],
                "placement": {"clusterAffinity": {"clusterNames": ["m1"]}},
            },
        })
    };
    let team = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team"}});
    send(&two.hub, "POST", "/api/v1/namespaces", &team).await?;
    send(&two.hub, "POST", &format!("{TEAM}/configmaps"), &in_team).await?;
    send(&two.hub, "POST", CONFIG_MAPS, &kept).await?;
    send(&two.hub, "POST", POLICIES, &policy("default", "kept", true)).await?;
    let policies = POLICIES.replace("/default/", "/team/");
    send(&two.hub, "POST", &policies, &policy("team", "team", false)).await?;
    until_map(&two.there, "kept", Some("first")).await?;
    until(&two.there, &format!("{TEAM}/configmaps/in-team"), Value::is_object).await?;
    eventually(&two.hub, WORKS, "applied", |list| items(list).all(is_applied)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn both_sides_change_during_a_cut_and_converge_after_it() -> anyhow::Result<()> {
    change_during_a_cut(&Two::start().await?).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_member_converges_after_a_cut() -> anyhow::Result<()> {
    let binaries = match Binaries::of_client("kube-apiserver").map(|_| Binaries::obtain()) {
        Some(Ok(binaries)) => binaries,
        missing => {
            #[expect(clippy::print_stderr, reason = "what is left out is said by name")]
            {
                eprintln!("skipped: an agent cut off on a real kube-apiserver ({missing:?})");
            }
            return Ok(());
        }
    };
    change_during_a_cut(&Two::start_with_real_member(&binaries).await?).await
}

async fn change_during_a_cut(two: &Two) -> anyhow::Result<()> {
    let gate = register(two).await?;
    let agent = two.agent(&["--leader-elect=false"]).await?;
    propagate_more(two).await?;
    let credentials = two.agent_kubeconfig().await?;

    gate.switch().send_replace(Reachability::Silent);
    let since = Instant::now();
    eventually(&two.hub, CLUSTER, "unreachable", |cluster| {
        ready(cluster) == "Unknown"
            && cluster["spec"]["taints"].to_string().contains("cluster.karmada.io/unreachable")
    })
    .await?;
    // An agent that knows what should be there sees to it without the control plane.
    send(&two.there, "PATCH", &path("one"), &json!({"data": {"key": "by hand"}})).await?;
    send(&two.there, "DELETE", &path("three"), &json!({})).await?;
    until_map(&two.there, "one", Some("first")).await?;
    until_map(&two.there, "three", Some("first")).await?;

    // One that has just started knows nothing, and touches nothing. The certificate would be due now.
    agent.kill()?;
    let agent = Starting::start(
        two,
        &[
            "--leader-elect=false",
            "--controllers=*,certRotation",
            "--cert-rotation-checking-interval=1s",
            "--cert-rotation-remaining-time-threshold=0.999",
        ],
    )?;
    send(&two.hub, "PATCH", &path("one"), &json!({"data": {"key": "second"}})).await?;
    send(&two.hub, "DELETE", &path("two"), &json!({})).await?;
    send(&two.hub, "POST", CONFIG_MAPS, &config_map("four", "first")).await?;
    send(&two.hub, "DELETE", &path("kept"), &json!({})).await?;
    send(&two.hub, "DELETE", TEAM, &json!({})).await?;
    send(&two.there, "PATCH", &path("one"), &json!({"data": {"key": "by hand"}})).await?;
    send(&two.there, "DELETE", &path("three"), &json!({})).await?;
    send(&two.there, "POST", CONFIG_MAPS, &config_map("own", "of the member")).await?;
    tokio::time::sleep(cut()?.saturating_sub(since.elapsed())).await;
    for (name, value) in [
        ("one", Some("by hand")),
        ("two", Some("first")),
        ("three", None),
        ("four", None),
        ("kept", Some("first")),
    ] {
        let map = read(&two.there, &path(name)).await?;
        let found = map.as_ref().map(|map| map["data"]["key"].as_str().unwrap_or_default());
        assert_eq!(found, value, "{name} was touched during the cut");
    }
    assert!(
        read(&two.there, &format!("{TEAM}/configmaps/in-team")).await?.is_some(),
        "deleted during the cut"
    );
    let works = read(&two.hub, WORKS).await?.context("no Works")?;
    let going = items(&works).filter(|work| work["metadata"]["deletionTimestamp"].is_string()).count();
    assert!(going >= 3, "deletions wait for the member: {works}");

    gate.switch().send_replace(Reachability::Up);
    eventually(&two.hub, CLUSTER, "ready", |cluster| {
        ready(cluster) == "True" && cluster["spec"]["taints"].as_array().is_none_or(Vec::is_empty)
    })
    .await?;
    for (name, value) in
        [("one", Some("second")), ("two", None), ("three", Some("first")), ("four", Some("first"))]
    {
        until_map(&two.there, name, value).await?;
    }
    eventually(&two.there, TEAM, "gone", Value::is_null).await?;
    eventually(&two.there, &path("kept"), "let go of", |kept| {
        kept["data"]["key"] == "first" && !is_managed(kept)
    })
    .await?;
    until_map(&two.there, "own", Some("of the member")).await?;
    eventually(&two.hub, WORKS, "applied", |list| items(list).all(is_applied)).await?;
    let binding = "/apis/work.karmada.io/v1alpha2/namespaces/default/resourcebindings/four-configmap";
    eventually(&two.hub, binding, "applied", |binding| {
        binding["status"]["aggregatedStatus"][0]["applied"] == true
    })
    .await?;

    // The certificate is renewed now, and the agent goes on with the new one.
    let before = STANDARD.encode(&credentials);
    eventually(&two.there, SECRET, "renewed", |secret| {
        secret["data"]["karmada-kubeconfig"] != before.as_str()
    })
    .await?;
    send(&two.hub, "PATCH", &path("one"), &json!({"data": {"key": "third"}})).await?;
    until_map(&two.there, "one", Some("third")).await?;
    drop(agent);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_died_without_a_word_are_noticed() -> anyhow::Result<()> {
    let two = Two::start().await?;
    let gate = register(&two).await?;
    let agent = two.agent(&["--leader-elect=false"]).await?;
    two.propagate().await?;
    // As a firewall does that forgets them: the network is fine, but for what was open.
    gate.switch().send_replace(Reachability::Silent);
    tokio::time::sleep(Duration::from_millis(500)).await;
    gate.switch().send_replace(Reachability::Up);
    send(&two.hub, "PATCH", &path("one"), &json!({"data": {"key": "second"}})).await?;
    until_map(&two.there, "one", Some("second")).await?;
    eventually(&two.hub, CLUSTER, "ready", |cluster| ready(cluster) == "True").await?;
    drop(agent);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_in_the_middle_of_deletions_loses_nothing_and_keeps_nothing() -> anyhow::Result<()> {
    let two = Two::start().await?;
    let gate = register(&two).await?;
    // So slowly that the cut comes in the middle.
    let agent =
        two.agent(&["--leader-elect=false", "--cluster-api-qps=20", "--cluster-api-burst=20"]).await?;
    let name = |number: usize| format!("map-{number:02}");
    two.propagate().await?;
    for number in 0..MAPS {
        send(&two.hub, "POST", CONFIG_MAPS, &config_map(&name(number), "first")).await?;
    }
    let of_shop = format!("{CONFIG_MAPS}?labelSelector=app%3Dshop");
    let all = MAPS + 3;
    eventually(&two.there, &of_shop, "whole", |list| items(list).count() == all).await?;
    eventually(&two.hub, WORKS, "applied", |list| items(list).all(is_applied)).await?;

    for number in 0..MAPS {
        send(&two.hub, "DELETE", &path(&name(number)), &json!({})).await?;
    }
    eventually(&two.there, &of_shop, "under way", |list| items(list).count() < all - 2).await?;
    gate.switch().send_replace(Reachability::Down);
    eventually(&two.hub, CLUSTER, "unreachable", |cluster| ready(cluster) == "Unknown").await?;
    let there = read(&two.there, &of_shop).await?.context("no list")?;
    let left = items(&there)
        .filter(|map| map["metadata"]["name"].as_str().is_some_and(|name| name.starts_with("map-")));
    ensure!(left.count() > 0, "all was deleted before the cut");
    // Somebody in the member makes an object of the name of one that is gone.
    let mut again = None;
    for number in 0..MAPS {
        if read(&two.there, &path(&name(number))).await?.is_none() {
            again = Some(name(number));
            break;
        }
    }
    let again = again.context("nothing was deleted before the cut")?;
    send(&two.there, "POST", CONFIG_MAPS, &config_map(&again, "of the member")).await?;

    gate.switch().send_replace(Reachability::Up);
    let is_left = |map: &Value| map["metadata"]["name"].as_str().is_some_and(|name| name.starts_with("map-"));
    eventually(&two.there, &of_shop, "empty but for the member's own", |list| {
        items(list).filter(|map| is_left(map)).count() == 1 && items(list).count() == 4
    })
    .await?;
    eventually(&two.hub, WORKS, "empty of them", |list| {
        items(list).all(|work| is_applied(work) && !work["metadata"]["name"].to_string().contains("map-"))
    })
    .await?;
    until_map(&two.there, &again, Some("of the member")).await?;
    drop(agent);
    Ok(())
}
