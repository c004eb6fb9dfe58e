//! `karmadactl aggregated-apiserver`.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use karmada_apiserver::auth::AnyCertificate;
use karmada_controllers::hub::{ClientSettings, shape};
use karmada_controllers::metrics::Metrics;
use karmada_core::api::FeatureGates;

use super::component_args::{FlagsWithoutEffect, Takes, WithoutEffect, connect};
use super::controllers::told_to_stop;
use crate::components::aggregated::{AggregatedServer, Authentication, FrontProxyFlags};
use crate::components::certificate::{CertificateFiles, ServingCertificate};
use crate::components::https::{HttpsServer, TlsVersion};
use crate::context::Context;
use crate::error::CliError;
use crate::logging::LoggingArgs;

const EXAMPLES: &str = "\
Examples:
  # Serve Clusters behind the API server of a control plane
  karmadactl aggregated-apiserver --kubeconfig /etc/karmada/config/karmada.config \\
    --tls-cert-file /etc/karmada/pki/server/tls.crt --tls-private-key-file /etc/karmada/pki/server/tls.key

  # Tell the API server (a Service in its namespace karmada-system leads here)
  kubectl --kubeconfig ./control-plane.config get apiservice v1alpha1.cluster.karmada.io";

/// Serve Clusters, and the way to members, behind an API server
///
/// The component karmada-aggregated-apiserver: the server of an APIService. Clusters are kept by the API server itself, as
/// storedclusters.storage.karmada.io, so that several processes may serve them. Health is at /healthz, /livez and
/// /readyz, metrics are at /metrics, all on the same port.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct AggregatedApiserverArgs {
    /// Address to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0")]
    pub bind_address: IpAddr,

    /// Port to listen on; 0 for any that is free
    #[arg(long, value_name = "PORT", default_value_t = 443)]
    pub secure_port: u16,

    /// File of the certificate that is shown, followed by those between it and its authority
    #[arg(long, value_name = "PATH", value_hint = clap::ValueHint::FilePath)]
    pub tls_cert_file: PathBuf,

    /// File of the certificate's key
    #[arg(long, value_name = "PATH", value_hint = clap::ValueHint::FilePath)]
    pub tls_private_key_file: PathBuf,

    /// Lowest version of TLS that is spoken: VersionTLS12 or VersionTLS13
    #[arg(long, value_name = "VERSION", default_value = "VersionTLS12", value_parser = TlsVersion::parse)]
    pub tls_min_version: TlsVersion,

    /// Features to switch on or off, such as Failover=true,AllAlpha=false
    #[arg(long, value_name = "NAME=BOOL,...", value_parser = FeatureGates::parse, default_value = "",
        hide_default_value = true)]
    pub feature_gates: FeatureGates,

    #[command(flatten)]
    pub authentication: AuthenticationArgs,

    #[command(flatten)]
    pub logging: LoggingArgs,

    #[command(flatten)]
    pub without_effect: WithoutEffect<Flags>,
}

/// Who is trusted, where it is not to be as the API server says.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Authentication [default: as the API server says]")]
pub struct AuthenticationArgs {
    /// File with the authorities of clients' certificates
    #[arg(long, value_name = "PATH", value_hint = clap::ValueHint::FilePath)]
    pub client_ca_file: Option<PathBuf>,

    /// File with the authorities of the certificate that the API server shows as a proxy
    #[arg(long, value_name = "PATH", value_hint = clap::ValueHint::FilePath)]
    pub requestheader_client_ca_file: Option<PathBuf>,

    /// Names that the proxy's certificate may have
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub requestheader_allowed_names: Vec<String>,

    /// Headers with the name of the caller
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub requestheader_username_headers: Vec<String>,

    /// Headers with the groups of the caller
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub requestheader_group_headers: Vec<String>,

    /// Beginnings of headers with what else is known of the caller
    #[arg(long, value_name = "PREFIX,...", value_delimiter = ',')]
    pub requestheader_extra_headers_prefix: Vec<String>,
}

/// Flags of upstream's program that mean nothing here.
#[derive(Clone, Debug)]
pub struct Flags;

impl FlagsWithoutEffect for Flags {
    const FLAGS: &'static [(&'static str, Takes)] = &[
        ("audit-log-format", Takes::Value),
        ("audit-log-maxage", Takes::Value),
        ("audit-log-maxbackup", Takes::Value),
        ("audit-log-maxsize", Takes::Value),
        ("audit-log-path", Takes::Value),
        ("audit-policy-file", Takes::Value),
        ("authentication-kubeconfig", Takes::Value),
        ("authentication-skip-lookup", Takes::Bool),
        ("authentication-token-webhook-cache-ttl", Takes::Value),
        ("authentication-tolerate-lookup-failure", Takes::Bool),
        ("authorization-always-allow-paths", Takes::Value),
        ("authorization-kubeconfig", Takes::Value),
        ("authorization-webhook-cache-authorized-ttl", Takes::Value),
        ("authorization-webhook-cache-unauthorized-ttl", Takes::Value),
        ("cert-dir", Takes::Value),
        ("contention-profiling", Takes::Bool),
        ("default-watch-cache-size", Takes::Value),
        ("delete-collection-workers", Takes::Value),
        ("enable-garbage-collector", Takes::Bool),
        ("enable-priority-and-fairness", Takes::Bool),
        ("etcd-cafile", Takes::Value),
        ("etcd-certfile", Takes::Value),
        ("etcd-compaction-interval", Takes::Value),
        ("etcd-count-metric-poll-period", Takes::Value),
        ("etcd-db-metric-poll-interval", Takes::Value),
        ("etcd-healthcheck-timeout", Takes::Value),
        ("etcd-keyfile", Takes::Value),
        ("etcd-prefix", Takes::Value),
        ("etcd-readycheck-timeout", Takes::Value),
        ("etcd-servers", Takes::Value),
        ("etcd-servers-overrides", Takes::Value),
        ("http2-max-streams-per-connection", Takes::Value),
        ("kube-api-burst", Takes::Value),
        ("kube-api-qps", Takes::Value),
        ("lease-reuse-duration-seconds", Takes::Value),
        ("permit-address-sharing", Takes::Bool),
        ("permit-port-sharing", Takes::Bool),
        ("profiling", Takes::Bool),
        ("storage-backend", Takes::Value),
        ("storage-media-type", Takes::Value),
        ("tls-cipher-suites", Takes::Value),
        ("watch-cache", Takes::Bool),
        ("watch-cache-sizes", Takes::Value),
    ];
}

impl From<AuthenticationArgs> for FrontProxyFlags {
    fn from(args: AuthenticationArgs) -> Self {
        Self {
            client_ca_file: args.client_ca_file,
            proxy_ca_file: args.requestheader_client_ca_file,
            allowed_names: args.requestheader_allowed_names,
            user_headers: args.requestheader_username_headers,
            group_headers: args.requestheader_group_headers,
            extra_prefixes: args.requestheader_extra_headers_prefix,
        }
    }
}

/// Serves until the process is told to stop.
pub async fn run(args: AggregatedApiserverArgs, context: &Context) -> Result<(), CliError> {
    args.without_effect.tell(&context.printer);
    let Some(control_plane) = connect(context).await? else { return Ok(()) };
    let files = CertificateFiles { certificate: args.tls_cert_file, key: args.tls_private_key_file };
    let certificate = ServingCertificate::open(files).await.map_err(CliError::failed)?;
    let metrics = Metrics::default();
    let counted = Some((metrics.clone(), "control-plane".to_owned()));
    let program = Some("karmada-aggregated-apiserver");
    let client =
        shape(control_plane.client.clone(), ClientSettings { program, counted, ..ClientSettings::default() });
    let authentication =
        Authentication::start(client.clone(), args.authentication.into()).await.map_err(|error| {
            CliError::failed(error)
                .with_hint("--requestheader-client-ca-file and --client-ca-file say it too")
        })?;
    let server = AggregatedServer::start(client, authentication.clone(), args.feature_gates, metrics)
        .await
        .map_err(CliError::failed)?;
    let address = SocketAddr::new(args.bind_address, args.secure_port);
    let https = HttpsServer::bind(
        address,
        certificate.clone(),
        Some(Arc::new(AnyCertificate::default())),
        args.tls_min_version,
    )
    .await
    .map_err(|error| CliError::failed(error).with_hint("--bind-address and --secure-port choose another"))?;
    context.printer.line(&format!("ready: Clusters are served at https://{}", https.local_addr()))?;
    tokio::select! {
        () = https.run(server, told_to_stop()) => Ok(()),
        () = certificate.follow() => Ok(()),
        () = authentication.follow() => Ok(()),
    }
}
