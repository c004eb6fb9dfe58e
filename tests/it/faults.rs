//! Servers that cannot start, and servers that are told to stop: what is said, and that nothing is lost.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use karmada_tests::process::{self, Server};
use rstest::rstest;

fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_karmadactl-under-test"))
}

fn serve(directory: &Path, name: &str, address: &str) -> anyhow::Result<Server> {
    let data = process::path_text(directory, name);
    let kubeconfig = process::path_text(directory, &format!("{name}.config"));
    let arguments = ["serve", "--data-dir", &data, "--listen", address, "--kubeconfig", &kubeconfig];
    Server::start(&program(), &arguments, &directory.join(format!("{name}.log")))
}

/// Runs `serve` where it cannot start.
fn serve_in_vain(directory: &Path, name: &str, address: &str) -> anyhow::Result<Output> {
    let data = process::path_text(directory, name);
    Ok(process::run(&program(), &["serve", "--data-dir", &data, "--listen", address])?)
}

#[track_caller]
fn check_refusal(output: &Output, said: &[&str]) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    for text in said {
        assert!(stderr.contains(text), "{text:?} is missing: {stderr}");
    }
}

#[test]
fn a_port_in_use_is_named_with_the_way_out() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    let output = serve_in_vain(directory.path(), "data", &address)?;
    check_refusal(&output, &[&format!("address {address} is in use"), "hint: --listen 127.0.0.1:0"]);
    Ok(())
}

#[test]
fn a_data_directory_in_use_is_left_to_its_holder() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let holder = serve(directory.path(), "data", "127.0.0.1:0")?;
    let output = serve_in_vain(directory.path(), "data", "127.0.0.1:0")?;
    check_refusal(&output, &["state.redb is in use by another process", "choose another data directory"]);
    holder.kill()?;
    // The lock ends with its holder, however that ended.
    serve(directory.path(), "data", "127.0.0.1:0")?.kill()?;
    Ok(())
}

#[rstest]
#[case::overwritten(|path: &Path| std::fs::write(path, vec![0xA5; 4096]))]
#[case::emptied_to_text(|path: &Path| std::fs::write(path, "not a database"))]
#[case::head_overwritten(|path: &Path| {
    let mut bytes = std::fs::read(path)?;
    bytes[..512].fill(0);
    std::fs::write(path, bytes)
})]
fn a_damaged_data_file_is_named_and_left_as_it_is(
    #[case] damage: fn(&Path) -> std::io::Result<()>,
) -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    serve(directory.path(), "data", "127.0.0.1:0")?.kill()?;
    let file = directory.path().join("data/state.redb");
    damage(&file)?;
    let before = std::fs::read(&file)?;
    let output = serve_in_vain(directory.path(), "data", "127.0.0.1:0")?;
    check_refusal(&output, &["state.redb is damaged", "restore it from a backup"]);
    assert!(std::fs::read(&file)? == before, "the damaged file was changed");
    Ok(())
}

#[rstest]
#[case::interrupted("INT")]
#[case::terminated("TERM")]
fn a_server_that_is_told_to_stop_ends_well_and_starts_again(#[case] signal: &str) -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let data = process::path_text(directory.path(), "data");
    let mut child = Command::new(program())
        .args(["serve", "--data-dir", &data, "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut ready = String::new();
    let stdout = child.stdout.take().unwrap();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut ready)?;
    assert!(ready.starts_with("ready: "), "{ready:?}");
    let told = Command::new("kill").args(["-s", signal, &child.id().to_string()]).status()?;
    assert!(told.success());
    assert_eq!(child.wait()?.code(), Some(0));
    serve(directory.path(), "data", "127.0.0.1:0")?.kill()?;
    Ok(())
}
