//! How `karmadactl serve` is started, found and waited for.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use karmada_tests::process::{self, Server, path_text};
use kube::Api;
use kube::api::ListParams;

fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_karmadactl-under-test"))
}

/// Runs a shell command in which `$karmadactl` is the program, in a home of its own.
fn shell(home: &Path, script: &str) -> anyhow::Result<Output> {
    Ok(Command::new("sh")
        .args(["-c", script])
        .env("karmadactl", program())
        .env("HOME", home)
        .env("XDG_DATA_HOME", home.join("data"))
        .current_dir(home)
        .stdin(Stdio::null())
        .output()?)
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_default_directory_is_in_the_users_data_and_holds_the_kubeconfig() -> anyhow::Result<()> {
    let home = tempfile::tempdir()?;
    let output = shell(
        home.path(),
        "$karmadactl serve --api-only >out & \
         $karmadactl serve --wait && kill $! && wait $!; echo ended with $?; cat out",
    )?;
    let text = stdout(&output);
    let directory = home.path().join("data/karmada/serve");
    let lines: Vec<&str> = text.lines().collect();
    let [waited, ended, ready] = lines[..] else { anyhow::bail!("{output:?}") };
    assert_eq!(ended, "ended with 0");
    assert_eq!(waited, ready, "one line, and the same for those who wait");
    assert!(ready.starts_with("ready: https://127.0.0.1:"), "{ready}");
    let kubeconfig = directory.join("karmada-apiserver.config");
    assert!(ready.ends_with(&format!(" (kubeconfig {})", kubeconfig.display())), "{ready}");
    assert!(directory.join("state.redb").exists());
    Ok(())
}

#[test]
fn an_open_descriptor_gets_the_ready_line() -> anyhow::Result<()> {
    let home = tempfile::tempdir()?;
    let script = "$karmadactl serve --api-only --in-memory --kubeconfig config --ready-fd 3 3>&1 >/dev/null";
    let mut child = Command::new("sh")
        .args(["-c", &format!("exec {script}")])
        .env("karmadactl", program())
        .current_dir(home.path())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut line = String::new();
    if let Some(pipe) = child.stdout.take() {
        std::io::BufRead::read_line(&mut std::io::BufReader::new(pipe), &mut line)?;
    }
    child.kill()?;
    child.wait()?;
    assert!(line.starts_with("ready: https://127.0.0.1:"), "{line:?}");
    assert!(line.ends_with(" (kubeconfig config)\n"), "{line:?}");
    Ok(())
}

#[test]
fn waiting_for_a_server_that_does_not_come_says_what_was_seen() -> anyhow::Result<()> {
    let home = tempfile::tempdir()?;
    let output = shell(home.path(), "$karmadactl serve --wait=100ms --kubeconfig none.config")?;
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.starts_with("error: the start of the server did not happen within"), "{stderr}");
    assert!(stderr.contains("\nhint: start it with `karmadactl serve`"), "{stderr}");
    let output = shell(home.path(), "$karmadactl serve --in-memory --kubeconfig a --ready-fd 77")?;
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("error: cannot write to the file descriptor 77"), "{stderr}");
    Ok(())
}

#[tokio::test]
async fn api_only_has_no_kinds_of_karmada_and_memory_leaves_nothing() -> anyhow::Result<()> {
    let home = tempfile::tempdir()?;
    let kubeconfig = path_text(home.path(), "config");
    let arguments =
        ["serve", "--api-only", "--in-memory", "--listen", "127.0.0.1:0", "--kubeconfig", &kubeconfig];
    let server = Server::start(&program(), &arguments, &home.path().join("log"))?;
    let client = process::client(Path::new(&kubeconfig)).await?;
    let definitions: Api<CustomResourceDefinition> = Api::all(client);
    assert_eq!(definitions.list(&ListParams::default()).await?.items.len(), 0);
    drop(server);
    let mut names: Vec<_> =
        fs::read_dir(home.path())?.map(|entry| Ok(entry?.file_name())).collect::<std::io::Result<_>>()?;
    names.sort();
    assert_eq!(names, ["config", "log"]);
    Ok(())
}
