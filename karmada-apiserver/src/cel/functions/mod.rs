//! What the functions and operators compute.
//!
//! Methods get their receiver as the first argument. Each library answers `None` for what it does not have.

mod authorization;
mod conversions;
mod formats;
mod lists;
mod network;
mod operators;
mod print;
mod quantities;
mod strings;
mod times;

pub(crate) use authorization::Authorization;
pub(super) use times::{parse_duration, parse_timestamp};

use regex_lite::Regex;

use super::error::EvalError;
use super::eval::Budget;
use super::value::Value;

/// The outcome of a call, if the library knows the function for these arguments.
type Answer = Option<Result<Value, EvalError>>;

/// Calls a function.
pub(super) fn call(
    name: &str,
    args: &[Value],
    pattern: Option<&Regex>,
    budget: &mut Budget,
) -> Result<Value, EvalError> {
    let answer = operators::call(name, args, budget)
        .or_else(|| strings::call(name, args, pattern, budget))
        .or_else(|| lists::call(name, args, budget))
        .or_else(|| conversions::call(name, args, budget))
        .or_else(|| times::call(name, args))
        .or_else(|| quantities::call(name, args))
        .or_else(|| network::call(name, args))
        .or_else(|| formats::call(name, args))
        .or_else(|| authorization::call(name, args, budget));
    answer.unwrap_or(Err(EvalError::NoSuchOverload))
}

fn failed(text: impl Into<String>) -> Result<Value, EvalError> {
    Err(EvalError::failed(text))
}
