//! Wrong input to the program: every message names the thing and the way out.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail where they stand, like tests")]

use std::path::Path;

use assert_cmd::Command;
use indoc::indoc;
use rstest::rstest;

/// The program, in a home of its own.
fn karmadactl(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_karmadactl-under-test"));
    command
        .env_remove("KUBECONFIG")
        .env_remove("KARMADACTL_LOG")
        .env("HOME", home)
        .env("XDG_DATA_HOME", home.join("data"))
        .current_dir(home);
    command
}

/// Runs the program and returns exit code, stdout and stderr.
fn run(home: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = karmadactl(home).args(arguments).output().unwrap();
    (
        output.status.code().unwrap_or(-1),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

/// Writes files, among them a kubeconfig whose server is gone.
fn home() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(home.path().join(name), text).unwrap();
    write(
        "gone.config",
        indoc! {"
            apiVersion: v1
            kind: Config
            current-context: gone
            clusters: [{name: gone, cluster: {server: 'https://127.0.0.1:1'}}]
            contexts: [{name: gone, context: {cluster: gone, user: gone}}]
            users: [{name: gone, user: {}}]
        "},
    );
    write("broken.config", "clusters: [\n");
    write("app.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n");
    write("broken.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n data: x\n");
    write("nameless.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  labels: {}\n");
    write(
        "typo.yaml",
        indoc! {"
            apiVersion: policy.karmada.io/v1alpha1
            kind: PropagationPolicy
            metadata:
              name: web
            spec:
              placement:
                clusterAfinity:
                  clusterNames: [member1]
        "},
    );
    home
}

#[rstest]
#[case::unknown_command("nosuch", 1, "error: unknown command \"nosuch\" for \"karmadactl\"\n")]
#[case::join_without_a_name("join", 1, "error: cluster name is required\n")]
#[case::unjoin_without_a_name("unjoin", 1, "error: cluster name is required\n")]
#[case::bad_cluster_name(
    "join xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    1,
    "error: invalid cluster name(xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx): must be no more than 48 characters\n"
)]
#[case::no_control_plane_kubeconfig(
    "join m5 --kubeconfig=/nonexistent --cluster-kubeconfig=gone.config",
    1,
    "error: failed to get control plane rest config. context: , kube-config: /nonexistent, error: stat /nonexistent: no such file or directory\n"
)]
#[case::no_member_kubeconfig(
    "join m5 --kubeconfig=gone.config --cluster-kubeconfig=/nonexistent",
    1,
    "error: failed to get joining cluster config. error: Missing or incomplete configuration info.  Please point to an existing, complete config file:\n  1. Via the command-line flag --kubeconfig\n  2. Via the KUBECONFIG environment variable\n  3. In your home directory as ~/.kube/config\nhint: --cluster-kubeconfig names the kubeconfig of the cluster to join\n"
)]
#[case::unknown_member_context(
    "unjoin nope --kubeconfig=gone.config --cluster-kubeconfig=gone.config",
    1,
    "error: context \"nope\" does not exist\nhint: contexts of gone.config: gone; choose one with --cluster-context\n"
)]
#[case::unknown_context(
    "get pods --kubeconfig=gone.config --karmada-context=x",
    1,
    "error: context \"x\" does not exist\nhint: contexts of gone.config: gone; choose one with --karmada-context\n"
)]
#[case::a_list_with_names_and_labels(
    "get pods a -l b=c",
    2,
    "error: a name and a label selector exclude each other\n"
)]
#[case::a_watch_of_two_kinds(
    "get pods,services -w",
    2,
    "error: only one kind can be watched, all of it or one name\n"
)]
#[case::manifest_that_is_not_there(
    "propagate -f none.yaml --all-clusters",
    1,
    "error: the path \"none.yaml\" does not exist\n"
)]
#[case::manifest_without_a_name(
    "propagate -f nameless.yaml --all-clusters",
    1,
    "error: nameless.yaml:4:3: metadata.name is not set\n"
)]
#[case::misspelt_field(
    "propagate -f typo.yaml --all-clusters",
    1,
    "error: typo.yaml:7:5: PropagationPolicy has no field spec.placement.clusterAfinity\nhint: did you mean \"clusterAffinity\" at typo.yaml:7:5?\n"
)]
#[case::weights_without_static(
    "propagate -f app.yaml --to a --divide weighted a=1",
    2,
    "error: weighted takes no weights\nhint: weights belong to --divide static\n"
)]
#[case::bad_selector(
    "propagate -f app.yaml --cluster-selector =x",
    2,
    "error: \"=x\" is not a label selector: a key is empty\nhint: examples: env=prod, tier!=gold, 'zone in (a,b)', ready, !old\n"
)]
fn wrong_input_is_answered_with_the_way_out(
    #[case] arguments: &str,
    #[case] code: i32,
    #[case] message: &str,
) {
    let home = home();
    let arguments: Vec<&str> = arguments.split(' ').collect();
    assert_eq!(run(home.path(), &arguments), (code, String::new(), message.to_owned()));
}

#[test]
fn yaml_that_cannot_be_read_is_named_with_line_and_column() {
    let home = home();
    let (code, stdout, stderr) = run(home.path(), &["propagate", "-f", "broken.yaml", "--all-clusters"]);
    assert_eq!((code, stdout.as_str()), (1, ""));
    assert!(stderr.starts_with("error: broken.yaml:5:"), "{stderr}");
}

#[test]
fn a_damaged_kubeconfig_is_named() {
    let home = home();
    let (code, _, stderr) = run(home.path(), &["get", "pods", "--kubeconfig", "broken.config"]);
    assert_eq!(code, 1);
    assert!(stderr.starts_with("error: cannot read the kubeconfig broken.config\n  caused by: "), "{stderr}");
}

#[test]
fn without_any_kubeconfig_the_places_to_put_one_are_listed() {
    let home = home();
    let (code, _, stderr) = run(home.path(), &["get", "pods"]);
    assert_eq!(code, 1);
    assert!(stderr.contains("1. Via the command-line flag --kubeconfig"), "{stderr}");
}

#[test]
fn a_control_plane_that_does_not_answer_is_named() {
    let home = home();
    let (code, stdout, stderr) = run(home.path(), &["get", "pods", "--kubeconfig", "gone.config"]);
    assert_eq!((code, stdout.as_str()), (1, ""));
    assert!(stderr.starts_with("error: cluster(Karmada): the server does not answer"), "{stderr}");
    assert!(stderr.contains("\nhint: is https://127.0.0.1:1 the control plane's address"), "{stderr}");
    let (code, _, stderr) =
        run(home.path(), &["propagate", "-f", "app.yaml", "--to", "a", "--kubeconfig", "gone.config"]);
    assert_eq!(code, 1);
    assert!(
        stderr.starts_with("error: the control plane at https://127.0.0.1:1 does not answer\n  caused by: "),
        "{stderr}"
    );
    assert!(stderr.contains("\nhint: check the server's address"), "{stderr}");
}

#[test]
fn a_dry_run_on_the_client_needs_no_server() {
    let home = home();
    let arguments = [
        "propagate",
        "-f",
        "app.yaml",
        "--to",
        "m1,m2",
        "--divide",
        "static",
        "m1=2,m2=1",
        "--dry-run",
        "client",
    ];
    let (code, stdout, stderr) = run(home.path(), &[&arguments[..], &["-o", "yaml"]].concat());
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert_eq!(
        stdout,
        indoc! {"
            apiVersion: policy.karmada.io/v1alpha1
            kind: PropagationPolicy
            metadata:
              name: web
              namespace: default
            spec:
              placement:
                clusterAffinity:
                  clusterNames:
                  - m1
                  - m2
                replicaScheduling:
                  replicaDivisionPreference: Weighted
                  replicaSchedulingType: Divided
                  weightPreference:
                    staticWeightList:
                    - targetCluster:
                        clusterNames:
                        - m1
                      weight: 2
                    - targetCluster:
                        clusterNames:
                        - m2
                      weight: 1
              resourceSelectors:
              - apiVersion: apps/v1
                kind: Deployment
                name: web
                namespace: default
            ---
            apiVersion: apps/v1
            kind: Deployment
            metadata:
              name: web
              namespace: default
        "}
    );
    let (code, stdout, _) = run(home.path(), &[&arguments[..], &["-o", "name"]].concat());
    assert_eq!(
        (code, stdout.as_str()),
        (0, "propagationpolicy.policy.karmada.io/web\ndeployment.apps/web\n")
    );
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let home = home();
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_karmadactl-under-test"))
        .args(["completion", "bash"])
        .current_dir(home.path())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap()), (Some(0), String::new()));
}

#[test]
fn the_version_is_printed_for_people_and_for_scripts() {
    let home = home();
    let (code, stdout, stderr) = run(home.path(), &["version"]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert!(stdout.starts_with("Client: karmadactl "), "{stdout}");
    let (_, stdout, _) = run(home.path(), &["version", "--client", "-o", "json"]);
    let document: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(document["clientVersion"]["karmadaVersion"], "v1.19");
}
