//! Runs the real binary, as a user would, against loopback servers shaped like the providers' documents.

mod canary;
mod embedding;
mod errors;
mod input;
#[cfg(unix)]
mod kill;
mod life;
mod own;
mod program;
mod provider;
mod setups;
mod shapes;
#[cfg(unix)]
mod terminal;
mod tree;
mod usage;
mod words;
