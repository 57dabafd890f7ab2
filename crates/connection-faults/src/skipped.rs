//! Tests that cannot run on this machine are left out, which is said; in continuous integration they fail.

use std::{
    env,
    io::{self, Write as _},
};

/// Says which tests are left out, and why.
///
/// # Panics
///
/// In continuous integration, so that the test that asked fails by its name and the others of its process run on.
pub(crate) fn say(what: &str, why: &str) {
    // Past what the test harness captures.
    assert!(env::var_os("CI").is_none(), "no test {what} can run ({why}); `cargo xtask setup` installs what they need");
    let message = format!("\n\nSKIPPED: every test {what} ({why}).\n`cargo xtask setup` installs what they need.\n\n");
    io::stderr().write_all(message.as_bytes()).unwrap_or_default();
}
