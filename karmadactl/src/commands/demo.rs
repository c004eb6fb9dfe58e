//! `karmadactl demo`.

use std::time::{Duration, Instant};

use clap::Args;
use karmada_controllers::StatusSettings;

use super::local_up::{MEMBERS_TIMEOUT, POD_OBJECTS, explain, explain_directory};
use super::serve;
use crate::context::Context;
use crate::demo::{DemoError, Drift, Stage, Story};
use crate::embedded::{
    CONTROL_PLANE_KUBECONFIG, DataDirectory, LocalUp, LocalUpOptions, MemberOptions, Storage,
    default_data_dir,
};
use crate::error::CliError;
use crate::signals::stop_requested;
use crate::table::Table;

/// The member somebody meddles with.
const MEDDLED: &str = "member2";
/// How many replicas somebody wants there.
const MEDDLED_REPLICAS: i64 = 7;

/// Show what Karmada does, with three simulated members in this process
///
/// Starts a control plane and three members in memory, runs nginx in them by a policy, gives one of them another image
/// registry, repairs a change made behind Karmada's back and gathers the status. The tables are read back from the
/// API. Simulated means that no container runs.
#[derive(Args, Debug)]
pub struct DemoArgs {
    /// Keep everything running after the demo, for kubectl
    #[arg(long)]
    pub keep: bool,
}

/// Tells the story.
pub async fn run(args: DemoArgs, context: &Context) -> Result<(), CliError> {
    let DemoArgs { keep } = args;
    let printer = &context.printer;
    let started = Instant::now();
    // Kubeconfigs are only for what stays; a demo beside one that was kept leaves its files alone.
    let data = DataDirectory::new(default_data_dir("demo"));
    let _hold = if keep { Some(data.hold().map_err(|error| explain_directory(error, &data))?) } else { None };
    let options = LocalUpOptions {
        members: MemberOptions::numbered(3),
        storage: Storage::Memory,
        directory: keep.then(|| data.path().to_owned()),
        listen: ([127, 0, 0, 1], 0).into(),
        pod_objects: POD_OBJECTS,
        status: StatusSettings::default(),
    };
    let up = LocalUp::start(options).await.map_err(explain)?;
    let story = Story::new(up.control_plane.server().client(), up.member_clients());
    up.wait_until_members_ready(MEMBERS_TIMEOUT).await.map_err(|error| failed(error.into()))?;
    tell(&story, context, started).await?;
    let kubeconfig = data.path().join(CONTROL_PLANE_KUBECONFIG);
    if keep {
        printer.line(&format!(
            "\nEverything keeps running. In another terminal:\n  export KUBECONFIG={}\n  kubectl get deployments,resourcebindings\n  \
             karmadactl get deployments,pods --operation-scope all\nThe members' kubeconfigs are beside it: {}\nCtrl-C stops it and forgets it.",
            kubeconfig.display(),
            data.path().join("<member>.config").display()
        ))?;
        stop_requested().await.map_err(CliError::failed)?;
        return serve::end(up.shutdown(), context).await;
    }
    printer.line(
        "\nGo on:\n  karmadactl local-up              the same, kept running for kubectl\n  \
         karmadactl demo --keep           this demo, kept running for kubectl\n  \
         karmadactl join --help           join a cluster of your own",
    )?;
    up.shutdown().await;
    Ok(())
}

async fn tell(story: &Story, context: &Context, started: Instant) -> Result<(), CliError> {
    let printer = &context.printer;
    let chapter = |text: &str| printer.line(&format!("\n{}", printer.bold(text)));

    printer.line(&format!(
        "A control plane and three members are up after {}.",
        milliseconds(started.elapsed())
    ))?;
    printer.line("The members are simulated: real API servers, nodes on paper, no container runs.")?;
    command(context, "karmadactl get clusters", &story.clusters().await.map_err(failed)?)?;

    chapter("1. A Deployment, a policy that says where, an exception for one cluster")?;
    printer.line("$ kubectl apply -f samples/nginx")?;
    let applied_at = Instant::now();
    for name in story.apply_samples().await.map_err(failed)? {
        printer.line(&format!("{name} serverside-applied"))?;
    }

    chapter("2. Template -> policy -> binding -> works -> members")?;
    for stage in Stage::ALL {
        let seen = story.reach(stage).await.map_err(failed)?;
        let after = milliseconds(applied_at.elapsed());
        printer.line(&format!("{after:>8}  {:<8}  {seen}", stage.name()))?;
    }
    story.healthy().await.map_err(failed)?;
    command(context, "karmadactl get resourcebindings", &story.bindings().await.map_err(failed)?)?;
    command(context, "karmadactl get works -n karmada-es-<member>", &story.works().await.map_err(failed)?)?;
    command(
        context,
        "karmadactl get deployments --operation-scope all",
        &story.everywhere().await.map_err(failed)?,
    )?;
    command(context, "karmadactl get pods --operation-scope members", &story.pods().await.map_err(failed)?)?;

    chapter("3. The override: member3 pulls from a registry of its own")?;
    printer.data(&story.images().await.map_err(failed)?.render())?;

    chapter("4. Somebody changes a member behind Karmada's back")?;
    let Drift { broken, repaired, took } = story.drift(MEDDLED, MEDDLED_REPLICAS).await.map_err(failed)?;
    let scale =
        format!("kubectl --kubeconfig {MEDDLED}.config scale deployment nginx --replicas {MEDDLED_REPLICAS}");
    command(context, &scale, &broken)?;
    printer.line(&format!("Put right after {}:", milliseconds(took)))?;
    print_tables(context, &repaired)?;

    chapter("5. The status of all members, gathered")?;
    story.healthy().await.map_err(failed)?;
    let (items, template) = story.status().await.map_err(failed)?;
    printer.data(&items.render())?;
    command(context, "karmadactl get deployments nginx", &template)?;
    printer.line(&format!("\nThat took {} in all.", milliseconds(started.elapsed())))
}

/// Prints what a command would print here.
fn command(context: &Context, line: &str, tables: &[Table]) -> Result<(), CliError> {
    context.printer.line(&format!("\n$ {line}"))?;
    print_tables(context, tables)
}

fn print_tables(context: &Context, tables: &[Table]) -> Result<(), CliError> {
    tables.iter().try_for_each(|table| context.printer.data(&table.render()))
}

fn milliseconds(duration: Duration) -> String {
    format!("{} ms", duration.as_millis())
}

fn failed(error: DemoError) -> CliError {
    CliError::failed(error).with_hint("run it again with --log info to see what the controllers do")
}
