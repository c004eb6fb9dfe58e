//! `init`, `certs` and `deinit` against a host cluster of our own.
//!
//! The host is an API server without nodes and controllers: a loop here says what a kubelet and the controllers of
//! workloads would say. The API server that the installed pods would be is one of our own at the node port, with the
//! authority that `init` is given.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use karmada_tests::process::{self, Server, path_text};
use kube::Client;
use serde_json::{Value, json};

use crate::pull::send;

const NAMESPACE: &str = "karmada-system";
/// Kinds that an installation makes in its namespace.
const KINDS: [&str; 7] = [
    "/apis/apps/v1/namespaces/karmada-system/deployments",
    "/apis/apps/v1/namespaces/karmada-system/statefulsets",
    "/apis/policy/v1/namespaces/karmada-system/poddisruptionbudgets",
    "/api/v1/namespaces/karmada-system/services",
    "/api/v1/namespaces/karmada-system/secrets",
    "/api/v1/namespaces/karmada-system/serviceaccounts",
    "/api/v1/namespaces/karmada-system/configmaps",
];

fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_karmadactl-under-test"))
}

/// Runs the program, returning its exit code and what it printed; the loop goes on meanwhile.
async fn run(arguments: Vec<String>) -> anyhow::Result<(i32, String, String)> {
    let output = tokio::task::spawn_blocking(move || {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        process::run(&program(), &arguments)
    })
    .await??;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let code = output.status.code().context("ended by a signal")?;
    Ok((code, text(&output.stdout), text(&output.stderr)))
}

async fn list(client: &Client, path: &str) -> anyhow::Result<Vec<Value>> {
    let found = karmadactl::raw::read(client, path).await?.unwrap_or_default();
    Ok(found["items"].as_array().cloned().unwrap_or_default())
}

/// Says of every workload that its pods are new and ready, until it is dropped.
struct Workloads(tokio::task::JoinHandle<()>);

impl Workloads {
    fn start(client: Client) -> Self {
        Self(tokio::spawn(async move {
            loop {
                for kind in ["deployments", "statefulsets"] {
                    let items = list(&client, &format!("/apis/apps/v1/{kind}")).await.unwrap_or_default();
                    for item in items {
                        // The next round tries again what fails.
                        let _failed = settle(&client, kind, &item).await;
                    }
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }))
    }
}

impl Drop for Workloads {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn settle(client: &Client, kind: &str, item: &Value) -> anyhow::Result<()> {
    let generation = &item["metadata"]["generation"];
    if item["status"]["observedGeneration"] == *generation && !generation.is_null() {
        return Ok(());
    }
    let replicas = &item["spec"]["replicas"];
    let text = |field: &str| item["metadata"][field].as_str().unwrap_or_default().to_owned();
    let path = format!("/apis/apps/v1/namespaces/{}/{kind}/{}/status", text("namespace"), text("name"));
    let status = json!({"status": {
        "observedGeneration": generation, "replicas": replicas, "updatedReplicas": replicas,
        "readyReplicas": replicas, "availableReplicas": replicas,
    }});
    send(client, "PATCH", &path, &status).await?;
    Ok(())
}

/// A free port among those that a host cluster gives to Services.
fn node_port() -> anyhow::Result<u16> {
    let start = 30000 + u16::try_from(std::process::id() % 2000)?;
    (start..32767)
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .context("no free port among the node ports")
}

/// A host cluster with one node, and the API server that an installation leads to.
struct World {
    directory: tempfile::TempDir,
    host: Client,
    port: u16,
    _host_server: Server,
    _control_plane: Server,
    control_plane: Client,
}

impl World {
    async fn start() -> anyhow::Result<Self> {
        let directory = tempfile::tempdir()?;
        let path = |name: &str| path_text(directory.path(), name);
        let port = node_port()?;
        let host_arguments = ["serve", "--api-only", "--in-memory", "--kubeconfig", &path("host.config")];
        let host_server = Server::start(&program(), &host_arguments, &directory.path().join("host.log"))?;
        let listen = format!("127.0.0.1:{port}");
        let arguments = [
            "serve",
            "--api-only",
            "--durability",
            "async",
            "--data-dir",
            &path("control-plane"),
            "--listen",
            &listen,
            "--tls-san",
            "karmada.example.com",
            "--kubeconfig",
            &path("control-plane.config"),
        ];
        let control_plane =
            Server::start(&program(), &arguments, &directory.path().join("control-plane.log"))?;
        let host = process::client(Path::new(&path("host.config"))).await?;
        let hub = process::client(Path::new(&path("control-plane.config"))).await?;
        // No aggregated API server runs: this server serves its kind itself.
        let clusters = karmada_core::api::crds()
            .into_iter()
            .find(|crd| crd["metadata"]["name"] == "clusters.cluster.karmada.io")
            .context("there is no kind Cluster")?;
        send(&hub, "POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", &clusters).await?;
        let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {
            "name": "node-1", "labels": {"kubernetes.io/hostname": "node-1"}}});
        send(&host, "POST", "/api/v1/nodes", &node).await?;
        // New nodes are not ready until their kubelet says so.
        send(&host, "PATCH", "/api/v1/nodes/node-1", &json!({"spec": {"taints": null}})).await?;
        let status = json!({"status": {
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
            "conditions": [{"type": "Ready", "status": "True",
                "lastTransitionTime": "2026-01-01T00:00:00Z", "reason": "KubeletReady", "message": ""}],
        }});
        send(&host, "PATCH", "/api/v1/nodes/node-1/status", &status).await?;
        Ok(Self {
            directory,
            host,
            port,
            _host_server: host_server,
            _control_plane: control_plane,
            control_plane: hub,
        })
    }

    fn path(&self, name: &str) -> String {
        path_text(self.directory.path(), name)
    }

    /// `init` with the flags that lead to this world, and further ones.
    async fn init(&self, further: &[&str]) -> anyhow::Result<(i32, String, String)> {
        let mut arguments = vec![
            "init".to_owned(),
            format!("--kubeconfig={}", self.path("host.config")),
            format!("--port={}", self.port),
            format!("--karmada-data={}", self.path("data")),
            format!("--ca-cert-file={}", self.path("control-plane/pki/ca.crt")),
            format!("--ca-key-file={}", self.path("control-plane/pki/ca.key")),
        ];
        arguments.extend(further.iter().map(|flag| (*flag).to_owned()));
        run(arguments).await
    }

    async fn host_command(&self, words: &[&str]) -> anyhow::Result<(i32, String, String)> {
        let mut arguments: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        arguments.push(format!("--kubeconfig={}", self.path("host.config")));
        run(arguments).await
    }

    /// Resource versions of everything installed, by kind and name; what every namespace has is left out.
    async fn installed(&self) -> anyhow::Result<Vec<(String, String)>> {
        let mut found = Vec::new();
        for path in KINDS {
            for item in list(&self.host, path).await? {
                let text = |field: &str| item["metadata"][field].as_str().unwrap_or_default().to_owned();
                if !["default", "kube-root-ca.crt"].contains(&text("name").as_str()) {
                    found.push((format!("{path}/{}", text("name")), text("resourceVersion")));
                }
            }
        }
        Ok(found)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_control_plane_is_installed_once_renewed_and_removed_without_a_trace() -> anyhow::Result<()> {
    let world = World::start().await?;
    let workloads = Workloads::start(world.host.clone());

    let (code, stdout, stderr) = world.init(&["--dry-run=server"]).await?;
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.contains("statefulset.apps/etcd (dry run)"), "{stdout}");
    assert!(stderr.contains("ok: all permissions are there"), "{stderr}");
    assert!(world.installed().await?.is_empty());

    let (code, stdout, stderr) = world.init(&[]).await?;
    assert_eq!(code, 0, "{stdout}{stderr}");
    assert!(
        stdout.starts_with(&format!("the control plane is ready: https://127.0.0.1:{}", world.port)),
        "{stdout}"
    );
    let deployments = list(&world.host, KINDS[0]).await?;
    assert_eq!(deployments.len(), 6);
    let kubeconfig = world.path("data/karmada-apiserver.config");
    // The kubeconfig works, and what belongs into the control plane is there.
    let (code, stdout, stderr) =
        run(vec!["get".into(), "namespaces".into(), format!("--kubeconfig={kubeconfig}")]).await?;
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.contains("karmada-cluster") && stdout.contains("kube-public"), "{stdout}");
    for path in [
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/works.work.karmada.io",
        "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/mutating-config",
        "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/validating-config",
        "/apis/apiregistration.k8s.io/v1/apiservices/v1alpha1.cluster.karmada.io",
        "/api/v1/namespaces/kube-public/configmaps/cluster-info",
        "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:karmada:agent-rbac-generator",
    ] {
        let found = karmadactl::raw::read(&world.control_plane, path).await?;
        assert!(found.is_some(), "{path}");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&kubeconfig)?.permissions().mode() & 0o777, 0o600);
    }

    // Again: nothing is written.
    let before = world.installed().await?;
    let (code, stdout, stderr) = world.init(&[]).await?;
    assert_eq!(code, 0, "{stdout}{stderr}");
    assert!(stdout.contains("(0 objects created, 0 configured, "), "{stdout}{stderr}");
    assert_eq!(world.installed().await?, before);
    // Another image: only that Deployment is written.
    let (code, stdout, stderr) = world.init(&["--karmada-scheduler-image=registry.example/other:2"]).await?;
    assert_eq!(code, 0, "{stdout}{stderr}");
    assert!(stdout.contains("(0 objects created, 1 configured, "), "{stdout}{stderr}");

    certificates(&world, &kubeconfig).await?;

    let (code, stdout, _) = world.host_command(&["deinit", "--dry-run"]).await?;
    assert_eq!(code, 0);
    assert!(stdout.contains("deployment.apps/karmada-apiserver deleted (dry run)"), "{stdout}");
    let (code, _, stderr) = world.host_command(&["deinit"]).await?;
    assert_eq!(code, 1, "nobody says yes");
    assert!(stderr.contains("nothing was removed"), "{stderr}");
    assert!(!world.installed().await?.is_empty());
    let (code, stdout, stderr) = world.host_command(&["deinit", "-f", "--purge-namespace"]).await?;
    assert_eq!(code, 0, "{stdout}{stderr}");
    assert!(world.installed().await?.is_empty());
    let namespace = karmadactl::raw::read(&world.host, &format!("/api/v1/namespaces/{NAMESPACE}")).await?;
    assert!(namespace.is_none());
    let (code, _, stderr) = world.host_command(&["deinit", "-f"]).await?;
    assert_eq!((code, stderr.contains("nothing of karmadactl init")), (0, true), "{stderr}");
    drop(workloads);
    Ok(())
}

/// Looks at the certificates and replaces them.
async fn certificates(world: &World, kubeconfig: &str) -> anyhow::Result<()> {
    let (code, stdout, stderr) = world.host_command(&["certs", "check"]).await?;
    assert_eq!(code, 0, "{stdout}{stderr}");
    assert!(stdout.contains("front-proxy-client"), "{stdout}");
    let (code, _, stderr) = world.host_command(&["certs", "check", "--within=10000h"]).await?;
    assert_eq!(code, 1);
    assert!(stderr.contains("ending or over: "), "{stderr}");
    let old = std::fs::read_to_string(kubeconfig)?;
    let data = format!("--karmada-data={}", world.path("data"));
    let renew = ["certs", "renew", &data, "--cert-validity-period=700d"];
    let (code, stdout, stderr) = world.host_command(&renew).await?;
    assert_eq!(code, 0, "{stdout}{stderr}");
    assert!(stdout.contains("7 components replaced"), "{stdout}");
    let (code, stdout, stderr) = world.host_command(&["certs", "check", "--within=10000h"]).await?;
    assert_eq!(code, 0, "{stdout}{stderr}");
    assert_ne!(std::fs::read_to_string(kubeconfig)?, old);
    let (code, _, stderr) =
        run(vec!["get".into(), "namespaces".into(), format!("--kubeconfig={kubeconfig}")]).await?;
    assert_eq!(code, 0, "the new certificate is accepted: {stderr}");
    // A renewal that did not reach everything is gone on with.
    let renewed = std::fs::read_to_string(kubeconfig)?;
    let path = format!("/apis/apps/v1/namespaces/{NAMESPACE}/deployments/karmada-scheduler");
    let annotations = json!({"karmada.io/mounted-secrets": "0"});
    let older = json!({"spec": {"template": {"metadata": {"annotations": annotations}}}});
    send(&world.host, "PATCH", &path, &older).await?;
    let (code, stdout, stderr) = world.host_command(&renew).await?;
    assert_eq!(code, 0, "{stdout}{stderr}");
    assert!(stderr.contains("note: an earlier renewal did not reach karmada-scheduler"), "{stderr}");
    assert!(stdout.contains("1 component replaced"), "{stdout}");
    assert_eq!(std::fs::read_to_string(kubeconfig)?, renewed);
    // An installation after that keeps what was renewed.
    let (code, stdout, stderr) = world.init(&["--karmada-scheduler-image=registry.example/other:2"]).await?;
    assert_eq!(code, 0, "{stdout}{stderr}");
    assert!(!stderr.contains("new certificates"), "{stderr}");
    assert!(stdout.contains("(0 objects created, 0 configured, "), "{stdout}{stderr}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_installation_that_cannot_work_is_refused_or_taken_back() -> anyhow::Result<()> {
    let world = World::start().await?;
    let refused = async |flags: &[&str], reason: &str| -> anyhow::Result<()> {
        let (code, stdout, stderr) = world.init(flags).await?;
        if code != 1 || !stderr.contains(reason) {
            bail!("{flags:?}: exit code {code}, {stdout}{stderr}");
        }
        assert!(world.installed().await?.is_empty());
        Ok(())
    };
    refused(&["--etcd-storage-mode=PVC"], "error: the host cluster has no default storage class").await?;
    refused(&["--etcd-storage-mode=PVC", "--storage-classes-name=x"], "the storage class x does not exist")
        .await?;
    refused(&["--etcd-replicas=3"], "needs 3 nodes that are ready and take pods, there is 1").await?;

    // Nothing becomes ready: what was made is removed, and the error says where it stopped.
    let (code, _, stderr) = world.init(&["--wait-component-ready-timeout=1s"]).await?;
    assert_eq!(code, 1);
    assert!(stderr.contains("error: etcd was not ready within 1 seconds: 0 of 1 pod ready"), "{stderr}");
    assert!(stderr.contains("removing the "), "{stderr}");
    assert!(world.installed().await?.is_empty());
    assert!(!Path::new(&world.path("data/karmada-apiserver.config")).exists());

    // What a run before left is gone on with.
    let (code, _, _) = world.init(&["--wait-component-ready-timeout=1s", "--keep-on-failure"]).await?;
    assert_eq!(code, 1);
    let kept = world.installed().await?;
    assert!(!kept.is_empty());
    let _workloads = Workloads::start(world.host.clone());
    let (code, stdout, stderr) = world.init(&[]).await?;
    assert_eq!(code, 0, "{stdout}{stderr}");
    assert!(!stderr.contains("new certificates"), "{stderr}");

    let other = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "other", "namespace": "default"},
        "spec": {"type": "NodePort", "ports": [{"name": "p", "port": 80, "nodePort": 32001, "protocol": "TCP"}]}});
    send(&world.host, "POST", "/api/v1/namespaces/default/services", &other).await?;
    let (code, _, stderr) = world.init(&["--port=32001"]).await?;
    assert_eq!(code, 1, "{stderr}");
    assert!(stderr.contains("error: the node port 32001 is taken by the service default/other"), "{stderr}");
    assert!(stderr.contains("hint: choose another one with --port"), "{stderr}");
    Ok(())
}
