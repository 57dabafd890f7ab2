// What runs on SQLite and on PostgreSQL; `program.rs` knows on which.

mod applications;
mod chromium;
#[cfg(unix)]
mod exec;
mod extensions;
mod finish;
mod hand_off;
mod hooking;
mod imports;
#[cfg(unix)]
mod kill;
mod life;
mod order;
mod own;
mod preferences;
mod program;
mod provider;
mod real;
mod record;
mod refresh;
mod repair;
#[cfg(unix)]
mod serve;
mod servers;
mod setups;
#[cfg(unix)]
mod transcripts;
