//! The core as a host sees it: a real database, real HTTP on loopback, time moved by hand.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod acme;
mod canary;
mod careless;
mod edited_rows;
mod edited_setups;
mod endpoint_addresses;
mod endpoint_faults;
mod events;
mod fake;
mod files;
mod form;
mod inbound;
mod key_faults;
mod kinds;
mod leaks;
mod list;
mod liveness;
mod log;
mod odd;
mod open_faults;
mod plugin_drops;
mod plugin_faults;
mod preflight;
mod race;
mod raw;
mod remove;
mod rows;
mod schema;
mod setup_answers;
mod setup_callbacks;
mod setup_cancel;
mod setup_candidate;
mod setup_dropped;
mod setup_faults;
mod setup_large;
mod setup_leaks;
mod setup_offline;
mod setup_replay;
mod setup_steps;
mod setup_writes;
mod smoke;
mod surface;
#[path = "../../src/services/test_server.rs"]
mod test_server;
mod use_faults;
mod use_origins;
mod use_send;
mod use_token;
mod user;
mod verify_contained;
mod verify_flight;
mod verify_outcomes;
mod verify_rotation;
mod world;
