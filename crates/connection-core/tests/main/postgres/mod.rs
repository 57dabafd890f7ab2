//! Tests that only PostgreSQL needs: roles, TLS, and what may be in between. They run if `CONNECTIONS_TEST_ENGINE` is
//! `postgres`, as `cargo xtask test` sets it.

mod commit_lost;
mod exchange_commits;
mod failover;
mod left_open;
mod places;
mod pooler;
mod requirements;
mod server_faults;
mod servers;
mod signals;
mod vanished;
