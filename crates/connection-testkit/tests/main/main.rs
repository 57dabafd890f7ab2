//! Tests of the testkit: it accepts correct plugins, and each of its checks finds its fault.

mod acme;
mod answers;
mod asked_again;
mod callbacks;
mod compare;
mod crypto;
mod desk;
mod documented;
mod faults;
mod files;
mod fixtures;
mod host_services;
mod http;
mod limits;
mod quirk;
mod refresh;
mod replay;
mod signed;
mod suite;
mod timestamps;
mod webhooks;

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Returns the message with which the testkit fails this test.
#[track_caller]
fn fault<T>(test: impl FnOnce() -> T) -> String {
    match catch_unwind(AssertUnwindSafe(test)) {
        Ok(_) => panic!("nothing failed"),
        Err(payload) => *payload.downcast::<String>().expect("a message"),
    }
}

/// Checks that the test fails with a message that contains `expected`.
#[track_caller]
fn check<T>(expected: &str, test: impl FnOnce() -> T) {
    let message = fault(test);
    assert!(message.contains(expected), "{message}");
    assert!(!message.contains(acme::KEY), "the message shows the secret: {message}");
}
