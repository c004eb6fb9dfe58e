//! The readme's tour with a real kubectl, over TLS, against `karmadactl local-up`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail where they stand, like tests")]

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use karmada_tests::process::Server;

/// Longest time a step of the tour may take to show its effect.
const PATIENCE: &str = "--timeout=60s";

/// Commands and what they printed.
struct Transcript {
    directory: tempfile::TempDir,
    text: String,
}

impl Transcript {
    fn kubeconfig(&self, name: &str) -> PathBuf {
        self.directory.path().join(format!("{name}.config"))
    }

    /// Runs kubectl against the control plane and records it.
    fn kubectl(&mut self, arguments: &str) {
        self.record("kubectl", "kubectl", "karmada-apiserver", arguments);
    }

    /// Runs kubectl against a member and records it.
    fn member(&mut self, member: &str, arguments: &str) {
        self.record("kubectl", &format!("kubectl --kubeconfig {member}.config"), member, arguments);
    }

    /// Runs karmadactl against the control plane and records it.
    fn karmadactl(&mut self, arguments: &str) {
        self.record(
            env!("CARGO_BIN_EXE_karmadactl-under-test"),
            "karmadactl",
            "karmada-apiserver",
            arguments,
        );
    }

    /// Waits with kubectl; what it prints while it waits depends on the machine.
    fn wait(&self, server: &str, arguments: &str) {
        let output =
            self.command("kubectl", server, &format!("wait {PATIENCE} {arguments}")).output().unwrap();
        assert!(
            output.status.success(),
            "kubectl wait {arguments}: {}\n{}",
            String::from_utf8_lossy(&output.stderr),
            self.text
        );
    }

    fn command(&self, program: &str, server: &str, arguments: &str) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments.split_whitespace())
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
            .env("HOME", self.directory.path())
            .env("KUBECONFIG", self.kubeconfig(server))
            .env("KUBE_EDITOR", "sed -i s/nginx:1.29/nginx:1.30/")
            .stdin(Stdio::null());
        command
    }

    fn record(&mut self, program: &str, shown: &str, server: &str, arguments: &str) {
        let output = self.command(program, server, arguments).output().unwrap();
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
        let code = output.status.code().unwrap_or(-1);
        writeln!(self.text, "$ {shown} {arguments}\n{text}").unwrap();
        if code != 0 {
            writeln!(self.text, "(exit code {code})\n").unwrap();
        }
    }
}

#[test]
fn kubectl_tour() {
    if Command::new("kubectl").args(["version", "--client"]).output().is_err() {
        writeln!(std::io::stderr(), "skipped: kubectl_tour (kubectl is not on the PATH)").unwrap();
        return;
    }
    let mut tour = Transcript { directory: tempfile::tempdir().unwrap(), text: String::new() };
    let data = tour.directory.path().display().to_string();
    let log = tour.directory.path().join("local-up.log");
    let program = Path::new(env!("CARGO_BIN_EXE_karmadactl-under-test"));
    let server = Server::start(program, &["local-up", "--data-dir", &data, "--in-memory"], &log).unwrap();

    tour.wait("karmada-apiserver", "--for=condition=Ready clusters --all");
    tour.kubectl("get clusters");
    tour.kubectl("apply -f samples/nginx");
    let ready = |count: u32| format!("--for=jsonpath={{.status.readyReplicas}}={count} deployment/nginx");
    tour.wait("karmada-apiserver", &ready(3));
    tour.kubectl("get deployment nginx");
    tour.kubectl("get resourcebindings");
    tour.kubectl("get works -n karmada-es-member1 -o name");
    tour.kubectl("describe propagationpolicy nginx");
    tour.karmadactl("get deployments --operation-scope all");
    tour.member("member3", "get deployment nginx -o wide");

    let watch = Watch::start(tour.command("kubectl", "karmada-apiserver", "get deployment nginx -w"));
    watch.wait_for("3/3");
    tour.kubectl("scale deployment nginx --replicas 6");
    tour.wait("karmada-apiserver", &ready(6));
    watch.wait_for("6/6");
    tour.karmadactl("get deployments --operation-scope members");

    tour.kubectl("edit deployment nginx");
    let image = "--for=jsonpath={.spec.template.spec.containers[0].image}";
    tour.wait("member3", &format!("{image}=registry.member3.example/library/nginx:1.30 deployment/nginx"));
    tour.wait("member1", &format!("{image}=docker.io/library/nginx:1.30 deployment/nginx"));
    tour.member("member3", "get deployment nginx -o jsonpath={.spec.template.spec.containers[0].image}");

    tour.member("member1", "scale deployment nginx --replicas 9");
    tour.wait("member1", "--for=jsonpath={.spec.replicas}=2 deployment/nginx");
    tour.member("member1", "get deployment nginx -o jsonpath={.spec.replicas}");

    tour.kubectl("delete -f samples/nginx");
    for member in ["member1", "member2", "member3"] {
        tour.wait(member, "--for=delete deployment/nginx");
    }
    tour.karmadactl("get deployments --operation-scope all");
    drop(watch);
    drop(server);

    insta::with_settings!({ filters => vec![
        (r"\b(\d+d)?(\d+h)?(\d+m)?\d+m?s\b", "<age>"),
        (r"v\d+\.\d+\.\d+[^ ]*", "<version>"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "<time>"),
        (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "<uid>"),
        (r"(Resource Version: +)\d+", "$1<version>"),
        (r" {2,}", "  "),
        (r" +\n", "\n"),
    ] }, {
        insta::assert_snapshot!("kubectl_tour", tour.text);
    });
}

/// A `kubectl get -w` whose lines are read as they come.
struct Watch {
    child: std::process::Child,
    lines: mpsc::Receiver<String>,
}

impl Watch {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let (sender, lines) = mpsc::channel();
        let reader = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            // Nobody listens any more when the test is over.
            reader
                .lines()
                .map_while(Result::ok)
                .take_while(|line| sender.send(line.clone()).is_ok())
                .for_each(drop);
        });
        Self { child, lines }
    }

    /// Waits for a line that contains `text`.
    fn wait_for(&self, text: &str) {
        let deadline = Instant::now() + Duration::from_mins(1);
        let mut seen = Vec::new();
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) if line.contains(text) => return,
                Ok(line) => seen.push(line),
                Err(error) => panic!("no line with {text:?} came ({error}); there were {seen:#?}"),
            }
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
