//! The server through a typed client, in process and over TLS.

use std::collections::BTreeMap;

use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::Client;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams};
use serde_json::json;

use super::{ApiServer, ServerConfig};
use crate::auth::UserInfo;

async fn server() -> ApiServer {
    ApiServer::start(ServerConfig::default()).await.unwrap()
}

fn admin(server: &ApiServer) -> Client {
    server.client(UserInfo::admin())
}

fn config_map(name: &str, value: &str) -> ConfigMap {
    serde_json::from_value(json!({"metadata": {"name": name}, "data": {"key": value}})).unwrap()
}

#[tokio::test]
async fn objects_are_created_read_changed_and_deleted() {
    let server = server().await;
    let maps: Api<ConfigMap> = Api::default_namespaced(admin(&server));
    let created = maps.create(&PostParams::default(), &config_map("a", "1")).await.unwrap();
    assert!(created.metadata.uid.is_some() && created.metadata.creation_timestamp.is_some());
    let patch = Patch::Merge(json!({"data": {"key": "2"}}));
    let patched = maps.patch("a", &PatchParams::default(), &patch).await.unwrap();
    assert_ne!(patched.metadata.resource_version, created.metadata.resource_version);
    assert_eq!(maps.get("a").await.unwrap().data, Some(BTreeMap::from([("key".to_owned(), "2".to_owned())])));
    // The first state was replaced: writing on top of it is refused.
    let stale = maps.replace("a", &PostParams::default(), &created).await.unwrap_err();
    assert!(matches!(stale, kube::Error::Api(status) if status.code == 409));
    maps.delete("a", &DeleteParams::default()).await.unwrap();
    assert!(maps.get_opt("a").await.unwrap().is_none());
}

#[tokio::test]
async fn deployments_keep_their_status_apart() {
    let server = server().await;
    let deployments: Api<Deployment> = Api::default_namespaced(admin(&server));
    let deployment: Deployment = serde_json::from_value(json!({"metadata": {"name": "web"}, "spec": {
        "selector": {"matchLabels": {"app": "web"}},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}}}))
    .unwrap();
    deployments.create(&PostParams::default(), &deployment).await.unwrap();
    let status = Patch::Merge(json!({"status": {"replicas": 3, "observedGeneration": 1}}));
    let patched = deployments.patch_status("web", &PatchParams::default(), &status).await.unwrap();
    assert_eq!(patched.status.and_then(|status| status.replicas), Some(3));
    let scale = deployments.get_scale("web").await.unwrap();
    assert_eq!(scale.status.map(|status| status.replicas), Some(3));
}

#[tokio::test]
async fn a_watch_sees_changes_in_order() {
    let server = server().await;
    let maps: Api<ConfigMap> = Api::default_namespaced(admin(&server));
    let start = maps.list(&ListParams::default()).await.unwrap().metadata.resource_version.unwrap();
    let mut events = maps.watch(&WatchParams::default(), &start).await.unwrap().boxed();
    for value in ["1", "2"] {
        let patch = Patch::Apply(json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"key": value}}));
        maps.patch("a", &PatchParams::apply("test"), &patch).await.unwrap();
    }
    maps.delete("a", &DeleteParams::default()).await.unwrap();
    let mut seen = Vec::new();
    while seen.len() < 3 {
        let kind = match events.try_next().await.unwrap().unwrap() {
            WatchEvent::Added(_) => "added",
            WatchEvent::Modified(_) => "modified",
            WatchEvent::Deleted(_) => "deleted",
            other => panic!("unexpected {other:?}"),
        };
        seen.push(kind);
    }
    assert_eq!(seen, ["added", "modified", "deleted"]);
    server.shutdown().await;
    assert!(events.try_next().await.unwrap().is_none());
}

#[tokio::test]
async fn a_restart_finds_everything_and_the_lock_keeps_others_out() {
    let directory = tempfile::tempdir().unwrap();
    let config = || ServerConfig { data_dir: Some(directory.path().to_owned()), ..ServerConfig::default() };
    let first = ApiServer::start(config()).await.unwrap();
    let created = Api::default_namespaced(admin(&first))
        .create(&PostParams::default(), &config_map("a", "1"))
        .await
        .unwrap();
    let second = ApiServer::start(config()).await.unwrap_err();
    assert!(matches!(second, super::StartError::Store(crate::store::OpenError::Locked { .. })));
    first.shutdown().await;
    let third = ApiServer::start(config()).await.unwrap();
    let maps: Api<ConfigMap> = Api::default_namespaced(admin(&third));
    assert_eq!(maps.get("a").await.unwrap(), created);
    let next = maps.create(&PostParams::default(), &config_map("b", "1")).await.unwrap();
    let revision = |map: &ConfigMap| map.metadata.resource_version.as_ref().unwrap().parse::<u64>().unwrap();
    assert!(revision(&next) > revision(&created));
}

#[tokio::test]
async fn certificates_and_rights_count_over_tls() {
    let server = server().await;
    let listener = server.listen(([127, 0, 0, 1], 0).into()).await.unwrap();
    let in_use = server.listen(listener.local_addr()).await.unwrap_err();
    assert!(matches!(in_use, super::ListenError::InUse { .. }));
    for (groups, allowed) in [(&["system:masters"][..], true), (&["dev"][..], false)] {
        let kubeconfig = server.kubeconfig(&listener.url(), "alice", groups).unwrap();
        assert_eq!(kubeconfig["clusters"][0]["cluster"]["server"], listener.url());
        let body = get_over_tls(&server, &listener, &kubeconfig, "/api/v1/namespaces").await;
        assert_eq!(body.contains("NamespaceList"), allowed, "{body}");
    }
    listener.stop();
}

/// Sends one request with the client certificate of a kubeconfig.
async fn get_over_tls(
    server: &ApiServer,
    listener: &super::Listener,
    kubeconfig: &serde_json::Value,
    path: &str,
) -> String {
    use base64::Engine;
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let user = &kubeconfig["users"][0]["user"];
    let decode =
        |key: &str| base64::engine::general_purpose::STANDARD.decode(user[key].as_str().unwrap()).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(server.ca_pem().as_bytes()).unwrap()).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(
            vec![CertificateDer::from_pem_slice(&decode("client-certificate-data")).unwrap()],
            PrivateKeyDer::from_pem_slice(&decode("client-key-data")).unwrap(),
        )
        .unwrap();
    let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::new(config));
    let stream = tokio::net::TcpStream::connect(listener.local_addr()).await.unwrap();
    let mut stream = connector.connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn namespaces_of_every_server_are_there() {
    let server = server().await;
    let namespaces: Api<Namespace> = Api::all(admin(&server));
    let names: Vec<String> = namespaces
        .list(&ListParams::default())
        .await
        .unwrap()
        .into_iter()
        .filter_map(|n| n.metadata.name)
        .collect();
    assert_eq!(names, ["default", "kube-node-lease", "kube-public", "kube-system"]);
    let counts = server.request_counts();
    assert_eq!(counts.get(&("list".to_owned(), "namespaces".to_owned())), Some(&1));
}
