//! Replays recorded cases against this implementation.
//!
//! A directory of JSON Lines files is a category; [`categories`] says which function runs its cases.
//! A runner is `fn(&serde_json::Value) -> Outcome` and never prints: [`driver`] counts and [`report`] prints.

pub mod answer;
pub mod apiserver;
pub mod categories;
pub mod diff;
pub mod driver;
pub mod e2e;
pub mod image_reference;
pub mod interpretation;
pub mod interpreter_lua;
pub mod interpreter_native;
pub mod interpreter_thirdparty;
pub mod names;
pub mod naming_prune_status;
pub mod outcome;
pub mod overrides;
pub mod passing;
pub mod policy_matching;
pub mod report;
pub mod scheduling;
pub mod validation;
pub mod vectors;

pub use diff::{compare, diff};
pub use outcome::Outcome;
