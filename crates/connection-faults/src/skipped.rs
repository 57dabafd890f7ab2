//! Tests that cannot be done on this machine are left out loudly, and not at all in CI.

use std::{
    env,
    io::{self, Write as _},
    process,
};

/// Says what is not done; in CI that is a failure, which ends this process.
pub(crate) fn say(what: &str, why: &str) {
    // Past what the test harness captures.
    let message = format!("\n\nSKIPPED: every test {what} ({why}).\n`cargo xtask setup` installs what they need.\n\n");
    io::stderr().write_all(message.as_bytes()).unwrap_or_default();
    if env::var_os("CI").is_some() {
        process::exit(1);
    }
}
