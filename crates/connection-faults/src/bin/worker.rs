//! A process in the tests in which several processes work on one database.

use std::process::ExitCode;

use connection_faults::{
    relay,
    work::{self, Order},
};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((order, part)) = Order::from_arguments(&arguments) else { return ExitCode::from(2) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let done = match runtime {
        Ok(runtime) if part.is_empty() => runtime.block_on(work::work(&order)),
        Ok(runtime) => runtime.block_on(relay::part(&order, part)),
        Err(error) => Err(error.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The parent process keeps the output for a person who reads why a run failed.
            tell(&format!("{error} ({error:?})\n"));
            ExitCode::FAILURE
        }
    }
}

fn tell(line: &str) {
    use std::io::Write as _;
    std::io::stderr().write_all(line.as_bytes()).unwrap_or_default();
}
