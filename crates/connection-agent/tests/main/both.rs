// The modules whose tests run on SQLite, and with `CONNECTIONS_TEST_ENGINE=postgres` on PostgreSQL. `cargo xtask test`
// reads this list.

#[allow(dead_code, reason = "the core, whose it is, has more use for it")]
#[path = "../../../connection-core/tests/main/acme.rs"]
mod acme;
#[allow(dead_code, reason = "the core, whose it is, has more use for it")]
#[path = "../../../connection-core/tests/main/fake.rs"]
mod fake;
mod sandbox_allowed;
mod sandbox_argv;
#[cfg(unix)]
mod sandbox_build;
mod sandbox_guide;
mod sandbox_run;
mod sandbox_unplaced;
mod sandbox_writable;
#[allow(dead_code, reason = "the core, whose it is, has more use for it")]
#[path = "../../../connection-core/tests/main/test_host.rs"]
mod test_host;
#[allow(dead_code, reason = "the core, whose it is, has more use for it")]
#[path = "../../../connection-core/tests/main/tool.rs"]
mod tool;
mod usage_bounds;
mod usage_connect;
mod usage_fetch;
mod usage_history;
mod usage_plugin;
mod usage_poller;
mod usage_session;

use connection_faults::{log, server as test_server};
