//! After a [`Secret`] is dropped, its bytes are nowhere in the memory of the process, and neither are values that this
//! crate derived from it.
//!
//! The kernel shows the memory of a process as a file, so the test reads all memory that the process can write.
#![cfg(target_os = "linux")]

use std::{
    fs::{self, File},
    os::unix::fs::FileExt as _,
};

use connection_contract::{Answer, HttpRequest, HttpResponse, Record, Secret, Spend, Timestamp, encode, host};

/// Number of letters in each part of a secret.
const PART: usize = 24;
/// Number of parts. A character between them is one that a form encodes.
const PARTS: usize = 3;

/// Returns a letter of the secret of the test with this number. The secret is computed rather than written down, so
/// that only bytes that were derived from it are found.
fn letter(number: usize, part: usize, at: usize) -> u8 {
    b'a' + u8::try_from((at * at * number + at * 7 + part * 11) % 26).unwrap()
}

/// Returns the secret, in one allocation.
fn secret(number: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(PARTS * (PART + 1));
    for part in 0..PARTS {
        bytes.extend((0..PART).map(|at| letter(number, part, at)));
        bytes.push(b'/');
    }
    bytes
}

/// Counts the parts of the secret in the memory that this process can write.
fn found(number: usize) -> usize {
    // The bytes are inverted, so that the search does not find its own pattern.
    let parts = [0, 1, 2].map(|part| (0..PART).map(|at| !letter(number, part, at)).collect::<Vec<_>>());
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let memory = File::open("/proc/self/mem").unwrap();
    let mut found = 0;
    let mut page = vec![0; 64 * 1024];
    let nothing = vec![0; 64 * 1024];
    for line in maps.lines() {
        let Some((range, rest)) = line.split_once(' ') else { continue };
        let (start, end) = range.split_once('-').unwrap();
        let number = |text| u64::from_str_radix(text, 16).unwrap();
        if !rest.starts_with("rw") {
            continue;
        }
        let mut at = number(start);
        let end = number(end);
        // Each step is shorter than a page by the length of a part, so that no part is split between two reads.
        while at < end {
            let length = usize::try_from(end - at).unwrap().min(page.len());
            // Another thread may have unmapped the region since the list was read. Most of the memory was never used.
            if memory.read_exact_at(&mut page[..length], at).is_ok() && page[..length] != nothing[..length] {
                for part in &parts {
                    let begins = (0..=length.saturating_sub(PART)).filter(|at| page[*at] == !part[0]);
                    found +=
                        begins.filter(|at| page[*at..].iter().zip(part).all(|(one, other)| *one == !*other)).count();
                }
            }
            at += u64::try_from(length.saturating_sub(PART).max(1)).unwrap();
        }
        page.fill(0);
    }
    std::hint::black_box(&page);
    found
}

/// Uses a secret. It is in memory while it lives, and no longer after it is dropped.
#[track_caller]
fn wiped(number: usize, what: &str, work: impl FnOnce(Secret)) {
    let made = Secret::new(secret(number));
    assert!(found(number) >= PARTS, "the control, {what}: it is found while it is there");
    work(made);
    assert_eq!(found(number), 0, "{what}");
}

#[test]
fn a_secret_is_wiped_when_it_is_dropped() {
    wiped(1, "itself", drop);
    wiped(2, "a copy", |secret| drop((secret.duplicate(), secret)));
    wiped(3, "parts", |secret| drop(Secret::concat(&[b"before", secret.expose(), b"after"])));
    wiped(4, "text", |secret| {
        let text = String::from_utf8(secret.expose().to_vec()).unwrap();
        drop((Secret::from(text), secret));
    });
}

#[test]
fn buffers_derived_from_a_secret_are_wiped_on_drop() {
    let base = || host::base_url("https://api.example.com").unwrap();
    wiped(11, "a bearer token", |secret| drop(HttpRequest::get(&base(), "/").bearer(&secret)));
    wiped(12, "a header", |secret| drop(HttpRequest::get(&base(), "/").header("x-key", secret)));
    wiped(13, "a form", |secret| {
        let request = HttpRequest::post(&base(), "/").form("one", &secret).form("two", &secret).form("three", "3");
        assert!(request.body.expose().len() > 2 * secret.expose().len());
    });
    wiped(14, "a body", |secret| drop(HttpResponse::new(200, Vec::new(), secret, Timestamp::default())));
    wiped(15, "a record", |secret| {
        let encoded = Record::new().with("one", secret.duplicate()).with("two", secret).encode();
        let mut decoded = Record::decode(encoded.expose()).unwrap();
        drop(decoded.take("one").unwrap());
    });
    wiped(16, "an answer", |secret| drop(host::answers([("token".into(), Answer::Secret(secret))])));
    wiped(17, "a spend", |secret| drop(format!("{:?}", Spend::new("refresh_token", &secret))));
    wiped(18, "basic authentication", |secret| drop(HttpRequest::get(&base(), "/").basic("user", &secret)));
    wiped(19, "percent-encoded", |secret| {
        drop(Secret::from(encode::percent_encode(secret.expose_str().unwrap())));
    });
}

/// As a control, memory that is freed but not wiped is found, unless another thread reuses it first.
#[test]
fn an_unwiped_buffer_is_found() {
    assert!((0..20).any(|_| {
        drop(secret(25));
        found(25) > 0
    }));
}
