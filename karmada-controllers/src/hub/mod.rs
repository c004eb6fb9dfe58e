//! What every controller shares: one watch per kind, work queues, events, the map of served kinds.

mod backoff;
mod caches;
mod client;
mod controller;
mod crew;
mod error;
mod events;
mod informer;
mod packed;
mod queue;
mod rates;
mod rest_mapping;
mod status_patch;
mod templates;
mod unstructured;

pub use caches::Hub;
pub use client::{ClientSettings, Defaults, shape};
pub(crate) use controller::Observed;
pub use controller::{Action, Runtime, RuntimeSettings};
pub(crate) use crew::aside;
pub use error::ReconcileError;
pub(crate) use error::{chain, is_not_found, is_status};
pub use events::{EventRecorder, ObjectReference};
pub use informer::{Change, Informer, ObjectKey};
pub use packed::{Packable, Packed};
pub use queue::{QueueLoad, Urgency, WorkQueue};
pub use rates::{Rate, RetryLimits, Workers};
pub use rest_mapping::{RestMapping, Served};
pub(crate) use status_patch::{Status, status_patch};
pub use templates::{TemplateHandler, Templates};
pub(crate) use templates::{api_of, key_of};
pub use unstructured::Unstructured;
