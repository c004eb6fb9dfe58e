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
        let patch = Patch::Apply(json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "a"}, "data": {"key": value}}));
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
pub(super) async fn get_over_tls(
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

/// Waits until a condition holds, at most ten seconds.
async fn until<F: Future<Output = bool>>(what: &str, condition: impl Fn() -> F) {
    for _ in 0..500 {
        if condition().await {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("{what} did not happen");
}

#[tokio::test]
async fn namespaces_are_furnished_and_take_their_content_along() {
    let server = server().await;
    let client = admin(&server);
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let namespace: Namespace = serde_json::from_value(json!({"metadata": {"name": "team"}})).unwrap();
    namespaces.create(&PostParams::default(), &namespace).await.unwrap();
    let maps: Api<ConfigMap> = Api::namespaced(client, "team");
    until("the certificate", async || maps.get_opt("kube-root-ca.crt").await.unwrap().is_some()).await;
    maps.create(&PostParams::default(), &config_map("a", "1")).await.unwrap();
    namespaces.delete("team", &DeleteParams::default()).await.unwrap();
    until("the end of the namespace", async || namespaces.get_opt("team").await.unwrap().is_none()).await;
    assert!(maps.list(&ListParams::default()).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn dependents_go_with_their_owner() {
    let server = server().await;
    let maps: Api<ConfigMap> = Api::default_namespaced(admin(&server));
    let owner = maps.create(&PostParams::default(), &config_map("owner", "1")).await.unwrap();
    let mut dependent = config_map("dependent", "1");
    let reference = json!([{"apiVersion": "v1", "kind": "ConfigMap", "name": "owner",
        "uid": owner.metadata.uid, "blockOwnerDeletion": true}]);
    dependent.metadata.owner_references = serde_json::from_value(reference).unwrap();
    maps.create(&PostParams::default(), &dependent).await.unwrap();
    maps.delete("owner", &DeleteParams::foreground()).await.unwrap();
    until("the end of both", async || {
        maps.get_opt("owner").await.unwrap().is_none() && maps.get_opt("dependent").await.unwrap().is_none()
    })
    .await;
}

#[tokio::test]
async fn kinds_of_the_configuration_are_served_from_the_start_and_after_a_restart() {
    use kube::api::{ApiResource, DynamicObject, GroupVersionKind};
    let directory = tempfile::tempdir().unwrap();
    let crd = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com"},
        "spec": {"group": "example.com", "scope": "Namespaced", "names": {"plural": "widgets", "kind": "Widget"},
            "versions": [{"name": "v1", "served": true, "storage": true, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {
                    "spec": {"type": "object", "properties": {"size": {"type": "integer", "default": 3}}},
                    "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}}}]}});
    for round in 0..2 {
        let server = ApiServer::start(ServerConfig {
            data_dir: Some(directory.path().to_owned()),
            crds: vec![crd.clone()],
            ..ServerConfig::default()
        })
        .await
        .unwrap();
        let kind = ApiResource::from_gvk(&GroupVersionKind::gvk("example.com", "v1", "Widget"));
        let widgets: Api<DynamicObject> = Api::default_namespaced_with(admin(&server), &kind);
        if round == 0 {
            let widget = DynamicObject::new("w", &kind).data(json!({"spec": {}}));
            let created = widgets.create(&PostParams::default(), &widget).await.unwrap();
            assert_eq!(created.data["spec"]["size"], 3);
        }
        let status = Patch::Merge(json!({"status": {"round": round}}));
        let patched = widgets.patch_status("w", &PatchParams::default(), &status).await.unwrap();
        assert_eq!(patched.data["status"]["round"], round);
        server.shutdown().await;
    }
}

#[tokio::test]
async fn a_quiet_server_writes_nothing() {
    let server = server().await;
    let maps: Api<ConfigMap> = Api::default_namespaced(admin(&server));
    until("the certificate", async || maps.get_opt("kube-root-ca.crt").await.unwrap().is_some()).await;
    let revision = async || maps.list(&ListParams::default()).await.unwrap().metadata.resource_version;
    // The other namespaces are furnished too.
    until("silence", async || {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        revision().await == revision().await
    })
    .await;
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let last = revision().await;
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    assert_eq!(revision().await, last);
}
