//! Requests of every kind against the whole server: always an answer, never its fault.

use std::cell::RefCell;

use axum::body::Body;
use base64::Engine;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use proptest::prelude::*;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::generate::{cases, disturbed, object, value};
use crate::auth::UserInfo;
use crate::server::{ApiServer, ServerConfig};

/// A server that the cases of a thread share.
struct Bench {
    runtime: tokio::runtime::Runtime,
    server: ApiServer,
}

thread_local! {
    static BENCH: RefCell<Option<Bench>> = const { RefCell::new(None) };
}

#[derive(Clone, Debug)]
struct Call {
    method: String,
    path: String,
    query: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    anonymous: bool,
}

fn template(kind: usize) -> Value {
    match kind {
        0 => {
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "labels": {"a": "1"}}, "data": {"k": "v"}})
        }
        1 => json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"},
            "spec": {"containers": [{"name": "c", "image": "i", "ports": [{"containerPort": 1}], "env": [{"name": "a", "value": "b"}]}]}}),
        2 => json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"},
            "spec": {"replicas": 1, "selector": {"matchLabels": {"a": "1"}}, "template": {"metadata": {"labels": {"a": "1"}},
                "spec": {"containers": [{"name": "c", "image": "i"}]}}}}),
        3 => json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"},
            "spec": {"selector": {"a": "1"}, "ports": [{"port": 80, "targetPort": "x"}]}}),
        4 => {
            json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "a"}, "spec": {"schedule": "* * * * *",
            "jobTemplate": {"spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}}}}}})
        }
        5 => {
            json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "a"},
            "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]})
        }
        6 => {
            json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "widgets.example.com"},
            "spec": {"group": "example.com", "scope": "Namespaced", "names": {"plural": "widgets", "kind": "Widget"},
                "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object",
                    "properties": {"spec": {"type": "object", "properties": {"size": {"type": "integer", "default": 3}}}}}}}]}})
        }
        7 => {
            json!({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "a"}, "spec": {"size": 1}})
        }
        8 => {
            json!({"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": "x"}, "propagationPolicy": "Orphan"})
        }
        9 => {
            json!({"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "a"}, "spec": {"replicas": 2}})
        }
        10 => json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {"verb": "get", "resource": "pods"}}}),
        11 => {
            json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 600}})
        }
        12 => {
            json!([{"op": "replace", "path": "/metadata/labels", "value": {"a": "2"}}, {"op": "test", "path": "/kind", "value": "Pod"}])
        }
        13 => {
            json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "a"}, "spec": {"rules": [{"host": "a.b",
            "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "a", "port": {"number": 80}}}}]}}]}})
        }
        _ => {
            json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "a"},
            "spec": {"maxReplicas": 3, "scaleTargetRef": {"kind": "Deployment", "name": "a", "apiVersion": "apps/v1"},
                "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 5}}}]}})
        }
    }
}

/// Paths of collections, each with the template that fits it.
const COLLECTIONS: [(&str, usize); 16] = [
    ("/api/v1/namespaces/default/configmaps", 0),
    ("/api/v1/namespaces/default/pods", 1),
    ("/apis/apps/v1/namespaces/default/deployments", 2),
    ("/api/v1/namespaces/default/services", 3),
    ("/apis/batch/v1/namespaces/default/cronjobs", 4),
    ("/apis/rbac.authorization.k8s.io/v1/clusterroles", 5),
    ("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", 6),
    ("/apis/example.com/v1/namespaces/default/widgets", 7),
    ("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", 10),
    ("/api/v1/namespaces/default/serviceaccounts/default/token", 11),
    ("/apis/networking.k8s.io/v1/namespaces/default/ingresses", 13),
    ("/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers", 14),
    ("/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers", 14),
    ("/api/v1/namespaces", 0),
    ("/api/v1/nodes", 0),
    ("/api/v1/namespaces/default/secrets", 0),
];

fn path() -> impl Strategy<Value = (String, usize)> {
    let known = (
        prop::sample::select(&COLLECTIONS[..]),
        prop::sample::select(vec![
            "",
            "",
            "",
            "/a",
            "/a",
            "/a",
            "/a/status",
            "/a/scale",
            "/a/eviction",
            "/a/binding",
            "/a/log",
            "/a/finalize",
            "/a/x",
            "/%2e",
            "/a%2Fb",
            "/..",
            "/widgets.example.com",
            "/widgets.example.com/status",
            "//",
            "/a/",
            "/é",
        ]),
    )
        .prop_map(|((collection, template), rest)| (format!("{collection}{rest}"), template));
    let segment = prop_oneof![
        prop::sample::select(vec![
            "api",
            "apis",
            "v1",
            "v2",
            "apps",
            "namespaces",
            "default",
            "pods",
            "watch",
            "status",
            "openapi",
            "v3",
            "healthz",
            "readyz",
            "livez",
            "metrics",
            "version",
            "",
            "..",
            "%2f",
            "%",
            "%zz",
            "%ff",
            "etcd",
            "logs",
            "swagger.json",
            "proxy",
        ])
        .prop_map(str::to_owned),
        "[!-~&&[^ \"<>#?^`{|}\\\\]]{0,8}",
    ];
    let random = (prop::collection::vec(segment, 0..7), 0..15_usize)
        .prop_map(|(parts, template)| (format!("/{}", parts.join("/")), template));
    prop_oneof![4 => known, 1 => random]
}

fn query() -> impl Strategy<Value = String> {
    let names = vec![
        "watch",
        "limit",
        "continue",
        "resourceVersion",
        "resourceVersionMatch",
        "labelSelector",
        "fieldSelector",
        "timeoutSeconds",
        "timeout",
        "allowWatchBookmarks",
        "sendInitialEvents",
        "dryRun",
        "fieldManager",
        "fieldValidation",
        "force",
        "pretty",
        "includeObject",
        "gracePeriodSeconds",
        "propagationPolicy",
        "orphanDependents",
        "ignoreStoreReadErrorWithClusterBreakingPotential",
        "x",
        "verbose",
        "exclude",
    ];
    let values = vec![
        "",
        "0",
        "1",
        "-1",
        "true",
        "false",
        "All",
        "None",
        "Strict",
        "Warn",
        "Ignore",
        "Exact",
        "NotOlderThan",
        "99999999999999999999",
        "1s",
        "a=b",
        "a in (b,c)",
        "!",
        "metadata.name=a",
        "spec.x=y",
        "Background",
        "Foreground",
        "Orphan",
        "Object",
        "Metadata",
        "%zz",
        "%ff",
        "eyJ2IjoibWV0YS5rOHMuaW8vdjEifQ",
        "é%00",
    ];
    prop::collection::vec(
        (
            prop::sample::select(names),
            prop_oneof![prop::sample::select(values).prop_map(str::to_owned), "\\PC{0,6}"],
        ),
        0..4,
    )
    .prop_map(|pairs| {
        let escape = |text: &str| {
            text.chars()
                .map(|c| {
                    if c.is_ascii_graphic() && !"\"<>#&+`{|}\\^".contains(c) {
                        c.to_string()
                    } else {
                        c.to_string().bytes().map(|b| format!("%{b:02X}")).collect::<Vec<_>>().concat()
                    }
                })
                .collect::<String>()
        };
        pairs.iter().map(|(name, value)| format!("{name}={}", escape(value))).collect::<Vec<_>>().join("&")
    })
}

fn headers() -> impl Strategy<Value = Vec<(&'static str, String)>> {
    let content_type = prop::sample::select(vec![
        "application/json",
        "application/yaml",
        "application/vnd.kubernetes.protobuf",
        "application/merge-patch+json",
        "application/json-patch+json",
        "application/strategic-merge-patch+json",
        "application/apply-patch+yaml",
        "text/plain",
        "",
        ";",
        "application/json; charset=x",
        "é",
    ])
    .prop_map(|value| ("content-type", value.to_owned()));
    let accept = prop_oneof![
        prop::sample::select(vec![
            "application/json",
            "application/yaml",
            "application/vnd.kubernetes.protobuf",
            "*/*",
            "application/json;as=Table;v=v1;g=meta.k8s.io",
            "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
            "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io",
            "application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io",
            "text/html",
            ",;=",
            "application/json;stream=watch",
            "",
        ])
        .prop_map(str::to_owned),
        "[ -~]{0,20}",
    ]
    .prop_map(|value| ("accept", value));
    let other = prop_oneof![
        ("[ -~]{0,12}").prop_map(|value| ("authorization", format!("Bearer {value}"))),
        ("[ -~]{0,12}").prop_map(|value| ("impersonate-user", value)),
        ("[ -~]{0,12}").prop_map(|value| ("impersonate-group", value)),
        ("[ -~]{0,12}").prop_map(|value| ("user-agent", value)),
        ("[ -~]{0,12}").prop_map(|value| ("if-none-match", value)),
    ];
    (
        prop::option::weighted(0.8, content_type),
        prop::option::weighted(0.5, accept),
        prop::collection::vec(other, 0..2),
    )
        .prop_map(|(content_type, accept, others)| {
            content_type.into_iter().chain(accept).chain(others).collect()
        })
}

fn body(kind: usize) -> impl Strategy<Value = Vec<u8>> {
    let enveloped = |bytes: Vec<u8>| [b"k8s\0".as_slice(), &bytes].concat();
    prop_oneof![
        6 => disturbed(template(kind)).prop_map(|value| value.to_string().into_bytes()),
        2 => (0..15_usize).prop_flat_map(|kind| disturbed(template(kind))).prop_map(|value| value.to_string().into_bytes()),
        1 => disturbed(template(kind)).prop_map(|value| crate::http::to_yaml(&value).into_bytes()),
        1 => (disturbed(template(kind)), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(value, at, byte)| {
            let mut bytes = value.to_string().into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            bytes
        }),
        1 => object().prop_map(|value| value.to_string().into_bytes()),
        1 => value().prop_map(|value| value.to_string().into_bytes()),
        1 => (disturbed(template(kind)), any::<prop::sample::Index>(), any::<u8>()).prop_map(move |(value, at, byte)| {
            let mut bytes = crate::protobuf::encode(&value).unwrap_or_default();
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            bytes
        }),
        1 => prop::collection::vec(any::<u8>(), 0..60).prop_map(enveloped),
        1 => prop::collection::vec(any::<u8>(), 0..60),
        1 => "[-a-z: \\[\\]{}&*!|>'\"%@#,?\n\t0-9]{0,60}".prop_map(String::into_bytes),
        1 => Just(Vec::new()),
        1 => (prop::sample::select(vec!["[", "{\"a\":", "- ", "&a [*a,"]), 1..20_000_usize).prop_map(|(piece, times)| piece.repeat(times).into_bytes()),
    ]
}

fn call() -> impl Strategy<Value = Call> {
    let method = prop_oneof![
        9 => prop::sample::select(vec!["GET", "POST", "POST", "PUT", "PATCH", "PATCH", "DELETE"]).prop_map(str::to_owned),
        1 => prop::sample::select(vec!["HEAD", "OPTIONS", "TRACE", "CONNECT", "FOO", "get"]).prop_map(str::to_owned),
    ];
    (method, path(), query(), headers(), prop::bool::weighted(0.1)).prop_flat_map(
        |(method, (path, kind), query, headers, anonymous)| {
            body(kind).prop_map(move |body| Call {
                method: method.clone(),
                path: path.clone(),
                query: query.clone(),
                headers: headers.clone(),
                body,
                anonymous,
            })
        },
    )
}

impl Call {
    fn request(&self) -> Option<Request<Body>> {
        let mut request = Request::builder()
            .method(Method::from_bytes(self.method.as_bytes()).ok()?)
            .uri(format!("{}?{}", self.path, self.query));
        for (name, value) in &self.headers {
            request = request.header(*name, http::HeaderValue::from_bytes(value.as_bytes()).ok()?);
        }
        request.body(Body::from(self.body.clone())).ok()
    }
}

/// Sends a request; a stream is read until its first piece.
async fn answer(server: &ApiServer, call: &Call) -> Option<(StatusCode, String, Vec<u8>)> {
    let request = call.request()?;
    let router = if call.anonymous { server.router() } else { server.router_as(UserInfo::admin()) };
    let mut response = router.oneshot(request).await.unwrap();
    let content_type = response.headers().get("content-type").map(|value| value.to_str().unwrap().to_owned());
    let code = response.status();
    let bytes = if http_body::Body::size_hint(response.body()).exact().is_some() {
        response.body_mut().collect().await.unwrap().to_bytes().to_vec()
    } else {
        Vec::new()
    };
    Some((code, content_type.unwrap_or_default(), bytes))
}

/// Says what is wrong with an answer.
fn flaw(call: &Call, code: StatusCode, content_type: &str, bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    if code.is_success() || code == StatusCode::NOT_MODIFIED || call.method == "HEAD" {
        return None;
    }
    if !(400..600).contains(&code.as_u16()) {
        return Some(format!("code {code}"));
    }
    let plain = content_type.starts_with("text/plain") || content_type.is_empty();
    if plain && code.is_client_error() {
        return None;
    }
    let parsed: Option<Value> = match content_type {
        "application/json" | "text/plain; charset=utf-8" => serde_json::from_slice(bytes).ok(),
        "application/yaml" => crate::http::parse_yaml(bytes).ok(),
        _ => crate::protobuf::Envelope::open(bytes)
            .ok()
            .and_then(|envelope| envelope.decode(("v1", "Status")).ok()),
    };
    let Some(status) = parsed else { return Some(format!("not readable as {content_type}: {text}")) };
    let reason = status["reason"].as_str().unwrap_or_default();
    if status["status"] != "Failure"
        || status["code"] != code.as_u16()
        || status["message"].as_str().is_none_or(str::is_empty)
    {
        return Some(format!("no proper status: {text}"));
    }
    // Some errors of clients are 500 without a reason in the real server.
    if code == StatusCode::INTERNAL_SERVER_ERROR && reason == "InternalError" {
        return Some(format!("an error of the server: {text}"));
    }
    None
}

fn run(calls: &[Call]) -> Result<(), TestCaseError> {
    BENCH.with_borrow_mut(|bench| {
        let bench = bench.get_or_insert_with(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let server = runtime.block_on(ApiServer::start(ServerConfig::default())).unwrap();
            Bench { runtime, server }
        });
        bench.runtime.block_on(async {
            for call in calls {
                let Some((code, content_type, bytes)) = answer(&bench.server, call).await else { continue };
                if let Some(flaw) = flaw(call, code, &content_type, &bytes) {
                    let body = String::from_utf8_lossy(&call.body).into_owned();
                    let encoded = base64::engine::general_purpose::STANDARD.encode(&call.body);
                    return Err(TestCaseError::fail(format!("{flaw}\n{call:?}\n{body}\n{encoded}")));
                }
            }
            Ok(())
        })
    })
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn every_request_has_a_proper_answer(calls in prop::collection::vec(call(), 1..4)) {
        run(&calls)?;
    }
}

/// Bodies that are nested deeper than any stack is.
#[test]
fn deeply_nested_bodies_are_refused() {
    for piece in ["[", "{\"a\":", "- ", "&a [*a,", "{a: ", "[[],", "{\"spec\":", "? ", "!!a "] {
        for content_type in [
            "application/json",
            "application/yaml",
            "application/merge-patch+json",
            "application/json-patch+json",
            "application/strategic-merge-patch+json",
            "application/apply-patch+yaml",
            "application/vnd.kubernetes.protobuf",
        ] {
            for method in ["POST", "PUT", "PATCH", "DELETE"] {
                let collection = "/api/v1/namespaces/default/configmaps";
                let path = if method == "POST" {
                    collection.to_owned()
                } else {
                    format!("{collection}/kube-root-ca.crt")
                };
                let call = Call {
                    method: method.to_owned(),
                    path,
                    query: String::new(),
                    headers: vec![("content-type", content_type.to_owned())],
                    body: piece.repeat(100_000).into_bytes(),
                    anonymous: false,
                };
                run(&[call]).unwrap();
            }
        }
    }
}
