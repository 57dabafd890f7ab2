// The tests that run on SQLite and on PostgreSQL; `test_host.rs` knows which engine is used.

mod callers;
mod changes;
mod document;
mod http;
mod kinds;
mod lists;
mod live;
mod page_files;
mod pages;
mod refusals;
mod setups;
mod test_host;
