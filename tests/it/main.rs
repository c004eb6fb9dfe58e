//! Integration tests of the workspace.

mod cli;
mod commands;
mod join;
mod replay;
mod tour;
