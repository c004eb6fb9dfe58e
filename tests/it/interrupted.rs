//! Commands that are interrupted at any of their writes: doing them again gives what an undisturbed run gives.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use http::Request;
use karmada_apiserver::server::Limits;
use karmada_tests::faults::{Fault, FaultyServer, Moment, Scope, write};
use karmada_tests::process;
use karmadactl::embedded::{ApiOptions, EmbeddedOptions, EmbeddedServer, Storage};
use karmadactl::join::{JoinOptions, join_cluster};
use kube::Client;
use rstest::rstest;
use serde_json::{Value, json};
use tempfile::TempDir;

/// More writes than any of the commands makes.
const MANY: usize = 40;
const PATIENCE: Duration = Duration::from_secs(30);

/// What the commands may write.
const KINDS: [&str; 9] = [
    "/api/v1/namespaces",
    "/api/v1/serviceaccounts",
    "/api/v1/secrets",
    "/api/v1/configmaps",
    "/apis/apps/v1/deployments",
    "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    "/apis/cluster.karmada.io/v1alpha1/clusters",
    "/apis/policy.karmada.io/v1alpha1/propagationpolicies",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    ControlPlane,
    Member,
}

/// A control plane without controllers and a member, each behind a door that can be shut.
struct Bench {
    directory: TempDir,
    control_plane: EmbeddedServer,
    member: EmbeddedServer,
    doors: [FaultyServer; 2],
}

impl Bench {
    async fn start(command: &str) -> anyhow::Result<Self> {
        karmadactl::install_crypto_provider();
        let directory = tempfile::tempdir()?;
        let control_plane = EmbeddedServer::karmada(&options("karmada")).await?;
        let member = EmbeddedServer::plain(&options("m1")).await?;
        let door = |client: Client| FaultyServer::over(Arc::new(move |_: &str| client.clone()));
        let doors = [door(control_plane.client()).await?, door(member.client()).await?];
        for (name, door) in [("karmada", &doors[0]), ("m1", &doors[1])] {
            std::fs::write(directory.path().join(name), kubeconfig(name, door).to_string())?;
        }
        if command != "join" {
            let options = JoinOptions::new("m1", member.url());
            join_cluster(&control_plane.client(), &member.client(), &options).await?;
        }
        let bench = Self { directory, control_plane, member, doors };
        bench.prepare().await?;
        Ok(bench)
    }

    /// Makes what commands are about: a namespace, a Deployment of the member, manifests.
    async fn prepare(&self) -> anyhow::Result<()> {
        let namespace = json!({"metadata": {"name": "apps"}});
        for client in [self.control_plane.client(), self.member.client()] {
            let path = "/api/v1/namespaces";
            write(&client, http::Method::POST, "application/json", path, &namespace).await?;
        }
        let deployment = |name: &str| {
            json!({
                "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": "apps"},
                "spec": {"selector": {"matchLabels": {"app": name}}, "template": {
                    "metadata": {"labels": {"app": name}},
                    "spec": {"containers": [{"name": "c", "image": "i", "envFrom": [{"configMapRef": {"name": "c"}}]}]},
                }},
            })
        };
        let config = json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "c", "namespace": "apps"}, "data": {"k": "v"}});
        for (path, object) in [
            ("/apis/apps/v1/namespaces/apps/deployments", deployment("legacy")),
            ("/api/v1/namespaces/apps/configmaps", config.clone()),
        ] {
            write(&self.member.client(), http::Method::POST, "application/json", path, &object).await?;
        }
        let list = json!({"apiVersion": "v1", "kind": "List", "items": [deployment("web"), config]});
        std::fs::write(self.directory.path().join("app.yaml"), list.to_string())?;
        let parts = self.directory.path().join("parts");
        std::fs::create_dir(&parts)?;
        for (number, item) in list["items"].as_array().into_iter().flatten().enumerate() {
            std::fs::write(parts.join(format!("{number}.json")), item.to_string())?;
        }
        Ok(())
    }

    fn arguments(&self, command: &str) -> Vec<String> {
        let path = |name: &str| process::path_text(self.directory.path(), name);
        let (member, app, parts) = (path("m1"), path("app.yaml"), path("parts"));
        let words: &[&str] = match command {
            "join" => &["join", "m1", "--cluster-kubeconfig", &member],
            "unjoin" => &["unjoin", "m1", "--cluster-kubeconfig", &member],
            "apply" => &["apply", "-f", &app, "--all-clusters", "-n", "apps"],
            "apply a directory" => &["apply", "-f", &parts, "-n", "apps"],
            "propagate" => &["propagate", "-f", &app, "--to", "m1"],
            "promote" => &[
                "promote",
                "deployment",
                "legacy",
                "-n",
                "apps",
                "-C",
                "m1",
                "-d",
                "--cluster-kubeconfig",
                &member,
            ],
            other => unreachable!("{other}"),
        };
        let mut all = vec!["--kubeconfig".to_owned(), path("karmada")];
        all.extend(words.iter().map(|word| (*word).to_owned()));
        all
    }

    fn spawn(&self, command: &str) -> anyhow::Result<Child> {
        let log = std::fs::File::create(self.log())?;
        let mut program = Command::new(env!("CARGO_BIN_EXE_karmadactl-under-test"));
        program.args(self.arguments(command)).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        Ok(program.spawn()?)
    }

    fn log(&self) -> PathBuf {
        self.directory.path().join("log")
    }

    /// Runs a command to its end, which must be a good one.
    async fn run(&self, command: &str) -> anyhow::Result<()> {
        let mut child = self.spawn(command)?;
        let status = wait(&mut child, || false).await?.context("it does not end")?;
        if !status.success() {
            bail!("{command}: {status}: {}", std::fs::read_to_string(self.log())?);
        }
        Ok(())
    }

    /// Runs a command that is interrupted when it has come to a write.
    ///
    /// Returns false when it had fewer writes, and ended well.
    async fn interrupt(
        &self,
        command: &str,
        side: Side,
        write: usize,
        moment: Moment,
    ) -> anyhow::Result<bool> {
        let door = &self.doors[side as usize];
        door.set(Fault::CutAt { write, moment }, Scope::Writes);
        let mut child = self.spawn(command)?;
        let status = wait(&mut child, || door.writes() > write).await?;
        if let Some(status) = status {
            if !status.success() {
                bail!("{command}: {status}: {}", std::fs::read_to_string(self.log())?);
            }
            return Ok(false);
        }
        // The write that is let through may still be on its way.
        tokio::time::sleep(Duration::from_millis(20)).await;
        let told = Command::new("kill").args(["-s", "INT", &child.id().to_string()]).status()?;
        assert!(told.success());
        let status = wait(&mut child, || false).await?.context("it does not stop")?;
        assert!(!status.success(), "an interrupted {command} passes for done");
        door.set(Fault::None, Scope::Everything);
        Ok(true)
    }

    /// Waits until the state is as expected: namespaces take a moment to go.
    async fn becomes(&self, expected: &BTreeSet<String>) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let state = self.state().await?;
            if state == *expected {
                return Ok(());
            }
            if Instant::now() > deadline {
                let missing: Vec<_> = expected.difference(&state).collect();
                let extra: Vec<_> = state.difference(expected).collect();
                bail!("missing: {missing:#?}\nextra: {extra:#?}");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Reads the state when nothing is on its way out any more.
    async fn settled(&self) -> anyhow::Result<BTreeSet<String>> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let state = self.state().await?;
            if !state.iter().any(|line| line.contains("deletionTimestamp")) {
                return Ok(state);
            }
            if Instant::now() > deadline {
                bail!("something does not go: {state:#?}");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Everything that commands write, as far as it is the same every time.
    async fn state(&self) -> anyhow::Result<BTreeSet<String>> {
        let mut lines = BTreeSet::new();
        for (side, client) in
            [("control plane", self.control_plane.client()), ("member", self.member.client())]
        {
            for kind in KINDS {
                let list: Value = match client.request(Request::get(kind).body(Vec::new())?).await {
                    Ok(list) => list,
                    Err(kube::Error::Api(status)) if status.code == 404 => continue,
                    Err(error) => return Err(error.into()),
                };
                let items = list["items"].as_array().into_iter().flatten();
                lines.extend(
                    items
                        .filter(|item| !is_of_the_server(item))
                        .map(|item| format!("{side} {kind} {}", normalised(item))),
                );
            }
        }
        Ok(lines)
    }

    async fn shutdown(self) {
        self.control_plane.shutdown().await;
        self.member.shutdown().await;
    }
}

/// Waits for the end of a child, or for something to become true before; `None` then.
async fn wait(
    child: &mut Child,
    until: impl Fn() -> bool,
) -> anyhow::Result<Option<std::process::ExitStatus>> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if until() {
            return Ok(None);
        }
        if Instant::now() > deadline {
            child.kill()?;
            child.wait()?;
            bail!("nothing happens");
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Whether an object is made by a server itself in every namespace.
fn is_of_the_server(object: &Value) -> bool {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    ["kube-root-ca.crt", "default"].contains(&name) || object["metadata"]["namespace"] == "kube-system"
}

/// An object without what differs from run to run: identities, times, tokens.
fn normalised(object: &Value) -> String {
    let mut object = object.clone();
    for pointer in ["/metadata", "/spec"] {
        let Some(fields) = object.pointer_mut(pointer).and_then(Value::as_object_mut) else { continue };
        for field in [
            "uid",
            "resourceVersion",
            "creationTimestamp",
            "managedFields",
            "generation",
            "ownerReferences",
            "id",
        ] {
            fields.remove(field);
        }
        if let Some(annotations) = fields.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations
                .retain(|key, _| !key.ends_with("service-account.uid") && !key.ends_with("permanent-id"));
        }
        if let Some(labels) = fields.get_mut("labels").and_then(Value::as_object_mut) {
            labels.retain(|key, _| !key.ends_with("permanent-id"));
        }
    }
    if object["type"].is_string() || object["metadata"]["namespace"] == "karmada-cluster" {
        let keys: Vec<String> =
            object["data"].as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect();
        object["data"] = json!(keys);
    }
    if object.pointer("/spec/apiEndpoint").is_some() {
        object["spec"]["apiEndpoint"] = Value::Null;
    }
    object.to_string()
}

fn kubeconfig(name: &str, door: &FaultyServer) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Config", "current-context": name,
        "clusters": [{"name": name, "cluster": {"server": door.url(), "certificate-authority-data": door.ca_bundle()}}],
        "users": [{"name": name, "user": {"token": "anybody"}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
    })
}

fn options(name: &str) -> EmbeddedOptions {
    EmbeddedOptions {
        name: name.to_owned(),
        storage: Storage::Memory,
        listen: (Ipv4Addr::LOCALHOST, 0).into(),
        preferred: None,
        api: ApiOptions::default(),
        limits: Limits::default(),
    }
}

#[rstest]
#[case::join("join")]
#[case::unjoin("unjoin")]
#[case::apply("apply")]
#[case::apply_a_directory("apply a directory")]
#[case::propagate("propagate")]
#[case::promote("promote")]
#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_command_can_be_done_again(#[case] command: &str) -> anyhow::Result<()> {
    let undisturbed = Bench::start(command).await?;
    let before = undisturbed.state().await?;
    undisturbed.run(command).await?;
    let expected = undisturbed.settled().await?;
    assert_ne!(before, expected, "{command} writes nothing");
    undisturbed.shutdown().await;
    let mut interruptions = 0;
    for side in [Side::ControlPlane, Side::Member] {
        for moment in [Moment::BeforeTheWrite, Moment::AfterTheWrite] {
            for write in 0..MANY {
                let bench = Bench::start(command).await?;
                let is_interrupted = bench.interrupt(command, side, write, moment).await?;
                if is_interrupted {
                    interruptions += 1;
                    let at = format!("{command} interrupted at write {write} to the {side:?}, {moment:?}");
                    redo(&bench, command).await.with_context(|| at.clone())?;
                    bench.becomes(&expected).await.context(at)?;
                }
                bench.shutdown().await;
                if !is_interrupted {
                    break;
                }
            }
        }
    }
    assert!(interruptions > 1, "{command} was never interrupted");
    Ok(())
}

/// Does a command again. One that was through already may say so.
async fn redo(bench: &Bench, command: &str) -> anyhow::Result<()> {
    let Err(error) = bench.run(command).await else { return Ok(()) };
    let through = ["has been registered", "no cluster object", "already exist in karmada control plane"];
    let text = format!("{error:#}");
    if through.iter().any(|said| text.contains(said)) { Ok(()) } else { Err(error) }
}
