//! Backups of a running server and of a data directory, a full disk, and what a damaged file leaves to do.

use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use k8s_openapi::api::core::v1::ConfigMap;
use karmada_tests::process::{self, Server};
use kube::Client;
use kube::api::{Api, DeleteParams, ListParams, PostParams};
use serde_json::json;

fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_karmadactl-under-test"))
}

fn serve(directory: &Path, name: &str) -> anyhow::Result<Server> {
    let data = process::path_text(directory, name);
    let kubeconfig = process::path_text(directory, &format!("{name}.config"));
    let arguments =
        ["serve", "--api-only", "--data-dir", &data, "--listen", "127.0.0.1:0", "--kubeconfig", &kubeconfig];
    Server::start(&program(), &arguments, &directory.join(format!("{name}.log")))
}

async fn client(directory: &Path, name: &str) -> anyhow::Result<Client> {
    process::client(&directory.join(format!("{name}.config"))).await
}

fn config_map(name: &str, text: &str) -> anyhow::Result<ConfigMap> {
    Ok(serde_json::from_value(json!({"metadata": {"name": name}, "data": {"text": text}}))?)
}

async fn names(client: &Client) -> anyhow::Result<Vec<String>> {
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), "default");
    let maps = maps.list(&ListParams::default()).await?;
    Ok(maps.iter().map(kube::ResourceExt::name_any).filter(|name| name.starts_with("my-")).collect())
}

async fn create(client: &Client, name: &str) -> anyhow::Result<()> {
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), "default");
    maps.create(&PostParams::default(), &config_map(name, "x")?).await?;
    Ok(())
}

fn run(arguments: &[&str]) -> anyhow::Result<Output> {
    Ok(process::run(&program(), arguments)?)
}

#[track_caller]
fn said(output: &Output, code: i32, texts: &[&str]) {
    let all =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{all}");
    for text in texts {
        assert!(all.contains(text), "{text:?} is missing: {all}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_server_is_saved_and_restored_and_a_new_one_takes_its_place() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let path = |name: &str| process::path_text(directory.path(), name);
    let server = serve(directory.path(), "data")?;
    let client_of_first = client(directory.path(), "data").await?;
    for name in ["my-a", "my-b"] {
        create(&client_of_first, name).await?;
    }
    let (config, file) = (path("data.config"), path("store.backup"));
    said(&run(&["backup", "--kubeconfig", &config, "-o", &file])?, 0, &["saved ", " objects at revision "]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&file)?.permissions().mode() & 0o777, 0o600);
    }

    // What changed since goes back.
    create(&client_of_first, "my-c").await?;
    let maps: Api<ConfigMap> = Api::namespaced(client_of_first.clone(), "default");
    maps.delete("my-a", &DeleteParams::default()).await?;
    said(&run(&["restore", &file, "--kubeconfig", &config])?, 2, &["hint: --replace"]);
    let restored = run(&["restore", &file, "--kubeconfig", &config, "--replace"])?;
    said(&restored, 0, &["1 created, 0 changed, 1 removed"]);
    assert_eq!(names(&client_of_first).await?, ["my-a", "my-b"]);
    create(&client_of_first, "my-d").await?;

    // The directory is in use; when it is not, it can be saved too.
    let data = path("data");
    said(
        &run(&["backup", "--data-dir", &data, "-o", &path("x")])?,
        1,
        &["in use", "hint: leave --data-dir out"],
    );
    server.kill()?;
    said(&run(&["backup", "--data-dir", &data, "-o", &path("second.backup")])?, 0, &["saved "]);

    // Another directory takes the place of a lost one.
    let new = path("new");
    said(&run(&["restore", &path("second.backup"), "--data-dir", &new])?, 0, &["0 removed"]);
    said(&run(&["restore", &file, "--data-dir", &new])?, 1, &["objects already", "hint: --replace"]);
    let server = serve(directory.path(), "new")?;
    let client_of_second = client(directory.path(), "new").await?;
    assert_eq!(names(&client_of_second).await?, ["my-a", "my-b", "my-d"]);
    create(&client_of_second, "my-e").await?;
    server.kill()?;

    // A file that is cut off restores nothing.
    let bytes = std::fs::read(&file)?;
    std::fs::write(&file, &bytes[..bytes.len() - 10])?;
    said(&run(&["restore", &file, "--data-dir", &path("other")])?, 1, &["is no whole backup"]);
    assert!(!Path::new(&path("other")).exists());
    assert!(!Path::new(&path("x")).exists());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_store_names_the_way_out_and_the_way_works() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let path = |name: &str| process::path_text(directory.path(), name);
    let server = serve(directory.path(), "data")?;
    let first = client(directory.path(), "data").await?;
    for name in ["my-a", "my-b", "my-c"] {
        create(&first, name).await?;
    }
    server.kill()?;
    let file = directory.path().join("data/state.redb");
    let mut bytes = std::fs::read(&file)?;
    let needle = b"\"name\":\"my-b\"";
    let places: Vec<usize> =
        (0..bytes.len() - needle.len()).filter(|at| bytes[*at..].starts_with(needle)).collect();
    assert!(!places.is_empty());
    for place in places {
        bytes[place + 9] = b'X';
    }
    std::fs::write(&file, &bytes)?;
    let (data, saved) = (path("data"), path("saved"));
    let refused = run(&["serve", "--api-only", "--data-dir", &data, "--listen", "127.0.0.1:0"])?;
    said(
        &refused,
        1,
        &["state.redb is damaged", "objects can be read", "hint: `karmadactl backup --data-dir"],
    );
    said(&run(&["backup", "--data-dir", &data, "-o", &saved])?, 1, &["is damaged", "--salvage"]);
    said(&run(&["backup", "--data-dir", &data, "-o", &saved, "--salvage"])?, 0, &["saved "]);
    assert!(std::fs::read(&file)? == bytes, "the damaged file was changed");
    said(&run(&["restore", &saved, "--data-dir", &path("new")])?, 0, &["restored "]);
    let server = serve(directory.path(), "new")?;
    assert_eq!(names(&client(directory.path(), "new").await?).await?, ["my-a", "my-c"]);
    server.kill()?;
    Ok(())
}

/// A limit on the size of its files is a full disk to a process.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_writes_and_reads_go_on() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let text = |name: &str| process::path_text(directory.path(), name);
    // The limit is in blocks of 512 bytes; the signal that goes with it is ignored.
    let command = format!(
        "trap '' XFSZ; ulimit -Sf 8000; exec '{}' serve --api-only --data-dir '{}' --listen 127.0.0.1:0 --kubeconfig '{}'",
        program().display(),
        text("data"),
        text("data.config")
    );
    let server = Server::start(Path::new("sh"), &["-c", &command], &directory.path().join("data.log"))?;
    let client = client(directory.path(), "data").await?;
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), "default");
    let large = "x".repeat(400_000);
    let mut created = Vec::new();
    let refusal = loop {
        let name = format!("my-{:03}", created.len());
        match maps.create(&PostParams::default(), &config_map(&name, &large)?).await {
            Ok(_) => created.push(name),
            Err(error) => break error.to_string(),
        }
        assert!(created.len() < 100, "the disk is never full");
    };
    assert!(refusal.contains("no space is left on the device"), "{refusal}");
    assert_eq!(names(&client).await?, created);
    assert!(maps.get(created.first().context("nothing was created")?).await.is_ok());

    // There is space again: writes work again, with nothing done to the server.
    let pid = server.pid().to_string();
    let status = std::process::Command::new("prlimit").args(["--pid", &pid, "--fsize=unlimited"]).status()?;
    assert!(status.success());
    let deadline = Instant::now() + Duration::from_secs(20);
    while let Err(error) = create(&client, "my-last").await {
        assert!(Instant::now() < deadline, "{error:#}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    created.push("my-last".to_owned());
    assert_eq!(names(&client).await?, created);
    server.kill()?;
    let server = serve(directory.path(), "data")?;
    let client = process::client(&directory.path().join("data.config")).await?;
    assert_eq!(names(&client).await?, created);
    server.kill()?;
    Ok(())
}
