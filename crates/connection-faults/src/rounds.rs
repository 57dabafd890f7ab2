//! The number of repetitions in a test.
//!
//! Some tests kill a process at a random moment, let several processes work at random, or fill a database with many
//! rows. Each of them has a short form, which every run of the suite uses, and a long form, which `cargo xtask test
//! --long` uses.

use std::env;

/// Environment variable that selects the long form of every test that has one.
const LONG_RUN: &str = "CONNECTIONS_TEST_LONG";

/// Returns `long` when `CONNECTIONS_TEST_LONG` is set in the environment, and `short` otherwise.
pub fn rounds<T>(short: T, long: T) -> T {
    if env::var_os(LONG_RUN).is_some() { long } else { short }
}
