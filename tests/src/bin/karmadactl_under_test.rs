//! `karmadactl` as a binary of this crate, so that its tests can start the program they were built with.

use std::process::ExitCode;

fn main() -> ExitCode {
    karmadactl::run(std::env::args_os())
}
