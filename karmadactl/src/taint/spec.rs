//! `key=value:effect` sets a taint, `key:effect-` or `key-` removes.

use std::fmt;

use karmada_core::object::validation;

/// Effects that a taint can have.
const EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

/// A taint as the command line says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaintSpec {
    pub key: String,
    pub value: String,
    /// Empty in removals that mean every effect.
    pub effect: String,
}

/// What changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaintChange {
    pub added: Vec<TaintSpec>,
    pub removed: Vec<TaintSpec>,
}

/// Taints that make no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    #[error("at least one taint update is required")]
    Nothing,
    #[error("invalid taint spec: {text}")]
    Malformed { text: String },
    #[error("invalid taint spec: {text}, {}", .problems.join("; "))]
    Invalid { text: String, problems: Vec<String> },
    #[error("invalid taint effect: {effect}, unsupported taint effect")]
    Effect { effect: String },
    #[error("duplicated taints with the same key and effect: {0}")]
    Duplicate(TaintSpec),
    #[error("can not both modify and remove the following taint(s) in the same command: {0}")]
    Both(String),
}

impl fmt::Display for TaintSpec {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.key)?;
        if !self.value.is_empty() {
            write!(formatter, "={}", self.value)?;
        }
        if !self.effect.is_empty() {
            write!(formatter, ":{}", self.effect)?;
        }
        Ok(())
    }
}

/// Reads all changes of a command line.
pub fn parse_changes(specs: &[String]) -> Result<TaintChange, SpecError> {
    if specs.is_empty() {
        return Err(SpecError::Nothing);
    }
    let mut change = TaintChange::default();
    for text in specs {
        if let Some(removed) = text.strip_suffix('-') {
            let removed = parse(removed)?;
            change.removed.push(TaintSpec { value: String::new(), ..removed });
            continue;
        }
        let added = parse(text)?;
        if added.effect.is_empty() {
            return Err(SpecError::Malformed { text: text.clone() });
        }
        if change.added.iter().any(|known| (&known.key, &known.effect) == (&added.key, &added.effect)) {
            return Err(SpecError::Duplicate(added));
        }
        change.added.push(added);
    }
    let both: Vec<String> = change
        .added
        .iter()
        .flat_map(|added| change.removed.iter().filter(|removed| removed.means(&added.key, &added.effect)))
        .map(|removed| format!("{{\"{}\":\"{}\"}}", removed.key, removed.effect))
        .collect();
    if both.is_empty() { Ok(change) } else { Err(SpecError::Both(both.join(","))) }
}

impl TaintSpec {
    /// Whether a removal means a taint.
    pub fn means(&self, key: &str, effect: &str) -> bool {
        self.key == key && (self.effect.is_empty() || self.effect == effect)
    }
}

fn parse(text: &str) -> Result<TaintSpec, SpecError> {
    let malformed = || SpecError::Malformed { text: text.to_owned() };
    let invalid = |problems: Vec<String>| {
        if problems.is_empty() { Ok(()) } else { Err(SpecError::Invalid { text: text.to_owned(), problems }) }
    };
    let mut taint = TaintSpec::default();
    match text.split(':').collect::<Vec<_>>()[..] {
        [key] => key.clone_into(&mut taint.key),
        [pair, effect] => {
            if !EFFECTS.contains(&effect) {
                return Err(SpecError::Effect { effect: effect.to_owned() });
            }
            effect.clone_into(&mut taint.effect);
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            if value.contains('=') {
                return Err(malformed());
            }
            key.clone_into(&mut taint.key);
            value.clone_into(&mut taint.value);
            invalid(validation::label_value(value))?;
        }
        _ => return Err(malformed()),
    }
    invalid(validation::qualified_name(&taint.key))?;
    Ok(taint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(specs: &[&str]) -> Result<TaintChange, String> {
        let specs: Vec<String> = specs.iter().map(|&spec| spec.to_owned()).collect();
        parse_changes(&specs).map_err(|error| error.to_string())
    }

    fn spec(key: &str, value: &str, effect: &str) -> TaintSpec {
        TaintSpec { key: key.into(), value: value.into(), effect: effect.into() }
    }

    #[test]
    fn taints_are_added_and_removed() {
        assert_eq!(
            check(&["a=b:NoSchedule", "x/c:NoExecute", "d:NoSchedule-", "e-"]).unwrap(),
            TaintChange {
                added: vec![spec("a", "b", "NoSchedule"), spec("x/c", "", "NoExecute")],
                removed: vec![spec("d", "", "NoSchedule"), spec("e", "", "")],
            }
        );
    }

    #[test]
    fn mistakes_are_named() {
        assert_eq!(check(&[]).unwrap_err(), "at least one taint update is required");
        assert_eq!(check(&["a=b:Nope"]).unwrap_err(), "invalid taint effect: Nope, unsupported taint effect");
        assert_eq!(check(&["a"]).unwrap_err(), "invalid taint spec: a");
        assert_eq!(check(&["a:b:c"]).unwrap_err(), "invalid taint spec: a:b:c");
        assert_eq!(
            check(&["a=b:NoSchedule", "a-"]).unwrap_err(),
            "can not both modify and remove the following taint(s) in the same command: {\"a\":\"\"}"
        );
        assert_eq!(
            check(&["a=b:NoSchedule", "a=c:NoSchedule"]).unwrap_err(),
            "duplicated taints with the same key and effect: a=c:NoSchedule"
        );
        assert!(check(&["=b:NoSchedule"]).unwrap_err().starts_with("invalid taint spec: =b:NoSchedule, "));
    }
}
