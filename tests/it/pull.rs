//! Pull mode: token, registration, agent and unregistration, between processes that speak TLS.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use karmada_tests::ports;
use karmada_tests::process::{self, Server, path_text};
use karmada_tests::rig::{Binaries, RealCluster, RealControllers};
use kube::Client;
use serde_json::{Value, json};

pub(crate) const PATIENCE: Duration = Duration::from_mins(1);
pub(crate) const CLUSTER: &str = "/apis/cluster.karmada.io/v1alpha1/clusters/m1";
pub(crate) const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";
const DEPLOYMENT: &str = "/apis/apps/v1/namespaces/karmada-system/deployments/karmada-agent";
pub(crate) const SECRET: &str = "/api/v1/namespaces/karmada-system/secrets/karmada-kubeconfig";

pub(crate) fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_karmadactl-under-test"))
}

/// Runs the program, returning its exit code and what it printed.
fn run(arguments: &[&str]) -> anyhow::Result<(i32, String, String)> {
    let output = process::run(&program(), arguments)?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok((output.status.code().context("ended by a signal")?, text(&output.stdout), text(&output.stderr)))
}

fn start(arguments: &[String], log: &Path) -> anyhow::Result<Server> {
    Server::start(&program(), &arguments.iter().map(String::as_str).collect::<Vec<_>>(), log)
}

pub(crate) async fn send(client: &Client, method: &str, path: &str, object: &Value) -> anyhow::Result<Value> {
    let kind = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
    let request = http::Request::builder()
        .method(method)
        .uri(path)
        .header("Content-Type", kind)
        .body(serde_json::to_vec(object)?)?;
    Ok(client.request(request).await?)
}

pub(crate) async fn read(client: &Client, path: &str) -> anyhow::Result<Option<Value>> {
    Ok(karmadactl::raw::read(client, path).await?)
}

/// Looks until `found` says yes; what was seen last is in the error. What is not there is null.
pub(crate) async fn until(
    client: &Client,
    path: &str,
    found: impl Fn(&Value) -> bool,
) -> anyhow::Result<Value> {
    let late = Instant::now() + PATIENCE;
    loop {
        let object = read(client, path).await?.unwrap_or_default();
        if found(&object) {
            return Ok(object);
        }
        if Instant::now() > late {
            bail!("{path} did not become what was waited for: {object}");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

pub(crate) fn ready(cluster: &Value) -> &str {
    let conditions = cluster["status"]["conditions"].as_array();
    let ready = conditions.into_iter().flatten().find(|condition| condition["type"] == "Ready");
    ready.and_then(|condition| condition["status"].as_str()).unwrap_or_default()
}

pub(crate) fn config_map(name: &str, value: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "default", "labels": {"app": "shop"}}, "data": {"key": value},
    })
}

/// A control plane and a member, each a process of its own.
pub(crate) struct Two {
    pub(crate) directory: tempfile::TempDir,
    control_plane: String,
    member: String,
    pub(crate) hub: Client,
    pub(crate) there: Client,
    /// Where the control plane listens.
    pub(crate) listen: SocketAddr,
    /// What the control plane is started with.
    serve: Vec<String>,
    server: Option<Server>,
    _member: Member,
}

/// What serves the member's API.
#[expect(dead_code, reason = "they are held until the test ends")]
enum Member {
    Ours(Server),
    Real(Box<RealCluster>),
}

impl Two {
    /// Starts both, the member being one of our API servers.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        Self::start_with(async |kubeconfig, log| {
            let plain = ["serve", "--api-only", "--in-memory", "--kubeconfig", kubeconfig];
            Ok(Member::Ours(Server::start(&program(), &plain, log)?))
        })
        .await
    }

    /// Starts both, the member being a real kube-apiserver.
    pub(crate) async fn start_with_real_member(binaries: &Binaries) -> anyhow::Result<Self> {
        Self::start_with(async |kubeconfig, _| {
            let cluster = RealCluster::start(binaries, RealControllers::Member).await?;
            std::fs::write(kubeconfig, cluster.admin_kubeconfig_at(cluster.url())?.to_string())?;
            Ok(Member::Real(Box::new(cluster)))
        })
        .await
    }

    async fn start_with(
        member_with: impl AsyncFnOnce(&str, &Path) -> anyhow::Result<Member>,
    ) -> anyhow::Result<Self> {
        let directory = tempfile::tempdir()?;
        let path = directory.path();
        let (control_plane, member) =
            (path_text(path, "control-plane.config"), path_text(path, "member.config"));
        // It listens where it did, and knows what it did, when it is started again.
        let data = path_text(path, "data");
        let listen = ports::free_address()?;
        let serve = [
            "serve",
            "--data-dir",
            &data,
            "--listen",
            &listen,
            "--kubeconfig",
            &control_plane,
            "--cluster-monitor-period=200ms",
            "--cluster-monitor-grace-period=3s",
        ];
        let serve: Vec<String> = serve.map(str::to_owned).into();
        let server = start(&serve, &path.join("control-plane.log"))?;
        let other = member_with(&member, &path.join("member.log")).await?;
        let listen = listen.parse()?;
        let hub = process::client(Path::new(&control_plane)).await?;
        let there = process::client(Path::new(&member)).await?;
        let server = Some(server);
        Ok(Self { directory, control_plane, member, hub, there, listen, serve, server, _member: other })
    }

    /// Kills the control plane.
    fn stop_control_plane(&mut self) -> anyhow::Result<()> {
        Ok(self.server.take().context("it does not run")?.kill()?)
    }

    /// Starts it again, with what it knew.
    fn start_control_plane(&mut self) -> anyhow::Result<()> {
        self.server = Some(start(&self.serve, &self.directory.path().join("control-plane.log"))?);
        Ok(())
    }

    /// Makes a token; returns the arguments that register a cluster with it.
    pub(crate) fn register_arguments(&self) -> anyhow::Result<Vec<String>> {
        let create = ["token", "create", "--print-register-command", "--kubeconfig", &self.control_plane];
        let (code, stdout, stderr) = run(&create)?;
        ensure!(code == 0, "{stderr}");
        let line = stdout.trim().strip_prefix("karmadactl ").context("no command")?;
        let mut arguments: Vec<String> = line.split(' ').map(str::to_owned).collect();
        arguments.extend(
            ["--cluster-name=m1", "--cert-expiration-seconds=600", "--kubeconfig", &self.member]
                .map(str::to_owned),
        );
        Ok(arguments)
    }

    /// Runs a registration while somebody plays the kubelet.
    pub(crate) async fn register(&self, arguments: Vec<String>) -> anyhow::Result<(i32, String, String)> {
        let running = tokio::task::spawn_blocking(move || {
            run(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
        });
        let started = until(&self.there, DEPLOYMENT, Value::is_object).await?;
        let status = json!({"status": {
            "observedGeneration": started["metadata"]["generation"], "replicas": 1, "updatedReplicas": 1,
            "readyReplicas": 1, "availableReplicas": 1,
        }});
        send(&self.there, "PATCH", &format!("{DEPLOYMENT}/status"), &status).await?;
        running.await?
    }

    /// Lets agents that are started from now on reach the control plane by another address.
    pub(crate) async fn reach_by(&self, address: SocketAddr) -> anyhow::Result<()> {
        let text = self.agent_kubeconfig().await?;
        let (before, after) = (format!("https://{}", self.listen), format!("https://{address}"));
        ensure!(text.contains(&before), "the agent's kubeconfig does not name {before}");
        Ok(std::fs::write(self.agent_file(), text.replace(&before, &after))?)
    }

    fn agent_file(&self) -> PathBuf {
        self.directory.path().join("agent.config")
    }

    /// Starts the agent from outside, with the kubeconfig that the registration left in the member.
    pub(crate) async fn agent(&self, more: &[&str]) -> anyhow::Result<Server> {
        if !self.agent_file().exists() {
            std::fs::write(self.agent_file(), self.agent_kubeconfig().await?)?;
        }
        let arguments = self.agent_arguments(more);
        start(&arguments, &self.directory.path().join("agent.log"))
    }

    /// Returns the command line of the agent.
    pub(crate) fn agent_arguments(&self, more: &[&str]) -> Vec<String> {
        let file = self.agent_file().display().to_string();
        let mut arguments = vec![
            "agent",
            "--karmada-kubeconfig",
            &file,
            "--cluster-name=m1",
            "--kubeconfig",
            &self.member,
            "--metrics-bind-address=0",
            "--health-probe-bind-address=0",
            "--cluster-status-update-frequency=200ms",
            "--cluster-success-threshold=0s",
            "--cluster-lease-duration=2s",
            "--leader-elect-lease-duration=3s",
            "--leader-elect-renew-deadline=2s",
            "--leader-elect-retry-period=200ms",
        ];
        arguments.extend(more);
        arguments.into_iter().map(str::to_owned).collect()
    }

    pub(crate) async fn agent_kubeconfig(&self) -> anyhow::Result<String> {
        let secret = read(&self.there, SECRET).await?.context("no secret")?;
        let encoded = secret["data"]["karmada-kubeconfig"].as_str().context("no kubeconfig")?;
        Ok(String::from_utf8(STANDARD.decode(encoded)?)?)
    }

    /// Propagates three ConfigMaps, by a policy for all that are labelled as they are.
    pub(crate) async fn propagate(&self) -> anyhow::Result<()> {
        for map in ["one", "two", "three"] {
            send(&self.hub, "POST", CONFIG_MAPS, &config_map(map, "first")).await?;
        }
        let policy = json!({
            "apiVersion": "policy.karmada.io/v1alpha1", "kind": "PropagationPolicy",
            "metadata": {"name": "maps", "namespace": "default"},
            "spec": {
                "resourceSelectors": [{
                    "apiVersion": "v1", "kind": "ConfigMap", "labelSelector": {"matchLabels": {"app": "shop"}},
                }],
                "placement": {"clusterAffinity": {"clusterNames": ["m1"]}},
            },
        });
        let policies = "/apis/policy.karmada.io/v1alpha1/namespaces/default/propagationpolicies";
        send(&self.hub, "POST", policies, &policy).await?;
        for map in ["one", "two", "three"] {
            until(&self.there, &format!("{CONFIG_MAPS}/{map}"), |map| map["data"]["key"] == "first").await?;
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_keeps_its_cluster_through_interruptions_until_it_is_unregistered() -> anyhow::Result<()> {
    let two = Two::start().await?;
    let arguments = two.register_arguments()?;
    refused_registrations(&two, &arguments).await?;

    let (code, stdout, stderr) = two.register(arguments.clone()).await?;
    assert_eq!((code, stdout.as_str()), (0, "cluster(m1) is joined successfully\n"), "{stderr}");
    let (code, _, stderr) = run(&arguments.iter().map(String::as_str).collect::<Vec<_>>())?;
    assert_eq!(code, 1, "{stderr}");
    assert!(
        stderr.contains("the cluster has an agent already: Secret karmada-system/karmada-kubeconfig"),
        "{stderr}"
    );

    let agent = two.agent(&[]).await?;
    let cluster = until(&two.hub, CLUSTER, |cluster| ready(cluster) == "True").await?;
    assert_eq!(cluster["spec"]["syncMode"], "Pull");
    assert_eq!(cluster["spec"]["secretRef"]["name"], "m1");
    own_space_only(&two).await?;
    two.propagate().await?;
    let binding = "/apis/work.karmada.io/v1alpha2/namespaces/default/resourcebindings/one-configmap";
    until(&two.hub, binding, |binding| binding["status"]["aggregatedStatus"][0]["applied"] == true).await?;

    // Cut off: both sides change, and the control plane notices that nobody is there.
    agent.kill()?;
    until(&two.hub, CLUSTER, |cluster| {
        let taints = cluster["spec"]["taints"].to_string();
        ready(cluster) == "Unknown" && taints.contains("cluster.karmada.io/unreachable")
    })
    .await?;
    let path = |name: &str| format!("{CONFIG_MAPS}/{name}");
    send(&two.hub, "PATCH", &path("one"), &json!({"data": {"key": "second"}})).await?;
    send(&two.hub, "DELETE", &path("two"), &json!({})).await?;
    send(&two.there, "DELETE", &path("three"), &json!({})).await?;
    send(&two.there, "POST", CONFIG_MAPS, &config_map("own", "of the member")).await?;

    // Back again: it converges, and renews its certificate without a restart.
    let before = two.agent_kubeconfig().await?;
    let agent = two
        .agent(&[
            "--controllers=*,certRotation",
            "--cert-rotation-checking-interval=1s",
            "--cert-rotation-remaining-time-threshold=0.999",
        ])
        .await?;
    until(&two.hub, CLUSTER, |cluster| ready(cluster) == "True").await?;
    until(&two.there, &path("one"), |map| map["data"]["key"] == "second").await?;
    until(&two.there, &path("two"), Value::is_null).await?;
    until(&two.there, &path("three"), |map| map["data"]["key"] == "first").await?;
    let own = read(&two.there, &path("own")).await?.context("the member's own object is gone")?;
    assert_eq!(own["data"]["key"], "of the member");
    let encoded = STANDARD.encode(&before);
    until(&two.there, SECRET, |secret| secret["data"]["karmada-kubeconfig"] != encoded.as_str()).await?;
    send(&two.hub, "PATCH", &path("one"), &json!({"data": {"key": "third"}})).await?;
    until(&two.there, &path("one"), |map| map["data"]["key"] == "third").await?;

    let unregister =
        ["unregister", "m1", "--cluster-kubeconfig", &two.member, "--karmada-config", &two.control_plane];
    let (code, stdout, stderr) = run(&unregister)?;
    assert_eq!(code, 0, "{stdout}{stderr}");
    gone(&two).await?;
    drop(agent);
    let (code, _, stderr) = run(&unregister)?;
    assert_eq!(code, 1, "{stderr}");
    assert!(stderr.starts_with("error: no cluster object m1 found in karmada control Plane"), "{stderr}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_goes_on_while_the_control_plane_is_away() -> anyhow::Result<()> {
    let mut two = Two::start().await?;
    let (code, _, stderr) = two.register(two.register_arguments()?).await?;
    assert_eq!(code, 0, "{stderr}");
    let agent = two.agent(&["--leader-elect=false"]).await?;
    two.propagate().await?;

    two.stop_control_plane()?;
    let path = |name: &str| format!("{CONFIG_MAPS}/{name}");
    send(&two.there, "DELETE", &path("one"), &json!({})).await?;
    send(&two.there, "PATCH", &path("two"), &json!({"data": {"key": "by hand"}})).await?;
    until(&two.there, &path("one"), |map| map["data"]["key"] == "first").await?;
    until(&two.there, &path("two"), |map| map["data"]["key"] == "first").await?;

    two.start_control_plane()?;
    until(&two.hub, CLUSTER, |cluster| ready(cluster) == "True").await?;
    send(&two.hub, "PATCH", &path("three"), &json!({"data": {"key": "second"}})).await?;
    until(&two.there, &path("three"), |map| map["data"]["key"] == "second").await?;
    drop(agent);
    Ok(())
}

/// Registrations that are refused or dry write nothing.
async fn refused_registrations(two: &Two, arguments: &[String]) -> anyhow::Result<()> {
    let with = |more: &[&str]| {
        let mut all: Vec<&str> = arguments.iter().map(String::as_str).collect();
        all.extend(more);
        run(&all)
    };
    let (code, _, stderr) = with(&["--dry-run"])?;
    assert_eq!(code, 0, "{stderr}");
    assert!(
        stderr.contains("would ensure Deployment karmada-system/karmada-agent in cluster(m1)"),
        "{stderr}"
    );

    let mut wrong: Vec<String> = arguments.to_vec();
    let pin = wrong.iter_mut().find(|argument| argument.starts_with("sha256:")).context("no pin")?;
    *pin = format!("sha256:{}", "0".repeat(64));
    let (code, _, stderr) = run(&wrong.iter().map(String::as_str).collect::<Vec<_>>())?;
    assert_eq!(code, 1, "{stderr}");
    assert!(stderr.contains("no certificate of the control plane has the given pin"), "{stderr}");

    let mut wrong: Vec<String> = arguments.to_vec();
    let at = wrong.iter().position(|argument| argument == "--token").context("no token")?;
    let id = wrong[at + 1].split_once('.').context("no id")?.0.to_owned();
    wrong[at + 1] = format!("{id}.0000000000000000");
    let (code, _, stderr) = run(&wrong.iter().map(String::as_str).collect::<Vec<_>>())?;
    assert_eq!(code, 1, "{stderr}");
    assert!(stderr.contains(&format!("not signed by who knows the token {id}")), "{stderr}");

    for (client, path) in [
        (&two.there, "/api/v1/namespaces/karmada-system"),
        (&two.hub, "/api/v1/namespaces/karmada-es-m1"),
        (&two.hub, "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:karmada:m1:agent"),
    ] {
        assert!(read(client, path).await?.is_none(), "{path}");
    }
    Ok(())
}

/// The agent sees the Works of its own cluster, and no others.
async fn own_space_only(two: &Two) -> anyhow::Result<()> {
    let file = path_text(two.directory.path(), "agent.config");
    let agent = process::client(Path::new(&file)).await?;
    let works = "/apis/work.karmada.io/v1alpha1";
    read(&agent, &format!("{works}/namespaces/karmada-es-m1/works")).await?;
    for path in [
        format!("{works}/works"),
        format!("{works}/namespaces/karmada-es-m2/works"),
        "/api/v1/namespaces/karmada-cluster/secrets".to_owned(),
        "/api/v1/namespaces/kube-system/secrets".to_owned(),
        CONFIG_MAPS.to_owned(),
    ] {
        let error = read(&agent, &path).await.err().with_context(|| format!("{path} was shown"))?;
        assert!(error.to_string().contains("forbidden"), "{path}: {error:#}");
    }
    Ok(())
}

/// What is left after a cluster was unregistered.
async fn gone(two: &Two) -> anyhow::Result<()> {
    let rbac = "/apis/rbac.authorization.k8s.io/v1";
    for path in [
        CLUSTER.to_owned(),
        "/api/v1/namespaces/karmada-es-m1".to_owned(),
        "/api/v1/namespaces/karmada-cluster/secrets/m1".to_owned(),
        format!("{rbac}/clusterroles/system:karmada:m1:agent"),
        format!("{rbac}/clusterrolebindings/system:karmada:m1:agent"),
        format!("{rbac}/namespaces/karmada-cluster/roles/system:karmada:m1:agent-secret"),
    ] {
        until(&two.hub, &path, Value::is_null).await.with_context(|| path.clone())?;
    }
    for path in [
        DEPLOYMENT.to_owned(),
        SECRET.to_owned(),
        format!("{rbac}/clusterroles/karmada-agent"),
        format!("{rbac}/clusterroles/karmada-controller-manager:karmada-m1"),
        "/api/v1/namespaces/karmada-cluster".to_owned(),
        format!("{CONFIG_MAPS}/one"),
        format!("{CONFIG_MAPS}/three"),
    ] {
        until(&two.there, &path, Value::is_null).await.with_context(|| path.clone())?;
    }
    let own = read(&two.there, &format!("{CONFIG_MAPS}/own")).await?;
    assert!(own.is_some(), "the member's own object is gone");
    Ok(())
}

#[test]
fn tokens_are_made_listed_and_deleted() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let kubeconfig = path_text(directory.path(), "config");
    let serve = ["serve", "--api-only", "--in-memory", "--kubeconfig", &kubeconfig];
    let _server = Server::start(&program(), &serve, &directory.path().join("log"))?;
    let token = |arguments: &[&str]| {
        let mut all = vec!["token"];
        all.extend(arguments);
        all.extend(["--kubeconfig", &kubeconfig]);
        run(&all)
    };
    let (code, stdout, stderr) = token(&["create", "--ttl=0", "--description=for a test"])?;
    assert_eq!(code, 0, "{stderr}");
    let made = stdout.trim().to_owned();
    let (code, stdout, _) = token(&["list"])?;
    assert_eq!(code, 0);
    let lines: Vec<Vec<&str>> = stdout
        .lines()
        .map(|line| line.split("   ").map(str::trim).filter(|cell| !cell.is_empty()).collect())
        .collect();
    assert_eq!(lines[0], ["TOKEN", "TTL", "EXPIRES", "USAGES", "DESCRIPTION", "EXTRA GROUPS"]);
    let expected = [
        made.as_str(),
        "<forever>",
        "<never>",
        "authentication,signing",
        "for a test",
        "system:bootstrappers:karmada:default-cluster-token",
    ];
    assert_eq!(lines[1], expected);
    let id = made.split_once('.').context("no id")?.0;
    let (code, stdout, _) = token(&["delete", id])?;
    assert_eq!((code, stdout), (0, format!("bootstrap token \"{id}\" deleted\n")));
    let (code, _, stderr) = token(&["delete", &made])?;
    assert_eq!(code, 1, "{stderr}");
    for (arguments, said) in [
        (
            &["create", "bad.token"][..],
            "error: unknown command \"bad.token\" for \"karmadactl token create\"\n",
        ),
        (
            &["delete", "nope"],
            r#"error: given token didn't match pattern "\\A([a-z0-9]{6})\\z" or "\\A([a-z0-9]{6})\\z""#,
        ),
    ] {
        let (code, _, stderr) = token(arguments)?;
        assert_eq!(code, 1, "{stderr}");
        assert!(stderr.starts_with(said), "{stderr}");
    }
    Ok(())
}
