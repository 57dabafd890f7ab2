//! The core as a host sees it: a real database, real HTTP on loopback, time moved by hand.

mod acme;
mod edited_rows;
mod edited_setups;
mod endpoint_addresses;
mod endpoint_faults;
mod fake;
mod form;
mod inbound;
mod key_faults;
mod liveness;
mod log;
mod odd;
mod open_faults;
mod preflight;
mod plugin_faults;
mod race;
mod raw;
mod schema;
mod setup_answers;
mod setup_callbacks;
mod setup_faults;
mod setup_replay;
mod setup_steps;
mod smoke;
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
