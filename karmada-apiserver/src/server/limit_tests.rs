//! Greedy, slow and broken clients, over real sockets.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use base64::Engine;
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tower::ServiceExt;

use super::{ApiServer, Limits, Listener, ServerConfig, Share, Traffic};
use crate::auth::UserInfo;

const SHORT: Duration = Duration::from_millis(300);
/// What must happen has happened by then, also on a busy machine.
const LATE: Duration = Duration::from_secs(30);
const MAPS: &str = "/api/v1/namespaces/default/configmaps";

async fn start(limits: Limits) -> (ApiServer, Listener) {
    let server = ApiServer::start(ServerConfig { limits, ..ServerConfig::default() }).await.unwrap();
    let listener = server.listen(([127, 0, 0, 1], 0).into()).await.unwrap();
    (server, listener)
}

/// Connects with the certificate of a user.
async fn connect(
    server: &ApiServer,
    listener: &Listener,
    groups: &[&str],
    alpn: &str,
) -> TlsStream<TcpStream> {
    let kubeconfig = server.kubeconfig(&listener.url(), "alice", groups).unwrap();
    let user = &kubeconfig["users"][0]["user"];
    let decode =
        |key: &str| base64::engine::general_purpose::STANDARD.decode(user[key].as_str().unwrap()).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(server.ca_pem().as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(
            vec![CertificateDer::from_pem_slice(&decode("client-certificate-data")).unwrap()],
            PrivateKeyDer::from_pem_slice(&decode("client-key-data")).unwrap(),
        )
        .unwrap();
    config.alpn_protocols = vec![alpn.as_bytes().to_vec()];
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    // What the kernel takes in for a client that does not read.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(64 << 10).unwrap();
    let stream = socket.connect(listener.local_addr()).await.unwrap();
    connector.connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap()
}

async fn admin(server: &ApiServer, listener: &Listener) -> TlsStream<TcpStream> {
    connect(server, listener, &["system:masters"], "http/1.1").await
}

/// Reads until the other side is done; a broken connection is an end too.
async fn read_all(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    let reading = async {
        while let Ok(read @ 1..) = stream.read(&mut piece).await {
            bytes.extend_from_slice(&piece[..read]);
        }
    };
    tokio::time::timeout(LATE, reading).await.expect("the connection stays open");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Sends one request and reads its answer.
async fn ask(stream: &mut TlsStream<TcpStream>, head: &str) -> String {
    stream.write_all(head.as_bytes()).await.unwrap();
    read_all(stream).await
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
}

/// Waits until the metrics have a line.
async fn until_metric(server: &ApiServer, line: &str) {
    let name = line.split([' ', '{']).next().unwrap_or_default();
    let late = Instant::now() + LATE;
    loop {
        let page = server.inner.print_metrics();
        if page.lines().any(|l| l == line) {
            return;
        }
        let found: Vec<&str> = page.lines().filter(|l| l.starts_with(name)).collect();
        assert!(Instant::now() < late, "{line} is not there: {found:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn until(what: &str, condition: impl Fn() -> bool) {
    let late = Instant::now() + LATE;
    while !condition() {
        assert!(Instant::now() < late, "{what} did not happen");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Sends a request in this process, as somebody who is limited.
async fn send(
    server: &ApiServer,
    method: Method,
    path: &str,
    body: impl Into<Body>,
) -> (StatusCode, http::HeaderMap, String) {
    let mut request = Request::builder().method(method).uri(path).body(body.into()).unwrap();
    request.extensions_mut().insert(crate::auth::PeerUser(UserInfo::admin()));
    let response = server.router().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    (parts.status, parts.headers, String::from_utf8_lossy(&bytes).into_owned())
}

fn map(name: &str, bytes: usize) -> String {
    json!({"metadata": {"name": name}, "data": {"k": "x".repeat(bytes)}}).to_string()
}

async fn fill(server: &ApiServer, count: usize) {
    for index in 0..count {
        let answer = send(server, Method::POST, MAPS, map(&format!("big-{index}"), 900_000)).await;
        assert_eq!(answer.0, StatusCode::CREATED, "{}", answer.2);
    }
}

#[tokio::test]
async fn bodies_and_objects_have_the_sizes_of_the_real_server() {
    let (server, _) = start(Limits::default()).await;
    let (code, _, body) = send(&server, Method::POST, MAPS, map("a", 3 << 20)).await;
    assert_eq!(code, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(
        serde_json::from_str::<Value>(&body).unwrap(),
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": 413,
            "message": "Request entity too large: limit is 3145728", "reason": "RequestEntityTooLarge"})
    );
    let pod = |bytes| {
        json!({"metadata": {"name": "p"},
        "spec": {"containers": [{"name": "c", "image": "i", "args": ["x".repeat(bytes)]}]}})
        .to_string()
    };
    let pods = "/api/v1/namespaces/default/pods";
    let message =
        |body: &str| serde_json::from_str::<Value>(body).unwrap()["message"].as_str().unwrap().to_owned();
    let (code, _, body) = send(&server, Method::POST, pods, pod(3 << 19)).await;
    assert_eq!((code.as_u16(), message(&body).as_str()), (500, "etcdserver: request is too large"));
    let (code, _, body) = send(&server, Method::POST, pods, pod(5 << 19)).await;
    assert_eq!(code.as_u16(), 500);
    assert!(
        message(&body).starts_with(
            "rpc error: code = ResourceExhausted desc = trying to send message larger than max ("
        )
    );
    let (code, _, _) = send(&server, Method::POST, &format!("{pods}?dryRun=All"), pod(5 << 19)).await;
    assert_eq!(code, StatusCode::CREATED);
    // Bodies of requests that have none are not read.
    let (code, _, _) = send(&server, Method::GET, MAPS, "x".repeat(4 << 20)).await;
    assert_eq!(code, StatusCode::OK);
}

#[tokio::test]
async fn long_heads_are_refused() {
    let (server, listener) = start(Limits::default()).await;
    let header =
        format!("GET /version HTTP/1.1\r\nHost: localhost\r\nX-Long: {}\r\n\r\n", "a".repeat(300 << 10));
    assert!(ask(&mut admin(&server, &listener).await, &header).await.starts_with("HTTP/1.1 431 "));
    let many: String = (0..200).map(|n| format!("X-{n}: a\r\n")).collect::<Vec<_>>().concat();
    let many = format!("GET /version HTTP/1.1\r\nHost: localhost\r\n{many}\r\n");
    assert!(ask(&mut admin(&server, &listener).await, &many).await.starts_with("HTTP/1.1 431 "));
    let path = get(&format!("/{}", "a".repeat(100 << 10)));
    assert!(ask(&mut admin(&server, &listener).await, &path).await.starts_with("HTTP/1.1 414 "));
    let fits = get(&format!("/api/v1/namespaces?x={}", "a".repeat(60 << 10)));
    assert!(ask(&mut admin(&server, &listener).await, &fits).await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn clients_that_begin_and_do_not_go_on_are_cut_off() {
    let (server, listener) = start(Limits {
        handshake_timeout: SHORT,
        first_request_timeout: SHORT,
        idle_timeout: SHORT,
        request_timeout: SHORT,
        ..Limits::default()
    })
    .await;
    // In the handshake.
    let mut silent = TcpStream::connect(listener.local_addr()).await.unwrap();
    silent.write_all(&[22, 3, 1]).await.unwrap();
    assert_eq!(read_all(&mut silent).await, "");
    until_metric(&server, "apiserver_tls_handshake_errors_total 1").await;
    // After it, without a word and in the middle of a head.
    assert_eq!(read_all(&mut admin(&server, &listener).await).await, "");
    read_all(&mut connect(&server, &listener, &[], "h2").await).await;
    let mut slow = admin(&server, &listener).await;
    assert_eq!(ask(&mut slow, "GET /version HTTP/1.1\r\nHost: local").await, "");
    // In the middle of a body.
    let mut slow = admin(&server, &listener).await;
    let head = format!("POST {MAPS} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{{");
    let answer = ask(&mut slow, &head).await;
    assert!(answer.starts_with("HTTP/1.1 504 "), "{answer}");
    // Between requests.
    let mut idle = admin(&server, &listener).await;
    let answer = ask(&mut idle, "GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test]
async fn clients_that_do_not_read_their_answers_are_cut_off_and_delay_nobody() {
    let (server, listener) =
        start(Limits { stall_timeout: SHORT, max_requests_inflight: 1, ..Limits::default() }).await;
    fill(&server, 20).await;
    for (alpn, cut) in [("http/1.1", 1), ("h2", 2)] {
        let mut greedy = connect(&server, &listener, &["system:masters"], alpn).await;
        // Nobody reads, and the connection stays open on this side until the server has cut it.
        let kept: Box<dyn std::any::Any> = if alpn == "h2" {
            let io = TokioIo::new(greedy);
            let (mut client, connection) =
                hyper::client::conn::http2::handshake::<_, _, Empty<Bytes>>(TokioExecutor::new(), io)
                    .await
                    .unwrap();
            let driving = tokio::spawn(connection);
            let request = Request::get(format!("https://localhost{MAPS}")).body(Empty::new()).unwrap();
            Box::new((client.send_request(request).await.unwrap(), driving))
        } else {
            greedy.write_all(get(MAPS).as_bytes()).await.unwrap();
            Box::new(greedy)
        };
        until_metric(&server, &format!("apiserver_connections_cut_total {cut}")).await;
        until_metric(&server, r#"apiserver_current_inflight_requests{request_kind="readOnly"} 0"#).await;
        drop(kept);
    }
    let answer = ask(&mut admin(&server, &listener).await, &get("/api/v1/namespaces/default")).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_that_nobody_reads_ends_and_one_that_waits_does_not() {
    let (server, listener) = start(Limits { stall_timeout: SHORT, ..Limits::default() }).await;
    let request = get(&format!("{MAPS}?watch=true"));
    let (mut deaf, mut listening) = (admin(&server, &listener).await, admin(&server, &listener).await);
    deaf.write_all(request.as_bytes()).await.unwrap();
    listening.write_all(get("/api/v1/namespaces/other/configmaps?watch=true").as_bytes()).await.unwrap();
    until_metric(&server, "apiserver_client_watches 2").await;
    // More than the buffers on the way hold, less than the history.
    fill(&server, 8).await;
    until_metric(&server, "apiserver_client_watches 1").await;
    let created = send(&server, Method::POST, "/api/v1/namespaces", r#"{"metadata":{"name":"other"}}"#).await;
    assert_eq!(created.0, StatusCode::CREATED);
    send(&server, Method::POST, "/api/v1/namespaces/other/configmaps", map("news", 1)).await;
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains(r#""name":"news""#) {
        let read = tokio::time::timeout(LATE, listening.read_buf(&mut seen)).await.expect("no news");
        assert!(read.unwrap() > 0, "the watch ended");
    }
}

#[tokio::test]
async fn there_are_so_many_connections_for_one_client() {
    let connections = Share { total: 3, each: 2 };
    let (server, listener) = start(Limits { connections, ..Limits::default() }).await;
    let first = admin(&server, &listener).await;
    let _second = admin(&server, &listener).await;
    let mut third = TcpStream::connect(listener.local_addr()).await.unwrap();
    assert_eq!(read_all(&mut third).await, "");
    until_metric(&server, "apiserver_connections_refused_total 1").await;
    drop(first);
    let late = Instant::now() + LATE;
    loop {
        // The place is free as soon as the server has seen the end of the first one.
        let mut stream = TcpStream::connect(listener.local_addr()).await.unwrap();
        let mut byte = [0];
        match tokio::time::timeout(Duration::from_millis(50), stream.read(&mut byte)).await {
            Err(_) => break,
            Ok(_) => assert!(Instant::now() < late, "the place does not become free"),
        }
    }
}

#[tokio::test]
async fn without_seats_clients_are_asked_to_come_back_and_probes_are_answered() {
    let (server, listener) =
        start(Limits { max_requests_inflight: 10, request_timeout: 4 * SHORT, ..Limits::default() }).await;
    let bob = Traffic::rank(&UserInfo { name: "bob".to_owned(), ..UserInfo::default() }, "", "pods");
    let eve = Traffic::rank(&UserInfo { name: "eve".to_owned(), ..UserInfo::default() }, "", "pods");
    let mut seats = Vec::new();
    for client in [&bob, &bob, &bob, &bob, &bob, &eve, &eve, &eve, &eve] {
        seats.push(server.inner.traffic.seat(client, "get", 0).await.unwrap());
    }
    // The last seat is the system's.
    let answer = ask(&mut admin(&server, &listener).await, &get("/api/v1/namespaces")).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let anybody = async || connect(&server, &listener, &["dev"], "http/1.1").await;
    for (path, start) in
        [("/version", "HTTP/1.1 429 "), ("/readyz", "HTTP/1.1 200 "), ("/livez", "HTTP/1.1 200 ")]
    {
        let answer = ask(&mut anybody().await, &get(path)).await;
        assert!(answer.starts_with(start), "{path}: {answer}");
        if answer.starts_with("HTTP/1.1 429 ") {
            assert!(
                answer.contains("retry-after: 1\r\n")
                    && answer.ends_with("\r\n\r\nToo many requests, please try again later.\n"),
                "{answer}"
            );
        }
    }
    // Who waits is served as soon as somebody has finished.
    let mut waiting = anybody().await;
    waiting.write_all(get("/version").as_bytes()).await.unwrap();
    until_metric(&server, r#"apiserver_current_inqueue_requests{request_kind="readOnly"} 1"#).await;
    seats.pop();
    assert!(read_all(&mut waiting).await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn watches_and_held_bodies_are_counted() {
    let (server, listener) = start(Limits {
        watches: Share { total: 10, each: 1 },
        body_bytes: Share { total: 2 << 20, each: 1 << 20 },
        ..Limits::default()
    })
    .await;
    let mut first = admin(&server, &listener).await;
    first.write_all(get(&format!("{MAPS}?watch=true")).as_bytes()).await.unwrap();
    until_metric(&server, "apiserver_client_watches 1").await;
    let second = ask(&mut admin(&server, &listener).await, &get(&format!("{MAPS}?watch=true"))).await;
    assert!(second.starts_with("HTTP/1.1 429 "), "{second}");
    drop(first);
    until_metric(&server, "apiserver_client_watches 0").await;
    let (code, headers, _) = send(&server, Method::POST, MAPS, map("a", 2 << 20)).await;
    assert_eq!((code.as_u16(), headers["retry-after"].to_str().unwrap()), (429, "1"));
    let (code, _, _) = send(&server, Method::POST, MAPS, map("a", 900_000)).await;
    assert_eq!(code, StatusCode::CREATED);
}

#[tokio::test]
async fn requests_take_no_longer_than_their_client_wants() {
    let (server, _) = start(Limits::default()).await;
    let (code, headers, body) =
        send(&server, Method::POST, &format!("{MAPS}?timeout=1ns"), map("a", 1)).await;
    assert_eq!(code, StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(headers["content-type"], "text/plain; charset=utf-8");
    assert_eq!(
        serde_json::from_str::<Value>(&body).unwrap(),
        json!({"metadata": {}, "status": "Failure", "reason": "Timeout", "details": {}, "code": 504,
            "message": "Timeout: request did not complete within the allotted timeout"})
    );
    let (code, _, _) = send(&server, Method::GET, &format!("{MAPS}/a"), "").await;
    assert_eq!(code, StatusCode::NOT_FOUND);
    for timeout in ["0", "-1s", "90s", "99999999h"] {
        let path = format!("{MAPS}?timeout={timeout}&dryRun=All");
        assert_eq!(send(&server, Method::POST, &path, map("a", 1)).await.0, StatusCode::CREATED, "{timeout}");
    }
    // More seconds than the clock can count.
    let request =
        Request::get(format!("{MAPS}?watch=true&timeoutSeconds={}", i64::MAX)).body(Body::empty()).unwrap();
    let response = server.router_as(UserInfo::admin()).oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test]
async fn streams_that_are_opened_and_reset_leave_nothing_behind() {
    let (server, listener) = start(Limits { streams: 20, ..Limits::default() }).await;
    let stream = connect(&server, &listener, &["system:masters"], "h2").await;
    let (client, connection) = hyper::client::conn::http2::handshake::<_, _, Empty<Bytes>>(
        TokioExecutor::new(),
        TokioIo::new(stream),
    )
    .await
    .unwrap();
    let driving = tokio::spawn(connection);
    let request =
        |path: &str| Request::get(format!("https://localhost{path}")).body(Empty::<Bytes>::new()).unwrap();
    for _ in 0..2000 {
        let mut client = client.clone();
        let answer = client.send_request(request(MAPS));
        // Dropped at its first pause.
        tokio::select! { biased; _ = answer => {}, () = tokio::task::yield_now() => {} }
        if client.is_closed() {
            break;
        }
    }
    let answer = ask(&mut admin(&server, &listener).await, &get("/api/v1/namespaces/default")).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    drop(client);
    until_metric(&server, r#"apiserver_current_inflight_requests{request_kind="readOnly"} 0"#).await;
    driving.abort();
}

#[tokio::test]
async fn a_server_that_stops_finishes_what_is_under_way_and_waits_for_nobody_else() {
    let (server, listener) = start(Limits { shutdown_timeout: 4 * SHORT, ..Limits::default() }).await;
    let (mut writing, mut watching, mut stuck, mut idle) = (
        admin(&server, &listener).await,
        admin(&server, &listener).await,
        admin(&server, &listener).await,
        admin(&server, &listener).await,
    );
    let body = map("last", 10);
    let head = format!("POST {MAPS} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n", body.len());
    let (first, rest) = body.split_at(5);
    writing.write_all(format!("{head}{first}").as_bytes()).await.unwrap();
    stuck.write_all(format!("{head}{first}").as_bytes()).await.unwrap();
    watching.write_all(get(&format!("{MAPS}?watch=true")).as_bytes()).await.unwrap();
    until_metric(&server, "apiserver_client_watches 1").await;
    let stopping = tokio::spawn({
        let server = server.clone();
        async move { server.shutdown().await }
    });
    until("the stop", || server.inner.shutdown.is_cancelled()).await;
    let ready = send(&server, Method::GET, "/readyz", "").await;
    assert_eq!(ready.0, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(ready.2.ends_with("[-]shutdown failed: reason withheld\nreadyz check failed\n"), "{}", ready.2);
    assert_eq!(send(&server, Method::GET, "/livez", "").await.0, StatusCode::OK);
    // The watch ends as streams end, not by a broken connection.
    assert!(read_all(&mut watching).await.ends_with("0\r\n\r\n"));
    assert_eq!(read_all(&mut idle).await, "");
    writing.write_all(rest.as_bytes()).await.unwrap();
    let answer = read_all(&mut writing).await;
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    tokio::time::timeout(LATE, stopping).await.expect("the server does not stop").unwrap();
    assert_eq!(read_all(&mut stuck).await, "");
    let refused = send(&server, Method::POST, MAPS, map("late", 1)).await;
    assert_eq!(refused.0, StatusCode::SERVICE_UNAVAILABLE);
}
