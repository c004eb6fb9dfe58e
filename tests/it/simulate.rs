//! `simulate` as a program: the samples, every way of printing, every kind of bad input.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail where they stand, like tests")]

use std::fmt::Write as _;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use assert_cmd::Command;
use indoc::indoc;
use rstest::rstest;
use serde_json::{Value, json};

/// The repository, where the samples are.
fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Runs `karmadactl simulate` in a directory and returns exit code, stdout and stderr.
fn simulate_in(directory: &Path, arguments: &str, stdin: &str) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_karmadactl-under-test"))
        .arg("simulate")
        .args(arguments.split_whitespace())
        .env_remove("KUBECONFIG")
        .env_remove("KARMADACTL_LOG")
        .current_dir(directory)
        .write_stdin(stdin)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

/// Writes down what a person sees.
fn transcript(directory: &Path, lines: &[&str]) -> String {
    let mut text = String::new();
    for line in lines {
        let (code, stdout, stderr) = simulate_in(directory, line, "");
        writeln!(text, "$ karmadactl simulate {line}\n{stdout}").unwrap();
        if !stderr.is_empty() {
            stderr.lines().for_each(|line| writeln!(text, "stderr: {line}").unwrap());
            text.push('\n');
        }
        if code != 0 {
            writeln!(text, "(exit code {code})\n").unwrap();
        }
    }
    text
}

/// A directory with these files.
fn files(files: &[(&str, &str)]) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = home.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    home
}

const CLUSTERS: &str =
    "--cluster name=m1,cpu=4,memory=8Gi,pods=20 --cluster name=m2,cpu=2,memory=8Gi,pods=20";

const WEB: &str = indoc! {"
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      name: web
      labels: {app: web}
    spec:
      replicas: 3
      selector: {matchLabels: {app: web}}
      template:
        metadata: {labels: {app: web}}
        spec:
          containers:
          - name: web
            image: nginx:1
            resources: {requests: {cpu: 500m}}
"};

const POLICY: &str = indoc! {"
    apiVersion: policy.karmada.io/v1alpha1
    kind: PropagationPolicy
    metadata:
      name: web
    spec:
      resourceSelectors:
      - {apiVersion: apps/v1, kind: Deployment, name: web}
      placement:
        replicaScheduling: {replicaSchedulingType: Divided, replicaDivisionPreference: Weighted, weightPreference: {dynamicWeight: AvailableReplicas}}
"};

#[test]
fn the_samples_are_placed() {
    let lines =
        ["nginx", "guestbook", "spread", "weighted", "failover"].map(|name| format!("-f samples/{name}"));
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    insta::assert_snapshot!("samples", transcript(&repository(), &lines));
}

#[test]
fn every_cluster_is_explained() {
    let lines =
        ["spread", "weighted", "failover", "guestbook"].map(|name| format!("-f samples/{name} --explain"));
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    insta::assert_snapshot!("explain", transcript(&repository(), &lines));
}

#[test]
fn placements_are_printed_in_all_formats() {
    let lines =
        ["-o wide", "-o json", "-o yaml", "-o name"].map(|format| format!("-f samples/nginx {format}"));
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    insta::assert_snapshot!("formats", transcript(&repository(), &lines));
}

#[test]
fn documents_say_why_when_asked() {
    let (code, stdout, stderr) = simulate_in(&repository(), "-f samples/failover --explain -o json", "");
    assert_eq!(code, 0, "{stderr}");
    let document: Value = serde_json::from_str(&stdout).unwrap();
    let attempts = &document["items"][0]["explanation"]["attempts"];
    assert_eq!(attempts[0]["affinityName"], "primary");
    assert_eq!(attempts[0]["clusters"][3]["refusals"][0]["plugin"], "TaintToleration");
    assert_eq!(attempts[1]["clusters"][0]["share"]["won"], attempts[1]["clusters"][0]["replicas"]);
}

#[test]
fn what_moves_between_two_inputs_is_shown() {
    let home = files(&[
        ("before/web.yaml", WEB),
        ("before/policy.yaml", POLICY),
        ("before/gone.yaml", "{apiVersion: v1, kind: Namespace, metadata: {name: old}}"),
        ("after/web.yaml", &WEB.replace("replicas: 3", "replicas: 8").replace("500m", "250m")),
        ("after/policy.yaml", &POLICY.replace("name: web\nspec", "name: web-new\nspec")),
        ("after/new.yaml", "{apiVersion: v1, kind: ConfigMap, metadata: {name: new}, data: {a: b}}"),
        (
            "same/all.yaml",
            &format!("{WEB}---\n{POLICY}---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: old}}\n"),
        ),
        ("image/all.yaml", &format!("{}---\n{POLICY}", WEB.replace("nginx:1", "nginx:2"))),
    ]);
    let lines = [
        format!("-f after --diff before {CLUSTERS}"),
        format!("-f after --diff before {CLUSTERS} -o json"),
        format!("-f after --diff before {CLUSTERS} -o name"),
        format!("-f same --diff before {CLUSTERS}"),
        format!("-f image --diff before {CLUSTERS}"),
    ];
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    insta::assert_snapshot!("diff", transcript(home.path(), &lines));
}

#[test]
fn exit_codes_tell_what_happened() {
    let home = files(&[
        ("good/all.yaml", &format!("{WEB}---\n{POLICY}")),
        ("large/all.yaml", &format!("{}---\n{POLICY}", WEB.replace("replicas: 3", "replicas: 30"))),
        ("alone/web.yaml", WEB),
        ("typo/all.yaml", &format!("{}---\n{POLICY}", WEB.replace("  replicas", "  replica"))),
        ("policies/policy.yaml", POLICY),
    ]);
    let lines = [
        format!("-f good {CLUSTERS} --quiet"),
        format!("-f large {CLUSTERS}"),
        format!("-f large {CLUSTERS} --quiet"),
        format!("-f large {CLUSTERS} --explain"),
        format!("-f alone {CLUSTERS}"),
        format!("-f typo {CLUSTERS}"),
        format!("-f typo {CLUSTERS} --strict"),
        format!("-f policies {CLUSTERS}"),
        "-f good".to_owned(),
        "-f good --quiet -o json".to_owned(),
        "-f good -f - --clusters -".to_owned(),
    ];
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    insta::assert_snapshot!("exit_codes", transcript(home.path(), &lines));
}

#[test]
fn members_receive_what_the_manifests_say() {
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("out");
    let line = format!("-f samples/nginx --manifests {} -o name", out.display());
    let (code, stdout, stderr) = simulate_in(&repository(), &line, "");
    assert_eq!(code, 0, "{stderr}");
    assert!(stderr.contains("note: wrote 3 manifests below "), "{stderr}");
    let images: Vec<String> = stdout
        .lines()
        .map(|path| {
            let text = fs::read_to_string(out.join(format!("{path}.yaml"))).unwrap();
            let object: Value = serde_saphyr::from_str(&text).unwrap();
            assert_eq!(object["metadata"]["labels"]["karmada.io/managed"], "true");
            object["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(
        images,
        [
            "docker.io/library/nginx:1.29",
            "docker.io/library/nginx:1.29",
            "registry.member3.example/library/nginx:1.29"
        ]
    );

    fs::write(out.join("mine"), "x").unwrap();
    let (code, stdout, stderr) = simulate_in(&repository(), &line, "");
    assert_eq!((code, stdout.as_str()), (2, ""));
    assert!(stderr.contains(" has files in it\nhint: name an empty or new directory"), "{stderr}");
    let (code, _, stderr) = simulate_in(&repository(), &format!("{line} --force"), "");
    assert_eq!((code, out.join("mine").exists()), (0, false), "{stderr}");
    // Nothing is left beside it.
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
}

#[test]
fn a_bad_input_writes_no_manifest() {
    let home = files(&[("in/bad.yaml", "a: b\n")]);
    let (code, _, _) = simulate_in(home.path(), "-f in --manifests out", "");
    assert_eq!((code, home.path().join("out").exists()), (2, false));
    let (code, _, stderr) = simulate_in(home.path(), &format!("-f in --manifests . --force {CLUSTERS}"), "");
    assert_eq!((code, home.path().join("in/bad.yaml").exists()), (2, true), "{stderr}");
}

#[rstest]
#[case::yaml("a: [\n", "f.yaml:1:4: unclosed bracket '['")]
#[case::json("{\"apiVersion\": \"v1\",\n \"kind\": }", "f.yaml:")]
#[case::no_object("- a\n", "f.yaml:1:1: an object with apiVersion and kind is expected")]
#[case::no_kind("apiVersion: v1\n", "f.yaml:1:1: kind is not set")]
#[case::no_name("apiVersion: v1\nkind: Pod\nmetadata: {}\n", "f.yaml:3:1: metadata.name is not set")]
#[case::unknown_kind(
    "{apiVersion: apps/v1, kind: Deploymnet, metadata: {name: a}}",
    "f.yaml:1:29: there is no kind Deploymnet in apps/v1\nhint: did you mean \"Deployment\"?"
)]
#[case::wrong_type(
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {replicas: \"3\"}\n",
    "f.yaml:4:18: Deployment default/a: spec.replicas: a whole number is expected, not the text \"3\"\nhint: write 3 without quotes"
)]
#[case::twice(
    "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n",
    "f.yaml:3:1: ConfigMap default/a is there twice; first at f.yaml:1:1"
)]
#[case::impossible_constraint(
    "apiVersion: policy.karmada.io/v1alpha1\nkind: PropagationPolicy\nmetadata: {name: p}\nspec:\n  \
     resourceSelectors: [{apiVersion: v1, kind: ConfigMap}]\n  placement:\n    spreadConstraints:\n    \
     - {spreadByField: cluster, minGroups: 3, maxGroups: 1}\n",
    "f.yaml:8:7: PropagationPolicy default/p: spec.placement.spreadConstraints[0]: Invalid value: {\"spreadByField\":\"cluster\",\"maxGroups\":1,\"minGroups\":3}: maxGroups lower than minGroups is not allowed"
)]
#[case::quantity(
    "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - name: c\n    image: i\n    \
     resources: {requests: {cpu: '99999999999999999999999999999999E'}}\n",
    "f.yaml:8:33: Pod default/a: spec.containers[0].resources.requests.cpu: \"99999999999999999999999999999999E\" is not a quantity: numeric value of quantity is out of range"
)]
#[case::cyclic(
    "apiVersion: v1\nkind: A\nmetadata: &a {name: a, annotations: *a}\n",
    "f.yaml:3:37: an anchor contains an alias to itself"
)]
fn bad_input_is_named_with_its_place(#[case] text: &str, #[case] message: &str) {
    let home = files(&[("f.yaml", text)]);
    let (code, stdout, stderr) = simulate_in(home.path(), &format!("-f f.yaml {CLUSTERS}"), "");
    assert_eq!((code, stdout.as_str()), (2, ""), "{stderr}");
    assert!(stderr.starts_with(&format!("error: {message}")), "{stderr}");
    assert!(stderr.ends_with("error: the input has 1 error\n"), "{stderr}");
}

#[test]
fn hostile_input_is_refused_soon_with_the_limit_named() {
    let deep = format!("a: {}", "[".repeat(1_000_000));
    let dashes = "- ".repeat(1_000_000);
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let aliases = vec![format!("*a{}", level - 1); 9].join(", ");
        writeln!(bomb, "a{level}: &a{level} [{aliases}]").unwrap();
    }
    let home = files(&[("deep.yaml", &deep), ("dashes.yaml", &dashes), ("bomb.yaml", &bomb)]);
    fs::File::create(home.path().join("large.yaml")).unwrap().set_len(100 << 20).unwrap();
    let (code, _, stderr) = simulate_in(home.path(), "-f .", "");
    assert_eq!(code, 2, "{stderr}");
    assert_eq!(
        stderr,
        indoc! {"
            error: ./large.yaml: the file has 100 MiB; the limit is 64 MiB
            hint: split it into smaller files
            error: ./bomb.yaml:6:10: its aliases stand for more than 100000 values
            hint: write the values out
            error: ./dashes.yaml:1:257: it is nested deeper than 128 levels
            error: ./deep.yaml:1:259: it is nested deeper than 128 levels
            error: the input has 4 errors
        "}
    );
}

#[test]
fn input_comes_from_stdin_too_and_its_order_has_no_meaning() {
    let forward = format!("{WEB}---\n{POLICY}");
    let backward = format!("{POLICY}---\n{WEB}");
    let line = format!("-f - -o json {CLUSTERS}");
    let (code, first, stderr) = simulate_in(&repository(), &line, &forward);
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(simulate_in(&repository(), &line, &backward).1, first);
    let document: Value = serde_json::from_str(&first).unwrap();
    assert_eq!(document["items"][0]["source"], "STDIN");
    assert_eq!(
        document["items"][0]["clusters"],
        json!([{"name": "m1", "replicas": 2}, {"name": "m2", "replicas": 1}])
    );
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let mut text = String::new();
    for number in 0..3000 {
        writeln!(text, "{}---", WEB.replace("name: web\n", &format!("name: web-{number}\n"))).unwrap();
    }
    text.push_str(&POLICY.replace(", name: web", ""));
    let home = files(&[("all.yaml", &text)]);
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_karmadactl-under-test"))
        .args("simulate -f all.yaml".split_whitespace())
        .args(CLUSTERS.split_whitespace())
        .current_dir(home.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut start = [0; 9];
    child.stdout.take().unwrap().read_exact(&mut start).unwrap();
    assert_eq!(&start, b"NAMESPACE");
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap()), (Some(0), String::new()));
}
