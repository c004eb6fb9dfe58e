//! The `karmadactl` program: everything it does is in the library of the same name.

use std::process::ExitCode;

fn main() -> ExitCode {
    karmadactl::run(std::env::args_os())
}
