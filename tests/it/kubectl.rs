//! What a real kubectl prints, over TLS, for scripts of many commands.
//!
//! The scripts are in `kubectl/`, what they print in `snapshots/`. `kubectl-compare` says whether a real server answers the same.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail where they stand, like tests")]

use std::io::Write as _;
use std::path::Path;

use karmada_tests::kubectl::{self, Server};
use karmada_tests::process;

/// The minor version whose messages are in the snapshots.
const KUBECTL: &str = "32";
const JOBS: usize = 3;

#[test]
fn kubectl_scripts_print_what_they_print_with_a_real_server() {
    match kubectl::version() {
        Ok(version) if version == KUBECTL => {}
        Ok(version) => {
            return skip(&format!("the snapshots are of kubectl 1.{KUBECTL}, this is 1.{version}"));
        }
        Err(error) => return skip(&format!("{error:#}")),
    }
    let directory = tempfile::tempdir().unwrap();
    let path = process::path_text(directory.path(), "kubeconfig");
    let arguments = ["serve", "--api-only", "--in-memory", "--listen", "127.0.0.1:0", "--kubeconfig", &path];
    let program = Path::new(env!("CARGO_BIN_EXE_karmadactl-under-test"));
    let serving = process::Server::start(program, &arguments, &directory.path().join("log")).unwrap();
    let kubeconfig = serde_saphyr::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();

    let scripts = kubectl::all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("it/kubectl")).unwrap();
    let transcripts = kubectl::run_all(&Server::new(kubeconfig), &scripts, JOBS).unwrap();
    drop(serving);
    for (script, transcript) in scripts.iter().zip(transcripts) {
        insta::assert_snapshot!(format!("kubectl_{}", script.name), transcript.text());
    }
}

fn skip(reason: &str) {
    writeln!(
        std::io::stderr(),
        "skipped: kubectl_scripts_print_what_they_print_with_a_real_server ({reason})"
    )
    .unwrap();
}
