//! What requests cost on the embedded API server, and on a real kube-apiserver with etcd in the same run.
//!
//! `cargo build --release && target/release/apiserver-bench` starts `karmadactl serve --api-only` (every write synced
//! to disk), then the real servers, puts the same load on each over TLS connections that are kept, and prints a table
//! and one line of JSON. Load and servers share the machine, and the CPU seconds count the server processes only: the
//! numbers per CPU second compare, also when other work disturbs the clock. See docs/performance.md.

mod client;
mod fanout;
mod in_process;
mod load;
mod measure;
mod report;
mod servers;
mod usage;

use std::io::Write as _;
use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// Writes would wait for the system's allocator, which is not what the embedded server runs with.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measure the API server against kube-apiserver and etcd
#[derive(Debug, Parser)]
struct Args {
    /// Servers to measure
    #[arg(long, value_enum, default_value_t)]
    only: Only,
    /// Number of Deployments
    #[arg(short = 'n', default_value_t = 10_000)]
    count: usize,
    /// Concurrent clients, each with a connection of its own
    #[arg(long, default_value_t = 4)]
    writers: usize,
    /// Seconds that each kind of request is measured for
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// How often all is measured, the servers in turns; the best counts
    #[arg(long, default_value_t = 1)]
    runs: usize,
    /// Watches that one write reaches
    #[arg(long, default_value_t = 200)]
    watchers: usize,
    /// Kinds of requests to measure after the creations [default: all]
    #[arg(long, value_delimiter = ',', value_name = "ROW")]
    rows: Vec<load::Row>,
    /// Durability of the embedded server
    #[arg(long, default_value = "fsync")]
    durability: String,
    /// The program [default: karmadactl beside this one]
    #[arg(long, value_name = "PATH")]
    program: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Only {
    /// Both, one after the other
    #[default]
    Both,
    /// The embedded server
    Embedded,
    /// The server in this process
    InProcess,
    /// kube-apiserver and etcd
    Real,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    karmadactl::install_crypto_provider();
    let program = match &args.program {
        Some(program) => program.clone(),
        None => std::env::current_exe()?.with_file_name("karmadactl"),
    };
    let plan = measure::Plan {
        count: args.count,
        writers: args.writers,
        seconds: args.seconds,
        watchers: args.watchers,
        rows: args.rows.clone(),
    };
    let mut out = std::io::stdout();
    let mut report = report::Report::default();
    if matches!(args.only, Only::Both | Only::InProcess) {
        report.in_process = Some(in_process::measure().await?);
    }
    for _ in 0..args.runs {
        if matches!(args.only, Only::Both | Only::Embedded) {
            let server = servers::Embedded::start(&program, &args.durability).await?;
            measure::keep_best(&mut report.embedded, measure::run(&server.target, &plan).await?);
        }
        if matches!(args.only, Only::Both | Only::Real) {
            let server = servers::Real::start().await?;
            measure::keep_best(&mut report.real, measure::run(&server.target, &plan).await?);
        }
    }
    out.write_all(report.table().as_bytes())?;
    writeln!(out, "{}", report.json())?;
    Ok(())
}
