//! A command of one's own: the shipped kinds, and a curious one beside them.

use std::process::ExitCode;

fn main() -> ExitCode {
    connection_host::Cli::shipped().kind(curious::Curious).run()
}
