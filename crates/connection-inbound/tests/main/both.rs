// The tests that run on SQLite and on PostgreSQL; `test_host.rs` knows which engine is used.

mod browsers;
mod callbacks;
mod checks;
mod hooks;
mod listening;
mod login;
mod loopback;
mod odd_requests;
mod pages;
#[cfg(unix)]
mod processes;
mod provider;
mod question;
mod requests;
mod start_address;
mod test_host;
mod webhooks;
