//! Resource interpreters on the workstation: check customizations, ask one question, run test cases.
//!
//! Nothing here talks to a server. [`Layers`] is the chain of interpreters that a control plane would have; [`ask`]
//! puts a question to it, [`run`] a file of [`Case`]s.

mod answer;
mod case;
mod case_reader;
mod check;
mod compare;
mod edit;
mod inputs;
mod layers;
mod path;
mod report;
mod rules;

pub use answer::{Answer, Arguments, AskError, ask};
pub use case::{Case, Expectation, Want};
pub use case_reader::read_cases;
pub use check::{Checked, RuleState, check};
pub use compare::Difference;
pub use edit::{FileEdit, FileEditError, edit_file};
pub use inputs::{
    CustomizationFile, InputError, read_customizations, read_object, read_status_items, read_texts,
};
pub use layers::{Layer, Layers, script_engine};
pub use report::{Outcome, Verdict, failures, run, table};
pub use rules::{RULES, Rule, operation_named, rule, show_rules};
