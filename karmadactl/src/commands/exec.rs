//! `karmadactl exec`, and what `attach` shares with it.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::reach::{ScopeArgs, reach};
use crate::change::{FileArgs, read_files};
use crate::context::Context;
use crate::duration::parse_duration;
use crate::error::{CliError, ErrorKind};
use crate::get::escape;
use crate::pods::{check_container, default_container, one_pod};
use crate::remote::{Ended, RawTerminal, RemoteError, Session, Streams, sizes};

const EXAMPLES: &str = "\
Examples:
  # Run a command in a pod of a member
  karmadactl exec nginx --operation-scope members --cluster member1 -- date

  # Run a shell in a container of a deployment's pod
  karmadactl exec -it deploy/nginx -c web --operation-scope members --cluster member1 -- sh";

/// Run a command in a container
///
/// The exit code is that of the command.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct ExecArgs {
    /// The pod: NAME or TYPE/NAME
    #[arg(value_name = "POD")]
    pub target: Option<String>,

    /// The command and its arguments
    #[arg(value_name = "COMMAND", last = true)]
    pub command: Vec<String>,

    #[command(flatten)]
    pub session: SessionArgs,

    /// File that names the pod or what has it
    #[arg(short, long, value_name = "PATH")]
    pub filename: Vec<PathBuf>,
}

/// What `exec` and `attach` understand.
#[derive(Args, Debug)]
pub struct SessionArgs {
    /// Container of the pod
    #[arg(short, long, value_name = "NAME")]
    pub container: Option<String>,

    /// Pass stdin on
    #[arg(short = 'i', long)]
    pub stdin: bool,

    /// Stdin is a terminal
    #[arg(short, long)]
    pub tty: bool,

    /// Only print what the container prints
    #[arg(short, long)]
    pub quiet: bool,

    /// Namespace of the pod [default: that of the kubeconfig's context]
    #[arg(short, long, value_name = "NAMESPACE")]
    pub namespace: Option<String>,

    #[command(flatten)]
    pub scope: ScopeArgs,

    /// Accepted for compatibility: pods are not waited for
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, hide = true)]
    pub pod_running_timeout: Option<Duration>,
}

/// What is opened in a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opened<'a> {
    Command(&'a [String]),
    Attached,
}

/// A session that cannot be.
#[derive(Debug, thiserror::Error)]
pub(super) enum SessionError {
    #[error("pod, type/name or --filename must be specified")]
    NoPod,
    #[error("you must specify at least one command for the container")]
    NoCommand,
    #[error("cannot exec into a container in a completed pod; current phase is {phase}")]
    Completed { phase: String },
    #[error("pod {pod} is not running: its phase is {phase}")]
    NotRunning { pod: String, phase: String },
    #[error("cannot use the terminal")]
    Terminal(#[source] std::io::Error),
    #[error("command terminated with exit code {code}")]
    Code { code: u8 },
}

/// Runs a command.
pub async fn run(args: ExecArgs, context: &Context) -> Result<(), CliError> {
    let ExecArgs { target, command, session, filename } = args;
    let target = match target {
        Some(target) => target,
        None => target_of(filename)?,
    };
    if command.is_empty() {
        return Err(CliError::failed(SessionError::NoCommand));
    }
    run_session(&session, context, &target, Opened::Command(&command)).await
}

/// Returns what a file names, as `KIND/NAME`.
fn target_of(files: Vec<PathBuf>) -> Result<String, CliError> {
    if files.is_empty() {
        return Err(CliError::failed(SessionError::NoPod));
    }
    let objects = read_files(&FileArgs { filename: files, ..FileArgs::default() })?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_lowercase();
    let first = objects.first().ok_or_else(|| CliError::failed(SessionError::NoPod))?;
    Ok(format!("{}/{}", text(&first.object["kind"]), text(&first.object["metadata"]["name"])))
}

/// Opens a session with a container and passes everything on until it ends.
pub(super) async fn run_session(
    args: &SessionArgs,
    context: &Context,
    target: &str,
    opened: Opened<'_>,
) -> Result<(), CliError> {
    let control_plane = context.connection.connect().await?;
    let client = reach(&control_plane, args.scope.operation_scope, args.scope.cluster.as_deref()).await?;
    let namespace = args.namespace.clone().unwrap_or_else(|| control_plane.namespace.clone());
    let pod = one_pod(&client, &namespace, target).await?;
    let container = container_of(args, context, &pod, opened)?;
    let is_terminal = std::io::stdin().is_terminal();
    let tty = args.tty && is_terminal;
    if args.tty && !is_terminal && !args.quiet {
        context.printer.progress("Unable to use a TTY - input is not a terminal or the right kind of file");
    }
    let name = pod["metadata"]["name"].as_str().unwrap_or_default();
    let path = session_path(&namespace, name, &container, opened, args.stdin, tty);
    let session = Session::open(&client, &path).await.map_err(explain)?;
    if opened == Opened::Attached && args.stdin && tty && !args.quiet {
        context.printer.progress("If you don't see a command prompt, try pressing enter.");
    }
    let terminal = if tty {
        let sizes = sizes().map_err(|error| CliError::failed(SessionError::Terminal(error)))?;
        Some((RawTerminal::enter().map_err(|error| CliError::failed(SessionError::Terminal(error)))?, sizes))
    } else {
        None
    };
    let (raw, sizes) = terminal.unzip();
    let streams = Streams {
        stdin: args.stdin.then(tokio::io::stdin),
        stdout: tokio::io::stdout(),
        stderr: tokio::io::stderr(),
        sizes,
    };
    let ended = session.run(streams).await;
    drop(raw);
    match ended.map_err(explain)? {
        Ended::Well | Ended::WithCode(0) => Ok(()),
        Ended::WithCode(code) => {
            let error = SessionError::Code { code };
            context.printer.progress(&error.to_string());
            Err(CliError::new(ErrorKind::Ended(code), error))
        }
    }
}

fn container_of(
    args: &SessionArgs,
    context: &Context,
    pod: &Value,
    opened: Opened<'_>,
) -> Result<String, CliError> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let phase = text(&pod["status"]["phase"]);
    if matches!(phase.as_str(), "Succeeded" | "Failed") {
        return Err(CliError::failed(match opened {
            Opened::Command(_) => SessionError::Completed { phase },
            Opened::Attached => SessionError::NotRunning { pod: text(&pod["metadata"]["name"]), phase },
        }));
    }
    if let Some(name) = &args.container {
        check_container(pod, name).map_err(CliError::failed)?;
        return Ok(name.clone());
    }
    let (container, note) = default_container(pod);
    if let Some(note) = note.filter(|_| !args.quiet) {
        context.printer.progress(&note);
    }
    Ok(container.unwrap_or_default())
}

fn session_path(
    namespace: &str,
    pod: &str,
    container: &str,
    opened: Opened<'_>,
    stdin: bool,
    tty: bool,
) -> String {
    let (subresource, command) = match opened {
        Opened::Command(command) => ("exec", command),
        Opened::Attached => ("attach", &[][..]),
    };
    let mut path =
        format!("/api/v1/namespaces/{namespace}/pods/{pod}/{subresource}?container={}", escape(container));
    for word in command {
        path.push_str("&command=");
        path.push_str(&escape(word));
    }
    // A terminal has one stream for both.
    for (name, is_set) in [("stdin", stdin), ("stdout", true), ("stderr", !tty), ("tty", tty)] {
        if is_set {
            path.push('&');
            path.push_str(name);
            path.push_str("=true");
        }
    }
    path
}

fn explain(error: RemoteError) -> CliError {
    match error {
        RemoteError::Refused(error) => CliError::from(error),
        other => CliError::failed(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_asks_for_the_streams_it_has() {
        let command = ["sh".to_owned(), "-c".to_owned(), "a b".to_owned()];
        assert_eq!(
            session_path("n", "p", "c", Opened::Command(&command), true, true),
            "/api/v1/namespaces/n/pods/p/exec?container=c&command=sh&command=-c&command=a%20b&stdin=true&stdout=true&tty=true"
        );
        assert_eq!(
            session_path("n", "p", "c", Opened::Attached, false, false),
            "/api/v1/namespaces/n/pods/p/attach?container=c&stdout=true&stderr=true"
        );
    }
}
