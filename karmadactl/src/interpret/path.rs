//! Paths to fields: `revised.spec.containers[0].image`, `revised.metadata.labels["a.b/c"]`.

use std::fmt;

use serde_json::Value;

/// A step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A field of an object.
    Field(String),
    /// An element of a list.
    Index(usize),
}

/// A path to a field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Path(Vec<Step>);

impl Path {
    /// Reads a path; nothing when it is none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut steps = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (step, after) = match rest.strip_prefix('[') {
                Some(inside) => bracketed(inside)?,
                None => plain(rest, steps.is_empty())?,
            };
            steps.push(step);
            rest = after;
        }
        (!steps.is_empty()).then_some(Self(steps))
    }

    /// Returns the steps.
    pub(super) fn steps(&self) -> &[Step] {
        &self.0
    }

    /// Returns the path with one more step.
    pub(super) fn joined(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }
}

/// Reads `0]` or `"key"]`.
fn bracketed(inside: &str) -> Option<(Step, &str)> {
    if inside.starts_with('"') {
        let mut values = serde_json::Deserializer::from_str(inside).into_iter::<String>();
        let key = values.next()?.ok()?;
        let rest = inside.get(values.byte_offset()..)?.strip_prefix(']')?;
        return Some((Step::Field(key), rest));
    }
    let (index, rest) = inside.split_once(']')?;
    Some((Step::Index(index.parse().ok()?), rest))
}

/// Reads `key` at the start of a path and `.key` behind it.
fn plain(text: &str, first: bool) -> Option<(Step, &str)> {
    let text = if first { text } else { text.strip_prefix('.')? };
    let end = text.find(['.', '[']).unwrap_or(text.len());
    let (key, rest) = text.split_at(end);
    (!key.is_empty()).then(|| (Step::Field(key.to_owned()), rest))
}

/// Returns what a value has at the end of some steps.
pub(super) fn value_at<'a>(value: &'a Value, steps: &[Step]) -> Option<&'a Value> {
    steps.iter().try_fold(value, |value, step| match step {
        Step::Field(key) => value.as_object()?.get(key),
        Step::Index(index) => value.as_array()?.get(*index),
    })
}

impl fmt::Display for Path {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(index) => write!(formatter, "[{index}]")?,
                Step::Field(key) if key.is_empty() || key.contains(['.', '[', ']', '"', ' ']) => {
                    write!(formatter, "[{}]", Value::from(key.as_str()))?;
                }
                Step::Field(key) if position == 0 => formatter.write_str(key)?,
                Step::Field(key) => write!(formatter, ".{key}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_with_dots_stand_in_brackets() {
        let path = Path::parse(r#"a.b[0]["c.d/e"].f"#).unwrap();
        assert_eq!(path.to_string(), r#"a.b[0]["c.d/e"].f"#);
        let value = json!({"a": {"b": [{"c.d/e": {"f": 1}}]}});
        assert_eq!(value_at(&value, path.steps()), Some(&json!(1)));
        assert_eq!(value_at(&value, Path::parse("a.b[1]").unwrap().steps()), None);
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for text in ["", ".", "a.", ".a", "a..b", "a[", "a[x]", "a[0", "a[-1]", "a[\"b]", "a[0]b"] {
            assert_eq!(Path::parse(text), None, "{text}");
        }
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![".{0,4}".prop_map(Step::Field), (0..20_usize).prop_map(Step::Index)]
    }

    proptest! {
        #[test]
        fn a_written_path_reads_back(first in "[a-z]{1,5}", steps in prop::collection::vec(step(), 0..5)) {
            let path = steps.into_iter().fold(Path::parse(&first).unwrap(), |path, step| path.joined(step));
            prop_assert_eq!(Path::parse(&path.to_string()), Some(path));
        }
    }
}
