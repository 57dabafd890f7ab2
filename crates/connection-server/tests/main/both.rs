// The tests that run on SQLite and on PostgreSQL; `test_host.rs` knows which engine is used.

mod callers;
mod changed_kinds;
mod changes;
mod conformance;
mod doctor;
mod document;
mod event_deliveries;
mod extensions;
mod http;
mod kinds;
mod lists;
mod live;
mod metrics;
mod once;
mod page_files;
mod pages;
mod profiles;
mod readiness;
mod refusals;
mod request_ids;
mod setup_links;
mod setups;
mod test_host;
mod usage;
