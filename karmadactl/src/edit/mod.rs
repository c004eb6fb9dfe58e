//! Editing objects in the user's editor.
//!
//! [`compose`] writes what is edited, [`Buffer`] has it edited, [`parse`] reads what was saved, and [`save`] sends it.

mod buffer;
mod save;
mod text;

pub use buffer::{Buffer, EditorError, editor_command};
pub use save::{Edited, Record, SaveError, save};
pub use text::{EditFormat, TextError, compose, is_same, parse, with_problems};
