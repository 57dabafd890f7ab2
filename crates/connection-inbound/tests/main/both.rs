// The modules whose tests run on SQLite, and with `CONNECTIONS_TEST_ENGINE=postgres` on PostgreSQL. `cargo xtask test`
// reads this list.

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
