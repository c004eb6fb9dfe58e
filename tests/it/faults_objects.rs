//! Objects that one member cannot take, and rules that fail: told about, tried again, no matter to the others.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::{Method, Request, Response, StatusCode};
use karmada_tests::faults::{
    CRDS, FOOS, Fault, FaultyServer, SICK, Scope, WELL, World, any, eventually, foo_crd, install_crd, merge,
    write,
};
use karmada_tests::writes::write_counts;
use kube::Client;
use kube::client::Body;
use rstest::rstest;
use serde_json::{Value, json};

fn foo(name: &str, spec: &Value) -> Value {
    json!({"apiVersion": "example.io/v1", "kind": "Foo", "metadata": {"name": name}, "spec": spec})
}

/// Installs kind Foo in the control plane and in the members that stay well.
async fn install_foo(world: &World) -> anyhow::Result<()> {
    install_crd(&world.client(), &foo_crd(&any())).await?;
    for member in WELL {
        install_crd(&world.member(member), &foo_crd(&any())).await?;
    }
    Ok(())
}

/// Waits until members serve kind Foo, as far as their Clusters say.
async fn foo_is_known_of(world: &World, members: &[&str]) -> anyhow::Result<()> {
    for member in members {
        eventually(&format!("kind Foo is known of {member}"), async || {
            let cluster = world.get(&format!("/apis/cluster.karmada.io/v1alpha1/clusters/{member}")).await?;
            let is_known = cluster["status"]["apiEnablements"].to_string().contains("\"Foo\"");
            Ok(if is_known { Ok(()) } else { Err(cluster["status"]["conditions"].clone()) })
        })
        .await?;
    }
    Ok(())
}

async fn arrives(world: &World, members: &[&str], at: (&str, &str), name: &str) -> anyhow::Result<()> {
    for member in members {
        eventually(&format!("{name} arrives in {member}"), async || {
            let found = world.find(member, at.0, at.1, name).await?;
            Ok(if found.is_some() { Ok(()) } else { Err(json!(null)) })
        })
        .await?;
    }
    Ok(())
}

async fn is_not_applied(world: &World, kind: &str, name: &str, said: &str) -> anyhow::Result<()> {
    eventually(&format!("the Work of {name} says {said:?}"), async || {
        let condition = world.work_condition(SICK, kind, name, "Applied").await?;
        let message = condition["message"].as_str().unwrap_or_default();
        let is_so = condition["status"] == "False" && message.contains(said);
        Ok(if is_so { Ok(()) } else { Err(condition) })
    })
    .await?;
    world.warned(kind, name, "SyncFailed", &["member cluster(sick)", said]).await
}

async fn is_applied_everywhere(world: &World, kind: &str, name: &str) -> anyhow::Result<()> {
    eventually(&format!("{name} is applied everywhere"), async || {
        let condition = world.binding_condition(kind, name, "FullyApplied").await?;
        Ok(if condition["status"] == "True" { Ok(()) } else { Err(condition) })
    })
    .await
}

const CONFIGS: (&str, &str) = ("api/v1", "configmaps");

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_of_a_member_refuses_until_there_is_room() -> anyhow::Result<()> {
    let world = World::start().await?;
    world.propagate("v1", "ConfigMap", &[SICK, WELL[0], WELL[1]]).await?;
    world.create_config("first").await?;
    arrives(&world, &[SICK], CONFIGS, "first").await?;
    let quota = json!({"metadata": {"name": "none"}, "spec": {"hard": {"count/configmaps": "1"}},
        "status": {"hard": {"count/configmaps": "1"}, "used": {"count/configmaps": "1"}}});
    let quotas = "/api/v1/namespaces/apps/resourcequotas";
    let member = world.member(SICK);
    let post = |path: String, object: Value| {
        let member = member.clone();
        async move { write(&member, Method::POST, "application/json", &path, &object).await }
    };
    post(quotas.to_owned(), quota.clone()).await?;
    eventually("the quota is counted", async || {
        let found = world.find(SICK, "api/v1", "resourcequotas", "none").await?.unwrap_or_default();
        Ok(if found["status"]["used"]["count/configmaps"].is_string() { Ok(()) } else { Err(found) })
    })
    .await?;
    world.create_config("second").await?;
    arrives(&world, &WELL, CONFIGS, "second").await?;
    is_not_applied(&world, "ConfigMap", "second", "exceeded quota: none").await?;
    merge(&member, &format!("{quotas}/none"), &json!({"spec": {"hard": {"count/configmaps": "9"}}})).await?;
    arrives(&world, &[SICK], CONFIGS, "second").await?;
    is_applied_everywhere(&world, "ConfigMap", "second").await?;
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_of_a_member_refuses_until_it_is_gone() -> anyhow::Result<()> {
    let world = World::start().await?;
    world.propagate("v1", "ConfigMap", &[SICK, WELL[0], WELL[1]]).await?;
    world.create_config("first").await?;
    arrives(&world, &[SICK], CONFIGS, "first").await?;
    let webhook = FaultyServer::start(axum::Router::new()).await?;
    webhook.set(Fault::Answers(503), Scope::Everything);
    let configuration = json!({
        "metadata": {"name": "guard"},
        "webhooks": [{
            "name": "guard.example.io", "sideEffects": "None", "admissionReviewVersions": ["v1"], "failurePolicy": "Fail",
            "clientConfig": {"url": webhook.url(), "caBundle": webhook.ca_bundle()},
            "rules": [{"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"]}],
        }],
    });
    let path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";
    let member = world.member(SICK);
    write(&member, Method::POST, "application/json", path, &configuration).await?;
    world.create_config("second").await?;
    arrives(&world, &WELL, CONFIGS, "second").await?;
    is_not_applied(&world, "ConfigMap", "second", "failed calling webhook \"guard.example.io\"").await?;
    write(&member, Method::DELETE, "application/json", &format!("{path}/guard"), &json!({})).await?;
    arrives(&world, &[SICK], CONFIGS, "second").await?;
    is_applied_everywhere(&world, "ConfigMap", "second").await?;
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_is_immutable_in_a_member_refuses_until_the_object_goes() -> anyhow::Result<()> {
    let world = World::start().await?;
    world.propagate("v1", "ConfigMap", &[SICK, WELL[0], WELL[1]]).await?;
    world.create_config("fixed").await?;
    arrives(&world, &[SICK, WELL[0], WELL[1]], CONFIGS, "fixed").await?;
    let path = "/api/v1/namespaces/apps/configmaps/fixed";
    // Immutable objects stay so: neither the mark nor the data can change.
    merge(&world.member(SICK), path, &json!({"immutable": true})).await?;
    merge(&world.client(), path, &json!({"data": {"key": "new"}})).await?;
    let has_new = async |member: &str| -> anyhow::Result<()> {
        eventually(&format!("{member} has the new content"), async || {
            let found = world.find(member, CONFIGS.0, CONFIGS.1, "fixed").await?.unwrap_or_default();
            Ok(if found["data"]["key"] == "new" { Ok(()) } else { Err(found) })
        })
        .await
    };
    for member in WELL {
        has_new(member).await?;
    }
    is_not_applied(&world, "ConfigMap", "fixed", "field is immutable").await?;
    write(&world.member(SICK), Method::DELETE, "application/json", path, &json!({})).await?;
    has_new(SICK).await?;
    is_applied_everywhere(&world, "ConfigMap", "fixed").await?;
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_that_is_invalid_in_a_member_is_refused_there_until_it_is_right() -> anyhow::Result<()> {
    let world = World::start().await?;
    install_foo(&world).await?;
    let strict = json!({"type": "object", "properties": {"size": {"type": "integer", "maximum": 3}}});
    install_crd(&world.member(SICK), &foo_crd(&strict)).await?;
    foo_is_known_of(&world, &[SICK, WELL[0], WELL[1]]).await?;
    world.propagate("example.io/v1", "Foo", &[SICK, WELL[0], WELL[1]]).await?;
    world.create(FOOS, "foos", &foo("big", &json!({"size": 9}))).await?;
    arrives(&world, &WELL, (FOOS, "foos"), "big").await?;
    is_not_applied(&world, "Foo", "big", "spec.size in body should be less than or equal to 3").await?;
    let path = format!("/{FOOS}/namespaces/apps/foos/big");
    merge(&world.client(), &path, &json!({"spec": {"size": 2}})).await?;
    arrives(&world, &[SICK], (FOOS, "foos"), "big").await?;
    is_applied_everywhere(&world, "Foo", "big").await?;
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_a_member_drops_is_not_written_again_whenever_the_member_reports() -> anyhow::Result<()>
{
    let world = World::start().await?;
    install_foo(&world).await?;
    let older = json!({"type": "object", "properties": {"size": {"type": "integer"}}});
    install_crd(&world.member(SICK), &foo_crd(&older)).await?;
    foo_is_known_of(&world, &[SICK]).await?;
    world.propagate("example.io/v1", "Foo", &[SICK]).await?;
    world.create(FOOS, "foos", &foo("a", &json!({"size": 1, "newer": true}))).await?;
    arrives(&world, &[SICK], (FOOS, "foos"), "a").await?;
    let path = format!("/{FOOS}/namespaces/apps/foos/a");
    let member = world.member(SICK);
    let reports = async |number: u32| -> anyhow::Result<()> {
        merge(&member, &format!("{path}/status"), &json!({"status": {"number": number}})).await?;
        eventually("the binding has the report", async || {
            let name = karmada_core::object::binding_name("Foo", "a");
            let binding = world.find("", "apis/work.karmada.io/v1alpha2", "resourcebindings", &name).await?;
            let reported = binding.unwrap_or_default()["status"]["aggregatedStatus"].take();
            Ok(if reported[0]["status"]["number"] == number { Ok(()) } else { Err(reported) })
        })
        .await
    };
    // One write finds out that it changes nothing.
    reports(0).await?;
    let before = write_counts(&member).await;
    let of_foos = |counts: &std::collections::BTreeMap<String, u64>| -> u64 {
        let writes = counts.iter().filter(|(what, _)| what.ends_with(" foos"));
        writes.map(|(_, count)| count).sum()
    };
    assert!(of_foos(&before) >= 1, "{before:?}");
    for number in 1..6 {
        reports(number).await?;
    }
    let after = write_counts(&member).await;
    assert_eq!(of_foos(&after), of_foos(&before), "{after:?}");

    // What is really different is written as ever, from both sides.
    let has_size = async |size: u32| -> anyhow::Result<()> {
        eventually(&format!("the member has size {size}"), async || {
            let found = world.find(SICK, FOOS, "foos", "a").await?.unwrap_or_default();
            Ok(if found["spec"] == json!({"size": size}) { Ok(()) } else { Err(found) })
        })
        .await
    };
    merge(&world.client(), &path, &json!({"spec": {"size": 2}})).await?;
    has_size(2).await?;
    reports(7).await?;
    merge(&member, &path, &json!({"spec": {"size": 9}})).await?;
    has_size(2).await?;
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kind_that_a_member_lacks_goes_to_the_others_until_the_member_has_it() -> anyhow::Result<()> {
    let world = World::start().await?;
    install_foo(&world).await?;
    foo_is_known_of(&world, &WELL).await?;
    world.propagate("example.io/v1", "Foo", &[SICK, WELL[0], WELL[1]]).await?;
    world.create(FOOS, "foos", &foo("a", &json!({}))).await?;
    arrives(&world, &WELL, (FOOS, "foos"), "a").await?;
    install_crd(&world.member(SICK), &foo_crd(&any())).await?;
    foo_is_known_of(&world, &[SICK]).await?;
    // What a cluster serves is its status, and schedules nothing anew; a change of the cluster does.
    let cluster = format!("/apis/cluster.karmada.io/v1alpha1/clusters/{SICK}");
    merge(&world.client(), &cluster, &json!({"metadata": {"labels": {"serves": "foo"}}})).await?;
    arrives(&world, &[SICK], (FOOS, "foos"), "a").await?;
    // Once it was there, its end is an error of the Work.
    let definition = format!("{CRDS}/foos.example.io");
    write(&world.member(SICK), Method::DELETE, "application/json", &definition, &json!({})).await?;
    merge(&world.client(), &format!("/{FOOS}/namespaces/apps/foos/a"), &json!({"spec": {"n": 1}})).await?;
    is_not_applied(&world, "Foo", "a", "").await?;
    install_crd(&world.member(SICK), &foo_crd(&any())).await?;
    arrives(&world, &[SICK], (FOOS, "foos"), "a").await?;
    is_applied_everywhere(&world, "Foo", "a").await?;
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_names_unknown_clusters_says_that_none_fits() -> anyhow::Result<()> {
    let world = World::start().await?;
    world.propagate("v1", "ConfigMap", &["ghost"]).await?;
    world.create_config("lost").await?;
    eventually("the binding is not scheduled", async || {
        let condition = world.binding_condition("ConfigMap", "lost", "Scheduled").await?;
        let is_so = condition["status"] == "False" && condition["reason"] == "NoClusterFit";
        Ok(if is_so { Ok(()) } else { Err(condition) })
    })
    .await?;
    let said = "3 cluster(s) did not match the placement cluster affinity constraint";
    world.warned("ConfigMap", "lost", "ScheduleBindingFailed", &["0/3 clusters are available", said]).await?;
    world.shutdown().await;
    Ok(())
}

/// Answers the first status of a binding that is sent as when somebody else has written it meanwhile.
fn conflicting_once(client: Client) -> Client {
    let refused = Arc::new(AtomicBool::new(false));
    let namespace = client.default_namespace().to_owned();
    let service = tower::service_fn(move |request: Request<Body>| {
        let (client, path) = (client.clone(), request.uri().path());
        let is_status = path.contains("/resourcebindings/") && path.ends_with("/status");
        let is_first =
            request.method() == Method::PATCH && is_status && !refused.swap(true, Ordering::Relaxed);
        async move {
            if !is_first {
                return client.send(request).await;
            }
            let status = json!({"kind": "Status", "status": "Failure", "reason": "Conflict", "code": 409});
            let mut answer = Response::new(Body::from(status.to_string().into_bytes()));
            *answer.status_mut() = StatusCode::CONFLICT;
            Ok(answer)
        }
    });
    Client::new(service, namespace)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_placement_is_told_of_though_its_first_status_met_a_conflict() -> anyhow::Result<()> {
    let world = World::start_through(conflicting_once).await?;
    let policy = json!({
        "apiVersion": "policy.karmada.io/v1alpha1", "kind": "PropagationPolicy", "metadata": {"name": "divided"},
        "spec": {
            "resourceSelectors": [{"apiVersion": "apps/v1", "kind": "Deployment"}],
            "placement": {
                "clusterAffinity": {"clusterNames": WELL},
                "replicaScheduling": {"replicaSchedulingType": "Divided", "replicaDivisionPreference": "Weighted"},
            },
        },
    });
    world.create("apis/policy.karmada.io/v1alpha1", "propagationpolicies", &policy).await?;
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": "a"}},
            "template": {
                "metadata": {"labels": {"app": "a"}},
                "spec": {"containers": [{"name": "main", "image": "nginx"}]},
            },
        },
    });
    world.create("apis/apps/v1", "deployments", &deployment).await?;
    arrives(&world, &WELL, ("apis/apps/v1", "deployments"), "a").await?;
    let told = ["Binding has been scheduled successfully. Result: {"];
    world.told("Normal", "Deployment", "a", "ScheduleBindingSucceed", &told).await?;
    world.shutdown().await;
    Ok(())
}

#[rstest]
#[case::replicas("replicaResource", "function GetReplicas(object) error('no idea') end")]
#[case::endless("replicaResource", "function GetReplicas(object) while true do end end")]
#[tokio::test(flavor = "multi_thread")]
async fn a_script_that_fails_is_told_of_on_the_template_and_holds_up_nothing_else(
    #[case] rule: &str,
    #[case] script: &str,
) -> anyhow::Result<()> {
    let world = World::start().await?;
    install_foo(&world).await?;
    install_crd(&world.member(SICK), &foo_crd(&any())).await?;
    foo_is_known_of(&world, &[SICK, WELL[0], WELL[1]]).await?;
    let customizations = "/apis/config.karmada.io/v1alpha1/resourceinterpretercustomizations";
    let customization = json!({
        "apiVersion": "config.karmada.io/v1alpha1", "kind": "ResourceInterpreterCustomization",
        "metadata": {"name": "foo"},
        "spec": {"target": {"apiVersion": "example.io/v1", "kind": "Foo"}, "customizations": {rule: {"luaScript": script}}},
    });
    write(&world.client(), Method::POST, "application/json", customizations, &customization).await?;
    world.propagate("example.io/v1", "Foo", &[SICK, WELL[0], WELL[1]]).await?;
    world.propagate("v1", "ConfigMap", &[SICK, WELL[0], WELL[1]]).await?;
    world.create(FOOS, "foos", &foo("a", &json!({}))).await?;
    world.warned("Foo", "a", "ApplyPolicyFailed", &["InterpretReplica"]).await?;
    world.create_config("other").await?;
    arrives(&world, &[SICK, WELL[0], WELL[1]], CONFIGS, "other").await?;
    let right = json!({"spec": {"customizations": {rule: {"luaScript": "function GetReplicas(object) return 1 end"}}}});
    merge(&world.client(), &format!("{customizations}/foo"), &right).await?;
    arrives(&world, &[SICK, WELL[0], WELL[1]], (FOOS, "foos"), "a").await?;
    is_applied_everywhere(&world, "Foo", "a").await?;
    world.shutdown().await;
    Ok(())
}
