//! Webhooks that misbehave, and those that do not, against a whole server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Request;
use http_body_util::BodyExt as _;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use crate::auth::{Authority, UserInfo};
use crate::{ApiServer, Controllers, ServerConfig};

type Answer = Arc<dyn Fn(Value) -> String + Send + Sync>;

/// A webhook for tests: TLS by an authority of its own.
struct Hook {
    address: SocketAddr,
    bundle: String,
    connections: Arc<AtomicUsize>,
}

/// How a webhook answers.
#[derive(Clone)]
enum Behaviour {
    /// With this body.
    Answer(Answer),
    /// With these bytes on the wire, then the end.
    Bytes(Vec<u8>),
    /// Never, after the handshake.
    Hang,
    /// Without TLS.
    Plain,
    /// Accepts and does not even shake hands.
    Silent,
}

impl Hook {
    async fn start(behaviour: Behaviour) -> Self {
        let authority = Authority::ephemeral("hook").unwrap();
        let tls = TlsAcceptor::from(Arc::new(authority.tls(&[[127, 0, 0, 1].into()]).unwrap()));
        Self::serve(behaviour, tls, STANDARD.encode(authority.pem())).await
    }

    async fn serve(behaviour: Behaviour, tls: TlsAcceptor, bundle: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let count = connections.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(converse(stream, tls.clone(), behaviour.clone()));
            }
        });
        Self { address, bundle, connections }
    }

    /// A webhook that answers reviews with what `response` says.
    async fn answering(response: impl Fn(&Value) -> Value + Send + Sync + 'static) -> Self {
        let answer = move |review: Value| {
            let mut response = response(&review);
            response["uid"] = review["request"]["uid"].clone();
            json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response})
                .to_string()
        };
        Self::start(Behaviour::Answer(Arc::new(answer))).await
    }

    fn webhook(&self, name: &str) -> Value {
        json!({"name": format!("{name}.example.com"), "admissionReviewVersions": ["v1"], "sideEffects": "None",
            "timeoutSeconds": 1,
            "clientConfig": {"url": format!("https://{}/{name}", self.address), "caBundle": self.bundle},
            "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["configmaps"]}]})
    }
}

async fn converse(stream: TcpStream, tls: TlsAcceptor, behaviour: Behaviour) {
    let forever = || tokio::time::sleep(Duration::from_mins(5));
    let answer = match behaviour {
        Behaviour::Silent => {
            forever().await;
            return drop(stream);
        }
        Behaviour::Plain => {
            let mut stream = stream;
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
            return;
        }
        Behaviour::Hang => {
            let stream = tls.accept(stream).await;
            forever().await;
            return drop(stream);
        }
        Behaviour::Bytes(bytes) => {
            let Ok(mut stream) = tls.accept(stream).await else { return };
            let mut buffer = vec![0; 65536];
            drop(stream.read(&mut buffer).await);
            drop(stream.write_all(&bytes).await);
            return drop(stream.shutdown().await);
        }
        Behaviour::Answer(answer) => answer,
    };
    let Ok(stream) = tls.accept(stream).await else { return };
    let router = Router::new().fallback(move |request: Request<Body>| {
        let answer = answer.clone();
        async move {
            let bytes = request.into_body().collect().await.unwrap().to_bytes();
            ([("content-type", "application/json")], answer(serde_json::from_slice(&bytes).unwrap()))
        }
    });
    let service = hyper::service::service_fn(move |request: Request<hyper::body::Incoming>| {
        router.clone().oneshot(request.map(Body::new))
    });
    let connection = auto::Builder::new(TokioExecutor::new());
    drop(connection.serve_connection(TokioIo::new(stream), service).await);
}

async fn server() -> ApiServer {
    let config = ServerConfig { controllers: Controllers::ApiServer, ..ServerConfig::default() };
    ApiServer::start(config).await.unwrap()
}

/// Sends a request and returns its status, body and warnings.
async fn send(server: &ApiServer, method: &str, path: &str, body: &Value) -> (u16, Value, Vec<String>) {
    let content_type = match (method, body.is_array()) {
        ("PATCH", true) => "application/json-patch+json",
        ("PATCH", false) => "application/merge-patch+json",
        _ => "application/json",
    };
    let request = Request::builder().method(method).uri(path).header("content-type", content_type);
    let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
    let response = server.router_as(UserInfo::admin()).oneshot(request.body(body).unwrap()).await.unwrap();
    let warnings = response.headers().get_all("warning").iter();
    let warnings = warnings.map(|warning| warning.to_str().unwrap().to_owned()).collect();
    let status = response.status().as_u16();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null), warnings)
}

async fn configure(server: &ApiServer, kind: &str, webhooks: &[Value]) {
    let plural = format!("{}s", kind.to_lowercase());
    let path = format!("/apis/admissionregistration.k8s.io/v1/{plural}");
    let configuration = json!({"metadata": {"name": "test"}, "webhooks": webhooks});
    let (status, answer, _) = send(server, "POST", &path, &configuration).await;
    assert_eq!(status, 201, "{answer}");
}

async fn create(server: &ApiServer, name: &str, data: Value) -> (u16, Value, Vec<String>) {
    let map = json!({"metadata": {"name": name}, "data": data});
    send(server, "POST", "/api/v1/namespaces/default/configmaps", &map).await
}

fn message(answer: &Value) -> String {
    answer["message"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_webhook_that_misbehaves_fails_the_request_in_time_and_bounds() {
    let huge = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{}",
        64 << 20,
        "[".repeat(17 << 20)
    );
    let rows: Vec<(Behaviour, &str)> = vec![
        (Behaviour::Hang, "context deadline exceeded"),
        (Behaviour::Silent, "context deadline exceeded"),
        (Behaviour::Plain, "tls: first record does not look like a TLS handshake"),
        (Behaviour::Bytes(Vec::new()), "EOF"),
        (Behaviour::Bytes(b"\x00\xff garbage\r\n\r\n".to_vec()), "malformed HTTP response"),
        (Behaviour::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{".to_vec()), "unexpected EOF"),
        (Behaviour::Bytes(huge.into_bytes()), "the answer has more than 16777216 bytes"),
        (Behaviour::Answer(Arc::new(|_| "[[[".to_owned())), "couldn't get version/kind; json parse error"),
    ];
    for (index, (behaviour, expected)) in rows.into_iter().enumerate() {
        let server = server().await;
        let hook = Hook::start(behaviour).await;
        configure(&server, "ValidatingWebhookConfiguration", &[hook.webhook("bad")]).await;
        let started = Instant::now();
        let (status, answer, _) = create(&server, "x", json!({})).await;
        assert!(started.elapsed() < Duration::from_secs(20), "row {index}");
        assert_eq!(status, 500, "row {index}: {answer}");
        let start =
            "Internal error occurred: failed calling webhook \"bad.example.com\": failed to call webhook: ";
        assert!(
            message(&answer).starts_with(start) && message(&answer).contains(expected),
            "row {index}: {answer}"
        );
        // What may fail is ignored.
        let path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/test";
        let ignore = json!([{"op": "add", "path": "/webhooks/0/failurePolicy", "value": "Ignore"}]);
        assert_eq!(send(&server, "PATCH", path, &ignore).await.0, 200);
        assert_eq!(create(&server, "x", json!({})).await.0, 201, "row {index}");
    }
}

#[tokio::test]
async fn nobody_waits_for_a_webhook_that_others_wait_for() {
    let server = server().await;
    let hook = Hook::start(Behaviour::Hang).await;
    configure(&server, "ValidatingWebhookConfiguration", &[hook.webhook("slow")]).await;
    let waiting = tokio::spawn({
        let server = server.clone();
        async move { create(&server, "x", json!({})).await.0 }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    let started = Instant::now();
    let secret = json!({"metadata": {"name": "s"}});
    assert_eq!(send(&server, "POST", "/api/v1/namespaces/default/secrets", &secret).await.0, 201);
    assert_eq!(send(&server, "GET", "/api/v1/namespaces/default/configmaps", &Value::Null).await.0, 200);
    assert!(started.elapsed() < Duration::from_millis(800));
    assert_eq!(waiting.await.unwrap(), 500);
}

#[tokio::test]
async fn connections_are_used_again_and_replaced_when_they_are_gone() {
    let server = server().await;
    let hook = Hook::answering(|_| json!({"allowed": true})).await;
    configure(&server, "ValidatingWebhookConfiguration", &[hook.webhook("ok")]).await;
    for index in 0..5 {
        assert_eq!(create(&server, &format!("x{index}"), json!({})).await.0, 201);
    }
    assert_eq!(hook.connections.load(Ordering::Relaxed), 1);
    // This one closes each connection after its answer.
    let body = json!({"response": {"allowed": false}}).to_string();
    let bytes = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let closing = Hook::start(Behaviour::Bytes(bytes.into_bytes())).await;
    let mut webhook = closing.webhook("closing");
    webhook["admissionReviewVersions"] = json!(["v1beta1"]);
    let path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/test";
    let patch = json!([{"op": "replace", "path": "/webhooks/0", "value": webhook}]);
    let (status, answer, _) = send(&server, "PATCH", path, &patch).await;
    assert_eq!(status, 200, "{answer}");
    for _ in 0..3 {
        let (status, answer, _) = create(&server, "y", json!({})).await;
        let expected = "admission webhook \"closing.example.com\" denied the request without explanation";
        assert_eq!((status, message(&answer).as_str()), (400, expected));
    }
    assert_eq!(closing.connections.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn a_certificate_that_signed_itself_is_trusted_when_it_is_the_bundle() {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let certificate = params.self_signed(&key).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let private = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private)
        .unwrap();
    let answer: Answer = Arc::new(|review| {
        json!({"response": {"uid": review["request"]["uid"], "allowed": true}}).to_string()
    });
    let bundle = STANDARD.encode(certificate.pem());
    let hook = Hook::serve(Behaviour::Answer(answer), TlsAcceptor::from(Arc::new(config)), bundle).await;
    let server = server().await;
    let mut stranger = hook.webhook("stranger");
    stranger["clientConfig"]["caBundle"] =
        STANDARD.encode(Authority::ephemeral("other").unwrap().pem()).into();
    configure(&server, "ValidatingWebhookConfiguration", &[hook.webhook("self")]).await;
    assert_eq!(create(&server, "x", json!({})).await.0, 201);
    configure(&server, "MutatingWebhookConfiguration", &[stranger]).await;
    let (status, answer, _) = create(&server, "y", json!({})).await;
    assert_eq!(status, 500);
    assert!(message(&answer).ends_with("x509: certificate signed by unknown authority"), "{answer}");
}

#[tokio::test]
async fn webhooks_that_want_to_are_asked_again_once_after_a_change() {
    let add = |key: &'static str| {
        move |review: &Value| {
            let count = review["request"]["object"]["data"][key].as_str().map_or(0, str::len);
            let value = "x".repeat(count + 1);
            let patch = json!([{"op": "add", "path": format!("/data/{key}"), "value": value}]);
            json!({"allowed": true, "patchType": "JSONPatch", "patch": STANDARD.encode(patch.to_string())})
        }
    };
    let (first, second, third) =
        (Hook::answering(add("a")).await, Hook::answering(add("b")).await, Hook::answering(add("c")).await);
    let server = server().await;
    let again = |hook: &Hook, name: &str| {
        let mut webhook = hook.webhook(name);
        webhook["reinvocationPolicy"] = "IfNeeded".into();
        webhook
    };
    let webhooks = [again(&first, "a"), second.webhook("b"), again(&third, "c")];
    configure(&server, "MutatingWebhookConfiguration", &webhooks).await;
    let (status, answer, _) = create(&server, "x", json!({"seed": "1"})).await;
    assert_eq!(status, 201, "{answer}");
    // The first is asked again for the others, and the last for the first.
    assert_eq!(answer["data"], json!({"seed": "1", "a": "xx", "b": "x", "c": "xx"}));
}

#[tokio::test]
async fn managers_and_identities_are_not_for_webhooks() {
    let hook = Hook::answering(|_| {
        let patch = json!([{"op": "add", "path": "/metadata/uid", "value": "mine"},
            {"op": "replace", "path": "/metadata/managedFields", "value": [{"manager": "x", "operation": "Zap"}]}]);
        json!({"allowed": true, "patchType": "JSONPatch", "patch": STANDARD.encode(patch.to_string())})
    })
    .await;
    let server = server().await;
    configure(&server, "MutatingWebhookConfiguration", &[hook.webhook("bad")]).await;
    let (status, answer, warnings) = create(&server, "x", json!({"a": "1"})).await;
    assert_eq!(status, 201, "{answer}");
    assert_ne!(answer["metadata"]["uid"], "mine");
    assert_eq!(answer["metadata"]["managedFields"][0]["operation"], "Update");
    let expected = "299 - \".metadata.managedFields was in an invalid state after admission; this could be caused by an \
                    outdated mutating admission controller; please fix your requests: operation must be `Apply` or \
                    `Update`\"";
    assert_eq!(warnings, [expected]);
}

#[tokio::test]
async fn objects_of_a_list_and_a_watch_are_converted() {
    let convert = |review: Value| {
        let request = &review["request"];
        let wanted = request["desiredAPIVersion"].as_str().unwrap();
        let objects = request["objects"].as_array().unwrap().iter().map(|object| {
            let mut object = object.clone();
            let (from, to) = if wanted.ends_with("v2") { ("a", "b") } else { ("b", "a") };
            let value = object["spec"][from].take();
            object["spec"] = json!({to: value});
            object["apiVersion"] = wanted.into();
            object
        });
        let objects: Vec<Value> = objects.collect();
        json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "ConversionReview", "response":
            {"uid": request["uid"], "convertedObjects": objects, "result": {"status": "Success"}}})
        .to_string()
    };
    let hook = Hook::start(Behaviour::Answer(Arc::new(convert))).await;
    let server = server().await;
    let version = |name: &str, field: &str, storage: bool| {
        json!({"name": name, "served": true, "storage": storage, "schema": {"openAPIV3Schema": {"type": "object",
            "properties": {"spec": {"type": "object", "properties": {field: {"type": "string"}}}}}}})
    };
    let crd = json!({"metadata": {"name": "convs.example.com"}, "spec": {"group": "example.com",
        "scope": "Namespaced", "names": {"plural": "convs", "kind": "Conv"},
        "versions": [version("v1", "a", true), version("v2", "b", false)],
        "conversion": {"strategy": "Webhook", "webhook": {"conversionReviewVersions": ["v1"],
            "clientConfig": hook.webhook("convert")["clientConfig"]}}}});
    let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    assert_eq!(send(&server, "POST", path, &crd).await.0, 201);
    let path = |version: &str| format!("/apis/example.com/{version}/namespaces/default/convs");
    for (version, field, name) in [("v1", "a", "x"), ("v2", "b", "y")] {
        let object = json!({"apiVersion": format!("example.com/{version}"), "kind": "Conv",
            "metadata": {"name": name}, "spec": {field: name}});
        let (status, answer, _) = send(&server, "POST", &path(version), &object).await;
        assert_eq!((status, &answer["spec"][field]), (201, &json!(name)), "{answer}");
    }
    for (version, field) in [("v1", "a"), ("v2", "b")] {
        let (_, list, _) = send(&server, "GET", &path(version), &Value::Null).await;
        let specs: Vec<&Value> = list["items"].as_array().unwrap().iter().map(|item| &item["spec"]).collect();
        assert_eq!(specs, [&json!({field: "x"}), &json!({field: "y"})]);
    }
    let watch = format!("{}?watch=1&timeoutSeconds=1", path("v2"));
    let request = Request::get(&watch).body(Body::empty()).unwrap();
    let response = server.router_as(UserInfo::admin()).oneshot(request).await.unwrap();
    let patch = json!({"spec": {"a": "z"}});
    let (status, answer, _) = send(&server, "PATCH", &format!("{}/x", path("v1")), &patch).await;
    assert_eq!(status, 200, "{answer}");
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    let specs: Vec<Value> = String::from_utf8_lossy(&bytes)
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["object"]["spec"].take())
        .collect();
    assert_eq!(specs, [json!({"b": "x"}), json!({"b": "y"}), json!({"b": "z"})]);
    // Nothing is converted any longer: what is stored in the asked version is still there.
    let gone = json!([{"op": "replace", "path": "/spec/conversion/webhook/clientConfig",
        "value": {"service": {"namespace": "default", "name": "gone"}}}]);
    let crd = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/convs.example.com";
    assert_eq!(send(&server, "PATCH", crd, &gone).await.0, 200);
    assert_eq!(send(&server, "GET", &path("v1"), &Value::Null).await.0, 200);
    let (status, answer, _) = send(&server, "GET", &path("v2"), &Value::Null).await;
    let expected = "conversion webhook for example.com/v1, Kind=Conv failed: Post \
                    \"https://gone.default.svc:443/?timeout=30s\": service \"gone\" not found";
    assert_eq!((status, message(&answer).as_str()), (500, expected));
}

#[tokio::test]
async fn webhooks_see_pods_with_what_the_server_adds_to_them() {
    let hook = Hook::answering(|review| {
        let spec = &review["request"]["object"]["spec"];
        let seen = format!("{} {}", spec["priority"], spec["tolerations"].as_array().map_or(0, Vec::len));
        let patch = json!([{"op": "add", "path": "/metadata/annotations", "value": {"seen": seen}}]);
        json!({"allowed": true, "patchType": "JSONPatch", "patch": STANDARD.encode(patch.to_string())})
    })
    .await;
    let server = server().await;
    let mut webhook = hook.webhook("pods");
    webhook["rules"][0]["resources"] = json!(["pods"]);
    configure(&server, "MutatingWebhookConfiguration", &[webhook]).await;
    let pod = json!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
    let (status, answer, _) = send(&server, "POST", "/api/v1/namespaces/default/pods", &pod).await;
    assert_eq!((status, &answer["metadata"]["annotations"]["seen"]), (201, &json!("0 2")), "{answer}");
}

#[tokio::test]
async fn the_servers_own_start_asks_nobody_and_its_controllers_do() {
    let hook = Hook::answering(|review| {
        let user = review["request"]["userInfo"]["username"].as_str().unwrap_or_default();
        json!({"allowed": !user.ends_with("namespace-controller")})
    })
    .await;
    let directory = tempfile::tempdir().unwrap();
    let start = async || {
        let config = ServerConfig { data_dir: Some(directory.path().to_owned()), ..ServerConfig::default() };
        ApiServer::start(config).await.unwrap()
    };
    let server = start().await;
    let mut webhook = hook.webhook("all");
    webhook["rules"][0] =
        json!({"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*"]});
    configure(&server, "ValidatingWebhookConfiguration", &[webhook]).await;
    let path = "/api/v1/namespaces/team";
    let namespace = json!({"metadata": {"name": "team"}});
    assert_eq!(send(&server, "POST", "/api/v1/namespaces", &namespace).await.0, 201);
    let map = json!({"metadata": {"name": "kept"}});
    let maps = format!("{path}/configmaps");
    assert_eq!(send(&server, "POST", &maps, &map).await.0, 201);
    assert_eq!(send(&server, "DELETE", path, &Value::Null).await.0, 200);
    server.shutdown().await;
    // The webhook refuses, also at the next start: the content stays and so does the namespace.
    let server = start().await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(send(&server, "GET", &format!("{maps}/kept"), &Value::Null).await.0, 200);
    let path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/test";
    assert_eq!(send(&server, "DELETE", path, &Value::Null).await.0, 200);
    let gone = async || send(&server, "GET", "/api/v1/namespaces/team", &Value::Null).await.0 == 404;
    for _ in 0..600 {
        if gone().await {
            return server.shutdown().await;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the namespace stays");
}
