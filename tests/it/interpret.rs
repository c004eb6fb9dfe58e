//! `interpret` as a program: every mode, on the samples and on wrong input.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail where they stand, like tests")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use indoc::indoc;
use serde_json::Value;

const RECORDED: &[u8] = include_bytes!("../vectors/e2e/cli.jsonl.zst");

/// Compares a text with the reviewed one.
macro_rules! reviewed {
    ($text:expr $(,)?) => {
        insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!($text) })
    };
}

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples/interpreter")
}

/// Runs `karmadactl` in a directory and returns exit code, stdout and stderr.
fn run(directory: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_karmadactl-under-test"))
        .args(arguments)
        .current_dir(directory)
        .env_remove("KUBECONFIG")
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

/// Runs `karmadactl interpret` in a directory and returns all of it as a text.
fn session(directory: &Path, lines: &[&str]) -> String {
    let mut text = String::new();
    for line in lines {
        let arguments: Vec<&str> = std::iter::once("interpret").chain(line.split_whitespace()).collect();
        let (code, stdout, stderr) = run(directory, &arguments);
        writeln!(text, "$ karmadactl interpret {line}\n{stdout}").unwrap();
        if !stderr.is_empty() {
            writeln!(text, "stderr:\n{stderr}").unwrap();
        }
        writeln!(text, "exit code {code}\n").unwrap();
    }
    text
}

#[test]
fn the_sample_is_checked_and_answers_every_operation() {
    reviewed!(session(
        &samples(),
        &[
            "-f customization.yaml --check",
            "-f customization.yaml --operation InterpretReplica --desired-file desired.yaml",
            "-f customization.yaml --operation ReviseReplica --desired-file desired.yaml --desired-replica 2",
            "-f customization.yaml --operation Retain --desired-file desired.yaml --observed-file observed.yaml",
            "-f customization.yaml --operation InterpretStatus --observed-file observed.yaml",
            "-f customization.yaml --operation AggregateStatus --desired-file desired.yaml --status-file status.yaml",
            "-f customization.yaml --operation InterpretHealth --observed-file observed.yaml",
            "-f customization.yaml --operation InterpretDependency --desired-file desired.yaml",
            "-f customization.yaml --operation InterpretComponent --desired-file desired.yaml",
        ],
    ));
}

#[test]
fn the_test_files_of_the_sample_pass() {
    reviewed!(session(
        &samples(),
        &["-f customization.yaml --test customization-test.yaml", "--test built-in-test.yaml"],
    ));
}

#[test]
fn the_rules_are_documented() {
    reviewed!(session(&samples(), &["--show-doc", "--show-doc --operation retain"]));
}

fn directory_with(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = directory.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    directory
}

const BROKEN: &str = indoc! {"
    apiVersion: config.karmada.io/v1alpha1
    kind: ResourceInterpreterCustomization
    metadata: {name: broken}
    spec:
      target: {apiVersion: example.io/v1, kind: Foo}
      customizations:
        retention:
          luaScript: |
            function Retain(desiredObj, observedObj)
              return (
            end
        healthInterpretation:
          luaScript: |
            function InterpretHealth(observedObj)
              return observedObj.nope.x
            end
        replicaRevision:
          luaScript: |
            function ReviseReplica(desiredObj, desiredReplica)
              desiredObj.spec.replicas = desiredReplica
              return desiredObj
            end
"};

const FOO: &str = "apiVersion: example.io/v1\nkind: Foo\nmetadata: {name: foo}\nspec: {replicas: 1}\n";

#[test]
fn failures_are_explained_and_set_the_exit_code() {
    let directory = directory_with(&[
        ("broken.yaml", BROKEN),
        ("foo.yaml", FOO),
        (
            "test.yaml",
            indoc! {"
                - name: the wrong number
                  operation: ReviseReplica
                  object: {apiVersion: example.io/v1, kind: Foo, spec: {replicas: 1, labels: {a.b/c: d}}}
                  replicas: 3
                  want:
                    revised:
                      apiVersion: example.io/v1
                      kind: Foo
                      spec: {replicas: 2, labels: {a.b/c: e}, paused: false}
                    revised.metadata.name: foo
                - name: a script that fails
                  operation: InterpretHealth
                  object: {apiVersion: example.io/v1, kind: Foo}
                  want: {healthy: true}
                - name: no failure
                  operation: ReviseReplica
                  object: {apiVersion: example.io/v1, kind: Foo, spec: {}}
                  wantError: boom
                - name: a rule that nobody has
                  operation: InterpretReplica
                  object: {apiVersion: example.io/v1, kind: Foo}
                  want: {replica: 1}
                - name: this one is good
                  operation: ReviseReplica
                  object: {apiVersion: example.io/v1, kind: Foo, spec: {}}
                  replicas: 1
                  want: {revised.spec.replicas: 1}
            "},
        ),
    ]);
    reviewed!(session(
        directory.path(),
        &[
            "-f broken.yaml --check",
            "-f broken.yaml --operation InterpretHealth --observed-file foo.yaml",
            "-f broken.yaml --operation Retain --observed-file foo.yaml --desired-file foo.yaml",
            "-f broken.yaml --test test.yaml",
        ],
    ));
}

#[test]
fn wrong_input_is_named_with_file_line_and_field() {
    let directory = directory_with(&[
        ("foo.yaml", FOO),
        (
            "two.yaml",
            "apiVersion: v1\nkind: A\nmetadata: {name: a}\n---\napiVersion: v1\nkind: B\nmetadata: {name: b}\n",
        ),
        (
            "typo.yaml",
            indoc! {"
                apiVersion: config.karmada.io/v1alpha1
                kind: ResourceInterpreterCustomization
                metadata: {name: typo}
                spec:
                  target: {apiVersion: example.io/v1}
                  customizations:
                    retension: {luaScript: x}
                    replicaRevision: {luaScript: [x]}
                    replicaResource: {}
            "},
        ),
        ("broken.yaml", "apiVersion: config.karmada.io/v1alpha1\nkind: [\n"),
        ("status.yaml", "- status: {}\n- 5\n"),
        ("empty/readme.txt", ""),
        ("deep/below/foo.yaml", FOO),
        ("no-cases.yaml", "- nam: x\n  operation: Retain\n  want: {retaind: 1}\n"),
    ]);
    reviewed!(session(
        directory.path(),
        &[
            "",
            "--check",
            "-f typo.yaml",
            "-f typo.yaml --check",
            "-f broken.yaml --check",
            "-f foo.yaml --check",
            "-f deep --check",
            "-f deep -R --check",
            "-f empty --check",
            "-f none.yaml --check",
            "--operation nope --desired-file foo.yaml",
            "--operation InterpretHealth --observed-file none.yaml",
            "--operation InterpretHealth --observed-file two.yaml",
            "--operation AggregateStatus --desired-file foo.yaml --status-file status.yaml",
            "--test no-cases.yaml",
            "--test none.yaml",
            "--check --operation Retain",
            "--desired-file foo.yaml",
        ],
    ));
}

/// The recorded session of Karmada's own program; what Lua says about an error is its own affair.
#[test]
fn karmadas_own_program_says_the_same() {
    let text = String::from_utf8(zstd::decode_all(RECORDED).unwrap()).unwrap();
    let scenarios = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let scenario = scenarios.into_iter().find(|scenario| scenario["name"] == "l09-interpret").unwrap();
    let mut compared = 0;
    for step in scenario["steps"].as_array().unwrap() {
        let files: Vec<(&str, &str)> = step["files"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str().unwrap()))
            .collect();
        let directory = directory_with(&files);
        let arguments: Vec<String> = step["args"]
            .as_array()
            .unwrap()
            .iter()
            .map(|argument| argument.as_str().unwrap().replace("$FILE_", ""))
            .filter(|argument| !argument.starts_with("--kubeconfig="))
            .collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let (code, stdout, stderr) = run(directory.path(), &arguments);
        let recorded = |field: &str| step[field].as_str().unwrap().replace("$FILE_", "");
        let shown = arguments.join(" ");
        let no_answer = recorded("stderr").starts_with("Execute ");
        // A rule without an answer is a failure here.
        let expected = if no_answer { 1 } else { step["exitCode"].as_i64().unwrap() };
        assert_eq!(i64::from(code), expected, "{shown}: {stderr}");
        // Durations are blanked out in recordings, and quantities look like them.
        let stdout = stdout.replace("cpu: 100m", "cpu: <age>");
        assert_same(&stdout, &recorded("stdout"), &shown);
        assert_same(&stderr, &recorded("stderr"), &shown);
        compared += 1;
    }
    assert!(compared >= 20, "only {compared} steps are recorded");
}

/// Asserts that two texts are the same, but for what Lua says about errors and the word that starts every error here.
fn assert_same(found: &str, recorded: &str, shown: &str) {
    let lines = |text: &str| -> Vec<String> {
        text.lines()
            .take_while(|line| !line.starts_with("stack traceback"))
            .map(|line| line.strip_prefix("error: ").unwrap_or(line).trim_end().to_owned())
            .filter(|line| !line.is_empty())
            .collect()
    };
    let (found, recorded) = (lines(found), lines(recorded));
    assert_eq!(found.len(), recorded.len(), "{shown}: {found:?} for {recorded:?}");
    for (found, recorded) in found.iter().zip(&recorded) {
        let said_by_lua = ["<string>", "expect the returned"].iter().find_map(|start| recorded.find(start));
        match said_by_lua {
            Some(end) => assert_eq!(found.get(..end), recorded.get(..end), "{shown}"),
            None => assert_eq!(found, recorded, "{shown}"),
        }
    }
}
