//! The way through the control plane to members: in whose name, what comes back, and members that are sick.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail where they stand, like tests")]

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use karmada_apiserver::server::Limits;
use karmadactl::embedded::{ApiOptions, EmbeddedOptions, EmbeddedServer, Storage};
use karmadactl::members::through_proxy;
use karmadactl::remote::{Ended, Message, Reader, Session, Streams, Writer, accept_of};
use kube::Client;
use kube::client::Body;
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};
use tokio::net::TcpListener;

const CLUSTERS: &str = "/apis/cluster.karmada.io/v1alpha1/clusters";

fn options() -> EmbeddedOptions {
    EmbeddedOptions {
        name: "control-plane".to_owned(),
        storage: Storage::Memory,
        listen: (Ipv4Addr::LOCALHOST, 0).into(),
        preferred: None,
        api: ApiOptions::default(),
        limits: Limits::default(),
    }
}

/// A member that says what it was asked, unless its path says what else it should do.
async fn start_member() -> anyhow::Result<String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let serving = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service_fn(answer))
                .with_upgrades();
            tokio::spawn(async move { drop(serving.await) });
        }
    });
    Ok(url)
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<bytes::Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    if path == "/hang" {
        std::future::pending::<()>().await;
    }
    if path.ends_with("/exec") {
        return Ok(upgrade(request));
    }
    let headers: Vec<(String, String)> = request
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    let said =
        json!({"method": request.method().as_str(), "uri": request.uri().to_string(), "headers": headers});
    let mut response = Response::new(Full::from(said.to_string()));
    if path == "/teapot" {
        *response.status_mut() = StatusCode::IM_A_TEAPOT;
    }
    Ok(response)
}

/// Echoes stdin to stdout until it ends; the command is the exit code.
fn upgrade(mut request: Request<Incoming>) -> Response<Full<bytes::Bytes>> {
    let code = request.uri().query().unwrap_or_default().split("command=").nth(1).unwrap_or("0").to_owned();
    let code = code.split('&').next().unwrap_or_default().to_owned();
    let key = request.headers()["sec-websocket-key"].to_str().unwrap_or_default().to_owned();
    let upgraded = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let (read, write) = tokio::io::split(TokioIo::new(upgraded.await.unwrap()));
        let (mut reader, mut writer) = (Reader::new(read), Writer::server(write));
        while let Ok(Message::Data(data)) = reader.next().await {
            match data.split_first() {
                Some((0, input)) => writer.send(&[&[1], input].concat()).await.unwrap(),
                Some((255, [0])) => break,
                _ => {}
            }
        }
        let status = json!({"status": "Failure", "reason": "NonZeroExitCode",
            "details": {"causes": [{"reason": "ExitCode", "message": code}]}});
        writer.send(&[&[3], status.to_string().as_bytes()].concat()).await.unwrap();
        writer.close().await.unwrap();
    });
    Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Accept", accept_of(&key))
        .header("Sec-WebSocket-Protocol", "v5.channel.k8s.io")
        .body(Full::default())
        .unwrap()
}

async fn send(
    client: &Client,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: Value,
) -> (StatusCode, Value) {
    let mut request = Request::builder().method(method).uri(path).header("Content-Type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let response = client.send(request.body(Body::from(bytes)).unwrap()).await.unwrap();
    let code = response.status();
    let bytes = response.into_body().collect_bytes().await.unwrap();
    (code, serde_json::from_slice(&bytes).unwrap_or_else(|_| Value::from(String::from_utf8_lossy(&bytes))))
}

async fn create(client: &Client, path: &str, object: Value) {
    let (code, answer) = send(client, Method::POST, path, &[], object).await;
    assert_eq!(code, StatusCode::CREATED, "{answer}");
}

/// Registers a member with an impersonator's token.
async fn register(client: &Client, name: &str, url: &str) {
    let secret = format!("{name}-impersonator");
    create(
        client,
        "/api/v1/namespaces/default/secrets",
        json!({"metadata": {"name": secret}, "data": {"token": STANDARD.encode("the-token")}}),
    )
    .await;
    let spec = json!({"syncMode": "Push", "apiEndpoint": url, "impersonatorSecretRef": {"namespace": "default", "name": secret}});
    let cluster = json!({"apiVersion": "cluster.karmada.io/v1alpha1", "kind": "Cluster", "metadata": {"name": name}, "spec": spec});
    create(client, CLUSTERS, cluster).await;
}

fn header<'a>(said: &'a Value, name: &str) -> Vec<&'a str> {
    let headers = said["headers"].as_array().into_iter().flatten();
    headers.filter(|pair| pair[0] == name).filter_map(|pair| pair[1].as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_is_asked_in_the_name_of_who_may() -> anyhow::Result<()> {
    let server = EmbeddedServer::karmada(&options()).await?;
    let client = server.client();
    register(&client, "m1", &start_member().await?).await;
    let path = format!("{CLUSTERS}/m1/proxy/api/v1/x%2Fy?a=b&watch=false");
    let ann = [("Impersonate-User", "ann"), ("Impersonate-Group", "dev")];

    let (code, refusal) = send(&client, Method::GET, &path, &ann, Value::Null).await;
    assert_eq!(code, StatusCode::FORBIDDEN);
    assert_eq!(
        refusal["message"],
        "clusters.cluster.karmada.io \"m1\" is forbidden: User \"ann\" cannot get resource \"clusters/proxy\" in API group \"cluster.karmada.io\" at the cluster scope"
    );

    let rbac = "/apis/rbac.authorization.k8s.io/v1";
    let rules =
        json!([{"apiGroups": ["cluster.karmada.io"], "resources": ["clusters/proxy"], "verbs": ["*"]}]);
    create(&client, &format!("{rbac}/clusterroles"), json!({"metadata": {"name": "proxy"}, "rules": rules}))
        .await;
    let binding = json!({"metadata": {"name": "proxy"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "proxy"},
        "subjects": [{"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "dev"}]});
    create(&client, &format!("{rbac}/clusterrolebindings"), binding).await;
    let (code, said) = send(&client, Method::PATCH, &path, &ann, json!({})).await;
    assert_eq!(code, StatusCode::OK, "{said}");
    assert_eq!((&said["method"], &said["uri"]), (&json!("PATCH"), &json!("/api/v1/x%2Fy?a=b&watch=false")));
    assert_eq!(header(&said, "authorization"), ["Bearer the-token"]);
    assert_eq!(header(&said, "impersonate-user"), ["ann"]);
    assert_eq!(header(&said, "impersonate-group"), ["dev"]);

    // What the member says is the answer, whatever it is.
    let (code, _) =
        send(&client, Method::GET, &format!("{CLUSTERS}/m1/proxy/teapot"), &[], Value::Null).await;
    assert_eq!(code, StatusCode::IM_A_TEAPOT);
    let (_, discovery) =
        send(&client, Method::GET, "/apis/cluster.karmada.io/v1alpha1", &[], Value::Null).await;
    assert!(discovery["resources"].as_array().unwrap().iter().any(|entry| entry["name"] == "clusters/proxy"));
    server.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn members_without_a_way_are_told_apart_and_hold_up_nobody() -> anyhow::Result<()> {
    let server = EmbeddedServer::karmada(&options()).await?;
    let client = server.client();
    register(&client, "well", &start_member().await?).await;
    register(&client, "gone", "http://127.0.0.1:1").await;
    let cluster = json!({"apiVersion": "cluster.karmada.io/v1alpha1", "kind": "Cluster", "metadata": {"name": "bare"},
        "spec": {"syncMode": "Push", "apiEndpoint": "https://127.0.0.1:1"}});
    create(&client, CLUSTERS, cluster).await;
    let get = |path: &str| {
        let (client, path) = (client.clone(), format!("{CLUSTERS}/{path}"));
        async move { send(&client, Method::GET, &path, &[], Value::Null).await }
    };
    let (code, said) = get("nope/proxy/version").await;
    assert_eq!(
        (code, &said["message"]),
        (StatusCode::NOT_FOUND, &json!("clusters.cluster.karmada.io \"nope\" not found"))
    );
    let (code, said) = get("gone/proxy/version").await;
    assert_eq!(code, StatusCode::SERVICE_UNAVAILABLE);
    assert!(said["message"].as_str().unwrap().contains("error trying to reach service: "), "{said}");
    let (code, said) = get("bare/proxy/version").await;
    assert_eq!(code, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(said["message"], "the impersonatorSecretRef of cluster bare is nil");

    let hanging: Vec<_> = (0..50).map(|_| tokio::spawn(get("well/proxy/hang"))).collect();
    let started = Instant::now();
    for _ in 0..20 {
        assert_eq!(get("well/proxy/version").await.0, StatusCode::OK);
    }
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    hanging.iter().for_each(tokio::task::JoinHandle::abort);
    server.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_runs_through_two_upgraded_connections() -> anyhow::Result<()> {
    karmadactl::install_crypto_provider();
    let server = EmbeddedServer::karmada(&options()).await?;
    register(&server.client(), "m1", &start_member().await?).await;
    let kubeconfig: Kubeconfig = serde_json::from_value(server.kubeconfig()?)?;
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    let client = through_proxy(&Client::try_from(config)?, "m1");

    let input: Vec<u8> = (0..200_000_u32).map(|n| n as u8).collect();
    let session = Session::open(&client, "/api/v1/namespaces/n/pods/p/exec?command=7&stdin=true").await?;
    let mut output = Vec::new();
    let streams = Streams { stdin: Some(&input[..]), stdout: &mut output, stderr: Vec::new(), sizes: None };
    assert_eq!(session.run(streams).await?, Ended::WithCode(7));
    assert!(output == input, "{} bytes came back", output.len());

    let refused = Session::open(&client, "/teapot").await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the server answered with 418 I'm a teapot where it should have opened a stream"
    );
    server.shutdown().await;
    Ok(())
}
