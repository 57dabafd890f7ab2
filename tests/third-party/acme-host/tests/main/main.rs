//! A host with a stranger's kind beside ours, run as a person runs it, against a provider on loopback.

use std::{
    env, fs,
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    path::PathBuf,
    process::{Command, Output},
    thread,
};

const KEY: &str = "canary-5f2c9be1a7d34e60";

/// R-INSEAM-005: nothing tells a stranger's kind from ours.
#[test]
fn a_kind_of_a_stranger_is_listed_connected_verified_and_removed_beside_ours() {
    let desk = Desk::new();
    let kinds = desk.run(&["kinds"]);
    for kind in ["acme", "filesystem", "github", "notion", "twilio"] {
        assert!(kinds.lines().any(|line| line.starts_with(kind)), "no {kind}: {kinds}");
    }
    let connected = desk.run(&["add", "acme", "--field", "apiKey=@key"]);
    assert_eq!(connected.trim_end(), "Connected Ada (acme:Ada) · live");
    let list = desk.run(&["list"]);
    assert!(list.contains("acme:Ada") && list.contains("live"), "{list}");
    let verified = desk.run(&["verify", "acme"]);
    assert!(verified.contains("live"), "{verified}");
    let answer = desk.run(&["send", "acme", "GET", "/me"]);
    assert!(answer.contains(r#""name": "Ada""#), "{answer}");
    assert_eq!(desk.run(&["remove", "acme", "--yes"]).trim_end(), "Removed Ada (acme:Ada)");
    assert!(desk.run(&["list"]).contains("Nothing is connected"));
}

#[test]
fn a_key_that_the_provider_refuses_is_not_kept() {
    let desk = Desk::new();
    fs::write(desk.home.join("key"), "another-key-of-nobody").unwrap();
    let refused = desk.output(&["add", "acme", "--field", "apiKey=@key"]);
    assert_eq!(refused.status.code(), Some(3), "{refused:?}");
    assert!(desk.run(&["list"]).contains("Nothing is connected"));
}

/// An empty home, and the provider that `https://api.acme.example` leads to.
struct Desk {
    home: PathBuf,
}

impl Desk {
    fn new() -> Self {
        let port = provide();
        let home = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("desk-{port}-{}", std::process::id()));
        fs::create_dir_all(&home).unwrap();
        let endpoints = format!("[http.endpoints]\n\"https://api.acme.example\" = \"http://127.0.0.1:{port}\"\n");
        fs::write(home.join("config.toml"), endpoints).unwrap();
        fs::write(home.join("key"), KEY).unwrap();
        Self { home }
    }

    fn output(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_acme-host"));
        command.args(arguments).current_dir(&self.home).env_clear().env("HOME", &self.home);
        command.env("CONNECTIONS_CONFIG", "config.toml").env("CONNECTIONS_DATA_DIR", self.home.join("data"));
        let output = command.output().unwrap();
        let said = [output.stdout.as_slice(), &output.stderr].concat();
        assert!(!String::from_utf8_lossy(&said).contains(KEY), "{arguments:?} shows the key");
        output
    }

    fn run(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        // What is left of it is in the build directory, and in nobody's way.
        fs::remove_dir_all(&self.home).unwrap_or_default();
    }
}

/// Answers `GET /me` for one key, and gives its port.
fn provide() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
            let known = head.first().is_some_and(|line| line.starts_with("GET /me "))
                && head.iter().any(|line| line.eq_ignore_ascii_case(&format!("authorization: Bearer {KEY}")));
            let (status, body) = if known { ("200 OK", r#"{"id": "42", "name": "Ada"}"#) } else { ("401 No", "{}") };
            let length = body.len();
            let head = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
            stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
        }
    });
    port
}
