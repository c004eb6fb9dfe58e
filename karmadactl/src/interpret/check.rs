//! Whether the scripts of a customization load.

use std::fmt::Write as _;

use karmada_core::interpreter::Operation;
use karmada_core::interpreter::lua::{LuaEngine, rule_name, script};

use super::inputs::CustomizationFile;
use super::rules::RULES;
use crate::error::chain_line;

/// A customization and the state of its rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Its name.
    pub source: String,
    /// The kind it is for: group and version, and kind.
    pub target: (String, String),
    /// Each rule and its state, in the order in which rules are shown.
    pub rules: Vec<(Operation, RuleState)>,
}

/// The state of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleState {
    /// There is no script.
    Unset,
    /// The script loads.
    Good,
    /// The script does not load.
    Broken(String),
}

impl Checked {
    /// Returns whether every script loads.
    pub fn is_good(&self) -> bool {
        !self.rules.iter().any(|(_, state)| matches!(state, RuleState::Broken(_)))
    }

    /// Returns the result as text, with a line for each rule.
    pub fn show(&self) -> String {
        // The blanks at the end of the second line are Karmada's: its columns are padded.
        let mut text = format!(
            "-----------------------------------\nSOURCE: {}\nTARGET: {} {}   \nRULERS:\n",
            self.source, self.target.0, self.target.1
        );
        for (operation, state) in &self.rules {
            let state = match state {
                RuleState::Unset => "UNSET".to_owned(),
                RuleState::Good => "PASS".to_owned(),
                RuleState::Broken(error) => format!("ERROR: {error}"),
            };
            let name = format!("{operation}:");
            // Writing to a text cannot fail.
            let _written = writeln!(text, "    {name:<24}{state}");
        }
        text
    }
}

/// Checks every rule of a customization: its script loads and defines the rule's function.
pub fn check(file: &CustomizationFile, engine: &LuaEngine) -> Checked {
    let spec = &file.customization.spec;
    let place =
        |operation| file.manifest.place(&format!("spec.customizations.{}.luaScript", rule_name(operation)));
    let state = |operation| match script(&spec.customizations, operation) {
        None => RuleState::Unset,
        Some(script) => match engine.check(operation, script) {
            Ok(()) => RuleState::Good,
            Err(error) => {
                RuleState::Broken(format!("{} (script at {})", chain_line(&error), place(operation)))
            }
        },
    };
    Checked {
        source: file.manifest.text("/metadata/name").to_owned(),
        target: (spec.target.api_version.clone(), spec.target.kind.clone()),
        rules: RULES.iter().map(|rule| (rule.operation, state(rule.operation))).collect(),
    }
}
