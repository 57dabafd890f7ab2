//! A program that runs a PostgreSQL server for one run of the suite. It prints the server's address, and stops when
//! its standard input ends.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use connection_faults::postgres;

fn main() -> ExitCode {
    match keep() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The tests report themselves that there is no server.
            io::stderr().write_all(format!("{error}\n").as_bytes()).unwrap_or_default();
            ExitCode::FAILURE
        }
    }
}

fn keep() -> io::Result<()> {
    let cluster = postgres::volatile_cluster()?;
    io::stdout().write_all(format!("{}\n", cluster.address()).as_bytes())?;
    // The server stops when `cluster` is dropped.
    io::copy(&mut io::stdin(), &mut io::sink()).map(drop)
}
