//! Addresses with variables: a token and an application's secret go only where the configuration allows.

use connection_contract::prelude::*;
use connection_oauth2::{
    Account, AccountFrom, Attach, Client, Endpoint, ErrorIf, Grant, OAuth2Builder, OAuth2Config, RequestKind, Response,
};
use connection_testkit::{Expected, FakeHost, Input, Reply};

use crate::{
    ACCESS, API, AUTHORIZE, CALLBACK, CODE, ID, SECRET, TOKEN, acme, back, connected, fields, form, host, kind, me,
    redeem, tokens,
};

fn shop() -> OAuth2Builder {
    OAuth2Config::builder(Kind::from_static("shop"), "Shop")
        .api("https://${config.shop}.shop.example/api")
        .endpoint(Endpoint::Authorize, "https://${config.shop}.shop.example/authorize")
        .endpoint(Endpoint::Token, "https://${config.shop}.shop.example/token")
        .trimmed_field(Field::text("shop", "Shop"), ["https://"], ["/", ".shop.example"])
        .client(Client::Configured { id: ID.to_owned(), secret: Some(SECRET.into()) })
        .account(Account::probe("/me", "/id", "/name"))
}

fn typed(text: &str) -> Input {
    Input::answers(&[("shop", text)])
}

fn at_shop() -> FakeHost<connection_oauth2::OAuth2> {
    FakeHost::new(kind(shop())).inbound_http(CALLBACK)
}

/// Q32: what surrounds the name of a shop is removed from an answer. Q10: only that shop's host is reached.
#[test]
fn what_surrounds_an_answer_is_removed() {
    for text in ["acme", " acme ", "acme.shop.example", "https://acme.shop.example/"] {
        let host = at_shop().expect(Expected::post("https://acme.shop.example/token").answer(tokens())).expect(
            Expected::get("https://acme.shop.example/api/me").answer(Reply::json(200, r#"{"id": 1, "name": "A"}"#)),
        );
        let made = host.setup([typed(text), back()]).run().unwrap();
        assert_eq!(made.reach.base_url.unwrap().to_string(), "https://acme.shop.example/api");
        assert_eq!(made.config, [("shop".into(), "acme".to_owned())]);
    }
}

/// Q10, S22, S24: a value that would lead elsewhere is refused before anything is sent.
#[test]
fn a_value_that_leads_elsewhere_is_refused() {
    for text in ["a@b", "a:b", "a%2eb", "a\\b", "a b", "..", "-\u{e9}", "a.evil.com#"] {
        assert_eq!(at_shop().setup([typed(text)]).run().unwrap_err().code, "shop_bad_value", "{text}");
    }
    for text in ["x.y", "evil.com"] {
        assert_eq!(at_shop().setup([typed(text)]).run().unwrap_err().code, reason::DENIED, "{text}");
    }
}

/// Q9, S21: the code is redeemed at the address in the callback if its origin is the provider's; otherwise nothing is
/// sent.
#[test]
fn a_captured_host_gets_the_secret_only_where_it_is_declared() {
    let zoho = || {
        OAuth2Config::builder(Kind::from_static("zoho"), "Zoho")
            .api(API)
            .endpoint(Endpoint::Authorize, AUTHORIZE)
            .endpoint(Endpoint::Token, "${config.accounts-server}/oauth/v2/token")
            .capture_from_callback("accounts-server")
            .origin("https://*.zoho.example")
            .client(Client::Configured { id: ID.to_owned(), secret: Some(SECRET.into()) })
            .account(Account::probe("/me", "/id", "/name"))
    };
    let came = |server: &str| Input::callback(&[("code", CODE), ("accounts-server", server)]);
    let host = FakeHost::new(kind(zoho()))
        .inbound_http(CALLBACK)
        .expect(Expected::post("https://eu.zoho.example/oauth/v2/token").answer(tokens()))
        .expect(me())
        .expect(Expected::post("https://eu.zoho.example/oauth/v2/token").answer(tokens()));
    let made = host.setup([came("https://eu.zoho.example")]).run().unwrap();
    assert_eq!(made.reach.origins.iter().map(ToString::to_string).collect::<Vec<_>>(), ["https://eu.zoho.example"]);
    host.refresh(&made.credential, &host.connection(&made)).unwrap();
    for server in [
        "https://evil.example",
        "https://zoho.example.evil.example",
        "http://eu.zoho.example",
        "https://a.b.zoho.example",
        "javascript:x",
        "https://eu.zoho.example@evil.example",
    ] {
        let failure = FakeHost::new(kind(zoho())).inbound_http(CALLBACK).setup([came(server)]).run().unwrap_err();
        assert!(["denied", "zoho_bad_value"].contains(&&*failure.code), "{server}: {}", failure.code);
    }
}

/// Q8: the API's host comes with the tokens, and must be one of the provider's.
#[test]
fn the_apis_host_may_come_with_the_tokens() {
    let force = || {
        OAuth2Config::builder(Kind::from_static("force"), "Force")
            .api("${config.instance_url}")
            .origin("https://*.force.example")
            .endpoint(Endpoint::Authorize, AUTHORIZE)
            .endpoint(Endpoint::Token, TOKEN)
            .response(Response::new().capture("instance_url", "/instance_url"))
            .client(Client::Configured { id: ID.to_owned(), secret: Some(SECRET.into()) })
            .account(Account::probe("/me", "/id", "/name"))
    };
    let answer = |url: &str| Reply::json(200, &format!(r#"{{"access_token": "{ACCESS}", "instance_url": "{url}"}}"#));
    let host = FakeHost::new(kind(force()))
        .inbound_http(CALLBACK)
        .expect(redeem().answer(answer("https://na1.force.example")))
        .expect(Expected::get("https://na1.force.example/me").answer(Reply::json(200, r#"{"id": "1", "name": "A"}"#)));
    let made = host.setup([back()]).run().unwrap();
    assert_eq!(host.connection(&made).config("instance_url"), Some("https://na1.force.example"));
    let host =
        FakeHost::new(kind(force())).inbound_http(CALLBACK).expect(redeem().answer(answer("https://evil.example")));
    assert_eq!(host.setup([back()]).run().unwrap_err().code, reason::DENIED);
}

/// S21: a user's own address needs the user's own application; no other secret is sent there.
#[test]
fn an_instance_of_ones_own_has_an_application_of_its_own() {
    let own = OAuth2Config::builder(Kind::from_static("lab"), "Lab")
        .api("${config.instance}")
        .endpoint(Endpoint::Authorize, "${config.instance}/oauth/authorize")
        .endpoint(Endpoint::Token, "${config.instance}/oauth/token")
        .field(Field::url("instance", "Address"))
        .client(Client::PerConnection)
        .account(Account::probe("/api/me", "/id", "/name"));
    let answers = [("instance", "https://git.corp.example/lab"), ("clientId", ID), ("clientSecret", SECRET)];
    let token = || Expected::post("https://git.corp.example/lab/oauth/token").answer(tokens());
    let host = FakeHost::new(kind(own))
        .inbound_http(CALLBACK)
        .expect(token())
        .expect(
            Expected::get("https://git.corp.example/lab/api/me")
                .answer(Reply::json(200, r#"{"id": "1", "name": "A"}"#)),
        )
        .expect(token());
    let made = host.setup([Input::answers(&answers), back()]).run().unwrap();
    host.refresh(&made.credential, &host.connection(&made)).unwrap();
}

/// S24: a value cannot begin another header, leave a path, or become JSON.
#[test]
fn a_value_stays_where_it_stands() {
    let with = || acme().field(Field::text("tenant", "Tenant"));
    let tenant = |text: &str| Input::answers(&[("tenant", text)]);
    // A host accepts a line break only for a field whose pattern accepts it.
    let lines = || acme().field(Field::text("tenant", "Tenant").pattern("(?s).*"));
    let header = || lines().header(RequestKind::Token, "X-Tenant", "${config.tenant}");
    let failure = host(header()).setup([tenant("a\r\nx: y"), back()]).run().unwrap_err();
    assert_eq!(failure.code, "acme_bad_value");
    let mut form = form();
    form.push(("tenant", "a&b=c".to_owned()));
    let host = host(with().parameter(RequestKind::Token, "tenant", "${config.tenant}"))
        .expect(redeem().form(&fields(&form)).answer(tokens()))
        .expect(me());
    host.setup([tenant("a&b=c"), back()]).run().unwrap();
    let text = r#"","admin":"1"#;
    let mut pairs = form_without_client();
    pairs.extend([("client_id", ID.to_owned()), ("client_secret", SECRET.to_owned()), ("tenant", text.to_owned())]);
    let json = Value::object(fields(&pairs).into_iter().map(|(name, value)| (name, Value::from(value)))).to_string();
    let builder =
        with().parameter(RequestKind::Token, "tenant", "${config.tenant}").body(connection_oauth2::Body::Json);
    let host = crate::host(builder).expect(redeem().json(&json).answer(tokens())).expect(me());
    host.setup([tenant(text), back()]).run().unwrap();
}

fn form_without_client() -> Vec<(&'static str, String)> {
    form().into_iter().filter(|(name, _)| !name.starts_with("client_")).collect()
}

/// S24: in a path, a value is a single segment.
#[test]
fn a_value_in_a_path_is_one_part_of_it() {
    let builder = || {
        OAuth2Config::builder(Kind::from_static("acme"), "Acme")
            .api(API)
            .endpoint(Endpoint::Authorize, "https://id.acme.example/${config.tenant}/authorize")
            .endpoint(Endpoint::Token, "https://id.acme.example/${config.tenant}/token")
            .field(Field::text("tenant", "Tenant"))
            .client(Client::Configured { id: ID.to_owned(), secret: Some(SECRET.into()) })
            .account(Account::probe("/me", "/id", "/name"))
    };
    let tenant = |text: &str| Input::answers(&[("tenant", text)]);
    for text in ["..", ".", "a/b", "a\\b", "a%2fb"] {
        let host = FakeHost::new(kind(builder())).inbound_http(CALLBACK);
        assert_eq!(host.setup([tenant(text)]).run().unwrap_err().code, "acme_bad_value", "{text}");
    }
    let host = FakeHost::new(kind(builder()))
        .inbound_http(CALLBACK)
        .expect(Expected::post("https://id.acme.example/t1/token").answer(tokens()))
        .expect(me());
    host.setup([tenant("t1"), back()]).run().unwrap();
}

/// The origin of the refresh step is in reach, even if addresses were learned and it is elsewhere.
#[test]
fn what_renews_is_in_reach() {
    let renewal = connection_oauth2::Renewal::Step(connection_oauth2::Step::get("https://graph.shop.example2/renew"));
    let host = FakeHost::new(kind(shop().renewal(renewal)))
        .inbound_http(CALLBACK)
        .expect(Expected::post("https://acme.shop.example/token").answer(tokens()))
        .expect(
            Expected::get("https://acme.shop.example/api/me").answer(Reply::json(200, r#"{"id": 1, "name": "A"}"#)),
        );
    let made = host.setup([typed("acme"), back()]).run().unwrap();
    assert_eq!(made.reach.origins.iter().map(ToString::to_string).collect::<Vec<_>>(), ["https://graph.shop.example2"]);
}

/// Q30: an administrator consents in the browser, no code is exchanged, and the application gets its own tokens.
#[test]
fn a_consent_is_followed_by_the_applications_own_tokens() {
    let token = || Expected::post("https://id.acme.example/t-77/token").form(&CONSENTED).answer(tokens());
    let host = FakeHost::new(kind(consent())).inbound_http(CALLBACK).expect(token()).expect(me()).expect(token());
    let came = Input::callback(&[("tenant", "t-77"), ("admin_consent", "True")]);
    let made = host.setup([Input::answers(&APPLICATION), came]).run().unwrap();
    host.refresh(&made.credential, &host.connection(&made)).unwrap();
}

/// Q30: a pasted consent is accepted only because of its `state`, since no verifier ties a tenant's name to this
/// attempt.
#[test]
fn a_pasted_consent_needs_its_state() {
    let pasted = |text: &str| Input::answers(&[("callbackUrl", text)]);
    let token = Expected::post("https://id.acme.example/t-77/token").form(&CONSENTED).answer(tokens());
    let host = FakeHost::new(kind(consent())).inbound_http(CALLBACK).expect(token).expect(me());
    let whole = format!("tenant=t-77&state={}", crate::state());
    let run = host.setup([Input::answers(&APPLICATION), pasted("t-66"), pasted(&whole)]).trace();
    run.result.unwrap();
    let prompt = run.steps[2].prompt.as_ref().unwrap();
    assert_eq!(prompt.problem.as_ref().unwrap().as_str(), "the answer from the browser belongs to another attempt");
}

const APPLICATION: [(&str, &str); 2] = [("clientId", ID), ("clientSecret", SECRET)];
const CONSENTED: [(&str, &str); 3] =
    [("grant_type", "client_credentials"), ("client_id", ID), ("client_secret", SECRET)];

fn consent() -> OAuth2Builder {
    OAuth2Config::builder(Kind::from_static("ms"), "MS")
        .api(API)
        .endpoint(Endpoint::Authorize, "https://id.acme.example/adminconsent")
        .endpoint(Endpoint::Token, "https://id.acme.example/${config.tenant}/token")
        .grant(Grant::ConsentThenClientCredentials)
        .code_parameter("tenant")
        .capture_from_callback("tenant")
        .client(Client::PerConnection)
        .account(Account::probe("/me", "/id", "/name"))
}

/// The sources of the account: the claims that are for this application, the token response, the application.
#[test]
fn the_account_comes_from_where_the_configuration_says() {
    let claims = |aud: &str| {
        let claims = format!(r#"{{"aud": {aud}, "sub": "s-1", "email": "a@x.example"}}"#);
        format!("e30.{}.c2ln", encode::base64url(claims.as_bytes()))
    };
    let id_token =
        |aud: &str| Reply::json(200, &format!(r#"{{"access_token": "{ACCESS}", "id_token": "{}"}}"#, claims(aud)));
    let openid = || acme().account(Account::probe("/me", "/sub", "/email").from(AccountFrom::IdToken));
    for aud in [format!(r#""{ID}""#), format!(r#"["other", "{ID}"]"#)] {
        let (_host, made) = connected(openid(), id_token(&aud));
        assert_eq!(made.identity, Identity::new("s-1", "a@x.example"));
    }
    for aud in [r#""other""#, "null"] {
        assert_eq!(crate::refused_after(openid(), id_token(aud)), "acme_account_unknown");
    }
    let answered = acme().account(Account::probe("/me", "/team/id", "/team/name").from(AccountFrom::TokenResponse));
    let (_host, made) = connected(
        answered,
        Reply::json(200, &format!(r#"{{"access_token": "{ACCESS}", "team": {{"id": "T1", "name": "Team"}}}}"#)),
    );
    assert_eq!(made.identity, Identity::new("T1", "Team"));
    let own = acme().account(Account::probe("/me", "/id", "/name").from(AccountFrom::Client));
    let (_host, made) = connected(own, tokens());
    assert_eq!(made.identity.account_id.as_str(), ID);
}

/// Q1: a probe that is refused with status 200.
#[test]
fn a_probe_may_refuse_with_200() {
    let builder =
        || acme().account(Account::probe("/me", "/id", "/name").method("POST").error_if(ErrorIf::equals("/ok", false)));
    let probe = || Expected::post("https://api.acme.example/me");
    let good = Reply::json(200, r#"{"ok": true, "id": "1", "name": "A"}"#);
    let host = host(builder())
        .expect(redeem().answer(tokens()))
        .expect(probe().answer(good))
        .expect(probe().answer(Reply::json(200, r#"{"ok": false, "error": "invalid_auth"}"#)));
    let made = host.setup([back()]).run().unwrap();
    let found = host.verify(&made.credential, &host.connection(&made)).unwrap();
    assert_eq!((found.liveness, &*found.reason.unwrap().code), (Liveness::Failing, reason::UNAUTHORIZED));
}

/// A token in a header with the provider's own name.
#[test]
fn a_token_may_have_a_header_of_its_own() {
    let attach = Attach::Header { name: "X-Access-Token".into(), prefix: "Token ".into() };
    let probe = Expected::get("https://api.acme.example/me")
        .header("x-access-token", &format!("Token {ACCESS}"))
        .without_header("authorization")
        .answer(Reply::json(200, r#"{"id": 42, "name": "Ada"}"#));
    let host = host(acme().attach(attach)).expect(redeem().answer(tokens())).expect(probe);
    host.setup([back()]).run().unwrap();
}

/// A userinfo endpoint at another origin than the API: it is declared, in reach, and asked again by a verification.
#[test]
fn the_account_may_be_asked_elsewhere() {
    let userinfo = "https://openid.acme.example/v1/userinfo";
    let probe = || {
        Expected::get(&format!("{userinfo}?alt=json"))
            .header("authorization", &format!("Bearer {ACCESS}"))
            .answer(Reply::json(200, r#"{"sub": "s-1", "email": "a@x.example"}"#))
    };
    let builder = || acme().account(Account::probe(format!("{userinfo}?alt=json"), "/sub", "/email"));
    let host = host(builder()).expect(redeem().answer(tokens())).expect(probe()).expect(probe());
    let made = host.setup([back()]).run().unwrap();
    assert_eq!(made.identity, Identity::new("s-1", "a@x.example"));
    assert!(kind(builder()).descriptor().origins.iter().any(|origin| origin == "https://openid.acme.example"));
    host.verify(&made.credential, &host.connection(&made)).unwrap();
    for address in ["http://openid.acme.example/me", "https://${config.host}/me"] {
        assert!(acme().account(Account::probe(address, "/sub", "/email")).build().is_err());
    }
}
