//! Time and memory of `karmadactl simulate` as a whole process: reading files, deciding, printing.
//!
//! `cargo build --release && target/release/simulate-bench` writes files with 1,000 clusters and 5,000 workloads into a
//! directory of its own, runs `karmadactl` beside itself over them, and prints one line per case. See docs/performance.md.

#![expect(clippy::print_stdout, reason = "a benchmark prints its result")]

use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use clap::Parser;

/// How often the memory of the process is looked at; its own record of the peak is read.
const SAMPLE_EVERY: Duration = Duration::from_millis(2);

#[derive(Parser)]
struct Options {
    /// Number of clusters
    #[arg(long, default_value_t = 1000)]
    clusters: usize,

    /// Number of workloads
    #[arg(long, default_value_t = 5000)]
    workloads: usize,

    /// Runs of each case; the fastest counts
    #[arg(long, default_value_t = 3)]
    runs: usize,

    /// The program [default: karmadactl beside this one]
    #[arg(long)]
    program: Option<PathBuf>,
}

struct Case {
    name: &'static str,
    placement: &'static str,
    arguments: &'static [&'static str],
}

const DIVIDED: &str = "replicaScheduling: {replicaSchedulingType: Divided, replicaDivisionPreference: Weighted, \
                       weightPreference: {dynamicWeight: AvailableReplicas}}";
const SPREAD: &str = "spreadConstraints: [{spreadByField: region, minGroups: 2, maxGroups: 3}, \
                      {spreadByField: cluster, minGroups: 4, maxGroups: 10}], \
                      replicaScheduling: {replicaSchedulingType: Divided, replicaDivisionPreference: Aggregated}";

const CASES: [Case; 6] = [
    Case { name: "divided by room", placement: DIVIDED, arguments: &[] },
    Case { name: "spread over regions", placement: SPREAD, arguments: &[] },
    Case { name: "everywhere, quiet", placement: "", arguments: &["--quiet"] },
    Case { name: "everywhere, table", placement: "", arguments: &[] },
    Case { name: "everywhere, json", placement: "", arguments: &["-o", "json"] },
    Case { name: "spread, explained", placement: SPREAD, arguments: &["--explain"] },
];

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let program = match &options.program {
        Some(program) => program.clone(),
        None => std::env::current_exe()?.with_file_name("karmadactl"),
    };
    let directory = tempfile::tempdir()?;
    for case in CASES {
        let input = directory.path().join("input");
        fs::create_dir_all(&input)?;
        fs::write(input.join("clusters.yaml"), clusters(options.clusters))?;
        fs::write(input.join("workloads.yaml"), workloads(options.workloads))?;
        fs::write(input.join("policy.yaml"), policy(case.placement))?;
        let mut best: Option<(Duration, u64)> = None;
        for _ in 0..options.runs {
            let (time, memory) = run(&program, &input, case.arguments)?;
            let (least_time, most_memory) = best.unwrap_or((time, memory));
            best = Some((least_time.min(time), most_memory.max(memory)));
        }
        let Some((time, memory)) = best else { bail!("there are no runs") };
        println!("{:20} {:.2} s   {} MiB", case.name, time.as_secs_f64(), memory / 1024);
    }
    Ok(())
}

/// Runs the program and returns its time and its peak memory in KiB.
fn run(program: &Path, input: &Path, arguments: &[&str]) -> anyhow::Result<(Duration, u64)> {
    let start = Instant::now();
    let mut child = Command::new(program)
        .args(["simulate", "-f"])
        .arg(input)
        .args(arguments)
        .stdout(File::create("/dev/null")?)
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("starting {}", program.display()))?;
    let status = PathBuf::from(format!("/proc/{}/status", child.id()));
    let mut peak = 0;
    loop {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        peak = kibibytes.unwrap_or(0).max(peak);
        if let Some(status) = child.try_wait()? {
            if !status.success() {
                bail!("{} {arguments:?} ended with {status}", program.display());
            }
            return Ok((start.elapsed(), peak));
        }
        std::thread::sleep(SAMPLE_EVERY);
    }
}

fn clusters(count: usize) -> String {
    let mut text = String::new();
    for number in 0..count {
        let region = number % 10;
        let (cpu, used) = (64 + number % 64, number % 32);
        writeln!(
            text,
            "---\napiVersion: cluster.karmada.io/v1alpha1\nkind: Cluster\nmetadata:\n  name: member-{number:04}\n  labels:\n    \
             tier: tier-{}\n    environment: production\nspec:\n  syncMode: Push\n  apiEndpoint: https://member-{number:04}.example:6443\n  \
             provider: provider-{}\n  region: region-{region}\n  zones: [zone-{region}-{}]\nstatus:\n  kubernetesVersion: v1.36.0\n  \
             apiEnablements:\n  - groupVersion: apps/v1\n    resources:\n    - {{name: deployments, kind: Deployment}}\n  \
             - groupVersion: v1\n    resources:\n    - {{name: configmaps, kind: ConfigMap}}\n    - {{name: services, kind: Service}}\n  \
             conditions:\n  - type: Ready\n    status: \"True\"\n    reason: ClusterReady\n    message: cluster is healthy and ready to accept workloads\n    \
             lastTransitionTime: \"2026-01-01T00:00:00Z\"\n  nodeSummary: {{totalNum: 10, readyNum: 10}}\n  resourceSummary:\n    \
             allocatable: {{cpu: \"{cpu}\", memory: 512Gi, pods: \"1100\", ephemeral-storage: 2Ti}}\n    \
             allocated: {{cpu: \"{used}\", memory: 100Gi, pods: \"200\"}}",
            number % 3,
            number % 4,
            number % 3,
        )
        .expect("writing to a text cannot fail");
    }
    text
}

fn workloads(count: usize) -> String {
    let mut text = String::new();
    for number in 0..count {
        writeln!(
            text,
            "---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: app-{number:05}\n  namespace: team-{:02}\n  labels:\n    \
             app: app-{number:05}\n    team: team-{:02}\nspec:\n  replicas: {}\n  selector:\n    matchLabels:\n      app: app-{number:05}\n  \
             template:\n    metadata:\n      labels:\n        app: app-{number:05}\n        team: team-{:02}\n    spec:\n      containers:\n      \
             - name: main\n        image: registry.example/team/app-{number:05}:1.2.3\n        ports:\n        - containerPort: 8080\n        \
             env:\n        - name: LOG_LEVEL\n          value: info\n        resources:\n          requests:\n            cpu: 250m\n            \
             memory: 256Mi\n          limits:\n            memory: 512Mi",
            number % 50,
            number % 50,
            10 + number % 40,
            number % 50,
        )
        .expect("writing to a text cannot fail");
    }
    text
}

fn policy(placement: &str) -> String {
    format!(
        "apiVersion: policy.karmada.io/v1alpha1\nkind: ClusterPropagationPolicy\nmetadata:\n  name: all\nspec:\n  \
         resourceSelectors:\n  - {{apiVersion: apps/v1, kind: Deployment}}\n  placement: {{{placement}}}\n"
    )
}
