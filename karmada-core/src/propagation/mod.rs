//! The propagation room.
