//! `karmadactl options`.

use clap::Args;

use crate::cli;
use crate::context::Context;
use crate::error::CliError;

/// Print the flags that every command takes
#[derive(Args, Debug)]
pub struct OptionsArgs {}

/// Prints the flags.
pub fn run(_args: OptionsArgs, context: &Context) -> Result<(), CliError> {
    context.printer.data(&text())
}

/// Returns the flags that every command takes, with their help.
fn text() -> String {
    let definition = cli::definition();
    let mut only_global = clap::Command::new("karmadactl")
        .disable_help_flag(true)
        .help_template("The following options can be passed to any command:\n\n{options}\n");
    for argument in definition.get_arguments().filter(|argument| argument.is_global_set()) {
        only_global = only_global.arg(argument.clone().help_heading(None::<&str>));
    }
    only_global.render_long_help().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_global_flag_is_listed() {
        let text = text();
        for flag in ["--kubeconfig <PATH>", "--karmada-context <NAME>", "--log <FILTER>"] {
            assert!(text.contains(flag), "{flag} is missing in\n{text}");
        }
        assert!(!text.contains("--help"), "{text}");
    }
}
