//! Steps that run `karmadactl`: the program beside this one, with kubeconfigs of the scenario's servers.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;

use super::fleet::CONTROL_PLANE;
use super::normalise::Identifiers;
use crate::process::program_under_test;

/// How long a command may take.
const PATIENCE: Duration = Duration::from_mins(1);
/// Flags of upstream that are deliberately absent, of one command or of all, each with the way to do without.
const ABSENT_FLAGS: [(&str, &str, &str); 15] = [
    ("", "--template", "Go templates"),
    ("", "--allow-missing-template-keys", "Go templates"),
    ("", "--windows-line-endings", "line ends are those of the file"),
    ("apply", "--openapi-patch", "lists always merge by the built-in schemas"),
    ("apply", "--prune", "`delete -l` says what goes"),
    ("apply", "--prune-allowlist", "see --prune"),
    ("apply", "--all", "see --prune"),
    ("apply", "--wait", "see --prune"),
    ("apply", "--cascade", "see --prune"),
    ("apply", "--grace-period", "see --prune"),
    ("apply", "--timeout", "see --prune"),
    ("apply", "--overwrite", "what the file says is always applied"),
    ("interpret", "-o", "the file is edited as it is written"),
    ("interpret", "--output", "see -o"),
    ("interpret", "--show-managed-fields", "see -o"),
];

/// How lines begin that are not part of an answer.
const ASIDES: [&str; 4] =
    ["hint: ", "note: ", "Waiting for the cluster object ", "Removing the credentials of Karmada "];

/// `karmadactl` and the files that its arguments name.
#[derive(Debug)]
pub struct Program {
    home: TempDir,
    /// What scenarios call a file, and its path; longer names first.
    places: Vec<(String, PathBuf)>,
}

/// What became of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepOutcome {
    Same,
    /// It differs by a rule.
    Differs(String),
    /// This program does not have the command (yet).
    NoCommand(String),
}

/// What a command said.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    code: i64,
    stdout: String,
    stderr: String,
}

impl Program {
    /// Writes the kubeconfigs of servers.
    pub fn new(kubeconfigs: &BTreeMap<String, Value>) -> std::io::Result<Self> {
        let home = tempfile::tempdir()?;
        let mut places = Vec::new();
        for (server, kubeconfig) in kubeconfigs {
            let name = if server == CONTROL_PLANE {
                "$KARMADA".to_owned()
            } else {
                format!("${}", server.to_uppercase())
            };
            let path = home.path().join(format!("{server}.config"));
            std::fs::write(&path, kubeconfig.to_string())?;
            places.push((name, path));
        }
        places.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        Ok(Self { home, places })
    }

    /// Runs the command of a step and compares what it says with what was recorded.
    pub async fn step(&self, step: &Value, identifiers: &Identifiers) -> Result<StepOutcome, String> {
        let arguments: Vec<&str> =
            step["args"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let definition = karmadactl::cli::definition();
        let Some(command) = find_command(&definition, &arguments) else {
            let first = arguments.first().copied().unwrap_or_default();
            let unknown = format!("unknown command {first:?} for \"karmadactl\"");
            if step["stderr"].as_str().unwrap_or_default().contains(&unknown) {
                return self.compare(step, &arguments, identifiers).await;
            }
            return Ok(StepOutcome::NoCommand(first.to_owned()));
        };
        if arguments.contains(&"--help") {
            return check_help(command, step["stdout"].as_str().unwrap_or_default());
        }
        self.compare(step, &arguments, identifiers).await
    }

    async fn compare(
        &self,
        step: &Value,
        arguments: &[&str],
        identifiers: &Identifiers,
    ) -> Result<StepOutcome, String> {
        let output = self.run(step, arguments).await.map_err(|error| format!("{arguments:?}: {error}"))?;
        let text = |bytes: &[u8]| self.normalise(&String::from_utf8_lossy(bytes), identifiers);
        let said = Said {
            code: output.status.code().map_or(-1, i64::from),
            stdout: text(&output.stdout),
            stderr: without_advice(&text(&output.stderr)),
        };
        let recorded = |field: &str| step[field].as_str().unwrap_or_default().to_owned();
        let expected = Said {
            code: step["exitCode"].as_i64().unwrap_or_default(),
            stdout: recorded("stdout"),
            stderr: without_log_headers(&recorded("stderr")),
        };
        compare(arguments, step, &expected, &said)
            .map_err(|difference| format!("{arguments:?}: {difference}"))
    }

    async fn run(&self, step: &Value, arguments: &[&str]) -> std::io::Result<Output> {
        for (name, content) in step["files"].as_object().into_iter().flatten() {
            let mut file = std::fs::File::create(self.home.path().join(name))?;
            file.write_all(content.as_str().unwrap_or_default().as_bytes())?;
        }
        let arguments = arguments.iter().map(|argument| self.resolve(argument));
        let mut child = tokio::process::Command::new(program_under_test()?)
            .args(arguments)
            .env_remove("KUBECONFIG")
            .env_remove("KARMADACTL_LOG")
            .env("HOME", self.home.path())
            .current_dir(self.home.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            // A command that reads nothing may be gone already.
            drop(stdin.write_all(step["stdin"].as_str().unwrap_or_default().as_bytes()).await);
        }
        match tokio::time::timeout(PATIENCE, child.wait_with_output()).await {
            Ok(output) => output,
            Err(_) => Err(std::io::Error::from(std::io::ErrorKind::TimedOut)),
        }
    }

    /// Puts paths where scenarios have names.
    fn resolve(&self, argument: &str) -> String {
        let mut resolved = argument.to_owned();
        for (name, path) in &self.places {
            resolved = resolved.replace(name, &path.display().to_string());
        }
        let home = self.home.path().display();
        resolved.replace("$FILE_", &format!("{home}/")).replace("$TMP", &home.to_string())
    }

    /// Puts names where the program has paths, and what the recording has for what differs from run to run.
    fn normalise(&self, text: &str, identifiers: &Identifiers) -> String {
        let mut text = text.to_owned();
        for (name, path) in &self.places {
            text = text.replace(&path.display().to_string(), name);
        }
        text = text.replace(&format!("{}/", self.home.path().display()), "$FILE_");
        identifiers.normalise_text(&text)
    }
}

/// Returns the command that arguments name, and below it as far as they go.
fn find_command<'a>(definition: &'a clap::Command, arguments: &[&str]) -> Option<&'a clap::Command> {
    let (first, rest) = arguments.split_first()?;
    let mut command = definition.find_subcommand(first)?;
    for argument in rest {
        match command.find_subcommand(argument) {
            Some(below) => command = below,
            None => break,
        }
    }
    Some(command)
}

/// Checks that a command has every flag that upstream's help lists; the help itself is worded here.
fn check_help(command: &clap::Command, recorded: &str) -> Result<StepOutcome, String> {
    let global = karmadactl::cli::definition();
    let known: BTreeSet<String> = command
        .get_arguments()
        .chain(global.get_arguments())
        .flat_map(|argument| {
            let longs = argument.get_long_and_visible_aliases().unwrap_or_default();
            let hidden = argument.get_all_aliases().unwrap_or_default();
            let shorts = argument.get_short_and_visible_aliases().unwrap_or_default();
            let words = longs.into_iter().chain(hidden).map(|long| format!("--{long}"));
            words.chain(shorts.into_iter().map(|short| format!("-{short}"))).collect::<Vec<_>>()
        })
        .collect();
    let mut missing = Vec::new();
    for line in recorded.lines().filter(|line| line.starts_with("    -")) {
        for flag in line.trim().split(", ") {
            let flag = flag.split(['=', ':']).next().unwrap_or(flag);
            let is_absent = ABSENT_FLAGS.iter().any(|(place, absent, _)| {
                flag == *absent && (place.is_empty() || command.get_name() == *place)
            });
            if !known.contains(flag) && !is_absent {
                missing.push(flag.to_owned());
            }
        }
    }
    if missing.is_empty() {
        return Ok(StepOutcome::Differs("help is worded here".to_owned()));
    }
    Err(format!("{} has no {}", command.get_name(), missing.join(", ")))
}

fn compare(arguments: &[&str], step: &Value, expected: &Said, said: &Said) -> Result<StepOutcome, String> {
    let describe = |what: &str| Err(format!("{what}\nexpected: {expected:#?}\ngot: {said:#?}"));
    if expected.stderr.contains("failed to download openapi") {
        // The recording's server could not serve its schemas; a server that can lets the command do its work.
        return if said.code == 0 {
            Ok(StepOutcome::Differs("the recording's server had no schemas".to_owned()))
        } else {
            describe("the command failed")
        };
    }
    let is_failed_operation = arguments.first() == Some(&"interpret") && said.stderr.starts_with("Execute ");
    if is_failed_operation && said.code == 1 && same_text(&expected.stderr, &said.stderr, false) {
        return Ok(StepOutcome::Differs("an operation that fails fails the command".to_owned()));
    }
    // Upstream's words for what is wrong with a script, or with what it returned.
    let about_script = [" error: <string>", " error: expect the returned "];
    let is_about_script = about_script.iter().any(|words| expected.stderr.contains(words));
    let operation = |text: &str| text.split(" error: ").next().map(str::to_owned);
    let same_operation = operation(&expected.stderr) == operation(&said.stderr);
    if is_failed_operation
        && said.code == 1
        && is_about_script
        && same_operation
        && said.stderr.contains(" of customization \"")
        && said.stdout == expected.stdout
    {
        return Ok(StepOutcome::Differs("an error of a script names the customization".to_owned()));
    }
    // The recording shows where the script noticed that it was given nothing.
    let names_a_missing_file = said.stderr.ends_with("options are not set\n");
    if is_failed_operation && names_a_missing_file && expected.stderr.contains("stack traceback:") {
        return Ok(StepOutcome::Differs("a file that an operation needs is named".to_owned()));
    }
    let is_dry_join = arguments.first() == Some(&"join") && arguments.contains(&"--dry-run");
    if is_dry_join && expected.stderr.contains("context deadline exceeded") && said.code == 0 {
        return Ok(StepOutcome::Differs("a dry run of a join waits for no token".to_owned()));
    }
    if expected.code != said.code {
        return describe("exit code");
    }
    let unstable: Vec<&str> =
        step["unstable"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let is_unordered = arguments.first() == Some(&"top")
        || arguments.iter().any(|argument| {
            matches!(*argument, "--operation-scope=all" | "--operation-scope=members" | "all" | "members")
        });
    let same = |expected: &str, said: &str| {
        same_text(expected, said, is_unordered) || same_documents(expected, said)
    };
    if !unstable.contains(&"stdout") && !same(&expected.stdout, &said.stdout) {
        let rest = |text: &str| text.lines().map(before_script_error).collect::<Vec<_>>().join("\n");
        let names_place = said.stdout.contains("ERROR: line ") && said.stdout.contains("(script at ");
        if names_place && same(&rest(&expected.stdout), &rest(&said.stdout)) {
            return Ok(StepOutcome::Differs(
                "a script's syntax error names its place in the file".to_owned(),
            ));
        }
        return describe("stdout");
    }
    if !unstable.contains(&"stderr") && !same(&expected.stderr, &said.stderr) {
        if same(&format!("error: {}", expected.stderr), &said.stderr) {
            return Ok(StepOutcome::Differs("every error begins with `error:`".to_owned()));
        }
        let syntax = "error converting YAML to JSON: yaml:";
        if let Some((before, _)) = expected.stderr.split_once(syntax)
            && said.stderr.starts_with(before.trim_end_matches(": "))
        {
            return Ok(StepOutcome::Differs("syntax errors name line and column".to_owned()));
        }
        return describe("stderr");
    }
    Ok(StepOutcome::Same)
}

/// Cuts off what is wrong with a script: the two interpreters of Lua have their own words for it.
fn before_script_error(line: &str) -> &str {
    line.find("ERROR: ").map_or(line, |at| &line[..at + "ERROR:".len()])
}

/// Compares lines, runs of blanks as one.
fn same_text(expected: &str, said: &str, is_unordered: bool) -> bool {
    let lines = |text: &str| {
        let mut lines: Vec<String> = text
            .trim_end()
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        if is_unordered {
            lines.sort();
        }
        lines
    };
    let (expected, said) = (lines(expected), lines(said));
    expected.len() == said.len()
        && expected.iter().zip(&said).all(|(expected, said)| same_line(expected, said))
}

/// Compares words; what looks like an age was recorded as one.
fn same_line(expected: &str, said: &str) -> bool {
    let is_age =
        |word: &str| word.starts_with(|c: char| c.is_ascii_digit()) && word.ends_with(['s', 'm', 'h', 'd']);
    expected == said
        || (expected.split(' ').count() == said.split(' ').count()
            && expected.split(' ').zip(said.split(' ')).all(|(a, b)| a == b || (a == "<age>" && is_age(b))))
}

/// Compares JSON values one after the other, whatever the order of their keys.
fn same_documents(expected: &str, said: &str) -> bool {
    let read = |text: &str| {
        serde_json::Deserializer::from_str(text).into_iter::<Value>().collect::<Result<Vec<_>, _>>().ok()
    };
    match (read(expected), read(said)) {
        (Some(expected), Some(said)) => !expected.is_empty() && expected == said,
        _ => false,
    }
}

/// Takes away the lines that advise, and those that tell what goes on: upstream has none, or logs them.
fn without_advice(stderr: &str) -> String {
    let is_aside = |line: &str| ASIDES.iter().any(|start| line.starts_with(start));
    stderr.split_inclusive('\n').filter(|line| !is_aside(line)).collect()
}

/// Takes upstream's log lines for what they say: warnings are warnings, all else is not for users.
fn without_log_headers(stderr: &str) -> String {
    let line = |line: &str| {
        let message = line.split_once("] ").map_or(line, |(_, message)| message);
        if line.starts_with("W<klog>") {
            Some(format!("warning: {message}\n"))
        } else if line.starts_with("I<klog>") {
            None
        } else {
            Some(format!("{line}\n"))
        }
    };
    stderr.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(code: i64, stdout: &str, stderr: &str) -> Said {
        Said { code, stdout: stdout.into(), stderr: stderr.into() }
    }

    #[test]
    fn blanks_and_the_order_of_keys_are_free() {
        let check = |expected: &str, got: &str| {
            compare(&["get"], &json!({}), &said(0, expected, ""), &said(0, got, "")).is_ok()
        };
        assert!(check("A   B\n", "A B\n"));
        assert!(check("{\"a\": 1, \"b\": 2}\n{}\n", "{\"b\":2,\"a\":1}{}"));
        assert!(!check("A B\n", "A C\n"));
        assert!(!check("", "x\n"));
    }

    #[test]
    fn advice_and_log_headers_are_not_compared() {
        assert_eq!(without_advice("Waiting for the cluster object m\nerror: x\nhint: y\n"), "error: x\n");
        assert_eq!(
            without_log_headers("W<klog> a.go:1] careful\nI<klog> b.go:2] noise\nx\n"),
            "warning: careful\nx\n"
        );
    }

    #[test]
    fn help_is_compared_by_its_flags() {
        let command = clap::Command::new("x").arg(clap::Arg::new("all").long("all").short('A'));
        assert!(check_help(&command, "Options:\n    -A, --all=false:\n\tAll.\n").is_ok());
        assert_eq!(check_help(&command, "    --none='':\n").unwrap_err(), "x has no --none");
    }
}
