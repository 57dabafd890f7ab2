//! Tests that the providers accept their own credential, refuse others, and speak HTTP.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::replies::{github, notion, twilio};
use super::request::Request;
use super::{Credentials, Provider};

#[test]
fn github_knows_its_token_and_when_it_ends() {
    let credentials = Credentials::generate();
    let bearer = format!("Bearer {}", credentials.github_token);
    let reply = github(&credentials, &Request::new("GET", "/user", &[("Authorization", &bearer)]), 0);
    assert_eq!((reply.status, reply.body["login"].as_str()), (200, Some("octocat")));
    let header = |name| reply.headers.iter().find(|(other, _)| *other == name).map(|(_, value)| value.as_str());
    assert_eq!(header("X-OAuth-Scopes"), Some("read:org, repo"));
    assert_eq!(header("github-authentication-token-expiration"), Some("1970-01-06 01:00:00 UTC"));
    let refused = github(&credentials, &Request::new("GET", "/user", &[("Authorization", "Bearer other")]), 0);
    assert_eq!((refused.status, refused.body["message"].as_str()), (401, Some("Bad credentials")));
    assert_eq!(github(&credentials, &Request::new("GET", "/x", &[("Authorization", &bearer)]), 0).status, 404);
}

#[test]
fn notion_knows_its_token_and_wants_a_version() {
    let credentials = Credentials::generate();
    let bearer = format!("Bearer {}", credentials.notion_token);
    let status =
        |headers: &[(&str, &str)]| notion(&credentials, &Request::new("GET", "/v1/users/me", headers), 0).status;
    assert_eq!(status(&[("authorization", bearer.as_str()), ("notion-version", "2022-06-28")]), 200);
    assert_eq!(status(&[("authorization", &bearer)]), 400);
    assert_eq!(status(&[("notion-version", "2022-06-28")]), 401);
}

#[test]
fn twilio_knows_its_account_and_token() {
    let credentials = Credentials::generate();
    let account = &credentials.twilio_account;
    let basic = format!("Basic {}", STANDARD.encode(format!("{account}:{}", credentials.twilio_token)));
    let ask = |path: &str, authorization: &str| {
        twilio(&credentials, &Request::new("GET", path, &[("authorization", authorization)]), 0)
    };
    let path = format!("/2010-04-01/Accounts/{account}.json");
    assert_eq!(ask(&path, &basic).body["status"], "active");
    assert_eq!(ask(&path, "Basic eDp5").body["code"], 20_003);
    assert_eq!(ask(&format!("/2010-04-01/Accounts/{account}/Messages.json"), &basic).status, 200);
    assert_eq!(ask("/2010-04-01/Accounts/AC0.json", &basic).status, 404);
}

#[test]
fn a_provider_answers_over_http_where_its_configuration_says() {
    let provider = Provider::start().unwrap();
    let configuration = provider.configuration();
    let line = configuration.lines().find(|line| line.starts_with("\"https://api.github.com\"")).unwrap();
    let address = line.split('"').nth(3).unwrap().strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let (_, token) = &provider.credentials()[0];
    write!(stream, "GET /user?a=b HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Length: 2\r\n\r\nhi")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("\"login\":\"octocat\""), "{answer}");
}

#[test]
fn credentials_have_the_forms_of_the_providers_and_differ() {
    let one = Credentials::generate();
    let other = Credentials::generate();
    assert_eq!((one.github_token.len(), one.notion_token.len()), (40, 50));
    assert_eq!((one.twilio_account.len(), one.twilio_token.len()), (34, 32));
    assert_ne!(one.github_token, other.github_token);
}
