//! Waiting for a condition, bounded, with the last thing seen in the error.

use std::time::{Duration, Instant};

use crate::api_error::ApiError;

/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(10);

/// What a look found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probe<T> {
    Ready(T),
    /// Not yet; the text says what was seen.
    NotYet(String),
}

/// A condition that did not come true.
#[derive(Debug, thiserror::Error)]
pub enum WaitError {
    #[error("{what} did not happen within {} seconds (last seen: {seen})", .timeout.as_secs())]
    Timeout { what: String, timeout: Duration, seen: String },
    #[error("cannot see whether {what}")]
    Api {
        what: String,
        #[source]
        source: ApiError,
    },
}

/// Looks again and again until the condition is true or the time is up.
pub async fn wait_until<T, F, P>(what: &str, timeout: Duration, mut probe: F) -> Result<T, WaitError>
where
    F: FnMut() -> P,
    P: Future<Output = Result<Probe<T>, ApiError>>,
{
    let started = Instant::now();
    loop {
        let found = probe().await.map_err(|source| WaitError::Api { what: what.to_owned(), source })?;
        match found {
            Probe::Ready(value) => return Ok(value),
            Probe::NotYet(seen) if started.elapsed() >= timeout => {
                return Err(WaitError::Timeout { what: what.to_owned(), timeout, seen });
            }
            Probe::NotYet(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_error_says_what_was_seen_last() {
        let mut looks = 0;
        let result = wait_until("the sky falls", Duration::ZERO, || {
            looks += 1;
            async { Ok::<Probe<()>, ApiError>(Probe::NotYet("clouds".to_owned())) }
        })
        .await;
        assert_eq!(
            result.unwrap_err().to_string(),
            "the sky falls did not happen within 0 seconds (last seen: clouds)"
        );
        assert_eq!(looks, 1);
    }
}
