//! A loopback server that follows the documentation of GitHub, Notion and Twilio. It accepts the secrets of these
//! tests and records each request, so that a test finds a secret in the wrong place.
#![expect(clippy::unwrap_used, reason = "support of tests: what fails here fails the test")]

use std::{
    io::Write as _,
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, Sender, channel},
    },
};

use connection_contract::encode::base64;
use connection_faults::double::{Seen, read, write};

pub(crate) const TOKEN: &str = "ghp_0123456789abcdefSECRETgithub";
/// Another token of the same account.
pub(crate) const OTHER_TOKEN: &str = "ghp_fedcba9876543210SECRETgithub";
pub(crate) const NOTION_KEY: &str = "ntn_0123456789abcdefSECRETnotion";
pub(crate) const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
pub(crate) const AUTH_TOKEN: &str = "0123456789abcdefSECRETtwilio";
pub(crate) const KEY: &str = "SK0123456789abcdef0123456789abcdef";
pub(crate) const KEY_SECRET: &str = "0123456789abcdefSECRETkey";
pub(crate) const SECRETS: [&str; 5] = [TOKEN, OTHER_TOKEN, NOTION_KEY, AUTH_TOKEN, KEY_SECRET];

/// Returns `true` if a secret arrived anywhere but in the authorization header.
pub(crate) fn leaks(seen: &Seen) -> bool {
    let others = seen.headers.iter().filter(|(name, _)| *name != "authorization").map(|(_, value)| value);
    let texts: Vec<_> = others.chain([&seen.path, &seen.body]).collect();
    SECRETS
        .iter()
        .any(|secret| texts.iter().any(|text| text.contains(secret) || text.contains(&base64(secret.as_bytes()))))
}

#[derive(Default)]
struct State {
    seen: Vec<Seen>,
    /// The answer that replaces the documented ones: status, headers and body.
    replacement: Option<(u16, String, String)>,
    /// If set, no request is answered, and each is reported here.
    silent: Option<Sender<()>>,
    /// Requests that were not answered.
    open: Vec<TcpStream>,
}

/// The server, which ends with the process of the test.
#[derive(Clone)]
pub(crate) struct Provider {
    pub(crate) origin: String,
    state: Arc<Mutex<State>>,
}

impl Provider {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State::default()));
        let shared = state.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client that hangs up does not affect the others.
                drop(answer(stream, &shared));
            }
        });
        Self { origin, state }
    }

    /// Answers all requests like this from now on.
    pub(crate) fn tell(&self, status: u16, headers: &str, body: &str) {
        self.state.lock().unwrap().replacement = Some((status, headers.to_owned(), body.to_owned()));
    }

    /// Gives the documented answers again.
    pub(crate) fn behave(&self) {
        self.state.lock().unwrap().replacement = None;
    }

    /// Answers no requests from now on, and reports each of them to the receiver.
    #[cfg(unix)]
    pub(crate) fn fall_silent(&self) -> Receiver<()> {
        let (sender, receiver) = channel();
        self.state.lock().unwrap().silent = Some(sender);
        receiver
    }

    /// Answers requests again, and closes the connections of the unanswered ones.
    #[cfg(unix)]
    pub(crate) fn speak(&self) {
        let mut state = self.state.lock().unwrap();
        state.silent = None;
        state.open.clear();
    }

    /// Answers all requests like this from now on, including those that were not answered.
    #[cfg(unix)]
    pub(crate) fn speak_up(&self, text: &str) {
        let open = {
            let mut state = self.state.lock().unwrap();
            state.silent = None;
            state.replacement = Some((200, String::new(), text.to_owned()));
            std::mem::take(&mut state.open)
        };
        for mut stream in open {
            let length = text.len();
            write!(stream, "HTTP/1.1 200 Told\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{text}").unwrap();
        }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.state.lock().unwrap().seen.clone()
    }
}

fn answer(stream: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let Some((seen, stream)) = read(stream)? else { return Ok(()) };
    let (status, more, text) = {
        let mut state = state.lock().unwrap();
        state.seen.push(seen.clone());
        if let Some(silent) = state.silent.clone() {
            state.open.push(stream);
            silent.send(()).ok();
            return Ok(());
        }
        state.replacement.clone().unwrap_or_else(|| documented(&seen))
    };
    write(stream, status, &more, &text)
}

fn documented(seen: &Seen) -> (u16, String, String) {
    let json = "content-type: application/json\r\n".to_owned();
    let authorization = seen.headers.get("authorization").map(String::as_str).unwrap_or_default();
    let basic = |user: &str, secret: &str| format!("Basic {}", base64(format!("{user}:{secret}").as_bytes()));
    let account = format!("/2010-04-01/Accounts/{ACCOUNT}");
    let path = seen.path.split('?').next().unwrap_or_default();
    let ok = |headers: &str, body: &str| (200, format!("{json}{headers}"), body.to_owned());
    // https://docs.github.com/en/rest/users/users#get-the-authenticated-user
    if path == "/user" || path.starts_with("/user/") {
        if ![TOKEN, OTHER_TOKEN].iter().any(|token| authorization == format!("Bearer {token}")) {
            return (
                401,
                json,
                r#"{"message":"Bad credentials","documentation_url":"https://docs.github.com/rest"}"#.into(),
            );
        }
        let headers = "x-oauth-scopes: repo, read:user\r\n\
            github-authentication-token-expiration: 2099-01-31 00:00:00 UTC\r\n";
        return match path {
            "/user" => ok(headers, r#"{"login":"octocat","id":583231,"type":"User"}"#),
            "/user/repos" => ok("", r#"[{"id":1296269,"name":"Hello-World"}]"#),
            _ => (404, json, r#"{"message":"Not Found"}"#.into()),
        };
    }
    // https://developers.notion.com/reference/get-self
    if path == "/v1/users/me" {
        if authorization != format!("Bearer {NOTION_KEY}") {
            let body = r#"{"object":"error","status":401,"code":"unauthorized","message":"API token is invalid."}"#;
            return (401, json, body.into());
        }
        let body = r#"{"object":"user","id":"9188c6a5-7381-452f-b3dc-d4865aa89bdf","name":"Test Integration","type":"bot",
            "bot":{"owner":{"type":"workspace","workspace":true},"workspace_name":"Ada's Notion"}}"#;
        return ok("", body);
    }
    // https://www.twilio.com/docs/iam/api/account and https://www.twilio.com/docs/messaging/api/message-resource
    let denied = || (401, json.clone(), r#"{"code":20003,"message":"Authenticate","status":401}"#.to_owned());
    if path == format!("{account}.json") {
        if authorization != basic(ACCOUNT, AUTH_TOKEN) {
            return denied();
        }
        return ok(
            "",
            &format!(r#"{{"sid":"{ACCOUNT}","friendly_name":"Ada's account","status":"active","type":"Full"}}"#),
        );
    }
    if path == format!("{account}/Messages.json") {
        if ![basic(ACCOUNT, AUTH_TOKEN), basic(KEY, KEY_SECRET)].contains(&authorization.to_owned()) {
            return denied();
        }
        return ok("", r#"{"messages":[],"page":0,"page_size":1}"#);
    }
    (404, json, r#"{"message":"no such path"}"#.into())
}
