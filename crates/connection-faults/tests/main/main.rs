//! Several processes on one database. The rows that they leave are compared with the records of each process.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]
#![expect(clippy::disallowed_methods, reason = "processes have an environment and a clock of their own")]

mod authorization_servers;
#[cfg(target_os = "linux")]
mod browser;
mod compare;
mod killed;
mod model;
mod random;
mod relay;
