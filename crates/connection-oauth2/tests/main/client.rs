//! The application, and how it authenticates.

use connection_contract::prelude::*;
use connection_oauth2::{
    Account, Assertion, Audience, Body, CLIENT_KEY, Client, ClientAuth, Endpoint, OAuth2Builder, OAuth2Config,
    client_value,
};
use connection_testkit::{Expected, FakeHost, Input, Reply, signature};

use crate::{
    AUTHORIZE, CALLBACK, CODE, ID, NOW, SECRET, TOKEN, acme, back, connected, drawn, fields, form, host, kind, me,
    redeem, refused, tokens,
};

fn without_client() -> Vec<(&'static str, String)> {
    form().into_iter().filter(|(name, _)| !name.starts_with("client_")).collect()
}

/// Q3: Basic authentication and a JSON body without a secret; no lifetime and no refresh token.
#[test]
fn basic_with_a_json_body_has_no_secret_in_it() {
    let json = format!(
        r#"{{"grant_type": "authorization_code", "code": "{CODE}", "code_verifier": "{}", "redirect_uri": "{CALLBACK}"}}"#,
        drawn(0)
    );
    let exchange = redeem().basic(ID, SECRET).header("content-type", "application/json").json(&json);
    let answer = Reply::json(200, &format!(r#"{{"access_token": "{}"}}"#, crate::ACCESS));
    let host =
        host(acme().client_auth(ClientAuth::Basic).body(Body::Json)).expect(exchange.answer(answer)).expect(me());
    let made = host.setup([back()]).run().unwrap();
    assert_eq!((made.valid_until, made.renew_at), (None, None));
}

/// Q17: values are form-encoded first, as RFC 6749 requires, or verbatim, as many servers expect. Q27: values are
/// templates.
#[test]
fn basic_is_written_in_three_ways() {
    let secret = "z/t+=";
    let template = ClientAuth::BasicTemplate { user: "${client.secret}".into(), password: String::new() };
    for (auth, user, password) in
        [(ClientAuth::Basic, ID, "z%2Ft%2B%3D"), (ClientAuth::BasicRaw, ID, secret), (template, secret, "")]
    {
        let builder =
            acme().client(Client::Configured { id: ID.into(), secret: Some(secret.into()) }).client_auth(auth);
        let exchange = redeem().basic(user, password).form(&fields(&without_client()));
        let host = host(builder).expect(exchange.answer(tokens())).expect(me());
        host.setup([back()]).run().unwrap();
    }
}

/// A body in the query, for providers where nothing else works.
#[test]
fn a_body_may_stand_in_the_address() {
    let query = encode::form(fields(&form()));
    let exchange = Expected::post(&format!("{TOKEN}?{query}")).without_header("content-type");
    let host = host(acme().body(Body::Query)).expect(exchange.answer(tokens())).expect(me());
    host.setup([back()]).run().unwrap();
}

const KEY: &str = "-----BEGIN PRIVATE KEY-----\ncanary-key-0123456789\n-----END PRIVATE KEY-----\n";

fn signing(how: Assertion) -> OAuth2Builder {
    acme()
        .client(Client::Configured { id: ID.into(), secret: Some(KEY.into()) })
        .client_auth(ClientAuth::PrivateKeyJwt(how))
}

/// Returns the assertion that the fake host's key signs, for one draw of random bytes.
fn assertion(algorithm: SignatureAlgorithm, name: &str, audience: &str, draw: usize) -> String {
    signed_by(KEY, algorithm, name, audience, draw)
}

fn signed_by(key: &str, algorithm: SignatureAlgorithm, name: &str, audience: &str, draw: usize) -> String {
    let header = format!(r#"{{"alg":"{name}","typ":"JWT","kid":"k1"}}"#);
    let bytes = connection_testkit::hmac_sha256(b"connection-testkit", format!("random {draw}").as_bytes());
    let iat = NOW - 10;
    let exp = NOW + 60;
    let jti = encode::hex(&bytes[..16]);
    let claims = format!(r#"{{"iss":"{ID}","sub":"{ID}","aud":"{audience}","iat":{iat},"exp":{exp},"jti":"{jti}"}}"#);
    let unsigned = format!("{}.{}", encode::base64url(header.as_bytes()), encode::base64url(claims.as_bytes()));
    let signed = signature(algorithm, &key.into(), unsigned.as_bytes()).expect("a key");
    format!("{unsigned}.{}", encode::base64url(&signed))
}

fn asserted(assertion: &str, form: Vec<(&'static str, String)>) -> Vec<(&'static str, String)> {
    let mut form: Vec<_> = form.into_iter().filter(|(name, _)| *name != "client_secret").collect();
    form.push(("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer".to_owned()));
    form.push(("client_assertion", assertion.to_owned()));
    form
}

/// S8, S16: in each algorithm, for the issuer alone. Q26: issued ten seconds ago, since clocks differ.
#[test]
fn a_private_key_proves_who_the_application_is() {
    for (algorithm, name) in [
        (SignatureAlgorithm::Rs256, "RS256"),
        (SignatureAlgorithm::Ps256, "PS256"),
        (SignatureAlgorithm::Es256, "ES256"),
        (SignatureAlgorithm::EdDsa, "EdDSA"),
    ] {
        let issuer = "https://id.acme.example";
        let form = asserted(&assertion(algorithm, name, issuer, 1), form());
        let builder = signing(Assertion::new(algorithm).key_id("k1")).issuer(issuer);
        let host = host(builder).expect(redeem().form(&fields(&form)).answer(tokens())).expect(me());
        host.setup([back()]).run().unwrap();
    }
}

/// A private key has several lines, which a page or a terminal may lose, and it signs with them.
#[test]
fn a_private_key_is_asked_for_with_its_lines() {
    let issuer = "https://id.acme.example";
    let signing_key = "-----BEGIN PRIVATE KEY-----\ncanarykey0123456789\n-----END PRIVATE KEY-----";
    for (client, key) in [
        (Client::Prompted, signing_key.to_owned()),
        (Client::PerConnection, signing_key.to_owned()),
        (Client::Prompted, format!("{signing_key}\n")),
        (Client::Prompted, format!("\n{}\r\n", signing_key.replace('\n', "\r\n"))),
        (Client::PerConnection, signing_key.replace('\n', "")),
    ] {
        let form = asserted(&signed_by(signing_key, SignatureAlgorithm::Es256, "ES256", issuer, 1), form());
        let builder = signing(Assertion::new(SignatureAlgorithm::Es256).key_id("k1")).issuer(issuer).client(client);
        let host = host(builder).expect(redeem().form(&fields(&form)).answer(tokens())).expect(me());
        let application = Input::answers(&[("clientId", ID), ("clientSecret", key.as_str())]);
        host.setup([application, back()]).run().unwrap();
    }
}

/// S16: if the configuration says so, an assertion is for the endpoint that it is sent to, also for a revocation.
#[test]
fn an_assertion_is_for_one_endpoint() {
    let revoke = "https://id.acme.example/revoke";
    let how = Assertion::new(SignatureAlgorithm::Es256).key_id("k1").audience(Audience::Endpoint);
    let builder = || signing(how.clone()).issuer("https://id.acme.example").endpoint(Endpoint::Revocation, revoke);
    let form = asserted(&assertion(SignatureAlgorithm::Es256, "ES256", TOKEN, 1), form());
    let host = host(builder()).expect(redeem().form(&fields(&form)).answer(tokens())).expect(me());
    let made = host.setup([back()]).run().unwrap();
    // The host's random draws continue for each request; its counter begins again.
    let gone = |token: &'static str, hint: &str, draw| {
        let form = asserted(
            &assertion(SignatureAlgorithm::Es256, "ES256", revoke, draw),
            vec![("token", token.to_owned()), ("token_type_hint", hint.to_owned()), ("client_id", ID.to_owned())],
        );
        Expected::post(revoke).form(&fields(&form))
    };
    let host = host.expect(gone(crate::REFRESH, "refresh_token", 0)).expect(gone(crate::ACCESS, "access_token", 1));
    host.teardown(&made.credential, &host.connection(&made)).unwrap();
}

/// S16: an assertion is for the issuer if there is one, wherever it is sent; otherwise, or if configured, for the
/// endpoint that it is sent to, never for the token endpoint at another one.
#[test]
fn an_assertion_for_another_endpoint_is_for_that_endpoint() {
    let (par, device) = ("https://id.acme.example/par", "https://id.acme.example/device");
    let issuer = "https://id.acme.example";
    let signer = |audience| signing(Assertion::new(SignatureAlgorithm::Es256).key_id("k1").audience(audience));
    for (builder, pushed, requested, redeemed) in [
        (signer(Audience::Issuer), par, device, TOKEN),
        (signer(Audience::Endpoint).issuer(issuer), par, device, TOKEN),
        (signer(Audience::Issuer).issuer(issuer), issuer, issuer, issuer),
    ] {
        let signed = |audience: &str, draw| assertion(SignatureAlgorithm::Es256, "ES256", audience, draw);
        let challenge = encode::base64url(&connection_testkit::sha256(drawn(0).as_bytes()));
        let push = asserted(
            &signed(pushed, 1),
            vec![
                ("response_type", "code".into()),
                ("client_id", ID.into()),
                ("redirect_uri", CALLBACK.into()),
                ("scope", "read".into()),
                ("state", crate::state()),
                ("code_challenge", challenge),
                ("code_challenge_method", "S256".into()),
            ],
        );
        let ask = asserted(&signed(requested, 2), vec![("scope", "read".into()), ("client_id", ID.into())]);
        let redeem = asserted(&signed(redeemed, 3), form());
        let codes = r#"{"device_code": "d", "user_code": "W", "verification_uri": "https://id.acme.example/a", "expires_in": 900}"#;
        let host = host(builder.endpoint(Endpoint::PushedAuthorization, par).endpoint(Endpoint::Device, device))
            .expect(Expected::post(par).form(&fields(&push)).answer(Reply::json(201, r#"{"request_uri": "urn:r"}"#)))
            .expect(Expected::post(device).form(&fields(&ask)).answer(Reply::json(200, codes)))
            .expect(crate::redeem().form(&fields(&redeem)).answer(tokens()))
            .expect(me());
        host.setup([back()]).run().unwrap();
    }
}

#[test]
fn a_key_that_does_not_sign_says_so() {
    let builder = acme().client_auth(ClientAuth::PrivateKeyJwt(Assertion::new(SignatureAlgorithm::Rs256)));
    let failure = host(builder).setup([back()]).run().unwrap_err();
    assert_eq!(failure.code, "acme_bad_key");
}

/// An assertion is valid for a minute, so that a wrong clock makes the provider refuse an application whose key is right.
#[test]
fn a_clock_that_differs_is_told_of_an_application_that_signs() {
    const EARLY: &str = "Sat, 31 Jan 2026 07:20:30 GMT";
    let answer =
        |date: &str| Reply::json(401, r#"{"error": "invalid_client", "error_codes": [700024]}"#).header("date", date);
    let signs = || signing(Assertion::new(SignatureAlgorithm::Es256));
    for (builder, date, says) in [
        (signs(), EARLY, Some("the clock of this machine is 180 minutes ahead of the provider's")),
        (signs(), "Sat, 31 Jan 2026 10:22:00 GMT", Some("the clock of this machine is 1 minute behind the provider's")),
        (signs(), "Sat, 31 Jan 2026 10:20:40 GMT", None),
        (acme(), EARLY, None),
    ] {
        let (host, made) = connected(builder, tokens());
        let host = host.expect(Expected::post(TOKEN).answer(answer(date)));
        let Err(ConnectionError::NotLive(found)) = host.refresh(&made.credential, &host.connection(&made)) else {
            panic!("it is refused")
        };
        assert_eq!(found.reason.code, "acme_client_refused");
        let message = found.reason.message.as_str();
        assert_eq!(message.contains("the clock of this machine"), says.is_some(), "{message}");
        assert!(message.contains(says.unwrap_or_default()), "{message}");
        let remedy = found.reason.remedy.unwrap();
        assert_eq!(remedy.as_str().starts_with("correct the clock of this machine"), says.is_some(), "{remedy}");
        assert!(remedy.as_str().contains("secret"), "the application may be wrong, too: {remedy}");
    }
    let failure = refused(signs(), answer(EARLY));
    assert!(
        failure.message.as_str().contains("(invalid_client; the clock of this machine is 180 minutes"),
        "{failure}"
    );
    assert!(failure.remedy.unwrap().as_str().contains("correct the clock of this machine"));
}

fn application() -> Input {
    Input::answers(&[("clientId", ID), ("clientSecret", SECRET)])
}

/// The first setup asks for the application; the next setup and a refresh use it. After it was removed, a setup asks
/// again.
#[test]
fn an_application_is_asked_for_once() {
    let host = host(acme().client(Client::Prompted))
        .expect(redeem().form(&fields(&form())).answer(tokens()))
        .expect(me())
        .expect(redeem().form(&fields(&form())).answer(tokens()))
        .expect(me())
        .expect(crate::renew().answer(tokens()));
    host.setup([application(), back()]).run().unwrap();
    let made = host.setup([back()]).run().unwrap();
    let connection = host.connection(&made);
    host.refresh(&made.credential, &connection).unwrap();
    block_on(host.kv().unwrap().put_shared(&[origin()], CLIENT_KEY, None)).unwrap();
    let Err(ConnectionError::NotLive(found)) = host.refresh(&made.credential, &connection) else {
        panic!("it is not live")
    };
    assert_eq!(found.reason.code, "acme_client_missing");
    assert_eq!(found.reason.remedy.unwrap().as_str(), "enter the application's id and secret again");
}

/// An application that another kind of the provider stored for these origins is used, and no person is asked.
#[test]
fn kinds_of_one_provider_ask_for_their_application_once() {
    let first = host(acme().client(Client::Prompted)).expect(redeem().answer(tokens())).expect(me());
    first.setup([application(), back()]).run().unwrap();
    let kept = block_on(first.kv().unwrap().get_shared(&[origin()], CLIENT_KEY)).unwrap();
    let drive = OAuth2Config::builder(Kind::from_static("acme-drive"), "Acme Drive")
        .provider(Kind::from_static("acme"))
        .api("https://drive.acme.example")
        .endpoint(Endpoint::Authorize, AUTHORIZE)
        .endpoint(Endpoint::Token, TOKEN)
        .client(Client::Prompted)
        .account(Account::probe("/me", "/id", "/name"));
    let second = host(drive).expect(redeem().form(&fields(&form())).answer(tokens())).expect(
        Expected::get("https://drive.acme.example/me").answer(Reply::json(200, r#"{"id": "1", "name": "Ada"}"#)),
    );
    block_on(second.kv().unwrap().put_shared(&[origin()], CLIENT_KEY, kept)).unwrap();
    second.setup([back()]).run().unwrap();
}

/// A second endpoint that receives the secret makes a different set of origins.
#[test]
fn a_kind_that_sends_the_secret_elsewhere_asks_for_its_own_application() {
    let elsewhere = acme().client(Client::Prompted).endpoint(Endpoint::Revocation, "https://evil.example/revoke");
    let host = host(elsewhere).expect(redeem().answer(tokens())).expect(me());
    let record = client_value("of-another-kind", Some(&Secret::from("canary")));
    block_on(host.kv().unwrap().put_shared(&[origin()], CLIENT_KEY, Some(record))).unwrap();
    host.setup([application(), back()]).run().unwrap();
}

fn origin() -> Text {
    Text::from("https://id.acme.example")
}

/// A mistyped application is not stored: the next setup asks again.
#[test]
fn an_application_that_was_refused_is_not_kept() {
    let host = host(acme().client(Client::Prompted))
        .expect(redeem().answer(Reply::json(401, r#"{"error": "invalid_client"}"#)));
    let failure = host.setup([application(), back()]).run().unwrap_err();
    assert_eq!(failure.code, "acme_client_refused");
    assert!(block_on(host.kv().unwrap().get_shared(&[origin()], CLIENT_KEY)).unwrap().is_none());
    assert!(block_on(host.kv().unwrap().get_secret(CLIENT_KEY)).unwrap().is_none());
}

#[test]
fn a_host_that_keeps_nothing_says_so() {
    let host = FakeHost::new(kind(acme().client(Client::Prompted))).inbound_http(CALLBACK);
    assert_eq!(host.setup([]).run().unwrap_err().code, "acme_no_store");
}

/// S14, S21: an application of one connection is stored with it, and used for no other.
#[test]
fn each_connection_may_bring_its_own_application() {
    let host = host(acme().client(Client::PerConnection))
        .expect(redeem().answer(tokens()))
        .expect(me())
        .expect(crate::renew().answer(tokens()));
    let made = host.setup([application(), back()]).run().unwrap();
    assert!(block_on(host.kv().unwrap().get_secret(CLIENT_KEY)).unwrap().is_none());
    host.refresh(&made.credential, &host.connection(&made)).unwrap();
}

/// Q24: a stored application that the provider no longer accepts is removed before another one is asked for.
#[test]
fn a_kept_application_that_is_refused_is_to_be_forgotten() {
    let refused = || Reply::json(401, r#"{"error": "invalid_client"}"#);
    let host = host(acme().client(Client::Prompted))
        .expect(redeem().answer(tokens()))
        .expect(me())
        .expect(redeem().answer(refused()))
        .expect(crate::renew().answer(refused()));
    let made = host.setup([application(), back()]).run().unwrap();
    let failure = host.setup([back()]).run().unwrap_err();
    assert_eq!(failure.code, "acme_client_refused");
    assert!(failure.remedy.unwrap().as_str().contains("connections kinds forget-client acme"));
    let Err(ConnectionError::NotLive(found)) = host.refresh(&made.credential, &host.connection(&made)) else {
        panic!("it is not live")
    };
    assert!(found.reason.remedy.unwrap().as_str().contains("connections kinds forget-client acme"));
    // An application that was just typed is not stored, so there is nothing to remove.
    let typed = crate::host(acme().client(Client::Prompted)).expect(redeem().answer(refused()));
    let failure = typed.setup([application(), back()]).run().unwrap_err();
    assert_eq!(failure.remedy.unwrap().as_str(), "check the client's id and secret");
}

/// The redirect address to register is shown with the question for the application, before the user leaves.
#[test]
fn the_redirect_address_is_shown_where_the_application_is_asked_for() {
    let desktop = "http://127.0.0.1:4711/callback/acme";
    for (client, address, is_shown) in [
        (Client::Prompted, desktop, true),
        (Client::PerConnection, desktop, true),
        (Client::PerConnection, CALLBACK, true),
        // Users of a host that others reach do not register an application for all of them.
        (Client::Prompted, CALLBACK, false),
    ] {
        let host = FakeHost::new(kind(acme().client(client))).key_value().inbound_http(address);
        let run = host.expect(redeem().answer(tokens())).expect(me()).setup([application(), back()]).trace();
        let shown = run.steps[0].notices.iter().any(|notice| notice.message.as_str().contains(address));
        assert_eq!(shown, is_shown, "{address}: {:?}", run.steps[0].notices);
        assert_eq!(run.steps[0].prompt.as_ref().unwrap().fields, ["clientId", "clientSecret"]);
    }
    // A host that receives no callbacks sends the browser elsewhere, and shows where.
    let deaf = FakeHost::new(kind(acme().client(Client::PerConnection)));
    let wrong = (0..6).map(|_| Input::answers(&[("callbackUrl", "two words")]));
    let run = deaf.setup(std::iter::once(application()).chain(wrong)).trace();
    let names_address = |notice: &Notice| notice.message.as_str().contains("http://127.0.0.1/callback");
    assert!(run.steps[0].notices.iter().any(names_address), "{:?}", run.steps[0].notices);
    // Nothing is shown if nothing has to be registered: the application is known, or no browser returns.
    let host = host(acme()).expect(redeem().answer(tokens())).expect(me());
    assert!(host.setup([back()]).trace().steps[0].notices.is_empty());
}

/// R-INSEAM-090
#[test]
fn a_configured_application_without_a_secret_says_so() {
    let builder = acme().client(Client::Configured { id: ID.into(), secret: None });
    let failure = host(builder).setup([back()]).run().unwrap_err();
    assert_eq!(failure.code, "acme_client_missing");
}

#[test]
fn what_the_provider_says_of_the_application_is_the_operators() {
    assert_eq!(refused(acme(), Reply::json(400, r#"{"error": "unauthorized_client"}"#)).code, "acme_refused");
    drop(connected(acme(), tokens()));
}

/// Polls a future to its end; the fakes never really wait.
pub(crate) fn block_on<T>(mut future: BoxFuture<'_, T>) -> T {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    loop {
        if let std::task::Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
    }
}
