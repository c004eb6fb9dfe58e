//! `karmadactl annotate`.

use clap::Args;

use super::label::{MetadataArgs, change};
use crate::change::MetadataField;
use crate::context::Context;
use crate::error::CliError;

const EXAMPLES: &str = "\
Examples:
  # Set an annotation
  karmadactl annotate deployment web owner=shop

  # Change one that is there, and remove another
  karmadactl annotate deployment web owner=billing note- --overwrite

  # See the annotations
  karmadactl annotate deployment web --list";

/// Set or remove annotations of objects
///
/// KEY=VALUE sets an annotation, KEY- removes it.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct AnnotateArgs {
    #[command(flatten)]
    pub metadata: MetadataArgs,

    /// Name of the owner of the annotations
    #[arg(long, value_name = "NAME", default_value = "kubectl-annotate")]
    pub field_manager: String,
}

/// Changes annotations.
pub async fn run(args: AnnotateArgs, context: &Context) -> Result<(), CliError> {
    let AnnotateArgs { metadata, field_manager } = args;
    change(metadata, &field_manager, MetadataField::Annotations, context).await
}
