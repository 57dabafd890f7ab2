//! The core as a host sees it: a real database, real HTTP on loopback, time moved by hand.

mod acme;
mod endpoint_addresses;
mod endpoint_faults;
mod raw;
mod smoke;
#[path = "../../src/services/test_server.rs"]
mod test_server;
mod world;
