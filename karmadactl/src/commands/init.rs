//! `karmadactl init`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use serde_json::json;

use crate::api_error::ApiError;
use crate::attached::prepare::{apply, objects, title, wait_until_served};
use crate::change::{DryRun, parse_dry_run};
use crate::context::Context;
use crate::duration::parse_duration;
use crate::embedded::{write_kubeconfig, write_private};
use crate::error::{CliError, ErrorKind, chain_line};
use crate::install::certificate_set::{CertificateSet, Renewal};
use crate::install::config_file::{ConfigError, ConfigFile};
use crate::install::host::{self, HostFacts};
use crate::install::objects::Applied;
use crate::install::options::InstallOptions;
use crate::install::plan::{Keys, Place, Plan, plan};
use crate::install::preflight::{self, Verdict};
use crate::install::run::{self, Created, InstallError, Progress, kubeconfig_path};
use crate::install::secrets::kubeconfig as admin_kubeconfig;
use crate::install::settings::Settings;
use crate::kubeconfig;
use crate::printer::{DocumentFormat, Live, Printer};
use crate::register::bootstrap::bootstrap_objects;

/// How long an object may take to go when a failed installation is taken back.
const REMOVAL_TIMEOUT: Duration = Duration::from_mins(1);

const EXAMPLES: &str = "\
Examples:
  # Install a control plane in the cluster of the current context
  karmadactl init

  # Two of everything, three members of etcd on volumes
  karmadactl init --profile=ha --etcd-storage-mode=PVC

  # The whole control plane in one pod, on a volume
  karmadactl init --profile=single --etcd-storage-mode=PVC

  # See what would be done, and whether it could be
  karmadactl init --dry-run=server

  # All objects, for a repository
  karmadactl init -o yaml > karmada.yaml

  # Make any Kubernetes API server a control plane, and run the loops from here
  karmadactl init --crds-only --kubeconfig ./control-plane.config
  karmadactl controllers --kubeconfig ./control-plane.config";

/// Install a control plane in a host cluster
///
/// Looks first whether everything can be written, then installs component after component and waits for each. Running it
/// again goes on where it stopped, changes what is given differently, and writes nothing where nothing changed: keys and
/// certificates that exist are kept. What a run created is removed again when it fails.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct InitArgs {
    /// Install nothing: prepare the API server of the kubeconfig, for loops that run elsewhere (karmadactl controllers)
    #[arg(long)]
    pub crds_only: bool,

    /// Say what would be done, without asking the host cluster or after its checks, and do nothing
    #[arg(long, value_name = "none|server|client", num_args = 0..=1, require_equals = true,
        default_missing_value = "client", default_value = "none", value_parser = parse_dry_run)]
    pub dry_run: DryRun,

    /// Print the objects and install nothing (with --crds-only: instead of what happened to them)
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    pub output: Option<InitOutput>,

    /// Print Secrets too, with new keys; they are left out otherwise
    #[arg(long, requires = "output")]
    pub show_secrets: bool,

    /// With --crds-only: how long to wait until the server serves the kinds
    #[arg(long, value_name = "DURATION", default_value = "1m", value_parser = parse_duration)]
    pub timeout: Duration,

    /// File of the kind KarmadaInitConfig; what it says counts more than flags
    #[arg(long, value_name = "PATH", value_hint = clap::ValueHint::FilePath)]
    pub config: Option<PathBuf>,

    /// Context of the host cluster's kubeconfig [default: its current context]
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,

    /// Leave what was created when the installation fails
    #[arg(long)]
    pub keep_on_failure: bool,

    #[command(flatten)]
    pub settings: Settings,
}

/// How objects are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum InitOutput {
    Yaml,
    Json,
    Name,
}

/// A check that failed.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("\n"))]
struct NotPossible(Vec<String>);

/// Options that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("\n"))]
struct Unusable(Vec<String>);

/// Installs a control plane, or prepares the server.
pub async fn run(args: InitArgs, context: &Context) -> Result<(), CliError> {
    let InitArgs {
        crds_only,
        dry_run,
        output,
        show_secrets,
        timeout,
        config,
        context: host_context,
        keep_on_failure,
        settings,
    } = args;
    if crds_only {
        return prepare_server(dry_run, output, timeout, context).await;
    }
    let printer = &context.printer;
    let mut settings = settings;
    let mut connection = context.connection.clone();
    if host_context.is_some() {
        connection.karmada_context = host_context;
    }
    let file = config.as_deref().map(ConfigFile::read).transpose().map_err(explain_config)?;
    if let Some(file) = &file {
        file.lay_over(&mut settings).map_err(explain_config)?;
        let named = file.host_cluster();
        connection.kubeconfig = named.kubeconfig.or(connection.kubeconfig);
        connection.karmada_context = named.context.or(connection.karmada_context);
    }
    if settings.crds.is_some() {
        printer.warning("Karmada's kinds are built in: --crds is not needed, and nothing is read from there");
    }
    let options = settings.options().map_err(|problems| {
        let lines = problems.iter().map(|problem| match &file {
            Some(file) => file.word(problem),
            None => problem.to_string(),
        });
        CliError::usage(Unusable(lines.collect()))
    })?;
    if let Some(output) = output {
        return print_plan(&options, output, show_secrets, context);
    }
    if dry_run.is_client() {
        if let Some(warning) = dry_run.warning() {
            printer.warning(warning);
        }
        let steps = plan(&options, &HostFacts::default(), &CertificateSet::default(), Keys::LeftOut)?;
        return print_steps(&steps, printer);
    }
    let endpoint = load_host(&connection).await?;
    let client = endpoint.client()?;
    let unreachable = |error: ApiError| explain_host(&endpoint.server, error);
    // Who may not look finds nothing, and would be told of that alone.
    let access = preflight::access(&client, &options).await.map_err(unreachable)?;
    if access.is_failed() {
        return report_checks(&[access], printer);
    }
    let facts = host::look(&client, &options).await.map_err(unreachable)?;
    let checks = preflight::check(&client, &options, &facts, access).await.map_err(unreachable)?;
    report_checks(&checks, printer)?;
    if dry_run == DryRun::Server {
        let steps = plan(&options, &facts, &CertificateSet::default(), Keys::LeftOut)?;
        return print_steps(&steps, printer);
    }
    install(&client, &options, &facts, keep_on_failure, printer).await
}

/// Finds the host cluster's kubeconfig; one that is named but absent is none, as for Karmada's own program.
pub(super) async fn load_host(
    connection: &crate::context::ConnectionArgs,
) -> Result<kubeconfig::Endpoint, CliError> {
    match kubeconfig::load(connection.kubeconfig.as_deref(), connection.karmada_context.as_deref()).await {
        Err(kubeconfig::LoadError::NoSuchFile { .. }) => Err(kubeconfig::LoadError::Missing.into()),
        other => Ok(other?),
    }
}

/// Words a failed call to the host cluster.
pub(super) fn explain_host(server: &str, error: ApiError) -> CliError {
    if error.is_unreachable() {
        return CliError::failed(HostUnreachable { server: server.to_owned(), error })
            .with_hint("check the address in the kubeconfig of the host cluster, and --context");
    }
    CliError::from(error)
}

/// The host cluster did not answer.
#[derive(Debug, thiserror::Error)]
#[error("the host cluster at {server} does not answer")]
struct HostUnreachable {
    server: String,
    #[source]
    error: ApiError,
}

async fn install(
    client: &kube::Client,
    options: &InstallOptions,
    facts: &HostFacts,
    keep_on_failure: bool,
    printer: &Printer,
) -> Result<(), CliError> {
    let mut certificates = CertificateSet::from_files(facts.certificates.clone());
    let made = certificates
        .complete(options, &facts.node_addresses, Renewal::Missing, Timestamp::now())
        .map_err(CliError::failed)?;
    if !made.is_empty() {
        printer.progress(&format!("new certificates: {}", made.join(", ")));
    }
    let steps = plan(options, facts, &certificates, Keys::Included)?;
    let path = kubeconfig_path(options);
    let before = std::fs::read_to_string(&path).ok();
    let local = |error| CliError::failed(error).with_hint("choose another directory with --karmada-data");
    write_kubeconfig(&path, &admin_kubeconfig(&steps.server, &certificates)).map_err(local)?;
    if let Some(directory) = &options.pki_path {
        for (name, text) in certificates.files() {
            write_private(&directory.join(name), text).map_err(local)?;
        }
    }
    let mut created = Created::default();
    let mut live = printer.live();
    let result =
        run::run(client, options, &steps, &path, &mut created, |progress| show(&mut live, &progress)).await;
    live.finish();
    let outcome = match result {
        Ok(outcome) => outcome,
        Err(error) => {
            let error = explain(error, options);
            if keep_on_failure || created.count() == 0 {
                return Err(error.with_hint("running the same command again goes on from here"));
            }
            printer.progress(&format!("removing the {} objects that this run created", created.count()));
            for (object, reason) in run::roll_back(client, &created, REMOVAL_TIMEOUT).await {
                printer.warning(&format!("{object} is still there: {reason}"));
            }
            match before {
                Some(before) => write_private(&path, &before).map_err(local)?,
                None => std::fs::remove_file(&path).map_err(CliError::failed)?,
            }
            return Err(error.with_hint("--keep-on-failure leaves everything, to look at it"));
        }
    };
    printer.line(&format!(
        "the control plane is ready: {} ({} objects created, {} configured, {} unchanged)",
        steps.server, outcome.created, outcome.configured, outcome.unchanged
    ))?;
    printer.line(&format!("kubeconfig: {}", path.display()))?;
    let path = path.display();
    printer.hint(&format!(
        "karmadactl --kubeconfig {path} join NAME --cluster-kubeconfig MEMBER.config joins a cluster"
    ));
    printer.hint(&format!(
        "karmadactl --kubeconfig {path} token create --print-register-command prints how a cluster registers itself"
    ));
    Ok(())
}

fn show(live: &mut Live<'_>, progress: &Progress<'_>) {
    match progress {
        Progress::Step { number, count, title } => {
            live.set(&format!("step {number}"), &format!("[{number}/{count}] {title}"));
        }
        Progress::Wrote { applied: Applied::Unchanged, .. } => {}
        Progress::Wrote { place, object, applied } => {
            let suffix = if *place == Place::ControlPlane { " in the control plane" } else { "" };
            live.set(&format!("{}{object}", place.name()), &format!("  {object} {}{suffix}", applied.word()));
        }
        Progress::Waiting { what, seen } => live.set(what, &format!("  {what}: {seen}")),
    }
}

fn explain(error: InstallError, options: &InstallOptions) -> CliError {
    let hints: Vec<String> = match &error {
        InstallError::Write { source, .. } if chain_line(source).contains("nodePort") => {
            vec!["choose another one with --port".to_owned()]
        }
        InstallError::Write { source, .. } => source.hints().into_iter().take(1).collect(),
        InstallError::Rollout(failure) => {
            let more = format!(
                "`kubectl -n {} get pods,events` says more; --wait-component-ready-timeout waits longer",
                options.namespace
            );
            failure.hint().map(str::to_owned).into_iter().chain([more]).collect()
        }
        InstallError::Unreachable { .. } => vec![
            "the node port must be reachable from here: --karmada-apiserver-advertise-address says by which address"
                .to_owned(),
        ],
        InstallError::NotServed { .. } | InstallError::Kubeconfig(_) => Vec::new(),
    };
    CliError::failed(error).with_hints(hints)
}

fn report_checks(checks: &[preflight::Check], printer: &Printer) -> Result<(), CliError> {
    for check in checks {
        match &check.verdict {
            Verdict::Passed => printer.progress(&format!("ok: {}", check.finding)),
            Verdict::Doubtful => printer.warning(&check.finding),
            Verdict::Failed { .. } => {}
        }
    }
    let failed: Vec<&preflight::Check> = checks.iter().filter(|check| check.is_failed()).collect();
    if failed.is_empty() {
        return Ok(());
    }
    let hints = failed.iter().filter_map(|check| match &check.verdict {
        Verdict::Failed { hint } => Some(hint.clone()),
        _ => None,
    });
    let findings = failed.iter().map(|check| check.finding.clone()).collect();
    Err(CliError::failed(NotPossible(findings)).with_hints(hints))
}

fn print_steps(plan: &Plan, printer: &Printer) -> Result<(), CliError> {
    for (index, step) in plan.steps.iter().enumerate() {
        printer.line(&format!("{}. {} ({})", index + 1, step.title, step.place.name()))?;
        for object in &step.objects {
            printer.line(&format!("   {} (dry run)", title(object)))?;
        }
    }
    printer.line(&format!("the control plane would be at {}", plan.server))
}

/// Prints all objects, in the order in which they are written.
fn print_plan(
    options: &InstallOptions,
    output: InitOutput,
    show_secrets: bool,
    context: &Context,
) -> Result<(), CliError> {
    let printer = &context.printer;
    let mut certificates = CertificateSet::default();
    let keys = if show_secrets {
        certificates.complete(options, &[], Renewal::Missing, Timestamp::now()).map_err(CliError::failed)?;
        Keys::Included
    } else {
        printer.note("Secrets and the authorities of webhooks are left out: --show-secrets makes new ones");
        Keys::LeftOut
    };
    let plan = plan(options, &HostFacts::default(), &certificates, keys)?;
    match output {
        InitOutput::Yaml => {
            for step in &plan.steps {
                for object in &step.objects {
                    printer.line(&format!("---\n# {}: {}", step.place.name(), step.title))?;
                    printer.document(object, DocumentFormat::Yaml)?;
                }
            }
            Ok(())
        }
        InitOutput::Json => {
            let items: Vec<_> = plan.steps.iter().flat_map(|step| &step.objects).collect();
            printer
                .document(&json!({"apiVersion": "v1", "kind": "List", "items": items}), DocumentFormat::Json)
        }
        InitOutput::Name => {
            let mut objects = plan.steps.iter().flat_map(|step| &step.objects);
            objects.try_for_each(|object| printer.line(&title(object)))
        }
    }
}

fn explain_config(error: ConfigError) -> CliError {
    CliError::new(ErrorKind::Failed, error)
}

/// Writes kinds, namespaces and roles to the server of the kubeconfig.
async fn prepare_server(
    dry_run: DryRun,
    output: Option<InitOutput>,
    timeout: Duration,
    context: &Context,
) -> Result<(), CliError> {
    let mut objects = objects();
    let printer = &context.printer;
    // What is only printed needs no server.
    if let (true, Some(output)) = (dry_run.is_client(), output) {
        return print(&objects, output, context);
    }
    let server = context.connection.connect().await?;
    objects.extend(registration(context).await?);
    for object in &objects {
        let prepared = match apply(&server.client, object, dry_run).await {
            Ok(prepared) => prepared,
            Err(crate::attached::prepare::PrepareError::Apply { source, .. }) if source.is_unreachable() => {
                return Err(server.explain(source));
            }
            Err(error) => return Err(CliError::failed(error)),
        };
        if output.is_none() {
            printer.line(&format!("{} {}{}", title(object), prepared.word(), dry_run.suffix()))?;
        }
    }
    if dry_run == DryRun::None {
        wait_until_served(&server.client, timeout).await.map_err(CliError::failed)?;
    }
    if let Some(output) = output {
        return print(&objects, output, context);
    }
    printer.hint("karmadactl controllers runs the control loops against this server");
    Ok(())
}

/// What registrations of clusters in pull mode need; they go by the certificate authority of the kubeconfig.
async fn registration(context: &Context) -> Result<Vec<serde_json::Value>, CliError> {
    let connection = &context.connection;
    let endpoint =
        kubeconfig::load(connection.kubeconfig.as_deref(), connection.karmada_context.as_deref()).await?;
    let Some(authority) = endpoint.certificate_authority() else {
        context.printer.warning(
            "the kubeconfig names no certificate authority: clusters cannot be registered in pull mode",
        );
        return Ok(Vec::new());
    };
    Ok(bootstrap_objects(&endpoint.server, authority.as_bytes()))
}

fn print(objects: &[serde_json::Value], output: InitOutput, context: &Context) -> Result<(), CliError> {
    let printer = &context.printer;
    match output {
        InitOutput::Name => objects.iter().try_for_each(|object| printer.line(&title(object))),
        InitOutput::Json => {
            let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
            printer.document(&list, DocumentFormat::Json)
        }
        InitOutput::Yaml => {
            for (index, object) in objects.iter().enumerate() {
                if index > 0 {
                    printer.line("---")?;
                }
                printer.document(object, DocumentFormat::Yaml)?;
            }
            Ok(())
        }
    }
}
