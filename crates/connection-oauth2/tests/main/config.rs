//! Configurations that are refused when they are built.

use connection_contract::prelude::*;
use connection_oauth2::{
    Account, Assertion, Client, ClientAuth, ConfigError, Endpoint, Grant, Method, OAuth2Builder, OAuth2Config,
    RequestKind,
};

use crate::{API, AUTHORIZE, TOKEN, acme};

/// S6: there is no implicit grant, and a password grant only if it is explicitly allowed.
#[test]
fn grants_that_must_not_be_used_are_refused() {
    check(
        acme().parameter(RequestKind::Authorize, "response_type", "token"),
        "the parameter 'response_type' is reserved for the flow",
    );
    check(acme().grant(Grant::Password), "the password grant sends the user's own password");
    assert!(acme().grant(Grant::Password).unsafe_password_grant().build().is_ok());
}

/// R-INSEAM-081: no deviation replaces a parameter that protects the flow, in any of the four requests.
#[test]
fn standard_parameters_cannot_be_shadowed() {
    for name in ["client_id", "redirect_uri", "scope", "state", "code_challenge", "code_challenge_method"] {
        check(
            acme().parameter(RequestKind::Authorize, name, "x"),
            &format!("the parameter '{name}' is reserved for the flow"),
        );
    }
    for (on, name) in [
        (RequestKind::Token, "code_verifier"),
        (RequestKind::Refresh, "grant_type"),
        (RequestKind::Refresh, "refresh_token"),
        (RequestKind::Device, "client_id"),
    ] {
        check(acme().parameter(on, name, "x"), &format!("the parameter '{name}' is reserved for the flow"));
    }
    check(acme().remove(RequestKind::Authorize, "state"), "the parameter 'state' is reserved for the flow");
    check(
        acme().rename(RequestKind::Authorize, "code_challenge", "x"),
        "the parameter 'code_challenge' is reserved for the flow",
    );
    check(acme().rename(RequestKind::Authorize, "prompt", "state"), "the parameter 'prompt' is reserved for the flow");
    check(
        acme().header(RequestKind::Token, "Authorization", "x"),
        "the parameter 'Authorization' is reserved for the flow",
    );
}

/// S9, R-INSEAM-071: addresses are https, or http on this machine.
#[test]
fn addresses_are_https_or_of_this_machine() {
    for address in [
        "http://id.acme.example/token",
        "ftp://id.acme.example",
        "https://u:p@id.acme.example",
        "https://u@id.acme.example",
        "https://a/#x",
        "token",
        "https://${config.x",
    ] {
        check(acme().endpoint(Endpoint::Revocation, address), &format!("'{address}' is not a valid address"));
    }
    assert!(acme().endpoint(Endpoint::Revocation, "http://127.0.0.1:8080/revoke").build().is_ok());
    check(acme().issuer("http://id.acme.example"), "is not a valid address");
    check(acme().origin("http://*.acme.example"), "is not a valid address");
    check(acme().paste_redirect("http://evil.example/callback"), "is not a valid address");
}

/// S21, S22: a variable must not decide which host receives the application's secret or the token.
#[test]
fn a_variable_in_a_host_needs_something_fixed() {
    let with = |address: &str| acme().field(Field::text("host", "Host")).endpoint(Endpoint::Refresh, address);
    for address in [
        "https://${config.host}/token",
        "https://${config.host}.com/token",
        "https://x-${config.host}/t",
        "${config.host}/token",
        "http://${config.host}.acme.example/token",
        // Anyone can register a name below these.
        "https://${config.host}.co.uk/token",
        "https://${config.host}.com.au/token",
    ] {
        check(with(address), &format!("a variable decides the host of '{address}'"));
    }
    // The registrant of this suffix uses it for its customers.
    assert!(with("https://${config.host}.myshopify.com/token").build().is_ok());
    let built = with("https://${config.host}.acme.example/token").build().unwrap();
    let origins = connection_oauth2::oauth2(built).descriptor().origins;
    assert!(origins.contains(&Text::from("https://*.acme.example")), "{origins:?}");
    for address in
        ["${config.host}/token", "https://${config.host}/token", "https://id.${config.host}.acme.example/token"]
    {
        assert!(with(address).origin("https://*.acme.example").build().is_ok(), "an allowlist: {address}");
    }
    check(with("http://${config.host}/token").origin("https://*.acme.example"), "a variable decides the host");
    check(acme().field(Field::text("host", "Host")).api("https://${config.host}/api"), "a variable decides the host");
    let own = acme().client(Client::PerConnection).field(Field::url("instance", "Address"));
    assert!(own.endpoint(Endpoint::Refresh, "${config.instance}/token").build().is_ok());
    for client in [Client::Prompted, Client::Registered] {
        let declared = acme().client(client).endpoint(Endpoint::Registration, TOKEN).origin("https://*.acme.example");
        let granted = declared.field(Field::url("instance", "Address"));
        check(granted.endpoint(Endpoint::Refresh, "${config.instance}/token"), "a variable decides the host");
    }
    let granted = acme().field(Field::url("instance", "Address")).origin("https://*.acme.example");
    check(granted.endpoint(Endpoint::Refresh, "${config.instance}/token"), "a variable decides the host");
}

/// Q30: with one application for all, a user who names another tenant would get its tokens.
#[test]
fn a_consent_to_an_application_of_all_is_refused() {
    let consent = || acme().grant(Grant::ConsentThenClientCredentials);
    check(consent(), "anyone who names a tenant that has consented gets its tokens");
    assert!(consent().unsafe_shared_consent().build().is_ok());
    for client in [Client::Prompted, Client::PerConnection] {
        assert!(consent().client(client).build().is_ok());
    }
}

/// An application that registers itself has no private key, and needs a user's consent.
#[test]
fn an_impossible_configuration_is_refused() {
    let registered = || acme().client(Client::Registered).endpoint(Endpoint::Registration, TOKEN);
    let key = Assertion::new(SignatureAlgorithm::Es256);
    check(registered().client_auth(ClientAuth::PrivateKeyJwt(key)), "can register itself only for a user's consent");
    check(registered().grant(Grant::ClientCredentials), "can register itself only for a user's consent");
    check(registered().grant(Grant::Password).unsafe_password_grant(), "can register itself only for a user's consent");
    assert!(registered().build().is_ok());
}

/// R-INSEAM-071
#[test]
fn missing_and_unknown_members_are_named() {
    let bare = || OAuth2Config::builder(Kind::from_static("acme"), "Acme");
    let account = || Account::probe("/me", "/id", "/name");
    check(bare(), "the API's address (`api`) is missing");
    check(bare().api(API), "the token endpoint is missing");
    check(bare().api(API).endpoint(Endpoint::Token, TOKEN), "the authorization endpoint is missing");
    let endpoints = || bare().api(API).endpoint(Endpoint::Token, TOKEN).endpoint(Endpoint::Authorize, AUTHORIZE);
    check(endpoints(), "the account (`account`) is missing");
    check(endpoints().account(account()).methods([]), "a way to finish (`methods`) is missing");
    check(endpoints().account(account()).methods([Method::Device]), "the device authorization endpoint is missing");
    check(endpoints().account(account()).grant(Grant::DeviceCode), "the device authorization endpoint is missing");
    check(endpoints().account(account()).client(Client::Registered), "the registration endpoint is missing");
    let registers = || acme().client(Client::Registered).endpoint(Endpoint::Registration, TOKEN);
    let by_key = ClientAuth::PrivateKeyJwt(Assertion::new(SignatureAlgorithm::Es256));
    check(registers().grant(Grant::ClientCredentials), "can register itself only for a user's consent");
    check(registers().client_auth(by_key), "and only without a private key");
    check(acme().issuer_in_callback(), "the issuer that a callback must name is missing");
    check(acme().endpoint(Endpoint::Refresh, "https://a.example/${config.nobody}"), "'config.nobody' is not a field");
    check(acme().field(Field::text("clientId", "Id")), "'clientId' is not a field");
    check(acme().field(Field::secret("pin", "PIN")), "'pin' is not a field");
    check(acme().field(Field::text("x", "X")).field(Field::text("x", "X")), "'x' is not a field");
    check(acme().grant(Grant::ClientCredentials).client_auth(ClientAuth::None), "client credentials need a client");
}

/// S11: an access token is in no parameter and no header of the configuration.
#[test]
fn a_token_is_in_no_parameter() {
    for on in [RequestKind::Authorize, RequestKind::Token, RequestKind::Refresh, RequestKind::Device] {
        check(acme().parameter(on, "x", "${token.access}"), "'token.access' is not a field");
    }
    check(acme().parameter(RequestKind::Authorize, "x", "${client.secret}"), "'client.secret' is not a field");
    check(
        acme().endpoint(Endpoint::Refresh, "https://a.example/?s=${client.secret}"),
        "'client.secret' is not a field",
    );
}

/// A kind declares the fields that it may ask for, and the abilities that it requires of a host.
#[test]
fn the_descriptor_names_what_may_be_asked() {
    let names = |builder: OAuth2Builder| {
        let descriptor = crate::kind(builder).descriptor();
        let fields: Vec<String> = descriptor.fields.iter().map(|field| field.name.to_string()).collect();
        (fields.join(" "), descriptor.needs)
    };
    assert_eq!(names(acme()), ("callbackUrl".to_owned(), vec![]));
    assert_eq!(names(acme().client(Client::Prompted)).0, "clientId clientSecret callbackUrl");
    assert_eq!(names(acme().methods([Method::Browser])), (String::new(), vec![Need::InboundHttp]));
    assert_eq!(names(acme().ask_method()).0, "callbackUrl method");
}

#[track_caller]
fn check(builder: OAuth2Builder, expected: &str) {
    let error: ConfigError = builder.build().expect_err("refused");
    assert!(error.to_string().contains(expected), "{error}");
}

/// An explicitly allowed password is asked for, sent once to the token endpoint, and not stored.
#[test]
fn a_password_is_not_stored() {
    let password = "password-canary-9f8e";
    let form = [
        ("grant_type", "password"),
        ("username", "ada"),
        ("password", password),
        ("scope", "read"),
        ("client_id", crate::ID),
        ("client_secret", crate::SECRET),
    ];
    let builder = acme().grant(Grant::Password).unsafe_password_grant();
    let host = crate::host(builder)
        .expect(connection_testkit::Expected::post(TOKEN).form(&form).answer(crate::tokens()))
        .expect(crate::me());
    let answers = connection_testkit::Input::answers(&[("username", "ada"), ("password", password)]);
    let made = host.setup([answers]).run().unwrap();
    let stored = host.definition().serialize_credential(&made.credential).unwrap();
    assert!(!stored.expose().windows(password.len()).any(|window| window == password.as_bytes()));
}
