//! A failed call to a Kubernetes API, worded for people.

use std::error::Error;
use std::fmt;

/// A failed call to a Kubernetes API.
///
/// `kube::Error` prints its debug form; this prints the server's own message, and names the
/// kind of failure when there is no answer at all.
#[derive(Debug)]
pub struct ApiError(pub kube::Error);

impl ApiError {
    /// The server's reason (`NotFound`, `Conflict`...) when it answered.
    pub fn reason(&self) -> Option<&str> {
        match &self.0 {
            // An answer that is no Status has a made-up reason with blanks in it.
            kube::Error::Api(status) if !status.reason.is_empty() && !status.reason.contains(' ') => {
                Some(&status.reason)
            }
            _ => None,
        }
    }

    /// The HTTP status code when the server answered.
    pub fn code(&self) -> Option<u16> {
        match &self.0 {
            kube::Error::Api(status) => Some(status.code),
            _ => None,
        }
    }

    /// Whether the object or the kind is not there.
    pub fn is_not_found(&self) -> bool {
        self.code() == Some(404)
    }

    /// Whether the server says that it may answer in a moment.
    pub fn is_momentary(&self) -> bool {
        matches!(self.code(), Some(429 | 503))
    }

    /// Whether nobody answered: the way out is another address or a started server.
    pub fn is_unreachable(&self) -> bool {
        matches!(self.0, kube::Error::Service(_) | kube::Error::HyperError(_))
    }

    /// Returns what the user can do about it.
    pub fn hints(&self) -> Vec<String> {
        if self.is_unreachable() {
            return vec![
                "check the server's address in the kubeconfig and that the control plane runs \
                 (`karmadactl local-up` starts one here)"
                    .to_owned(),
            ];
        }
        match self.code() {
            Some(401) => vec!["the credentials in the kubeconfig are not (or no longer) accepted".to_owned()],
            Some(403) => {
                vec!["ask for the missing permission, or choose another --karmada-context".to_owned()]
            }
            _ => Vec::new(),
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            kube::Error::Api(status) if status.message.is_empty() => {
                write!(formatter, "the server answered with code {}", status.code)
            }
            kube::Error::Api(status) => formatter.write_str(&status.message),
            kube::Error::Service(_) | kube::Error::HyperError(_) => {
                formatter.write_str("the server does not answer")
            }
            kube::Error::SerdeError(_) => formatter.write_str("the server's answer is not understood"),
            other => fmt::Display::fmt(other, formatter),
        }
    }
}

impl Error for ApiError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.0 {
            kube::Error::Api(_) => None,
            other => other.source(),
        }
    }
}

impl From<kube::Error> for ApiError {
    fn from(error: kube::Error) -> Self {
        Self(error)
    }
}
