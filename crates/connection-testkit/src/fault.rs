//! Reports a fault to the author of the plugin: a panic with one sentence, which contains no secret.

use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
};

thread_local! {
    /// `true` while a caller collects faults, which the panic hook must not print.
    static IS_COLLECTED: Cell<bool> = const { Cell::new(false) };
}

/// Fails the test with this message.
#[track_caller]
#[expect(clippy::panic, reason = "a testkit fails tests, and this is how a test fails")]
pub(crate) fn fail(message: &str) -> ! {
    if IS_COLLECTED.get() {
        resume_unwind(Box::new(message.to_owned()));
    }
    panic!("{message}")
}

/// Runs a check, and returns the message of its fault instead of failing the test.
pub(crate) fn collected(check: impl FnOnce()) -> Result<(), String> {
    IS_COLLECTED.set(true);
    let result = catch_unwind(AssertUnwindSafe(check));
    IS_COLLECTED.set(false);
    result.map_err(|payload| match payload.downcast::<String>() {
        Ok(message) => *message,
        Err(_) => "the plugin panics".to_owned(),
    })
}
