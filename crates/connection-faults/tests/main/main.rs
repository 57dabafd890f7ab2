//! Several processes on one database: what they leave, compared with what each says it did.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]
#![expect(clippy::disallowed_methods, reason = "processes have an environment and a clock of their own")]

mod authorization_servers;
#[cfg(target_os = "linux")]
mod browser;
mod compare;
mod killed;
mod model;
mod relay;
