//! Two replicas of every component: leaders that die or hang, API servers that go away, permissions that are missing.
//!
//! `KARMADA_HA_KILLS` says how many leaders die.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use jiff::Timestamp;
use karmada_apiserver::Clock;
use karmada_apiserver::auth::Authority;
use karmada_tests::availability::{
    Audit, CONTROLLER_MANAGER, Component, Kind, Load, Replica, SCHEDULER, Site, TakeOver, holder, lease,
};
use karmada_tests::process::{self, Server};
use karmada_tests::rig::{Binaries, Reachability, Room};
use karmada_tests::writes::write_counts;
use kube::Client;
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_mins(1);
/// Time between two changes of the load.
const PAUSE: Duration = Duration::from_millis(60);
/// How long nothing must be written.
const SILENCE: Duration = Duration::from_secs(3);
/// Longest time without a leader where the lease lasts a second, on a machine that has time for it.
const TAKE_OVER: Duration = Duration::from_secs(3);
/// The same on a machine that builds and tests other things meanwhile.
const TAKE_OVER_UNDER_LOAD: Duration = Duration::from_secs(15);

fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_karmadactl-under-test"))
}

#[expect(
    clippy::print_stderr,
    reason = "figures, and what is left out, are for the reader of the test's output"
)]
fn say(text: &str) {
    eprintln!("{text}");
}

/// Returns the programs of a real control plane, or says what is left out.
fn binaries(what: &str) -> Option<Binaries> {
    match Binaries::of_client("kube-apiserver").map(|_| Binaries::obtain()) {
        Some(Ok(binaries)) => Some(binaries),
        missing => {
            say(&format!("skipped: {what} on a real kube-apiserver ({missing:?})"));
            None
        }
    }
}

/// How many leaders die, and how long nobody may lead.
fn extent(by_itself: usize) -> anyhow::Result<(usize, Duration)> {
    match std::env::var("KARMADA_HA_KILLS") {
        Ok(kills) => Ok((kills.parse().context("KARMADA_HA_KILLS")?, TAKE_OVER)),
        Err(_) => Ok((by_itself, TAKE_OVER_UNDER_LOAD)),
    }
}

/// Waits until one of the replicas leads, under another identity than the one before, and returns which, and as whom.
async fn leader(
    client: &Client,
    replicas: &[Replica],
    component: Component,
    before: &str,
) -> anyhow::Result<(usize, String)> {
    let late = Instant::now() + PATIENCE;
    loop {
        let identity = holder(client, component).await.unwrap_or_default();
        if !identity.is_empty() && identity != before {
            let is_leader =
                |replica: &Replica| replica.component == component && replica.has_led_as(&identity);
            if let Some(index) = replicas.iter().position(is_leader) {
                return Ok((index, identity));
            }
        }
        if Instant::now() > late {
            bail!("{}: nobody leads but {identity:?}", component.command);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn start_replicas(site: &Site, components: &[Component]) -> anyhow::Result<Vec<Replica>> {
    let mut replicas = Vec::new();
    for component in components {
        for name in ["a", "b"] {
            replicas.push(Replica::start(site, *component, name)?);
        }
    }
    Ok(replicas)
}

/// Kills leaders while Deployments are created, changed and deleted.
async fn kill_leaders(site: &Site, kills: usize, longest: Duration) -> anyhow::Result<()> {
    let (client, members) = site.clients().await?;
    let components = [CONTROLLER_MANAGER, SCHEDULER];
    let mut replicas = start_replicas(site, &components)?;
    let load = Load::start(client.clone(), PAUSE, 7);
    let mut deaths = Vec::new();
    for kill in 0..kills {
        let component = components[kill % components.len()];
        let (index, identity) = leader(&client, &replicas, component, "").await?;
        // Somewhere between two renewals, and not always in the same place.
        tokio::time::sleep(Duration::from_millis(300 + 97 * (kill as u64 % 7))).await;
        let replica = replicas.remove(index);
        let (user, name) =
            (replica.user.clone(), replica.user.rsplit('-').next().unwrap_or_default().to_owned());
        let at = Timestamp::now();
        replica.kill()?;
        deaths.push((component, user, at));
        leader(&client, &replicas, component, &identity).await.with_context(|| format!("kill {kill}"))?;
        replicas.push(Replica::start(site, component, &name)?);
    }
    let expected = load.stop().await?;
    let converged = Load::converged(&client, &members, &expected).await?;

    let audit = site.audit()?;
    for component in components {
        assert_eq!(audit.unfenced(component), [], "{}", component.command);
    }
    let mut take_overs = Vec::new();
    for (component, user, at) in &deaths {
        let take_over =
            audit.take_over(*component, user, *at).with_context(|| format!("after {user} at {at}"))?;
        take_overs.push(take_over);
    }
    say(&figures(&audit, &take_overs, expected.len(), converged));
    for (take_over, (_, user, at)) in take_overs.iter().zip(&deaths) {
        let latest = take_over.write.unwrap_or(take_over.lease);
        assert!(latest < longest, "after {user} at {at}: {take_over:?}");
    }
    Ok(())
}

fn figures(audit: &Audit, take_overs: &[TakeOver], left: usize, converged: Duration) -> String {
    let spread = |mut times: Vec<Duration>| {
        times.sort();
        let (median, longest) = (times.get(times.len() / 2).copied(), times.last().copied());
        let seconds = |time: Option<Duration>| time.unwrap_or_default().as_secs_f64();
        format!("median {:.2} s, longest {:.2} s", seconds(median), seconds(longest))
    };
    let leases = spread(take_overs.iter().map(|take_over| take_over.lease).collect());
    let writes: Vec<Duration> = take_overs.iter().filter_map(|take_over| take_over.write).collect();
    let mut answers: BTreeMap<u64, usize> = BTreeMap::new();
    for component in [CONTROLLER_MANAGER, SCHEDULER] {
        for write in audit.writes_of(component) {
            *answers.entry(write.code).or_default() += 1;
        }
    }
    format!(
        "{} leaders died; lease taken over after: {leases}; first write ({} of them): {}; {left} Deployments left, \
         converged {:.1} s after the load; answers to the components' writes: {answers:?}",
        take_overs.len(),
        writes.len(),
        spread(writes),
        converged.as_secs_f64(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn leaders_die_one_after_the_other_and_nothing_is_lost_or_doubled() -> anyhow::Result<()> {
    let (kills, longest) = extent(5)?;
    let site = Site::start(&program(), Kind::Own).await?;
    kill_leaders(&site, kills, longest).await
}

#[tokio::test(flavor = "multi_thread")]
async fn leaders_die_on_a_real_control_plane_and_nothing_is_lost_or_doubled() -> anyhow::Result<()> {
    let Some(binaries) = binaries("the death of leaders") else { return Ok(()) };
    let (kills, longest) = extent(3)?;
    let site = Site::start(&program(), Kind::Real(&binaries)).await?;
    kill_leaders(&site, kills, longest).await
}

/// Counts what members were asked to write, but for what says that somebody lives.
async fn writes_of(members: &[(&'static str, Client)]) -> BTreeMap<String, u64> {
    let mut all = BTreeMap::new();
    for (name, client) in members {
        let counts = write_counts(client).await.into_iter();
        let counts = counts.filter(|(what, _)| !what.ends_with(" leases") && !what.ends_with(" events"));
        all.extend(counts.map(|(what, count)| (format!("{name}: {what}"), count)));
    }
    all
}

/// What members hold of the load, in which versions.
async fn versions(members: &[(&'static str, Client)]) -> anyhow::Result<BTreeMap<String, Value>> {
    let mut all = BTreeMap::new();
    for (member, client) in members {
        let path = "/apis/apps/v1/namespaces/busy/deployments";
        let list = karmadactl::raw::read(client, path).await?.unwrap_or_default();
        for item in list["items"].as_array().into_iter().flatten() {
            let metadata = &item["metadata"];
            all.insert(format!("{member}: {}", metadata["name"]), metadata["resourceVersion"].clone());
        }
    }
    Ok(all)
}

/// Waits until nobody writes for a while.
async fn silence(site: &Site, members: &[(&'static str, Client)]) -> anyhow::Result<()> {
    let late = Instant::now() + PATIENCE;
    let look =
        async || anyhow::Ok((site.audit()?.writes_of(CONTROLLER_MANAGER).count(), writes_of(members).await));
    let mut before = look().await?;
    loop {
        tokio::time::sleep(SILENCE).await;
        let now = look().await?;
        if now == before {
            return Ok(());
        }
        if Instant::now() > late {
            bail!("somebody keeps writing: {before:?} and then {now:?}");
        }
        before = now;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_hung_writes_nothing_after_another_took_over() -> anyhow::Result<()> {
    let site = Site::start(&program(), Kind::Own).await?;
    let (client, members) = site.clients().await?;
    let replicas = start_replicas(&site, &[CONTROLLER_MANAGER])?;
    let _scheduler = Replica::start(&site, SCHEDULER, "a")?;
    for turn in 0..2 {
        // In the middle of its work: what it was about to write is still to be written when it goes on.
        let load = Load::start(client.clone(), Duration::from_millis(10), turn);
        let (index, identity) = leader(&client, &replicas, CONTROLLER_MANAGER, "").await?;
        tokio::time::sleep(Duration::from_secs(2)).await;
        let hung = &replicas[index];
        hung.pause()?;
        let (successor, _) = leader(&client, &replicas, CONTROLLER_MANAGER, &identity).await?;
        assert_ne!(successor, index);
        let expected = load.stop().await?;
        Load::converged(&client, &members, &expected).await?;
        silence(&site, &members).await?;
        let before = versions(&members).await?;
        let said = hung.log_lines().len();

        hung.resume()?;
        let late = Instant::now() + PATIENCE;
        while !hung.log_lines().iter().skip(said).any(|line| line.contains("standing by")) {
            assert!(Instant::now() < late, "it does not stand by: {:#?}", hung.log_lines());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let lines = hung.log_lines();
        assert!(lines.iter().skip(said).any(|line| line.contains("was not renewed in time")), "{lines:#?}");
        silence(&site, &members).await?;
        assert_eq!(versions(&members).await?, before);
        assert_eq!(site.audit()?.unfenced(CONTROLLER_MANAGER), []);
        Load::converged(&client, &members, &expected).await?;
        // The next turn begins with what this one left.
        remove_load(&client).await?;
    }
    Ok(())
}

/// Removes everything that a load has left.
async fn remove_load(client: &Client) -> anyhow::Result<()> {
    let namespace = "/api/v1/namespaces/busy";
    let request = http::Request::delete(namespace).body(Vec::new())?;
    client.request::<Value>(request).await?;
    let late = Instant::now() + PATIENCE;
    while karmadactl::raw::read(client, namespace).await?.is_some() {
        if Instant::now() > late {
            bail!("{namespace} does not go");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn components_outlive_a_kube_apiserver_that_dies_and_an_etcd_that_hangs_or_is_full()
-> anyhow::Result<()> {
    let Some(binaries) = binaries("the death of kube-apiserver") else { return Ok(()) };
    let mut site = Site::start(&program(), Kind::Real(&binaries)).await?;
    let (client, members) = site.clients().await?;
    let mut replicas = start_replicas(&site, &[CONTROLLER_MANAGER, SCHEDULER])?;
    let load = Load::start(client.clone(), PAUSE, 11);
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_secs(2)).await;
        site.restart_api_server(&binaries).await?;
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    site.signal_etcd("STOP")?;
    tokio::time::sleep(Duration::from_secs(20)).await;
    site.signal_etcd("CONT")?;
    let hung = Instant::now();
    for component in [CONTROLLER_MANAGER, SCHEDULER] {
        leader(&client, &replicas, component, "").await?;
    }
    let leads = hung.elapsed();
    tokio::time::sleep(Duration::from_secs(5)).await;
    site.fill_etcd(Room::None).await?;
    let thing = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "no-room"}});
    let refused = create(&client, "/api/v1/namespaces/default/configmaps", &thing).await;
    let refused = format!("{:#}", refused.expect_err("etcd is full"));
    assert!(refused.contains("database space exceeded"), "{refused}");
    tokio::time::sleep(Duration::from_secs(8)).await;
    site.fill_etcd(Room::Enough).await?;
    for component in [CONTROLLER_MANAGER, SCHEDULER] {
        leader(&client, &replicas, component, "").await?;
    }
    let expected = load.stop().await?;
    let converged = Load::converged(&client, &members, &expected).await?;
    say(&format!(
        "leaders {:.1} s after etcd went on; {} Deployments left, converged {:.1} s after the load",
        leads.as_secs_f64(),
        expected.len(),
        converged.as_secs_f64()
    ));
    for replica in &mut replicas {
        assert!(replica.is_running()?, "{} ended: {:#?}", replica.user, replica.log_lines());
    }
    // The server that died has told nobody of its last answers: what they would prove is proved without deaths.
    Ok(())
}

/// Makes what sets the wall clock of a process off.
fn skew(directory: &Path) -> anyhow::Result<String> {
    let library = directory.join("skew.so").display().to_string();
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/rig/skew/skew.c");
    let output = process::run(Path::new("cc"), &["-shared", "-fPIC", "-o", &library, source])?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(library)
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_whose_clocks_are_a_day_off_take_turns_like_others() -> anyhow::Result<()> {
    const DAY: i64 = 24 * 60 * 60;
    let site = Site::start(&program(), Kind::Own).await?;
    let (client, members) = site.clients().await?;
    let library = skew(&site.path(""))?;
    let components = [CONTROLLER_MANAGER, SCHEDULER];
    let start = |component: Component, name: &str| {
        let seconds = if name == "a" { DAY } else { -DAY }.to_string();
        let environment = [("LD_PRELOAD", library.as_str()), ("SKEW_SECONDS", seconds.as_str())];
        Replica::start_in(&environment, &site, component, name)
    };
    let mut replicas = Vec::new();
    for component in components {
        for name in ["a", "b"] {
            replicas.push(start(component, name)?);
        }
    }
    let load = Load::start(client.clone(), PAUSE, 13);
    let mut led = BTreeSet::new();
    for kill in 0..4 {
        let component = components[kill % components.len()];
        let (index, identity) = leader(&client, &replicas, component, "").await?;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let renewed =
            lease(&client, component).await?["spec"]["renewTime"].as_str().unwrap_or_default().to_owned();
        let ahead = renewed.parse::<Timestamp>()?.as_second() - Timestamp::now().as_second();
        assert!((ahead.abs() - DAY).abs() < 60, "{identity} renewed at {renewed}");
        led.insert((component.command, ahead > 0));
        let replica = replicas.remove(index);
        let name = replica.user.rsplit('-').next().unwrap_or_default().to_owned();
        replica.kill()?;
        leader(&client, &replicas, component, &identity).await.with_context(|| format!("kill {kill}"))?;
        replicas.push(start(component, &name)?);
    }
    assert_eq!(led.len(), 4, "each kind of clock leads each component: {led:?}");
    let expected = load.stop().await?;
    Load::converged(&client, &members, &expected).await?;
    let audit = site.audit()?;
    for component in components {
        assert_eq!(audit.unfenced(component), [], "{}", component.command);
    }
    Ok(())
}

/// How long a member is cut off.
fn cut() -> anyhow::Result<Duration> {
    match std::env::var("KARMADA_HA_CUT_SECONDS") {
        Ok(seconds) => Ok(Duration::from_secs(seconds.parse().context("KARMADA_HA_CUT_SECONDS")?)),
        Err(_) => Ok(Duration::from_secs(12)),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_was_cut_off_while_both_sides_changed_is_put_right() -> anyhow::Result<()> {
    let site = Site::start(&program(), Kind::Own).await?;
    let (client, members) = site.clients().await?;
    let _replicas = start_replicas(&site, &[CONTROLLER_MANAGER, SCHEDULER])?;
    let (others, away): (Vec<_>, Vec<_>) = members.iter().cloned().partition(|(name, _)| *name != "member2");
    let load = Load::start(client.clone(), Duration::from_millis(20), 3);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let expected = load.stop().await?;
    Load::converged(&client, &members, &expected).await?;

    site.reach("member2", Reachability::Down);
    let since = Instant::now();
    // What is there is changed and deleted, there and here.
    let (_, member2) = &away[0];
    let names: Vec<String> = expected.keys().cloned().collect();
    let path = |name: &str| format!("/apis/apps/v1/namespaces/busy/deployments/{name}");
    let (changed, deleted) = (names.first().context("a Deployment")?, names.last().context("a Deployment")?);
    let scaled = http::Request::patch(path(changed))
        .header("Content-Type", "application/merge-patch+json")
        .body(json!({"spec": {"replicas": 99}}).to_string().into_bytes())?;
    member2.request::<Value>(scaled).await?;
    member2.request::<Value>(http::Request::delete(path(deleted)).body(Vec::new())?).await?;
    remove_load_but_for(&client, &[changed, deleted]).await?;
    let kept = expected.into_iter().filter(|(name, _)| name == changed || name == deleted).collect();
    Load::converged(&client, &others, &kept).await.context("the others, meanwhile")?;
    let cluster = "/apis/cluster.karmada.io/v1alpha1/clusters/member2";
    let ready = |cluster: &Value| {
        let conditions = cluster["status"]["conditions"].as_array().cloned().unwrap_or_default();
        conditions.into_iter().find(|condition| condition["type"] == "Ready").unwrap_or_default()
    };
    let late = Instant::now() + PATIENCE;
    let seen = loop {
        let seen = ready(&karmadactl::raw::read(&client, cluster).await?.unwrap_or_default());
        if seen["status"] != "True" {
            break seen;
        }
        assert!(Instant::now() < late, "still ready: {seen}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!(seen["reason"], "ClusterNotReachable", "{seen}");
    tokio::time::sleep(cut()?.saturating_sub(since.elapsed())).await;

    site.reach("member2", Reachability::Up);
    let converged = Load::converged(&client, &members, &kept).await?;
    say(&format!("put right {:.1} s after it was reached again", converged.as_secs_f64()));
    Ok(())
}

/// Deletes the Deployments of a load but for some.
async fn remove_load_but_for(client: &Client, kept: &[&String]) -> anyhow::Result<()> {
    let path = "/apis/apps/v1/namespaces/busy/deployments";
    let list = karmadactl::raw::read(client, path).await?.unwrap_or_default();
    let names =
        list["items"].as_array().into_iter().flatten().filter_map(|item| item["metadata"]["name"].as_str());
    for name in names.filter(|name| kept.iter().all(|kept| kept != name)) {
        client.request::<Value>(http::Request::delete(format!("{path}/{name}")).body(Vec::new())?).await?;
    }
    Ok(())
}

/// Writes a kubeconfig and returns where it is.
fn write_kubeconfig(site: &Site, name: &str, kubeconfig: &Value) -> anyhow::Result<String> {
    let path = site.path(name);
    std::fs::write(&path, kubeconfig.to_string())?;
    Ok(path.display().to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_whose_certificate_is_not_good_says_so_and_ends() -> anyhow::Result<()> {
    let site = Site::start(&program(), Kind::Own).await?;
    let pki = || Authority::in_directory(&site.path("control-plane/pki"), "control-plane");
    let url = site.url();
    let long_ago = Clock::new(|| Timestamp::now() - jiff::SignedDuration::from_hours(24 * 800));
    let expired = pki()?.with_clock(long_ago).kubeconfig("site", url, "late", &["system:masters"])?;
    let stranger =
        Authority::ephemeral("stranger")?.kubeconfig("site", url, "stranger", &["system:masters"])?;
    let mut wrong = pki()?.kubeconfig("site", url, "x", &[])?;
    wrong["users"] = stranger["users"].clone();
    wrong["contexts"] = stranger["contexts"].clone();
    for (name, kubeconfig) in [("expired", expired), ("wrong", wrong), ("distrusted", stranger)] {
        let path = write_kubeconfig(&site, &format!("{name}.config"), &kubeconfig)?;
        for component in [CONTROLLER_MANAGER, SCHEDULER] {
            let output = process::run(
                &program(),
                &[
                    component.command,
                    "--kubeconfig",
                    &path,
                    "--metrics-bind-address=0",
                    "--health-probe-bind-address=0",
                ],
            )?;
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            say(&format!("{name}: {said}"));
            assert_eq!(output.status.code(), Some(1), "{name}: {said}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kind_that_may_not_be_read_is_named_and_keeps_nobody_from_the_others() -> anyhow::Result<()> {
    let site = Site::start(&program(), Kind::Own).await?;
    let (client, members) = site.clients().await?;
    let everything = |resources: &[&str], groups: &[&str]| json!({"apiGroups": groups, "resources": resources, "verbs": ["*"]});
    let core = ["configmaps", "namespaces", "events", "services", "serviceaccounts"];
    let others = [
        "apps",
        "policy.karmada.io",
        "work.karmada.io",
        "cluster.karmada.io",
        "config.karmada.io",
        "apps.karmada.io",
        "remedy.karmada.io",
        "autoscaling.karmada.io",
        "networking.karmada.io",
        "coordination.k8s.io",
        "apiextensions.k8s.io",
        "admissionregistration.k8s.io",
        "rbac.authorization.k8s.io",
    ];
    let rules = json!([
        everything(&core, &[""]),
        everything(&["*"], &others),
        // Tokens of members, by name.
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]},
    ]);
    let role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "limited"}, "rules": rules});
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "limited"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "limited"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "limited"}],
    });
    let rbac = "/apis/rbac.authorization.k8s.io/v1";
    create(&client, &format!("{rbac}/clusterroles"), &role).await?;
    create(&client, &format!("{rbac}/clusterrolebindings"), &binding).await?;
    let pki = Authority::in_directory(&site.path("control-plane/pki"), "control-plane")?;
    let kubeconfig =
        write_kubeconfig(&site, "limited.config", &pki.kubeconfig("site", site.url(), "limited", &[])?)?;
    let log = site.path("limited.log");
    let arguments = [
        "controllers",
        "--kubeconfig",
        &kubeconfig,
        "--metrics-bind-address=0",
        "--health-probe-bind-address=0",
    ];
    let _controllers = Server::start(&program(), &arguments, &log)?;

    let selectors = json!([
        {"apiVersion": "v1", "kind": "ConfigMap", "name": "a"}, {"apiVersion": "v1", "kind": "Secret", "name": "a"},
    ]);
    let policy = json!({
        "apiVersion": "policy.karmada.io/v1alpha1", "kind": "PropagationPolicy", "metadata": {"name": "p", "namespace": "default"},
        "spec": {"resourceSelectors": selectors, "placement": {"clusterAffinity": {"clusterNames": ["member1"]}}},
    });
    create(&client, "/apis/policy.karmada.io/v1alpha1/namespaces/default/propagationpolicies", &policy)
        .await?;
    let object = |kind: &str| json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": "a", "namespace": "default"}});
    create(&client, "/api/v1/namespaces/default/configmaps", &object("ConfigMap")).await?;
    create(&client, "/api/v1/namespaces/default/secrets", &object("Secret")).await?;
    let (_, member) = &members[0];
    arrives(member, "/api/v1/namespaces/default/configmaps/a").await?;
    // Quotes are escaped in fields of the log.
    let said = std::fs::read_to_string(&log)?.replace('\\', "");
    assert!(said.contains("cannot list resource \"secrets\""), "{said}");
    assert!(karmadactl::raw::read(member, "/api/v1/namespaces/default/secrets/a").await?.is_none());

    // Who is given the permission goes on without a restart.
    let more = json!({"rules": [everything(&["*"], &["*"])]}).to_string();
    let request = http::Request::patch(format!("{rbac}/clusterroles/limited"))
        .header("Content-Type", "application/merge-patch+json")
        .body(more.into_bytes())?;
    client.request::<Value>(request).await?;
    arrives(member, "/api/v1/namespaces/default/secrets/a").await
}

async fn create(client: &Client, path: &str, object: &Value) -> anyhow::Result<()> {
    let request = http::Request::post(path)
        .header("Content-Type", "application/json")
        .body(object.to_string().into_bytes())?;
    client.request::<Value>(request).await.with_context(|| path.to_owned())?;
    Ok(())
}

async fn arrives(client: &Client, path: &str) -> anyhow::Result<()> {
    let late = Instant::now() + PATIENCE;
    while karmadactl::raw::read(client, path).await?.is_none() {
        if Instant::now() > late {
            bail!("{path} does not arrive");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}
