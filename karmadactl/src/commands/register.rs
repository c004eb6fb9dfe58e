//! `karmadactl register`.

use std::time::Duration;

use clap::Args;

use crate::context::Context;
use crate::duration::parse_duration;
use crate::error::CliError;
use crate::install::settings::LOCAL_IMAGE;
use crate::join::Mode;
use crate::join::footprint::DEFAULT_CLUSTER_NAMESPACE;
use crate::kubeconfig;
use crate::register::{
    AgentOptions, DiscoveryError, DiscoveryOptions, Pins, RegisterError, RegisterOptions, RegisterStep,
    register_cluster,
};
use crate::token::BootstrapToken;

const EXAMPLES: &str = "\
Examples:
  # Print the command to run against the cluster (on the control plane's side)
  karmadactl token create --print-register-command

  # Register the cluster of the current kubeconfig under the name member3
  karmadactl register 10.0.0.1:32443 --cluster-name member3 --token t2jgtm.9nybj0526mjw1jbf \\
    --discovery-token-ca-cert-hash sha256:f5a5a43869bb44577dba582e794c3e3750f2050d62f1b1dc80fd3d6a371b6ed4";

/// Register a cluster with the control plane in pull mode
///
/// Run against the cluster that is to be registered. Finds the control plane by its address and a bootstrap token, gives
/// an agent its identity and permissions there, and installs the agent in the cluster. What was made is taken back when
/// something fails.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct RegisterArgs {
    /// Address of the control plane's API server: HOST:PORT
    #[arg(value_name = "ENDPOINT")]
    pub endpoint: Option<String>,

    /// Bootstrap token of the control plane (karmadactl token create)
    #[arg(long, value_name = "TOKEN", default_value = "", hide_default_value = true)]
    pub token: String,

    /// Pin of the control plane's certificate authority: sha256:HEX (can be repeated)
    #[arg(long, value_name = "PIN", value_delimiter = ',')]
    pub discovery_token_ca_cert_hash: Vec<String>,

    /// Believe whoever knows the token
    #[arg(long)]
    pub discovery_token_unsafe_skip_ca_verification: bool,

    /// How long to look for the control plane
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = parse_duration)]
    pub discovery_timeout: Duration,

    /// Context of the kubeconfig of the cluster to register [default: its current context]
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,

    /// Name of the cluster in the control plane [default: that in the kubeconfig]
    #[arg(long, value_name = "NAME")]
    pub cluster_name: Option<String>,

    /// Namespace of the credentials, in the cluster and in the control plane
    #[arg(long, value_name = "NAMESPACE", default_value = DEFAULT_CLUSTER_NAMESPACE)]
    pub cluster_namespace: String,

    /// Provider of the cluster, for policies to choose by
    #[arg(long, value_name = "NAME")]
    pub cluster_provider: Option<String>,

    /// Region of the cluster, for policies to choose by
    #[arg(long, value_name = "NAME")]
    pub cluster_region: Option<String>,

    /// Zones of the cluster, separated by commas (can be repeated)
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub cluster_zones: Vec<String>,

    /// Image of the agent
    #[arg(long, value_name = "IMAGE", default_value = LOCAL_IMAGE)]
    pub karmada_agent_image: String,

    /// Replicas of the agent; one of them works
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub karmada_agent_replicas: u32,

    /// Let the agent renew its certificate before it ends
    #[arg(long)]
    pub enable_cert_rotation: bool,

    /// How long the agent's certificate is good, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 31_536_000, value_parser = clap::value_parser!(u32).range(600..))]
    pub cert_expiration_seconds: u32,

    /// Proxy by which the control plane reaches the cluster, such as http://10.0.0.1:8080
    #[arg(long, value_name = "URL")]
    pub proxy_server_address: Option<String>,

    /// Namespace of the agent
    #[arg(short, long, value_name = "NAMESPACE", default_value = "karmada-system")]
    pub namespace: String,

    /// How long the agent may take to start
    #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = parse_duration)]
    pub timeout: Duration,

    /// Check everything and write nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// A command line that lacks something.
#[derive(Debug, thiserror::Error)]
enum Misuse {
    #[error("the address of the control plane's API server is required")]
    NoEndpoint,
    #[error("token is required")]
    NoToken,
    #[error("need to verify the control plane's certificate authority, or to skip that explicitly")]
    NoPin,
    #[error("{0:?} is not a pin such as sha256:HEX")]
    BadPin(String),
    #[error("the kubeconfig does not name the cluster")]
    NoName,
}

/// Registers the cluster.
pub async fn run(args: RegisterArgs, context: &Context) -> Result<(), CliError> {
    let member = kubeconfig::load(context.connection.kubeconfig.as_deref(), args.context.as_deref())
        .await
        .map_err(|error| {
            let hints = error.hints("--context");
            CliError::failed(error).with_hints(hints)
        })?;
    let endpoint = args.endpoint.filter(|endpoint| !endpoint.is_empty());
    let endpoint = endpoint.ok_or_else(|| {
        CliError::failed(Misuse::NoEndpoint)
            .with_hint("`karmadactl token create --print-register-command` prints the whole command")
    })?;
    if args.token.is_empty() {
        return Err(CliError::failed(Misuse::NoToken)
            .with_hint("`karmadactl token create`, run against the control plane, makes one"));
    }
    let token: BootstrapToken = args.token.parse().map_err(CliError::failed)?;
    let pins = pins(args.discovery_token_ca_cert_hash, args.discovery_token_unsafe_skip_ca_verification)?;
    let name = args.cluster_name.filter(|name| !name.is_empty()).unwrap_or_else(|| member.cluster.clone());
    if name.is_empty() {
        return Err(CliError::failed(Misuse::NoName).with_hint("--cluster-name names it"));
    }
    let options = RegisterOptions {
        discovery: DiscoveryOptions { endpoint, token, pins, timeout: args.discovery_timeout },
        agent: AgentOptions {
            cluster_name: name,
            cluster_namespace: args.cluster_namespace,
            namespace: args.namespace,
            api_endpoint: member.server.clone(),
            image: args.karmada_agent_image,
            replicas: args.karmada_agent_replicas,
            rotates_certificate: args.enable_cert_rotation,
            proxy_server_address: args.proxy_server_address,
            provider: args.cluster_provider,
            region: args.cluster_region,
            zones: args.cluster_zones,
        },
        certificate_lifetime: Duration::from_secs(args.cert_expiration_seconds.into()),
        rollout_timeout: args.timeout,
        mode: if args.dry_run { Mode::DryRun } else { Mode::Apply },
    };
    let printer = &context.printer;
    let report = |step: RegisterStep| match step {
        RegisterStep::Left { object, reason } => {
            printer.warning(&format!("{object} could not be removed: {reason}"));
        }
        step => printer.progress(words(&step)),
    };
    let outcome = register_cluster(&member.client()?, &options, report).await;
    let outcome = outcome.map_err(|error| explain(error, &options))?;
    if options.mode == Mode::DryRun {
        for object in outcome.ensured {
            printer.progress(&format!("would ensure {object} (dry run)"));
        }
        return Ok(());
    }
    printer.line(&format!("cluster({}) is joined successfully", options.agent.cluster_name))
}

fn pins(given: Vec<String>, skips: bool) -> Result<Pins, CliError> {
    if skips {
        return Ok(Pins::Any);
    }
    if given.is_empty() {
        return Err(CliError::failed(Misuse::NoPin).with_hint(
            "give --discovery-token-ca-cert-hash, or --discovery-token-unsafe-skip-ca-verification",
        ));
    }
    let is_pin = |pin: &String| {
        let digest = pin.get(..7).filter(|prefix| prefix.eq_ignore_ascii_case("sha256:")).map(|_| &pin[7..]);
        digest.is_some_and(|digest| digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    match given.iter().find(|pin| !is_pin(pin)) {
        Some(pin) => Err(CliError::failed(Misuse::BadPin(pin.clone()))),
        None => Ok(Pins::Only(given)),
    }
}

fn words(step: &RegisterStep) -> &'static str {
    match step {
        RegisterStep::Checking => "Looking for an agent in the cluster",
        RegisterStep::Discovering => "Looking for the control plane",
        RegisterStep::PreparingAccess => "Preparing the agent's permissions in the control plane",
        RegisterStep::RequestingCertificate => "Requesting the agent's certificate",
        RegisterStep::Installing => "Installing the agent",
        RegisterStep::WaitingForAgent => "Waiting for the agent to start",
        RegisterStep::RollingBack => "Taking back what was made",
        RegisterStep::Left { .. } => "Something is left",
    }
}

fn explain(error: RegisterError, options: &RegisterOptions) -> CliError {
    let name = &options.agent.cluster_name;
    let hints = match &error {
        RegisterError::AgentExists { .. } => vec![format!(
            "`karmadactl unregister {name}` takes the cluster out of the control plane that it is registered with"
        )],
        RegisterError::Registered { .. } => {
            vec!["choose another name with --cluster-name, or unregister that cluster first".to_owned()]
        }
        RegisterError::Discovery(DiscoveryError::WrongPin { found }) => {
            vec![format!("who answers there has {}", found.join(", "))]
        }
        RegisterError::Discovery(_) => vec![
            "check address and token: `karmadactl token create --print-register-command` prints both"
                .to_owned(),
        ],
        RegisterError::Certificate { .. } => vec![
            "the control plane's controllers approve and sign certificates: check that they run".to_owned(),
        ],
        RegisterError::Rollout { .. } => vec![format!(
            "the agent was left as it is: mend it (`kubectl -n {0} describe pods -l app=karmada-agent`), \
             or take it back with `karmadactl unregister {name}`",
            options.agent.namespace
        )],
        RegisterError::Object(error) => error.source.hints(),
        RegisterError::InvalidName { .. } | RegisterError::Client(_) => Vec::new(),
    };
    CliError::failed(error).with_hints(hints)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_control_plane_is_pinned_or_deliberately_not() {
        let pin = format!("sha256:{}", "0a".repeat(32));
        assert_eq!(pins(vec![pin.clone()], false).unwrap(), Pins::Only(vec![pin]));
        assert_eq!(pins(Vec::new(), true).unwrap(), Pins::Any);
        assert!(pins(Vec::new(), false).is_err());
        for bad in ["sha256:0a", "md5:00", "", "sha256:zz"] {
            assert!(pins(vec![bad.to_owned()], false).is_err(), "{bad}");
        }
    }
}
