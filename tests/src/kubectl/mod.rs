//! Scripts for a real kubectl, and what it answers with a server.
//!
//! A script is a file of commands for bash ([`Script`]); [`Server::run`] runs one in a namespace and a home of its own and returns
//! its [`Transcript`], with everything that differs from run to run masked. Scripts are independent of each other, so that they can
//! run side by side on one server, and the transcripts of two servers can be compared.

mod mask;
mod script;
mod server;

pub use script::{Block, Script, all};
pub use server::{Answer, Server, Transcript, run_all, version};
