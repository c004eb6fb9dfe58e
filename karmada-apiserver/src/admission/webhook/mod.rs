//! Webhooks: other processes that change, refuse or convert objects.
//!
//! [`Webhooks`] keeps the compiled configurations and the connections of a server; [`dispatch`] asks the webhooks
//! whose rules match a request, the changing ones one after the other, the checking ones at once. The client is
//! shared with the conversion webhooks of custom resources.

mod attributes;
mod client;
mod conditions;
mod configuration;
mod conversion;
mod dispatch;
mod endpoint;
mod matching;
mod pool;
mod response;
mod review;
mod tls;

pub(crate) use attributes::{Attributes, Circumstances, Kind, Reviewing};
pub(crate) use configuration::Webhooks;
pub(crate) use conversion::convert;
pub(crate) use dispatch::{Remarks, Rounds, mutate, validate};
