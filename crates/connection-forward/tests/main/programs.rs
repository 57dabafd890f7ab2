//! Real programs with the variables of a run. They reach a host whose name resolves nowhere, so the door never looks
//! the name of a granted host up.

use std::process::Output;

use tokio::process::Command;

use crate::fixture::{HOST, ID, Run};

/// The size of an upload that fits into no buffer on its way.
const UPLOAD: usize = 8 * 1024 * 1024;

async fn output(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().await.unwrap();
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

fn curl(run: &Run) -> Command {
    let mut command = run.command("curl");
    // The configuration of whoever runs the test is not read.
    command.args(["--disable", "--silent", "--show-error", "--max-time", "60"]);
    command
}

fn address(path: &str) -> String {
    format!("https://{HOST}{path}")
}

#[tokio::test]
async fn curl_gets_and_posts_with_the_token_of_its_agent() {
    let run = Run::start().await;
    let token = "Authorization: Bearer cna_token";
    let got = output(
        curl(&run)
            .args(["--http2", "--write-out", " %{http_version}", "--header", token])
            .arg(address("/user?q=1%202")),
    )
    .await;
    assert_eq!(got, "hello 1.1");
    output(curl(&run).args(["--json", r#"{"a":1}"#, "--header", token]).arg(address("/issues"))).await;
    let [get, post] = <[_; 2]>::try_from(run.double.seen()).unwrap();
    assert_eq!((get.method.as_str(), get.target), ("GET", format!("/use/{ID}@{HOST}/user?q=1%202")));
    assert_eq!((post.method.as_str(), post.target), ("POST", format!("/use/{ID}@{HOST}/issues")));
    assert_eq!(post.body, br#"{"a":1}"#);
    for seen in [get.headers, post.headers] {
        assert_eq!(seen["authorization"], "Bearer cna_token");
        assert!(!seen.contains_key("proxy-authorization"));
    }
}

#[tokio::test]
async fn curl_uploads_in_chunks_and_waits_for_100_continue() {
    let run = Run::start().await;
    let file = run.roots().with_file_name("upload");
    let bytes: Vec<u8> = (0..UPLOAD).map(|at| (at % 251).try_into().unwrap()).collect();
    std::fs::write(&file, &bytes).unwrap();
    let chunked = ["--header", "Transfer-Encoding: chunked", "--header", "Expect: 100-continue", "--upload-file"];
    assert_eq!(output(curl(&run).args(chunked).arg(&file).arg(address("/upload"))).await, "hello");
    let seen = &run.double.seen()[0];
    assert!(seen.body == bytes);
    assert_eq!(seen.headers["transfer-encoding"], "chunked");
    assert!(!seen.headers.contains_key("expect"));
}

#[tokio::test]
async fn curl_without_the_authority_of_the_run_sends_nothing() {
    let run = Run::start().await;
    let mut command = curl(&run);
    for name in ["CURL_CA_BUNDLE", "SSL_CERT_FILE"] {
        command.env_remove(name);
    }
    let output = command.arg(address("/")).output().await.unwrap();
    // The exit code of curl for a certificate that it does not trust.
    assert_eq!(output.status.code(), Some(60));
    assert!(run.double.seen().is_empty());
}

#[tokio::test]
async fn curl_shows_that_a_host_is_refused() {
    let run = Run::start().await;
    let output = curl(&run).arg("https://10.0.0.1/").output().await.unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && text.contains("403"), "{text}");
}

#[tokio::test]
async fn python_uses_the_door_through_its_variables() {
    let run = Run::start().await;
    let script = "import sys, urllib.request as u\n\
                  request = u.Request(sys.argv[1], b'body', {'Authorization': 'Bearer cna_token'})\n\
                  print(u.urlopen(request).read().decode())";
    let printed = output(run.command("python3").args(["-c", script]).arg(address("/python"))).await;
    assert_eq!(printed.trim_end(), "hello");
    let seen = &run.double.seen()[0];
    assert_eq!((&*seen.target, &*seen.body), (&*format!("/use/{ID}@{HOST}/python"), &b"body"[..]));
    assert_eq!(seen.headers["authorization"], "Bearer cna_token");
}

#[tokio::test]
async fn node_uses_the_door_through_its_variables() {
    let run = Run::start().await;
    // Node reads HTTPS_PROXY by itself from version 24 on, so the script does what a library for proxies does.
    let script = "
        const http = require('http'), https = require('https');
        const proxy = new URL(process.env.HTTPS_PROXY), target = new URL(process.argv[1]);
        const credential = Buffer.from(`${proxy.username}:${proxy.password}`).toString('base64');
        const connect = http.request({ host: proxy.hostname, port: proxy.port, method: 'CONNECT',
            path: `${target.hostname}:443`, headers: { 'Proxy-Authorization': `Basic ${credential}` } });
        connect.on('connect', (answer, socket) => {
            const options = { socket, servername: target.hostname, headers: { Authorization: 'Bearer cna_token' } };
            https.get(target, { ...options, agent: false }, answer => {
                answer.on('data', data => process.stdout.write(data));
                answer.on('end', () => socket.destroy());
            });
        });
        connect.end();";
    assert_eq!(output(run.command("node").args(["-e", script]).arg(address("/node"))).await, "hello");
    let seen = &run.double.seen()[0];
    assert_eq!(seen.target, format!("/use/{ID}@{HOST}/node"));
    assert_eq!(seen.headers["authorization"], "Bearer cna_token");
}
