//! `karmadactl describe`.

use clap::{ArgAction, Args};
use futures::future::join_all;
use http::Request;
use jiff::Timestamp;
use serde_json::Value;

use super::reach::{OneScope, reach};
use crate::api_error::ApiError;
use crate::change::{
    DryRun, FileArgs, Found, Selected, Selection, Unnamed, Writer, conclude, hide_managed_fields, parse_flag,
    select,
};
use crate::context::Context;
use crate::describe::describe;
use crate::discovery::Discovery;
use crate::error::CliError;
use crate::get::escape;

const EXAMPLES: &str = "\
Examples:
  # Describe a deployment of the control plane
  karmadactl describe deployment/nginx

  # Describe a pod of a member
  karmadactl describe pods/nginx --operation-scope members --cluster member1

  # Describe the pods whose name begins with frontend
  karmadactl describe pods frontend --operation-scope members --cluster member1";

/// Describe objects, with what happened to them
///
/// A name that no object has stands for all whose names begin with it.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct DescribeArgs {
    /// TYPE [NAME...] or TYPE/NAME...
    #[arg(value_name = "TYPE")]
    pub arguments: Vec<String>,

    #[command(flatten)]
    pub files: FileArgs,

    /// Where to look
    #[arg(short = 's', long, value_enum, value_name = "SCOPE", default_value_t)]
    pub operation_scope: OneScope,

    /// Member cluster to look into, with --operation-scope members
    #[arg(short = 'C', long, value_name = "CLUSTER")]
    pub cluster: Option<String>,

    /// Namespace of the objects [default: that of the kubeconfig's context]
    #[arg(short, long, value_name = "NAMESPACE")]
    pub namespace: Option<String>,

    /// Objects of all namespaces
    #[arg(short = 'A', long)]
    pub all_namespaces: bool,

    /// Objects with these labels
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    pub selector: Option<String>,

    /// Describe what happened, too
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        default_value = "true", value_parser = parse_flag, action = ArgAction::Set)]
    pub show_events: bool,

    /// Accepted for compatibility: large lists are always read in pieces
    #[arg(long, value_name = "NUMBER", default_value_t = 500, hide = true)]
    pub chunk_size: u32,
}

/// Describes objects.
pub async fn run(args: DescribeArgs, context: &Context) -> Result<(), CliError> {
    let control_plane = context.connection.connect().await?;
    let client = reach(&control_plane, args.operation_scope, args.cluster.as_deref()).await?;
    let discovery = Discovery::of(&client).await.map_err(|error| control_plane.explain(error))?;
    let writer = Writer::new(client.clone(), "karmadactl").with_dry_run(DryRun::None);
    let selection = Selection {
        arguments: args.arguments,
        files: args.files,
        labels: args.selector,
        all_namespaces: args.all_namespaces,
        namespace: args.namespace,
        default_namespace: control_plane.namespace.clone(),
        unnamed: Unnamed::All,
        ..Selection::default()
    };
    let Selected { found, mut failures } = select(&writer, &discovery, &selection).await?;
    let answers = join_all(found.iter().map(|found| read(&writer, found))).await;
    let mut objects = Vec::new();
    for answer in answers {
        match answer {
            Ok(found) => objects.extend(found),
            Err(error) => failures.push(error),
        }
    }
    if objects.is_empty() && failures.is_empty() {
        let namespace = selection.namespace.as_ref().unwrap_or(&selection.default_namespace);
        context.printer.progress(&format!("No resources found in {namespace} namespace."));
    }
    let now = Timestamp::now();
    let events = join_all(
        objects
            .iter()
            .map(|object| async { if args.show_events { events(&client, object).await } else { None } }),
    )
    .await;
    let texts: Vec<String> = objects
        .iter()
        .zip(&events)
        .map(|(object, events)| describe(object, events.as_deref(), now))
        .collect();
    context.printer.data(&texts.join("\n\n"))?;
    conclude(&context.printer, failures)
}

/// Reads what was named; where nothing has the name, all whose names begin with it.
async fn read(writer: &Writer, found: &Found) -> Result<Vec<Value>, CliError> {
    let namespace = found.namespace.as_deref();
    if let Some(object) = &found.object {
        return Ok(vec![complete(found, object.clone())]);
    }
    match writer.read(&found.kind, namespace, &found.name).await {
        Ok(object) => Ok(vec![complete(found, object)]),
        Err(error) if error.is_not_found() => {
            let listed = writer.list(&found.kind, namespace, None, None).await;
            let begins = |object: &Value| {
                object["metadata"]["name"].as_str().is_some_and(|name| name.starts_with(&found.name))
            };
            let objects: Vec<Value> = listed.unwrap_or_default().into_iter().filter(begins).collect();
            if objects.is_empty() {
                return Err(found.explain(error));
            }
            Ok(objects.into_iter().map(|object| complete(found, object)).collect())
        }
        Err(error) => Err(found.explain(error)),
    }
}

/// Items of lists do not say what they are.
fn complete(found: &Found, mut object: Value) -> Value {
    object["apiVersion"] = found.kind.api_version().into();
    object["kind"] = found.kind.kind.clone().into();
    hide_managed_fields(&mut object);
    object
}

/// Returns what happened to an object; nothing when that cannot be read.
async fn events(client: &kube::Client, object: &Value) -> Option<Vec<Value>> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let metadata = &object["metadata"];
    let namespace = match text(&metadata["namespace"]) {
        empty if empty.is_empty() => "default".to_owned(),
        namespace => namespace,
    };
    let selector = format!(
        "involvedObject.name={},involvedObject.kind={},involvedObject.uid={}",
        text(&metadata["name"]),
        text(&object["kind"]),
        text(&metadata["uid"])
    );
    let path = format!("/api/v1/namespaces/{namespace}/events?fieldSelector={}", escape(&selector));
    let request = Request::get(path).body(Vec::new()).ok()?;
    match client.request::<Value>(request).await.map_err(ApiError) {
        Ok(mut list) => match list["items"].take() {
            Value::Array(items) => Some(items),
            _ => None,
        },
        Err(error) => {
            tracing::debug!(%error, "events cannot be read");
            None
        }
    }
}
