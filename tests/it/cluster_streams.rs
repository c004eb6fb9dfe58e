//! Programs that talk with pods of a member through the control plane: `exec`, `attach`, `logs -f`, `get -w`.

use std::convert::Infallible;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::stream;
use http::{Request, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use karmada_apiserver::server::Limits;
use karmada_tests::faults::write;
use karmadactl::embedded::{ApiOptions, EmbeddedOptions, EmbeddedServer, Storage};
use karmadactl::remote::{Message, Reader, Writer, accept_of};
use kube::Client;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Notify;

fn options(name: &str) -> EmbeddedOptions {
    EmbeddedOptions {
        name: name.to_owned(),
        storage: Storage::Memory,
        listen: (Ipv4Addr::LOCALHOST, 0).into(),
        preferred: None,
        api: ApiOptions::default(),
        limits: Limits::default(),
    }
}

/// A member whose pods answer: a container that says what it hears, and a log with a second line on request.
struct Member {
    client: Client,
    second_line: Notify,
}

impl Member {
    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
        let path = request.uri().path();
        let answer = if path.ends_with("/exec") || path.ends_with("/attach") {
            Ok(converse(request))
        } else if path.ends_with("/log") {
            Ok(self.log())
        } else {
            self.pass_on(request).await
        };
        Ok(answer.unwrap_or_else(|error| {
            let mut answer = Response::new(Body::from(format!("{error:?}")));
            *answer.status_mut() = StatusCode::BAD_GATEWAY;
            answer
        }))
    }

    fn log(self: Arc<Self>) -> Response<Body> {
        let lines = stream::unfold(0, move |number| {
            let member = self.clone();
            async move {
                match number {
                    0 => Some((Ok::<_, Infallible>(Bytes::from("first\n")), 1)),
                    1 => {
                        member.second_line.notified().await;
                        Some((Ok(Bytes::from("second\n")), 2))
                    }
                    _ => None,
                }
            }
        });
        Response::new(Body::from_stream(lines))
    }

    async fn pass_on(&self, request: Request<Incoming>) -> anyhow::Result<Response<Body>> {
        let (mut parts, body) = request.into_parts();
        parts.headers.remove(header::AUTHORIZATION);
        let body = kube::client::Body::from(body.collect().await?.to_bytes());
        let answer = self.client.send(Request::from_parts(parts, body)).await?;
        let (parts, body) = answer.into_parts();
        Ok(Response::from_parts(parts, Body::new(body)))
    }
}

/// Says on stdout what it hears on stdin, until it has heard a whole line that says how to end.
fn converse(mut request: Request<Incoming>) -> Response<Body> {
    let key = request.headers()["sec-websocket-key"].to_str().unwrap_or_default().to_owned();
    let upgraded = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let Ok(upgraded) = upgraded.await else { return };
        let (read, write) = tokio::io::split(TokioIo::new(upgraded));
        let (mut reader, mut writer) = (Reader::new(read), Writer::server(write));
        let mut heard = String::new();
        while let Ok(Message::Data(data)) = reader.next().await {
            let Some((0, input)) = data.split_first() else { continue };
            heard.push_str(&String::from_utf8_lossy(input));
            drop(writer.send(&[&[1], input].concat()).await);
            let Some(code) = heard.lines().find_map(|line| line.strip_prefix("exit ")) else { continue };
            let status = match code {
                "0" => json!({"status": "Success"}),
                code => json!({"status": "Failure", "reason": "NonZeroExitCode",
                    "details": {"causes": [{"reason": "ExitCode", "message": code}]}}),
            };
            drop(writer.send(&[&[3], status.to_string().as_bytes()].concat()).await);
            break;
        }
        drop(writer.close().await);
    });
    let accept = accept_of(&key);
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    for (name, value) in [
        ("connection", "Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-accept", accept.as_str()),
        ("sec-websocket-protocol", "v5.channel.k8s.io"),
    ] {
        answer.headers_mut().insert(name, value.parse().expect("protocol texts are header values"));
    }
    answer
}

struct Clusters {
    directory: tempfile::TempDir,
    control_plane: EmbeddedServer,
    member: EmbeddedServer,
    pods: Arc<Member>,
}

impl Clusters {
    async fn start() -> anyhow::Result<Self> {
        karmadactl::install_crypto_provider();
        let control_plane = EmbeddedServer::karmada(&options("control-plane")).await?;
        let member = EmbeddedServer::plain(&options("member")).await?;
        let pods = Arc::new(Member { client: member.client(), second_line: Notify::new() });
        let url = listen(pods.clone()).await?;
        let client = control_plane.client();
        let secret = json!({"metadata": {"name": "m1"}, "data": {"token": STANDARD.encode("the-token")}});
        post(&client, "/api/v1/namespaces/default/secrets", &secret).await?;
        let reference = json!({"namespace": "default", "name": "m1"});
        let cluster = json!({
            "apiVersion": "cluster.karmada.io/v1alpha1", "kind": "Cluster", "metadata": {"name": "m1"},
            "spec": {"syncMode": "Push", "apiEndpoint": url, "impersonatorSecretRef": reference},
        });
        post(&client, "/apis/cluster.karmada.io/v1alpha1/clusters", &cluster).await?;
        let directory = tempfile::tempdir()?;
        std::fs::write(directory.path().join("config"), control_plane.kubeconfig()?.to_string())?;
        let clusters = Self { directory, control_plane, member, pods };
        clusters.create_pod("p").await?;
        Ok(clusters)
    }

    async fn create_pod(&self, name: &str) -> anyhow::Result<()> {
        let containers = json!([{"name": "c", "image": "i"}]);
        let pod = json!({"metadata": {"name": name}, "spec": {"containers": containers}});
        let client = self.member.client();
        post(&client, "/api/v1/namespaces/default/pods", &pod).await?;
        let running = json!({"status": {"phase": "Running", "containerStatuses": [{"name": "c", "ready": true,
            "restartCount": 0, "image": "i", "imageID": "", "state": {"running": {}}}]}});
        let path = format!("/api/v1/namespaces/default/pods/{name}/status");
        karmada_tests::faults::merge(&client, &path, &running).await.map(drop)
    }

    fn program(&self, arguments: &[&str]) -> anyhow::Result<Program> {
        Program::start(&self.directory.path().join("config"), arguments)
    }

    async fn shutdown(self) {
        self.control_plane.shutdown().await;
        self.member.shutdown().await;
    }
}

async fn post(client: &Client, path: &str, object: &Value) -> anyhow::Result<()> {
    write(client, http::Method::POST, "application/json", path, object).await.map(drop)
}

async fn listen(member: Arc<Member>) -> anyhow::Result<String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let member = member.clone();
            let serving = hyper::server::conn::http1::Builder::new()
                .serve_connection(
                    TokioIo::new(stream),
                    service_fn(move |request| member.clone().answer(request)),
                )
                .with_upgrades();
            tokio::spawn(async move { drop(serving.await) });
        }
    });
    Ok(url)
}

/// A program that is spoken with. It ends with this.
struct Program {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Option<BufReader<ChildStdout>>,
}

impl Program {
    fn start(kubeconfig: &Path, arguments: &[&str]) -> anyhow::Result<Self> {
        let mut child = Command::new(env!("CARGO_BIN_EXE_karmadactl-under-test"))
            .arg("--kubeconfig")
            .arg(kubeconfig)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take().map(BufReader::new));
        Ok(Self { child, stdin, stdout })
    }

    fn say(&mut self, line: &str) -> anyhow::Result<()> {
        let stdin = self.stdin.as_mut().context("no stdin")?;
        Ok(writeln!(stdin, "{line}")?)
    }

    /// Returns the next line of stdout, not waiting forever.
    async fn hear(&mut self) -> anyhow::Result<String> {
        let mut stdout = self.stdout.take().context("no stdout")?;
        let reading = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            let read = stdout.read_line(&mut line);
            (stdout, read.map(|_| line))
        });
        let (stdout, line) =
            tokio::time::timeout(Duration::from_mins(1), reading).await.context("it is silent")??;
        self.stdout = Some(stdout);
        Ok(line?.trim_end().to_owned())
    }

    async fn ends(&mut self) -> anyhow::Result<Option<i32>> {
        let deadline = Instant::now() + Duration::from_mins(1);
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status.code());
            }
            if Instant::now() > deadline {
                bail!("it does not end");
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Already dead is fine.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_in_a_container_is_spoken_with_and_gives_its_exit_code() -> anyhow::Result<()> {
    let clusters = Clusters::start().await?;
    let mut exec = clusters.program(&[
        "exec",
        "p",
        "--operation-scope",
        "members",
        "--cluster",
        "m1",
        "-i",
        "--",
        "sh",
    ])?;
    for line in ["one", "two"] {
        exec.say(line)?;
        assert_eq!(exec.hear().await?, line);
    }
    exec.say("exit 7")?;
    assert_eq!(exec.ends().await?, Some(7));

    let mut attach =
        clusters.program(&["attach", "p", "--operation-scope", "members", "--cluster", "m1", "-i"])?;
    attach.say("hello")?;
    assert_eq!(attach.hear().await?, "hello");
    attach.say("exit 0")?;
    assert_eq!(attach.ends().await?, Some(0));
    clusters.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_is_followed_line_by_line_to_its_end() -> anyhow::Result<()> {
    let clusters = Clusters::start().await?;
    let mut logs = clusters.program(&["logs", "-f", "p", "-C", "m1"])?;
    assert_eq!(logs.hear().await?, "first");
    // Only now does the pod say more.
    clusters.pods.second_line.notify_one();
    assert_eq!(logs.hear().await?, "second");
    assert_eq!(logs.ends().await?, Some(0));
    clusters.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_of_a_member_are_watched_as_they_come() -> anyhow::Result<()> {
    let clusters = Clusters::start().await?;
    let mut get = clusters.program(&["get", "pods", "--operation-scope", "members", "-C", "m1", "-w"])?;
    assert!(get.hear().await?.starts_with("NAME"));
    assert!(get.hear().await?.starts_with("p "));
    clusters.create_pod("q").await?;
    assert!(get.hear().await?.starts_with("q "));
    clusters.shutdown().await;
    Ok(())
}
