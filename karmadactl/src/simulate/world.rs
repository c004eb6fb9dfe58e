//! From files and flags to a world.

use std::collections::HashSet;
use std::path::PathBuf;

use karmada_core::simulation::{Problem as CoreProblem, Severity as CoreSeverity, SimulationOptions, World};
use serde_json::Value;

use super::check::check;
use super::cluster::{ClusterError, parse_cluster};
use super::kinds::{Kinds, label};
use super::policies::Policies;
use super::problem::{Detail, Problem, Severity, Told, tell, tell_unreadable};
use super::rows::Widths;
use crate::error::CliError;
use crate::manifest::{Batch, ReadProblem, Subdirectories};
use crate::printer::Printer;

/// What a simulation is made of.
#[derive(Clone, Copy, Debug)]
pub struct Sources<'a> {
    /// Files, directories, stdin.
    pub paths: &'a [PathBuf],
    /// More of them, for clusters.
    pub clusters: &'a [PathBuf],
    /// Clusters in short.
    pub short: &'a [String],
    /// The namespace of objects that name none.
    pub namespace: &'a str,
}

/// What is done about warnings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Warnings {
    Told,
    Refused,
}

/// A world and where its objects come from.
#[derive(Debug)]
pub struct Scene {
    pub world: World,
    /// Places of the objects; the objects themselves are in the world.
    pub batch: Batch,
    pub policies: Policies,
    pub widths: Widths,
    /// `Kind namespace/name` of every object.
    labels: Vec<String>,
}

/// The input cannot be used; what is wrong was told before.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    #[error("the input has {}", super::tally::count(*.0, "error"))]
    Errors(usize),
    #[error("the input has {}, and --strict allows none", super::tally::count(*.0, "warning"))]
    Warnings(usize),
    #[error(transparent)]
    Cluster(#[from] ClusterError),
}

/// What was read, before it is a world.
#[derive(Debug)]
pub struct Draft {
    batch: Batch,
    unreadable: Vec<ReadProblem>,
}

impl Draft {
    /// Reads files and clusters; what is wrong is told later, all at once.
    ///
    /// # Errors
    ///
    /// A cluster in short that cannot be understood.
    pub fn read(sources: Sources<'_>) -> Result<Self, CliError> {
        let Sources { paths, clusters, short, namespace: _ } = sources;
        let short: Vec<(String, Value)> = short
            .iter()
            .map(|text| {
                parse_cluster(text).map(|object| (format!("--cluster {text}"), object)).map_err(|error| {
                    let hint = error.hint.clone();
                    CliError::usage(InputError::from(error)).with_hints(hint)
                })
            })
            .collect::<Result<_, _>>()?;
        let all: Vec<PathBuf> = paths.iter().chain(clusters).cloned().collect();
        let (mut batch, unreadable) = Batch::read(&all, Subdirectories::Read);
        for (origin, object) in short {
            batch.push(&origin, object);
        }
        Ok(Self { batch, unreadable })
    }

    /// Whether there is a cluster in it.
    pub fn has_clusters(&self) -> bool {
        self.batch.objects.iter().any(is_cluster)
    }

    /// Takes over the clusters of another draft.
    pub fn borrow_clusters(&mut self, other: &Self) {
        for (index, object) in other.batch.objects.iter().enumerate().filter(|(_, object)| is_cluster(object))
        {
            self.batch.push(other.batch.origin(index), object.clone());
        }
    }

    /// Checks everything, tells what is wrong and makes a world.
    ///
    /// # Errors
    ///
    /// When something is wrong; each problem was printed.
    pub fn into_scene(
        self,
        printer: &Printer,
        namespace: &str,
        warnings: Warnings,
        detail: Detail,
    ) -> Result<Scene, CliError> {
        let Self { mut batch, unreadable } = self;
        let (kinds, mut problems) = Kinds::of(&batch.objects);
        problems.extend(check(&mut batch, &kinds, namespace));
        drop(kinds);
        let widths = Widths::of(&batch);
        let policies = Policies::of(&batch.objects);
        let bad: HashSet<usize> = problems
            .iter()
            .filter(|problem| problem.severity == Severity::Error)
            .filter_map(|problem| problem.object)
            .collect();
        let options =
            SimulationOptions { default_namespace: namespace.to_owned(), ..SimulationOptions::default() };
        let labels: Vec<String> = batch.objects.iter().map(label).collect();
        let world = World::from_objects(batch.take_objects(), options);
        let found = match &world {
            Ok(world) => world.problems(),
            Err(problems) => problems,
        };
        // What was found wrong already is not said again in other words.
        let more = found.iter().filter(|problem| problem.object.is_none_or(|object| !bad.contains(&object)));
        problems.extend(more.map(|problem| from_core(problem, &labels, &batch)));

        // Beside an error, what may surprise is noise.
        let is_broken = |problem: &Problem| problem.severity == Severity::Error;
        if !unreadable.is_empty() || problems.iter().any(is_broken) {
            problems.retain(|problem| {
                is_broken(problem) || (problem.severity == Severity::Warning && problem.object.is_some())
            });
        }
        let told_unreadable = tell_unreadable(printer, &unreadable);
        let told =
            tell(printer, &batch, problems, if warnings == Warnings::Refused { Detail::All } else { detail });
        let told = Told { errors: told.errors + told_unreadable.errors, ..told };
        if told.errors > 0 {
            return Err(CliError::usage(InputError::Errors(told.errors)));
        }
        if warnings == Warnings::Refused && told.warnings > 0 {
            return Err(CliError::usage(InputError::Warnings(told.warnings)));
        }
        let world = world.map_err(|problems| CliError::usage(InputError::Errors(problems.len())))?;
        Ok(Scene { world, batch, policies, widths, labels })
    }
}

impl Scene {
    /// Turns what the simulation remarks into problems to tell.
    pub fn remarks(&self, remarks: &[CoreProblem]) -> Vec<Problem> {
        remarks.iter().map(|remark| from_core(remark, &self.labels, &self.batch)).collect()
    }
}

fn is_cluster(object: &Value) -> bool {
    object["kind"] == "Cluster"
        && object["apiVersion"].as_str().is_some_and(|version| version.starts_with("cluster.karmada.io/"))
}

/// Takes over a problem of the simulation, with the name of its object before it.
fn from_core(problem: &CoreProblem, labels: &[String], batch: &Batch) -> Problem {
    let severity = match problem.severity {
        CoreSeverity::Error => Severity::Error,
        CoreSeverity::Warning => Severity::Warning,
        CoreSeverity::Note => Severity::Note,
    };
    let label = problem.object.and_then(|object| labels.get(object));
    // A message that names the object says by itself what it is about.
    let names_it = |label: &&String| {
        let name = label.rsplit([' ', '/']).next().unwrap_or(label);
        problem.severity == CoreSeverity::Note
            && problem.message.split([' ', ',', ':']).any(|word| word == name)
    };
    let label = label.filter(|label| !names_it(label));
    let mut message = match (label, problem.field.as_str()) {
        (Some(label), "") => format!("{label}: {}", problem.message),
        (Some(label), field) => format!("{label}: {field}: {}", problem.message),
        (None, _) => problem.message.clone(),
    };
    if let Some(related) = problem.related {
        message = format!("{message} (see {})", batch.locator().place(related, ""));
    }
    Problem {
        severity,
        object: problem.object,
        field: problem.field.clone(),
        message,
        part: Default::default(),
        hint: problem.hint.clone(),
    }
}
