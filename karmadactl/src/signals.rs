//! Being told to stop.

use std::future::Future;
use std::io;

/// Returns what completes when the process is asked to stop (Ctrl-C or SIGTERM).
///
/// From this call on, not only from the first poll, being asked to stop does nothing else: who says that it is ready calls
/// this before. Who waits for an orderly end calls this again.
pub fn stop_requested() -> impl Future<Output = io::Result<()>> + Send {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let signals = signal(SignalKind::interrupt())
            .and_then(|interrupt| Ok((interrupt, signal(SignalKind::terminate())?)));
        async move {
            let (mut interrupt, mut terminate) = signals?;
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            Ok(())
        }
    }
    #[cfg(not(unix))]
    {
        tokio::signal::ctrl_c()
    }
}
