//! Taking out members that do not answer: what is said, and that nothing stays behind.

use std::process::{Command, Output};

use karmada_tests::faults::{Fault, SICK, Scope, WELL, World, eventually};
use rstest::rstest;
use serde_json::{Value, json};

const EVERYWHERE: [&str; 3] = [SICK, WELL[0], WELL[1]];

/// Propagates two ConfigMaps to all members.
async fn start() -> anyhow::Result<World> {
    let world = World::start().await?;
    world.propagate("v1", "ConfigMap", &EVERYWHERE).await?;
    for name in ["first", "second"] {
        world.create_config(name).await?;
        for member in EVERYWHERE {
            eventually(&format!("{name} arrives in {member}"), async || {
                let found = world.find(member, "api/v1", "configmaps", name).await?;
                Ok(if found.is_some() { Ok(()) } else { Err(Value::Null) })
            })
            .await?;
        }
    }
    Ok(world)
}

async fn unjoin(world: &World, arguments: &[&str]) -> anyhow::Result<Output> {
    let directory = tempfile::tempdir()?;
    let kubeconfig = directory.path().join("config");
    std::fs::write(&kubeconfig, world.kubeconfig()?.to_string())?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_karmadactl-under-test"));
    command.args(["unjoin", SICK, "--kubeconfig"]).arg(&kubeconfig).args(arguments);
    // The directory lives as long as the program.
    tokio::task::spawn_blocking(move || {
        let output = command.output();
        drop(directory);
        Ok(output?)
    })
    .await?
}

/// What is left of the member in the control plane.
async fn traces(world: &World) -> anyhow::Result<Vec<String>> {
    let mut left = Vec::new();
    for path in [
        "/apis/cluster.karmada.io/v1alpha1/clusters",
        "/api/v1/namespaces",
        "/api/v1/secrets",
        "/apis/work.karmada.io/v1alpha1/works",
    ] {
        let list = world.get(path).await?;
        for item in list["items"].as_array().into_iter().flatten() {
            let text = |field: &str| item["metadata"][field].as_str().unwrap_or_default().to_owned();
            let (namespace, name) = (text("namespace"), text("name"));
            let execution = format!("karmada-es-{SICK}");
            let is_of_it = [SICK, &execution, &format!("{SICK}-impersonator")].contains(&name.as_str());
            if is_of_it || namespace == execution {
                left.push(format!("{path} {namespace}/{name}"));
            }
        }
    }
    for plural in ["resourcebindings", "clusterresourcebindings"] {
        let list = world.get(&format!("/apis/work.karmada.io/v1alpha2/{plural}")).await?;
        for item in list["items"].as_array().into_iter().flatten() {
            let names = |field: &Value| {
                field.as_array().into_iter().flatten().any(|entry| {
                    [&entry["name"], &entry["clusterName"], &entry["fromCluster"]]
                        .iter()
                        .any(|name| name.as_str().is_some_and(|name| name == SICK))
                })
            };
            let (spec, status) = (&item["spec"], &item["status"]);
            let fields = [&spec["clusters"], &spec["gracefulEvictionTasks"], &status["aggregatedStatus"]];
            if fields.into_iter().any(names) {
                left.push(format!("{plural} {}", item["metadata"]["name"]));
            }
        }
    }
    Ok(left)
}

async fn leaves_nothing(world: &World) -> anyhow::Result<()> {
    eventually("nothing of the member is left", async || {
        let left = traces(world).await?;
        Ok(if left.is_empty() { Ok(()) } else { Err(json!(left)) })
    })
    .await
}

/// The control plane goes on with the others.
async fn goes_on(world: &World) -> anyhow::Result<()> {
    world.create_config("third").await?;
    for member in WELL {
        eventually(&format!("the next arrives in {member}"), async || {
            let found = world.find(member, "api/v1", "configmaps", "third").await?;
            Ok(if found.is_some() { Ok(()) } else { Err(Value::Null) })
        })
        .await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_carries_out_no_deletion_is_let_go_by_force_only() -> anyhow::Result<()> {
    let world = start().await?;
    world.sick.set(Fault::Hangs, Scope::Writes);
    let output = unjoin(&world, &["--wait", "2s"]).await?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("error: cluster sick is still being removed after 2 seconds: "), "{stderr}");
    assert!(stderr.contains("Works are still there"), "{stderr}");
    assert!(
        stderr.contains("hint: run the command again to wait on, or with --force to give up"),
        "{stderr}"
    );
    assert!(!traces(&world).await?.is_empty());

    let output = unjoin(&world, &["--wait", "1s", "--force"]).await?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert!(stderr.contains("Removing the finalizers that hold cluster sick"), "{stderr}");
    leaves_nothing(&world).await?;
    goes_on(&world).await?;
    leaves_nothing(&world).await?;
    // What it holds stays there: nobody can take it away.
    assert!(world.find(SICK, "api/v1", "configmaps", "first").await?.is_some());
    world.shutdown().await;
    Ok(())
}

#[rstest]
#[case::refuses(Fault::Refuses)]
#[case::answers_500(Fault::Answers(500))]
#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_is_known_to_be_gone_is_let_go_without_force(
    #[case] fault: Fault,
) -> anyhow::Result<()> {
    let world = start().await?;
    world.sick.set(fault, Scope::Everything);
    eventually("the member is known to be gone", async || {
        let condition = world.cluster_condition(SICK, "Ready").await?;
        Ok(if condition["status"] == "False" { Ok(()) } else { Err(condition) })
    })
    .await?;
    let output = unjoin(&world, &[]).await?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    leaves_nothing(&world).await?;
    goes_on(&world).await?;
    leaves_nothing(&world).await?;
    world.shutdown().await;
    Ok(())
}
