//! Who is who, what expires and what is written of it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use indoc::indoc;
use jiff::{SignedDuration, Timestamp};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::tests::get_over_tls;
use super::{ApiServer, ServerConfig};
use crate::audit::{AuditConfig, Level, Policy};
use crate::auth::UserInfo;
use crate::clock::Clock;

const CSRS: &str = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
const REVIEWS: &str = "/apis/authentication.k8s.io/v1/tokenreviews";
const SECRETS: &str = "/api/v1/namespaces/kube-system/secrets";

/// A clock that is the machine's, some seconds ahead.
fn movable() -> (Clock, Arc<AtomicI64>) {
    let ahead = Arc::new(AtomicI64::new(0));
    let seconds = ahead.clone();
    let clock =
        Clock::new(move || Timestamp::now() + SignedDuration::from_secs(seconds.load(Ordering::SeqCst)));
    (clock, ahead)
}

async fn send(router: axum::Router, request: Request<Body>) -> (StatusCode, Value) {
    let response = router.oneshot(request).await.unwrap();
    let code = response.status();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (code, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

fn request(method: &str, path: &str, body: &Value) -> Request<Body> {
    let builder = Request::builder().method(method).uri(path).header("content-type", "application/json");
    let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
    builder.body(body).unwrap()
}

/// Sends a request of an administrator.
async fn admin(server: &ApiServer, method: &str, path: &str, body: Value) -> (StatusCode, Value) {
    by(server, UserInfo::admin(), method, path, body).await
}

async fn by(
    server: &ApiServer,
    user: UserInfo,
    method: &str,
    path: &str,
    body: Value,
) -> (StatusCode, Value) {
    send(server.router_as(user), request(method, path, &body)).await
}

/// Asks again until an answer fits, at most ten seconds.
async fn until(server: &ApiServer, path: &str, fits: impl Fn(StatusCode, &Value) -> bool) -> Value {
    let mut last = Value::Null;
    for _ in 0..500 {
        let (code, object) = admin(server, "GET", path, Value::Null).await;
        if fits(code, &object) {
            return object;
        }
        last = object;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{path} stays {last}");
}

async fn review(server: &ApiServer, token: &str) -> Value {
    let body =
        json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token}});
    admin(server, "POST", REVIEWS, body).await.1["status"].clone()
}

fn signing_request(name: &str, signer: &str, subject: (&str, &str), usages: &[&str]) -> Value {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, subject.0);
    params.distinguished_name.push(DnType::CommonName, subject.1);
    let key = KeyPair::generate().unwrap();
    let pem = params.serialize_request(&key).unwrap().pem().unwrap();
    json!({"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "metadata": {"name": name},
        "spec": {"request": STANDARD.encode(pem), "signerName": signer, "usages": usages}})
}

async fn approve(server: &ApiServer, user: UserInfo, name: &str) -> (StatusCode, Value) {
    let path = format!("{CSRS}/{name}");
    let (_, mut object) = admin(server, "GET", &path, Value::Null).await;
    object["status"] = json!({"conditions": [{"type": "Approved", "status": "True", "reason": "Test"}]});
    by(server, user, "PUT", &format!("{path}/approval"), object).await
}

#[tokio::test]
async fn approved_requests_are_signed_and_go_after_their_time() {
    let (clock, ahead) = movable();
    let server = ApiServer::start(ServerConfig { clock, ..ServerConfig::default() }).await.unwrap();
    let signer = "kubernetes.io/kube-apiserver-client";
    let created =
        admin(&server, "POST", CSRS, signing_request("a", signer, ("dev", "bob"), &["client auth"])).await;
    assert_eq!(created.0, StatusCode::CREATED, "{}", created.1);
    let dev = UserInfo::new("dev", &["dev"]);
    let rule = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "r"},
        "rules": [{"verbs": ["*"], "apiGroups": ["certificates.k8s.io"], "resources": ["certificatesigningrequests/approval"]}]});
    admin(&server, "POST", "/apis/rbac.authorization.k8s.io/v1/clusterroles", rule).await;
    let binding = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
        "metadata": {"name": "r"}, "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "r"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "dev"}]});
    admin(&server, "POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", binding).await;
    let (code, refused) = approve(&server, dev, "a").await;
    assert_eq!(code, StatusCode::FORBIDDEN);
    assert_eq!(
        refused["message"],
        "certificatesigningrequests.certificates.k8s.io \"a\" is forbidden: user not permitted to approve requests with signerName \"kubernetes.io/kube-apiserver-client\""
    );
    assert_eq!(approve(&server, UserInfo::admin(), "a").await.0, StatusCode::OK);
    let path = format!("{CSRS}/a");
    let signed = until(&server, &path, |_, csr| csr["status"]["certificate"].is_string()).await;
    let pem = STANDARD.decode(signed["status"]["certificate"].as_str().unwrap()).unwrap();
    let (_, pem) = x509_parser::pem::parse_x509_pem(&pem).unwrap();
    let (_, certificate) = x509_parser::parse_x509_certificate(&pem.contents).unwrap();
    assert_eq!(certificate.subject().to_string(), "O=dev, CN=bob");
    ahead.store(3700, Ordering::SeqCst);
    // Any change makes the loop look again.
    let label = json!({"metadata": {"labels": {"seen": "later"}}});
    let mut patch = request("PATCH", &path, &label);
    patch.headers_mut().insert("content-type", "application/merge-patch+json".parse().unwrap());
    send(server.router_as(UserInfo::admin()), patch).await;
    until(&server, &path, |code, _| code == StatusCode::NOT_FOUND).await;
}

#[tokio::test]
async fn signers_refuse_in_a_condition_and_nobody_becomes_a_master() {
    let server = ApiServer::start(ServerConfig::default()).await.unwrap();
    let signer = "kubernetes.io/kube-apiserver-client";
    let (code, refused) = admin(
        &server,
        "POST",
        CSRS,
        signing_request("m", signer, ("system:masters", "bob"), &["client auth"]),
    )
    .await;
    assert_eq!(code, StatusCode::FORBIDDEN);
    assert_eq!(
        refused["message"],
        "certificatesigningrequests.certificates.k8s.io \"m\" is forbidden: use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed"
    );
    admin(&server, "POST", CSRS, signing_request("s", signer, ("dev", "bob"), &["server auth"])).await;
    approve(&server, UserInfo::admin(), "s").await;
    let failed =
        until(&server, &format!("{CSRS}/s"), |_, csr| csr["status"]["conditions"][1].is_object()).await;
    let condition = &failed["status"]["conditions"][1];
    assert_eq!(
        (&condition["type"], &condition["reason"]),
        (&json!("Failed"), &json!("SignerValidationFailure"))
    );
    assert_eq!(condition["message"], "invalid usage for client certificate: server auth");
}

#[tokio::test]
async fn kubelets_that_may_are_approved_by_themselves() {
    let server = ApiServer::start(ServerConfig::default()).await.unwrap();
    let signer = "kubernetes.io/kube-apiserver-client-kubelet";
    let usages = ["client auth", "digital signature"];
    let wanted = signing_request("k", signer, ("system:nodes", "system:node:a"), &usages);
    assert_eq!(admin(&server, "POST", CSRS, wanted).await.0, StatusCode::CREATED);
    let signed =
        until(&server, &format!("{CSRS}/k"), |_, csr| csr["status"]["certificate"].is_string()).await;
    let condition = &signed["status"]["conditions"][0];
    assert_eq!(condition["reason"], "AutoApproved");
    assert_eq!(condition["message"], "Auto approving kubelet client certificate after SubjectAccessReview.");
}

#[tokio::test]
async fn bootstrap_tokens_authenticate_until_they_expire_and_then_go() {
    let (clock, ahead) = movable();
    let server = ApiServer::start(ServerConfig { clock, ..ServerConfig::default() }).await.unwrap();
    let end = (Timestamp::now() + SignedDuration::from_secs(600)).to_string();
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "type": "bootstrap.kubernetes.io/token",
        "metadata": {"name": "bootstrap-token-aaaaaa"}, "stringData": {"token-id": "aaaaaa",
            "token-secret": "0123456789abcdef", "usage-bootstrap-authentication": "true", "expiration": end}});
    let (code, object) = admin(&server, "POST", SECRETS, secret).await;
    assert_eq!(code, StatusCode::CREATED, "{object}");
    let token = "aaaaaa.0123456789abcdef";
    let status = review(&server, token).await;
    assert_eq!(status["user"]["username"], "system:bootstrap:aaaaaa");
    assert_eq!(status["audiences"], json!(["https://kubernetes.default.svc"]));
    let mut with_token = request("GET", "/api/v1/pods", &Value::Null);
    with_token.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    let (code, refused) = send(server.router(), with_token).await;
    assert_eq!(code, StatusCode::FORBIDDEN);
    assert!(refused["message"].as_str().unwrap().contains("\"system:bootstrap:aaaaaa\" cannot list"));
    ahead.store(601, Ordering::SeqCst);
    assert_eq!(review(&server, token).await, json!({"user": {}, "error": "invalid bearer token"}));
}

#[tokio::test]
async fn tokens_end_with_what_they_are_bound_to() {
    let server = ApiServer::start(ServerConfig::default()).await.unwrap();
    let accounts = "/api/v1/namespaces/default/serviceaccounts";
    let secrets = "/api/v1/namespaces/default/secrets";
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}});
    admin(&server, "POST", accounts, json!({"metadata": {"name": "a"}})).await;
    admin(&server, "POST", secrets, secret.clone()).await;
    let wanted = json!({"spec": {"boundObjectRef": {"kind": "Secret", "apiVersion": "v1", "name": "s"}}});
    let (_, issued) = admin(&server, "POST", &format!("{accounts}/a/token"), wanted).await;
    let token = issued["status"]["token"].as_str().unwrap();
    assert_eq!(review(&server, token).await["authenticated"], true);
    admin(&server, "DELETE", &format!("{secrets}/s"), Value::Null).await;
    let error = review(&server, token).await["error"].clone();
    assert_eq!(error, "[invalid bearer token, service account token has been invalidated]");
    // Another object of the same name is not the one that the token was for.
    admin(&server, "POST", secrets, secret).await;
    let error = review(&server, token).await["error"].as_str().unwrap().to_owned();
    assert!(error.starts_with("[invalid bearer token, secret UID ("), "{error}");
    assert!(error.contains(") does not match service account secret ref claim ("), "{error}");
}

#[tokio::test]
async fn tokens_of_secrets_end_with_them_also_when_another_takes_the_name() {
    let server = ApiServer::start(ServerConfig::default()).await.unwrap();
    let secrets = "/api/v1/namespaces/default/secrets";
    admin(&server, "POST", "/api/v1/namespaces/default/serviceaccounts", json!({"metadata": {"name": "a"}}))
        .await;
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token",
        "metadata": {"name": "s", "annotations": {"kubernetes.io/service-account.name": "a"}}});
    let path = format!("{secrets}/s");
    let mut tokens = Vec::new();
    for _ in 0..2 {
        assert_eq!(admin(&server, "POST", secrets, secret.clone()).await.0, StatusCode::CREATED);
        let filled = until(&server, &path, |_, secret| secret["data"]["token"].is_string()).await;
        let token = STANDARD.decode(filled["data"]["token"].as_str().unwrap()).unwrap();
        tokens.push(String::from_utf8(token).unwrap());
        if tokens.len() == 1 {
            admin(&server, "DELETE", &path, Value::Null).await;
            let error = review(&server, &tokens[0]).await["error"].clone();
            assert_eq!(error, "[invalid bearer token, Token has been invalidated]");
        }
    }
    // Signatures differ from each other even over the same words.
    let error = review(&server, &tokens[0]).await["error"].clone();
    assert_eq!(error, "[invalid bearer token, Token does not match server's copy]");
    assert_eq!(review(&server, &tokens[1]).await["authenticated"], true);
}

#[tokio::test]
async fn a_certificate_of_a_stranger_is_answered_with_401() {
    let (server, other) = (
        ApiServer::start(ServerConfig::default()).await.unwrap(),
        ApiServer::start(ServerConfig::default()).await.unwrap(),
    );
    let listener = server.listen(([127, 0, 0, 1], 0).into()).await.unwrap();
    let kubeconfig = other.kubeconfig(&listener.url(), "system:admin", &["system:masters"]).unwrap();
    let body = get_over_tls(&server, &listener, &kubeconfig, "/api/v1/namespaces").await;
    assert!(body.starts_with("HTTP/1.1 401"), "{body}");
    let headers = request("GET", "/api/v1/namespaces", &Value::Null);
    let (mut parts, body) = headers.into_parts();
    for (name, value) in [("x-remote-user", "admin"), ("x-remote-group", "system:masters")] {
        parts.headers.insert(name, value.parse().unwrap());
    }
    // Without a proxy's certificate, headers name nobody.
    let (code, _) = send(server.router(), Request::from_parts(parts, body)).await;
    assert_eq!(code, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn events_go_after_their_time_also_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let config = |clock: Clock| ServerConfig {
        data_dir: Some(directory.path().to_owned()),
        event_ttl: Some(Duration::from_mins(2)),
        clock,
        ..ServerConfig::default()
    };
    let events = "/api/v1/namespaces/default/events";
    let event = |name: &str| {
        json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": name, "namespace": "default"},
            "involvedObject": {"kind": "Pod", "namespace": "default", "name": "p"}})
    };
    let lease = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {"name": "apiserver-gone", "labels": {"apiserver.kubernetes.io/identity": "kube-apiserver"}},
        "spec": {"renewTime": Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string(),
            "leaseDurationSeconds": 60, "holderIdentity": "x"}});
    let leases = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases";
    let (clock, _) = movable();
    let first = ApiServer::start(config(clock)).await.unwrap();
    assert_eq!(admin(&first, "POST", events, event("a")).await.0, StatusCode::CREATED);
    assert_eq!(admin(&first, "POST", leases, lease).await.0, StatusCode::CREATED);
    first.shutdown().await;
    let (clock, ahead) = movable();
    ahead.store(90, Ordering::SeqCst);
    let second = ApiServer::start(config(clock)).await.unwrap();
    // The lease is over, the Event is not.
    until(&second, &format!("{leases}/apiserver-gone"), |code, _| code == StatusCode::NOT_FOUND).await;
    assert_eq!(admin(&second, "GET", &format!("{events}/a"), Value::Null).await.0, StatusCode::OK);
    ahead.store(130, Ordering::SeqCst);
    assert_eq!(admin(&second, "POST", events, event("b")).await.0, StatusCode::CREATED);
    second.shutdown().await;
    let (clock, ahead) = movable();
    ahead.store(130, Ordering::SeqCst);
    let third = ApiServer::start(config(clock)).await.unwrap();
    until(&third, &format!("{events}/a"), |code, _| code == StatusCode::NOT_FOUND).await;
    assert_eq!(admin(&third, "GET", &format!("{events}/b"), Value::Null).await.0, StatusCode::OK);
}

#[tokio::test]
async fn aggregating_roles_needs_all_rights() {
    let server = ApiServer::start(ServerConfig::default()).await.unwrap();
    let roles = "/apis/rbac.authorization.k8s.io/v1/clusterroles";
    let role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "w"},
        "rules": [{"verbs": ["create"], "apiGroups": ["rbac.authorization.k8s.io"], "resources": ["clusterroles"]}]});
    admin(&server, "POST", roles, role).await;
    let binding = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
        "metadata": {"name": "w"}, "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "w"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "alice"}]});
    admin(&server, "POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", binding).await;
    let wanted = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "agg"},
        "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"x": "y"}}]}});
    let (code, refused) = by(&server, UserInfo::new("alice", &[]), "POST", roles, wanted.clone()).await;
    assert_eq!(code, StatusCode::FORBIDDEN);
    assert_eq!(
        refused["message"],
        "clusterroles.rbac.authorization.k8s.io \"agg\" is forbidden: must have cluster-admin privileges to use the aggregationRule"
    );
    assert_eq!(admin(&server, "POST", roles, wanted).await.0, StatusCode::CREATED);
}

/// Serves some requests with a policy and returns the events.
async fn audited(path: &Path, policy: Policy) -> Vec<Value> {
    let audit = AuditConfig { policy, ..AuditConfig::new(path) };
    let server =
        ApiServer::start(ServerConfig { audit: Some(audit), ..ServerConfig::default() }).await.unwrap();
    let maps = "/api/v1/namespaces/default/configmaps";
    admin(&server, "POST", maps, json!({"metadata": {"name": "a"}, "data": {"k": "v"}})).await;
    let mut impersonated = request("DELETE", &format!("{maps}/a"), &Value::Null);
    impersonated.headers_mut().insert("impersonate-user", "bob".parse().unwrap());
    impersonated.headers_mut().insert("audit-id", "my-id".parse().unwrap());
    send(server.router_as(UserInfo::admin()), impersonated).await;
    let mut unknown = request("GET", maps, &Value::Null);
    unknown.headers_mut().insert("authorization", "Bearer s3cr3t-nonsense".parse().unwrap());
    send(server.router(), unknown).await;
    let secret = json!({"metadata": {"name": "s"}, "stringData": {"password": "hunter2-hunter2"}});
    admin(&server, "POST", "/api/v1/namespaces/default/secrets", secret).await;
    admin(&server, "GET", "/api/v1/namespaces/default/secrets/s", Value::Null).await;
    admin(&server, "GET", &format!("{maps}?watch=true&timeoutSeconds=1"), Value::Null).await;
    server.shutdown().await;
    let text = std::fs::read_to_string(path).unwrap();
    for secret in ["hunter2", &STANDARD.encode("hunter2-hunter2"), "s3cr3t"] {
        assert!(!text.contains(secret), "{text}");
    }
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn the_audit_log_tells_who_did_what() {
    let directory = tempfile::tempdir().unwrap();
    let events = audited(&directory.path().join("audit.log"), Policy::of_level(Level::Metadata)).await;
    let seen: Vec<String> = events
        .iter()
        .map(|e| {
            let part = |path: &str| e.pointer(path).and_then(Value::as_str).unwrap_or("-").to_owned();
            format!(
                "{} {} {}/{} {} {} {}",
                part("/user/username"),
                part("/verb"),
                part("/objectRef/resource"),
                part("/objectRef/name"),
                e["responseStatus"]["code"],
                part("/stage"),
                part("/annotations/authorization.k8s.io~1decision")
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            "system:admin create configmaps/a 201 ResponseComplete allow",
            "system:admin delete configmaps/a 403 ResponseComplete forbid",
            "- list configmaps/- 401 ResponseStarted -",
            "system:admin create secrets/s 201 ResponseComplete allow",
            "system:admin get secrets/s 200 ResponseComplete allow",
            "system:admin watch configmaps/- 200 ResponseStarted allow",
            "system:admin watch configmaps/- 200 ResponseComplete allow",
        ]
    );
    assert_eq!(events[1]["impersonatedUser"]["username"], "bob");
    assert_eq!(
        (&events[1]["auditID"], &events[1]["responseStatus"]["reason"]),
        (&json!("my-id"), &json!("Forbidden"))
    );
    assert!(
        events
            .iter()
            .all(|event| event.get("requestObject").is_none() && event["apiVersion"] == "audit.k8s.io/v1")
    );
}

#[tokio::test]
async fn the_audit_log_holds_bodies_where_the_policy_asks_but_no_secrets() {
    let directory = tempfile::tempdir().unwrap();
    let policy = Policy::parse(indoc! {"
        apiVersion: audit.k8s.io/v1
        kind: Policy
        omitStages: [ResponseStarted]
        rules:
        - level: None
          verbs: [watch]
        - level: RequestResponse
          omitManagedFields: true
    "})
    .unwrap();
    let events = audited(&directory.path().join("audit.log"), policy).await;
    let stages: Vec<&str> = events.iter().map(|event| event["stage"].as_str().unwrap()).collect();
    assert_eq!(stages, ["RequestReceived", "ResponseComplete"].repeat(4));
    let created = &events[1];
    assert_eq!(created["requestObject"]["data"], json!({"k": "v"}));
    assert_eq!(created["responseObject"]["metadata"]["name"], "a");
    assert!(created["responseObject"]["metadata"].get("managedFields").is_none());
    assert_eq!(events[5]["level"], "Metadata");
    assert!(events[5].get("requestObject").is_none() && events[7].get("responseObject").is_none());
}
