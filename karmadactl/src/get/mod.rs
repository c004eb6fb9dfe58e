//! Reading objects of the control plane and of member clusters side by side.
//!
//! Every cluster is asked at the same time and has its own timeout; one that fails is reported
//! next to what the others answered.

mod fetch;
mod merge;
mod output;
mod request;
mod sort;
mod watch;

pub(crate) use fetch::escape;
pub use fetch::{Column, Content, Failure, FailureCause, Fetched, Part, ServerTable, fetch};
pub use merge::{Shown, columns, merge_objects, merge_tables, names, row_of};
pub use output::{GetOutput, OutputChoice, OutputError, parse_output, parse_sort_path};
pub use request::{
    CONTROL_PLANE, GetError, GetRequest, Missing, NamespaceChoice, OperationScope, Representation, Source,
    Target, parse_targets, sources,
};
pub use sort::sort_parts;
pub use watch::{Change, Watch, Watched, watch};
