//! Karmada's components as processes of their own, against an API server in another process.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Method, Request};
use karmada_apiserver::auth::Authority;
use karmada_tests::ports;
use karmada_tests::process::{self, Server, path_text};
use karmadactl::install::webhook_configurations::{WebhookAddress, Webhooks};
use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_mins(1);
const POLICIES: &str = "/apis/policy.karmada.io/v1alpha1/namespaces/default/propagationpolicies";
const CLUSTERS: &str = "/apis/cluster.karmada.io/v1alpha1/clusters";
const NOWHERE: [&str; 2] = ["--metrics-bind-address=127.0.0.1:0", "--health-probe-bind-address=127.0.0.1:0"];

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

/// Runs the program, which must succeed.
fn run(arguments: &[&str]) -> anyhow::Result<()> {
    let output = process::run(&program(), arguments)?;
    anyhow::ensure!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// Starts a component and returns it with the address in its ready line.
fn start(directory: &Path, name: &str, arguments: &[&str]) -> anyhow::Result<(Server, String)> {
    let server = Server::start(&program(), arguments, &directory.join(format!("{name}.log")))?;
    let url = server.ready_line.split_whitespace().last().unwrap_or_default().to_owned();
    Ok((server, url))
}

/// Writes a certificate for loopback and its key, and returns the certificate in PEM.
fn write_certificate(directory: &Path) -> anyhow::Result<String> {
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names)?;
    std::fs::write(directory.join("tls.crt"), made.cert.pem())?;
    std::fs::write(directory.join("tls.key"), made.signing_key.serialize_pem())?;
    Ok(made.cert.pem())
}

/// Sends a request and returns the code and the answer, text where it is no JSON.
async fn send(
    client: &Client,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> anyhow::Result<(u16, Value)> {
    let mut request = Request::builder().method(method).uri(path);
    if !headers.iter().any(|(name, _)| *name == "Content-Type") {
        request = request.header("Content-Type", "application/json");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = client.send(request.body(Body::from(body))?).await?;
    let code = answer.status().as_u16();
    let bytes = answer.into_body().collect_bytes().await?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Ok((code, serde_json::from_str(&text).unwrap_or(Value::String(text))))
}

async fn post(client: &Client, path: &str, object: &Value) -> anyhow::Result<(u16, Value)> {
    send(client, Method::POST, path, &[], object.to_string().into_bytes()).await
}

/// Looks until `found` says yes; what was seen last is in the error.
async fn until(client: &Client, path: &str, found: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
    let late = Instant::now() + PATIENCE;
    loop {
        let object = karmadactl::raw::read(client, path).await?.unwrap_or_default();
        if found(&object) {
            return Ok(object);
        }
        if Instant::now() > late {
            bail!("{path} did not become what was waited for: {object}");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn policy(name: &str, placement: &Value) -> Value {
    json!({
        "apiVersion": "policy.karmada.io/v1alpha1", "kind": "PropagationPolicy",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "resourceSelectors": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "settings"}], "placement": placement,
        },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_webhook_completes_and_refuses_what_the_api_server_asks_it_about() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let (_server, control_plane) = serve(directory.path(), "control-plane")?;
    run(&["init", "--crds-only", "--kubeconfig", &control_plane])?;
    let certificate = write_certificate(directory.path())?;
    let cert_dir = directory.path().display().to_string();
    let arguments = [
        &["webhook", "--kubeconfig", &control_plane, "--bind-address=127.0.0.1", "--secure-port=0"][..],
        &["--cert-dir", &cert_dir, "--kube-api-qps=100", "--logging-format=json"],
        &NOWHERE,
    ]
    .concat();
    let (_webhook, url) = start(directory.path(), "webhook", &arguments)?;
    let log = std::fs::read_to_string(directory.path().join("webhook.log"))?;
    assert!(log.contains("warning: without effect here: --kube-api-qps"), "{log}");

    let hub = process::client(Path::new(&control_plane)).await?;
    let webhooks = Webhooks { address: WebhookAddress::Url(url.clone()), ca_pem: certificate.clone() };
    let registration = "/apis/admissionregistration.k8s.io/v1";
    for (plural, object) in [
        ("mutatingwebhookconfigurations", webhooks.mutating()),
        ("validatingwebhookconfigurations", webhooks.validating()),
    ] {
        let (code, answer) = post(&hub, &format!("{registration}/{plural}"), &object).await?;
        assert_eq!(code, 201, "{answer}");
    }
    let (code, made) = post(&hub, POLICIES, &policy("good", &json!({}))).await?;
    assert_eq!(code, 201, "{made}");
    assert_eq!(made["spec"]["resourceSelectors"][0]["namespace"], "default", "{made}");
    assert!(made["metadata"]["labels"]["propagationpolicy.karmada.io/permanent-id"].is_string(), "{made}");
    let bad = json!({"spreadConstraints": [{"spreadByField": "cluster", "minGroups": 3, "maxGroups": 1}]});
    let (code, refused) = post(&hub, POLICIES, &policy("bad", &bad)).await?;
    assert_eq!(code, 403, "{refused}");
    let message = refused["message"].as_str().unwrap_or_default();
    assert!(
        message.starts_with("admission webhook \"propagationpolicy.karmada.io\" denied the request: spec."),
        "{message}"
    );
    let protected = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "keep", "labels": {"resourcetemplate.karmada.io/deletion-protected": "Always"}},
    });
    post(&hub, "/api/v1/namespaces/default/configmaps", &protected).await?;
    let path = "/api/v1/namespaces/default/configmaps/keep";
    let (code, refused) = send(&hub, Method::DELETE, path, &[], Vec::new()).await?;
    assert_eq!(code, 403, "{refused}");

    // What is no review gets no decision.
    let mut config = Config::new(url.parse()?);
    config.root_cert = Some(vec![pem_bytes(&certificate)?]);
    let webhook = Client::try_from(config)?;
    for body in [
        "garbage",
        "{}",
        "[1]",
        r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":7}"#,
    ] {
        for path in ["/mutate-work", "/validate-propagationpolicy?timeout=3s", "/convert"] {
            let (code, answer) = send(&webhook, Method::POST, path, &[], body.as_bytes().to_vec()).await?;
            assert_eq!(code, 400, "{path} {body}: {answer}");
        }
    }
    assert_eq!(send(&webhook, Method::POST, "/nowhere", &[], Vec::new()).await?.0, 404);
    assert_eq!(send(&webhook, Method::GET, "/mutate-work", &[], Vec::new()).await?.0, 405);
    assert_eq!(send(&webhook, Method::GET, "/readyz/", &[], Vec::new()).await?.0, 200);
    Ok(())
}

fn pem_bytes(pem: &str) -> anyhow::Result<Vec<u8>> {
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    Ok(STANDARD.decode(body)?)
}

/// Starts a component that holds a lease, with short times.
fn start_loops(directory: &Path, control_plane: &str, command: &str, name: &str) -> anyhow::Result<Server> {
    let arguments = [
        &[command, "--kubeconfig", control_plane][..],
        &NOWHERE,
        &[
            "--leader-elect-lease-duration=3s",
            "--leader-elect-renew-deadline=2s",
            "--leader-elect-retry-period=200ms",
        ],
    ]
    .concat();
    Ok(start(directory, name, &arguments)?.0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_waits_for_a_control_plane_that_starts_later() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let path = |name: &str| path_text(directory.path(), name);
    let (address, data, kubeconfig) = (ports::free_address()?, path("data"), path("control-plane.config"));
    let log = directory.path().join("control-plane.log");
    let arguments =
        ["serve", "--api-only", "--data-dir", &data, "--listen", &address, "--kubeconfig", &kubeconfig];
    let server = Server::start(&program(), &arguments, &log)?;
    run(&["init", "--crds-only", "--kubeconfig", &kubeconfig])?;
    server.kill()?;

    let scheduler_log = directory.path().join("scheduler.log");
    let scheduler = std::thread::spawn({
        let (directory, kubeconfig) = (directory.path().to_owned(), kubeconfig.clone());
        move || start_loops(&directory, &kubeconfig, "scheduler", "scheduler")
    });
    let late = Instant::now() + PATIENCE;
    while !std::fs::read_to_string(&scheduler_log).unwrap_or_default().contains("no answer yet") {
        assert!(!scheduler.is_finished(), "{}", std::fs::read_to_string(&scheduler_log)?);
        assert!(Instant::now() < late, "{}", std::fs::read_to_string(&scheduler_log)?);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let _server = Server::start(&program(), &arguments, &log)?;
    let scheduler = tokio::task::spawn_blocking(|| scheduler.join()).await?;
    let scheduler = scheduler.map_err(|_| anyhow::anyhow!("the scheduler could not be started"))??;
    assert!(scheduler.ready_line.starts_with("ready:"), "{}", scheduler.ready_line);
    Ok(())
}

fn lease(name: &str) -> String {
    format!("/apis/coordination.k8s.io/v1/namespaces/karmada-system/leases/{name}")
}

#[tokio::test(flavor = "multi_thread")]
async fn controllers_and_scheduler_work_apart_and_others_take_over() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let (_server, control_plane) = serve(directory.path(), "control-plane")?;
    let (_member, member) = serve(directory.path(), "member1")?;
    run(&["init", "--crds-only", "--kubeconfig", &control_plane])?;
    run(&["join", "member1", "--cluster-kubeconfig", &member, "--kubeconfig", &control_plane])?;
    let hub = process::client(Path::new(&control_plane)).await?;
    let there = process::client(Path::new(&member)).await?;

    let first = start_loops(directory.path(), &control_plane, "controller-manager", "first")?;
    assert!(first.ready_line.starts_with("ready:"), "{}", first.ready_line);
    let second = start_loops(directory.path(), &control_plane, "controller-manager", "second")?;
    assert!(second.ready_line.starts_with("standing by"), "{}", second.ready_line);
    let leader = until(&hub, &lease("karmada-controller-manager"), |lease| {
        lease["spec"]["holderIdentity"].is_string()
    })
    .await?;

    let template = |value: &str| {
        json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": "default"}, "data": {"a": value},
        })
    };
    post(&hub, "/api/v1/namespaces/default/configmaps", &template("1")).await?;
    post(&hub, POLICIES, &policy("p", &json!({"clusterAffinity": {"clusterNames": ["member1"]}}))).await?;
    // Nobody schedules yet.
    let binding = "/apis/work.karmada.io/v1alpha2/namespaces/default/resourcebindings/settings-configmap";
    let made = until(&hub, binding, |binding| binding["spec"].is_object()).await?;
    assert!(made["spec"]["clusters"].is_null(), "{made}");
    assert!(karmadactl::raw::read(&hub, &lease("karmada-scheduler")).await?.is_none());

    let scheduler = start_loops(directory.path(), &control_plane, "scheduler", "scheduler")?;
    assert!(scheduler.ready_line.starts_with("ready:"), "{}", scheduler.ready_line);
    let arrived = "/api/v1/namespaces/default/configmaps/settings";
    until(&there, arrived, |object| object["data"]["a"] == "1").await?;
    assert!(karmadactl::raw::read(&hub, &lease("karmada-scheduler")).await?.is_some());
    let works = "/apis/work.karmada.io/v1alpha1/namespaces/karmada-es-member1/works";
    // There are others, which let users through to the member.
    let ours = |works: &Value| -> Vec<Value> {
        let items = works["items"].as_array().cloned().unwrap_or_default();
        let is_ours = |work: &Value| work["spec"]["workload"]["manifests"][0]["kind"] == "ConfigMap";
        items.into_iter().filter(is_ours).collect()
    };
    let before = until(&hub, works, |works| ours(works).len() == 1).await?;

    first.kill()?;
    let successor = until(&hub, &lease("karmada-controller-manager"), |lease| {
        lease["spec"]["holderIdentity"].as_str().is_some_and(|holder| !holder.is_empty())
            && lease["spec"]["holderIdentity"] != leader["spec"]["holderIdentity"]
    })
    .await?;
    assert_eq!(successor["spec"]["leaseTransitions"], 1, "{successor}");
    let path = "/api/v1/namespaces/default/configmaps/settings";
    let patch = [("Content-Type", "application/merge-patch+json")];
    let body = json!({"data": {"a": "2"}}).to_string().into_bytes();
    assert_eq!(send(&hub, Method::PATCH, path, &patch, body).await?.0, 200);
    until(&there, arrived, |object| object["data"]["a"] == "2").await?;
    // One change of the template, one of the Work: nothing was written for nothing by the successor.
    let after = until(&hub, works, |works| {
        ours(works).first().is_some_and(|work| work["spec"].to_string().contains("\"2\""))
    })
    .await?;
    let generation = |works: &Value| ours(works)[0]["metadata"]["generation"].as_i64().unwrap_or_default();
    assert_eq!(generation(&after), generation(&before) + 1, "{after}");
    assert_eq!(ours(&after).len(), 1);
    Ok(())
}

/// A client with a certificate that one authority signed, of a server that another vouches for.
async fn client_of(authority: &Authority, user: &str, url: &str, server_ca: &str) -> anyhow::Result<Client> {
    let mut kubeconfig = authority.kubeconfig("aggregated", url, user, &[])?;
    kubeconfig["clusters"][0]["cluster"]["certificate-authority-data"] = STANDARD.encode(server_ca).into();
    let kubeconfig: Kubeconfig = serde_json::from_value(kubeconfig)?;
    Ok(Client::try_from(Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?)?)
}

const MASTER: [(&str, &str); 2] = [("X-Remote-User", "ann"), ("X-Remote-Group", "system:masters")];
const JANE: [(&str, &str); 2] = [("X-Remote-User", "jane"), ("X-Remote-Group", "dev")];

#[tokio::test(flavor = "multi_thread")]
async fn clusters_are_served_to_those_whom_the_api_server_names_and_who_may() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let (_server, control_plane) = serve(directory.path(), "control-plane")?;
    let hub = process::client(Path::new(&control_plane)).await?;
    let (front, stranger) = (Authority::ephemeral("front")?, Authority::ephemeral("stranger")?);
    let config_map = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "extension-apiserver-authentication", "namespace": "kube-system"},
        "data": {
            "client-ca-file": stranger.pem(), "requestheader-client-ca-file": front.pem(),
            "requestheader-allowed-names": "[\"front-proxy-client\"]", "requestheader-username-headers": "[\"X-Remote-User\"]",
            "requestheader-group-headers": "[\"X-Remote-Group\"]", "requestheader-extra-headers-prefix": "[\"X-Remote-Extra-\"]",
        },
    });
    let config_maps = "/api/v1/namespaces/kube-system/configmaps";
    let (code, answer) = post(&hub, config_maps, &config_map).await?;
    if code == 409 {
        let body = json!({"data": config_map["data"]}).to_string().into_bytes();
        let path = format!("{config_maps}/extension-apiserver-authentication");
        let patch = [("Content-Type", "application/merge-patch+json")];
        assert_eq!(send(&hub, Method::PATCH, &path, &patch, body).await?.0, 200);
    } else {
        assert_eq!(code, 201, "{answer}");
    }
    let certificate = write_certificate(directory.path())?;
    let (file, key) = (path_text(directory.path(), "tls.crt"), path_text(directory.path(), "tls.key"));
    let arguments = [
        "aggregated-apiserver",
        "--kubeconfig",
        &control_plane,
        "--bind-address=127.0.0.1",
        "--secure-port=0",
        "--tls-cert-file",
        &file,
        "--tls-private-key-file",
        &key,
        "--etcd-servers=https://127.0.0.1:2379",
    ];
    let (_aggregated, url) = start(directory.path(), "aggregated", &arguments)?;
    let proxy = client_of(&front, "front-proxy-client", &url, &certificate).await?;

    let cluster = json!({
        "apiVersion": "cluster.karmada.io/v1alpha1", "kind": "Cluster", "metadata": {"name": "m1"}, "spec": {"syncMode": "Push"},
    });
    let body = cluster.to_string().into_bytes();
    let (code, made) = send(&proxy, Method::POST, CLUSTERS, &MASTER, body.clone()).await?;
    assert_eq!((code, &made["apiVersion"]), (201, &json!("cluster.karmada.io/v1alpha1")), "{made}");
    assert!(made["spec"]["resourceModels"].is_array(), "{made}");
    let stored = karmadactl::raw::read(&hub, "/apis/storage.karmada.io/v1alpha1/storedclusters/m1").await?;
    assert_eq!(stored.context("stored")?["metadata"]["uid"], made["metadata"]["uid"]);
    let watched = format!("{CLUSTERS}?watch=true&resourceVersion=0&timeoutSeconds=1");
    let (code, event) = send(&proxy, Method::GET, &watched, &MASTER, Vec::new()).await?;
    assert_eq!(
        (code, &event["type"], &event["object"]["kind"]),
        (200, &json!("ADDED"), &json!("Cluster")),
        "{event}"
    );

    // Who calls and what he may is the API server's to say.
    let (code, refused) = send(&proxy, Method::GET, CLUSTERS, &JANE, Vec::new()).await?;
    assert_eq!(code, 403, "{refused}");
    let (role, binding) = (
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "readers"},
            "rules": [{"apiGroups": ["cluster.karmada.io"], "resources": ["clusters"], "verbs": ["get"]}]}),
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "readers"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "readers"},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "dev"}]}),
    );
    let rbac = "/apis/rbac.authorization.k8s.io/v1";
    assert_eq!(post(&hub, &format!("{rbac}/clusterroles"), &role).await?.0, 201);
    assert_eq!(post(&hub, &format!("{rbac}/clusterrolebindings"), &binding).await?.0, 201);
    let one = format!("{CLUSTERS}/m1");
    assert_eq!(send(&proxy, Method::GET, &one, &JANE, Vec::new()).await?.0, 200);
    assert_eq!(send(&proxy, Method::DELETE, &one, &JANE, Vec::new()).await?.0, 403);
    let impersonating = [MASTER[0], MASTER[1], ("Impersonate-User", "root")];
    assert_eq!(send(&proxy, Method::GET, &one, &impersonating, Vec::new()).await?.0, 403);
    let impostor = client_of(&front, "someone-else", &url, &certificate).await?;
    assert_eq!(send(&impostor, Method::GET, &one, &MASTER, Vec::new()).await?.0, 401);

    // Members, documents, and what is not there.
    let (code, refused) =
        send(&proxy, Method::GET, &format!("{CLUSTERS}/m1/proxy/version"), &MASTER, Vec::new()).await?;
    assert_eq!(code, 503, "{refused}");
    assert_eq!(
        send(&proxy, Method::GET, &format!("{CLUSTERS}/m9/proxy/version"), &MASTER, Vec::new()).await?.0,
        404
    );
    let (code, resources) =
        send(&proxy, Method::GET, "/apis/cluster.karmada.io/v1alpha1", &JANE, Vec::new()).await?;
    assert_eq!((code, resources["resources"].as_array().map(Vec::len)), (200, Some(3)), "{resources}");
    for path in [
        "/api/v1/namespaces",
        "/apis/cluster.karmada.io/v1alpha1/clusters/..%2f..%2f..%2f..%2fapi%2fv1%2fnamespaces",
    ] {
        assert_eq!(send(&proxy, Method::GET, path, &MASTER, Vec::new()).await?.0, 404, "{path}");
    }
    let garbage = [MASTER[0], MASTER[1], ("Content-Type", "application/vnd.kubernetes.protobuf")];
    assert_eq!(send(&proxy, Method::POST, CLUSTERS, &garbage, b"k8s\0".to_vec()).await?.0, 415);
    assert_eq!(send(&proxy, Method::POST, CLUSTERS, &MASTER, b"garbage".to_vec()).await?.0, 400);
    assert_eq!(send(&proxy, Method::GET, "/readyz", &[], Vec::new()).await?.0, 200);
    Ok(())
}
