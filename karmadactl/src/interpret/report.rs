//! Running cases, and what came out.

use std::fmt::Write as _;

use karmada_core::interpreter::{ObjectKind, Operation};

use super::answer::{Answer, AskError, ask};
use super::case::{Case, Expectation, Place, Want};
use super::compare::{Difference, differences};
use super::layers::Layers;
use super::path::{Step, value_at};
use crate::table::Table;

/// What a case came to.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The case's name.
    pub name: String,
    /// Where the case stands.
    pub place: Place,
    /// The question.
    pub operation: Operation,
    /// The kind it was about.
    pub kind: String,
    /// The layer that answered; none when nobody has the operation for the kind.
    pub layer: Option<&'static str>,
    /// Whether the answer is the wanted one.
    pub verdict: Verdict,
}

/// Whether an answer is the wanted one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is.
    Passed,
    /// It has other values.
    Differs(Vec<(Place, Difference)>),
    /// It is an error.
    Failed(String),
    /// It should have been an error with this text.
    NoError(String),
    /// It is an error, but not the wanted one.
    OtherError {
        /// The text that should be in it.
        want: String,
        /// Its text.
        found: String,
    },
}

impl Outcome {
    /// Returns whether the answer is the wanted one.
    pub fn is_passed(&self) -> bool {
        self.verdict == Verdict::Passed
    }
}

/// Runs cases, in their order.
pub fn run(cases: &[Case], layers: &Layers) -> Vec<Outcome> {
    cases.iter().map(|case| run_case(case, layers)).collect()
}

fn run_case(case: &Case, layers: &Layers) -> Outcome {
    let object = case.arguments.object(case.operation).ok();
    let kind = object.map(ObjectKind::of).unwrap_or_default();
    let layer = layers.answering(kind, case.operation);
    let answer = match layer {
        Some(layer) => ask(layer.interpreter.as_ref(), case.operation, &case.arguments, case.now),
        None => Err(AskError::NotEnabled),
    };
    let verdict = match (&case.want, answer) {
        (Want::Values(expectations), Ok(answers)) => judge(expectations, &answers),
        (Want::Values(_), Err(error)) => Verdict::Failed(error.explain()),
        (Want::Error(want), Ok(_)) => Verdict::NoError(want.clone()),
        (Want::Error(want), Err(error)) => {
            let found = error.explain();
            if found.contains(want) {
                Verdict::Passed
            } else {
                Verdict::OtherError { want: want.clone(), found }
            }
        }
    };
    Outcome {
        name: case.name.clone(),
        place: case.place.clone(),
        operation: case.operation,
        kind: kind.kind.to_owned(),
        layer: layer.map(|layer| layer.name),
        verdict,
    }
}

fn judge(expectations: &[Expectation], answers: &[Answer]) -> Verdict {
    let mut all = Vec::new();
    for expectation in expectations {
        let (name, steps) = match expectation.path.steps() {
            [Step::Field(name), steps @ ..] => (name.as_str(), steps),
            _ => ("", [].as_slice()),
        };
        let answer = answers.iter().find(|answer| answer.name == name);
        let found = answer.and_then(|answer| answer.value.as_ref()).and_then(|value| value_at(value, steps));
        for difference in differences(&expectation.path, &expectation.node, found) {
            let place = Place { origin: expectation.origin.clone(), location: difference.location };
            all.push((place, difference));
        }
    }
    if all.is_empty() { Verdict::Passed } else { Verdict::Differs(all) }
}

/// Returns a table of all outcomes.
pub fn table(outcomes: &[Outcome]) -> Table {
    let mut table = Table::new(["RESULT", "OPERATION", "KIND", "ANSWERED BY", "CASE"]);
    for outcome in outcomes {
        let result = if outcome.verdict == Verdict::Passed { "passed" } else { "FAILED" };
        let layer = outcome.layer.unwrap_or("nobody");
        table.push([result, outcome.operation.name(), &outcome.kind, layer, &outcome.name]);
    }
    table
}

/// Returns what is wrong with the outcomes that are not as they should be; empty when all are.
pub fn failures(outcomes: &[Outcome]) -> String {
    let mut text = String::new();
    for outcome in outcomes.iter().filter(|outcome| outcome.verdict != Verdict::Passed) {
        // Writing to a text cannot fail.
        let _written = writeln!(text, "\nFAILED {} ({})", outcome.name, outcome.place);
        for line in explain(&outcome.verdict) {
            let _written = writeln!(text, "  {line}");
        }
    }
    text
}

fn explain(verdict: &Verdict) -> Vec<String> {
    match verdict {
        Verdict::Passed => Vec::new(),
        Verdict::Differs(all) => all
            .iter()
            .map(|(place, found)| {
                format!("{}: want {}, got {} ({place})", found.path, found.want, found.found)
            })
            .collect(),
        Verdict::Failed(error) => vec![format!("error: {error}")],
        Verdict::NoError(want) => vec![format!("want an error with {want:?}, got an answer")],
        Verdict::OtherError { want, found } => vec![format!("want an error with {want:?}, got: {found}")],
    }
}

#[cfg(test)]
mod tests {
    use indoc::indoc;

    use super::*;
    use crate::interpret::read_cases;
    use crate::manifest::Input;

    fn outcomes(text: &str) -> Vec<Outcome> {
        let cases = read_cases(&[Input { origin: "t.yaml".to_owned(), text: text.to_owned() }]).unwrap();
        run(&cases, &Layers::built_in())
    }

    #[test]
    fn built_in_kinds_are_tested_without_a_customization() {
        let outcomes = outcomes(indoc! {r#"
            - name: a claim that is bound is healthy
              operation: InterpretHealth
              object: {apiVersion: v1, kind: PersistentVolumeClaim, status: {phase: Bound}}
              want: {healthy: true}
            - name: replicas go where they belong
              operation: ReviseReplica
              object: {apiVersion: apps/v1, kind: Deployment, spec: {replicas: 1}}
              replicas: 4
              want:
                revised.spec.replicas: 4
                revised.kind: Deployment
            - name: a text is no number
              operation: InterpretReplica
              object: {apiVersion: apps/v1, kind: Deployment, spec: {replicas: "1"}}
              wantError: spec.replicas
        "#});
        assert_eq!(failures(&outcomes), "");
        assert_eq!(
            table(&outcomes).render(),
            indoc! {"
                RESULT   OPERATION          KIND                    ANSWERED BY     CASE
                passed   InterpretHealth    PersistentVolumeClaim   built-in rule   a claim that is bound is healthy
                passed   ReviseReplica      Deployment              built-in rule   replicas go where they belong
                passed   InterpretReplica   Deployment              built-in rule   a text is no number
            "}
        );
    }

    #[test]
    fn every_failure_says_what_differs_and_where_it_is_wanted() {
        let outcomes = outcomes(indoc! {"
            - name: other values
              operation: ReviseReplica
              object: {apiVersion: apps/v1, kind: Deployment, spec: {replicas: 1}}
              replicas: 4
              want:
                revised:
                  apiVersion: apps/v1
                  kind: Deployment
                  spec: {replicas: 5, paused: true}
            - name: no error
              operation: InterpretHealth
              object: {apiVersion: v1, kind: PersistentVolumeClaim}
              wantError: boom
            - name: nobody answers
              operation: InterpretHealth
              object: {apiVersion: example.io/v1, kind: Foo}
              want: {healthy: true}
            - name: another error
              operation: InterpretHealth
              object: {apiVersion: example.io/v1, kind: Foo}
              wantError: boom
        "});
        assert_eq!(
            failures(&outcomes),
            indoc! {"

                FAILED other values (t.yaml:1:3)
                  revised.spec.replicas: want 5, got 4 (t.yaml:9:24)
                  revised.spec.paused: want true, got nothing (t.yaml:9:35)

                FAILED no error (t.yaml:10:3)
                  want an error with \"boom\", got an answer

                FAILED nobody answers (t.yaml:14:3)
                  error: rule is not enabled

                FAILED another error (t.yaml:18:3)
                  want an error with \"boom\", got: rule is not enabled
            "}
        );
    }
}
