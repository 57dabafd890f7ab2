//! The binary `connections`: the library's command line with the plugins of this workspace.

use std::process::ExitCode;

use connection_host::Cli;

fn main() -> ExitCode {
    Cli::shipped().run()
}
