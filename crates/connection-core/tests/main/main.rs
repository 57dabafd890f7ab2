//! The core as a host sees it: a real database, real HTTP on loopback, time moved by hand.

mod acme;
mod endpoint_addresses;
mod endpoint_faults;
mod fake;
mod inbound;
mod odd;
mod key_faults;
mod open_faults;
mod race;
mod raw;
mod setup_faults;
mod setup_steps;
mod smoke;
#[path = "../../src/services/test_server.rs"]
mod test_server;
mod user;
mod verify_outcomes;
mod world;
