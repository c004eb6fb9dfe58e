//! Writing objects as kubectl does: which ones, how, and what is said about it.
//!
//! [`select`] finds the objects that arguments and files name, [`Writer`] sends one change, [`three_way`] and
//! [`merge_patch_between`] compute changes. Nothing here prints.

mod api;
mod dry_run;
mod failure;
mod files;
mod flag;
mod last_applied;
mod merge;
mod metadata;
mod output;
mod selection;

pub use api::{Deletion, PatchType, Propagation, Subresource, Validation, Writer};
pub use dry_run::{DryRun, parse_dry_run};
pub use failure::{Failure, conclude, while_doing};
pub use files::{FileArgs, LocalObject, read_files};
pub use flag::{NotABool, parse_flag};
pub use last_applied::{LAST_APPLIED, last_applied, with_last_applied};
pub use merge::{merge_patch_between, patch_schema, three_way};
pub use metadata::{MetadataChange, MetadataError, MetadataField};
pub use output::{ChangeFormat, hide_managed_fields};
pub use selection::{Found, Selected, Selection, SelectionError, Unnamed, find_kind, place, select};
