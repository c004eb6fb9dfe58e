//! `local-up` in the background, `local-down`, and what can go wrong with them.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail where they stand, like tests")]

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use karmada_tests::process;
use serde_json::{Value, json};

/// Runs the program and returns exit code, stdout and stderr.
fn run(directory: &Path, arguments: &str) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_karmadactl-under-test"))
        .args(arguments.split_whitespace())
        .current_dir(directory)
        .env("HOME", directory)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

/// Ends what a test started, also when it fails.
struct Down<'a>(&'a Path);

impl Drop for Down<'_> {
    fn drop(&mut self) {
        run(self.0, "local-down --data-dir data");
    }
}

async fn read(directory: &Path, server: &str, path: &str) -> Value {
    let client = process::client(&directory.join(format!("data/{server}.config"))).await.unwrap();
    karmadactl::raw::read(&client, path).await.unwrap().unwrap_or_default()
}

/// Looks until `is_wanted` likes what it sees.
async fn wait_for(directory: &Path, server: &str, path: &str, is_wanted: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let seen = read(directory, server, path).await;
        if is_wanted(&seen) {
            return seen;
        }
        assert!(Instant::now() < deadline, "{path} in {server}: {seen:#}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn it_runs_in_the_background_until_it_is_told_to_stop() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let _down = Down(path);
    let up = "local-up --data-dir data --detach --member name=big,region=eu,zone=a,zone=b,provider=acme,nodes=2,cpu=4,memory=8Gi";
    let (code, stdout, stderr) = run(path, up);
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.starts_with("ready: https://127.0.0.1:") && stdout.lines().count() == 1, "{stdout}");
    assert!(stderr.contains("karmadactl local-down --data-dir data"), "{stderr}");

    let cluster = read(path, "karmada-apiserver", "/apis/cluster.karmada.io/v1alpha1/clusters/big").await;
    assert_eq!(
        (&cluster["spec"]["region"], &cluster["spec"]["zones"], &cluster["spec"]["provider"]),
        (&json!("eu"), &json!(["a", "b"]), &json!("acme"))
    );
    let node = read(path, "big", "/api/v1/nodes/big-node-2").await;
    assert_eq!(node["metadata"]["labels"]["topology.kubernetes.io/zone"], "b");
    assert_eq!((&node["status"]["allocatable"]["cpu"], &node["spec"]["taints"]), (&json!("4"), &Value::Null));

    // Again: it says that it runs already. Something else: it refuses.
    let (code, again, _) = run(path, "local-up --data-dir data --detach");
    assert_eq!((code, again), (0, stdout));
    let (code, _, stderr) = run(path, "local-up --data-dir data --detach --members 2");
    assert_eq!(code, 1);
    assert!(
        stderr.starts_with("error: karmadactl local-up is running already in data (process "),
        "{stderr}"
    );
    assert!(stderr.contains("`karmadactl local-down --data-dir data`"), "{stderr}");

    let (code, stdout, stderr) = run(path, "local-down --data-dir data");
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.starts_with("stopped (process "), "{stdout}");
    assert_eq!(run(path, "local-down --data-dir data"), (0, String::new(), "nothing runs in data\n".into()));

    // The next start has the members of the last one, at the same addresses.
    assert_eq!(run(path, "local-up --data-dir data --detach").0, 0);
    let again = read(path, "karmada-apiserver", "/apis/cluster.karmada.io/v1alpha1/clusters/big").await;
    assert_eq!(again["metadata"]["uid"], cluster["metadata"]["uid"]);

    // Killed: what it left behind is in nobody's way.
    let pid = std::fs::read_to_string(path.join("data/local-up.pid")).unwrap();
    assert!(Command::new("kill").args(["-9", pid.trim()]).status().unwrap().success());
    let deadline = Instant::now() + Duration::from_secs(10);
    while run(path, "local-down --data-dir data").2 != "nothing runs in data\n" {
        assert!(Instant::now() < deadline);
    }
    let (code, _, stderr) = run(path, "local-up --data-dir data --detach");
    assert_eq!(code, 0, "{stderr}");

    let (code, stdout, stderr) = run(path, "local-down --data-dir data --purge");
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.ends_with("deleted the data in data\n"), "{stdout}");
    assert!(!path.join("data").exists());
    let (code, _, stderr) = run(path, "local-down --data-dir data --purge");
    assert_eq!((code, stderr.as_str()), (0, "nothing runs in data\nthere is no data in data\n"));
}

#[tokio::test]
async fn what_goes_wrong_is_said_with_the_way_out() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let _down = Down(path);
    let refused = |arguments: &str, code: i32, texts: &[&str]| {
        let (found, _, stderr) = run(path, arguments);
        assert_eq!(found, code, "{arguments}: {stderr}");
        for text in texts {
            assert!(stderr.contains(text), "{arguments}: {stderr}");
        }
    };
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for detach in ["", " --detach"] {
        refused(
            &format!("local-up --data-dir data --members 1 --listen {address}{detach}"),
            1,
            &[
                &format!("error: cannot listen on {address}"),
                "hint: --listen 127.0.0.1:0 takes any free port",
            ],
        );
    }
    refused("local-up --member name=a --member name=a", 2, &["two members are called a"]);
    refused("local-up --member name=a,rack=1", 2, &["\"rack\" is not one of name, provider"]);
    refused("local-up --member name=a --members 2", 2, &["cannot be used with"]);

    // A member's data is lost: it is another cluster now.
    assert_eq!(run(path, "local-up --data-dir data --members 1 --detach").0, 0);
    assert_eq!(run(path, "local-down --data-dir data").0, 0);
    std::fs::remove_dir_all(path.join("data/member1")).unwrap();
    refused(
        "local-up --data-dir data --detach",
        1,
        &[
            "error: the data of member1 is not that of the cluster member1 which was joined before",
            "hint: put",
        ],
    );

    // The record is cut off.
    std::fs::write(path.join("data/local-up.json"), "{\"format\"").unwrap();
    for arguments in ["local-up --data-dir data", "local-up --data-dir data --detach"] {
        refused(
            arguments,
            1,
            &["local-up.json does not say which members there are", "hint: delete", "--purge"],
        );
    }
    assert_eq!(run(path, "local-down --data-dir data --purge").0, 0);
    assert!(!path.join("data").exists());

    std::fs::write(path.join("file"), "").unwrap();
    refused(
        "local-up --data-dir file",
        1,
        &["error: cannot create the directory file", "hint: choose another"],
    );
    refused("local-down --data-dir . --purge", 1, &["is not a data directory of karmadactl local-up"]);
}

#[tokio::test]
async fn a_start_over_a_settled_state_writes_nothing_in_members() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let _down = Down(path);
    // Three pods as objects; the second Deployment is on paper.
    assert_eq!(run(path, "local-up --data-dir data --members 1 --pods-per-member 3 --detach").0, 0);
    let client = process::client(&path.join("data/member1.config")).await.unwrap();
    for name in ["real", "paper"] {
        let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
            "spec": {"replicas": 2, "selector": {"matchLabels": {"app": name}},
                     "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}}});
        let deployment = serde_json::from_value(deployment).unwrap();
        let api: kube::Api<k8s_openapi::api::apps::v1::Deployment> =
            kube::Api::namespaced(client.clone(), "default");
        api.create(&kube::api::PostParams::default(), &deployment).await.unwrap();
        let path_of = format!("/apis/apps/v1/namespaces/default/deployments/{name}");
        wait_for(path, "member1", &path_of, |found| found["status"]["availableReplicas"] == 2).await;
    }
    let pods = "/api/v1/namespaces/default/pods";
    let found = wait_for(path, "member1", pods, |list| {
        list["items"].as_array().is_some_and(|items| {
            items.len() == 2 && items.iter().all(|pod| pod["status"]["phase"] == "Running")
        })
    })
    .await;
    assert!(found["items"][0]["metadata"]["name"].as_str().unwrap().starts_with("real-"));
    // The last writes have been seen when the revision stands still.
    let revision = async || read(path, "member1", pods).await["metadata"]["resourceVersion"].clone();
    let mut before = revision().await;
    let settle = async |mut known: Value| {
        for _ in 0..50 {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let now = revision().await;
            if now != known {
                known = now;
            }
        }
        known
    };
    before = settle(before).await;
    assert_eq!(run(path, "local-down --data-dir data").0, 0);
    assert_eq!(run(path, "local-up --data-dir data --pods-per-member 3 --detach").0, 0);
    assert_eq!(settle(revision().await).await, before);
}
