//! Integration tests of the workspace.

mod cli;
mod replay;
