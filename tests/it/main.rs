//! Integration tests of the workspace.

mod cli;
mod join;
mod replay;
mod tour;
