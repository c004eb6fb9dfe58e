//! `karmadactl interpret`.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{ArgGroup, Args};
use jiff::Timestamp;
use karmada_core::interpreter::lua::Print;
use karmada_core::interpreter::{ObjectKind, Operation};

use crate::context::Context;
use crate::edit::editor_command;
use crate::error::{CliError, ErrorKind};
use crate::interpret::{
    Arguments, AskError, FileEdit, FileEditError, InputError, Layers, RULES, Rule, ask, check, edit_file,
    failures, operation_named, read_cases, read_customizations, read_object, read_status_items, read_texts,
    rule, run as run_cases, script_engine, show_rules, table,
};
use crate::manifest::{ManifestError, Subdirectories};
use crate::printer::{DocumentFormat, Printer};

const EXAMPLES: &str = "\
Examples:
  # Check that every script of a customization loads
  karmadactl interpret -f foo.yaml --check

  # Change the scripts of a customization in an editor, until they load
  karmadactl interpret -f foo.yaml --edit

  # Ask a customization for the replicas of an object, and for its health
  karmadactl interpret -f foo.yaml --operation InterpretReplica --desired-file desired.yaml
  karmadactl interpret -f foo.yaml --operation InterpretHealth --observed-file observed.yaml

  # See what an update keeps of the member's object
  karmadactl interpret -f foo.yaml --operation Retain --desired-file a.yaml --observed-file b.yaml

  # See the object with two replicas, and with the status of its clusters
  karmadactl interpret -f foo.yaml --operation ReviseReplica --desired-file a.yaml --desired-replica 2
  karmadactl interpret -f foo.yaml --operation AggregateStatus --desired-file a.yaml --status-file s.yaml

  # Ask the built-in rules: what does a Deployment depend on?
  karmadactl interpret --operation InterpretDependency --desired-file deployment.yaml

  # Run the test cases of a customization, for example in CI
  karmadactl interpret -f foo.yaml --test foo-test.yaml

  # Read what the function of a rule receives and returns
  karmadactl interpret --show-doc --operation AggregateStatus

Test files:
  A test file is a list of cases, or has one case a document:

    - name: ready replicas are summed
      operation: AggregateStatus
      object: {apiVersion: example.io/v1, kind: Foo, metadata: {name: foo}}
      statusItems:
      - {clusterName: member1, status: {ready: 2}}
      - {clusterName: member2, status: {ready: 1}}
      want:
        aggregatedStatus.status.ready: 3

  name         what the case shows
  operation    as for --operation
  object       the object that the question is about; Retain has desired and observed instead
  statusItems  for AggregateStatus: what the clusters report
  replicas     for ReviseReplica: the replicas of one cluster
  now          the time of conditions in the answer (default 1970-01-01T00:00:00Z)
  want         the answer by its names, which --show-doc lists under returns
  wantError    instead of want: a text that the message of the error must contain

  A name in want may go on with the path of a field (revised.spec.replicas), which is then
  compared alone. null means absent. A kind without a customization is answered by the built-in
  rules, as it would be in a control plane.

Exit codes:
  0  all is well
  1  a script does not load, an operation has no answer, or a test case fails
  2  wrong input";

/// What upstream says when it is given nothing to do.
const NOTHING_GIVEN: &str = "You must provide one or more resources by argument or filename.\n\
    Example resource specifications include:\n   '-f rsrc.yaml'\n   '--filename=rsrc.json'\n   \
    '<resource> <name>'\n   '<resource>'";

/// Check, run and test resource interpreters without a cluster
///
/// A ResourceInterpreterCustomization explains a kind to Karmada by Lua scripts. This command checks that its scripts
/// load (--check), asks it one question (--operation), or runs a file of test cases (--test). Without -f the rules that
/// Karmada has built in are asked.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
#[command(group = ArgGroup::new("mode").args(["check", "edit", "test", "show_doc"]))]
pub struct InterpretArgs {
    /// File or directory of customizations, - for stdin (can be repeated)
    #[arg(short, long, value_name = "PATH", value_hint = clap::ValueHint::AnyPath)]
    pub filename: Vec<PathBuf>,

    /// Read the directories below a directory too
    #[arg(short = 'R', long)]
    pub recursive: bool,

    /// Check that the scripts load
    #[arg(long, conflicts_with = "operation")]
    pub check: bool,

    /// Edit the file in $KUBE_EDITOR, $EDITOR or vi until its scripts load
    #[arg(long, conflicts_with = "operation")]
    pub edit: bool,

    /// Ask this: Retain, InterpretReplica, InterpretComponent, ReviseReplica, InterpretStatus, AggregateStatus, InterpretHealth or InterpretDependency
    #[arg(long, value_name = "OPERATION")]
    pub operation: Option<String>,

    /// File of the object as the control plane has it
    #[arg(long, value_name = "PATH", requires = "operation", value_hint = clap::ValueHint::FilePath)]
    pub desired_file: Option<PathBuf>,

    /// File of the object as a member cluster has it
    #[arg(long, value_name = "PATH", requires = "operation", value_hint = clap::ValueHint::FilePath)]
    pub observed_file: Option<PathBuf>,

    /// File of what the clusters report: clusterName and status, one a document or a list
    #[arg(long, value_name = "PATH", requires = "operation", value_hint = clap::ValueHint::FilePath)]
    pub status_file: Option<PathBuf>,

    /// Replicas of one cluster, for ReviseReplica
    #[arg(long, value_name = "COUNT", default_value_t = 0, allow_negative_numbers = true)]
    pub desired_replica: i64,

    /// Run the test cases of a file or directory (can be repeated)
    #[arg(long, value_name = "PATH", conflicts_with = "operation", value_hint = clap::ValueHint::AnyPath)]
    pub test: Vec<PathBuf>,

    /// Print what the functions of the rules receive and return, of one rule with --operation
    #[arg(long)]
    pub show_doc: bool,
}

/// What the command line asks for.
enum Task {
    Check,
    Edit,
    Ask(Operation, ArgumentFiles),
    Test(Vec<PathBuf>),
    ShowRules(Vec<&'static Rule>),
}

struct ArgumentFiles {
    desired: Option<PathBuf>,
    observed: Option<PathBuf>,
    status: Option<PathBuf>,
    replicas: i64,
}

/// The command line asks for nothing.
#[derive(Debug, thiserror::Error)]
#[error("nothing to do is given")]
struct NoTask;

/// `--edit` of something else than one file.
#[derive(Debug, thiserror::Error)]
#[error("--edit needs one file")]
struct NotOneFile;

/// An operation that is none.
#[derive(Debug, thiserror::Error)]
#[error("operation {name} is not supported. Use one of: {known}")]
struct UnknownOperation {
    name: String,
    known: String,
}

/// What went wrong has been printed.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Reported(String);

/// Checks, asks or tests interpreters.
pub fn run(args: InterpretArgs, context: &Context) -> Result<(), CliError> {
    let filename = args.filename.clone();
    let subdirectories = if args.recursive { Subdirectories::Read } else { Subdirectories::Skipped };
    let printer = &context.printer;
    match task(args)? {
        Task::ShowRules(rules) => printer.data(&show_rules(&rules)),
        Task::Check => check_files(&filename, subdirectories, printer),
        Task::Edit => edit(&filename, printer),
        Task::Ask(operation, files) => {
            let layers = if filename.is_empty() {
                // DEVIATION: upstream refuses to answer without a customization.
                Layers::built_in()
            } else {
                // As upstream: who names customizations wants their answer and no other.
                let files = read_customizations(&filename, subdirectories).map_err(explain)?;
                Layers::customized(&files, print_to(printer))
            };
            ask_one(operation, files, &layers, printer)
        }
        Task::Test(tests) => {
            let files = read_customizations(&filename, subdirectories).map_err(explain)?;
            let layers = Layers::customized(&files, print_to(printer)).followed_by(Layers::built_in());
            test(&tests, subdirectories, &layers, printer)
        }
    }
}

fn task(args: InterpretArgs) -> Result<Task, CliError> {
    let InterpretArgs {
        filename,
        recursive: _,
        check,
        edit,
        operation,
        desired_file,
        observed_file,
        status_file,
        desired_replica,
        test,
        show_doc,
    } = args;
    let operation = operation.map(|name| parse_operation(&name)).transpose()?;
    if show_doc {
        let rules = operation.map_or_else(|| RULES.iter().collect(), |operation| vec![rule(operation)]);
        return Ok(Task::ShowRules(rules));
    }
    if !test.is_empty() {
        return Ok(Task::Test(test));
    }
    if filename.is_empty() && (check || edit || operation.is_none()) {
        return Err(CliError::failed(Reported(NOTHING_GIVEN.to_owned())));
    }
    if check {
        return Ok(Task::Check);
    }
    if edit {
        return Ok(Task::Edit);
    }
    let Some(operation) = operation else {
        return Err(
            CliError::usage(NoTask).with_hint("add --check, --edit, --operation, --test or --show-doc")
        );
    };
    let files = ArgumentFiles {
        desired: desired_file,
        observed: observed_file,
        status: status_file,
        replicas: desired_replica,
    };
    Ok(Task::Ask(operation, files))
}

/// Lets scripts print to stdout, as whoever tries them out expects.
fn print_to(printer: &Printer) -> Print {
    let printer = printer.clone();
    Arc::new(move |line| {
        // A reader that is gone ends the command at the next line of its own.
        printer.line(line).ok();
    })
}

fn parse_operation(name: &str) -> Result<Operation, CliError> {
    operation_named(name).ok_or_else(|| {
        let known = RULES.map(|rule| rule.operation.name()).join(", ");
        CliError::failed(UnknownOperation { name: name.to_owned(), known })
    })
}

fn check_files(
    filename: &[PathBuf],
    subdirectories: Subdirectories,
    printer: &Printer,
) -> Result<(), CliError> {
    let engine = script_engine();
    let mut broken = 0;
    for file in read_customizations(filename, subdirectories).map_err(explain)? {
        let checked = check(&file, &engine);
        broken += usize::from(!checked.is_good());
        printer.data(&checked.show())?;
    }
    if broken == 0 { Ok(()) } else { Err(reported("a script does not load")) }
}

fn edit(filename: &[PathBuf], printer: &Printer) -> Result<(), CliError> {
    let [path] = filename else { return Err(CliError::usage(NotOneFile)) };
    if path.as_os_str() == "-" || path.is_dir() {
        return Err(CliError::usage(NotOneFile));
    }
    match edit_file(path, editor_command()) {
        Ok(FileEdit::Saved) => printer.line(&format!("{} edited", path.display())),
        Ok(FileEdit::Unchanged) => {
            printer.progress("Edit cancelled, no changes made.");
            Ok(())
        }
        Err(error) => {
            let hint = match &error {
                FileEditError::GivenUp { kept, .. } => {
                    Some(format!("your changes are kept in {}", kept.display()))
                }
                _ => None,
            };
            Err(CliError::failed(error).with_hints(hint))
        }
    }
}

fn ask_one(
    operation: Operation,
    files: ArgumentFiles,
    layers: &Layers,
    printer: &Printer,
) -> Result<(), CliError> {
    let arguments = Arguments {
        desired: files.desired.as_deref().map(read_object).transpose().map_err(explain)?,
        observed: files.observed.as_deref().map(read_object).transpose().map_err(explain)?,
        items: files.status.as_deref().map(read_status_items).transpose().map_err(explain)?,
        replicas: files.replicas,
    };
    let answers = arguments.object(operation).and_then(|object| {
        let layer = layers.answering(ObjectKind::of(object), operation).ok_or(AskError::NotEnabled);
        layer.and_then(|layer| ask(layer.interpreter.as_ref(), operation, &arguments, Timestamp::now()))
    });
    let answers = answers.map_err(|error| {
        // DEVIATION: upstream says this too, and exits 0 as if there were an answer.
        printer.progress(&format!("Execute {operation} error: {}", error.explain()));
        reported("there is no answer")
    })?;
    let count = answers.len();
    for (index, answer) in answers.iter().enumerate() {
        printer.line(&format!("---\n# [{}/{count}] {}:", index + 1, answer.name))?;
        if let Some(value) = &answer.value {
            printer.document(value, DocumentFormat::Yaml)?;
        }
    }
    Ok(())
}

fn test(
    tests: &[PathBuf],
    subdirectories: Subdirectories,
    layers: &Layers,
    printer: &Printer,
) -> Result<(), CliError> {
    let cases = read_cases(&read_texts(tests, subdirectories).map_err(explain)?).map_err(explain)?;
    let outcomes = run_cases(&cases, layers);
    let failures = failures(&outcomes);
    printer.data(&format!("{}{failures}", table(&outcomes).render()))?;
    let failed = outcomes.iter().filter(|outcome| !outcome.is_passed()).count();
    printer.progress(&format!("{} passed, {failed} failed", outcomes.len() - failed));
    if failed == 0 { Ok(()) } else { Err(reported("a test case failed")) }
}

/// An error that only sets the exit code.
fn reported(what: &str) -> CliError {
    CliError::new(ErrorKind::Reported, Reported(what.to_owned()))
}

/// Wrong input is misuse, but for a path that is not there: Karmada has a message for it, with exit code 1.
fn explain(error: InputError) -> CliError {
    let hints = error.hints();
    let error = match error {
        InputError::NoSuchPath { .. } | InputError::Manifest(ManifestError::NoSuchPath { .. }) => {
            CliError::failed(error)
        }
        other => CliError::usage(other),
    };
    error.with_hints(hints)
}
