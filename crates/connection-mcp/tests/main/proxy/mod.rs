//! The proxy between a client in memory and a server in memory.

mod answers;
mod batches;
mod cancelling;
mod ending;
mod events;
mod harness;
mod header_values;
mod lines;
mod listening;
mod parameters;
mod refusals;
mod resuming;
mod sessions;
mod stateless;
