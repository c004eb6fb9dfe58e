//! What became of one case.

/// The result of replaying one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The answer equals the recorded one.
    Passed,
    /// The answer is wrong: a readable difference.
    Failed(String),
    /// The case was not run: why, in few words (the reasons are counted).
    Skipped(String),
    /// The answer differs by a documented rule: the rule's name (the rules are counted).
    Differs(String),
}

impl Outcome {
    /// Returns [`Outcome::Passed`] for no difference, [`Outcome::Failed`] with it otherwise.
    pub fn from_diff(difference: Option<String>) -> Self {
        difference.map_or(Self::Passed, Self::Failed)
    }
}
