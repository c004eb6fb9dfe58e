//! The patch room.
