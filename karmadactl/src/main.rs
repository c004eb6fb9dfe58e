//! The `karmadactl` program: everything it does is in the library of the same name.

use std::process::ExitCode;

/// Objects are trees of small allocations that other threads free: a third of the time went into the
/// system's allocator, and its heaps never shrank.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    karmadactl::run(std::env::args_os())
}
