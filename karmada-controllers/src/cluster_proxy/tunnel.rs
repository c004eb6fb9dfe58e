//! A connection that became another one, copied byte by byte.

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;

/// Two connections that are one: what comes from one end goes to the other.
#[derive(Debug)]
pub struct Tunnel {
    client: OnUpgrade,
    member: OnUpgrade,
}

impl Tunnel {
    pub(super) fn new(client: OnUpgrade, member: OnUpgrade) -> Self {
        Self { client, member }
    }

    /// Copies until both ends have nothing more to say, or one breaks off.
    pub async fn run(self) {
        let (client, member) = match tokio::try_join!(self.client, self.member) {
            Ok(both) => both,
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "a connection was not upgraded");
                return;
            }
        };
        let (mut client, mut member) = (TokioIo::new(client), TokioIo::new(member));
        if let Err(error) = tokio::io::copy_bidirectional(&mut client, &mut member).await {
            tracing::debug!(error = &error as &dyn std::error::Error, "an upgraded connection broke off");
        }
    }
}
