//! How a fault reaches the author: a panic with one sentence, which holds no secret.

/// Fails the test.
#[track_caller]
#[expect(clippy::panic, reason = "a testkit fails tests, and this is how a test fails")]
pub(crate) fn fail(message: &str) -> ! {
    panic!("{message}")
}
