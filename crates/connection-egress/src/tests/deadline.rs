//! A request with a deadline is not sent after it, even if the deadline passes while the client connects.

use std::{
    io::{self, Read as _, Write as _},
    net::{IpAddr, Ipv4Addr, TcpListener},
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use connection_contract::{BoxFuture, HttpRequest};
use tokio::sync::{Notify, oneshot};

use super::{base, clock, named};
use crate::{Clock as _, HttpClient, HttpPolicy, SendOnceOutcome, resolver::Lookup};

/// A name service that resolves every name to loopback, and answers when a test lets it.
#[derive(Clone, Default)]
struct Slow {
    started: Arc<Notify>,
    answers: Arc<Notify>,
}

impl Lookup for Slow {
    fn lookup(&self, _: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        let this = self.clone();
        Box::pin(async move {
            this.started.notify_one();
            this.answers.notified().await;
            Ok(vec![Ipv4Addr::LOCALHOST.into()])
        })
    }
}

/// Returns the result of a request and the number of bytes that the server read. The time `passes` goes by while the
/// client connects.
async fn sent(body: bool, deadline: Duration, passes: Duration) -> (SendOnceOutcome, usize) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let there = format!("http://token.example.com:{}", listener.local_addr().unwrap().port());
    let heard = thread::spawn(move || listener.accept().unwrap().0.read(&mut [0; 1024]).unwrap());
    let clock = clock();
    let names = Slow::default();
    let client = HttpClient::with_lookup(HttpPolicy::new(), clock.clone(), Arc::new(names.clone())).unwrap();
    let request = HttpRequest::post(&base(&there), "/token");
    let request = if body { request.form("refresh_token", "old") } else { request };
    let egress = named(&there);
    let until = clock.passed() + deadline;
    let sending = client.send_once(&egress, request, Some(until.into()), None);
    let moved = async {
        names.started.notified().await;
        clock.advance(passes);
        names.answers.notify_one();
    };
    let (outcome, ()) = tokio::join!(sending, moved);
    (outcome, heard.join().unwrap())
}

#[tokio::test]
async fn nothing_leaves_when_the_deadline_passes_while_the_client_connects() {
    let deadline = Duration::from_secs(5);
    for body in [true, false] {
        for passes in [deadline, deadline + Duration::from_secs(1)] {
            let (outcome, heard) = sent(body, deadline, passes).await;
            assert!(matches!(outcome, SendOnceOutcome::NotSent(_)), "body: {body}, {passes:?}: {outcome:?}");
            assert_eq!(heard, 0, "body: {body}, {passes:?}: the connection is closed without a byte");
        }
        // The control: a moment earlier, the request is sent, and the server reads it before it closes the connection.
        let (outcome, heard) = sent(body, deadline, deadline - Duration::from_millis(1)).await;
        assert!(
            matches!(outcome, SendOnceOutcome::Unclear { .. }) && heard > 0,
            "body: {body}: {outcome:?}, {heard} bytes"
        );
    }
}

#[tokio::test]
async fn nothing_leaves_that_was_late_before_it_began() {
    for body in [true, false] {
        let server = connection_faults::server::TestServer::start(|_| connection_faults::server::Reply::ok("")).await;
        let clock = clock();
        let there = server.origin();
        let client = HttpClient::with_lookup(HttpPolicy::new(), clock.clone(), super::Names::of(&[])).unwrap();
        let request = || {
            let request = HttpRequest::post(&base(&there), "/token");
            if body { request.form("refresh_token", "old") } else { request }
        };
        // This connection stays open, so that the next request does not wait for one.
        let open = client.send_once(&named(&there), request(), None, None).await;
        assert!(matches!(open, SendOnceOutcome::Answered(_)), "{open:?}");
        clock.advance(Duration::from_secs(5));
        let late = client.send_once(&named(&there), request(), Some(Duration::from_secs(5).into()), None).await;
        assert!(matches!(late, SendOnceOutcome::NotSent(_)), "body: {body}: {late:?}");
        assert_eq!(server.requests().len(), 1);
        // The control, which also shows that the same request is sent with a deadline and without one.
        let early = client.send_once(&named(&there), request(), Some(Duration::from_secs(6).into()), None).await;
        assert!(matches!(early, SendOnceOutcome::Answered(_)), "{early:?}");
        let requests = server.requests();
        assert_eq!(requests[0], requests[1]);
        let length = if body { "content-length: 17\r\n" } else { "content-length: 0\r\n" };
        assert_eq!(requests[1].matches("content-length").count(), 1);
        assert!(requests[1].contains(length), "{}", requests[1]);
    }
}

/// Sends a request to a server that answers with `early` at once and with `rest` while this process is stopped past the end
/// of the request. The process is stopped when `sleepers` timers run.
async fn stopped(early: &'static str, rest: &'static str, sleepers: usize) -> SendOnceOutcome {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let there = format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port());
    let (heard, request_arrived) = oneshot::channel();
    let (stop, is_stopped) = mpsc::channel();
    let (written, is_written) = mpsc::channel();
    let server = thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        assert!(client.read(&mut [0; 1024]).unwrap() > 0);
        client.write_all(early.as_bytes()).unwrap();
        heard.send(()).unwrap();
        is_stopped.recv().unwrap();
        client.write_all(rest.as_bytes()).unwrap();
        written.send(()).unwrap();
        // The connection stays open until the client closes it.
        drop(client.read(&mut [0; 1]));
    });
    let clock = clock();
    let client = HttpClient::with_lookup(HttpPolicy::new(), clock.clone(), super::Names::of(&[])).unwrap();
    let request = HttpRequest::post(&base(&there), "/token").form("refresh_token", "old");
    let egress = named(&there);
    let sending = client.send_once(&egress, request, None, None);
    let stopping = async {
        request_arrived.await.unwrap();
        clock.until_asleep(sleepers).await;
        // Nothing else runs on this thread meanwhile.
        stop.send(()).unwrap();
        is_written.recv().unwrap();
        clock.advance(Duration::from_secs(3600));
    };
    let (outcome, ()) = tokio::join!(sending, stopping);
    drop(client);
    tokio::task::spawn_blocking(move || server.join().unwrap()).await.unwrap();
    outcome
}

#[tokio::test]
async fn an_answer_that_arrived_while_the_process_was_stopped_past_the_end_is_read() {
    const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n";
    for (early, rest, sleepers) in [("", "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nnew", 1), (HEAD, "new", 2)] {
        match stopped(early, rest, sleepers).await {
            SendOnceOutcome::Answered(answer) => assert_eq!(answer.body().expose(), b"new"),
            other => panic!("{early:?}: {other:?}"),
        }
    }
    // The control: an answer that is not whole by then is lost.
    let lost = stopped("", "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nne", 1).await;
    assert!(matches!(lost, SendOnceOutcome::Unclear { .. }), "{lost:?}");
}
