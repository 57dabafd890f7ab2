//! The testkit on itself: what it accepts, and that each of its defences fires.

mod acme;
mod answers;
mod callbacks;
mod compare;
mod crypto;
mod desk;
mod documented;
mod faults;
mod files;
mod fixtures;
mod http;
mod lent;
mod limits;
mod quirk;
mod refresh;
mod replay;
mod signed;
mod suite;
mod timestamps;
mod webhooks;

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Why the testkit fails a test that does this.
#[track_caller]
fn fault<T>(test: impl FnOnce() -> T) -> String {
    match catch_unwind(AssertUnwindSafe(test)) {
        Ok(_) => panic!("nothing failed"),
        Err(payload) => *payload.downcast::<String>().expect("a message"),
    }
}
/// That it fails with these words.
#[track_caller]
fn check<T>(expected: &str, test: impl FnOnce() -> T) {
    let message = fault(test);
    assert!(message.contains(expected), "{message}");
    assert!(!message.contains(acme::KEY), "the message shows the secret: {message}");
}
