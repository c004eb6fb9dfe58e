//! Runs the scripts for kubectl on this server and on a real one, and shows where the answers differ.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use karmada_apiserver::{ApiServer, ServerConfig};
use karmada_tests::kubectl::{self, Script, Server, Transcript};
use karmada_tests::rig::{Binaries, RealCluster, RealControllers};
use similar::TextDiff;

/// Compare what kubectl prints with this server and with a real one
///
/// Exits with 0 when the answers are equal or their difference is explained in the script, 1 when not.
#[derive(Debug, Parser)]
#[command(name = "kubectl-compare")]
struct Args {
    /// Only run this script (can be repeated)
    #[arg(long, value_name = "NAME")]
    script: Vec<String>,
    /// Which servers to run: with one, its transcripts are printed
    #[arg(long, value_enum, default_value_t = Servers::Both)]
    servers: Servers,
    /// Scripts that run at once
    #[arg(long, default_value_t = 3)]
    jobs: usize,
    /// Directory of the scripts
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/it/kubectl"))]
    directory: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Servers {
    Both,
    Ours,
    Real,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let Args { script, servers, jobs, directory } = Args::parse();
    let mut scripts = kubectl::all(&directory)?;
    scripts.retain(|candidate| script.is_empty() || script.contains(&candidate.name));
    match servers {
        Servers::Ours => print(&scripts, &ours(&scripts, jobs).await?),
        Servers::Real => print(&scripts, &real(&scripts, jobs).await?),
        Servers::Both => {
            let real = real(&scripts, jobs).await?;
            let ours = ours(&scripts, jobs).await?;
            compare(&scripts, &real, &ours)
        }
    }
}

async fn ours(scripts: &[Script], jobs: usize) -> anyhow::Result<Vec<Transcript>> {
    karmadactl::install_crypto_provider();
    let config = ServerConfig { name: "kubectl".to_owned(), ..ServerConfig::default() };
    let server = ApiServer::start(config).await?;
    let listener = server.listen(([127, 0, 0, 1], 0).into()).await?;
    let kubeconfig = server.kubeconfig(&listener.url(), "admin", &["system:masters"])?;
    let transcripts = run(Server::new(kubeconfig), scripts, jobs).await?;
    server.shutdown().await;
    Ok(transcripts)
}

async fn real(scripts: &[Script], jobs: usize) -> anyhow::Result<Vec<Transcript>> {
    let cluster = RealCluster::start(&Binaries::obtain()?, RealControllers::Lifecycle).await?;
    run(Server::new(cluster.kubeconfig("admin", &["system:masters"])?), scripts, jobs).await
}

async fn run(server: Server, scripts: &[Script], jobs: usize) -> anyhow::Result<Vec<Transcript>> {
    let scripts = scripts.to_vec();
    let server = match Binaries::of_client("helm") {
        Some(directory) => server.with_programs(directory),
        None => server,
    };
    tokio::task::spawn_blocking(move || kubectl::run_all(&server, &scripts, jobs)).await?
}

fn print(scripts: &[Script], transcripts: &[Transcript]) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    for (script, transcript) in scripts.iter().zip(transcripts) {
        writeln!(out, "## {}\n\n{}", script.name, transcript.text())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn compare(scripts: &[Script], real: &[Transcript], ours: &[Transcript]) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    let (mut equal, mut explained, mut different) = (0, 0, 0);
    for (script, (real, ours)) in scripts.iter().zip(real.iter().zip(ours)) {
        for (real, ours) in real.answers.iter().zip(&ours.answers) {
            let (block, real, ours) = (&real.block, real.text(), ours.text());
            if real == ours {
                equal += 1;
                if block.differs.is_some() {
                    writeln!(out, "## {}: equal this time\n$ {}\n", script.name, block.command)?;
                }
                continue;
            }
            if block.differs.is_some() {
                explained += 1;
                continue;
            }
            different += 1;
            let difference = TextDiff::from_lines(&real, &ours);
            let difference = difference.unified_diff().context_radius(2).header("real", "ours").to_string();
            writeln!(out, "## {}\n$ {}\n{difference}", script.name, block.command)?;
        }
    }
    writeln!(out, "{equal} equal, {explained} differ as explained, {different} differ")?;
    Ok(if different == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
