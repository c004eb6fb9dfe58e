//! The interpreter of the control plane: stored customizations, then webhooks, then the built-in rules.
//!
//! Decisions are pure functions that ask an interpreter as they go, and webhooks answer over the network.
//! [`LiveInterpreter::decide`] brings both together: it makes a decision, puts the questions that came up to
//! their webhooks, all at once, and makes the decision again with the answers, until no question is open.

mod customizations;
mod hooks;
mod https;
mod live;
mod session;

pub(crate) use live::LiveInterpreter;
