//! The scheduling room.
