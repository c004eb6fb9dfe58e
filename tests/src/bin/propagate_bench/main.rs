//! Propagation benchmark against any Karmada-compatible control plane.
//!
//! One namespace, one PropagationPolicy that sends every Deployment in it to all members, then N
//! Deployments by four writers, and a watch on every member for their arrival. Prints one JSON line:
//! latency (create acknowledged -> visible in the last member), makespan, arrivals per second, and for
//! processes given by pid the CPU seconds and memory (now, and at most). Without `--cp` it starts
//! `karmadactl local-up` with a fresh data directory and measures that; with `--rig` it starts a real
//! kube-apiserver as control plane and three more as members, all over one etcd, and the components that
//! `karmadactl init` installs.
//!
//! With `--sick` one more member is joined, half of the run is made while it is well, half while it is not, and
//! what is printed is the latency of the others in both halves.

mod local;
mod round;
mod sick;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use karmada_tests::process::program_under_test;
use karmada_tests::rig::{Binaries, Flags, Installation, RealFleet, Sync};
use karmada_tests::writes::write_counts;
use karmadactl::install::names::Component;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Value, json};

use local::LocalUp;
use round::Round;
use sick::Sickness;

#[derive(Parser)]
#[command(about = "Measure propagation to member clusters")]
struct Args {
    /// Kubeconfig of the control plane; without it a local one is started
    #[arg(long, value_name = "FILE")]
    cp: Option<PathBuf>,
    /// Member as NAME=KUBECONFIG (can be repeated)
    #[arg(long, value_name = "NAME=FILE", value_parser = parse_pair)]
    member: Vec<(String, String)>,
    /// Number of Deployments
    #[arg(short = 'n', default_value_t = 200)]
    count: usize,
    /// Concurrent writers
    #[arg(long, default_value_t = 4)]
    writers: usize,
    /// Process to account, as NAME=PID (can be repeated)
    #[arg(long, value_name = "NAME=PID", value_parser = parse_pair)]
    pid: Vec<(String, String)>,
    /// Seconds after which the run is given up
    #[arg(long, default_value_t = 600)]
    timeout: u64,
    /// Keep the namespace afterwards
    #[arg(long)]
    keep: bool,
    /// Measure what `karmadactl init` installs on real kube-apiservers, which Go builds on the first use
    #[arg(long, conflicts_with = "cp")]
    rig: bool,
    /// Flag of `karmadactl controller-manager` on the rig, such as --flag=--cluster-api-qps=40 (can be repeated)
    #[arg(long, value_name = "FLAG", requires = "rig", allow_hyphen_values = true)]
    flag: Vec<String>,
    /// Durability of a local control plane that is started
    #[arg(long, default_value = "fsync")]
    durability: String,
    /// Join one more member that gets sick half-way, and compare the others with before
    #[arg(long, value_enum, conflicts_with = "cp")]
    sick: Option<Sickness>,
    /// Kill and restart the local control plane afterwards, with all objects in it
    #[arg(long, conflicts_with_all = ["cp", "rig", "sick"])]
    restart: bool,
}

fn parse_pair(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .map(|(a, b)| (a.to_string(), b.to_string()))
        .ok_or_else(|| format!("{text:?} is not NAME=VALUE"))
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut args = Args::parse();
    let _rig = if args.rig { Some(Rig::start(&mut args).await?) } else { None };
    let mut local = if args.cp.is_none() { Some(LocalUp::start(&args.durability)?) } else { None };
    if let Some(local) = &local {
        args.cp = Some(local.directory().join("karmada-apiserver.config"));
        args.member = (1..=3)
            .map(|i| {
                let path = local.directory().join(format!("member{i}.config"));
                (format!("member{i}"), path.display().to_string())
            })
            .collect();
        args.pid.push(("local-up".to_string(), local.pid()));
    }
    args.keep |= args.restart;
    let mut report = match args.sick {
        Some(sickness) => sick::compare(&args, sickness).await?,
        None => measure(&args).await?,
    };
    if let (true, Some(local)) = (args.restart, &mut local) {
        report["restart"] = local.restart(&args.durability).await?;
    }
    writeln!(std::io::stdout(), "{report}")?;
    Ok(())
}

/// Real kube-apiservers and our components, in this order of being dropped: components, servers, files.
struct Rig {
    _installation: Installation,
    _fleet: RealFleet,
    _directory: tempfile::TempDir,
}

impl Rig {
    /// Starts everything and writes into the arguments where it is.
    async fn start(args: &mut Args) -> anyhow::Result<Self> {
        const MEMBERS: [&str; 3] = ["member1", "member2", "member3"];
        let binaries = Binaries::obtain()?;
        let flags = Flags::from([(Component::ControllerManager, args.flag.clone())]);
        let (fleet, installation) =
            RealFleet::start_installed(&binaries, &binaries, &MEMBERS, Sync::Always, &program()?, &flags)
                .await?;
        let directory = tempfile::tempdir()?;
        for (name, member) in &fleet.members {
            fleet.join(name).await?;
            let path = directory.path().join(name);
            std::fs::write(&path, member.cluster.admin_kubeconfig_at(member.cluster.url())?.to_string())?;
            args.member.push((name.clone(), path.display().to_string()));
            let pids = member.cluster.server_pids();
            args.pid.extend(pids.last().map(|pid| (name.clone(), pid.to_string())));
        }
        let pids = fleet.control_plane.server_pids();
        args.pid.extend(
            ["etcd", "kube-apiserver"]
                .into_iter()
                .zip(pids)
                .map(|(name, pid)| (name.to_owned(), pid.to_string())),
        );
        args.cp = Some(fleet.kubeconfig_path());
        let components = installation.pids().into_iter();
        args.pid.extend(components.map(|(component, pid)| (component.name().to_owned(), pid.to_string())));
        Ok(Self { _installation: installation, _fleet: fleet, _directory: directory })
    }
}

/// Returns `karmadactl` as it was built last with this program.
fn program() -> anyhow::Result<PathBuf> {
    let program = std::env::current_exe()?.with_file_name("karmadactl");
    Ok(if program.exists() { program } else { program_under_test()? })
}

async fn connect(path: &Path) -> anyhow::Result<Client> {
    let kubeconfig = Kubeconfig::read_from(path).with_context(|| format!("reading {}", path.display()))?;
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    Ok(Client::try_from(config)?)
}

async fn measure(args: &Args) -> anyhow::Result<Value> {
    let control_plane = connect(args.cp.as_deref().context("no control plane")?).await?;
    let namespace = format!("bench-{}", jiff::Timestamp::now().as_second());
    let members: Vec<String> = args.member.iter().map(|(name, _)| name.clone()).collect();
    let mut round = Round::prepare(&control_plane, args, namespace, &members).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let writes_before = write_counts(&control_plane).await;
    let before: BTreeMap<&str, f64> =
        args.pid.iter().map(|(name, pid)| (name.as_str(), cpu_seconds(pid))).collect();
    let measured = round.run(&control_plane, args).await?;
    // Status flows back after arrival: let it settle before counting writes.
    let writes = settled_writes(&control_plane).await;
    let cpu: BTreeMap<&str, f64> = args
        .pid
        .iter()
        .map(|(name, pid)| (name.as_str(), round_off(cpu_seconds(pid) - before[name.as_str()])))
        .collect();
    let memory: BTreeMap<&str, f64> =
        args.pid.iter().map(|(name, pid)| (name.as_str(), round_off(peak_mib(pid)))).collect();
    let resident: BTreeMap<&str, f64> =
        args.pid.iter().map(|(name, pid)| (name.as_str(), round_off(resident_mib(pid)))).collect();
    let proportional: BTreeMap<&str, f64> =
        args.pid.iter().map(|(name, pid)| (name.as_str(), round_off(proportional_mib(pid)))).collect();
    let makespan = measured.makespan.as_secs_f64();
    let report = json!({
        "n": args.count,
        "members": members.len(),
        "create_s": round_off(measured.create_time.as_secs_f64()),
        "makespan_s": round_off(makespan),
        "arrivals_per_s": round_off((args.count * members.len()) as f64 / makespan),
        "latency_ms": measured.percentiles(),
        "cpu_s": cpu,
        "peak_rss_mib": memory,
        "rss_mib": resident,
        "pss_mib": proportional,
        "writes_per_object": writes_per_object(&writes_before, &writes, args.count),
    });
    if !args.keep {
        round.clean_up(&control_plane).await?;
    }
    Ok(report)
}

/// Waits until the number of writes stands still for half a second.
async fn settled_writes(client: &Client) -> BTreeMap<String, u64> {
    let mut counts = write_counts(client).await;
    for _ in 0..60 {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let next = write_counts(client).await;
        if next == counts {
            break;
        }
        counts = next;
    }
    counts
}

fn writes_per_object(
    before: &BTreeMap<String, u64>,
    after: &BTreeMap<String, u64>,
    count: usize,
) -> BTreeMap<String, f64> {
    let mut writes: BTreeMap<String, f64> = after
        .iter()
        .map(|(key, value)| {
            (
                key.clone(),
                round_off((value - before.get(key).copied().unwrap_or_default()) as f64 / count as f64),
            )
        })
        .filter(|(_, value)| *value > 0.0)
        .collect();
    let total = round_off(writes.values().sum());
    writes.insert("total".to_string(), total);
    writes
}

pub(crate) fn round_off(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// CPU seconds of a process so far; 0 when it is gone.
fn cpu_seconds(pid: &str) -> f64 {
    const TICKS_PER_SECOND: f64 = 100.0;
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return 0.0 };
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |i: usize| fields.get(i).and_then(|field| field.parse::<f64>().ok()).unwrap_or_default();
    (ticks(11) + ticks(12)) / TICKS_PER_SECOND
}

/// Peak resident memory of a process in MiB; 0 when it is gone.
fn peak_mib(pid: &str) -> f64 {
    memory_mib(pid, "VmHWM:")
}

/// Resident memory of a process in MiB; 0 when it is gone.
fn resident_mib(pid: &str) -> f64 {
    memory_mib(pid, "VmRSS:")
}

/// What a process adds to the memory in use, in MiB: of pages that several map, such as those of one program, its part.
fn proportional_mib(pid: &str) -> f64 {
    field_mib(&format!("/proc/{pid}/smaps_rollup"), "Pss:")
}

fn memory_mib(pid: &str, field: &str) -> f64 {
    field_mib(&format!("/proc/{pid}/status"), field)
}

fn field_mib(file: &str, field: &str) -> f64 {
    let Ok(status) = std::fs::read_to_string(file) else { return 0.0 };
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok()).unwrap_or_default() / 1024.0
}
