//! The certified provider as tests meet it: strict, and telling what it was asked.

use connection_contract::{Value, encode};
use connection_faults::{
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
    let asked = server.token_requests();
    assert_eq!(asked.iter().map(|asked| asked.status).collect::<Vec<_>>(), [200, 200, 400, 400]);
    assert!(asked[1].spent == asked[2].spent && asked[1].spent != asked[3].spent, "{asked:?}");
}
