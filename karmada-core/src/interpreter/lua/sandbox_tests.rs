//! What scripts cannot do.
