//! `karmadactl logs`.

use std::io::Write as _;
use std::time::Duration;

use clap::Args;
use futures::stream::FuturesUnordered;
use futures::{AsyncBufReadExt as _, StreamExt as _};
use http::Request;
use serde_json::Value;
use tokio::sync::mpsc;

use super::reach::member;
use crate::api_error::ApiError;
use crate::context::Context;
use crate::duration::parse_duration;
use crate::error::{CliError, ErrorKind};
use crate::get::escape;
use crate::pods::{
    Containers, PodError, check_container, containers, default_container, logged_pods, one_pod, select,
};
use crate::printer::output_error;

/// Lines of each pod when pods are selected by labels and nothing else is said.
const SELECTED_TAIL: i64 = 10;
/// Pieces of output that wait to be printed.
const WAITING: usize = 64;

const EXAMPLES: &str = "\
Examples:
  # Print the logs of a pod in a member
  karmadactl logs nginx -C member1

  # Follow one container of a deployment's pod
  karmadactl logs -f deploy/nginx -c web -C member1

  # The last 20 lines of all containers of the pods with a label
  karmadactl logs -l app=nginx --all-containers --tail 20 -C member1";

/// Print the logs of containers in a member cluster
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct LogsArgs {
    /// The pod: NAME or TYPE/NAME
    #[arg(value_name = "POD")]
    pub target: Option<String>,

    /// The container, as an argument
    #[arg(value_name = "CONTAINER", hide = true)]
    pub container_argument: Option<String>,

    /// Member cluster that the pod is in
    #[arg(short = 'C', long, value_name = "CLUSTER")]
    pub cluster: Option<String>,

    /// Namespace of the pod [default: that of the kubeconfig's context]
    #[arg(short, long, value_name = "NAMESPACE")]
    pub namespace: Option<String>,

    /// Container of the pod
    #[arg(short, long, value_name = "NAME")]
    pub container: Option<String>,

    /// Print the logs of all containers
    #[arg(long)]
    pub all_containers: bool,

    /// Print the logs of all pods of TYPE/NAME
    #[arg(long)]
    pub all_pods: bool,

    /// Print the logs of the pods with these labels
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    pub selector: Option<String>,

    /// Go on as more is logged
    #[arg(short, long)]
    pub follow: bool,

    /// Print the logs of the container's last run
    #[arg(short, long)]
    pub previous: bool,

    /// Print what was logged this long ago or later, such as 5s, 2m or 3h
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub since: Option<Duration>,

    /// Print what was logged at this time or later (RFC 3339)
    #[arg(long, value_name = "TIME", conflicts_with = "since")]
    pub since_time: Option<jiff::Timestamp>,

    /// Print this many of the last lines; -1 are all [default: -1, with a selector 10]
    #[arg(long, value_name = "LINES", allow_negative_numbers = true)]
    pub tail: Option<i64>,

    /// Print at most this many bytes; 0 are all
    #[arg(long, value_name = "BYTES", default_value_t = 0)]
    pub limit_bytes: u64,

    /// Begin every line with its time
    #[arg(long)]
    pub timestamps: bool,

    /// Begin every line with its pod and container
    #[arg(long)]
    pub prefix: bool,

    /// Go on with the other containers when one fails
    #[arg(long)]
    pub ignore_errors: bool,

    /// Follow at most this many containers at a time
    #[arg(long, value_name = "NUMBER", default_value_t = 5)]
    pub max_log_requests: usize,

    /// Accept whatever certificate the node shows
    #[arg(long)]
    pub insecure_skip_tls_verify_backend: bool,

    /// Accepted for compatibility: pods are not waited for
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, hide = true)]
    pub pod_running_timeout: Option<Duration>,
}

/// Logs that cannot be printed.
#[derive(Debug, thiserror::Error)]
enum LogsError {
    #[error("expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER] -C CLUSTER'")]
    NoPod,
    #[error("only a selector (-l) or a POD name is allowed")]
    PodAndSelector,
    #[error("only one of -c or an inline [CONTAINER] arg is allowed")]
    TwoContainers,
    #[error("--all-containers=true should not be specified with container name {name}")]
    AllAndContainer { name: String },
    #[error("--tail must be greater than or equal to -1")]
    BadTail,
    #[error(
        "you are attempting to follow {wanted} log streams, but maximum allowed concurrency is {allowed}, use --max-log-requests to increase the limit"
    )]
    TooMany { wanted: usize, allowed: usize },
    #[error("the stream of logs broke off")]
    Broken(#[source] std::io::Error),
}

/// One container whose logs are wanted.
struct Wanted {
    pod: String,
    container: String,
    path: String,
}

/// Prints logs.
pub async fn run(args: LogsArgs, context: &Context) -> Result<(), CliError> {
    check(&args).map_err(CliError::failed)?;
    let control_plane = context.connection.connect().await?;
    let client = member(&control_plane, args.cluster.as_deref()).await?;
    let namespace = args.namespace.clone().unwrap_or_else(|| control_plane.namespace.clone());
    let pods = match (&args.selector, &args.target) {
        (Some(selector), _) => select(&client, &namespace, selector).await?,
        (None, Some(target)) if args.all_pods => logged_pods(&client, &namespace, target).await?,
        (None, Some(target)) => vec![one_pod(&client, &namespace, target).await?],
        (None, None) => return Err(CliError::failed(LogsError::NoPod)),
    };
    if pods.is_empty() {
        context.printer.progress(&format!("No resources found in {namespace} namespace."));
        return Ok(());
    }
    let mut wanted = Vec::new();
    for pod in &pods {
        wanted.extend(wanted_of(&args, context, &namespace, pod)?);
    }
    if args.follow && wanted.len() > 1 {
        if wanted.len() > args.max_log_requests {
            let error = LogsError::TooMany { wanted: wanted.len(), allowed: args.max_log_requests };
            return Err(CliError::failed(error));
        }
        return follow(&args, context, &client, &wanted).await;
    }
    let mut failed = false;
    for wanted in &wanted {
        match print(&args, context, &client, wanted).await {
            Ok(()) => {}
            Err(error) if args.ignore_errors && error.kind() != ErrorKind::OutputClosed => {
                failed = true;
                context.printer.fail(&error);
            }
            Err(error) => return Err(error),
        }
    }
    if failed && wanted.len() == 1 {
        return Err(CliError::new(ErrorKind::Reported, LogsError::NoPod));
    }
    Ok(())
}

fn check(args: &LogsArgs) -> Result<(), LogsError> {
    let container = args.container.as_ref().or(args.container_argument.as_ref());
    if args.target.is_none() && args.selector.is_none() {
        return Err(LogsError::NoPod);
    }
    if args.target.is_some() && args.selector.is_some() {
        return Err(LogsError::PodAndSelector);
    }
    if args.container.is_some() && args.container_argument.is_some() {
        return Err(LogsError::TwoContainers);
    }
    if let (true, Some(name)) = (args.all_containers, container) {
        return Err(LogsError::AllAndContainer { name: name.clone() });
    }
    if args.tail.is_some_and(|tail| tail < -1) {
        return Err(LogsError::BadTail);
    }
    Ok(())
}

fn wanted_of(
    args: &LogsArgs,
    context: &Context,
    namespace: &str,
    pod: &Value,
) -> Result<Vec<Wanted>, CliError> {
    let name = pod["metadata"]["name"].as_str().unwrap_or_default();
    let names = match args.container.as_ref().or(args.container_argument.as_ref()) {
        _ if args.all_containers => containers(pod, Containers::All),
        Some(container) => {
            check_container(pod, container).map_err(CliError::failed)?;
            vec![container.clone()]
        }
        None => {
            let (container, note) = default_container(pod);
            if let Some(note) = note {
                context.printer.progress(&note);
            }
            container.into_iter().collect()
        }
    };
    let query = query(args);
    Ok(names
        .into_iter()
        .map(|container| Wanted {
            pod: name.to_owned(),
            path: format!(
                "/api/v1/namespaces/{namespace}/pods/{name}/log?container={}{query}",
                escape(&container)
            ),
            container,
        })
        .collect())
}

/// Returns the query of a request for logs, but for the container.
fn query(args: &LogsArgs) -> String {
    let mut query = String::new();
    let mut add = |name: &str, value: &str| {
        for part in ["&", name, "=", value] {
            query.push_str(part);
        }
    };
    for (name, is_set) in [
        ("follow", args.follow),
        ("previous", args.previous),
        ("timestamps", args.timestamps),
        ("insecureSkipTLSVerifyBackend", args.insecure_skip_tls_verify_backend),
    ] {
        if is_set {
            add(name, "true");
        }
    }
    if let Some(since) = args.since.filter(|since| !since.is_zero()) {
        let rounded = since.as_secs() + u64::from(since.subsec_nanos() > 0);
        add("sinceSeconds", &rounded.to_string());
    }
    if let Some(time) = args.since_time {
        add("sinceTime", &escape(&time.to_string()));
    }
    let tail = args.tail.or(args.selector.is_some().then_some(SELECTED_TAIL));
    if let Some(tail) = tail.filter(|tail| *tail >= 0) {
        add("tailLines", &tail.to_string());
    }
    if args.limit_bytes > 0 {
        add("limitBytes", &args.limit_bytes.to_string());
    }
    query
}

/// Prints the logs of one container as they come.
async fn print(
    args: &LogsArgs,
    context: &Context,
    client: &kube::Client,
    wanted: &Wanted,
) -> Result<(), CliError> {
    let mut lines = open(client, wanted).await?;
    let mut output = context.printer.writer();
    loop {
        let mut line = Vec::new();
        let read = lines.read_until(b'\n', &mut line).await;
        if read.map_err(|error| CliError::failed(LogsError::Broken(error)))? == 0 {
            return output.flush().map_err(output_error);
        }
        output.write_all(&prefixed(args, wanted, line)).map_err(output_error)?;
        if args.follow {
            output.flush().map_err(output_error)?;
        }
    }
}

fn prefixed(args: &LogsArgs, wanted: &Wanted, line: Vec<u8>) -> Vec<u8> {
    if !args.prefix {
        return line;
    }
    let mut prefixed = format!("[pod/{}/{}] ", wanted.pod, wanted.container).into_bytes();
    prefixed.extend(line);
    prefixed
}

/// Prints the logs of several containers, line by line as they come.
async fn follow(
    args: &LogsArgs,
    context: &Context,
    client: &kube::Client,
    wanted: &[Wanted],
) -> Result<(), CliError> {
    let (sender, mut lines) = mpsc::channel::<Vec<u8>>(WAITING);
    let mut readers: FuturesUnordered<_> = wanted
        .iter()
        .map(|wanted| {
            let sender = sender.clone();
            async move {
                let mut stream = open(client, wanted).await?;
                loop {
                    let mut line = Vec::new();
                    let read = stream.read_until(b'\n', &mut line).await;
                    let read = read.map_err(|error| CliError::failed(LogsError::Broken(error)))?;
                    if read == 0 || sender.send(prefixed(args, wanted, line)).await.is_err() {
                        return Ok::<(), CliError>(());
                    }
                }
            }
        })
        .collect();
    drop(sender);
    let mut output = context.printer.writer();
    loop {
        tokio::select! {
            line = lines.recv() => match line {
                Some(line) => {
                    output.write_all(&line).map_err(output_error)?;
                    output.flush().map_err(output_error)?;
                }
                None => return Ok(()),
            },
            Some(ended) = readers.next(), if !readers.is_empty() => match ended {
                Err(error) if args.ignore_errors => drop(context.printer.fail(&error)),
                Err(error) => return Err(error),
                Ok(()) => {}
            },
        }
    }
}

async fn open(
    client: &kube::Client,
    wanted: &Wanted,
) -> Result<impl futures::AsyncBufRead + Unpin + use<>, CliError> {
    let request = Request::get(&wanted.path).body(Vec::new());
    let request = request.map_err(|error| ApiError(kube::Error::HttpError(error)))?;
    let stream = client.request_stream(request).await.map_err(|error| PodError::Api(ApiError(error)))?;
    Ok(Box::pin(stream))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: LogsArgs,
    }

    fn args(line: &[&str]) -> LogsArgs {
        Line::try_parse_from([&["logs"], line].concat()).unwrap().args
    }

    #[test]
    fn flags_become_a_query() {
        let check = |line: &[&str], expected: &str| assert_eq!(query(&args(line)), expected);
        check(&["p"], "");
        check(&["p", "-f", "--tail=-1", "--since=1500ms"], "&follow=true&sinceSeconds=2");
        check(&["-l", "a=b", "-p", "--limit-bytes=5"], "&previous=true&tailLines=10&limitBytes=5");
        check(
            &["p", "--since-time=2026-01-02T03:04:05Z", "--tail", "3"],
            "&sinceTime=2026-01-02T03%3A04%3A05Z&tailLines=3",
        );
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for line in [
            &[][..],
            &["p", "-l", "a=b"],
            &["p", "c", "-c", "c"],
            &["p", "-c", "c", "--all-containers"],
            &["p", "--tail=-2"],
        ] {
            assert!(check(&args(line)).is_err(), "{line:?}");
        }
    }
}
