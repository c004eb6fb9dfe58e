//! What clients of typed kinds send and get: protobuf over the router.

use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::{ApiServer, ServerConfig};
use crate::auth::UserInfo;
use crate::protobuf::{self, Envelope};

const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";
const MAPS: &str = "/api/v1/namespaces/default/configmaps";
const PARTIAL: &str = ";as=PartialObjectMetadata;g=meta.k8s.io;v=v1";

/// Status, media type and body of an answer.
type Answer = (StatusCode, String, Vec<u8>);

async fn server() -> ApiServer {
    let crd = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com"}, "spec": {"group": "example.com", "scope": "Cluster",
            "names": {"kind": "Widget", "listKind": "WidgetList", "plural": "widgets", "singular": "widget"},
            "versions": [{"name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object"}}}]}});
    ApiServer::start(ServerConfig { crds: vec![crd], ..ServerConfig::default() }).await.unwrap()
}

async fn send(server: &ApiServer, method: &str, path: &str, accept: &str, body: Vec<u8>) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("Accept", accept)
        .header("Content-Type", PROTOBUF)
        .body(Body::from(body))
        .unwrap();
    let response = server.router_as(UserInfo::admin()).oneshot(request).await.unwrap();
    let status = response.status();
    let media_type = response.headers()["content-type"].to_str().unwrap().to_owned();
    (status, media_type, response.into_body().collect().await.unwrap().to_bytes().to_vec())
}

async fn get(server: &ApiServer, path: &str, accept: &str) -> Answer {
    send(server, "GET", path, accept, Vec::new()).await
}

fn decoded(answer: &Answer) -> Value {
    assert_eq!(answer.1, PROTOBUF);
    Envelope::open(&answer.2).unwrap().decode(("", "")).unwrap()
}

fn map(name: &str) -> Vec<u8> {
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": ""},
        "data": {"a": "1"}, "immutable": false});
    protobuf::encode(&map).unwrap()
}

#[tokio::test]
async fn objects_lists_metadata_and_errors_come_as_they_are_asked_for() {
    let server = server().await;
    let created = send(&server, "POST", MAPS, PROTOBUF, map("a")).await;
    assert_eq!(created.0, StatusCode::CREATED);
    let read = get(&server, &format!("{MAPS}/a"), PROTOBUF).await;
    assert_eq!(decoded(&read), decoded(&created));
    let by_json = get(&server, &format!("{MAPS}/a"), "application/json").await;
    assert_eq!(serde_json::from_slice::<Value>(&by_json.2).unwrap(), decoded(&read));
    let list = decoded(&get(&server, MAPS, PROTOBUF).await);
    assert_eq!((&list["kind"], &list["items"][0]["data"]["a"]), (&json!("ConfigMapList"), &json!("1")));
    let partial = decoded(&get(&server, &format!("{MAPS}/a"), &format!("{PROTOBUF}{PARTIAL}")).await);
    assert_eq!((&partial["kind"], &partial["data"]), (&json!("PartialObjectMetadata"), &Value::Null));
    let again = send(&server, "POST", MAPS, PROTOBUF, map("a")).await;
    assert_eq!((again.0, &decoded(&again)["reason"]), (StatusCode::CONFLICT, &json!("AlreadyExists")));
    let options = json!({"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Foreground"});
    let options = protobuf::encode(&options).unwrap();
    let deleted = send(&server, "DELETE", &format!("{MAPS}/a"), PROTOBUF, options).await;
    assert_eq!(decoded(&deleted)["metadata"]["finalizers"], json!(["foregroundDeletion"]));
}

#[tokio::test]
async fn a_watch_sends_a_frame_for_each_event() {
    let server = server().await;
    send(&server, "POST", MAPS, PROTOBUF, map("a")).await;
    let path = format!("{MAPS}?watch=true&timeoutSeconds=1&fieldSelector=metadata.name%3Da");
    for (accept, kind) in
        [(PROTOBUF.to_owned(), "ConfigMap"), (format!("{PROTOBUF}{PARTIAL}"), "PartialObjectMetadata")]
    {
        let (status, media_type, bytes) = get(&server, &path, &accept).await;
        assert_eq!(
            (status, media_type.as_str()),
            (StatusCode::OK, "application/vnd.kubernetes.protobuf;stream=watch")
        );
        let (length, event) = bytes.split_first_chunk::<4>().unwrap();
        assert_eq!(u32::from_be_bytes(*length) as usize, event.len(), "one event");
        assert!(event.starts_with(b"\n\x05ADDED\x12"));
        let start = event.windows(4).position(|window| window == b"k8s\0").unwrap();
        let object = Envelope::open(&event[start..]).unwrap().decode(("", "")).unwrap();
        assert_eq!((&object["kind"], &object["metadata"]["name"]), (&json!(kind), &json!("a")));
    }
}

#[tokio::test]
async fn custom_resources_have_protobuf_only_for_metadata() {
    let server = server().await;
    let path = "/apis/example.com/v1/widgets";
    let refused = get(&server, path, PROTOBUF).await;
    assert_eq!(
        (refused.0, &decoded(&refused)["reason"]),
        (StatusCode::NOT_ACCEPTABLE, &json!("NotAcceptable"))
    );
    let json = get(&server, path, &format!("{PROTOBUF},application/json")).await;
    assert_eq!((json.0, json.1.as_str()), (StatusCode::OK, "application/json"));
    let metadata = format!("{PROTOBUF};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1");
    assert_eq!(decoded(&get(&server, path, &metadata).await)["kind"], "PartialObjectMetadataList");
    let widget = send(&server, "POST", path, "application/json", map("a")).await;
    assert_eq!(widget.0, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn bodies_that_are_another_message_or_none_are_refused_with_the_reason() {
    let server = server().await;
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}});
    let truncated = [map("a").as_slice(), b"\x12\xff"].concat();
    for (body, why) in [
        (
            b"k8s\0".to_vec(),
            "the object provided is unrecognized (must be of type ConfigMap): empty body (6b387300)",
        ),
        (b"k8s\0\xff\xff".to_vec(), "(must be of type ConfigMap): unexpected EOF (6b387300ffff)"),
        (truncated, "unexpected EOF"),
        (
            protobuf::encode(&secret).unwrap(),
            "converting (v1.Secret) to (core.ConfigMap): unknown conversion",
        ),
    ] {
        let answer = send(&server, "POST", MAPS, PROTOBUF, body).await;
        let status = decoded(&answer);
        assert_eq!(answer.0, StatusCode::BAD_REQUEST, "{status}");
        assert!(status["message"].as_str().unwrap().contains(why), "{status}");
    }
}

#[tokio::test]
async fn discovery_speaks_protobuf_too() {
    let server = server().await;
    for (path, kind) in [
        ("/api", "APIVersions"),
        ("/apis", "APIGroupList"),
        ("/apis/apps", "APIGroup"),
        ("/api/v1", "APIResourceList"),
    ] {
        let document = decoded(&get(&server, path, PROTOBUF).await);
        let by_json = get(&server, path, "application/json").await;
        let mut expected: Value = serde_json::from_slice(&by_json.2).unwrap();
        assert_eq!(document["kind"], kind);
        expected["apiVersion"] = document["apiVersion"].clone();
        assert_eq!(document, expected, "{path}");
    }
    let aggregated = format!("{PROTOBUF};g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList");
    let (_, media_type, bytes) = get(&server, "/apis", &aggregated).await;
    assert_eq!(media_type, aggregated);
    let document = Envelope::open(&bytes).unwrap().decode(("", "")).unwrap();
    let json = get(&server, "/apis", &aggregated.replace(PROTOBUF, "application/json")).await;
    let by_json: Value = serde_json::from_slice(&json.2).unwrap();
    assert_eq!(document["items"].as_array().map(Vec::len), by_json["items"].as_array().map(Vec::len));
}
