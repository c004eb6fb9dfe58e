//! `karmadactl propagate`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args, ValueEnum};
use serde_json::{Value, json};

use crate::api_error::ApiError;
use crate::context::Context;
use crate::discovery::Discovery;
use crate::duration::parse_duration;
use crate::error::{CliError, ErrorKind};
use crate::manifest::{Manifest, ManifestError, read_manifests, unknown_fields};
use crate::members;
use crate::printer::{DocumentFormat, Live};
use crate::propagate::{
    ApplyError, ApplyOptions, Conflicts, Division, Followed, ObjectState, Persistence, Placement,
    PlacementError, Plan, PlanError, Stage, Targets, Verdict, apply_plan, builtin_scope, default_policy_name,
    follow, parse_selector, plan,
};

const EXAMPLES: &str = "\
Examples:
  # Run an application in two clusters and wait until it is healthy in both
  karmadactl propagate -f app.yaml --to member1,member2 --wait

  # Share three replicas out over all clusters of a region, by fixed weights
  karmadactl propagate -f app.yaml --to member1,member2 --divide static member1=2,member2=1

  # Run a directory of manifests wherever there is room, now and in clusters that join later
  karmadactl propagate -f manifests/ --cluster-selector env=prod --divide weighted

  # See what would be applied, without a server
  karmadactl propagate -f app.yaml --all-clusters --dry-run client -o yaml";

/// Apply manifests and propagate them to member clusters
///
/// Applies the objects of the files and a policy that carries them to the chosen clusters, by server-side apply.
/// Namespaces and Karmada's own kinds in the files are applied and not propagated by the policy.
///
/// With --wait the exit code is 0 when every object is healthy in every cluster, 3 when some are, 1 when none is.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
#[command(group = ArgGroup::new("targets").required(true).args(["to", "cluster_selector", "all_clusters"]))]
pub struct PropagateArgs {
    /// File or directory of manifests, - for stdin (can be repeated)
    #[arg(short, long, required = true, value_name = "PATH", value_hint = clap::ValueHint::AnyPath)]
    pub filename: Vec<PathBuf>,

    /// Propagate to these clusters, separated by commas (can be repeated)
    #[arg(long, value_name = "CLUSTER", value_delimiter = ',')]
    pub to: Vec<String>,

    /// Propagate to clusters with these labels, also to those that join later
    #[arg(long, value_name = "SELECTOR")]
    pub cluster_selector: Option<String>,

    /// Propagate to all clusters, also to those that join later
    #[arg(long)]
    pub all_clusters: bool,

    /// Share replicas out: weighted (by room), aggregated (in few clusters) or static m1=2,m2=1 [default: all replicas in every cluster]
    #[arg(long, value_names = ["METHOD", "CLUSTER=WEIGHT"], num_args = 1..=2)]
    pub divide: Vec<String>,

    /// Name of the policy [default: name of the object, or of the file when it has several]
    #[arg(long, value_name = "NAME")]
    pub policy_name: Option<String>,

    /// Namespace of objects that name none [default: that of the kubeconfig's context]
    #[arg(short, long, value_name = "NAMESPACE")]
    pub namespace: Option<String>,

    /// Wait until the objects are healthy in all clusters
    #[arg(long)]
    pub wait: bool,

    /// Wait this long
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = parse_duration)]
    pub timeout: Duration,

    /// Send nothing (client), or have it checked and not kept (server)
    #[arg(long, value_name = "WHERE", conflicts_with = "wait")]
    pub dry_run: Option<DryRun>,

    /// Take over fields that somebody else set
    #[arg(long)]
    pub force_conflicts: bool,

    /// Print the objects (yaml, json) or their names
    #[arg(short, long, value_name = "FORMAT")]
    pub output: Option<PropagateFormat>,
}

/// Where a dry run stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DryRun {
    /// Nothing is sent
    Client,
    /// The server checks everything and keeps nothing
    Server,
}

/// What is printed of the applied objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PropagateFormat {
    /// YAML
    Yaml,
    /// JSON
    Json,
    /// TYPE/NAME, one a line
    Name,
}

/// Not everything became healthy in time.
#[derive(Debug, thiserror::Error)]
enum NotHealthy {
    #[error("not healthy in all clusters after {} seconds:\n{states}", .timeout.as_secs())]
    Partly { timeout: Duration, states: String },
    #[error("not healthy in any cluster after {} seconds:\n{states}", .timeout.as_secs())]
    Nowhere { timeout: Duration, states: String },
}

/// Fields a kind does not have.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("\nerror: "))]
struct UnknownFields(Vec<String>);

/// Clusters that are not registered.
#[derive(Debug, thiserror::Error)]
#[error("cluster {name} does not exist")]
struct UnknownCluster {
    name: String,
}

/// Applies, and waits if asked to.
pub async fn run(args: PropagateArgs, context: &Context) -> Result<(), CliError> {
    let PropagateArgs {
        filename,
        to,
        cluster_selector,
        all_clusters: _,
        divide,
        policy_name,
        namespace,
        wait,
        timeout,
        dry_run,
        force_conflicts,
        output,
    } = args;
    let placement = placement(to, cluster_selector.as_deref(), &divide).map_err(explain_placement)?;
    let manifests = read_manifests(&filename).map_err(explain_manifest)?;
    refuse_unknown_fields(&manifests)?;
    let policy_name = policy_name.unwrap_or_else(|| default_policy_name(&manifests, &filename));

    if dry_run == Some(DryRun::Client) {
        let namespace = namespace.unwrap_or_else(|| "default".to_owned());
        let scope = |api_version: &str, kind: &str| Some(builtin_scope(api_version, kind));
        let plan = plan(&manifests, &placement, &namespace, &policy_name, &scope).map_err(explain_plan)?;
        return print_planned(context, &plan, output);
    }
    let control_plane = context.connection.connect().await?;
    let client = control_plane.client.clone();
    let discovery = Discovery::of(&client).await.map_err(|error| control_plane.explain(error))?;
    let scope = |api_version: &str, kind: &str| discovery.kind(api_version, kind).map(|kind| kind.scope);
    let namespace = namespace.unwrap_or(control_plane.namespace);
    let plan = plan(&manifests, &placement, &namespace, &policy_name, &scope).map_err(explain_plan)?;
    check_targets(context, &client, &placement, cluster_selector.as_deref()).await?;

    let options = ApplyOptions {
        persistence: if dry_run.is_some() { Persistence::DryRun } else { Persistence::Kept },
        conflicts: if force_conflicts { Conflicts::Overwritten } else { Conflicts::Refused },
    };
    let mut names = Vec::new();
    let applied = apply_plan(&client, &discovery, &plan, options, |applied| {
        let name = applied.object["metadata"]["name"].as_str().unwrap_or_default();
        names.push(format!("{}/{name}", applied.kind.qualified_singular()));
    })
    .await;
    let suffix = if dry_run.is_some() { " (server dry run)" } else { "" };
    match output {
        None => {
            names
                .iter()
                .try_for_each(|name| context.printer.line(&format!("{name} serverside-applied{suffix}")))?;
        }
        Some(PropagateFormat::Name) => names.iter().try_for_each(|name| context.printer.line(name))?,
        Some(PropagateFormat::Yaml | PropagateFormat::Json) => {}
    }
    let applied = applied.map_err(|error| explain_apply(error, &manifests))?;
    if matches!(output, Some(PropagateFormat::Yaml | PropagateFormat::Json)) {
        print_objects(context, applied.iter().map(|applied| applied.object.clone()).collect(), output)?;
    }
    if !wait {
        return Ok(());
    }
    let mut live = context.printer.live();
    let followed = follow(&client, &applied, timeout, |objects| show(&mut live, objects))
        .await
        .map_err(|error| CliError::from(ApiErrorOf::from(error)))?;
    live.finish();
    judge(&followed, timeout)
}

fn placement(
    to: Vec<String>,
    selector: Option<&str>,
    divide: &[String],
) -> Result<Placement, PlacementError> {
    let to: Vec<String> = to.into_iter().filter(|cluster| !cluster.is_empty()).collect();
    let targets = match (to.is_empty(), selector) {
        (false, _) => Targets::Names(to),
        (true, Some(selector)) => Targets::Selector(parse_selector(selector)?),
        (true, None) => Targets::All,
    };
    Placement::new(targets, Division::parse(divide)?)
}

/// Refuses misspelt fields of Karmada's kinds before anything is sent.
fn refuse_unknown_fields(manifests: &[Manifest]) -> Result<(), CliError> {
    if !manifests.iter().any(|manifest| manifest.text("/apiVersion").contains(".karmada.io/")) {
        return Ok(());
    }
    let definitions = karmada_core::api::crds();
    let mut messages = Vec::new();
    let mut hints = Vec::new();
    for manifest in manifests {
        for field in unknown_fields(manifest.node(), &definitions) {
            let place = format!("{}:{}", manifest.origin, field.location);
            messages.push(format!("{place}: {} has no field {}", manifest.text("/kind"), field.path));
            if let Some(suggestion) = field.suggestion {
                hints.push(format!("did you mean {suggestion:?} at {place}?"));
            }
        }
    }
    if messages.is_empty() {
        Ok(())
    } else {
        Err(CliError::failed(UnknownFields(messages)).with_hints(hints))
    }
}

/// Clusters called by name must exist; a selector may match later, but says so.
async fn check_targets(
    context: &Context,
    client: &kube::Client,
    placement: &Placement,
    selector: Option<&str>,
) -> Result<(), CliError> {
    let clusters = members::clusters(client).await?;
    let known: Vec<&str> = clusters.iter().filter_map(|cluster| cluster.metadata.name.as_deref()).collect();
    match &placement.targets {
        Targets::Names(names) => {
            if let Some(name) = names.iter().find(|name| !known.contains(&name.as_str())) {
                let hint = if known.is_empty() {
                    "no clusters are registered; `karmadactl join` registers one".to_owned()
                } else {
                    format!("registered clusters: {}", known.join(", "))
                };
                return Err(CliError::failed(UnknownCluster { name: name.clone() }).with_hint(hint));
            }
        }
        Targets::Selector(_) => {
            let selector = selector.unwrap_or_default();
            let api: kube::Api<kube::core::DynamicObject> =
                kube::Api::all_with(client.clone(), &members::cluster_resource());
            let parameters = kube::api::ListParams::default().labels(selector);
            let matching = api.list(&parameters).await.map_err(ApiError)?;
            if matching.items.is_empty() {
                context.printer.note(&format!(
                    "no registered cluster has the labels {selector}: the objects go nowhere until one does"
                ));
            }
        }
        Targets::All if known.is_empty() => {
            context.printer.note("no clusters are registered: the objects go nowhere until one joins");
        }
        Targets::All => {}
    }
    Ok(())
}

fn print_planned(context: &Context, plan: &Plan, output: Option<PropagateFormat>) -> Result<(), CliError> {
    let line = |planned: &crate::propagate::PlannedObject| {
        let (group, _) =
            planned.object["apiVersion"].as_str().and_then(|text| text.split_once('/')).unwrap_or_default();
        let kind = planned.object["kind"].as_str().unwrap_or_default().to_lowercase();
        let dot = if group.is_empty() { "" } else { "." };
        format!("{kind}{dot}{group}/{}", planned.object["metadata"]["name"].as_str().unwrap_or_default())
    };
    match output {
        None => plan.objects.iter().try_for_each(|planned| {
            context.printer.line(&format!("{} serverside-applied (dry run)", line(planned)))
        }),
        Some(PropagateFormat::Name) => {
            plan.objects.iter().try_for_each(|planned| context.printer.line(&line(planned)))
        }
        Some(_) => print_objects(
            context,
            plan.objects.iter().map(|planned| planned.object.clone()).collect(),
            output,
        ),
    }
}

fn print_objects(
    context: &Context,
    mut objects: Vec<Value>,
    output: Option<PropagateFormat>,
) -> Result<(), CliError> {
    for object in &mut objects {
        if let Some(metadata) = object["metadata"].as_object_mut() {
            metadata.remove("managedFields");
        }
    }
    if output == Some(PropagateFormat::Json) {
        let list = json!({ "apiVersion": "v1", "kind": "List", "metadata": {}, "items": objects });
        return context.printer.document(&list, DocumentFormat::Json);
    }
    for (index, object) in objects.iter().enumerate() {
        if index > 0 {
            context.printer.line("---")?;
        }
        context.printer.document(object, DocumentFormat::Yaml)?;
    }
    Ok(())
}

/// Shows one line per object and cluster.
fn show(live: &mut Live<'_>, objects: &[ObjectState]) {
    for (key, line) in lines(objects) {
        live.set(&key, &line);
    }
}

/// Returns a key and a line for every object, or for every cluster once the clusters are known.
fn lines(objects: &[ObjectState]) -> Vec<(String, String)> {
    let mut lines = Vec::new();
    for object in objects {
        if let Some(pending) = &object.pending {
            lines.push((object.label.clone(), format!("{} {pending}", object.label)));
        }
        for state in &object.clusters {
            let stage = match &state.stage {
                Stage::Waiting => "is being applied".to_owned(),
                Stage::Failed(message) => format!("cannot be applied: {message}"),
                Stage::Unhealthy => "is applied, not healthy yet".to_owned(),
                Stage::Healthy => "is healthy".to_owned(),
            };
            let replicas = match state.replicas {
                Some(1) => " (1 replica)".to_owned(),
                Some(replicas) => format!(" ({replicas} replicas)"),
                None => String::new(),
            };
            let key = format!("{} {}", object.label, state.cluster);
            lines.push((key, format!("{} in {} {stage}{replicas}", object.label, state.cluster)));
        }
    }
    lines
}

fn judge(followed: &Followed, timeout: Duration) -> Result<(), CliError> {
    let unfinished: Vec<String> = lines(&followed.objects)
        .into_iter()
        .map(|(_, line)| format!("  {line}"))
        .filter(|line| !line.contains(" is healthy"))
        .collect();
    let states = unfinished.join("\n");
    let error = match followed.verdict {
        Verdict::Everywhere => return Ok(()),
        Verdict::Partly => CliError::new(ErrorKind::Partial, NotHealthy::Partly { timeout, states }),
        Verdict::Nowhere => CliError::failed(NotHealthy::Nowhere { timeout, states }),
    };
    Err(error.with_hint(
        "the objects stay applied; run the same command again to wait on, or describe the binding",
    ))
}

/// Keeps the server's wording of a failed look at a binding.
struct ApiErrorOf(CliError);

impl From<crate::propagate::FollowError> for ApiErrorOf {
    fn from(error: crate::propagate::FollowError) -> Self {
        let hints = error.source.hints();
        Self(CliError::failed(error).with_hints(hints))
    }
}

impl From<ApiErrorOf> for CliError {
    fn from(error: ApiErrorOf) -> Self {
        error.0
    }
}

fn explain_placement(error: PlacementError) -> CliError {
    let hint = match &error {
        PlacementError::Selector { .. } => "examples: env=prod, tier!=gold, 'zone in (a,b)', ready, !old",
        PlacementError::Division { .. } => "choose weighted, aggregated or static",
        PlacementError::NoWeights | PlacementError::Weight { .. } => {
            "example: --divide static member1=2,member2=1"
        }
        PlacementError::UnexpectedWeights { .. } => "weights belong to --divide static",
        PlacementError::WeightOfOther { .. } => "add it to --to, or drop its weight",
    };
    CliError::usage(error).with_hint(hint)
}

fn explain_manifest(error: ManifestError) -> CliError {
    let hint = match &error {
        ManifestError::NoObjects { .. } | ManifestError::EmptyDirectory { .. } => {
            Some("give a file with at least one Kubernetes object".to_owned())
        }
        _ => None,
    };
    CliError::failed(error).with_hints(hint)
}

fn explain_plan(error: PlanError) -> CliError {
    let hint = match &error {
        PlanError::UnknownKind { .. } => {
            "install the CustomResourceDefinition in the control plane first, or check apiVersion and kind"
        }
        PlanError::NothingToPropagate => "such files are applied with `kubectl apply -f`",
        PlanError::PolicyName { .. } => "choose a lower-case name with --policy-name",
    };
    CliError::failed(error).with_hint(hint)
}

fn explain_apply(error: ApplyError, manifests: &[Manifest]) -> CliError {
    let mut hints = Vec::new();
    if let Some(manifest) = error.manifest().and_then(|index| manifests.get(index)) {
        let fields = error.fields();
        if fields.is_empty() {
            hints.push(format!("the object is at {}", manifest.place("")));
        }
        hints.extend(fields.into_iter().map(|field| format!("{field} is at {}", manifest.place(&field))));
    }
    if error.is_conflict() {
        hints.push("--force-conflicts takes the fields over".to_owned());
    }
    CliError::failed(error).with_hints(hints)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::propagate::ClusterState;

    #[test]
    fn every_object_and_cluster_has_a_line() {
        let state =
            |cluster: &str, replicas, stage| ClusterState { cluster: cluster.into(), replicas, stage };
        let objects = [
            ObjectState {
                label: "configmap/c".into(),
                pending: Some("waits for its policy".into()),
                clusters: vec![],
            },
            ObjectState {
                label: "deployment.apps/web".into(),
                pending: None,
                clusters: vec![
                    state("m1", Some(1), Stage::Healthy),
                    state("m2", Some(2), Stage::Failed("no".into())),
                ],
            },
        ];
        let lines: Vec<String> = lines(&objects).into_iter().map(|(_, line)| line).collect();
        assert_eq!(
            lines,
            [
                "configmap/c waits for its policy",
                "deployment.apps/web in m1 is healthy (1 replica)",
                "deployment.apps/web in m2 cannot be applied: no (2 replicas)",
            ]
        );
        let followed = Followed { objects: objects.to_vec(), verdict: Verdict::Partly };
        let error = judge(&followed, Duration::from_secs(5)).unwrap_err();
        assert_eq!((error.kind(), error.lines()[0].lines().count()), (ErrorKind::Partial, 3));
    }

    #[test]
    fn placements_are_read_from_flags() {
        let read = |to: &[&str], selector| {
            placement(to.iter().map(|&name| name.to_owned()).collect(), selector, &[])
        };
        assert_eq!(read(&["m1"], None).unwrap().targets, Targets::Names(vec!["m1".into()]));
        assert_eq!(read(&[], None).unwrap().targets, Targets::All);
        assert!(matches!(read(&[], Some("a=b")).unwrap().targets, Targets::Selector(_)));
    }
}
