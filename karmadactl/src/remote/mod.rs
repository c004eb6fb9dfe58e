//! Commands in containers, and terminals attached to them: Kubernetes' channels over a WebSocket.

mod session;
mod terminal;
mod websocket;

pub use session::{Ended, RemoteError, Session, Streams};
pub use terminal::{RawTerminal, Size, sizes};
pub use websocket::{Message, Reader, WebSocketError, Writer, accept_of};
