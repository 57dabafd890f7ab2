//! The authorization servers that tests use: their behaviour, and that they report the requests they received.

use connection_contract::{Value, encode};
use connection_faults::{
    authlib::{self, AuthlibServer},
    oidc::{CLIENT, OidcServer, SECRET},
    user_agent::{Answer, UserAgent},
};

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const CALLBACK: &str = "http://127.0.0.1:9/callback";

fn token(server: &OidcServer, form: &str) -> Answer {
    let pair = [CLIENT, SECRET].map(|part| encode::form([("", part)])[1..].to_owned()).join(":");
    let basic = format!("authorization: Basic {}\r\n", encode::base64(pair.as_bytes()));
    UserAgent::new().post(&format!("{}/token", server.issuer()), &basic, form).unwrap()
}

fn text(answer: &Answer, name: &str) -> String {
    Value::parse(answer.body.as_bytes()).unwrap()[name].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_refresh_token_that_comes_twice_ends_the_family_and_the_ledger_tells() {
    let Some(server) = OidcServer::start("{}") else { return };
    let query = encode::form([
        ("client_id", CLIENT),
        ("response_type", "code"),
        ("redirect_uri", CALLBACK),
        ("scope", "openid offline_access"),
        ("prompt", "consent"),
        ("state", "s"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]);
    let back = UserAgent::new().follow(&format!("{}/auth?{query}", server.issuer())).unwrap();
    let (place, query) = back.split_once('?').unwrap();
    let came = encode::from_form(query);
    let value = |name: &str| came.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str());
    assert_eq!((place, value("state"), value("iss")), (CALLBACK, Some("s"), Some(server.issuer())));
    let form = [
        ("grant_type", "authorization_code"),
        ("code", value("code").unwrap()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let answer = token(&server, &encode::form(form));
    assert_eq!(answer.status, 200, "{}", answer.body);
    let refresh = |token_of: &Answer| {
        let old = text(token_of, "refresh_token");
        token(&server, &encode::form([("grant_type", "refresh_token"), ("refresh_token", &old)]))
    };
    let second = refresh(&answer);
    assert_eq!(second.status, 200, "{}", second.body);
    assert_ne!(text(&second, "refresh_token"), text(&answer, "refresh_token"));
    let reused = refresh(&answer);
    assert_eq!((reused.status, text(&reused, "error")), (400, "invalid_grant".to_owned()));
    let dead = refresh(&second);
    assert_eq!((dead.status, text(&dead, "error")), (400, "invalid_grant".to_owned()));
    let requests = server.token_requests();
    assert_eq!(requests.iter().map(|request| request.status).collect::<Vec<_>>(), [200, 200, 400, 400]);
    assert!(requests[1].spent == requests[2].spent && requests[1].spent != requests[3].spent, "{requests:?}");
}

#[test]
fn the_second_server_leaves_out_what_it_is_told_and_takes_json_bodies() {
    let Some(server) = AuthlibServer::start(r#"{"without": ["token_type", "expires_in"]}"#) else { return };
    let post = |server: &AuthlibServer, secret: &str| {
        let basic = encode::base64(format!("{}:{secret}", authlib::CLIENT).as_bytes());
        let headers = format!("authorization: Basic {basic}\r\n");
        let url = format!("{}/token", server.address());
        UserAgent::new().post(&url, &headers, "grant_type=client_credentials&scope=read").unwrap()
    };
    let answer = post(&server, &encode::percent_encode(authlib::SECRET));
    assert_eq!(answer.status, 200, "{}", answer.body);
    let body = Value::parse(answer.body.as_bytes()).unwrap();
    assert!(body["access_token"].as_str().is_some() && body["token_type"].as_str().is_none());
    // The control: the server decodes and compares the secret.
    assert_eq!(post(&server, "wrong").status, 401);
    assert_eq!(server.ledger().iter().map(|request| request.status).collect::<Vec<_>>(), [200, 401]);
    let json = AuthlibServer::start(r#"{"json": true}"#).unwrap();
    assert_ne!(post(&json, &encode::percent_encode(authlib::SECRET)).status, 200, "a form is not taken");
}
