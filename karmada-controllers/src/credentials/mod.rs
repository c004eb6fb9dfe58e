//! Keys and certificates of clients: asking for one, and reading what it says.

mod certificate;
mod issue;
mod request;

pub use certificate::{ClientCertificate, ReadError, public_key_pins};
pub use issue::{CertificateOrder, IssueError, Issued, issue, random_suffix};
pub(crate) use request::read_request;
pub use request::{KeyError, NewKey, RequestContent, Subject, new_key};
