//! Random input for everything that reads what clients send.
//!
//! Each test runs a modest number of cases; `KARMADA_FUZZ_CASES` asks for more.

mod expressions;
mod front;
mod generate;
mod objects;
mod schemas;
mod selectors;
