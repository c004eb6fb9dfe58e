//! The overriding room.
