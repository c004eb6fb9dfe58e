//! The syntax of Lua 5.1 with `goto`, checked without running or loading anything.
//!
//! Mistakes are told with the words, lines and columns that upstream's Lua machine uses.

mod error;
mod lexer;
mod parser;

pub(super) use parser::check;
