//! Answers that providers gave to real programs, each given to the command, and what the command makes of them.
//!
//! `provider_answers.txt` has a row for each situation: what happened before the program read such answers as it does now,
//! and what happens now. `CONNECTIONS_TEST_RECORD=1 cargo test -p connection-host --test main provider_answers` writes the
//! last column again; read the difference before you commit it.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::{
    fmt::Write as _,
    io::Write as _,
    sync::{Arc, Mutex},
};

use connection_contract::{Clock as _, Timestamp, encode::from_form};
use connection_core::SystemClock;
use connection_faults::{
    double::{Double, Seen},
    user_agent::UserAgent,
};
use flate2::{
    Compression,
    write::{GzEncoder, ZlibEncoder},
};

use crate::{
    program::{Machine, Ran, is_recorded},
    real::{Running, led},
};

/// The situations, one for each line: a name, what was said of it before, and what is so now.
const TABLE: &str = include_str!("provider_answers.txt");

/// The tests run at once, and each writes its part of the one file.
static RECORDING: Mutex<()> = Mutex::new(());

const TOKEN: &str = r#"{"access_token":"at-1","token_type":"bearer"}"#;
pub(crate) const RENEWED: &str =
    r#"{"access_token":"at-1","token_type":"bearer","refresh_token":"rt-1","expires_in":3600}"#;
const ME: &str = r#"{"id":7,"name":"Ada","email":"ada@acme.example"}"#;
pub(crate) const JSON: &str = "content-type: application/json\r\n";
const PAGE: &str = "content-type: text/html\r\n";

/// An answer of the provider: its status, further lines of the head, and its body.
#[derive(Clone)]
pub(crate) struct Told(u16, String, Vec<u8>);

pub(crate) fn told(status: u16, headers: &str, body: impl AsRef<[u8]>) -> Told {
    Told(status, headers.to_owned(), body.as_ref().to_vec())
}

pub(crate) fn json(status: u16, body: &str) -> Told {
    told(status, JSON, body)
}

/// Returns an answer that is compressed although nothing asked for that.
fn gzip(body: &[u8]) -> Told {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).unwrap();
    coded("gzip", &encoder.finish().unwrap())
}

fn deflate(body: &[u8]) -> Told {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).unwrap();
    coded("deflate", &encoder.finish().unwrap())
}

fn coded(coding: &str, body: &[u8]) -> Told {
    told(200, &format!("{JSON}content-encoding: {coding}\r\n"), body)
}

fn page(status: u16) -> Told {
    told(status, PAGE, "<html><title>Request blocked</title></html>")
}

/// The provider, with the answers of its token endpoint, and of its probe and its revocation.
pub(crate) struct Acme {
    pub(crate) machine: Machine,
    answers: Arc<Mutex<(Told, Told)>>,
}

impl Acme {
    /// Adds the kind with these lines in its file.
    fn new(mechanism: &str, lines: &str, token: &str) -> Self {
        let answers = Arc::new(Mutex::new((json(200, token), json(200, ME))));
        let shared = answers.clone();
        let double = Double::start(move |_| {
            move |seen: &Seen| {
                let answers = shared.lock().unwrap();
                let Told(status, headers, body) = match seen.path.split('?').next().unwrap() {
                    "/token" => answers.0.clone(),
                    "/me" | "/revoke" => answers.1.clone(),
                    _ => told(200, "", "{}"),
                };
                (status, headers, body)
            }
        });
        let machine = Machine::new();
        let origin = double.origin();
        let endpoints = ["api", "id"].map(|host| format!("\"https://{host}.acme.example\" = \"{origin}\"\n")).concat();
        let application = match mechanism {
            "oauth2" => "[kinds.acme]\nclient_id = \"app\"\nclient_secret = \"app-secret\"\n",
            _ => "",
        };
        machine.configure(&format!("[http.endpoints]\n{endpoints}{application}"));
        let file = format!(
            "format = 1\nid = \"acme\"\nname = \"Acme\"\nmechanism = \"{mechanism}\"\n\
             request.base = [\"https://api.acme.example\"]\nverify.path = \"/me\"\n\
             removal.url = \"https://acme.example/apps\"\n{lines}"
        );
        let file = machine.write("acme.toml", file.as_bytes());
        machine.run(&["kinds", "add", &file]).exits(0);
        Self { machine, answers }
    }

    fn oauth2(more: &str, token: &str) -> Self {
        let lines = format!(
            "account = {{ id = [\"/id\"], label = [\"/name\"] }}\n[oauth2]\nauthorize = \"https://id.acme.example/authorize\"\n\
             token = \"https://id.acme.example/token\"\nscopes = [\"read\"]\n{more}"
        );
        Self::new("oauth2", &lines, token)
    }

    /// A login that is repeated with a secret that is stored.
    pub(crate) fn login() -> Self {
        let lines = "account = { from = \"fields\", id = [\"${config.user}\"], label = [\"${config.user}\"] }\n\
             request.headers = { Authorization = \"Bearer ${token.access}\" }\n\
             fields = [{ name = \"user\", label = \"User\" }, { name = \"key\", label = \"Key\", secret = true }]\n\
             [exchange]\nsteps = [{ url = \"https://id.acme.example/token\", form = { key = \"${secret.key}\" } }]\n\
             access_token = [\"/access_token\"]\nexpires_in = [\"/expires_in\"]\n";
        let acme = Self::new("token_exchange", lines, r#"{"access_token":"at-1","expires_in":3600}"#);
        let input = acme.machine.write("input.json", br#"{"user": "ada", "key": "k-1"}"#);
        acme.machine.run(&["add", "acme", "--input", &input]).exits(0);
        acme
    }

    pub(crate) fn tell_token(&self, answer: Told) {
        self.answers.lock().unwrap().0 = answer;
    }

    pub(crate) fn tell_me(&self, answer: Told) {
        self.answers.lock().unwrap().1 = answer;
    }

    /// Connects the account as a person does who agrees in the browser.
    pub(crate) fn sign_in(&self) -> Ran {
        let mut adding = self.machine.command();
        adding.args(["add", "acme"]);
        let mut adding = Running::of(adding);
        let link = adding.link();
        let mut agent = UserAgent::new();
        let provider = led(&mut agent, &link);
        let query = from_form(provider.split_once('?').unwrap().1);
        let parameter = |name: &str| &query.iter().find(|(known, _)| known == name).unwrap().1;
        let back = format!("{}?code=code-1&state={}", parameter("redirect_uri"), parameter("state"));
        agent.get(&back).unwrap();
        adding.end()
    }

    pub(crate) fn connected(more: &str, token: &str) -> Self {
        let acme = Self::oauth2(more, token);
        acme.sign_in().exits(0);
        acme
    }

    /// Runs a command, and returns its exit code with what the list then says of the connection.
    fn after(&self, arguments: &[&str]) -> String {
        let exit = self.machine.run(arguments).exit;
        let listed = self.machine.run(&["list", "--json"]).exits(0).json();
        let connection = &listed[0];
        let reason = &connection["reason"];
        let member = |name: &str| reason[name].as_str().unwrap_or_default();
        let is_time = |word: &str| Timestamp::parse_rfc3339(word).is_some();
        let words = member("message").split(' ').map(|word| if is_time(word) { "TIME" } else { word });
        let message = words.collect::<Vec<_>>().join(" ");
        let reason = reason.as_object().map(|_| format!(" {} ({message})", member("code")));
        format!("{exit} {}{}", connection["liveness"].as_str().unwrap(), reason.unwrap_or_default())
    }

    /// Returns the time until the end of the access token in minutes, as the program shows it.
    fn minutes_left(&self) -> String {
        let listed = self.machine.run(&["list", "--json"]).exits(0).json();
        let Some(end) = listed[0]["validUntil"].as_str() else { return "no end".to_owned() };
        let end = Timestamp::parse_rfc3339(end).unwrap().seconds();
        format!("{} minutes", (end - now() + 30) / 60)
    }
}

pub(crate) fn now() -> i64 {
    SystemClock::new().now().seconds()
}

/// Compares what happened now with the rows of the table that begin with `group`, and prints them.
#[track_caller]
#[expect(clippy::print_stdout, reason = "a person reads the table")]
fn check(group: &str, found: &[(&str, String)]) {
    let rows: Vec<_> = TABLE.lines().filter(|line| line.starts_with(&format!("{group}: "))).collect();
    let mut table = String::new();
    for (situation, now) in found {
        let start = format!("{group}: {situation} | ");
        let row = rows.iter().find_map(|row| row.strip_prefix(&start));
        let before = row.and_then(|row| row.split(" | ").next()).unwrap_or("not tried");
        writeln!(table, "{start}{before} | {now}").unwrap();
    }
    println!("{table}");
    if is_recorded() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/main/provider_answers.txt");
        let _alone = RECORDING.lock().unwrap();
        let mut text = String::new();
        for line in std::fs::read_to_string(path).unwrap().lines() {
            match line.starts_with(&format!("{group}: ")) {
                true => text += &std::mem::take(&mut table),
                false => writeln!(text, "{line}").unwrap(),
            }
        }
        std::fs::write(path, text + &table).unwrap();
        return;
    }
    assert_eq!(rows.join("\n"), table.trim_end(), "the table of {group} is another one now");
}

const GITHUB_LIMIT: &str = "content-type: application/json\r\nx-ratelimit-remaining: 0\r\nx-ratelimit-limit: 5000\r\n";

/// A probe is refused once, and the connection has no refresh token. After the provider accepts it again, a verification
/// finds that.
#[test]
fn an_account_that_was_refused_once_works_again() {
    let challenge = |error: &str| format!("{JSON}www-authenticate: Bearer error=\"{error}\", scope=\"repo\"\r\n");
    let answers = [
        ("403 with an exhausted counter", told(403, GITHUB_LIMIT, r#"{"message":"API rate limit exceeded"}"#)),
        ("403 with Retry-After", told(403, &format!("{JSON}retry-after: 1\r\n"), r#"{"message":"abuse"}"#)),
        ("429 without a time", json(429, "{}")),
        (
            "403 for a single sign-on",
            json(403, r#"{"message":"Resource protected by organization SAML enforcement."}"#),
        ),
        ("403 with a page", page(403)),
        ("403 with the text of Cloudflare", told(403, "content-type: text/plain\r\n", "error code: 1010")),
        ("401 with a page and no challenge", page(401)),
        ("401 with a challenge", told(401, &challenge("invalid_token"), "{}")),
        ("400 with a challenge", told(400, &challenge("invalid_token"), "{}")),
        ("403 for a scope", told(403, &challenge("insufficient_scope"), "{}")),
        ("404", json(404, "{}")),
        ("503", json(503, "{}")),
    ];
    let rows = answers.map(|(situation, answer)| {
        let acme = Acme::connected("", TOKEN);
        acme.tell_me(answer);
        let during = acme.after(&["verify", "acme"]);
        acme.tell_me(json(200, ME));
        (situation, format!("{during}; then {}", acme.after(&["verify", "acme"])))
    });
    check("probe", &rows);
}

/// A refresh gets an answer once, and then a usual one.
#[test]
fn a_refresh_says_what_it_was_answered() {
    let refused = |body: &str| json(400, body);
    let jose = |bytes: &[u8]| {
        let start =
            br#"{"access_token":"at-2","token_type":"bearer","refresh_token":"rt-2","expires_in":3600,"name":""#;
        told(200, JSON, [start.as_slice(), bytes, b"\"}"].concat())
    };
    let marked = [b"\xef\xbb\xbf".as_slice(), RENEWED.as_bytes()].concat();
    let damaged = RENEWED.replace("at-1", r"at-2\ud83d");
    let words = "[oauth2.response]\nerror_if = [{ pointer = \"/status\", equals = \"BAD_REFRESH_TOKEN\" }]\n\
         dead_codes = [\"BAD_REFRESH_TOKEN\"]\n";
    let answers = [
        ("a byte order mark", "", told(200, JSON, &marked)),
        ("a name in Latin-1", "", jose(b"Jos\xe9")),
        ("a name with half a surrogate pair", "", jose(br"ada \ud83d")),
        ("a token with half a surrogate pair", "", json(200, &damaged)),
        ("gzip", "", gzip(RENEWED.as_bytes())),
        ("deflate", "", deflate(RENEWED.as_bytes())),
        ("gzip and a byte order mark", "", gzip(&marked)),
        ("invalid_grant", "", refused(r#"{"error":"invalid_grant"}"#)),
        ("INVALID_GRANT", "", refused(r#"{"error":"INVALID_GRANT"}"#)),
        ("invalid_grant in an object", "", refused(r#"{"error":{"type":"invalid_grant"}}"#)),
        (
            "invalid_grant in a list (Fitbit)",
            "",
            refused(r#"{"errors":[{"errorType":"invalid_grant"}],"success":false}"#),
        ),
        ("bad_refresh_token", "", refused(r#"{"error":"bad_refresh_token"}"#)),
        ("a rule of the file (HubSpot)", words, refused(r#"{"status":"BAD_REFRESH_TOKEN","message":"missing"}"#)),
        ("400 without a code (Reddit)", "", refused(r#"{"message":"Bad Request","error":400}"#)),
        ("404 of a framework", "", json(404, r#"{"status":404,"error":"Not Found","path":"/oauth2/token"}"#)),
        ("403 rate_limit_exceeded", "", json(403, r#"{"error":"rate_limit_exceeded"}"#)),
        ("400 slow_down", "", refused(r#"{"error":"slow_down"}"#)),
        ("401 with a page", "", page(401)),
        ("403 with a page", "", page(403)),
        ("401 invalid_client", "", json(401, r#"{"error":"invalid_client"}"#)),
        ("an expired secret (Azure)", "", json(401, r#"{"error":"invalid_client","error_codes":[7000222]}"#)),
        (
            "401 access_denied (Atlassian)",
            "",
            json(401, r#"{"error":"access_denied","error_description":"Unauthorized"}"#),
        ),
        ("500 invalid_grant", "", json(500, r#"{"error":"invalid_grant"}"#)),
        ("200 with an unknown code", "", json(200, r#"{"error":"account_frozen"}"#)),
        ("200 with the number of an error (WeChat)", "", json(200, r#"{"errcode":61023,"errmsg":"invalid token"}"#)),
        ("204", "", told(204, "", "")),
        ("400 with a page", "", page(400)),
        ("400 without a body", "", told(400, "", "")),
        ("400 with Retry-After", "", told(400, &format!("{JSON}retry-after: 1\r\n"), "{}")),
        ("403 with the words of a limit", "", json(403, r#"{"message":"API rate limit exceeded"}"#)),
        ("401 with a page and a challenge", "", told(401, &format!("{PAGE}www-authenticate: Bearer\r\n"), "<html>")),
        ("401 deleted_client (Google)", "", json(401, r#"{"error":"deleted_client"}"#)),
        ("400 admin_policy_enforced (Google)", "", refused(r#"{"error":"admin_policy_enforced"}"#)),
    ];
    let rows = answers.map(|(situation, lines, answer)| {
        let acme = Acme::connected(lines, RENEWED);
        acme.tell_token(answer);
        let during = acme.after(&["refresh", "acme"]);
        acme.tell_token(json(200, RENEWED));
        (situation, format!("{during}; then {}", acme.after(&["verify", "acme"])))
    });
    check("refresh", &rows);
}

#[test]
fn a_renewal_that_lacks_a_scope_names_the_way_out() {
    let acme = Acme::connected("required_scopes = [\"read\"]\n", RENEWED);
    let less = r#"{"access_token":"at-2","token_type":"bearer","refresh_token":"rt-2","scope":"other"}"#;
    acme.tell_token(json(200, less));
    let ran = acme.machine.run(&["refresh", "acme"]).exits(4).says("Renewed").says("failing");
    ran.says("Fix with:\n  connections reauthorize acme:");
}

/// An account without a refresh token has nothing to renew.
#[test]
fn a_refresh_without_a_refresh_token_changes_nothing() {
    let kinds = [("refresh, then verify", ""), ("a kind that never renews", "renewal = \"never\"\n")];
    let rows = kinds.map(|(situation, lines)| {
        let acme = Acme::connected(lines, TOKEN);
        (situation, ["refresh", "verify"].map(|command| acme.after(&[command, "acme"])).join("; then "))
    });
    check("nothing to renew", &rows);
}

/// A login that is repeated is refused once, and then accepted.
#[test]
fn a_login_that_can_be_repeated_is_never_given_up() {
    let answers = [
        ("403 with a page", page(403)),
        ("401 with JSON", json(401, r#"{"error":"unauthorized"}"#)),
        ("404 with a page", page(404)),
        ("400 without a code", json(400, r#"{"status":400,"error":"Bad Request"}"#)),
        ("400 temporarily_unavailable", json(400, r#"{"error":"temporarily_unavailable"}"#)),
        ("400 invalid_grant", json(400, r#"{"error":"invalid_grant"}"#)),
        ("422", json(422, r#"{"error":"unprocessable"}"#)),
        ("503", json(503, "{}")),
    ];
    let rows = answers.map(|(situation, answer)| {
        let acme = Acme::login();
        acme.tell_token(answer);
        let during = acme.after(&["refresh", "acme"]);
        acme.tell_token(json(200, r#"{"access_token":"at-2","expires_in":3600}"#));
        (situation, format!("{during}; then {}", acme.after(&["verify", "acme"])))
    });
    check("login", &rows);
}

/// The lifetime of a token is read in each form in which providers write it.
#[test]
fn a_lifetime_is_read_in_each_form() {
    let moment = now() + 3600;
    let lifetimes = [
        ("a number", "\"expires_in\":3600".to_owned()),
        ("a text", "\"expires_in\":\"3600\"".to_owned()),
        ("an exponent", "\"expires_in\":3.6e3".to_owned()),
        ("a moment in seconds", format!("\"expires_in\":{moment}")),
        ("a moment in milliseconds", format!("\"expires_in\":{moment}000")),
        ("milliseconds beside expires_in_sec", "\"expires_in\":3600000,\"expires_in_sec\":3600".to_owned()),
        ("a negative number", "\"expires_in\":-1".to_owned()),
        ("a word", "\"expires_in\":\"never\"".to_owned()),
    ];
    let rows = lifetimes.map(|(situation, life)| {
        let token = format!(r#"{{"access_token":"at-1","token_type":"bearer","refresh_token":"rt-1",{life}}}"#);
        (situation, Acme::connected("", &token).minutes_left())
    });
    check("lifetime", &rows);
}

/// The account is named in another way, with the same credential.
#[test]
fn an_account_that_is_named_in_another_way_is_the_same_account() {
    let names = [
        ("a number with a fraction", r#"{"id":7.0,"name":"Ada"}"#),
        ("a number with an exponent", r#"{"id":0.7e1,"name":"Ada"}"#),
        ("a number as text", r#"{"id":"7","name":"Ada"}"#),
        ("another label", r#"{"id":7,"name":"Ada King"}"#),
        ("another number", r#"{"id":8,"name":"Grace"}"#),
    ];
    let rows = names.map(|(situation, me)| {
        let acme = Acme::connected("", TOKEN);
        acme.tell_me(json(200, me));
        (situation, acme.after(&["verify", "acme"]))
    });
    check("identity", &rows);
}

/// A removal says what came of the revocation: that it was confirmed, that it was not, or that nobody knows.
#[test]
fn a_removal_says_what_the_answer_to_a_revocation_says() {
    let answers = [
        ("200 without a body", told(200, "", "")),
        ("200 with a page", page(200)),
        ("200 with success: false", json(200, r#"{"success":false}"#)),
        ("200 with a list of errors", json(200, r#"{"errors":[{"message":"unknown token"}]}"#)),
        ("400 invalid_token", json(400, r#"{"error":"invalid_token"}"#)),
        ("302", told(302, "location: /login\r\n", "")),
        ("404", json(404, "{}")),
        ("503", json(503, "{}")),
    ];
    let rows = answers.map(|(situation, answer)| {
        let acme = Acme::connected("revocation = \"https://id.acme.example/revoke\"\n", TOKEN);
        acme.tell_me(answer);
        let ran = acme.machine.run(&["remove", "acme", "--yes"]).exits(0);
        let is_revoked = ran.out.contains("Acme revoked the credential");
        (situation, if is_revoked { "revoked".to_owned() } else { ran.err.trim().to_owned() })
    });
    check("removal", &rows);
}

/// A first setup that fails says why, with the host and the status.
#[test]
fn a_setup_that_fails_says_what_was_answered() {
    let answers = [
        ("invalid_grant", json(400, r#"{"error":"invalid_grant"}"#)),
        ("404 of a framework", json(404, r#"{"status":404,"error":"Not Found","path":"/oauth2/token"}"#)),
        ("415 with a page", page(415)),
        ("401 with a page", page(401)),
        ("200 with a page", page(200)),
        ("an expired secret (Azure)", json(401, r#"{"error":"invalid_client","error_codes":[7000222]}"#)),
    ];
    let rows = answers.map(|(situation, answer)| {
        let acme = Acme::oauth2("", TOKEN);
        acme.tell_token(answer);
        let ran = acme.sign_in();
        let said = ran.err.lines().skip_while(|line| !line.starts_with("error")).collect::<Vec<_>>().join(" / ");
        let home = acme.machine.path("").display().to_string();
        let said = said.replace(home.trim_end_matches('/'), "/home/ada");
        (situation, format!("{} {said}", ran.exit))
    });
    check("setup", &rows);
}
