//! `karmadactl local-up`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use karmada_controllers::StatusSettings;

use super::serve::{self, DurabilityArg};
use crate::context::Context;
use crate::embedded::{
    CONTROL_PLANE_KUBECONFIG, DataDirectory, DataDirectoryError, DetachError, LOG_FILE, LocalUp,
    LocalUpError, LocalUpOptions, MemberOptions, Record, default_data_dir, start_detached, wait_until_ready,
};
use crate::error::{CliError, ErrorKind};
use crate::signals::stop_requested;

/// How many pods a member makes as objects unless told otherwise.
pub(super) const POD_OBJECTS: u32 = 100;
/// How long a start in the background may take.
const START_TIMEOUT: std::time::Duration = std::time::Duration::from_mins(1);
/// How long to wait for the members before the start counts as done without them.
pub(super) const MEMBERS_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(20);
const MEMBERS: u32 = 3;

const EXAMPLES: &str = "\
Examples:
  # A control plane with three simulated members, in the foreground
  karmadactl local-up --data-dir ./karmada

  # Then, in another terminal
  export KUBECONFIG=$PWD/karmada/karmada-apiserver.config
  kubectl apply -f samples/nginx
  karmadactl get deployments --operation-scope all

  # In the background, until it is told to stop
  karmadactl local-up --data-dir ./karmada --detach
  karmadactl local-down --data-dir ./karmada

  # Many members, nothing kept
  karmadactl local-up --members 20 --in-memory

  # Members that differ
  karmadactl local-up \\
    --member name=big,region=eu,zone=eu-a,zone=eu-b,provider=acme,nodes=6,cpu=16,memory=64Gi \\
    --member name=small,region=us,nodes=1,cpu=2,memory=4Gi";

/// Run a control plane with simulated member clusters, joined
///
/// The members are real API servers with nodes that exist on paper: no container runs, and workloads become ready as
/// far as the nodes have room for them. Writes one kubeconfig for the control plane and one for each member.
///
/// The next start with the same data directory has the same members unless told otherwise, and goes on where the last
/// one stopped.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct LocalUpArgs {
    /// How many simulated members: member1, member2, ... [default: those of the last run, else 3]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(0..=100))]
    pub members: Option<u32>,

    /// A simulated member (can be repeated): name=NAME and any of provider, region, zone (can be repeated), nodes, and
    /// cpu, memory and pods of each node
    #[arg(long, value_name = "KEY=VALUE,...", conflicts_with = "members")]
    pub member: Vec<MemberOptions>,

    /// Directory of the data and the kubeconfigs [default: karmada/local-up in the user's data directory]
    #[arg(long, value_name = "PATH", value_hint = clap::ValueHint::DirPath)]
    pub data_dir: Option<PathBuf>,

    /// Address of the control plane; port 0 takes the port of the last run if it is free, else any
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,

    /// Keep nothing on disk but the kubeconfigs
    #[arg(long)]
    pub in_memory: bool,

    /// When a write is acknowledged
    #[arg(long, value_enum, value_name = "WHEN", default_value_t)]
    pub durability: DurabilityArg,

    /// Run in the background, and return when it is ready; `karmadactl local-down` stops it
    #[arg(long)]
    pub detach: bool,

    /// Pods that each member makes as objects; a Deployment beyond that becomes ready without
    #[arg(long, value_name = "COUNT", default_value_t = POD_OBJECTS)]
    pub pods_per_member: u32,
}

/// Runs until told to stop, or in the background.
pub async fn run(args: LocalUpArgs, context: &Context) -> Result<(), CliError> {
    let LocalUpArgs { members, member, data_dir, listen, in_memory, durability, detach, pods_per_member } =
        args;
    let directory = data_dir.clone().unwrap_or_else(|| default_data_dir("local-up"));
    let data = DataDirectory::new(&directory);
    let asked = match members {
        Some(count) => Some(MemberOptions::numbered(count)),
        None if !member.is_empty() => Some(member),
        None => None,
    };
    refuse_doubles(asked.as_deref().unwrap_or_default())?;
    if detach {
        return detached(&data, asked.as_deref(), context).await;
    }
    let storage = durability.storage(directory.clone(), in_memory);
    let _hold = data.hold().map_err(|error| explain_directory(error, &data))?;
    let is_kept = matches!(storage, crate::embedded::Storage::Disk { .. });
    let members = choose_members(&data, asked, is_kept, context)?;
    data.write_record(&Record::new(members.clone(), !is_kept))
        .map_err(|error| explain_directory(error, &data))?;

    let printer = &context.printer;
    printer.progress(&format!("starting a control plane and {} simulated members", members.len()));
    let options = LocalUpOptions {
        members,
        storage,
        directory: Some(directory.clone()),
        listen,
        pod_objects: pods_per_member,
        status: StatusSettings::default(),
    };
    let up = LocalUp::start(options).await.map_err(explain)?;
    if let Err(error) = up.wait_until_members_ready(MEMBERS_TIMEOUT).await {
        printer.warning(&error.to_string());
    }
    let stopped = stop_requested();
    printer.line(&ready_line(&up.control_plane.server().url(), &data))?;
    let names: Vec<&str> = up.members.iter().map(|member| member.name.as_str()).collect();
    let stop = if is_kept {
        "Ctrl-C stops everything; the next start with the same data goes on where it stopped."
    } else {
        "Ctrl-C stops everything and forgets it."
    };
    printer.progress(&next_steps(&names, &directory, "In another terminal:", stop));
    stopped.await.map_err(CliError::failed)?;
    serve::end(up.shutdown(), context).await
}

/// Starts it in the background, unless it runs there already.
async fn detached(
    data: &DataDirectory,
    asked: Option<&[MemberOptions]>,
    context: &Context,
) -> Result<(), CliError> {
    let printer = &context.printer;
    let kubeconfig = data.path().join(CONTROL_PLANE_KUBECONFIG);
    if let Some(pid) = data.user().map_err(|error| explain_directory(error, data))? {
        let running = data.record().map_err(|error| explain_directory(error, data))?;
        let is_other = running.is_none_or(|running| asked.is_some_and(|asked| running.members != asked));
        if is_other {
            let error = DataDirectoryError::InUse { directory: data.path().to_owned(), pid: Some(pid) };
            return Err(explain_directory(error, data));
        }
        let url = wait_until_ready(&kubeconfig, START_TIMEOUT).await.map_err(CliError::failed)?;
        printer.progress(&format!("it runs already (process {pid})"));
        return printer.line(&ready_line(&url, data));
    }
    let detached = tokio::select! {
        started = start_detached(data, "--detach", START_TIMEOUT) => started.map_err(|error| match error {
            DetachError::Ended { output } => {
                printer.progress(output.trim_end());
                CliError::new(ErrorKind::Reported, DetachError::Ended { output: String::new() })
            }
            DetachError::Directory(error) => CliError::failed(error),
            error => CliError::failed(error)
                .with_hint(format!("its log is {}", data.path().join(LOG_FILE).display())),
        })?,
        stopped = stop_requested() => {
            stopped.map_err(CliError::failed)?;
            return Err(CliError::failed(DetachError::Interrupted));
        }
    };
    for warning in &detached.warnings {
        printer.progress(warning);
    }
    printer.line(&detached.ready_line)?;
    let record = data.record().map_err(|error| explain_directory(error, data))?;
    let members = record.map(|record| record.members).unwrap_or_default();
    let names: Vec<&str> = members.iter().map(|member| member.name.as_str()).collect();
    let stop = format!(
        "Stop it:\n  karmadactl local-down{}\nIts log is {}.",
        directory_flag(data.path()),
        data.path().join(LOG_FILE).display()
    );
    printer.progress(&next_steps(&names, data.path(), "Go on:", &stop));
    Ok(())
}

fn refuse_doubles(members: &[MemberOptions]) -> Result<(), CliError> {
    let mut names: Vec<&str> = members.iter().map(|member| member.name.as_str()).collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(CliError::usage(format!("two members are called {}", pair[0]))),
        None => Ok(()),
    }
}

/// Returns the members to start: those asked for, else those of the last run.
fn choose_members(
    data: &DataDirectory,
    asked: Option<Vec<MemberOptions>>,
    is_kept: bool,
    context: &Context,
) -> Result<Vec<MemberOptions>, CliError> {
    let last = if is_kept { data.record().map_err(|error| explain_directory(error, data))? } else { None };
    let last = last.filter(|last| !last.in_memory).map(|last| last.members);
    let members = match (asked, &last) {
        (Some(asked), _) => asked,
        (None, Some(last)) => last.clone(),
        (None, None) => MemberOptions::numbered(MEMBERS),
    };
    for left_out in last.iter().flatten().filter(|old| !members.iter().any(|new| new.name == old.name)) {
        let name = &left_out.name;
        context.printer.warning(&format!("{name} of the last run is not started: it will not be ready"));
        context.printer.hint(&format!("`karmadactl unjoin {name}` takes it out of the control plane"));
    }
    Ok(members)
}

fn ready_line(url: &str, data: &DataDirectory) -> String {
    format!("ready: {url} (kubeconfig {})", data.path().join(CONTROL_PLANE_KUBECONFIG).display())
}

fn next_steps(names: &[&str], directory: &Path, go_on: &str, stop: &str) -> String {
    let members = match names {
        [] => "No members are joined.".to_owned(),
        _ => format!(
            "Joined: {} (simulated: their nodes exist on paper, no container runs).\n\
             Their kubeconfigs are {}",
            names.join(", "),
            directory.join("<member>.config").display()
        ),
    };
    format!(
        "\n{members}\n\n{go_on}\n  export KUBECONFIG={}\n  kubectl get clusters\n  \
         kubectl apply -f samples/nginx\n  karmadactl get deployments --operation-scope all\n\n{stop}",
        absolute(directory).join(CONTROL_PLANE_KUBECONFIG).display()
    )
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// The flag that names a data directory, unless it is the default.
pub(super) fn directory_flag(directory: &Path) -> String {
    if directory == default_data_dir("local-up") {
        String::new()
    } else {
        format!(" --data-dir {}", directory.display())
    }
}

/// Adds the way out to a data directory that cannot be used.
pub(super) fn explain_directory(error: DataDirectoryError, data: &DataDirectory) -> CliError {
    let flag = directory_flag(data.path());
    let hint = match &error {
        DataDirectoryError::InUse { .. } => Some(format!(
            "use it with KUBECONFIG={}, stop it with `karmadactl local-down{flag}`, or choose another --data-dir",
            absolute(data.path()).join(CONTROL_PLANE_KUBECONFIG).display()
        )),
        DataDirectoryError::Record { path, .. } => Some(format!(
            "delete {} and name the members with --members or --member, or begin anew: \
             `karmadactl local-down --purge{flag}` deletes the data",
            path.display()
        )),
        DataDirectoryError::File(_)
        | DataDirectoryError::Access { .. }
        | DataDirectoryError::NotOurs { .. } => Some("choose another directory with --data-dir".to_owned()),
        DataDirectoryError::NewerFormat { .. } | DataDirectoryError::Signal { .. } => None,
    };
    CliError::failed(error).with_hints(hint)
}

/// Adds the way out to members or a control plane that did not start.
pub(super) fn explain(error: LocalUpError) -> CliError {
    match error {
        LocalUpError::Server(error) => serve::explain(error),
        LocalUpError::ControlPlane(error) => serve::explain_control_plane(error),
        error @ LocalUpError::OtherMember { .. } => CliError::failed(error).with_hint(
            "put the member's directory back, or begin anew: `karmadactl local-down --purge` with the same --data-dir deletes the data",
        ),
        error @ (LocalUpError::Join { .. } | LocalUpError::Cluster { .. }) => CliError::failed(error)
            .with_hint("when the data is of another run with other members, choose another --data-dir"),
        error @ (LocalUpError::File(_) | LocalUpError::Nodes { .. }) => CliError::failed(error),
    }
}
