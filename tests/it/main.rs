//! Integration tests of the workspace.

mod cli;
mod commands;
mod crash;
mod crds;
mod dependencies;
mod faults;
mod interpret;
mod join;
mod protobuf;
mod replay;
mod simulate;
mod simulation;
mod tour;
mod writing;
