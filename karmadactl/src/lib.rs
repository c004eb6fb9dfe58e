//! Program library.
