// The tests that run on SQLite and on PostgreSQL; `world.rs` knows which one it is.

mod browsers;
mod callbacks;
mod checks;
mod chromium;
mod form;
mod hooks;
mod led;
mod login;
mod loopback;
mod odd_requests;
mod pages;
#[cfg(unix)]
mod processes;
mod provider;
mod refusals;
mod requests;
mod schema;
mod setups;
mod webhooks;
mod world;
