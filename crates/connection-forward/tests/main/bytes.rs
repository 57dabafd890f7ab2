//! A property of all requests: path and query arrive byte for byte, or the request is refused.

use proptest::{
    collection::vec,
    prelude::*,
    sample::select,
    test_runner::{Config, TestRunner},
};
use tokio::runtime;

use crate::fixture::{HOST, ID, Run};

/// Pieces of a path or a query, among them those that libraries like to change.
///
/// A `#` is left out: it begins a fragment, which is no part of a request, and the HTTP library cuts it off.
fn target() -> impl Strategy<Value = Vec<u8>> {
    let odd = [
        "..", ".", "%2e", "%2E%2e", "/", "//", "%2f", "\\", "%5c", "?", "&", "=", ";", "@", "'", "\"", "<", ">", "{",
        "|", "^", "`", "[", "%", "%zz", "%00", "+", "%20", ":", "é", "/../", "/%2e/",
    ];
    let odd = select(odd.to_vec()).prop_map(|text| text.as_bytes().to_vec());
    let plain = "[a-z0-9_~.-]{1,6}".prop_map(String::into_bytes);
    let any = prop_oneof![0x21..0x23_u8, 0x24..0x7f_u8, 0x80..=0xff_u8].prop_map(|byte| vec![byte]);
    vec(prop_oneof![4 => plain, 4 => odd, 1 => any], 0..8).prop_map(|pieces| [b"/".to_vec(), pieces.concat()].concat())
}

#[test]
fn path_and_query_arrive_byte_for_byte_or_the_request_is_refused() {
    let runtime = runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let run = runtime.block_on(Run::start());
    let passed = std::cell::Cell::new(0);
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::default() });
    let checked = runner.run(&target(), |target| {
        let before = run.double.seen().len();
        let request = [b"GET ", &*target, b" HTTP/1.1\r\nHost: api.example.test\r\n\r\n"].concat();
        let answer = runtime.block_on(run.request(&request));
        let seen = run.double.seen();
        if answer.status == 200 {
            passed.set(passed.get() + 1);
            let expected = [format!("/use/{ID}@{HOST}").as_bytes(), &target].concat();
            prop_assert_eq!(seen.last().unwrap().target.as_bytes(), expected);
        } else {
            prop_assert_eq!(answer.status, 400);
            prop_assert_eq!(seen.len(), before);
        }
        Ok(())
    });
    checked.unwrap();
    // Without both kinds, the property would say little.
    assert!((20..240).contains(&passed.get()), "{} of 256 requests were passed on", passed.get());
}
