//! The user's terminal: raw while a remote one uses it, and its size.

use std::io;

use tokio::sync::watch;

/// Columns and rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    pub columns: u16,
    pub rows: u16,
}

/// A terminal that passes every key on; as it was before when dropped.
#[derive(Debug)]
pub struct RawTerminal {
    #[cfg(unix)]
    before: rustix::termios::Termios,
}

#[cfg(unix)]
impl RawTerminal {
    /// Makes the terminal of stdin raw.
    ///
    /// # Errors
    /// When stdin is none.
    pub fn enter() -> io::Result<Self> {
        use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
        let before = tcgetattr(io::stdin())?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(io::stdin(), OptionalActions::Now, &raw)?;
        Ok(Self { before })
    }
}

#[cfg(unix)]
impl Drop for RawTerminal {
    fn drop(&mut self) {
        use rustix::termios::{OptionalActions, tcsetattr};
        if let Err(error) = tcsetattr(io::stdin(), OptionalActions::Now, &self.before) {
            tracing::warn!(%error, "cannot restore the terminal");
        }
    }
}

#[cfg(not(unix))]
impl RawTerminal {
    /// Says that there is no raw terminal here.
    ///
    /// # Errors
    /// Always.
    pub fn enter() -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Returns the size of the terminal of stdout, now and whenever it changes.
///
/// # Errors
/// When stdout is none, or changes cannot be noticed.
pub fn sizes() -> io::Result<watch::Receiver<Size>> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut changes = signal(SignalKind::window_change())?;
        let (sender, receiver) = watch::channel(size()?);
        tokio::spawn(async move {
            while changes.recv().await.is_some() {
                let Ok(size) = size() else { return };
                if sender.send(size).is_err() {
                    return;
                }
            }
        });
        Ok(receiver)
    }
    #[cfg(not(unix))]
    {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(unix)]
fn size() -> io::Result<Size> {
    let size = rustix::termios::tcgetwinsize(io::stdout())?;
    Ok(Size { columns: size.ws_col, rows: size.ws_row })
}
