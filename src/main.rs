//! Command line → library → exit status.

use std::process::ExitCode;

fn main() -> ExitCode {
    scanhook::cli::run(std::env::args_os())
}
