//! Webhooks that explain a kind to the control plane, and webhooks that fail.

use std::sync::Arc;

use axum::Router;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use karmada_tests::faults::{
    FOOS, Fault, FaultyServer, SICK, Scope, WELL, World, any, eventually, foo_crd, install_crd, merge, write,
};
use parking_lot::Mutex;
use rstest::rstest;
use serde_json::{Value, json};

const CONFIGURATIONS: &str = "/apis/config.karmada.io/v1alpha1/resourceinterpreterwebhookconfigurations";
const EVERYWHERE: [&str; 3] = [SICK, WELL[0], WELL[1]];

type Questions = Arc<Mutex<Vec<Value>>>;

/// A webhook that knows kind Foo: `spec.size` are its replicas.
fn webhook(questions: Questions) -> Router {
    Router::new().fallback(move |body: bytes::Bytes| {
        let questions = questions.clone();
        async move {
            let context: Value = serde_json::from_slice(&body).unwrap_or_default();
            let request = &context["request"];
            questions.lock().push(request.clone());
            let object = &request["object"];
            let patch = |operations: Value| {
                json!({"patchType": "JSONPatch", "patch": STANDARD.encode(operations.to_string())})
            };
            let mut response = match request["operation"].as_str().unwrap_or_default() {
                "InterpretReplica" => json!({"replicas": object["spec"]["size"]}),
                "ReviseReplica" => patch(json!([
                    {"op": "add", "path": "/spec/size", "value": request["replicas"]}
                ])),
                "Retain" => {
                    let kept = &request["observedObject"]["spec"]["local"];
                    let add = json!([{"op": "add", "path": "/spec/local", "value": kept}]);
                    patch(if kept.is_null() { json!([]) } else { add })
                }
                "InterpretStatus" => json!({"rawStatus": {"up": object["spec"]["size"]}}),
                "InterpretHealth" => json!({"healthy": true}),
                "AggregateStatus" => {
                    let items = request["aggregatedStatus"].as_array().cloned().unwrap_or_default();
                    let up: i64 = items.iter().filter_map(|item| item["status"]["up"].as_i64()).sum();
                    patch(json!([{"op": "add", "path": "/status", "value": {"up": up}}]))
                }
                "InterpretDependency" => json!({"dependencies": [
                    {"apiVersion": "v1", "kind": "ConfigMap", "namespace": "apps", "name": object["spec"]["config"]}
                ]}),
                other => json!({"successful": false, "status": {"code": 400, "message": format!("{other}?")}}),
            };
            response["uid"] = request["uid"].clone();
            if response["successful"].is_null() {
                response["successful"] = true.into();
            }
            json!({
                "apiVersion": "config.karmada.io/v1alpha1", "kind": "ResourceInterpreterContext", "response": response,
            })
            .to_string()
        }
    })
}

fn configuration(webhook: &FaultyServer, operations: &[&str], timeout: u32) -> Value {
    json!({
        "apiVersion": "config.karmada.io/v1alpha1", "kind": "ResourceInterpreterWebhookConfiguration",
        "metadata": {"name": "foos"},
        "webhooks": [{
            "name": "foos.example.io", "interpreterContextVersions": ["v1alpha1"], "timeoutSeconds": timeout,
            "clientConfig": {"url": format!("{}/explain", webhook.url()), "caBundle": webhook.ca_bundle()},
            "rules": [{"operations": operations, "apiGroups": ["example.io"], "apiVersions": ["v1"], "kinds": ["Foo"]}],
        }],
    })
}

/// Starts a world that serves kind Foo everywhere, and its webhook.
async fn start(operations: &[&str], timeout: u32) -> anyhow::Result<(World, FaultyServer, Questions)> {
    let world = World::start().await?;
    install_crd(&world.client(), &foo_crd(&any())).await?;
    for member in EVERYWHERE {
        install_crd(&world.member(member), &foo_crd(&any())).await?;
    }
    for member in EVERYWHERE {
        eventually(&format!("kind Foo is known of {member}"), async || {
            let cluster = world.get(&format!("/apis/cluster.karmada.io/v1alpha1/clusters/{member}")).await?;
            let is_known = cluster["status"]["apiEnablements"].to_string().contains("\"Foo\"");
            Ok(if is_known { Ok(()) } else { Err(cluster["status"]["conditions"].clone()) })
        })
        .await?;
    }
    let questions = Questions::default();
    let server = FaultyServer::start(webhook(questions.clone())).await?;
    let configuration = configuration(&server, operations, timeout);
    write(&world.client(), http::Method::POST, "application/json", CONFIGURATIONS, &configuration).await?;
    Ok((world, server, questions))
}

async fn create_foo(world: &World, name: &str) -> anyhow::Result<()> {
    let object = json!({"apiVersion": "example.io/v1", "kind": "Foo", "metadata": {"name": name},
        "spec": {"size": 6, "config": "settings"}});
    world.create(FOOS, "foos", &object).await.map(drop)
}

async fn has(world: &World, cluster: &str, pointer: &str, wanted: &Value) -> anyhow::Result<()> {
    eventually(&format!("{pointer} of the object in {cluster:?} is {wanted}"), async || {
        let found = world.find(cluster, FOOS, "foos", "a").await?.unwrap_or_default();
        Ok(if found.pointer(pointer) == Some(wanted) { Ok(()) } else { Err(found) })
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_explains_a_kind_in_every_respect() -> anyhow::Result<()> {
    let (world, _webhook, questions) = start(&["*"], 1).await?;
    let policy = json!({
        "apiVersion": "policy.karmada.io/v1alpha1", "kind": "PropagationPolicy", "metadata": {"name": "foos"},
        "spec": {
            "resourceSelectors": [{"apiVersion": "example.io/v1", "kind": "Foo"}], "propagateDeps": true,
            "placement": {
                "clusterAffinity": {"clusterNames": EVERYWHERE},
                "replicaScheduling": {"replicaSchedulingType": "Divided", "replicaDivisionPreference": "Weighted"},
            },
        },
    });
    world.create("apis/policy.karmada.io/v1alpha1", "propagationpolicies", &policy).await?;
    world.create_config("settings").await?;
    create_foo(&world, "a").await?;
    // Replicas are read, divided and revised; statuses are read and added up.
    for member in EVERYWHERE {
        has(&world, member, "/spec/size", &json!(2)).await?;
    }
    has(&world, "", "/status/up", &json!(6)).await?;
    for member in EVERYWHERE {
        eventually("what it needs follows", async || {
            let found = world.find(member, "api/v1", "configmaps", "settings").await?;
            Ok(if found.is_some() { Ok(()) } else { Err(json!(member)) })
        })
        .await?;
    }
    // What the member has set is retained.
    let path = format!("/{FOOS}/namespaces/apps/foos/a");
    merge(&world.member(WELL[0]), &path, &json!({"spec": {"local": "mine"}})).await?;
    merge(&world.client(), &path, &json!({"spec": {"size": 9}})).await?;
    for member in EVERYWHERE {
        has(&world, member, "/spec/size", &json!(3)).await?;
    }
    has(&world, WELL[0], "/spec/local", &json!("mine")).await?;
    let asked = questions.lock().clone();
    let uids: std::collections::BTreeSet<_> =
        asked.iter().map(|question| question["uid"].to_string()).collect();
    assert_eq!(uids.len(), asked.len(), "no identifier is used twice");
    world.shutdown().await;
    Ok(())
}

#[rstest]
#[case::refuses(Fault::Refuses, "Connection refused")]
#[case::hangs(Fault::Hangs, "within 1 s")]
#[case::answers_500(Fault::Answers(500), "500 Internal Server Error")]
#[case::garbage(Fault::Garbage, "is no ResourceInterpreterContext")]
#[case::floods(Fault::Floods, "")]
#[case::other_certificate(Fault::OtherCertificate, "certificate")]
#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_fails_is_told_of_on_the_template_and_holds_up_nothing_else(
    #[case] fault: Fault,
    #[case] said: &str,
) -> anyhow::Result<()> {
    let (world, webhook, _questions) = start(&["InterpretReplica"], 1).await?;
    webhook.set(fault, Scope::Everything);
    world.propagate("example.io/v1", "Foo", &EVERYWHERE).await?;
    world.propagate("v1", "ConfigMap", &EVERYWHERE).await?;
    create_foo(&world, "a").await?;
    world.warned("Foo", "a", "ApplyPolicyFailed", &["foos/foos.example.io", said]).await?;
    world.create_config("other").await?;
    for member in EVERYWHERE {
        eventually("another kind is not held up", async || {
            let found = world.find(member, "api/v1", "configmaps", "other").await?;
            Ok(if found.is_some() { Ok(()) } else { Err(json!(member)) })
        })
        .await?;
    }
    assert!(world.find(WELL[0], FOOS, "foos", "a").await?.is_none(), "nothing is propagated on a guess");
    webhook.set(Fault::None, Scope::Everything);
    for member in EVERYWHERE {
        has(&world, member, "/spec/size", &json!(6)).await?;
    }
    world.shutdown().await;
    Ok(())
}

/// More than a controller has workers, and together less than a webhook is asked at a time.
const HELD: usize = 20;
/// Seconds; so long that nothing goes on because of it.
const LONG: u32 = 30;

async fn create_foos(world: &World) -> anyhow::Result<Vec<String>> {
    let names: Vec<String> = (0..HELD).map(|number| format!("held-{number:02}")).collect();
    for name in &names {
        create_foo(world, name).await?;
    }
    Ok(names)
}

/// Creates a ConfigMap, which must arrive everywhere while the webhook is silent.
async fn others_go_on(world: &World) -> anyhow::Result<()> {
    world.create_config("other").await?;
    for member in EVERYWHERE {
        eventually("another kind is not held up", async || {
            let found = world.find(member, "api/v1", "configmaps", "other").await?;
            Ok(if found.is_some() { Ok(()) } else { Err(json!(member)) })
        })
        .await?;
    }
    let events = world.get("/api/v1/events").await?.to_string();
    assert!(!events.contains("within 30 s"), "it waited until the questions were given up");
    Ok(())
}

async fn was_asked(webhook: &FaultyServer, times: usize) -> anyhow::Result<()> {
    eventually(&format!("{times} questions wait"), async || {
        let asked = webhook.writes();
        Ok(if asked >= times { Ok(()) } else { Err(json!(asked)) })
    })
    .await
}

async fn arrive_with(world: &World, names: &[String], pointer: &str, wanted: &Value) -> anyhow::Result<()> {
    for member in EVERYWHERE {
        for name in names {
            eventually(&format!("{name} in {member} has {wanted} at {pointer}"), async || {
                let found = world.find(member, FOOS, "foos", name).await?.unwrap_or_default();
                Ok(if found.pointer(pointer) == Some(wanted) { Ok(()) } else { Err(found) })
            })
            .await?;
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn templates_that_wait_for_a_silent_webhook_hold_up_no_others() -> anyhow::Result<()> {
    let (world, webhook, _questions) = start(&["InterpretReplica"], LONG).await?;
    world.propagate("example.io/v1", "Foo", &EVERYWHERE).await?;
    world.propagate("v1", "ConfigMap", &EVERYWHERE).await?;
    webhook.set(Fault::Hangs, Scope::Everything);
    let names = create_foos(&world).await?;
    was_asked(&webhook, HELD).await?;
    others_go_on(&world).await?;
    webhook.set(Fault::None, Scope::Everything);
    arrive_with(&world, &names, "/spec/size", &json!(6)).await?;
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn works_that_wait_for_a_silent_webhook_hold_up_no_others() -> anyhow::Result<()> {
    let (world, webhook, _questions) = start(&["Retain"], LONG).await?;
    world.propagate("example.io/v1", "Foo", &EVERYWHERE).await?;
    world.propagate("v1", "ConfigMap", &EVERYWHERE).await?;
    let names = create_foos(&world).await?;
    arrive_with(&world, &names, "/spec/size", &json!(6)).await?;
    webhook.set(Fault::Hangs, Scope::Everything);
    for name in &names {
        let path = format!("/{FOOS}/namespaces/apps/foos/{name}");
        merge(&world.client(), &path, &json!({"spec": {"size": 7}})).await?;
    }
    was_asked(&webhook, HELD * EVERYWHERE.len()).await?;
    others_go_on(&world).await?;
    webhook.set(Fault::None, Scope::Everything);
    arrive_with(&world, &names, "/spec/size", &json!(7)).await?;
    world.shutdown().await;
    Ok(())
}
