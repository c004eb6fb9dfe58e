//! `get` and `propagate` as programs against a control plane with simulated members.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail where they stand, like tests")]

use std::path::Path;
use std::time::{Duration, Instant};

use assert_cmd::Command;
use karmada_controllers::StatusSettings;
use karmadactl::embedded::{CONTROL_PLANE_KUBECONFIG, LocalUp, LocalUpOptions, MemberOptions, Storage};
use karmadactl::raw;
use serde_json::json;

const DEPLOYMENT: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: 3\n  \
    selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    spec:\n      \
    containers: [{name: web, image: 'nginx:1', resources: {requests: {cpu: CPU}}}]\n";

pub(crate) async fn start(directory: &Path) -> LocalUp {
    let options = LocalUpOptions {
        members: MemberOptions::numbered(3),
        storage: Storage::Memory,
        directory: Some(directory.to_owned()),
        listen: ([127, 0, 0, 1], 0).into(),
        pod_objects: 100,
        status: StatusSettings::default(),
    };
    let up = LocalUp::start(options).await.unwrap();
    let client = up.control_plane.server().client();
    let deadline = Instant::now() + Duration::from_secs(30);
    for member in &up.members {
        let path = format!("/apis/cluster.karmada.io/v1alpha1/clusters/{}", member.name);
        loop {
            let cluster = raw::read(&client, &path).await.unwrap().unwrap();
            let conditions = cluster["status"]["conditions"].as_array().cloned().unwrap_or_default();
            if conditions
                .iter()
                .any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
            {
                break;
            }
            assert!(Instant::now() < deadline, "{} did not become ready: {cluster:#}", member.name);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    up
}

/// Runs the program beside the servers of this process and returns exit code, stdout and stderr.
async fn run(directory: &Path, arguments: &str) -> (i32, String, String) {
    let directory = directory.to_owned();
    let arguments: Vec<String> = arguments.split_whitespace().map(str::to_owned).collect();
    tokio::task::spawn_blocking(move || {
        let output = Command::new(env!("CARGO_BIN_EXE_karmadactl-under-test"))
            .args(arguments)
            .env("KUBECONFIG", directory.join(CONTROL_PLANE_KUBECONFIG))
            .env("HOME", &directory)
            .current_dir(&directory)
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
    })
    .await
    .unwrap()
}

/// Columns of each line, ages replaced.
fn cells(table: &str) -> Vec<Vec<String>> {
    let is_age = |cell: &str| {
        cell.ends_with('s') && cell[..cell.len() - 1].chars().all(|letter| letter.is_ascii_digit())
    };
    table
        .lines()
        .map(|line| {
            line.split_whitespace().map(|cell| if is_age(cell) { "<age>" } else { cell }.to_owned()).collect()
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn propagate_waits_until_healthy_and_says_how_far_it_got() {
    let directory = tempfile::tempdir().unwrap();
    let up = start(directory.path()).await;
    let write = |name: &str, cpu: &str| {
        let text = DEPLOYMENT.replace("CPU", cpu).replace("web", name);
        std::fs::write(directory.path().join(format!("{name}.yaml")), text).unwrap();
    };
    write("web", "100m");
    write("small", "100m");
    // A member has 24 cores on three nodes: this fits nowhere.
    write("huge", "100");
    write("vast", "100");

    let line = "propagate -f web.yaml --to member1,member2 --divide static member1=2,member2=1 --wait";
    let (code, stdout, stderr) = run(directory.path(), line).await;
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(
        stdout,
        "propagationpolicy.policy.karmada.io/web serverside-applied\ndeployment.apps/web serverside-applied\n"
    );
    assert!(stderr.contains("deployment.apps/web in member1 is healthy (2 replicas)\n"), "{stderr}");
    assert!(stderr.contains("deployment.apps/web in member2 is healthy (1 replica)\n"), "{stderr}");
    // Again, with nothing to do.
    assert_eq!(run(directory.path(), line).await.0, 0);

    let (code, _, stderr) =
        run(directory.path(), "propagate -f huge.yaml --to member1 --wait --timeout 1s").await;
    assert_eq!(code, 1, "{stderr}");
    assert!(stderr.contains("error: not healthy in any cluster after 1 seconds:\n  deployment.apps/huge in member1 is applied, not healthy yet (3 replicas)\n"), "{stderr}");

    let line = "propagate -f small.yaml -f vast.yaml --policy-name both --to member3 --wait --timeout 5s";
    let (code, _, stderr) = run(directory.path(), line).await;
    assert_eq!(code, 3, "{stderr}");
    assert!(
        stderr.contains(
            "error: not healthy in all clusters after 5 seconds:\n  deployment.apps/vast in member3"
        ),
        "{stderr}"
    );

    let (code, stdout, stderr) = run(directory.path(), "propagate -f web.yaml --to member9").await;
    assert_eq!(
        (code, stdout.as_str(), stderr.as_str()),
        (
            1,
            "",
            "error: cluster member9 does not exist\nhint: registered clusters: member1, member2, member3\n"
        )
    );
    let (code, _, stderr) =
        run(directory.path(), "propagate -f web.yaml --cluster-selector env=none --dry-run server").await;
    assert_eq!(
        (code, stderr.as_str()),
        (0, "note: no registered cluster has the labels env=none: the objects go nowhere until one does\n")
    );
    up.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn get_shows_clusters_side_by_side_and_reports_those_that_fail() {
    let directory = tempfile::tempdir().unwrap();
    let up = start(directory.path()).await;
    std::fs::write(directory.path().join("web.yaml"), DEPLOYMENT.replace("CPU", "100m")).unwrap();
    let (code, _, stderr) = run(directory.path(), "propagate -f web.yaml --to member1,member2 --wait").await;
    assert_eq!(code, 0, "{stderr}");

    let (code, stdout, stderr) = run(directory.path(), "get deploy -s all").await;
    assert_eq!((code, stderr.as_str()), (0, ""));
    let rows = cells(&stdout);
    assert_eq!(rows[0], ["NAME", "CLUSTER", "READY", "UP-TO-DATE", "AVAILABLE", "AGE", "ADOPTION"]);
    assert_eq!(rows[2], ["web", "member1", "3/3", "3", "3", "<age>", "Y"]);
    assert_eq!((rows.len(), rows[1][1].as_str(), rows[1][6].as_str()), (4, "Karmada", "-"));

    let (code, stdout, stderr) = run(directory.path(), "get deployment.v1.apps web -s members").await;
    assert_eq!((code, stderr.as_str()), (3, "error: cluster(member3): deployments.apps \"web\" not found\n"));
    assert_eq!(cells(&stdout).len(), 3);
    let (code, _, stderr) = run(directory.path(), "get deploy web -s members --ignore-not-found").await;
    assert_eq!((code, stderr.as_str()), (0, ""));
    let (code, stdout, _) = run(directory.path(), "get deploy/web -s members -C member2 -o json").await;
    let object: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((code, &object["kind"], &object["spec"]["replicas"]), (0, &json!("Deployment"), &json!(3)));
    let (code, stdout, _) =
        run(directory.path(), "get deploy -s members -o name -l karmada.io/managed=true").await;
    assert_eq!((code, stdout.as_str()), (0, "deployment.apps/web\ndeployment.apps/web\n"));
    let (code, stdout, stderr) = run(directory.path(), "get secrets -n default").await;
    assert_eq!(
        (code, stdout.as_str(), stderr.as_str()),
        (0, "", "No resources found in default namespace.\n")
    );
    let (code, _, stderr) = run(directory.path(), "get deploy -s members -C nope").await;
    assert_eq!(
        (code, stderr.as_str()),
        (1, "error: clusters don't exist: nope\nhint: registered clusters: member1, member2, member3\n")
    );

    // One member is gone: the others answer all the same.
    up.members[2].server.shutdown().await;
    let (code, stdout, stderr) = run(directory.path(), "get deploy -s members --request-timeout 5s").await;
    assert_eq!((code, cells(&stdout).len()), (3, 3), "{stderr}");
    assert!(stderr.starts_with("error: cluster(member3): "), "{stderr}");
    up.shutdown().await;
}
