//! Reports a fault to the author of the plugin: a panic with one sentence, which contains no secret.

/// Fails the test with this message.
#[track_caller]
#[expect(clippy::panic, reason = "a testkit fails tests, and this is how a test fails")]
pub(crate) fn fail(message: &str) -> ! {
    panic!("{message}")
}
