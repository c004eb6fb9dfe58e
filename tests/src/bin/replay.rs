//! Replays directories of recorded cases and says which pass.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::num::NonZero;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use karmada_tests::replay::categories::{Bound, Variant};
use karmada_tests::replay::driver::{Progress, Selection, Stop};
use karmada_tests::replay::report::Counts;
use karmada_tests::replay::{Outcome, categories, driver, passing, report, vectors};
use karmada_tests::rig::Binaries;

/// Replay recorded cases against this implementation
///
/// Exits with 0 when nothing failed, 1 when a case failed, 2 on bad usage.
#[derive(Debug, Parser)]
#[command(name = "replay")]
struct Args {
    /// Only run this category (can be repeated)
    #[arg(long, value_name = "NAME")]
    category: Vec<String>,
    /// Only run cases whose id contains this text (can be repeated)
    #[arg(long, value_name = "TEXT")]
    name: Vec<String>,
    /// Stop at the first failing case
    #[arg(long)]
    fail_fast: bool,
    /// Run this many cases at once instead of what suits the category
    #[arg(long, value_name = "COUNT")]
    jobs: Option<NonZero<usize>>,
    /// Begin no case later than this many seconds after the start; what is left counts as skipped
    #[arg(long, value_name = "SECONDS")]
    within: Option<u64>,
    /// Show this many failing cases of a category
    #[arg(long, value_name = "COUNT", default_value_t = report::MAX_FAILURES)]
    show: usize,
    /// Add the cases that pass to the lists that `cargo test` checks; never removes one
    #[arg(long)]
    write_list: bool,
    /// Replay on real kube-apiservers, which Go builds on the first use: of `apiserver` that proves the comparison, `e2e` runs our control loops there
    #[arg(long)]
    rig: bool,
    /// Kubernetes release of the members on the rig: a folder of tests/rig/members
    #[arg(long, value_name = "RELEASE", requires = "rig")]
    member_release: Option<String>,
    /// Replay `e2e` with an agent for each member (pull mode)
    #[arg(long, conflicts_with_all = ["rig", "write_list"])]
    pull: bool,
    /// Take `e2e` over from upstream: start our loops over every recorded state, and carry the scenario on
    #[arg(long, conflicts_with_all = ["rig", "write_list"])]
    take_over: bool,
    /// A category's folder, or a folder of such folders
    #[arg(required = true, value_name = "DIR")]
    directories: Vec<PathBuf>,
}

fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    match run(&args) {
        Ok(code) => Ok(code),
        Err(error) if error.is::<vectors::VectorError>() => {
            writeln!(std::io::stderr(), "replay: {error:#}")?;
            Ok(ExitCode::from(2))
        }
        Err(error) => Err(error),
    }
}

fn tell(progress: &Progress<'_>) {
    let Progress { id, outcome, ended, cases } = progress;
    let word = match outcome {
        Outcome::Passed => "passed",
        Outcome::Failed(_) => "FAILED",
        Outcome::Skipped(_) => "skipped",
        Outcome::Differs(_) => "differs",
    };
    // Nobody may listen there; the result is told on standard output.
    drop(writeln!(std::io::stderr(), "{ended}/{cases} {word} {id}"));
}

fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let Args {
        category: wanted,
        name,
        fail_fast,
        jobs,
        within,
        show,
        write_list,
        rig,
        member_release,
        pull,
        take_over,
        directories,
    } = args;
    // Building programs counts as well.
    let until = within.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let variant = match (pull, take_over) {
        (true, true) => Some(Variant::TakeOverAgents),
        (true, false) => Some(Variant::Pull),
        (false, true) => Some(Variant::TakeOver),
        (false, false) => None,
    };
    if *rig && *write_list {
        anyhow::bail!("--write-list is about this implementation, --rig is not");
    }
    let binaries = if *rig {
        let binaries = Binaries::obtain()?;
        let of_members = member_release.as_ref().map(|release| binaries.of_release(release)).transpose()?;
        Some((binaries.clone(), of_members.unwrap_or(binaries)))
    } else {
        None
    };
    let stop = if *fail_fast { Stop::AtFirstFailure } else { Stop::Never };
    let mut folders = Vec::new();
    let mut missing: BTreeSet<&String> = wanted.iter().collect();
    for directory in directories {
        for folder in vectors::category_folders(directory)? {
            let category = vectors::category_name(&folder)?;
            if wanted.is_empty() || wanted.contains(&category) {
                missing.remove(&category);
                folders.push(folder);
            }
        }
    }
    if let Some(category) = missing.first() {
        return Err(vectors::VectorError::NoCategory((*category).clone()).into());
    }
    let out = &mut std::io::stdout();
    let mut total = Counts::default();
    let mut regressed = false;
    for folder in folders {
        let category = vectors::read_category(&folder)?;
        let runner = match (&binaries, variant) {
            (Some((binaries, of_members)), _) => {
                categories::rig_runner(&category.name, binaries, of_members)?
            }
            (None, Some(variant)) => categories::variant_runner(&category.name, variant),
            (None, None) => categories::runner(&category.name),
        };
        // Cases that wait for a running system take minutes in all.
        let waits = runner.as_ref().is_some_and(|runner| matches!(runner.bound, Bound::Waiting(_)));
        let progress = waits.then_some(tell as fn(&Progress<'_>));
        let selection = Selection { name_parts: name, stop, jobs: *jobs, until, progress };
        let results = driver::run_category(&category, runner, selection);
        report::print_category(out, &category.name, &results, *show)?;
        if *write_list {
            let list = passing::read_list(&category.name)?;
            for (id, _) in passing::regressions(&list, &results) {
                regressed = true;
                writeln!(out, "  listed as passing but did not pass, kept in the list: {id}")?;
            }
            let added = passing::grow_list(&category.name, &results)?;
            writeln!(out, "  {added} cases added to the list of passing cases")?;
        }
        let counts = Counts::of(&results);
        total.add(counts);
        if *fail_fast && counts.failed > 0 {
            break;
        }
    }
    report::print_total(out, total)?;
    Ok(if total.failed > 0 || regressed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
