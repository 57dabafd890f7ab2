//! A notice for tests that cannot run on this machine. In continuous integration such a test fails instead.

use std::{
    env,
    io::{self, Write as _},
};

/// Prints which tests are skipped, and why.
///
/// # Panics
///
/// Panics in continuous integration, so that the calling test fails by its name while the other tests of its process
/// continue.
pub fn say(what: &str, why: &str) {
    assert!(env::var_os("CI").is_none(), "no test {what} can run ({why}); `cargo xtask setup` installs what they need");
    let message = format!("\n\nSKIPPED: every test {what} ({why}).\n`cargo xtask setup` installs what they need.\n\n");
    // The test harness captures `eprintln!`, so the notice is written to the stream itself.
    io::stderr().write_all(message.as_bytes()).unwrap_or_default();
}
