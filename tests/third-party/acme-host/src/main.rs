//! A command of one's own: the shipped kinds, and Acme beside them.

use std::process::ExitCode;

// region: host
fn main() -> ExitCode {
    connection_host::Cli::shipped().kind(acme::Acme).run()
}
// end: host
