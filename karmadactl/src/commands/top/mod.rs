//! `karmadactl top`.

mod node;
mod pod;
mod read;

use clap::{Args, Subcommand};

use crate::context::Context;
use crate::error::CliError;

/// Display what nodes and pods of member clusters use
#[derive(Args, Debug)]
pub struct TopArgs {
    #[command(subcommand)]
    pub what: What,
}

/// What uses CPU and memory.
#[derive(Debug, Subcommand)]
pub enum What {
    #[command(visible_aliases = ["pods", "po"])]
    Pod(pod::TopPodArgs),
    #[command(visible_aliases = ["nodes", "no"])]
    Node(node::TopNodeArgs),
}

/// Displays what is used.
pub async fn run(args: TopArgs, context: &Context) -> Result<(), CliError> {
    match args.what {
        What::Pod(args) => pod::run(args, context).await,
        What::Node(args) => node::run(args, context).await,
    }
}
