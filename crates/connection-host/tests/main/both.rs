// What runs on SQLite and on PostgreSQL; `program.rs` knows on which.

mod imports;
#[cfg(unix)]
mod kill;
mod life;
mod order;
mod own;
mod program;
mod provider;
mod record;
mod repair;
mod servers;
mod setups;
