//! What the components have in common: addresses, a control plane that may start later than they do, and flags of
//! upstream's programs that have no effect here.

use std::marker::PhantomData;
use std::time::{Duration, Instant};

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

use super::controllers::{BindAddress, told_to_stop};
use crate::api_error::ApiError;
use crate::context::{Context, ControlPlane};
use crate::error::{CliError, chain_line};
use crate::printer::Printer;
use crate::raw;

/// How long a component waits for its control plane: shorter than a pod may take until it is healthy.
const PATIENCE: Duration = Duration::from_mins(4);
/// Pause before it asks again.
const PAUSE: Duration = Duration::from_secs(1);

/// Connects to the control plane once it answers; nothing when the process is told to stop before.
///
/// API servers and names may come later than components, or go for a moment: a process that ended then would be started
/// again after longer and longer times.
///
/// # Errors
/// When there is no usable kubeconfig, or the control plane does not answer for long.
pub(super) async fn connect(context: &Context) -> Result<Option<ControlPlane>, CliError> {
    let server = context.connection.connect().await?;
    let answered = tokio::select! {
        answered = until_it_answers(&server) => answered,
        () = told_to_stop() => return Ok(None),
    };
    match answered {
        Ok(()) => Ok(Some(server)),
        Err(error) => Err(server.explain(error)),
    }
}

async fn until_it_answers(server: &ControlPlane) -> Result<(), ApiError> {
    let started = Instant::now();
    let mut said = String::new();
    loop {
        match raw::read(&server.client, "/version").await {
            Err(error) if error.is_unreachable() || error.is_momentary() => {
                if started.elapsed() >= PATIENCE {
                    return Err(error);
                }
                let seen = chain_line(&error);
                if seen != said {
                    tracing::warn!(server = server.server, error = seen, "no answer yet, will retry");
                    said = seen;
                }
                tokio::time::sleep(PAUSE).await;
            }
            // What else it says is up to those who ask for more.
            Ok(_) | Err(_) => return Ok(()),
        }
    }
}

/// Reads an address; a port alone is on every interface, since probes and scrapes come from other machines.
pub(super) fn parse_open_address(text: &str) -> Result<BindAddress, String> {
    if text == "0" || text.is_empty() {
        return Ok(BindAddress(None));
    }
    let full = if text.starts_with(':') { format!("0.0.0.0{text}") } else { text.to_owned() };
    match full.parse() {
        Ok(address) => Ok(BindAddress(Some(address))),
        Err(_) => Err(format!("{text:?} is not an address such as 0.0.0.0:8080, :8080 or 0 for none")),
    }
}

/// What a flag takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// A truth value, or nothing.
    Bool,
    Value,
}

/// Flags of one of upstream's programs that mean nothing here.
pub trait FlagsWithoutEffect: Clone + Send + Sync + std::fmt::Debug + 'static {
    const FLAGS: &'static [(&'static str, Takes)];
}

/// Flags that every one of upstream's programs has and that mean nothing here.
const COMMON: &[(&str, Takes)] = &[
    ("enable-pprof", Takes::Bool),
    ("profiling-bind-address", Takes::Value),
    ("vmodule", Takes::Value),
    ("log-flush-frequency", Takes::Value),
    ("log-json-info-buffer-size", Takes::Value),
    ("log-json-split-stream", Takes::Bool),
    ("log-text-info-buffer-size", Takes::Value),
    ("log-text-split-stream", Takes::Bool),
    ("add-dir-header", Takes::Bool),
    ("alsologtostderr", Takes::Bool),
    ("log-backtrace-at", Takes::Value),
    ("log-dir", Takes::Value),
    ("log-file", Takes::Value),
    ("log-file-max-size", Takes::Value),
    ("logtostderr", Takes::Bool),
    ("one-output", Takes::Bool),
    ("skip-headers", Takes::Bool),
    ("skip-log-headers", Takes::Bool),
    ("stderrthreshold", Takes::Value),
];

/// The flags without effect that were given. They are accepted, so that manifests of upstream's programs work.
#[derive(Clone, Debug)]
pub struct WithoutEffect<T> {
    given: Vec<&'static str>,
    table: PhantomData<T>,
}

impl<T: FlagsWithoutEffect> WithoutEffect<T> {
    fn flags() -> impl Iterator<Item = (&'static str, Takes)> {
        T::FLAGS.iter().chain(COMMON).copied()
    }

    /// Says which flags have no effect, on one line.
    pub(super) fn tell(&self, printer: &Printer) {
        if !self.given.is_empty() {
            let flags: Vec<String> = self.given.iter().map(|flag| format!("--{flag}")).collect();
            printer.warning(&format!("without effect here: {}", flags.join(", ")));
        }
    }
}

impl<T: FlagsWithoutEffect> FromArgMatches for WithoutEffect<T> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = Self::flags().map(|(flag, _)| flag).filter(|flag| {
            matches.ids().any(|id| id.as_str() == *flag)
                && matches.value_source(flag) == Some(ValueSource::CommandLine)
        });
        Ok(Self { given: given.collect(), table: PhantomData })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl<T: FlagsWithoutEffect> Args for WithoutEffect<T> {
    fn augment_args(mut command: Command) -> Command {
        for (flag, takes) in Self::flags() {
            // One that has an effect by now needs no place here.
            if command.get_arguments().any(|argument| argument.get_long() == Some(flag)) {
                continue;
            }
            let argument = Arg::new(flag).long(flag).hide(true).action(ArgAction::Append);
            command = command.arg(match takes {
                Takes::Bool => argument.num_args(0..=1).require_equals(true).default_missing_value("true"),
                Takes::Value => argument.num_args(1).allow_hyphen_values(true),
            });
        }
        command
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Clone, Debug)]
    struct Table;

    impl FlagsWithoutEffect for Table {
        const FLAGS: &'static [(&'static str, Takes)] =
            &[("kept", Takes::Value), ("resync-period", Takes::Value)];
    }

    #[derive(Debug, Parser)]
    struct Line {
        #[arg(long)]
        kept: Option<String>,
        #[command(flatten)]
        others: WithoutEffect<Table>,
    }

    #[test]
    fn flags_without_effect_are_accepted_and_named() {
        let line = Line::try_parse_from([
            "x",
            "--kept=1",
            "--enable-pprof",
            "--resync-period",
            "0",
            "--logtostderr=false",
        ])
        .unwrap();
        assert_eq!(line.kept.as_deref(), Some("1"));
        assert_eq!(line.others.given, ["resync-period", "enable-pprof", "logtostderr"]);
        let (printer, captured) = Printer::captured();
        line.others.tell(&printer);
        assert_eq!(
            captured.stderr(),
            "warning: without effect here: --resync-period, --enable-pprof, --logtostderr\n"
        );
        assert!(Line::try_parse_from(["x", "--nope"]).is_err());
    }

    #[test]
    fn a_port_alone_is_on_every_interface() {
        assert_eq!(parse_open_address(":10357"), Ok(BindAddress(Some(([0, 0, 0, 0], 10357).into()))));
        assert_eq!(parse_open_address("0"), Ok(BindAddress(None)));
        assert!(parse_open_address("nowhere").is_err());
    }
}
