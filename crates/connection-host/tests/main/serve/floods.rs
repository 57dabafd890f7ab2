//! Slow and huge requests take a bounded amount of memory, and keep nobody out.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
};

use super::{PATIENCE, Serving, machine};

/// The maximum size of a body.
const MAX_BODY: usize = 512 << 10;
/// The maximum size of all bodies that are being read.
const MAX_BODIES: usize = 32 << 20;
/// Fewer than the requests that the server answers at once, and more than whose bodies it reads at once.
const SLOW: usize = 200;

/// Returns the memory of the process in bytes, on Linux.
fn memory(serving: &Serving) -> Option<usize> {
    let status = fs::read_to_string(format!("/proc/{}/status", serving.child.id())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<usize>().ok()? << 10)
}

/// Begins a request that makes something, with this header about its body.
fn begun(serving: &Serving, token: &str, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(serving.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let host = serving.address;
    let head = format!("POST /api/v1/setups HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\n");
    stream.write_all(format!("{head}content-type: application/json\r\n{body}\r\n\r\n").as_bytes()).unwrap();
    stream
}

/// Returns the status of the answer.
fn status(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    // The server closes the connection of a body that it did not read.
    drop(stream.read_to_end(&mut answer));
    String::from_utf8_lossy(&answer).split(' ').nth(1).unwrap_or_default().to_owned()
}

#[test]
#[expect(clippy::print_stderr, reason = "the figures are what is asked for")]
fn slow_and_huge_requests_take_bounded_memory_and_others_are_answered() {
    let machine = machine();
    let serving = Serving::start(&machine);
    let made = machine.run(&["tokens", "create", "flood", "--role", "manage", "--json"]).exits(0).json();
    let token = made["token"].as_str().unwrap();
    assert_eq!(serving.get("/healthz").status, 200);
    let idle = memory(&serving);

    // All but the last byte of the largest body.
    let part = vec![b' '; MAX_BODY - 1];
    let mut slow = Vec::new();
    for _ in 0..SLOW {
        let mut stream = begun(&serving, token, &format!("content-length: {MAX_BODY}"));
        stream.write_all(&part).unwrap();
        slow.push(stream);
    }
    let headers = format!("authorization: Bearer {token}\r\n");
    assert_eq!(serving.ask("GET", "/api/v1/me", &headers, b"").status, 200);
    let busy = memory(&serving);

    assert_eq!(status(begun(&serving, token, "content-length: 1000000000000")), "413");
    let chunk = [format!("{MAX_BODY:x}\r\n").as_bytes(), &part, b" \r\n"].concat();
    for _ in 0..20 {
        let mut stream = begun(&serving, token, "transfer-encoding: chunked");
        // The server stops reading after its maximum.
        let sent = (0..64).take_while(|_| stream.write_all(&chunk).is_ok()).count();
        assert!(sent < 64);
    }
    let after = memory(&serving);

    // Bodies that took too long are refused, and the oldest ones have made room for others.
    let answers = slow.into_iter().map(|mut stream| stream.write_all(b" ").map_or_else(|_| String::new(), |()| status(stream)));
    let (read, others): (Vec<_>, Vec<_>) = answers.partition(|answer| answer == "422");
    assert!(read.len() <= MAX_BODIES / MAX_BODY, "{}", read.len());
    assert!(others.iter().all(|answer| ["", "408"].contains(&&**answer)), "{others:?}");
    if let (Some(idle), Some(busy), Some(after)) = (idle, busy, after) {
        let most = idle + 4 * MAX_BODIES;
        let mebibytes = [idle, busy, after].map(|bytes| bytes >> 20);
        eprintln!("memory of `serve` in MiB: {mebibytes:?}, idle, with {SLOW} slow requests, and after 21 huge ones");
        assert!(busy < most && after < most, "{idle} bytes, then {busy} and {after}");
    }
}
