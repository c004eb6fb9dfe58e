//! WebSocket frames (RFC 6455), as much as Kubernetes' streams need: whole messages, pings, closing.

use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// What the key of a handshake is hashed with.
const MAGIC: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// Largest message that is taken.
const LARGEST: usize = 16 << 20;
const FINAL: u8 = 0x80;
const MASKED: u8 = 0x80;
const RESERVED: u8 = 0x70;

/// A WebSocket that cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum WebSocketError {
    #[error("the connection broke off")]
    Io(#[from] std::io::Error),
    #[error("the server sent a frame that makes no sense")]
    Malformed,
    #[error("the server sent a message of more than {LARGEST} bytes")]
    TooLarge,
}

/// A message, or what has to be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    Data(Vec<u8>),
    Ping(Vec<u8>),
    Close,
}

/// The receiving half.
#[derive(Debug)]
pub struct Reader<R> {
    inner: R,
}

/// The sending half. Clients mask what they send.
#[derive(Debug)]
pub struct Writer<W> {
    inner: W,
    masks: Option<AtomicU64>,
}

/// Returns a fresh key for a handshake.
pub(super) fn new_key() -> String {
    STANDARD.encode(uuid::Uuid::new_v4().as_bytes())
}

/// Returns what a server answers to a key.
pub fn accept_of(key: &str) -> String {
    let digest =
        ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, format!("{key}{MAGIC}").as_bytes());
    STANDARD.encode(digest)
}

impl<R: AsyncRead + Unpin> Reader<R> {
    /// Reads messages from a connection that is a WebSocket by now.
    pub fn new(inner: R) -> Self {
        Self { inner }
    }

    /// Waits for the next message; the end of the connection is a close.
    ///
    /// # Errors
    /// When the connection breaks off or the server sends nonsense.
    pub async fn next(&mut self) -> Result<Message, WebSocketError> {
        let mut message = Vec::new();
        loop {
            let first = match self.inner.read_u8().await {
                Ok(first) => first,
                Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(Message::Close),
                Err(error) => return Err(error.into()),
            };
            let (opcode, is_final) = (first & 0x0f, first & FINAL != 0);
            let payload = self.payload(message.len()).await?;
            if first & RESERVED != 0 {
                return Err(WebSocketError::Malformed);
            }
            match opcode {
                // A continuation, text or bytes.
                0..=2 => {
                    message.extend(payload);
                    if is_final {
                        return Ok(Message::Data(message));
                    }
                }
                8 => return Ok(Message::Close),
                // Pings between the pieces of a message are rare; the message goes on after the answer is lost.
                9 if message.is_empty() => return Ok(Message::Ping(payload)),
                9 | 10 => {}
                _ => return Err(WebSocketError::Malformed),
            }
        }
    }

    async fn payload(&mut self, before: usize) -> Result<Vec<u8>, WebSocketError> {
        let second = self.inner.read_u8().await?;
        let length = match second & !MASKED {
            126 => u64::from(self.inner.read_u16().await?),
            127 => self.inner.read_u64().await?,
            short => u64::from(short),
        };
        let length = usize::try_from(length).map_err(|_| WebSocketError::TooLarge)?;
        if length > LARGEST - before.min(LARGEST) {
            return Err(WebSocketError::TooLarge);
        }
        let mut mask = [0; 4];
        if second & MASKED != 0 {
            self.inner.read_exact(&mut mask).await?;
        }
        // Memory is taken as bytes come: a length costs nothing to claim.
        let mut payload = Vec::new();
        let read = (&mut self.inner).take(length as u64).read_to_end(&mut payload).await?;
        if read < length {
            return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into());
        }
        if second & MASKED != 0 {
            apply(mask, &mut payload);
        }
        Ok(payload)
    }
}

impl<W: AsyncWrite + Unpin> Writer<W> {
    /// Sends as a client.
    pub fn client(inner: W) -> Self {
        let seed = uuid::Uuid::new_v4().as_u64_pair().0;
        Self { inner, masks: Some(AtomicU64::new(seed)) }
    }

    /// Sends as a server.
    pub fn server(inner: W) -> Self {
        Self { inner, masks: None }
    }

    /// Sends a message of bytes.
    ///
    /// # Errors
    /// When the connection breaks off.
    pub async fn send(&mut self, payload: &[u8]) -> Result<(), WebSocketError> {
        self.frame(2, payload).await
    }

    /// Answers a ping.
    ///
    /// # Errors
    /// When the connection breaks off.
    pub async fn pong(&mut self, payload: &[u8]) -> Result<(), WebSocketError> {
        self.frame(10, payload).await
    }

    /// Says that no more comes.
    ///
    /// # Errors
    /// When the connection breaks off.
    pub async fn close(&mut self) -> Result<(), WebSocketError> {
        // 1000: a normal end.
        self.frame(8, &1000_u16.to_be_bytes()).await
    }

    async fn frame(&mut self, opcode: u8, payload: &[u8]) -> Result<(), WebSocketError> {
        let masked = if self.masks.is_some() { MASKED } else { 0 };
        let mut frame = vec![FINAL | opcode];
        match payload.len() {
            short @ 0..=125 => frame.push(masked | short as u8),
            medium @ 126..=0xffff => {
                frame.push(masked | 0x7e);
                frame.extend((medium as u16).to_be_bytes());
            }
            long => {
                frame.push(masked | 0x7f);
                frame.extend((long as u64).to_be_bytes());
            }
        }
        match &self.masks {
            Some(masks) => {
                let mask = next_mask(masks);
                frame.extend(mask);
                let start = frame.len();
                frame.extend_from_slice(payload);
                apply(mask, &mut frame[start..]);
            }
            None => frame.extend_from_slice(payload),
        }
        self.inner.write_all(&frame).await?;
        self.inner.flush().await?;
        Ok(())
    }
}

/// Returns another mask: they keep caches on the way from seeing chosen bytes, TLS keeps secrets.
fn next_mask(state: &AtomicU64) -> [u8; 4] {
    let mixed = state.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    ((mixed >> 32) as u32).to_be_bytes()
}

fn apply(mask: [u8; 4], payload: &mut [u8]) {
    for (byte, mask) in payload.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_answer_to_a_key_is_that_of_the_standard() {
        assert_eq!(accept_of("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    fn read_all(bytes: &[u8]) -> Vec<Result<Message, String>> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut reader = Reader::new(bytes);
            let mut messages = Vec::new();
            loop {
                let message = reader.next().await.map_err(|error| error.to_string());
                let ends = !matches!(message, Ok(Message::Data(_) | Message::Ping(_)));
                messages.push(message);
                if ends {
                    return messages;
                }
            }
        })
    }

    #[test]
    fn pieces_are_one_message_and_nonsense_is_refused() {
        let bytes = [0x01, 1, b'a', 0x80, 1, b'b', 0x89, 0, 0x88, 0];
        let expected = [Ok(Message::Data(b"ab".to_vec())), Ok(Message::Ping(Vec::new())), Ok(Message::Close)];
        assert_eq!(read_all(&bytes), expected);
        assert!(read_all(&[0xf2, 0])[0].is_err());
        let endless = [0x82, 127, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
        assert!(read_all(&endless)[0].as_ref().is_err_and(|error| error.contains("more than")));
        assert!(read_all(&[0x82, 126, 0xff, 0xff, 1])[0].is_err());
    }

    proptest! {
        #[test]
        fn what_a_client_sends_is_what_arrives(sizes in prop::collection::vec(0_usize..70_000, 0..4)) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let payloads: Vec<Vec<u8>> = sizes.iter().map(|size| (0..*size).map(|n| n as u8).collect()).collect();
            let bytes = runtime.block_on(async {
                let mut bytes = Vec::new();
                let mut writer = Writer::client(&mut bytes);
                for payload in &payloads {
                    writer.send(payload).await.unwrap();
                }
                bytes
            });
            let mut expected: Vec<_> = payloads.into_iter().map(|payload| Ok(Message::Data(payload))).collect();
            expected.push(Ok(Message::Close));
            prop_assert_eq!(read_all(&bytes), expected);
        }

        #[test]
        fn any_bytes_end(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            read_all(&bytes);
        }
    }
}
