//! `karmadactl webhook`.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use karmada_controllers::hub::{ClientSettings, shape};
use karmada_controllers::metrics::Metrics;
use karmada_core::api::FeatureGates;

use super::component_args::{FlagsWithoutEffect, Takes, WithoutEffect, parse_open_address};
use super::controller_args::AdmissionArgs;
use super::controllers::{BindAddress, explain_bind, told_to_stop};
use crate::attached::observe::{Observed, serve};
use crate::components::certificate::{CertificateFiles, ServingCertificate};
use crate::components::https::{HttpsServer, TlsVersion};
use crate::components::webhook::{Reviewer, WebhookServer};
use crate::context::Context;
use crate::error::CliError;
use crate::logging::LoggingArgs;

const EXAMPLES: &str = "\
Examples:
  # Answer the admission reviews of an API server
  karmadactl webhook --kubeconfig /etc/karmada/config/karmada.config --cert-dir /var/serving-cert

  # With a certificate of other names, for loopback only
  karmadactl webhook --bind-address 127.0.0.1 --secure-port 9443 --cert-dir . \\
    --tls-cert-file-name webhook.crt --tls-private-key-file-name webhook.key";

/// Answer the admission and conversion reviews of Karmada's kinds
///
/// The component karmada-webhook, with its flags: an HTTPS server that an API server asks by its webhook
/// configurations. Certificate and key are read again when their files change.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct WebhookArgs {
    /// Address to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0")]
    pub bind_address: IpAddr,

    /// Port to listen on; 0 for any that is free
    #[arg(long, value_name = "PORT", default_value_t = 8443)]
    pub secure_port: u16,

    /// Directory of the certificate and its key
    #[arg(long, value_name = "PATH", default_value = "/tmp/k8s-webhook-server/serving-certs",
        value_hint = clap::ValueHint::DirPath)]
    pub cert_dir: PathBuf,

    /// File of the certificate, in that directory
    #[arg(long, value_name = "NAME", default_value = "tls.crt")]
    pub tls_cert_file_name: String,

    /// File of the certificate's key, in that directory
    #[arg(long, value_name = "NAME", default_value = "tls.key")]
    pub tls_private_key_file_name: String,

    /// Lowest version of TLS that is spoken: 1.2 or 1.3
    #[arg(long, value_name = "VERSION", default_value = "1.3", value_parser = TlsVersion::parse)]
    pub tls_min_version: TlsVersion,

    /// Address of /metrics; 0 for none
    #[arg(long, value_name = "ADDRESS:PORT", default_value = ":8080", value_parser = parse_open_address)]
    pub metrics_bind_address: BindAddress,

    /// Address of /healthz and /readyz; 0 for none
    #[arg(long, value_name = "ADDRESS:PORT", default_value = ":8000", value_parser = parse_open_address)]
    pub health_probe_bind_address: BindAddress,

    /// Features to switch on or off, such as Failover=true,AllAlpha=false
    #[arg(long, value_name = "NAME=BOOL,...", value_parser = FeatureGates::parse, default_value = "",
        hide_default_value = true)]
    pub feature_gates: FeatureGates,

    #[command(flatten)]
    pub admission: AdmissionArgs,

    #[command(flatten)]
    pub logging: LoggingArgs,

    #[command(flatten)]
    pub without_effect: WithoutEffect<Flags>,
}

/// Flags of upstream's program that mean nothing here.
#[derive(Clone, Debug)]
pub struct Flags;

impl FlagsWithoutEffect for Flags {
    const FLAGS: &'static [(&'static str, Takes)] =
        &[("kube-api-burst", Takes::Value), ("kube-api-qps", Takes::Value)];
}

/// Answers until the process is told to stop.
pub async fn run(args: WebhookArgs, context: &Context) -> Result<(), CliError> {
    args.without_effect.tell(&context.printer);
    let server = context.connection.connect().await?;
    let metrics = Metrics::default();
    let counted = Some((metrics.clone(), "control-plane".to_owned()));
    let program = Some("karmada-webhook");
    let client =
        shape(server.client.clone(), ClientSettings { program, counted, ..ClientSettings::default() });
    let admission = args.admission.with(args.feature_gates);
    let reviewer = Reviewer::new(client, admission.gates, admission.taint_policies);
    let files = CertificateFiles {
        certificate: args.cert_dir.join(&args.tls_cert_file_name),
        key: args.cert_dir.join(&args.tls_private_key_file_name),
    };
    let certificate = ServingCertificate::open(files).await.map_err(|error| {
        CliError::failed(error)
            .with_hint("--cert-dir, --tls-cert-file-name and --tls-private-key-file-name say where they are")
    })?;
    let address = SocketAddr::new(args.bind_address, args.secure_port);
    let https = HttpsServer::bind(address, certificate.clone(), None, args.tls_min_version).await.map_err(
        |error| CliError::failed(error).with_hint("--bind-address and --secure-port choose another"),
    )?;
    let observed = Observed::working(metrics);
    let endpoints = serve(observed, args.metrics_bind_address.0, args.health_probe_bind_address.0)
        .await
        .map_err(explain_bind)?;
    endpoints.tell(&context.printer);
    context.printer.line(&format!("ready: webhooks are served at https://{}", https.local_addr()))?;
    let answers = Arc::new(WebhookServer::new(reviewer));
    tokio::select! {
        () = https.run(answers, told_to_stop()) => Ok(()),
        () = certificate.follow() => Ok(()),
    }
}
