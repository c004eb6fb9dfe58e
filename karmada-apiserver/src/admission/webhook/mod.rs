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
#[cfg(test)]
mod tests;
mod tls;

pub(crate) use attributes::{Attributes, Circumstances, Kind, Reviewing};
pub(crate) use conditions::{Conditions, Verdict, request_value, variables};
pub(crate) use configuration::{FailurePolicy, Webhooks, may_change, may_refuse};
pub(crate) use conversion::convert;
pub(crate) use dispatch::{Remarks, Rounds, in_version_of, mutate, validate};
pub(crate) use matching::{Matched, Matcher, is_exempt, selects_labels};
