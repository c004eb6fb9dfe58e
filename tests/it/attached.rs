//! The control loops in a process of their own, against API servers that other processes serve.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use karmada_tests::process::{self, Server, path_text};
use karmada_tests::rig::{Binaries, RealCluster, RealControllers};
use kube::Client;
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_mins(1);
const CONTROLLERS_LEASE: &str =
    "/apis/coordination.k8s.io/v1/namespaces/karmada-system/leases/karmada-controller-manager";

fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_karmadactl-under-test"))
}

/// Starts a plain API server in another process and returns it with its kubeconfig.
fn serve(directory: &Path, name: &str) -> anyhow::Result<(Server, String)> {
    let kubeconfig = path_text(directory, &format!("{name}.config"));
    let arguments = ["serve", "--api-only", "--in-memory", "--kubeconfig", &kubeconfig];
    let server = Server::start(&program(), &arguments, &directory.join(format!("{name}.log")))?;
    Ok((server, kubeconfig))
}

/// Runs the program, returning its exit code and what it printed.
fn run(arguments: &[&str]) -> anyhow::Result<(i32, String, String)> {
    let output = process::run(&program(), arguments)?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let code = output.status.code().context("ended by a signal")?;
    Ok((code, text(&output.stdout), text(&output.stderr)))
}

async fn send(client: &Client, method: &str, path: &str, object: &Value) -> anyhow::Result<Value> {
    let request = http::Request::builder()
        .method(method)
        .uri(path)
        .header("Content-Type", "application/json")
        .body(serde_json::to_vec(object)?)?;
    Ok(client.request(request).await?)
}

async fn read(client: &Client, path: &str) -> anyhow::Result<Option<Value>> {
    Ok(karmadactl::raw::read(client, path).await?)
}

/// Looks until `found` says yes; what was seen last is in the error.
async fn until(client: &Client, path: &str, found: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
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

fn policy(kind: &str) -> Value {
    json!({
        "apiVersion": "policy.karmada.io/v1alpha1", "kind": "PropagationPolicy",
        "metadata": {"name": kind.to_lowercase(), "namespace": "default"},
        "spec": {
            "resourceSelectors": [{
                "apiVersion": if kind == "ConfigMap" { "v1" } else { "apps/v1" }, "kind": kind,
                "labelSelector": {"matchLabels": {"app": "shop"}},
            }],
            "placement": {"clusterAffinity": {"clusterNames": ["member1"]}},
        },
    })
}

const POLICIES: &str = "/apis/policy.karmada.io/v1alpha1/namespaces/default/propagationpolicies";

/// Prepares a server, joins a member and makes passes as a pipeline would.
async fn passes(control_plane: &str, member: &str) -> anyhow::Result<()> {
    let (code, _, stderr) = run(&["controllers", "--once", "--kubeconfig", control_plane])?;
    assert_eq!(code, 1, "{stderr}");
    assert!(stderr.contains("hint: `karmadactl init --crds-only` prepares the server"), "{stderr}");

    let init = ["init", "--crds-only", "--kubeconfig", control_plane];
    let (code, stdout, stderr) = run(&init)?;
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.contains("customresourcedefinition.apiextensions.k8s.io/works.work.karmada.io created"));
    let (code, stdout, stderr) = run(&init)?;
    assert_eq!(code, 0, "{stderr}");
    for line in stdout.lines() {
        assert!(line.ends_with(" unchanged"), "{line}");
    }

    let join = ["join", "member1", "--cluster-kubeconfig", member, "--kubeconfig", control_plane];
    let (code, _, stderr) = run(&join)?;
    assert_eq!(code, 0, "{stderr}");

    let hub = process::client(Path::new(control_plane)).await?;
    let there = process::client(Path::new(member)).await?;
    let template = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "settings", "namespace": "default", "labels": {"app": "shop"}}, "data": {"a": "b"},
    });
    send(&hub, "POST", "/api/v1/namespaces/default/configmaps", &template).await?;
    send(&hub, "POST", POLICIES, &policy("ConfigMap")).await?;

    let once = ["controllers", "--once", "--kubeconfig", control_plane];
    let (code, stdout, stderr) = run(&once)?;
    assert_eq!(code, 0, "{stdout}{stderr}");
    assert!(stdout.contains("1 resources in 1 clusters, 0 problems"), "{stdout}");
    let arrived = read(&there, "/api/v1/namespaces/default/configmaps/settings").await?.unwrap_or_default();
    assert_eq!(arrived["data"]["a"], "b");
    // The second pass finds nothing to do.
    let (code, stdout, stderr) = run(&once)?;
    assert_eq!(code, 0, "{stdout}{stderr}");
    assert!(stdout.contains("0 created, 0 updated, 0 deleted"), "{stdout}");

    // Nobody runs Deployments in the member: it is applied, and does not become healthy.
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "default", "labels": {"app": "shop"}},
        "spec": {
            "replicas": 1, "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "i"}]},
            },
        },
    });
    send(&hub, "POST", "/apis/apps/v1/namespaces/default/deployments", &deployment).await?;
    send(&hub, "POST", POLICIES, &policy("Deployment")).await?;
    let (code, stdout, stderr) = run(&[&once[..], &["--timeout", "4s"]].concat())?;
    assert_eq!(code, 3, "{stdout}{stderr}");
    assert!(stdout.contains("Deployment default/web: not healthy in member1"), "{stdout}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn passes_are_made_against_an_api_server_in_another_process() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let (_control_plane, control_plane) = serve(directory.path(), "control-plane")?;
    let (_member, member) = serve(directory.path(), "member1")?;
    passes(&control_plane, &member).await
}

#[tokio::test(flavor = "multi_thread")]
async fn passes_are_made_against_a_real_api_server() -> anyhow::Result<()> {
    // Building them takes minutes: that is left to those who want them.
    let known = Binaries::of_client("kube-apiserver").map(|_| Binaries::obtain());
    let binaries = match known {
        Some(Ok(binaries)) => binaries,
        missing => {
            #[expect(clippy::print_stderr, reason = "what is left out is said by name")]
            {
                eprintln!("skipped: a pass against a real kube-apiserver ({missing:?})");
            }
            return Ok(());
        }
    };
    let directory = tempfile::tempdir()?;
    let cluster = RealCluster::start(&binaries, RealControllers::Lifecycle).await?;
    let control_plane = path_text(directory.path(), "real.config");
    std::fs::write(&control_plane, cluster.kubeconfig("system:admin", &["system:masters"])?.to_string())?;
    let (_member, member) = serve(directory.path(), "member1")?;
    passes(&control_plane, &member).await
}

/// Starts the loops with short leases; health and metrics are on any free port.
fn start_loops(control_plane: &str, directory: &Path, name: &str) -> anyhow::Result<Server> {
    let arguments = [
        "controllers",
        "--kubeconfig",
        control_plane,
        "--metrics-bind-address=127.0.0.1:0",
        "--health-probe-bind-address=127.0.0.1:0",
        "--leader-elect-lease-duration=3s",
        "--leader-elect-renew-deadline=2s",
        "--leader-elect-retry-period=200ms",
        "--logging-format=json",
    ];
    Server::start(&program(), &arguments, &directory.join(name))
}

/// Reads a page of the server whose address a log names.
async fn page(log: &Path, what: &str, path: &str) -> anyhow::Result<(u16, String)> {
    let text = std::fs::read_to_string(log)?;
    let prefix = format!("{what}: http://");
    let address =
        text.lines().find_map(|line| line.strip_prefix(&prefix)).context("no address in the log")?;
    let client = Client::try_from(kube::Config::new(format!("http://{address}").parse()?))?;
    let answer = client.send(http::Request::get(path).body(kube::client::Body::empty())?).await?;
    let status = answer.status().as_u16();
    let bytes = answer.into_body().collect_bytes().await?;
    Ok((status, String::from_utf8(bytes.to_vec())?))
}

#[tokio::test(flavor = "multi_thread")]
async fn one_process_works_and_another_takes_over_when_it_is_killed() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let (_server, control_plane) = serve(directory.path(), "control-plane")?;
    let (_member, member) = serve(directory.path(), "member1")?;
    let (code, _, stderr) = run(&["init", "--crds-only", "--kubeconfig", &control_plane])?;
    assert_eq!(code, 0, "{stderr}");
    let join = ["join", "member1", "--cluster-kubeconfig", &member, "--kubeconfig", &control_plane];
    let (code, _, stderr) = run(&join)?;
    assert_eq!(code, 0, "{stderr}");
    let hub = process::client(Path::new(&control_plane)).await?;

    let first = start_loops(&control_plane, directory.path(), "first.log")?;
    assert!(first.ready_line.starts_with("ready:"), "{}", first.ready_line);
    let second = start_loops(&control_plane, directory.path(), "second.log")?;
    assert!(second.ready_line.starts_with("standing by"), "{}", second.ready_line);
    let leader = until(&hub, CONTROLLERS_LEASE, |lease| lease["spec"]["holderIdentity"].is_string()).await?;

    // A pass would disturb them.
    let (code, _, stderr) = run(&["controllers", "--once", "--kubeconfig", &control_plane])?;
    assert_eq!(code, 1, "{stderr}");
    assert!(stderr.contains("run in another process already"), "{stderr}");

    let (first_log, second_log) = (directory.path().join("first.log"), directory.path().join("second.log"));
    for log in [&first_log, &second_log] {
        assert_eq!(page(log, "health", "/readyz").await?, (200, "ok".to_owned()));
    }
    let (_, metrics) = page(&first_log, "metrics", "/metrics").await?;
    assert!(
        metrics.contains("leader_election_master_status{name=\"karmada-controller-manager\"} 1"),
        "{metrics}"
    );
    assert!(metrics.contains("karmada_build_info{"), "{metrics}");
    assert!(metrics.contains("controller_runtime_reconcile_total{"), "{metrics}");
    let (_, metrics) = page(&second_log, "metrics", "/metrics").await?;
    assert!(
        metrics.contains("leader_election_master_status{name=\"karmada-controller-manager\"} 0"),
        "{metrics}"
    );
    for line in std::fs::read_to_string(&first_log)?.lines().filter(|line| line.starts_with('{')) {
        let line: Value = serde_json::from_str(line)?;
        assert!(line["ts"].is_number() && line["msg"].is_string(), "{line}");
    }

    first.kill()?;
    let successor = until(&hub, CONTROLLERS_LEASE, |lease| {
        lease["spec"]["holderIdentity"].is_string()
            && lease["spec"]["holderIdentity"] != leader["spec"]["holderIdentity"]
    })
    .await?;
    assert_eq!(successor["spec"]["leaseTransitions"], 1, "{successor}");
    // It does the work: what is propagated from now on arrives.
    let template = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "late", "namespace": "default", "labels": {"app": "shop"}}, "data": {},
    });
    send(&hub, "POST", "/api/v1/namespaces/default/configmaps", &template).await?;
    send(&hub, "POST", POLICIES, &policy("ConfigMap")).await?;
    let there = process::client(Path::new(&member)).await?;
    until(&there, "/api/v1/namespaces/default/configmaps/late", Value::is_object).await?;
    drop(second);
    Ok(())
}

#[test]
fn what_is_not_a_flag_value_is_refused_with_what_there_is() -> anyhow::Result<()> {
    for (argument, said) in [
        ("--feature-gates=Nope=true", "unrecognized feature gate: Nope; known are AllAlpha, AllBeta,"),
        ("--controllers=nope", "there is no controller \"nope\"; there are cluster, clusterStatus"),
        ("--leader-elect-lease-duration=5s", "the lease duration must be longer than the renew deadline"),
        ("--metrics-bind-address=nowhere", "is not an address"),
        ("--logging-format=xml", "possible values: text, json"),
    ] {
        let (code, _, stderr) = run(&["controllers", argument])?;
        assert_eq!(code, 2, "{argument}: {stderr}");
        assert!(stderr.contains(said), "{argument}: {stderr}");
    }
    Ok(())
}
