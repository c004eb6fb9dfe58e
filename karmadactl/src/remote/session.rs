//! One session with a container: its streams, and how it ended.

use http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION,
    UPGRADE,
};
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use kube::client::Body;
use kube::core::Status;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::sync::watch;

use super::terminal::Size;
use super::websocket::{self, Message, Reader, WebSocketError, Writer};
use crate::api_error::ApiError;

/// Protocols that are understood, the preferred one first.
const PROTOCOLS: &str = "v5.channel.k8s.io, v4.channel.k8s.io";
/// The protocol in which a client can end a channel.
const WITH_CLOSE: &str = "v5.channel.k8s.io";
const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const ERROR: u8 = 3;
const RESIZE: u8 = 4;
const CLOSE: u8 = 255;
/// Bytes of stdin in one message.
const PIECE: usize = 16 << 10;
/// Largest refusal that is read.
const LONGEST_REFUSAL: usize = 1 << 20;

/// A session that could not be had, or broke off.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    #[error(transparent)]
    Refused(ApiError),
    #[error("the server answered with {code} where it should have opened a stream")]
    NotUpgraded { code: StatusCode },
    #[error("the server opened a stream of an unknown kind")]
    WrongHandshake,
    #[error("the server did not open the stream")]
    Upgrade(#[source] hyper::Error),
    #[error(transparent)]
    Stream(#[from] WebSocketError),
    #[error("cannot write the output")]
    Output(#[source] std::io::Error),
    /// What the container's node says went wrong.
    #[error("{0}")]
    Failed(String),
}

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    Well,
    /// The command's own exit code.
    WithCode(u8),
}

/// The streams of this side.
#[derive(Debug)]
pub struct Streams<I, O, E> {
    pub stdin: Option<I>,
    pub stdout: O,
    pub stderr: E,
    /// Sizes of the terminal, if there is one.
    pub sizes: Option<watch::Receiver<Size>>,
}

/// An open session.
#[derive(Debug)]
pub struct Session {
    reader: Reader<ReadHalf<TokioIo<Upgraded>>>,
    writer: Writer<WriteHalf<TokioIo<Upgraded>>>,
    can_close: bool,
}

impl Session {
    /// Opens a session: `path` is that of `exec` or `attach` of a pod, with its query.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn open(client: &kube::Client, path: &str) -> Result<Self, RemoteError> {
        let key = websocket::new_key();
        let request = Request::get(path)
            .header(CONNECTION, "Upgrade")
            .header(UPGRADE, "websocket")
            .header(SEC_WEBSOCKET_VERSION, "13")
            .header(SEC_WEBSOCKET_KEY, &key)
            .header(SEC_WEBSOCKET_PROTOCOL, PROTOCOLS)
            .body(Body::empty())
            .map_err(|error| RemoteError::Refused(ApiError(kube::Error::HttpError(error))))?;
        let mut response =
            client.send(request).await.map_err(|error| RemoteError::Refused(ApiError(error)))?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            let code = response.status();
            let body = Limited::new(response.into_body(), LONGEST_REFUSAL).collect().await;
            let bytes = body.map(http_body_util::Collected::to_bytes).unwrap_or_default();
            return Err(match status_in(&bytes) {
                Some(mut status) => {
                    status.code = code.as_u16();
                    RemoteError::Refused(ApiError(kube::Error::Api(Box::new(status))))
                }
                None => RemoteError::NotUpgraded { code },
            });
        }
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        if header(SEC_WEBSOCKET_ACCEPT) != Some(websocket::accept_of(&key).as_str()) {
            return Err(RemoteError::WrongHandshake);
        }
        let protocol = header(SEC_WEBSOCKET_PROTOCOL).unwrap_or_default();
        if !PROTOCOLS.split(", ").any(|known| known == protocol) {
            return Err(RemoteError::WrongHandshake);
        }
        let can_close = protocol == WITH_CLOSE;
        let upgraded = hyper::upgrade::on(&mut response).await.map_err(RemoteError::Upgrade)?;
        let (reader, writer) = tokio::io::split(TokioIo::new(upgraded));
        Ok(Self { reader: Reader::new(reader), writer: Writer::client(writer), can_close })
    }

    /// Passes everything on in both directions until the other side ends.
    ///
    /// # Errors
    /// When the stream breaks off, or the container's node says that something went wrong.
    pub async fn run<I, O, E>(mut self, streams: Streams<I, O, E>) -> Result<Ended, RemoteError>
    where
        I: AsyncRead + Unpin,
        O: AsyncWrite + Unpin,
        E: AsyncWrite + Unpin,
    {
        let Streams { mut stdin, mut stdout, mut stderr, mut sizes } = streams;
        if let Some(sizes) = &mut sizes {
            let size = *sizes.borrow_and_update();
            self.writer.send(&resize(size)).await?;
        }
        let mut input = vec![0; PIECE + 1];
        input[0] = STDIN;
        let mut ended = None;
        // A message that is read half stays with its future: it must not be dropped for other news.
        let Self { reader, writer, can_close } = &mut self;
        let mut incoming = Box::pin(next(reader));
        loop {
            tokio::select! {
                (message, reader) = &mut incoming => {
                    let message = message?;
                    incoming = Box::pin(next(reader));
                    match message {
                        Message::Ping(payload) => writer.pong(&payload).await?,
                        Message::Close => break,
                        Message::Data(data) => {
                            let Some((channel, data)) = data.split_first() else { continue };
                            match *channel {
                                STDOUT => pass(&mut stdout, data).await?,
                                STDERR => pass(&mut stderr, data).await?,
                                ERROR => ended = Some(data.to_vec()),
                                _ => {}
                            }
                        }
                    }
                }
                read = read_some(stdin.as_mut(), &mut input[1..]) => {
                    let read = read.unwrap_or(0);
                    if read > 0 {
                        writer.send(&input[..=read]).await?;
                    } else {
                        stdin = None;
                        // Without it the other side waits for more until the session ends.
                        if *can_close {
                            writer.send(&[CLOSE, STDIN]).await?;
                        }
                    }
                }
                size = changed(sizes.as_mut()) => match size {
                    Some(size) => writer.send(&resize(size)).await?,
                    None => sizes = None,
                },
            }
        }
        drop(incoming);
        // The other side may be gone.
        let _gone = self.writer.close().await;
        outcome(ended.as_deref())
    }
}

async fn next<R: AsyncRead + Unpin>(
    reader: &mut Reader<R>,
) -> (Result<Message, WebSocketError>, &mut Reader<R>) {
    (reader.next().await, reader)
}

/// Reads from a stream; one that is not there has nothing, ever.
async fn read_some<I: AsyncRead + Unpin>(stream: Option<&mut I>, into: &mut [u8]) -> std::io::Result<usize> {
    match stream {
        Some(stream) => stream.read(into).await,
        None => std::future::pending().await,
    }
}

async fn changed(sizes: Option<&mut watch::Receiver<Size>>) -> Option<Size> {
    let Some(sizes) = sizes else { return std::future::pending().await };
    sizes.changed().await.ok()?;
    Some(*sizes.borrow_and_update())
}

async fn pass(stream: &mut (impl AsyncWrite + Unpin), data: &[u8]) -> Result<(), RemoteError> {
    stream.write_all(data).await.map_err(RemoteError::Output)?;
    stream.flush().await.map_err(RemoteError::Output)
}

fn resize(size: Size) -> Vec<u8> {
    let mut message = vec![RESIZE];
    message.extend(format!("{{\"Width\":{},\"Height\":{}}}", size.columns, size.rows).into_bytes());
    message
}

/// Reads the status that ends a session.
fn outcome(status: Option<&[u8]>) -> Result<Ended, RemoteError> {
    let Some(status) = status.filter(|status| !status.is_empty()) else { return Ok(Ended::Well) };
    let Ok(status) = serde_json::from_slice::<Value>(status) else {
        return Err(RemoteError::Failed(String::from_utf8_lossy(status).into_owned()));
    };
    if status["status"] == "Success" {
        return Ok(Ended::Well);
    }
    let causes = status["details"]["causes"].as_array().into_iter().flatten();
    let mut codes = causes.filter(|cause| cause["reason"] == "ExitCode");
    let code = codes.next().and_then(|cause| cause["message"].as_str()?.parse::<i64>().ok());
    match code {
        Some(code) if status["reason"] == "NonZeroExitCode" => Ok(Ended::WithCode(code as u8)),
        _ => Err(RemoteError::Failed(
            status["message"].as_str().unwrap_or("the session failed without a message").to_owned(),
        )),
    }
}

/// Reads the body of a refusal; every field of a Status may be left out, so its kind decides.
fn status_in(body: &[u8]) -> Option<Status> {
    let value: serde_json::Value = serde_json::from_slice(body).ok()?;
    if value["kind"] != "Status" {
        return None;
    }
    serde_json::from_value(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_status_says_how_the_command_ended() {
        let code = br#"{"status":"Failure","reason":"NonZeroExitCode","message":"x","details":{"causes":[{"reason":"ExitCode","message":"3"}]}}"#;
        assert_eq!(outcome(Some(code)).unwrap(), Ended::WithCode(3));
        assert_eq!(outcome(Some(br#"{"status":"Success"}"#)).unwrap(), Ended::Well);
        assert_eq!(outcome(None).unwrap(), Ended::Well);
        let error = outcome(Some(br#"{"status":"Failure","message":"no such container"}"#)).unwrap_err();
        assert_eq!(error.to_string(), "no such container");
        assert_eq!(outcome(Some(b"garbage")).unwrap_err().to_string(), "garbage");
    }
}
