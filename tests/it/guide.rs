//! The pages of the guide: their commands are run, and print what the pages say.
//!
//! In a `console` block, `$ ` begins a command and `> ` continues it. What follows is its output: `<...>` stands for
//! something without blanks, a line `...` for any lines. A command that only looks is repeated until it prints that,
//! because a control plane takes its time; others are run once and must succeed.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail where they stand, like tests")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use regex_lite::Regex;

/// Longest time until a command prints what its page says.
const PATIENCE: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(100);
/// Commands that change nothing.
const LOOKS: [&str; 5] =
    ["kubectl get", "karmadactl get", "karmadactl status", "kubectl --kubeconfig", "karmadactl simulate"];

#[test]
fn the_quick_start_works_as_written() {
    check("quick-start");
}

#[test]
fn the_page_on_propagation_works_as_written() {
    check("propagation");
}

#[test]
fn the_page_on_overrides_works_as_written() {
    check("overrides");
}

#[test]
fn the_page_on_scheduling_works_as_written() {
    check("scheduling");
}

#[test]
fn the_page_on_simulated_members_works_as_written() {
    check("simulated-members");
}

#[test]
fn the_page_on_production_works_as_written() {
    check("production");
}

#[test]
fn the_functions_that_a_deployment_passes_are_where_the_architecture_says() {
    let page = std::fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    let (_, walk) = page.split_once("## One Deployment, from room to room").unwrap();
    let (walk, _) = walk.split_once("\n## ").unwrap();
    let mut found = 0;
    for row in walk.lines().filter(|line| line.starts_with("| ")) {
        let mut cells = row.split('|').skip(2);
        let (file, functions) = (cells.next().unwrap().trim(), cells.next().unwrap());
        if !file.starts_with('`') {
            continue;
        }
        let source = std::fs::read_to_string(root().join(file.trim_matches('`'))).unwrap();
        for function in functions.split(',').map(|name| name.trim().trim_matches('`')) {
            let defined = [format!("fn {function}("), format!("fn {function}<")];
            assert!(defined.iter().any(|text| source.contains(text)), "{file} has no function {function}");
            found += 1;
        }
    }
    assert!(found >= 20, "{found}");
}

#[test]
fn every_page_of_the_guide_is_tested() {
    let source = include_str!("guide.rs");
    for entry in std::fs::read_dir(root().join("docs/guide")).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().trim_end_matches(".md").to_owned();
        assert!(source.contains(&format!("check(\"{name}\")")), "no test runs docs/guide/{name}.md");
    }
}

/// A command of a page, and what it prints.
pub(crate) struct Step {
    line: usize,
    pub(crate) command: String,
    output: Vec<String>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Reads a page of the guide.
pub(crate) fn page(name: &str) -> String {
    std::fs::read_to_string(root().join(format!("docs/guide/{name}.md"))).unwrap()
}

/// Returns the commands of the blocks of a page that begin with a line.
pub(crate) fn steps(page: &str, fence: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut inside = false;
    for (index, line) in page.lines().enumerate() {
        if line.starts_with("```") {
            inside = line == fence;
            continue;
        }
        if !inside {
            continue;
        }
        if let Some(command) = line.strip_prefix("$ ") {
            steps.push(Step { line: index + 1, command: command.to_owned(), output: Vec::new() });
        } else if let Some(step) = steps.last_mut() {
            match line.strip_prefix("> ") {
                Some(more) if step.output.is_empty() => {
                    step.command.push('\n');
                    step.command.push_str(more);
                }
                _ => step.output.push(line.to_owned()),
            }
        }
    }
    steps
}

/// A page's directory and control plane, ended with the test.
pub(crate) struct Page {
    name: String,
    pub(crate) directory: tempfile::TempDir,
    exports: String,
}

impl Drop for Page {
    fn drop(&mut self) {
        let down = Command::new(env!("CARGO_BIN_EXE_karmadactl-under-test"))
            .args(["local-down", "--data-dir", "karmada"])
            .current_dir(self.directory.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        drop(down);
    }
}

impl Page {
    /// A directory with the program and the samples.
    pub(crate) fn new(name: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("bin")).unwrap();
        let link =
            |from: &Path, to: &str| std::os::unix::fs::symlink(from, directory.path().join(to)).unwrap();
        link(Path::new(env!("CARGO_BIN_EXE_karmadactl-under-test")), "bin/karmadactl");
        link(&root().join("samples").canonicalize().unwrap(), "samples");
        Self { name: name.to_owned(), directory, exports: String::new() }
    }

    /// What commands say is printed where they say it, between their output.
    pub(crate) fn with_one_stream(mut self) -> Self {
        self.exports.push_str("exec 2>&1\n");
        self
    }

    /// Runs a command, which must print what the page says.
    pub(crate) fn follow(&mut self, step: &Step) {
        if step.command.starts_with("export ") {
            self.exports.push_str(&step.command);
            self.exports.push('\n');
            return;
        }
        let is_look = LOOKS.iter().any(|look| step.command.starts_with(look));
        let deadline = Instant::now() + PATIENCE;
        loop {
            let (succeeded, printed) = self.run(&step.command);
            let expected = step.output.join("\n");
            if succeeded && (step.output.is_empty() || is_as_written(&step.output, &printed)) {
                return;
            }
            assert!(
                is_look && Instant::now() <= deadline,
                "docs/guide/{}.md:{}: {}\n--- written\n{expected}\n--- printed\n{printed}",
                self.name,
                step.line,
                step.command
            );
            std::thread::sleep(PAUSE);
        }
    }

    fn run(&self, command: &str) -> (bool, String) {
        let path = format!(
            "{}:{}",
            self.directory.path().join("bin").display(),
            std::env::var("PATH").unwrap_or_default()
        );
        let output = Command::new("bash")
            .arg("-c")
            .arg(format!("{}{command}", self.exports))
            .current_dir(self.directory.path())
            .env("PATH", path)
            .env("HOME", self.directory.path())
            .env_remove("KUBECONFIG")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
        (output.status.success(), text)
    }
}

fn check(name: &str) {
    if Command::new("kubectl").args(["version", "--client"]).output().is_err() {
        let mut stderr = std::io::stderr();
        writeln!(stderr, "skipped: guide page {name} (kubectl is not on the PATH)").unwrap();
        return;
    }
    let mut shell = Page::new(name);
    for step in steps(&page(name), "```console") {
        shell.follow(&step);
    }
}

fn is_as_written(written: &[String], printed: &str) -> bool {
    let printed: Vec<String> = printed.lines().map(collapse).filter(|line| !line.is_empty()).collect();
    let written: Vec<&String> = written.iter().filter(|line| !line.trim().is_empty()).collect();
    matches(&written, &printed)
}

fn matches(written: &[&String], printed: &[String]) -> bool {
    match written.split_first() {
        None => printed.is_empty(),
        Some((first, rest)) if first.as_str() == "..." => {
            (0..=printed.len()).any(|skipped| matches(rest, &printed[skipped..]))
        }
        Some((first, rest)) => {
            printed.first().is_some_and(|line| pattern(first).is_match(line)) && matches(rest, &printed[1..])
        }
    }
}

fn collapse(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The pattern of a written line: `<...>` stands for anything without blanks, and an age for any age.
fn pattern(written: &str) -> Regex {
    let age = Regex::new(r"^(\d+[dhms])+$").unwrap();
    let placeholder = Regex::new("<[^>]*>").unwrap();
    let cells: Vec<String> = written
        .split_whitespace()
        .map(|cell| {
            if age.is_match(cell) {
                return r"(\d+(ms|d|h|m|s))+".to_owned();
            }
            let mut pattern = String::new();
            let mut end = 0;
            for found in placeholder.find_iter(cell) {
                pattern.push_str(&regex_lite::escape(&cell[end..found.start()]));
                pattern.push_str(r"\S+");
                end = found.end();
            }
            pattern.push_str(&regex_lite::escape(&cell[end..]));
            pattern
        })
        .collect();
    Regex::new(&format!("^{}$", cells.join(" "))).unwrap()
}

#[test]
fn a_written_output_matches_what_is_printed() {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    assert!(is_as_written(&lines("NAME   AGE\nweb-<id>  3s"), "NAME AGE\nweb-x7 1m2s\n"));
    assert!(is_as_written(&lines("a\n...\nz"), "a\nb\nc\nz\n"));
    assert!(is_as_written(&lines("..."), ""));
    assert!(!is_as_written(&lines("a"), "a\nb\n"));
    assert!(!is_as_written(&lines("web-<id>"), "web- x\n"));
}
