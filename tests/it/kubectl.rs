//! What a real kubectl, Helm and client-go print, over TLS, for scripts of many commands.
//!
//! The scripts are in `kubectl/`, `helm/` and `client_go/`, what they print in `snapshots/`. `kubectl-compare` says whether a real server answers the same.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail where they stand, like tests")]

use std::io::Write as _;
use std::path::Path;

use karmada_tests::kubectl::{self, Server};
use karmada_tests::process;
use karmada_tests::rig::Binaries;

/// The minor version whose messages are in the snapshots.
const KUBECTL: &str = "32";
const JOBS: usize = 3;

#[test]
fn kubectl_scripts_print_what_they_print_with_a_real_server() {
    if let Some(reason) = no_kubectl() {
        return skip("kubectl_scripts_print_what_they_print_with_a_real_server", &reason);
    }
    check("it/kubectl", |server| server);
}

#[test]
fn helm_installs_upgrades_and_rolls_back_a_chart() {
    check_client("helm_installs_upgrades_and_rolls_back_a_chart", "helm", "it/helm");
}

#[test]
fn client_go_leads_caches_and_applies() {
    check_client("client_go_leads_caches_and_applies", "client-go-probe", "it/client_go");
}

/// Runs scripts that use a program of the rig, where it was built.
fn check_client(test: &str, program: &str, scripts: &str) {
    if let Some(reason) = no_kubectl() {
        return skip(test, &reason);
    }
    match Binaries::of_client(program) {
        Some(directory) => check(scripts, |server| server.with_programs(directory)),
        None => skip(test, &format!("there is no {program}: tests/rig/build.sh builds it with Go")),
    }
}

/// Runs the scripts of a directory and compares what they print with the snapshots.
fn check(scripts: &str, prepare: impl FnOnce(Server) -> Server) {
    let directory = tempfile::tempdir().unwrap();
    let path = process::path_text(directory.path(), "kubeconfig");
    let arguments = ["serve", "--api-only", "--in-memory", "--listen", "127.0.0.1:0", "--kubeconfig", &path];
    let program = Path::new(env!("CARGO_BIN_EXE_karmadactl-under-test"));
    let serving = process::Server::start(program, &arguments, &directory.path().join("log")).unwrap();
    let kubeconfig = serde_saphyr::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();

    let scripts = kubectl::all(&Path::new(env!("CARGO_MANIFEST_DIR")).join(scripts)).unwrap();
    let transcripts = kubectl::run_all(&prepare(Server::new(kubeconfig)), &scripts, JOBS).unwrap();
    drop(serving);
    for (script, transcript) in scripts.iter().zip(transcripts) {
        insta::assert_snapshot!(format!("kubectl_{}", script.name), transcript.text());
    }
}

/// Returns why the snapshots do not hold here.
fn no_kubectl() -> Option<String> {
    match kubectl::version() {
        Ok(version) if version == KUBECTL => None,
        Ok(version) => Some(format!("the snapshots are of kubectl 1.{KUBECTL}, this is 1.{version}")),
        Err(error) => Some(format!("{error:#}")),
    }
}

fn skip(test: &str, reason: &str) {
    let mut stderr = std::io::stderr();
    writeln!(stderr, "skipped: {test} ({reason})").unwrap();
}
