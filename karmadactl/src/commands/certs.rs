//! `karmadactl certs`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use jiff::{SignedDuration, Timestamp};

use super::init::{explain_host, load_host};
use crate::context::Context;
use crate::duration::parse_duration;
use crate::embedded::write_private;
use crate::error::{CliError, ErrorKind};
use crate::install::names::ADMIN_KUBECONFIG;
use crate::install::renewal::{self, Installed, RenewalError};
use crate::install::settings::{default_data_path, parse_validity};
use crate::table::Table;

const EXAMPLES: &str = "\
Examples:
  # When do the certificates of the control plane end?
  karmadactl certs check

  # Fail when one ends within 30 days, for a monitor
  karmadactl certs check --within 720h

  # Replace them, and the pods that use them, one component after the other
  karmadactl certs renew";

/// Look at the certificates of a control plane, and replace them
///
/// Of a control plane that `karmadactl init` installed; the kubeconfig is that of the host cluster.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct CertsArgs {
    #[command(subcommand)]
    pub command: CertsCommand,
}

/// What is done with the certificates.
#[derive(Debug, Subcommand)]
pub enum CertsCommand {
    Check(CheckArgs),
    Renew(RenewArgs),
}

/// Which control plane.
#[derive(Args, Debug)]
pub struct InstalledArgs {
    /// Namespace of the control plane in the host cluster
    #[arg(short, long, value_name = "NAME", default_value = "karmada-system")]
    pub namespace: String,

    /// Context of the host cluster's kubeconfig [default: its current context]
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,
}

/// Say when the certificates end
#[derive(Args, Debug)]
pub struct CheckArgs {
    #[command(flatten)]
    pub installed: InstalledArgs,

    /// Exit with code 1 when one ends within this time
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = parse_duration)]
    pub within: Duration,
}

/// Replace all certificates below the authorities, and the pods that use them
///
/// A renewal that did not end is ended first: the command then makes no certificates, and replaces the pods that still use
/// the old ones.
#[derive(Args, Debug)]
pub struct RenewArgs {
    #[command(flatten)]
    pub installed: InstalledArgs,

    /// How long the new ones are good, such as 365d or 8760h
    #[arg(long, value_name = "DURATION", default_value = "365d", value_parser = parse_validity)]
    pub cert_validity_period: SignedDuration,

    /// Directory of the kubeconfig of the control plane, which gets its new certificate when it is there [default: that of
    /// karmadactl init]
    #[arg(short = 'd', long, value_name = "PATH", value_hint = clap::ValueHint::DirPath)]
    pub karmada_data: Option<PathBuf>,

    /// How long to wait for each component
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = parse_duration)]
    pub wait_component_ready_timeout: Duration,

    /// Say what would be replaced, and replace nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Looks at the certificates, or replaces them.
pub async fn run(args: CertsArgs, context: &Context) -> Result<(), CliError> {
    match args.command {
        CertsCommand::Check(args) => check(args, context).await,
        CertsCommand::Renew(args) => renew(args, context).await,
    }
}

async fn read(
    args: &InstalledArgs,
    context: &Context,
) -> Result<(kube::Client, String, Installed), CliError> {
    let mut connection = context.connection.clone();
    if args.context.is_some() {
        connection.karmada_context.clone_from(&args.context);
    }
    let endpoint = load_host(&connection).await?;
    let client = endpoint.client()?;
    let installed =
        renewal::read(&client, &args.namespace).await.map_err(|error| explain(error, &endpoint.server))?;
    Ok((client, endpoint.server, installed))
}

fn explain(error: RenewalError, server: &str) -> CliError {
    match error {
        RenewalError::Secrets { source, .. } if source.is_unreachable() => explain_host(server, source),
        error @ RenewalError::NotInstalled { .. } => CliError::failed(error).with_hint(
            "the kubeconfig must be that of the host cluster, and --namespace that of karmadactl init",
        ),
        other => {
            let hint = match &other {
                RenewalError::Rollout(failure) => failure.hint().map(str::to_owned),
                _ => None,
            };
            CliError::failed(other).with_hints(hint).with_hint("running the command again goes on from here")
        }
    }
}

async fn check(args: CheckArgs, context: &Context) -> Result<(), CliError> {
    let CheckArgs { installed, within } = args;
    let (_, server, installed) = read(&installed, context).await?;
    let expiries = installed.expiries().map_err(|error| explain(error, &server))?;
    let now = Timestamp::now();
    let limit = now + SignedDuration::try_from(within).map_err(CliError::usage)?;
    let mut table = Table::new(["CERTIFICATE", "AUTHORITY", "EXPIRES", "RESIDUAL TIME", "RENEWABLE"]);
    for expiry in &expiries {
        let renewable = if expiry.is_renewable { "yes" } else { "no" };
        table.push([
            expiry.name.clone(),
            expiry.facts.issuer.clone(),
            expiry.facts.not_after.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            residual(now, expiry.facts.not_after),
            renewable.to_owned(),
        ]);
    }
    context.printer.data(&table.render())?;
    let late: Vec<&str> = expiries
        .iter()
        .filter(|expiry| expiry.facts.not_after <= limit)
        .map(|expiry| expiry.name.as_str())
        .collect();
    if late.is_empty() {
        return Ok(());
    }
    context.printer.warning(&format!("ending or over: {}", late.join(", ")));
    context.printer.hint("`karmadactl certs renew` replaces those that are renewable");
    Err(CliError::new(ErrorKind::Reported, "certificates end"))
}

/// The time that is left, in days where it is more than one.
fn residual(now: Timestamp, end: Timestamp) -> String {
    let left = end.duration_since(now);
    match left.as_hours() {
        _ if left.is_negative() => "over".to_owned(),
        hours if hours >= 48 => format!("{}d", hours / 24),
        hours => format!("{hours}h"),
    }
}

async fn renew(args: RenewArgs, context: &Context) -> Result<(), CliError> {
    let RenewArgs {
        installed: place,
        cert_validity_period,
        karmada_data,
        wait_component_ready_timeout,
        dry_run,
    } = args;
    let printer = &context.printer;
    let (client, server, mut installed) = read(&place, context).await?;
    let failed = |error| explain(error, &server);
    let suffix = if dry_run { " (dry run)" } else { "" };
    let old = renewal::unfinished(&client, &installed).await.map_err(failed)?;
    let names = if old.is_empty() {
        installed.renew(cert_validity_period, Timestamp::now()).map_err(failed)?
    } else {
        let old = old.join(", ");
        printer.note(&format!(
            "an earlier renewal did not reach {old}: this goes on with it, without new certificates"
        ));
        Vec::new()
    };
    for name in &names {
        printer.line(&format!("certificate {name} renewed{suffix}"))?;
    }
    if dry_run {
        return Ok(());
    }
    let secrets = renewal::write(&client, &installed).await.map_err(failed)?;
    let path = karmada_data.unwrap_or_else(default_data_path).join(ADMIN_KUBECONFIG);
    if let Ok(text) = std::fs::read_to_string(&path) {
        let name = path.display().to_string();
        let text = renewal::with_client(&name, &text, installed.certificates()).map_err(failed)?;
        write_private(&path, &text).map_err(CliError::failed)?;
        printer.line(&format!("kubeconfig {name} renewed"))?;
    } else {
        printer.note(&format!("there is no kubeconfig at {}: -d says where it is", path.display()));
    }
    let mut live = printer.live();
    let rolled =
        renewal::roll(&client, &place.namespace, &secrets, wait_component_ready_timeout, |name, seen| {
            live.set(name, &format!("{name}: {seen}"));
        })
        .await;
    live.finish();
    let rolled = rolled.map_err(failed)?;
    printer.line(&format!("{rolled} component{} replaced", if rolled == 1 { "" } else { "s" }))
}
