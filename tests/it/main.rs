//! Integration tests of the workspace.

mod replay;
