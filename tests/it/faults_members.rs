//! A member that is sick is told about, tried again, and delays no other one.

use std::time::{Duration, Instant};

use karmada_tests::faults::{Fault, SICK, Scope, WELL, World, eventually, merge, write};
use rstest::rstest;
use serde_json::{Value, json};

const OBJECTS: usize = 12;

fn names(prefix: &str) -> Vec<String> {
    (0..OBJECTS).map(|number| format!("{prefix}-{number:02}")).collect()
}

/// Waits until a member has all objects, and returns how long that took.
async fn all_arrive(world: &World, member: &str, names: &[String]) -> anyhow::Result<Duration> {
    let started = Instant::now();
    eventually(&format!("{member} has everything"), async || {
        let count = world.count_configs(member, names).await?;
        Ok(if count == names.len() { Ok(()) } else { Err(json!(count)) })
    })
    .await?;
    Ok(started.elapsed())
}

/// Makes the member sick, propagates to all, and checks that the others get everything meanwhile.
///
/// Returns the names of what was propagated.
async fn the_others_get_everything(world: &World, fault: Fault, scope: Scope) -> anyhow::Result<Vec<String>> {
    world.propagate("v1", "ConfigMap", &[SICK, WELL[0], WELL[1]]).await?;
    let before = names("before");
    for name in &before {
        world.create_config(name).await?;
    }
    for member in [SICK, WELL[0], WELL[1]] {
        all_arrive(world, member, &before).await?;
    }
    world.sick.set(fault, scope);
    let during = names("during");
    for name in &during {
        world.create_config(name).await?;
    }
    for member in WELL {
        all_arrive(world, member, &during).await?;
    }
    assert_eq!(world.count_configs(SICK, &during).await?, 0, "the sick member was not sick");
    Ok(during)
}

/// Waits until something is said about the Cluster.
async fn cluster_says(world: &World, status: &str, reason: &str) -> anyhow::Result<()> {
    eventually(&format!("the cluster is Ready={status} because of {reason}"), async || {
        let condition = world.cluster_condition(SICK, "Ready").await?;
        let is_so = condition["status"] == status && condition["reason"] == reason;
        Ok(if is_so { Ok(()) } else { Err(condition) })
    })
    .await
}

/// Waits until the Work of an object says that it was not applied, and why.
async fn work_says(world: &World, kind: &str, name: &str, texts: &[&str]) -> anyhow::Result<()> {
    eventually(&format!("the Work says {texts:?}"), async || {
        let condition: Value = world.work_condition(SICK, kind, name, "Applied").await?;
        let message = condition["message"].as_str().unwrap_or_default();
        let is_so = condition["status"] == "False" && texts.iter().all(|text| message.contains(text));
        Ok(if is_so { Ok(()) } else { Err(condition) })
    })
    .await
}

async fn recovers(world: World, during: &[String]) -> anyhow::Result<()> {
    world.sick.set(Fault::None, Scope::Everything);
    all_arrive(&world, SICK, during).await?;
    eventually("the binding is applied everywhere", async || {
        let condition = world.binding_condition("ConfigMap", &during[0], "FullyApplied").await?;
        Ok(if condition["status"] == "True" { Ok(()) } else { Err(condition) })
    })
    .await?;
    world.shutdown().await;
    Ok(())
}

#[rstest]
#[case::refuses(Fault::Refuses, "ClusterNotReachable", &["Connection refused"])]
#[case::hangs(Fault::Hangs, "ClusterNotReachable", &["no answer from the member within 10 s"])]
#[case::answers_500(Fault::Answers(500), "ClusterNotReady", &["this member answers 500"])]
#[case::answers_429(Fault::Answers(429), "ClusterNotReady", &["this member answers 429"])]
#[case::answers_403(Fault::Answers(403), "ClusterNotReady", &["this member answers 403", "join the cluster again"])]
#[case::garbage(Fault::Garbage, "ClusterNotReady", &["html"])]
#[case::floods(Fault::Floods, "ClusterNotReachable", &["no answer from the member within 10 s"])]
#[case::other_certificate(Fault::OtherCertificate, "ClusterNotReachable", &["certificate", "caBundle"])]
#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_is_wholly_sick_is_told_about_and_delays_no_other(
    #[case] fault: Fault,
    #[case] reason: &str,
    #[case] said: &[&str],
) -> anyhow::Result<()> {
    let world = World::start().await?;
    let during = the_others_get_everything(&world, fault, Scope::Everything).await?;
    cluster_says(&world, "False", reason).await?;
    world.warned("Cluster", SICK, reason, said).await?;
    recovers(world, &during).await
}

#[rstest]
#[case::hangs(Fault::Hangs, "no answer from the member within 10 s")]
#[case::answers_500(Fault::Answers(500), "this member answers 500")]
#[case::answers_429(Fault::Answers(429), "this member answers 429")]
#[case::answers_403(Fault::Answers(403), "this member answers 403")]
#[case::garbage(Fault::Garbage, "")]
#[case::floods(Fault::Floods, "no answer from the member within 10 s")]
#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_takes_no_writes_is_told_about_object_by_object(
    #[case] fault: Fault,
    #[case] said: &str,
) -> anyhow::Result<()> {
    let world = World::start().await?;
    let during = the_others_get_everything(&world, fault, Scope::Writes).await?;
    work_says(&world, "ConfigMap", &during[0], &["Failed to apply all manifests (0/1)", said]).await?;
    world.warned("ConfigMap", &during[0], "SyncFailed", &["member cluster(sick)", said]).await?;
    let condition = world.cluster_condition(SICK, "Ready").await?;
    assert_eq!(condition["status"], "True", "the member looks healthy: {condition}");
    recovers(world, &during).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_takes_five_seconds_an_answer_gets_everything_in_the_end() -> anyhow::Result<()> {
    let world = World::start().await?;
    let slow = Fault::Slow(Duration::from_secs(5));
    let during = the_others_get_everything(&world, slow, Scope::Everything).await?;
    all_arrive(&world, SICK, &during).await?;
    let condition = world.cluster_condition(SICK, "Ready").await?;
    assert_eq!(condition["status"], "True", "slow is not broken: {condition}");
    recovers(world, &during).await
}

/// Workers that a member's queue has.
const WORKERS: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn a_member_whose_workers_are_all_stuck_holds_up_no_other() -> anyhow::Result<()> {
    let world = World::start().await?;
    world.propagate("v1", "ConfigMap", &[SICK, WELL[0], WELL[1]]).await?;
    world.create_config("early").await?;
    for member in [SICK, WELL[0], WELL[1]] {
        all_arrive(&world, member, &["early".to_owned()]).await?;
    }
    world.sick.set(Fault::Hangs, Scope::Writes);
    let stuck = names("stuck");
    for name in &stuck {
        world.create_config(name).await?;
    }
    eventually("every worker of the sick member waits", async || {
        let writes = world.sick.writes();
        Ok(if writes >= WORKERS { Ok(()) } else { Err(json!(writes)) })
    })
    .await?;
    // Now that nothing of it moves: the others create, change and delete.
    let after = names("after");
    for name in &after {
        world.create_config(name).await?;
    }
    let path = |name: &str| format!("/api/v1/namespaces/apps/configmaps/{name}");
    merge(&world.client(), &path("early"), &json!({"data": {"key": "late"}})).await?;
    write(&world.client(), http::Method::DELETE, "application/json", &path(&stuck[0]), &json!({})).await?;
    for member in WELL {
        all_arrive(&world, member, &stuck[1..]).await?;
        all_arrive(&world, member, &after).await?;
        eventually("the change and the deletion arrive", async || {
            let changed = world.find(member, "api/v1", "configmaps", "early").await?.unwrap_or_default();
            let deleted = world.find(member, "api/v1", "configmaps", &stuck[0]).await?;
            let is_so = changed["data"]["key"] == "late" && deleted.is_none();
            Ok(if is_so { Ok(()) } else { Err(json!([changed, deleted])) })
        })
        .await?;
    }
    assert_eq!(world.count_configs(SICK, &stuck).await? + world.count_configs(SICK, &after).await?, 0);
    recovers(world, &after).await
}
