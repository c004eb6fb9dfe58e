//! `karmadactl serve`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};
use karmada_apiserver::StartError;
use karmada_apiserver::server::{Limits, Share};
use karmada_apiserver::store::{Durability, OpenError};

use super::audit_args::AuditArgs;
use super::controller_args::{ControllerArgs, positive_duration};
use super::controllers::{BindAddress, parse_address};
use crate::attached::observe::{self, Endpoints};
use crate::context::Context;
use crate::duration::parse_duration;
use crate::embedded::{
    ApiOptions, CONTROL_PLANE_KUBECONFIG, ControlPlaneError, EmbeddedControlPlane, EmbeddedError,
    EmbeddedOptions, EmbeddedServer, Storage, announce, default_data_dir, previous_address, wait_until_ready,
    write_kubeconfig,
};
use crate::error::CliError;
use crate::logging::LoggingArgs;
use crate::signals::stop_requested;

/// How often the kubeconfig gets a fresh certificate.
const KUBECONFIG_RENEWAL: Duration = Duration::from_hours(24 * 30);

const EXAMPLES: &str = "\
Examples:
  # Serve a control plane and use it from another terminal
  karmadactl serve --data-dir ./karmada --kubeconfig ./karmada.config
  kubectl --kubeconfig ./karmada.config get clusters

  # Always at the same address
  karmadactl serve --listen 127.0.0.1:6443

  # For a test: nothing is written to disk but the kubeconfig
  karmadactl serve --in-memory --kubeconfig ./test.config

  # In a script: start it, wait until it is ready, use it
  karmadactl serve --api-only --in-memory --kubeconfig ./test.config &
  karmadactl serve --wait --kubeconfig ./test.config
  kubectl --kubeconfig ./test.config get namespaces";

/// Serve an embedded control plane in the foreground
///
/// Prints one line when it is ready and serves until it is told to stop (Ctrl-C or SIGTERM). What it acknowledged is on
/// disk: after a crash, the next start with the same data directory goes on where it was.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct ServeArgs {
    /// Directory of the data [default: karmada/serve in the user's data directory]
    #[arg(long, value_name = "PATH", value_hint = clap::ValueHint::DirPath, conflicts_with = "in_memory")]
    pub data_dir: Option<PathBuf>,

    /// Address to listen on; port 0 takes the port of the last run if it is free, else any
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,

    /// Further name or address in the server's certificate (can be repeated)
    #[arg(long, value_name = "NAME")]
    pub tls_san: Vec<String>,

    /// Where clusters that register themselves find the server, when that is not where it listens
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,

    /// Kubeconfig to write, readable for the user only [default: karmada-apiserver.config in the data directory]
    #[arg(long, value_name = "PATH", value_hint = clap::ValueHint::FilePath)]
    pub kubeconfig: Option<PathBuf>,

    /// Keep nothing on disk
    #[arg(long)]
    pub in_memory: bool,

    /// When a write is acknowledged
    #[arg(long, value_enum, value_name = "WHEN", default_value_t)]
    pub durability: DurabilityArg,

    /// Serve a plain Kubernetes API: no Karmada kinds, no controllers
    #[arg(long)]
    pub api_only: bool,

    /// Open file descriptor (pipe or file) that also gets the line that says it is ready
    #[arg(long, value_name = "NUMBER")]
    pub ready_fd: Option<u32>,

    /// Do not serve: wait until the server that writes the kubeconfig is ready, for 1m unless =DURATION says otherwise
    #[arg(long, value_name = "DURATION", num_args = 0..=1, require_equals = true, default_missing_value = "1m",
          value_parser = parse_duration, conflicts_with = "ready_fd")]
    pub wait: Option<Duration>,

    /// How long Events stay after they were written last
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = parse_duration)]
    pub event_ttl: Duration,

    #[command(flatten)]
    pub audit: AuditArgs,

    #[command(flatten)]
    pub limits: LimitArgs,

    /// Address of /metrics of the controllers; 0 for none
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "0", value_parser = parse_address)]
    pub metrics_bind_address: BindAddress,

    #[command(flatten)]
    pub logging: LoggingArgs,

    #[command(flatten)]
    pub controllers: ControllerArgs,
}

/// How much clients may ask for.
#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = "Limits")]
pub struct LimitArgs {
    /// Reading requests that run at a time; further ones wait, or are asked to come back
    #[arg(long, value_name = "NUMBER", default_value_t = 400, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_requests_inflight: u32,

    /// Writing requests that run at a time
    #[arg(long, value_name = "NUMBER", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_mutating_requests_inflight: u32,

    /// Longest time of a request that is no watch
    #[arg(long, value_name = "DURATION", default_value = "1m", value_parser = positive_duration)]
    pub request_timeout: Duration,

    /// Shortest time, in seconds, after which the server ends a watch whose client named none
    #[arg(long, value_name = "SECONDS", default_value_t = 1800, value_parser = clap::value_parser!(u32).range(1..))]
    pub min_request_timeout: u32,

    /// Connections that are open at a time
    #[arg(long, value_name = "NUMBER", default_value_t = 4096, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_connections: u32,

    /// Requests of one HTTP/2 connection at a time
    #[arg(long, value_name = "NUMBER", default_value_t = 250, value_parser = clap::value_parser!(u32).range(1..))]
    pub http2_max_streams_per_connection: u32,

    /// How long to wait for the requests under way when told to stop
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = parse_duration)]
    pub shutdown_timeout: Duration,
}

impl From<LimitArgs> for Limits {
    fn from(args: LimitArgs) -> Self {
        let connections = args.max_connections as usize;
        Self {
            max_requests_inflight: args.max_requests_inflight as usize,
            max_mutating_requests_inflight: args.max_mutating_requests_inflight as usize,
            request_timeout: args.request_timeout,
            min_request_timeout: Duration::from_secs(args.min_request_timeout.into()),
            connections: Share { total: connections, each: (connections / 2).max(1) },
            streams: args.http2_max_streams_per_connection,
            shutdown_timeout: args.shutdown_timeout,
            ..Self::default()
        }
    }
}

/// When a write is acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum DurabilityArg {
    /// When it is safe on disk
    #[default]
    Fsync,
    /// When the operating system has it; a power cut may lose the last writes
    Async,
    /// At once; nothing is written
    Memory,
}

impl From<DurabilityArg> for Durability {
    fn from(durability: DurabilityArg) -> Self {
        match durability {
            DurabilityArg::Fsync => Self::Fsync,
            DurabilityArg::Async => Self::Async,
            DurabilityArg::Memory => Self::Memory,
        }
    }
}

impl DurabilityArg {
    /// The storage in a directory, or in memory.
    pub fn storage(self, directory: PathBuf, in_memory: bool) -> Storage {
        if in_memory || self == Self::Memory {
            Storage::Memory
        } else {
            Storage::Disk { directory, durability: self.into() }
        }
    }
}

/// Serves until told to stop.
pub async fn run(args: ServeArgs, context: &Context) -> Result<(), CliError> {
    let ServeArgs {
        data_dir,
        listen,
        tls_san,
        public_url,
        kubeconfig,
        in_memory,
        durability,
        api_only,
        ready_fd,
        wait,
        event_ttl,
        audit,
        limits,
        metrics_bind_address,
        logging: _,
        controllers,
    } = args;
    let api = ApiOptions {
        audit: audit.config().map_err(CliError::failed)?,
        event_ttl: Some(event_ttl),
        admission: controllers.admission(),
        server_names: tls_san,
        public_url,
    };
    let settings = controllers.settings()?;
    let data_dir = data_dir.unwrap_or_else(|| default_data_dir("serve"));
    let kubeconfig = kubeconfig.unwrap_or_else(|| data_dir.join(CONTROL_PLANE_KUBECONFIG));
    if let Some(timeout) = wait {
        return wait_for_server(&kubeconfig, timeout, context).await;
    }
    let options = EmbeddedOptions {
        name: "karmada-apiserver".to_owned(),
        storage: durability.storage(data_dir, in_memory),
        listen,
        preferred: previous_address(&kubeconfig),
        api,
        limits: limits.into(),
    };
    let served = if api_only {
        Served::Plain(EmbeddedServer::plain(&options).await.map_err(explain)?)
    } else {
        let started = EmbeddedControlPlane::start(&options, settings).await;
        Served::ControlPlane(started.map_err(explain_control_plane)?)
    };
    let server = served.server();
    let _metrics = served.metrics(metrics_bind_address).await?;
    write_kubeconfig(&kubeconfig, &server.kubeconfig().map_err(explain)?).map_err(CliError::failed)?;
    // Whoever reads that it is ready may tell it to stop at once.
    let stop = stop_requested();
    let line = ready_line(&server.url(), &kubeconfig);
    context.printer.line(&line)?;
    if let Some(descriptor) = ready_fd {
        announce(descriptor, &line).map_err(CliError::failed)?;
    }
    serve_until_stopped(server, &kubeconfig, stop).await?;
    end(served.shutdown(), context).await
}

/// Ends in good order; at once when asked again, as what was acknowledged is durable.
pub(super) async fn end(shutdown: impl Future<Output = ()>, context: &Context) -> Result<(), CliError> {
    context.printer.progress("stopping");
    tokio::select! {
        () = shutdown => {}
        again = stop_requested() => {
            again.map_err(CliError::failed)?;
            context.printer.progress("stopping at once");
        }
    }
    Ok(())
}

/// Waits for the end; the certificate in the kubeconfig is good for a year, so it is replaced before.
async fn serve_until_stopped(
    server: &EmbeddedServer,
    kubeconfig: &Path,
    stop: impl Future<Output = std::io::Result<()>>,
) -> Result<(), CliError> {
    tokio::pin!(stop);
    loop {
        tokio::select! {
            result = &mut stop => return result.map_err(CliError::failed),
            () = tokio::time::sleep(KUBECONFIG_RENEWAL) => {
                let renewed = server.kubeconfig().map_err(explain)?;
                write_kubeconfig(kubeconfig, &renewed).map_err(CliError::failed)?;
            }
        }
    }
}

async fn wait_for_server(kubeconfig: &Path, timeout: Duration, context: &Context) -> Result<(), CliError> {
    let url = wait_until_ready(kubeconfig, timeout).await.map_err(|error| {
        CliError::failed(error).with_hint(
            "start it with `karmadactl serve` and the same --kubeconfig (or --data-dir, where it is by default)",
        )
    })?;
    context.printer.line(&ready_line(&url, kubeconfig))
}

fn ready_line(url: &str, kubeconfig: &Path) -> String {
    format!("ready: {url} (kubeconfig {})", kubeconfig.display())
}

enum Served {
    Plain(EmbeddedServer),
    ControlPlane(EmbeddedControlPlane),
}

impl Served {
    fn server(&self) -> &EmbeddedServer {
        match self {
            Self::Plain(server) => server,
            Self::ControlPlane(control_plane) => control_plane.server(),
        }
    }

    /// Serves the metrics of the controllers, as long as the answer is kept.
    async fn metrics(&self, address: BindAddress) -> Result<Endpoints, CliError> {
        let Self::ControlPlane(control_plane) = self else { return Ok(Endpoints::default()) };
        observe::serve(control_plane.observed(), address.0, None).await.map_err(CliError::failed)
    }

    async fn shutdown(&self) {
        match self {
            Self::Plain(server) => server.shutdown().await,
            Self::ControlPlane(control_plane) => control_plane.shutdown().await,
        }
    }
}

/// Adds the way out to an API server that did not start.
pub(super) fn explain(error: EmbeddedError) -> CliError {
    let hint = match &error {
        EmbeddedError::Listen { .. } => Some("--listen 127.0.0.1:0 takes any free port".to_owned()),
        EmbeddedError::Directory(_) => Some("choose another directory with --data-dir".to_owned()),
        EmbeddedError::Start { source, directory: Some(directory), .. }
            if matches!(**source, StartError::Store(OpenError::Damaged { .. })) =>
        {
            Some(format!(
                "`karmadactl backup --data-dir {} --salvage -o FILE` saves what can be read",
                directory.display()
            ))
        }
        EmbeddedError::Start { .. } | EmbeddedError::Credentials(_) => None,
    };
    CliError::failed(error).with_hints(hint)
}

/// Adds the way out to a control plane that did not start.
pub(super) fn explain_control_plane(error: ControlPlaneError) -> CliError {
    match error {
        ControlPlaneError::Server(error) => explain(error),
        error => CliError::failed(error),
    }
}
