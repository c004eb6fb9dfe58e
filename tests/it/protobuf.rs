//! A real kubectl over TLS: it sends and asks for protobuf, and gets what it gets with JSON.

#![expect(
    clippy::unwrap_used,
    clippy::explicit_write,
    reason = "helpers of tests fail where they stand, like tests, and print no other way"
)]

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Output, Stdio};

use karmada_apiserver::{ApiServer, Controllers, ServerConfig};
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// Objects that kubectl makes from arguments: it sends each as protobuf.
const GENERATORS: &[&[&str]] = &[
    &["configmap", "settings", "--from-literal=color=blue"],
    &["secret", "generic", "password", "--from-literal=p=x"],
    &["deployment", "web", "--image=nginx:1.29", "--replicas=2", "--port=80"],
    &["serviceaccount", "robot"],
    &["role", "reader", "--verb=get,list", "--resource=pods,deployments.apps"],
    &["rolebinding", "readers", "--role=reader", "--serviceaccount=team:robot", "--user=jane"],
    &["job", "once", "--image=busybox", "--", "sleep", "1"],
    &["cronjob", "nightly", "--image=busybox", "--schedule=0 3 * * *", "--", "date"],
    &["quota", "limits", "--hard=pods=3,requests.cpu=500m"],
    &["poddisruptionbudget", "calm", "--selector=app=web", "--min-available=50%"],
    &["ingress", "front", "--rule=example.com/*=web:80"],
    &["service", "clusterip", "back", "--tcp=80:8080", "--clusterip=None"],
];

/// A server and the configuration of kubectl for it.
struct Setup {
    server: ApiServer,
    directory: tempfile::TempDir,
}

impl Setup {
    async fn start() -> (Self, karmada_apiserver::Listener) {
        let config = ServerConfig { controllers: Controllers::ApiServer, ..ServerConfig::default() };
        let server = ApiServer::start(config).await.unwrap();
        let listener = server.listen(([127, 0, 0, 1], 0).into()).await.unwrap();
        let directory = tempfile::tempdir().unwrap();
        let kubeconfig = server.kubeconfig(&listener.url(), "admin", &["system:masters"]).unwrap();
        std::fs::write(directory.path().join("config"), kubeconfig.to_string()).unwrap();
        (Self { server, directory }, listener)
    }

    async fn kubectl(&self, arguments: &[&str], input: Option<&[u8]>) -> Output {
        let config: PathBuf = self.directory.path().join("config");
        let mut child = Command::new("kubectl")
            .args(arguments)
            .env("HOME", self.directory.path())
            .env("KUBECONFIG", config)
            .stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        if let (Some(input), Some(mut stdin)) = (input, child.stdin.take()) {
            stdin.write_all(input).await.unwrap();
        }
        child.wait_with_output().await.unwrap()
    }

    /// Runs kubectl, checks its exit code and returns what it printed.
    async fn run(&self, arguments: &[&str], code: i32) -> String {
        let output = self.kubectl(arguments, None).await;
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        assert_eq!(output.status.code(), Some(code), "kubectl {arguments:?}: {text}");
        text
    }

    /// Returns an object without what differs between two of the same making.
    async fn object(&self, namespace: &str, kind: &str, name: &str) -> Value {
        let text =
            self.run(&["get", kind, name, "-n", namespace, "-o", "json", "--show-managed-fields"], 0).await;
        let object: Value = serde_json::from_str(&text).unwrap();
        // Labels of jobs hold their uid.
        let uid = object["metadata"]["uid"].as_str().unwrap();
        let mut object: Value = serde_json::from_str(&text.replace(uid, "<uid>")).unwrap();
        let metadata = object["metadata"].as_object_mut().unwrap();
        for key in ["uid", "resourceVersion", "creationTimestamp", "namespace"] {
            assert!(metadata.remove(key).is_some(), "{kind} has {key}");
        }
        for entry in metadata.get_mut("managedFields").and_then(Value::as_array_mut).into_iter().flatten() {
            entry["time"] = Value::Null;
        }
        object
    }
}

/// Runs a test with a server, or says that there is no kubectl to run it with.
async fn start(test: &str) -> Option<(Setup, karmada_apiserver::Listener)> {
    if Command::new("kubectl").args(["version", "--client"]).output().await.is_err() {
        writeln!(std::io::stderr(), "skipped: {test} (kubectl is not on the PATH)").unwrap();
        return None;
    }
    Some(Setup::start().await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubectl_creates_the_same_objects_by_protobuf_and_by_json() {
    let Some((setup, listener)) = start("kubectl_creates_the_same_objects_by_protobuf_and_by_json").await
    else {
        return;
    };
    for namespace in ["proto", "text"] {
        setup.run(&["create", "namespace", namespace], 0).await;
    }
    for generator in GENERATORS {
        let kind = generator[0];
        let name = if matches!(kind, "secret" | "service") { generator[2] } else { generator[1] };
        let create = |rest: &[&'static str]| {
            // Flags stand before the arguments of a container.
            let split = generator.iter().position(|part| *part == "--").unwrap_or(generator.len());
            [&["create"], &generator[..split], rest, &generator[split..]].concat()
        };
        let created = setup.run(&create(&["-n", "proto"]), 0).await;
        assert!(created.contains(&format!("/{name} created")), "{created}");
        let text = setup.run(&create(&["-n", "text", "--dry-run=client", "-o", "json"]), 0).await;
        let output = setup.kubectl(&["create", "-n", "text", "-f", "-"], Some(text.as_bytes())).await;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(setup.object("proto", kind, name).await, setup.object("text", kind, name).await);
        let again = setup.run(&create(&["-n", "proto"]), 1).await;
        assert!(again.contains("(AlreadyExists)") || again.contains("already exists"), "{again}");
    }
    listener.stop();
    setup.server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubectl_asks_for_rights_and_tokens_and_describes_by_protobuf() {
    let Some((setup, listener)) = start("kubectl_asks_for_rights_and_tokens_and_describes_by_protobuf").await
    else {
        return;
    };
    assert_eq!(setup.run(&["auth", "can-i", "create", "pods"], 0).await.trim(), "yes");
    assert!(setup.run(&["auth", "can-i", "create", "pods", "--as=jane"], 1).await.contains("no"));
    assert!(setup.run(&["auth", "can-i", "--list"], 0).await.contains("*.*"));
    assert!(setup.run(&["auth", "whoami"], 0).await.contains("system:masters"));
    setup.run(&["create", "namespace", "team"], 0).await;
    setup.run(&["create", "serviceaccount", "robot", "-n", "team"], 0).await;
    let token = setup.run(&["create", "token", "robot", "-n", "team", "--duration=30m"], 0).await;
    assert_eq!(token.trim().split('.').count(), 3);
    setup.run(&["create", "clusterrole", "readers", "--verb=get", "--resource=pods"], 0).await;
    setup.run(&["create", "priorityclass", "high", "--value=10"], 0).await;
    setup.run(&["create", "deployment", "web", "--image=nginx", "-n", "team"], 0).await;
    setup.run(&["expose", "deployment", "web", "--port=80", "-n", "team"], 0).await;
    setup.run(&["autoscale", "deployment", "web", "--max=3", "-n", "team"], 0).await;
    setup.run(&["scale", "deployment", "web", "--replicas=2", "-n", "team"], 0).await;
    assert!(setup.run(&["describe", "deployment", "web", "-n", "team"], 0).await.contains("2 desired"));
    assert!(setup.run(&["describe", "namespace", "team"], 0).await.contains("Active"));
    assert!(setup.run(&["events", "-n", "team"], 0).await.contains("No events"));
    let missing = setup.run(&["create", "token", "nobody", "-n", "team"], 1).await;
    assert!(missing.contains("NotFound") || missing.contains("not found"), "{missing}");
    setup.run(&["delete", "deployment", "web", "-n", "team"], 0).await;
    listener.stop();
    setup.server.shutdown().await;
}
