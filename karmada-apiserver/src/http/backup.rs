//! The whole store as one file: `GET` takes a backup and `PUT` restores one, while the server runs.
//!
//! Neither is in the real server, whose store has tools of its own. Both need the right to the path, which only
//! `cluster-admin` has unless a role names it: a backup holds every Secret.

use std::io;
use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures::StreamExt as _;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, StatusCode};
use serde_json::json;
use tokio::sync::mpsc;

use super::failure::Failure;
use super::negotiate::Encoding;
use super::respond::value_response;
use crate::server::Inner;
use crate::store::{Backup, Restored, WriteError};

pub(super) const PATH: &str = "/store/backup";
/// Pieces that may wait between the network and the store.
const WAITING: usize = 16;
/// Bytes of a piece that is sent.
const PIECE: usize = 64 << 10;

/// Answers a request for the path.
pub(super) async fn answer(server: &Arc<Inner>, method: &Method, body: Body) -> Result<Response, Failure> {
    match *method {
        Method::GET => Ok(take(server)),
        Method::PUT => restore(server, body).await,
        _ => Err(Failure::method_not_allowed()),
    }
}

fn take(server: &Arc<Inner>) -> Response {
    let snapshot = server.store.snapshot();
    let (sender, receiver) = mpsc::channel(WAITING);
    tokio::task::spawn_blocking(move || {
        let mut out = io::BufWriter::with_capacity(PIECE, Sender { pieces: sender.clone() });
        // The client sees a body that breaks off, and the file has no end.
        if let Err(error) = snapshot.write_to(&mut out) {
            tracing::debug!(error = &error as &dyn std::error::Error, "a backup was not read to its end");
            sender.blocking_send(Err(error)).ok();
        }
    });
    let pieces = futures::stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|piece| (piece, receiver))
    });
    let mut response = Response::new(Body::from_stream(pieces));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/zstd"));
    response
}

async fn restore(server: &Arc<Inner>, body: Body) -> Result<Response, Failure> {
    let (sender, receiver) = mpsc::channel(WAITING);
    let reading = tokio::task::spawn_blocking(move || {
        Backup::read_from(Receiver { pieces: receiver, current: Bytes::new() })
    });
    let mut pieces = body.into_data_stream();
    while let Some(piece) = pieces.next().await {
        // The reader has seen enough when it is gone.
        if sender.send(piece.map_err(io::Error::other)).await.is_err() {
            break;
        }
    }
    drop(sender);
    let backup = match reading.await {
        Ok(Ok(backup)) => backup,
        Ok(Err(error)) => {
            let cause = std::error::Error::source(&error).map(|source| format!(": {source}"));
            return Err(Failure::bad_request(format!("{error}{}", cause.unwrap_or_default())));
        }
        Err(_) => return Err(Failure::internal("the backup could not be read")),
    };
    let restored = server.store.restore(&backup).await.map_err(|error| match error {
        WriteError::Commit(error) if error.is_full() => {
            Failure::internal("the backup could not be stored: no space is left on the device")
        }
        WriteError::Closed => Failure::unavailable("the server is shutting down"),
        _ => Failure::internal("the backup could not be stored"),
    })?;
    let Restored { created, changed, removed, unchanged, revision } = restored;
    let answer = json!({"created": created, "changed": changed, "removed": removed, "unchanged": unchanged,
        "revision": revision.to_string()});
    Ok(value_response(StatusCode::OK, Encoding::Json, &answer))
}

/// Writes into the body of an answer.
struct Sender {
    pieces: mpsc::Sender<io::Result<Bytes>>,
}

impl io::Write for Sender {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let piece = Bytes::copy_from_slice(bytes);
        self.pieces.blocking_send(Ok(piece)).map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads the body of a request.
struct Receiver {
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    current: Bytes,
}

impl io::Read for Receiver {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.pieces.blocking_recv() {
                Some(piece) => self.current = piece?,
                None => return Ok(0),
            }
        }
        let len = out.len().min(self.current.len());
        out[..len].copy_from_slice(&self.current.split_to(len));
        Ok(len)
    }
}
