//! What there is to create, and creating it.

use clap::{Args, Subcommand};
use serde_json::Value;

use super::super::changes::{ChangePrinter, DryRunArgs, OutputArgs, Session};
use super::{FromFilesArgs, access, config, files, ingress, policy, service, workload};
use crate::change::{LocalObject, find_kind, parse_flag, while_doing, with_last_applied};
use crate::context::Context;
use crate::discovery::{ResourceKind, Scope};
use crate::error::CliError;

const EXAMPLES: &str = "\
Examples:
  # Create what a file says
  karmadactl create -f app.yaml

  # The same from a pipe
  cat app.yaml | karmadactl create -f -

  # Create a ConfigMap
  karmadactl create configmap settings --from-literal=colour=blue

  # Write a Deployment to start from, without a server
  karmadactl create deployment web --image=nginx:1 --dry-run=client -o yaml";

/// Create objects from files, or simple ones from flags
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct CreateArgs {
    #[command(subcommand)]
    pub generator: Option<Generator>,

    #[command(flatten)]
    pub from_files: FromFilesArgs,
}

/// Objects that flags describe.
#[derive(Debug, Subcommand)]
pub enum Generator {
    #[command(name = "clusterrole")]
    ClusterRole(With<access::ClusterRoleArgs>),
    #[command(name = "clusterrolebinding")]
    ClusterRoleBinding(With<access::ClusterRoleBindingArgs>),
    #[command(name = "configmap", visible_alias = "cm")]
    ConfigMap(With<config::ConfigMapArgs>),
    #[command(name = "cronjob", visible_alias = "cj")]
    CronJob(With<workload::CronJobArgs>),
    #[command(visible_alias = "deploy")]
    Deployment(With<workload::DeploymentArgs>),
    #[command(visible_alias = "ing")]
    Ingress(With<ingress::IngressArgs>),
    Job(With<workload::JobArgs>),
    #[command(visible_alias = "ns")]
    Namespace(With<policy::NamespaceArgs>),
    #[command(name = "poddisruptionbudget", visible_alias = "pdb")]
    PodDisruptionBudget(With<policy::PodDisruptionBudgetArgs>),
    #[command(name = "priorityclass", visible_alias = "pc")]
    PriorityClass(With<policy::PriorityClassArgs>),
    #[command(name = "quota", visible_alias = "resourcequota")]
    Quota(With<policy::QuotaArgs>),
    Role(With<access::RoleArgs>),
    #[command(name = "rolebinding")]
    RoleBinding(With<access::RoleBindingArgs>),
    Secret(config::SecretArgs),
    #[command(visible_alias = "svc")]
    Service(service::ServiceArgs),
    #[command(name = "serviceaccount", visible_alias = "sa")]
    ServiceAccount(With<access::ServiceAccountArgs>),
    Token(access::TokenArgs),
}

/// An object's own flags with those that every object has.
#[derive(Args, Debug)]
pub struct With<T: Args> {
    #[command(flatten)]
    pub own: T,
    #[command(flatten)]
    pub common: CommonArgs,
}

/// The flags that every object has.
#[derive(Args, Clone, Debug)]
pub struct CommonArgs {
    /// Namespace of the object [default: that of the kubeconfig's context]
    #[arg(short, long, value_name = "NAMESPACE")]
    pub namespace: Option<String>,

    /// Name of the owner of the fields
    #[arg(long, value_name = "NAME", default_value = "kubectl-create")]
    pub field_manager: String,

    /// Keep the object in an annotation of itself, for apply
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        default_value = "false", hide_default_value = true, value_parser = parse_flag, action = clap::ArgAction::Set)]
    pub save_config: bool,

    /// What to do about unknown fields: strict, warn or ignore
    #[arg(long, value_name = "HOW", num_args = 0..=1, require_equals = true, default_missing_value = "strict",
        default_value = "strict", value_parser = files::parse_validation)]
    pub validate: crate::change::Validation,

    #[command(flatten)]
    pub dry_run: DryRunArgs,

    #[command(flatten)]
    pub output: OutputArgs,
}

/// An object that flags describe.
pub(super) trait Described {
    /// Returns the object; its namespace is not set.
    fn object(&self) -> Result<Value, CliError>;
}

/// Creates objects.
pub async fn run(args: CreateArgs, context: &Context) -> Result<(), CliError> {
    let CreateArgs { generator, from_files } = args;
    let Some(generator) = generator else { return files::run(from_files, context).await };
    match generator {
        Generator::ClusterRole(args) => access::create_cluster_role(&args.own, &args.common, context).await,
        Generator::ClusterRoleBinding(args) => create(&args.own, &args.common, context).await,
        Generator::ConfigMap(args) => create(&args.own, &args.common, context).await,
        Generator::CronJob(args) => create(&args.own, &args.common, context).await,
        Generator::Deployment(args) => create(&args.own, &args.common, context).await,
        Generator::Ingress(args) => create(&args.own, &args.common, context).await,
        Generator::Job(args) => workload::create_job(&args.own, &args.common, context).await,
        Generator::Namespace(args) => create(&args.own, &args.common, context).await,
        Generator::PodDisruptionBudget(args) => create(&args.own, &args.common, context).await,
        Generator::PriorityClass(args) => create(&args.own, &args.common, context).await,
        Generator::Quota(args) => create(&args.own, &args.common, context).await,
        Generator::Role(args) => access::create_role(&args.own, &args.common, context).await,
        Generator::RoleBinding(args) => create(&args.own, &args.common, context).await,
        Generator::Secret(args) => match args.kind {
            config::SecretKind::Generic(args) => create(&args.own, &args.common, context).await,
            config::SecretKind::Tls(args) => create(&args.own, &args.common, context).await,
            config::SecretKind::DockerRegistry(args) => create(&args.own, &args.common, context).await,
        },
        Generator::Service(args) => match args.kind {
            service::ServiceKind::ClusterIp(args) => create(&args.own, &args.common, context).await,
            service::ServiceKind::NodePort(args) => create(&args.own, &args.common, context).await,
            service::ServiceKind::LoadBalancer(args) => create(&args.own, &args.common, context).await,
            service::ServiceKind::ExternalName(args) => create(&args.own, &args.common, context).await,
        },
        Generator::ServiceAccount(args) => create(&args.own, &args.common, context).await,
        Generator::Token(args) => access::create_token(&args, context).await,
    }
}

/// Creates the object that flags describe.
async fn create(args: &impl Described, common: &CommonArgs, context: &Context) -> Result<(), CliError> {
    let object = args.object()?;
    create_object(object, common, context).await
}

/// Creates an object, or prints it when nothing is to be sent.
pub(super) async fn create_object(
    mut object: Value,
    common: &CommonArgs,
    context: &Context,
) -> Result<(), CliError> {
    let dry_run = common.dry_run.dry_run;
    let mut printer = ChangePrinter::new(&context.printer, &common.output, dry_run);
    let namespaced = !is_cluster_scoped(&object);
    if let Some(namespace) = common.namespace.as_ref().filter(|_| namespaced) {
        object["metadata"]["namespace"] = Value::String(namespace.clone());
    }
    if dry_run.is_client() {
        if let Some(warning) = dry_run.warning() {
            context.printer.warning(warning);
        }
        let object = if common.save_config { with_last_applied(&object) } else { object };
        return printer.print(&super::super::label::local_kind(&object), &object, "created");
    }
    let session = Session::start(context, &common.field_manager, dry_run).await?;
    let Session { writer, discovery, control_plane } = session;
    let writer = writer.with_validation(common.validate);
    let local = LocalObject { origin: "flags".to_owned(), object };
    let kind: ResourceKind =
        find_kind(&discovery, &local, &control_plane.namespace).map_err(CliError::failed)?.clone();
    let namespace = common.namespace.clone().unwrap_or(control_plane.namespace);
    let namespace = (kind.scope == Scope::Namespaced).then_some(namespace);
    let object = if common.save_config { with_last_applied(&local.object) } else { local.object };
    let created = writer.create(&kind, namespace.as_deref(), &object).await;
    printer.warn(&writer);
    let what = kind.kind.to_lowercase();
    let created = created.map_err(|error| match error.reason() {
        Some(_) => CliError::failed(Refused::new(&what, &error)).with_hints(error.hints()),
        None => while_doing(format!("failed to create {what}"), error),
    })?;
    printer.print(&kind, &created, "created")
}

/// An object that the server refused, as kubectl words it: `error: failed to create configmap: ...`.
#[derive(Debug, thiserror::Error)]
#[error("failed to create {what}: {message}")]
struct Refused {
    what: String,
    message: String,
}

impl Refused {
    fn new(what: &str, error: &crate::api_error::ApiError) -> Self {
        Self { what: what.to_owned(), message: error.to_string() }
    }
}

fn is_cluster_scoped(object: &Value) -> bool {
    matches!(
        object["kind"].as_str(),
        Some("Namespace" | "ClusterRole" | "ClusterRoleBinding" | "PriorityClass")
    )
}
