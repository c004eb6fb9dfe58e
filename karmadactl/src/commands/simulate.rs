//! `karmadactl simulate`.

use std::cell::RefCell;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use karmada_core::simulation::{DiffDetail, ManifestBuilder, Record, diff};
use serde::Serialize;

use crate::context::Context;
use crate::error::{CliError, chain_line};
use crate::printer::{Live, Printer, output_error};
use crate::signals::stop_requested;
use crate::simulate::{
    Columns, Detail, DifferenceList, DirectoryError, Draft, Existing, Explainer, ManifestDirectory, Moves,
    PlacementList, Rows, Scene, Sources, Tally, Warnings, count, object_path, tell, write_table,
};

/// How long a simulation runs before progress is shown, and how often it is.
const PROGRESS_AFTER: Duration = Duration::from_millis(500);
const PROGRESS_EVERY: Duration = Duration::from_millis(100);

const HELP: &str = "\
Examples:
  # Where do the resources of a directory go? Its clusters, policies and overrides decide
  karmadactl simulate -f samples/nginx

  # With clusters of another file, or of a live control plane
  karmadactl simulate -f app/ --clusters clusters.yaml
  kubectl get clusters -o yaml | karmadactl simulate -f app/ --clusters -

  # With clusters in short
  karmadactl simulate -f app/ --cluster name=eu1,region=eu,cpu=64,memory=256Gi,pods=500 \\
    --cluster name=us1,region=us,label.tier=gold,taint.dedicated=gpu:NoSchedule

  # Why each cluster was taken or refused
  karmadactl simulate -f samples/spread --explain

  # What each cluster receives, as files
  karmadactl simulate -f app/ --manifests out/

  # What moves, compared with the main branch (here in a git worktree)
  karmadactl simulate -f app/ --diff ../main/app/

  # In CI: errors only, and the exit code
  karmadactl simulate -f app/ --strict --quiet

Input:
  Any mix of Clusters, workloads and other resources, PropagationPolicies, OverridePolicies (both of
  a namespace or of the cluster) and ResourceBindings, as YAML or JSON with any number of documents
  or Lists. An existing binding makes its resource one that is scheduled again.
  Directories are read with all below them; hidden files are left out.
  Fields are checked against the schemas of Kubernetes and Karmada, and against those of
  CustomResourceDefinitions in the input.
  A cluster that reports no resources has room for everything, one that reports no APIs serves all.

Clusters in short (--cluster KEY=VALUE,...):
  name               its name, always needed
  region, provider   where it is
  zone               can be repeated
  cpu, memory, pods, ephemeral-storage
                     what its nodes have together; what is not given is not limited
  resource.NAME      an extended resource, such as resource.nvidia.com/gpu=8
  used.NAME          what is in use of a resource, such as used.cpu=12
  label.NAME         a label
  taint.KEY=VALUE:EFFECT or taint.KEY=EFFECT
                     a taint
  ready              true (as usual) or false

Output:
  table, wide        one row per resource and cluster
  json, yaml         one PlacementList (docs/simulate.md describes its fields)
  name               one path per object: CLUSTER/NAMESPACE/KIND/NAME, as below --manifests
  Rows come in the order of namespace, kind and name.
  Warnings, notes and the summary go to stderr.

Exit codes:
  0  every resource has found its place
  1  a resource has not: each is named with its reasons
  2  the input or the command line is wrong";

/// Show where resources would go, without a server
///
/// Reads clusters, policies and resources from files, and decides with the control plane's own code which cluster gets
/// what: which policy wins, which clusters it selects, how replicas are shared out, which dependencies follow, what
/// overrides change. Nothing is contacted and nothing is changed.
///
/// Workloads of one simulation do not take room from each other: as in the control plane, room is what clusters report.
#[derive(Args, Debug)]
#[command(after_long_help = HELP)]
pub struct SimulateArgs {
    /// File or directory of manifests, - for stdin (can be repeated)
    #[arg(short, long, required = true, value_name = "PATH", value_hint = clap::ValueHint::AnyPath)]
    pub filename: Vec<PathBuf>,

    /// File or directory with Clusters, - for stdin (can be repeated)
    #[arg(long, value_name = "PATH", value_hint = clap::ValueHint::AnyPath)]
    pub clusters: Vec<PathBuf>,

    /// Cluster in short: name=m1,region=eu,zone=a,provider=x,cpu=100,memory=200Gi,pods=500,label.k=v (can be repeated)
    #[arg(long, value_name = "KEY=VALUE,...")]
    pub cluster: Vec<String>,

    /// Namespace of objects that name none
    #[arg(short, long, value_name = "NAMESPACE", default_value = "default")]
    pub namespace: String,

    /// Output format
    #[arg(short, long, value_name = "FORMAT", default_value = "table", hide_default_value = false)]
    pub output: SimulateFormat,

    /// Say why each cluster was taken or refused
    #[arg(long)]
    pub explain: bool,

    /// Write what each cluster receives below this directory, as CLUSTER/NAMESPACE/KIND/NAME.yaml
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub manifests: Option<PathBuf>,

    /// Replace the directory of --manifests, with all that is in it
    #[arg(long, requires = "manifests")]
    pub force: bool,

    /// Show what moves, compared with the input of this file or directory (can be repeated)
    ///
    /// PATH is the state before, --filename the state after. Clusters of flags are in both; an input without any
    /// clusters has those of the other one.
    #[arg(long, value_name = "PATH", value_hint = clap::ValueHint::AnyPath, conflicts_with_all = ["explain", "manifests"])]
    pub diff: Vec<PathBuf>,

    /// Refuse input with warnings, such as fields that a kind does not have
    #[arg(long)]
    pub strict: bool,

    /// Print errors only
    #[arg(short, long, conflicts_with_all = ["output", "explain"])]
    pub quiet: bool,
}

/// How placements are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SimulateFormat {
    /// Columns for people
    Table,
    /// More columns
    Wide,
    /// One JSON document
    Json,
    /// One YAML document
    Yaml,
    /// CLUSTER/NAMESPACE/KIND/NAME, one a line
    Name,
}

/// Resources have not found their place.
#[derive(Debug, thiserror::Error)]
#[error("{unplaced} of {} {} not found {} place", count(*.resources, "resource"), if *.unplaced == 1 { "has" } else { "have" }, if *.unplaced == 1 { "its" } else { "their" })]
struct Unplaced {
    unplaced: usize,
    resources: usize,
}

/// Stdin is named twice.
#[derive(Debug, thiserror::Error)]
#[error("stdin can be read only once, and is named {0} times")]
struct StdinTwice(usize);

/// The run was interrupted.
#[derive(Debug, thiserror::Error)]
#[error("interrupted; {} is as it was", .0.display())]
struct Interrupted(PathBuf);

/// Simulates and prints; in a runtime, which watches for signals while manifests are written.
pub fn run(args: SimulateArgs, context: &Context) -> Result<(), CliError> {
    let SimulateArgs {
        filename,
        clusters,
        cluster,
        namespace,
        output,
        explain,
        manifests,
        force,
        diff,
        strict,
        quiet,
    } = args;
    let stdins = filename.iter().chain(&clusters).chain(&diff).filter(|path| path.as_os_str() == "-").count();
    if stdins > 1 {
        return Err(CliError::usage(StdinTwice(stdins)));
    }
    let printer = &context.printer;
    let sources = Sources { paths: &filename, clusters: &clusters, short: &cluster, namespace: &namespace };
    let warnings = if strict { Warnings::Refused } else { Warnings::Told };
    let detail = if quiet { Detail::ErrorsOnly } else { Detail::All };
    let mut draft = Draft::read(sources)?;
    if !diff.is_empty() {
        let mut before = Draft::read(Sources { paths: &diff, ..sources })?;
        if !before.has_clusters() {
            before.borrow_clusters(&draft);
        } else if !draft.has_clusters() {
            draft.borrow_clusters(&before);
        }
        let before = before.into_scene(printer, &namespace, warnings, detail)?;
        let after = draft.into_scene(printer, &namespace, warnings, detail)?;
        return compare(printer, &before, &after, output, detail);
    }
    let scene = draft.into_scene(printer, &namespace, warnings, detail)?;
    let format = match (quiet, explain) {
        (true, _) => Format::Nothing,
        (false, true) => Format::Explained(output),
        (false, false) => Format::Plain(output),
    };
    let directory = match &manifests {
        Some(path) => {
            let existing = if force { Existing::Replaced } else { Existing::Refused };
            let precious: Vec<PathBuf> = filename.iter().chain(&clusters).cloned().collect();
            let directory =
                ManifestDirectory::create(path, existing, &precious).map_err(explain_directory)?;
            Some((directory, scene.world.manifests()))
        }
        None => None,
    };
    let stop = directory.is_some().then(watch_for_stop);
    let tally =
        Simulator { printer, scene: &scene, format, directory, stop, live: Progress::new(printer, format) }
            .run(detail)?;
    judge(printer, &scene, &tally, detail)
}

/// What is printed of each record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Nothing,
    Plain(SimulateFormat),
    Explained(SimulateFormat),
}

/// One run over all records.
struct Simulator<'a> {
    printer: &'a Printer,
    scene: &'a Scene,
    format: Format,
    /// Where manifests go, and what makes them.
    directory: Option<(ManifestDirectory, ManifestBuilder<'a>)>,
    stop: Option<Arc<AtomicBool>>,
    live: Progress<'a>,
}

impl Simulator<'_> {
    fn run(mut self, detail: Detail) -> Result<Tally, CliError> {
        let scene = self.scene;
        let mut out = self.printer.writer();
        let mut simulation = scene.world.simulate();
        let tally = RefCell::new(Tally::default());
        let format = self.format;
        match format {
            Format::Plain(SimulateFormat::Json | SimulateFormat::Yaml)
            | Format::Explained(SimulateFormat::Json | SimulateFormat::Yaml) => {
                let mut failed = None;
                let records = Watched {
                    simulation: &mut simulation,
                    each: |record: &Record| match self.each(&tally, record) {
                        Ok(()) => true,
                        Err(error) => {
                            failed = Some(error);
                            false
                        }
                    },
                };
                let policies = matches!(format, Format::Explained(_)).then_some(&scene.policies);
                let written = {
                    let list = PlacementList::new(records, &tally, &scene.world, &scene.batch, policies);
                    match format {
                        Format::Plain(SimulateFormat::Yaml) | Format::Explained(SimulateFormat::Yaml) => {
                            write_yaml(&mut out, &list)
                        }
                        _ => write_json(&mut out, &list),
                    }
                };
                if let Some(error) = failed {
                    return Err(error);
                }
                written?;
            }
            Format::Explained(_) => {
                let mut explainer = Explainer::new(&scene.world, &scene.batch, &scene.policies);
                for record in &mut simulation {
                    tally.borrow_mut().add(&record);
                    explainer.write(&mut out, &record).map_err(output_error)?;
                    self.each(&tally, &record)?;
                }
            }
            Format::Plain(SimulateFormat::Name) => {
                for record in &mut simulation {
                    tally.borrow_mut().add(&record);
                    write_names(&mut out, &scene.world, &record).map_err(output_error)?;
                    self.each(&tally, &record)?;
                }
            }
            Format::Plain(columns) => {
                let columns = if columns == SimulateFormat::Wide { Columns::All } else { Columns::Usual };
                let mut rows = Rows::new(columns, scene.widths, &scene.world, &scene.batch);
                if !scene.world.is_empty() {
                    rows.write_heading(&mut out).map_err(output_error)?;
                }
                for record in &mut simulation {
                    tally.borrow_mut().add(&record);
                    rows.write(&mut out, &record).map_err(output_error)?;
                    self.each(&tally, &record)?;
                }
            }
            Format::Nothing => {
                for record in &mut simulation {
                    tally.borrow_mut().add(&record);
                    self.each(&tally, &record)?;
                }
            }
        }
        out.flush().map_err(output_error)?;
        drop(out);
        self.live.finish();
        if let Some((directory, _)) = self.directory {
            let path = directory.target().to_owned();
            let files = directory.finish().map_err(explain_directory)?;
            if detail == Detail::All {
                self.printer.note(&format!("wrote {} below {}", count(files, "manifest"), path.display()));
            }
        }
        tell(self.printer, &scene.batch, scene.remarks(&simulation.remarks()), detail);
        Ok(tally.into_inner())
    }

    /// What is done with each record besides printing it.
    fn each(&mut self, tally: &RefCell<Tally>, record: &Record) -> Result<(), CliError> {
        self.live.step(self.scene.world.len());
        let Some((directory, builder)) = &mut self.directory else { return Ok(()) };
        if self.stop.as_ref().is_some_and(|stop| stop.load(Ordering::Relaxed)) {
            return Err(CliError::failed(Interrupted(directory.target().to_owned())));
        }
        let made = builder.build(record);
        for failure in &made.failures {
            tally.borrow_mut().add_unmade(record, failure);
        }
        // What is suspended is not received, as the record's notes say.
        for manifest in made.manifests.iter().filter(|manifest| !manifest.suspended) {
            directory.add(&manifest.cluster, &manifest.object)?;
        }
        Ok(())
    }
}

/// Records that somebody looks at as they pass; they end when it says so.
struct Watched<I, F> {
    simulation: I,
    each: F,
}

impl<I: Iterator<Item = Record>, F: FnMut(&Record) -> bool> Iterator for Watched<I, F> {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        self.simulation.next().filter(|record| (self.each)(record))
    }
}

/// Progress on stderr, where a person watches it and nothing else is printed there.
struct Progress<'a> {
    live: Option<Live<'a>>,
    done: usize,
    next: Instant,
}

impl<'a> Progress<'a> {
    fn new(printer: &'a Printer, format: Format) -> Self {
        let is_quiet = format == Format::Nothing || !printer.is_stdout_watched();
        Self {
            live: (printer.is_live() && is_quiet).then(|| printer.live()),
            done: 0,
            next: Instant::now() + PROGRESS_AFTER,
        }
    }

    fn step(&mut self, all: usize) {
        self.done += 1;
        let Some(live) = &mut self.live else { return };
        let now = Instant::now();
        if now >= self.next {
            live.set("simulate", &format!("{} of {}", self.done, count(all, "resource")));
            self.next = now + PROGRESS_EVERY;
        }
    }

    fn finish(&mut self) {
        if let Some(live) = self.live.take() {
            live.clear();
        }
    }
}

fn write_names(
    out: &mut impl Write,
    world: &karmada_core::simulation::World,
    record: &Record,
) -> io::Result<()> {
    let template = world.template(record);
    for target in record.targets() {
        writeln!(out, "{}", object_path(&target.name, template))?;
    }
    Ok(())
}

fn write_json(out: &mut impl Write, value: &impl Serialize) -> Result<(), CliError> {
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut *out, formatter);
    value.serialize(&mut serializer).map_err(|error| match error.io_error_kind() {
        Some(kind) => output_error(kind.into()),
        None => CliError::failed(error),
    })?;
    out.write_all(b"\n").map_err(output_error)
}

fn write_yaml(out: &mut impl Write, value: &impl Serialize) -> Result<(), CliError> {
    let options = serde_saphyr::ser_options! { compact_list_indent: true, empty_as_braces: true, folded_wrap_chars: usize::MAX };
    let mut failed = None;
    let mut text = FmtWriter { out, failed: &mut failed };
    let written = serde_saphyr::to_fmt_writer_with_options(&mut text, value, options);
    match (failed, written) {
        (Some(error), _) => Err(output_error(error)),
        (None, Err(error)) => Err(CliError::failed(error)),
        (None, Ok(())) => Ok(()),
    }
}

/// Text to bytes, keeping the error that text cannot carry.
struct FmtWriter<'a, W> {
    out: &'a mut W,
    failed: &'a mut Option<io::Error>,
}

impl<W: Write> std::fmt::Write for FmtWriter<'_, W> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.out.write_all(text.as_bytes()).map_err(|error| {
            *self.failed = Some(error);
            std::fmt::Error
        })
    }
}

/// Prints what moves.
fn compare(
    printer: &Printer,
    before: &Scene,
    after: &Scene,
    output: SimulateFormat,
    detail: Detail,
) -> Result<(), CliError> {
    let changes = diff(&before.world, &after.world, DiffDetail::Manifests);
    let mut out = printer.writer();
    let moves = if detail == Detail::ErrorsOnly {
        Moves::default()
    } else {
        match output {
            SimulateFormat::Json | SimulateFormat::Yaml => {
                let moves = RefCell::new(Moves::default());
                let list = DifferenceList::new(changes, &moves);
                match output {
                    SimulateFormat::Yaml => write_yaml(&mut out, &list)?,
                    _ => write_json(&mut out, &list)?,
                }
                moves.into_inner()
            }
            SimulateFormat::Name => {
                let mut moves = Moves::default();
                for change in changes {
                    moves.add(&change);
                    writeln!(out, "{}", crate::simulate::resource_name(&change.key)).map_err(output_error)?;
                }
                moves
            }
            SimulateFormat::Table | SimulateFormat::Wide => {
                write_table(&mut out, changes).map_err(output_error)?
            }
        }
    };
    out.flush().map_err(output_error)?;
    drop(out);
    if detail == Detail::All {
        printer.progress(&moves.summary());
    }
    let mut tally = Tally::default();
    for record in after.world.simulate() {
        tally.add(&record);
    }
    fail_if_unplaced(printer, after, &tally)
}

/// Prints how it went, and ends in an error when a resource has not found its place.
fn judge(printer: &Printer, scene: &Scene, tally: &Tally, detail: Detail) -> Result<(), CliError> {
    if scene.world.is_empty() {
        printer.note("there is no resource in the input, only clusters and policies");
    } else if detail == Detail::All {
        printer.progress(&tally.summary());
    }
    fail_if_unplaced(printer, scene, tally)
}

fn fail_if_unplaced(printer: &Printer, scene: &Scene, tally: &Tally) -> Result<(), CliError> {
    let unplaced = tally.unplaced();
    if unplaced == 0 {
        return Ok(());
    }
    let mut locator = scene.batch.locator();
    for failure in &tally.failures {
        printer.error(&format!(
            "{}: {}: {}",
            locator.place(failure.object, ""),
            failure.name,
            failure.reason
        ));
    }
    if unplaced > tally.failures.len() {
        printer.progress(&format!("... and {} more", unplaced - tally.failures.len()));
    }
    Err(CliError::failed(Unplaced { unplaced, resources: tally.resources }))
}

fn explain_directory(error: DirectoryError) -> CliError {
    let hint = match &error {
        DirectoryError::NotEmpty { .. } => {
            Some("name an empty or new directory, or replace this one with --force".to_owned())
        }
        DirectoryError::NotADirectory { .. } | DirectoryError::Precious { .. } => {
            Some("name a directory of its own".to_owned())
        }
        DirectoryError::Write { .. } => None,
    };
    CliError::usage(error).with_hints(hint)
}

/// Returns a flag that is set when the user wants to stop, so that nothing is left behind.
fn watch_for_stop() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    tokio::spawn(async move {
        match stop_requested().await {
            Ok(()) => flag.store(true, Ordering::Relaxed),
            Err(error) => tracing::debug!(error = chain_line(&error), "signals cannot be watched"),
        }
    });
    stop
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_counted_in_words() {
        let text = |unplaced, resources| Unplaced { unplaced, resources }.to_string();
        assert_eq!(text(1, 1), "1 of 1 resource has not found its place");
        assert_eq!(text(2, 12), "2 of 12 resources have not found their place");
    }
}
