//! The Common Expression Language, as Kubernetes uses it: parser, type checker and evaluator with bounded work.
//!
//! [`Program::compile`] refuses what cannot run, with the messages of the real server; [`Program::eval`] takes its
//! work from a [`Budget`], so that no expression can hang the server or fill its memory.

mod admission;
mod ast;
mod check;
pub(crate) mod convert;
mod cost;
pub(crate) mod error;
mod eval;
mod functions;
mod lexer;
mod parser;
mod program;
mod signatures;
mod types;
mod value;

pub(crate) use admission::{AdmissionScope, admission_environment};
pub(crate) use check::Env;
pub(crate) use convert::{Declaration, Level, from_json};
pub(crate) use cost::estimate;
pub(crate) use error::EvalError;
pub(crate) use eval::{Budget, Variables};
pub(crate) use functions::Authorization;
pub(crate) use program::Program;
pub(crate) use types::Type;
pub(crate) use value::Value;
