//! Tunnels to other hosts.

use connection_contract::host;
use connection_forward::ForwardSettings;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    task::JoinSet,
};

use crate::{
    double::{Seen, text},
    fixture::Run,
};

/// A server on loopback that sends back what arrives, and its port.
async fn echo() -> (JoinSet<()>, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (mut read, mut write) = stream.split();
            tokio::io::copy(&mut read, &mut write).await.unwrap();
        }
    });
    (serving, port)
}

fn hello(_: &Seen) -> hyper::Response<reqwest::Body> {
    text("hello")
}

#[tokio::test]
async fn an_allowed_tunnel_carries_bytes_in_both_directions_and_others_are_refused() {
    let (_serving, port) = echo().await;
    let run = Run::with(hello, |settings| settings.tunnel("127.0.0.1", port)).await;
    let (mut stream, answer) = run.connect(&format!("127.0.0.1:{port}")).await;
    assert_eq!(answer.status, 200);
    stream.write_all(b"anything").await.unwrap();
    stream.shutdown().await.unwrap();
    let mut echoed = String::new();
    stream.read_to_string(&mut echoed).await.unwrap();
    assert_eq!(echoed, "anything");
    // The same server by a name that was not allowed, and another port of the allowed address.
    run.connect(&format!("localhost:{port}")).await.1.check(403, "private_address");
    run.connect("127.0.0.1:9").await.1.check(403, "private_address");
}

#[tokio::test]
async fn a_host_that_is_not_public_is_refused() {
    let (_serving, port) = echo().await;
    let run = Run::start().await;
    for target in [
        format!("127.0.0.1:{port}"),
        format!("127.1:{port}"),
        format!("localhost:{port}"),
        format!("LOCALHOST.:{port}"),
        format!("0.0.0.0:{port}"),
        format!("[::ffff:127.0.0.1]:{port}"),
        "[::1]:443".to_owned(),
        "169.254.169.254:80".to_owned(),
        "10.0.0.1:443".to_owned(),
        "[fe80::1]:443".to_owned(),
        "[fd00::1]:443".to_owned(),
    ] {
        run.connect(&target).await.1.check(403, "private_address");
    }
}

#[tokio::test]
async fn the_doors_are_refused_even_if_a_tunnel_to_them_is_allowed() {
    let double = crate::double::Double::start(hello, None).await;
    let port = double.address.port();
    let settings = ForwardSettings::new(format!("http://{}/use", double.address), std::time::Duration::from_secs(60));
    let settings = ["127.0.0.1", "localhost", "0.0.0.0", "::1"]
        .into_iter()
        .fold(settings, |settings, host| settings.tunnel(host, port));
    let run = Run::open(double, settings).await;
    for host in ["127.0.0.1", "localhost", "0.0.0.0", "[::1]"] {
        run.connect(&format!("{host}:{port}")).await.1.check(403, "own_address");
    }
    assert!(run.double.seen().is_empty());
}

#[tokio::test]
async fn a_run_of_granted_hosts_only_opens_no_other_one() {
    let (_serving, port) = echo().await;
    let run = Run::with(hello, |settings| settings.only_granted().tunnel("127.0.0.1", port)).await;
    for target in ["example.com:443", "api.example.test:8443"] {
        run.connect(target).await.1.check(403, "not_granted");
    }
    assert_eq!(run.connect(&format!("127.0.0.1:{port}")).await.1.status, 200, "it is named");
    assert_eq!(run.connect("api.example.test:443").await.1.status, 200);
}

#[tokio::test]
async fn an_origin_of_several_connections_is_refused() {
    let (_serving, port) = echo().await;
    let local = format!("https://127.0.0.1:{port}");
    let run = Run::with(hello, |settings| {
        // The control: without the refusal, a tunnel would lead there.
        settings
            .tunnel("127.0.0.1", port)
            .ambiguous([&local, "https://api.example.test"].map(|of| host::origin(of).unwrap()))
    });
    let run = run.await;
    run.connect(&format!("127.0.0.1:{port}")).await.1.check(403, "ambiguous_origin");
    assert_eq!(run.connect("api.example.test:443").await.1.status, 200, "one connection was added for it");
}

#[tokio::test]
async fn a_host_that_cannot_be_reached_is_reported() {
    // The port is free again when the listener is gone.
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let run = Run::with(hello, |settings| settings.tunnel("127.0.0.1", port)).await;
    run.connect(&format!("127.0.0.1:{port}")).await.1.check(502, "unreachable");
}
