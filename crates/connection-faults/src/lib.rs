//! Support for the tests of several crates of this workspace. It is not published, and no program depends on it.

#![expect(clippy::disallowed_methods, reason = "tests have an environment and a clock of their own")]
#![expect(clippy::exhaustive_enums, reason = "tests alone match on them")]
#![expect(clippy::exhaustive_structs, reason = "tests alone make and read them")]

pub mod authlib;
pub mod browser;
pub mod certificates;
pub mod double;
pub mod double_kind;
pub mod eventually;
pub mod host_pool;
pub mod ledger;
pub mod log;
pub mod login_kind;
pub mod model;
pub mod oidc;
pub mod peer;
pub mod plain_store;
pub mod podman;
pub mod postgres;
pub mod processes;
pub mod provider;
pub mod random;
pub mod relay;
pub mod request_log;
pub mod rounds;
pub mod script;
pub mod scripted;
pub mod server;
pub mod setups;
pub mod signed_webhooks;
pub mod skip_notice;
pub mod sql;
pub mod state_files;
pub mod test_database;
pub mod user_agent;
pub mod work;
pub mod write_lock;
