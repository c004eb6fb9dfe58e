//! `karmadactl version`.

use std::time::Duration;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::context::{ConnectionArgs, Context};
use crate::error::CliError;
use crate::printer::DocumentFormat;

/// How long the server may take to say its version.
const SERVER_TIMEOUT: Duration = Duration::from_secs(3);
/// The Karmada release this program is compatible with on the wire.
pub const COMPATIBLE_WITH: &str = "v1.19";

const EXAMPLES: &str = "\
Examples:
  # Print the version of this program and of the control plane, if one answers
  karmadactl version

  # Print it for a script, without asking a server
  karmadactl version --client -o json";

/// Print the version of this program and of the control plane
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct VersionArgs {
    /// Print the version of this program only
    #[arg(long)]
    pub client: bool,

    /// Print as a document
    #[arg(short, long, value_name = "FORMAT")]
    pub output: Option<VersionFormat>,
}

/// Formats of a version.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum VersionFormat {
    /// JSON
    Json,
    /// YAML
    Yaml,
}

/// Prints the versions.
pub async fn run(args: VersionArgs, context: &Context) -> Result<(), CliError> {
    let VersionArgs { client, output } = args;
    let server = if client { None } else { server_version(&context.connection).await };
    let format = match output {
        Some(VersionFormat::Json) => DocumentFormat::Json,
        Some(VersionFormat::Yaml) => DocumentFormat::Yaml,
        None => {
            context.printer.line(&format!("Client: karmadactl {}", env!("CARGO_PKG_VERSION")))?;
            context.printer.line(&format!("Compatible with: Karmada {COMPATIBLE_WITH}"))?;
            if let Some(server) = server {
                let version = server["gitVersion"].as_str().unwrap_or("unknown");
                context.printer.line(&format!("Server: Kubernetes {version}"))?;
            }
            return Ok(());
        }
    };
    let mut document = json!({ "clientVersion": client_version() });
    if let Some(server) = server {
        document["serverVersion"] = server;
    }
    context.printer.document(&document, format)
}

fn client_version() -> Value {
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "karmadaVersion": COMPATIBLE_WITH,
        "platform": format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH),
    })
}

/// The server's version; nothing when no server is configured or none answers, which is no error here.
async fn server_version(connection: &ConnectionArgs) -> Option<Value> {
    let control_plane = connection.connect().await.ok()?;
    let version = control_plane.client.apiserver_version();
    let info = tokio::time::timeout(SERVER_TIMEOUT, version).await.ok()?.ok()?;
    serde_json::to_value(info).ok()
}
