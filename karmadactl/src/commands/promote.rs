//! `karmadactl promote`.

use std::path::PathBuf;

use clap::{ArgAction, Args, ValueEnum};
use kube::Api;
use kube::core::DynamicObject;

use crate::api_error::ApiError;
use crate::change::{Writer, parse_flag};
use crate::context::{Context, ControlPlane};
use crate::error::CliError;
use crate::kubeconfig;
use crate::members;
use crate::printer::DocumentFormat;
use crate::promote::{PolicyWish, PromoteError, PromoteRequest, Promoted, Step, ToldBy, promote};

const EXAMPLES: &str = "\
Examples:
  # Let Karmada manage a Deployment that runs in a member
  karmadactl promote deployment web -n shop -C member1

  # See what would be created
  karmadactl promote deployment web -n shop -C member1 -o yaml

  # Take along the ConfigMaps, Secrets and so on that it uses
  karmadactl promote deployment web -n shop -C member1 --dependencies

  # Take over something that has no namespace, with a policy of this name
  karmadactl promote clusterrole reader -C member1 --policy-name readers";

/// Take an object of a member over into the control plane
///
/// Creates the object as a template in the control plane and a policy that keeps it where it is. What runs in the
/// member goes on running, and stays when the template is deleted.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct PromoteArgs {
    /// Type and name of the object
    #[arg(value_name = "TYPE NAME")]
    pub arguments: Vec<String>,

    /// Name of the member
    #[arg(short = 'C', long, value_name = "CLUSTER")]
    pub cluster: Option<String>,

    /// Namespace of the object [default: that of the kubeconfig's context]
    #[arg(short, long, value_name = "NAMESPACE")]
    pub namespace: Option<String>,

    /// Make a policy
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        default_value = "true", value_parser = parse_flag, action = ArgAction::Set)]
    pub auto_create_policy: bool,

    /// Name of the policy [default: made from the object's name]
    #[arg(long, value_name = "NAME")]
    pub policy_name: Option<String>,

    /// Promote what the object needs, too
    #[arg(short, long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        default_value = "false", hide_default_value = true, value_parser = parse_flag, action = ArgAction::Set)]
    pub dependencies: bool,

    /// Kubeconfig of the member [default: the credentials it was joined with]
    #[arg(long, value_name = "PATH", value_hint = clap::ValueHint::FilePath)]
    pub cluster_kubeconfig: Option<PathBuf>,

    /// Context of the member's kubeconfig [default: its current context]
    #[arg(long, value_name = "NAME")]
    pub cluster_context: Option<String>,

    /// Read and check, create nothing
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        default_value = "false", hide_default_value = true, value_parser = parse_flag, action = ArgAction::Set)]
    pub dry_run: bool,

    /// Print what would be created, and create nothing
    #[arg(short, long, value_name = "FORMAT")]
    pub output: Option<PromoteFormat>,
}

/// Formats of what would be created.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum PromoteFormat {
    /// JSON
    Json,
    /// YAML
    Yaml,
}

/// A promotion that cannot be.
#[derive(Debug, thiserror::Error)]
enum PromoteArgsError {
    #[error("incorrect command format, please use correct command format")]
    Format,
    #[error("the cluster cannot be empty")]
    NoCluster,
    #[error("failed to get Factory of the member cluster. err: {0}")]
    Cluster(#[source] ApiError),
    #[error("failed to get Factory of the member cluster. err: {0}")]
    Connect(#[source] members::ConnectError),
}

/// Promotes the object.
pub async fn run(args: PromoteArgs, context: &Context) -> Result<(), CliError> {
    let PromoteArgs {
        arguments,
        cluster,
        namespace,
        auto_create_policy,
        policy_name,
        dependencies,
        cluster_kubeconfig,
        cluster_context,
        dry_run,
        output,
    } = args;
    let [type_name, name] = &arguments[..] else {
        return Err(CliError::failed(PromoteArgsError::Format)
            .with_hint("karmadactl promote TYPE NAME -n NAMESPACE -C CLUSTER"));
    };
    let Some(cluster) = cluster.filter(|cluster| !cluster.is_empty()) else {
        return Err(CliError::failed(PromoteArgsError::NoCluster));
    };
    let control_plane = context.connection.connect().await?;
    let writer = Writer::new(control_plane.client.clone(), "karmadactl");
    let member = match cluster_kubeconfig {
        Some(path) => {
            let endpoint = kubeconfig::load_file(&path, cluster_context.as_deref()).await;
            endpoint.and_then(|endpoint| endpoint.client()).map_err(|error| {
                let hints = error.hints("--cluster-context");
                CliError::failed(error).with_hints(hints)
            })?
        }
        None => member(&control_plane, &cluster).await?,
    };
    let member = Writer::new(member, "karmadactl");
    let request = PromoteRequest {
        type_name: type_name.clone(),
        name: name.clone(),
        namespace: namespace.unwrap_or_else(|| control_plane.namespace.clone()),
        cluster,
        policy: match (auto_create_policy, policy_name) {
            (false, _) => PolicyWish::None,
            (true, None) => PolicyWish::Derived,
            (true, Some(name)) => PolicyWish::Named(name),
        },
        dependencies,
    };
    let promoted =
        Promoted::plan(&writer, &member, &request).await.map_err(|error| explain(&control_plane, error))?;
    if let Some(format) = output {
        return print(context, &promoted, format);
    }
    if dry_run {
        return Ok(());
    }
    if dependencies {
        context.printer.line(match promoted.told_by {
            ToldBy::BuiltInRules => "use default interpreter",
            ToldBy::Customization => "use customized interpreter",
        })?;
    }
    // What has no namespace is called by that of the command line all the same, as upstream does.
    let label = format!("{}/{name}", request.namespace);
    let mut lines = Vec::new();
    let outcome = promote(&writer, &promoted, &label, |step| lines.push(step)).await;
    for line in lines.iter().map(line) {
        context.printer.line(&line)?;
    }
    let label =
        promoted.namespace.as_ref().map_or_else(|| name.clone(), |namespace| format!("{namespace}/{name}"));
    let resource = promoted.resource();
    if outcome.map_err(|error| explain(&control_plane, error))? {
        return context.printer.line(&format!("Resource {resource:?}({label}) is promoted successfully"));
    }
    context.printer.warning(&format!(
        "Resource {resource:?}({label}) already exist in karmada control plane, you can edit PropagationPolicy and \
         OverridePolicy to propagate it"
    ));
    Ok(())
}

async fn member(control_plane: &ControlPlane, cluster: &str) -> Result<kube::Client, CliError> {
    let api: Api<DynamicObject> = Api::all_with(control_plane.client.clone(), &members::cluster_resource());
    let cluster = api.get(cluster).await.map_err(ApiError).map_err(|error| {
        if error.is_unreachable() {
            control_plane.explain(error)
        } else {
            CliError::failed(PromoteArgsError::Cluster(error))
        }
    })?;
    members::member_client(&control_plane.client, &cluster)
        .await
        .map_err(|error| CliError::failed(PromoteArgsError::Connect(error)))
}

fn explain(control_plane: &ControlPlane, error: PromoteError) -> CliError {
    match error {
        PromoteError::ControlPlane(error) => control_plane.explain(error),
        PromoteError::Create { ref source, .. } => {
            let mut hints = source.hints();
            if source.is_not_found() {
                hints.push("`karmadactl create namespace NAME` makes the namespace".to_owned());
            }
            CliError::failed(error).with_hints(hints)
        }
        error => CliError::failed(error),
    }
}

fn line(step: &Step) -> String {
    match step {
        Step::DependencyCreated { resource, label } => {
            format!("Dependency resource {resource:?}({label}) is promoted successfully")
        }
        Step::DependencyExists { resource, label } => {
            format!("Dependency resource {resource:?}({label}) already exists in the control plane")
        }
        Step::TemplateCreated { label } => format!("ResourceTemplate ({label}) is created successfully"),
        Step::PolicyCreated { kind, label } if label.contains('/') => {
            format!("{kind} ({label}) is created successfully")
        }
        Step::PolicyCreated { kind, label } => format!("{kind} {label} is created successfully"),
    }
}

fn print(context: &Context, promoted: &Promoted, format: PromoteFormat) -> Result<(), CliError> {
    let dependencies = promoted.dependencies.iter().map(|dependency| &dependency.template);
    let objects = dependencies.chain([&promoted.template]).chain(&promoted.policy);
    for (index, object) in objects.enumerate() {
        match format {
            PromoteFormat::Json => context.printer.document(object, DocumentFormat::Json)?,
            PromoteFormat::Yaml => {
                if index > 0 {
                    context.printer.line("---")?;
                }
                context.printer.document(object, DocumentFormat::Yaml)?;
            }
        }
    }
    Ok(())
}
