//! Customizations: scripts of users that say what their resources mean.
//!
//! [`Customizations`] is the layer: it picks the script for a kind and a question, runs it in a [`LuaEngine`] and reads
//! its results. [`check_syntax`] is for admission, [`LuaEngine::check`] for those who write scripts.
//!
//! A script runs in a sandbox. It reaches no file, process, network or debugger and cannot load bytecode; what it
//! leaves in globals or libraries is gone when it returns; steps, memory and time of a call are limited. The
//! language is Lua 5.1 with the `goto` of 5.2 and the habits of the Go implementation that upstream uses; see
//! `prelude.lua` for the library.

mod concat;
mod customizations;
mod encode;
mod engine;
mod error;
mod format;
mod library;
mod limits;
mod number;
mod objects;
mod pattern;
mod pods;
mod results;
mod rule;
#[cfg(test)]
mod sandbox_tests;
mod vm;

pub use customizations::Customizations;
use engine::Script;
pub use engine::{LuaEngine, LuaOptions, Print, check_syntax};
pub use error::{RuleError, ScriptError};
pub use limits::{Clock, LimitError, LuaLimits};
pub use rule::{function_name, rule_name, script};
