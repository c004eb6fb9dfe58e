//! `karmadactl local-up`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Args;

use super::serve::{self, DurabilityArg};
use crate::context::Context;
use crate::embedded::{CONTROL_PLANE_KUBECONFIG, LocalUp, LocalUpError, LocalUpOptions, default_data_dir};
use crate::error::CliError;
use crate::signals::stop_requested;

const EXAMPLES: &str = "\
Examples:
  # A control plane with three simulated members, in the foreground
  karmadactl local-up --data-dir ./karmada

  # Then, in another terminal
  export KUBECONFIG=$PWD/karmada/karmada-apiserver.config
  kubectl apply -f samples/nginx
  karmadactl get deployments --operation-scope all

  # Many members, nothing kept
  karmadactl local-up --members 20 --in-memory";

/// Run a control plane with simulated member clusters, joined
///
/// The members are real API servers with nodes that exist on paper: no container runs, and a Deployment becomes ready as
/// far as the nodes have room for it. Writes one kubeconfig for the control plane and one for each member.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct LocalUpArgs {
    /// How many simulated members
    #[arg(long, value_name = "COUNT", default_value_t = 3, value_parser = clap::value_parser!(u32).range(0..=100))]
    pub members: u32,

    /// Directory of the data and the kubeconfigs [default: karmada/local-up in the user's data directory]
    #[arg(long, value_name = "PATH", value_hint = clap::ValueHint::DirPath)]
    pub data_dir: Option<PathBuf>,

    /// Address of the control plane; port 0 takes the port of the last run if it is free, else any
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,

    /// Keep nothing on disk but the kubeconfigs
    #[arg(long)]
    pub in_memory: bool,

    /// When a write is acknowledged
    #[arg(long, value_enum, value_name = "WHEN", default_value_t)]
    pub durability: DurabilityArg,
}

/// Runs until told to stop.
pub async fn run(args: LocalUpArgs, context: &Context) -> Result<(), CliError> {
    let LocalUpArgs { members, data_dir, listen, in_memory, durability } = args;
    let directory = data_dir.clone().unwrap_or_else(|| default_data_dir("local-up"));
    let printer = &context.printer;
    let options = LocalUpOptions {
        members,
        storage: durability.storage(directory.clone(), in_memory),
        directory: directory.clone(),
        listen,
    };
    printer.progress(&format!("starting a control plane and {members} simulated members"));
    let up = LocalUp::start(options).await.map_err(explain)?;
    let kubeconfig = directory.join(CONTROL_PLANE_KUBECONFIG);
    printer.line(&format!(
        "ready: {} (kubeconfig {})",
        up.control_plane.server().url(),
        kubeconfig.display()
    ))?;
    printer.progress(&next_steps(&up, &directory, in_memory));
    stop_requested().await.map_err(CliError::failed)?;
    printer.progress("stopping");
    up.shutdown().await;
    Ok(())
}

fn next_steps(up: &LocalUp, directory: &Path, in_memory: bool) -> String {
    let names: Vec<&str> = up.members.iter().map(|member| member.name.as_str()).collect();
    let members = match names[..] {
        [] => "No members are joined.".to_owned(),
        _ => format!(
            "Joined: {} (simulated: their nodes exist on paper, no container runs).\n\
             Their kubeconfigs are {}",
            names.join(", "),
            directory.join("<member>.config").display()
        ),
    };
    let stop = if in_memory {
        "Ctrl-C stops everything and forgets it."
    } else {
        "Ctrl-C stops everything; the next start with the same data goes on where it stopped."
    };
    format!(
        "\n{members}\n\nIn another terminal:\n  export KUBECONFIG={}\n  kubectl get clusters\n  \
         kubectl apply -f samples/nginx\n  karmadactl get deployments --operation-scope all\n\n{stop}",
        absolute(directory).join(CONTROL_PLANE_KUBECONFIG).display()
    )
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// Adds the way out to members or a control plane that did not start.
pub(super) fn explain(error: LocalUpError) -> CliError {
    match error {
        LocalUpError::Server(error) => serve::explain(error),
        LocalUpError::ControlPlane(error) => serve::explain_control_plane(error),
        error @ (LocalUpError::Join { .. } | LocalUpError::Cluster { .. }) => CliError::failed(error)
            .with_hint("when the data is of another run with other members, choose another --data-dir"),
        error @ (LocalUpError::File(_) | LocalUpError::Nodes { .. }) => CliError::failed(error),
    }
}
