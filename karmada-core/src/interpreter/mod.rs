//! The interpreter room.
