//! `karmadactl completion`.

use clap::Args;
use clap_complete::Shell;

use crate::cli;
use crate::context::Context;
use crate::error::CliError;

const EXAMPLES: &str = "\
Examples:
  # Complete in this shell only
  source <(karmadactl completion bash)

  # Complete in every bash
  karmadactl completion bash > ~/.local/share/bash-completion/completions/karmadactl

  # Complete in every zsh (a directory of $fpath)
  karmadactl completion zsh > \"${fpath[1]}/_karmadactl\"

  # Complete in every fish
  karmadactl completion fish > ~/.config/fish/completions/karmadactl.fish";

/// Print a script that completes commands and flags in a shell
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct CompletionArgs {
    /// Shell to complete in
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
}

/// Prints the script.
pub fn run(args: &CompletionArgs, context: &Context) -> Result<(), CliError> {
    context.printer.data(&script(args.shell))
}

/// Returns the completion script of a shell.
pub fn script(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut cli::definition(), "karmadactl", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn the_committed_scripts_are_current() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../completions");
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::PowerShell, Shell::Elvish] {
            let file = directory.join(match shell {
                Shell::Bash => "karmadactl.bash",
                Shell::Zsh => "_karmadactl",
                Shell::Fish => "karmadactl.fish",
                Shell::PowerShell => "_karmadactl.ps1",
                _ => "karmadactl.elv",
            });
            if std::env::var_os("UPDATE_COMPLETIONS").is_some() {
                std::fs::create_dir_all(&directory).unwrap();
                std::fs::write(&file, script(shell)).unwrap();
            }
            let committed = std::fs::read_to_string(&file).unwrap_or_default();
            assert!(
                committed == script(shell),
                "{} is out of date: run this test with UPDATE_COMPLETIONS=1",
                file.display()
            );
        }
    }
}
