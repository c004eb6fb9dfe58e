//! What there is to type: commands, flags and their help.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory as _, Parser, Subcommand};

use crate::change::NotABool;
use crate::commands;
use crate::context::ConnectionArgs;
use crate::error::ErrorKind as CliErrorKind;
use crate::printer::{Printer, Stream, colours_wanted};

/// Width help is wrapped at, also where there is no terminal.
const HELP_WIDTH: usize = 100;

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "karmadactl",
    version,
    about = "Run applications across many Kubernetes clusters",
    long_about = "Run applications across many Kubernetes clusters\n\n\
        The same YAML, the same kubectl: a policy says which clusters get an object, and Karmada keeps it there.\n\
        Compatible with Karmada v1.19 on the wire.",
    after_help = "See it work in a few seconds:   karmadactl demo\n\
        Get a control plane to play with: karmadactl local-up",
    max_term_width = HELP_WIDTH,
    disable_help_subcommand = true,
    arg_required_else_help = true,
    // Of a flag that is given twice the last counts, as with kubectl: scripts add flags to those they have.
    args_override_self = true
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,

    #[command(flatten)]
    pub connection: ConnectionArgs,

    /// Set what is logged to stderr, such as info or karmada_controllers=debug
    #[arg(
        long,
        global = true,
        value_name = "FILTER",
        env = "KARMADACTL_LOG",
        default_value = crate::logging::DEFAULT_FILTER,
        help_heading = "Global options"
    )]
    pub log: String,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    Demo(commands::demo::DemoArgs),
    LocalUp(commands::local_up::LocalUpArgs),
    LocalDown(commands::local_down::LocalDownArgs),
    Serve(Box<commands::serve::ServeArgs>),
    Controllers(Box<commands::controllers::ControllersArgs>),
    Init(Box<commands::init::InitArgs>),
    Backup(commands::backup::BackupArgs),
    Restore(commands::restore::RestoreArgs),
    Get(commands::get::GetArgs),
    Propagate(commands::propagate::PropagateArgs),
    Simulate(commands::simulate::SimulateArgs),
    Join(commands::join::JoinArgs),
    Unjoin(commands::unjoin::UnjoinArgs),
    Interpret(commands::interpret::InterpretArgs),
    Cordon(commands::cordon::CordonArgs),
    Uncordon(commands::uncordon::UncordonArgs),
    Taint(commands::taint::TaintArgs),
    Apply(commands::apply::ApplyArgs),
    Create(Box<commands::create::CreateArgs>),
    Delete(commands::delete::DeleteArgs),
    Patch(commands::patch::PatchArgs),
    Label(commands::label::LabelArgs),
    Annotate(commands::annotate::AnnotateArgs),
    Promote(commands::promote::PromoteArgs),
    Edit(commands::edit::EditArgs),
    Status(commands::status::StatusArgs),
    Options(commands::options::OptionsArgs),
    Completion(commands::completion::CompletionArgs),
    Version(commands::version::VersionArgs),
    Describe(commands::describe::DescribeArgs),
    Logs(Box<commands::logs::LogsArgs>),
    Exec(commands::exec::ExecArgs),
    Attach(commands::attach::AttachArgs),
    Top(commands::top::TopArgs),
    ApiResources(commands::api_resources::ApiResourcesArgs),
    ApiVersions(commands::api_versions::ApiVersionsArgs),
    Explain(commands::explain::ExplainArgs),
    Deinit(commands::deinit::DeinitArgs),
    Certs(commands::certs::CertsArgs),
    ControllerManager(Box<commands::controller_manager::ControllerManagerArgs>),
    Scheduler(Box<commands::scheduler::SchedulerCommandArgs>),
    Webhook(Box<commands::webhook::WebhookArgs>),
    AggregatedApiserver(Box<commands::aggregated_apiserver::AggregatedApiserverArgs>),
    Token(commands::token::TokenArgs),
    Register(Box<commands::register::RegisterArgs>),
    Unregister(commands::unregister::UnregisterArgs),
    Agent(Box<commands::agent::AgentArgs>),
}

impl Command {
    /// How the command logs, when it runs for long.
    pub fn logging(&self) -> Option<crate::logging::LoggingArgs> {
        match self {
            Self::Controllers(args) => Some(args.logging),
            Self::Serve(args) => Some(args.logging),
            Self::ControllerManager(args) => Some(args.logging),
            Self::Scheduler(args) => Some(args.logging),
            Self::Webhook(args) => Some(args.logging),
            Self::AggregatedApiserver(args) => Some(args.logging),
            Self::Agent(args) => Some(args.logging),
            _ => None,
        }
    }
}

/// Returns the command line's definition, for help and completions.
pub fn definition() -> clap::Command {
    Cli::command()
}

/// Parses a command line.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    let args: Vec<OsString> = args.into_iter().collect();
    let command = args.iter().skip(1).find(|arg| !arg.as_encoded_bytes().starts_with(b"-"));
    let command = command.map(|command| command.to_string_lossy().into_owned()).unwrap_or_default();
    Cli::try_parse_from(args).map_err(|mut error| {
        error.insert(ContextKind::Custom, ContextValue::String(command));
        error
    })
}

/// Prints what is wrong with a command line (or the help that was asked for) and returns the exit code.
///
/// Where Karmada's own program has a message for the mistake, the message and exit code 1 are
/// kept: scripts check them. Everything else is a usage error.
pub fn report_parse_error(printer: &Printer, error: &clap::Error) -> u8 {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        _ => String::new(),
    };
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let text = if colours_wanted(Stream::Out) {
                error.render().ansi().to_string()
            } else {
                error.render().to_string()
            };
            match printer.data(&text) {
                Ok(()) => 0,
                Err(error) => printer.fail(&error),
            }
        }
        ErrorKind::InvalidSubcommand => {
            let command = text(ContextKind::InvalidSubcommand);
            printer.progress(&format!("error: unknown command {command:?} for \"karmadactl\""));
            if let Some(ContextValue::Strings(similar)) = error.get(ContextKind::SuggestedSubcommand)
                && let Some(similar) = similar.first()
            {
                printer.hint(&format!("did you mean {similar:?}?"));
            }
            CliErrorKind::Failed.exit_code()
        }
        ErrorKind::InvalidValue if text(ContextKind::InvalidArg).starts_with("--operation-scope") => {
            let value = text(ContextKind::InvalidValue);
            printer.progress(&format!(
                "error: invalid argument {value:?} for \"-s, --operation-scope\" flag: not support OperationScope: {value}\n\
                 See 'karmadactl {} --help' for usage.",
                text(ContextKind::Custom),
            ));
            CliErrorKind::Failed.exit_code()
        }
        // These take no `-C`, which others do: a script that says it gets Go's answer.
        ErrorKind::UnknownArgument
            if matches!(text(ContextKind::Custom).as_str(), "exec" | "attach")
                && text(ContextKind::InvalidArg) == "-C" =>
        {
            printer.progress(&format!(
                "error: unknown shorthand flag: 'C' in -C\nSee 'karmadactl {} --help' for usage.",
                text(ContextKind::Custom),
            ));
            CliErrorKind::Failed.exit_code()
        }
        // A script that says `--dry-run=x` where Go wants a truth value gets Go's answer.
        ErrorKind::ValueValidation
            if std::error::Error::source(error).is_some_and(<dyn std::error::Error>::is::<NotABool>) =>
        {
            let reason = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
            let argument = text(ContextKind::InvalidArg);
            let flag = argument.split(['=', '[', ' ']).next().unwrap_or_default();
            printer.progress(&format!(
                "error: invalid argument {:?} for {flag:?} flag: {reason}\nSee 'karmadactl {} --help' for usage.",
                text(ContextKind::InvalidValue),
                text(ContextKind::Custom),
            ));
            CliErrorKind::Failed.exit_code()
        }
        _ => {
            let rendered = error.render();
            let text =
                if colours_wanted(Stream::Err) { rendered.ansi().to_string() } else { rendered.to_string() };
            printer.progress(text.trim_end());
            CliErrorKind::Usage.exit_code()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    fn report(args: &[&str]) -> (u8, String, String) {
        let (printer, captured) = Printer::captured();
        let error = parse(args.iter().map(OsString::from)).unwrap_err();
        (report_parse_error(&printer, &error), captured.stdout(), captured.stderr())
    }

    #[test]
    fn mistakes_that_karmadas_own_program_knows_keep_their_message() {
        assert_eq!(
            report(&["karmadactl", "nosuch"]),
            (1, String::new(), "error: unknown command \"nosuch\" for \"karmadactl\"\n".into())
        );
        assert_eq!(
            report(&["karmadactl", "get", "pods", "--operation-scope=bogus"]),
            (
                1,
                String::new(),
                "error: invalid argument \"bogus\" for \"-s, --operation-scope\" flag: not support OperationScope: bogus\n\
                 See 'karmadactl get --help' for usage.\n"
                    .into()
            )
        );
    }

    #[test]
    fn other_mistakes_are_usage_errors_and_help_is_data() {
        let (code, out, err) = report(&["karmadactl", "get", "--nope"]);
        assert_eq!((code, out.as_str()), (2, ""));
        assert!(err.starts_with("error: unexpected argument '--nope' found"), "{err}");
        let (code, out, err) = report(&["karmadactl", "get", "--help"]);
        assert_eq!((code, err.as_str()), (0, ""));
        assert!(out.contains("Usage: karmadactl get"), "{out}");
        assert_eq!(report(&["karmadactl", "propagte"]).2.lines().count(), 2);
    }

    #[test]
    fn the_definition_is_consistent() {
        definition().debug_assert();
    }

    /// Help of a command and all below it.
    fn help_tree(command: &mut clap::Command, tree: &mut String) {
        let name = command.get_bin_name().unwrap_or_default().to_owned();
        let help = command.render_long_help();
        writeln!(tree, "===== {name}\n{help}").unwrap();
        for sub in command.get_subcommands_mut() {
            help_tree(sub, tree);
        }
    }

    #[test]
    fn the_help_of_all_commands_is_reviewed() {
        let mut definition = definition().term_width(HELP_WIDTH);
        definition.build();
        let mut tree = String::new();
        help_tree(&mut definition, &mut tree);
        insta::with_settings!({ filters => vec![(r"karmadactl \d+\.\d+\.\d+", "karmadactl <version>")] }, {
            insta::assert_snapshot!("help", tree);
        });
    }
}
