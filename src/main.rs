//! The program: runs the job the command line asks for, prints errors, sets the exit status.

use nettriage::{cli, run};
use std::process::ExitCode;

fn main() -> ExitCode {
    run::run(cli::job())
}
