//! The result of the browser's visit, from a callback or pasted.

use connection_contract::prelude::*;
use connection_oauth2::{Method, OAuth2Builder};
use connection_testkit::{FakeHost, Input};

use crate::{ACCESS, CODE, acme, back, drawn, fields, form, host, kind, me, redeem, state, tokens};

/// S2: a match, a mismatch, an additional slash, a missing issuer that was advertised, and one that was not.
#[test]
fn the_issuer_of_a_callback_is_compared_as_it_is() {
    let issuer = "https://id.acme.example";
    let builder = || acme().issuer(issuer);
    for (builder, iss, fits) in [
        (builder(), Some(issuer), true),
        (builder(), Some("https://evil.example"), false),
        (builder(), Some("https://id.acme.example/"), false),
        (builder().issuer_in_callback(), None, false),
        (builder(), None, true),
    ] {
        let mut pairs = vec![("code", CODE)];
        pairs.extend(iss.map(|iss| ("iss", iss)));
        let host = host(builder);
        let host = if fits { host.expect(redeem().answer(tokens())).expect(me()) } else { host };
        match host.setup([Input::callback(&pairs)]).run() {
            Ok(_) => assert!(fits, "{iss:?}"),
            Err(failure) => assert_eq!((fits, &*failure.code), (false, "acme_issuer_mismatch"), "{iss:?}"),
        }
    }
    // The issuer of an error is checked too, because another provider may have sent it.
    let pairs = [("error", "access_denied"), ("iss", "https://evil.example")];
    check(acme().issuer(issuer), &pairs, "acme_issuer_mismatch");
}

/// Q34: the user's refusal differs from the provider's; a code that looks like a secret is not shown.
#[test]
fn an_error_ends_the_setup_and_shows_a_code_alone() {
    check(acme(), &[("error", "access_denied"), ("error_description", "tok-123")], "acme_access_denied");
    check(acme(), &[("error", "invalid_scope")], "acme_refused");
    // LinkedIn's and Apple's words for a person who closes the page.
    check(acme(), &[("error", "user_cancelled_login")], "acme_access_denied");
    check(acme(), &[("error", "user_cancelled_authorize")], "acme_access_denied");
    check(acme(), &[("lang", "en")], "acme_bad_callback");
    let said = |code: &str| host(acme()).setup([Input::callback(&[("error", code)])]).run().unwrap_err();
    for (code, shown) in [("Tok-5ECRET-99", ""), ("InvalidScope", " (InvalidScope)"), ("two words", "")] {
        let message = format!("id.acme.example sent the browser back with an error{shown}");
        assert_eq!(said(code).message.as_str(), message);
    }
    // The provider fails, and not the registration of the application (RFC 6749, section 4.1.2.1).
    for code in ["server_error", "temporarily_unavailable", "TEMPORARILY_UNAVAILABLE"] {
        let failure = said(code);
        let remedy = failure.remedy.unwrap();
        assert_eq!((&*failure.code, remedy.as_str()), ("acme_unavailable", "begin again later"), "{code}");
        assert!(failure.message.as_str().ends_with(&format!("({code})")), "{code}");
    }
    for code in ["consent_required", "CONSENT_REQUIRED", "admin_policy_enforced"] {
        let failure = said(code);
        assert_eq!(&*failure.code, "acme_consent_required");
        assert!(failure.remedy.unwrap().as_str().contains("administrator"));
    }
}

#[test]
fn the_words_of_a_provider_come_with_an_error_that_it_reported_itself() {
    let said = |builder: OAuth2Builder, pairs: &[(&str, &str)]| {
        let failure = host(builder).setup([Input::callback(pairs)]).run().unwrap_err();
        failure.provider_text.map(|words| words.as_str().to_owned())
    };
    let words = ("error_description", "The person\u{202e} did\nnot agree");
    for code in ["access_denied", "invalid_scope", "server_error", "Tok-SECRET-99"] {
        assert_eq!(said(acme(), &[("error", code), words]).as_deref(), Some("The person did not agree"), "{code}");
    }
    assert_eq!(said(acme(), &[("error", "access_denied")]), None);
    let address = format!(
        "<https://host.example/callback/acme?error=access_denied&amp;state={}&amp;error_description=not+today>",
        state()
    );
    let failure = host(acme()).setup([pasted(&address)]).run().unwrap_err();
    assert_eq!(failure.provider_text.unwrap().as_str(), "not today");
    // Whoever led the browser back without an error, or from another issuer, is not the provider.
    assert_eq!(said(acme(), &[words]), None);
    assert_eq!(said(acme(), &[("error", "access_denied"), ("error", "x"), words]), None);
    let issuer = "https://id.acme.example";
    assert_eq!(
        said(acme().issuer(issuer), &[("error", "access_denied"), ("iss", "https://evil.example"), words]),
        None
    );
    let foreign = "https://host.example/callback/acme?error=access_denied&state=foreign&error_description=not+today";
    let run = host(acme()).setup((0..6).map(|_| pasted(foreign))).trace();
    let shown = format!("{:?}", run.steps);
    let failure = run.result.unwrap_err();
    assert_eq!((&*failure.code, failure.provider_text), ("acme_state_mismatch", None));
    assert!(!shown.contains("today"), "{shown}");
}

/// Facebook states the number of an error and its words at names of its own, and WeChat sends only the `state` back if a
/// person denies access.
#[test]
fn an_error_in_a_form_of_its_own_is_an_error() {
    let failed = |pairs: &[(&str, &str)]| host(acme()).setup([Input::callback(pairs)]).run().unwrap_err();
    for (number, words) in [("error_code", "error_message"), ("errorCode", "error_description"), ("errcode", "errmsg")]
    {
        let failure = failed(&[(number, "100"), (words, "App not setup")]);
        assert_eq!(failure.code, "acme_refused", "{number}");
        assert_eq!(failure.message.as_str(), "id.acme.example sent the browser back with an error (100)");
        assert_eq!(failure.provider_text.unwrap().as_str(), "App not setup", "{words}");
    }
    assert_eq!(failed(&[("error_code", "access_denied")]).code, "acme_access_denied");
    let refused = "the access was refused at the provider: id.acme.example sent the browser back without a code";
    assert_eq!(failed(&[("code", "")]).code, "acme_access_denied");
    let failure = failed(&[]);
    assert_eq!((&*failure.code, failure.message.as_str()), ("acme_access_denied", refused));
    let address = |query: &str| format!("https://host.example/callback/acme?{query}state={}", state());
    let pasting = |query: &str| host(acme()).setup([pasted(&address(query))]).run().unwrap_err();
    assert_eq!(pasting("").code, "acme_access_denied");
    let failure = pasting("error_code=100&error_message=App+not+setup&");
    assert_eq!((&*failure.code, failure.provider_text.unwrap().as_str()), ("acme_refused", "App not setup"));
    // Beside a code, there is no error.
    let host = host(acme()).expect(redeem().answer(tokens())).expect(me());
    host.setup([Input::callback(&[("code", CODE), ("error_code", "0")])]).run().unwrap();
}

/// Q35 (RFC 6749, section 3.1): with two values, it is not clear which one counts.
#[test]
fn a_parameter_that_came_twice_is_refused() {
    check(acme(), &[("code", "a"), ("code", "b")], "acme_bad_callback");
    check(
        acme().capture_from_callback("tenant"),
        &[("code", "a"), ("tenant", "1"), ("tenant", "2")],
        "acme_bad_callback",
    );
    check(acme().code_parameter("auth_code"), &[("auth_code", "a"), ("auth_code", "b")], "acme_bad_callback");
    check(acme().scopes_in_callback(), &[("code", "a"), ("scope", "a"), ("scope", "b")], "acme_bad_callback");
}

/// RFC 6749, section 4.1.2: a client ignores parameters that it does not know, so it also ignores how often they come.
#[test]
fn a_parameter_that_nothing_reads_may_come_twice() {
    for twice in ["x", "scope", "session_state", "authuser"] {
        let host = host(acme()).expect(redeem().answer(tokens())).expect(me());
        host.setup([Input::callback(&[("code", CODE), (twice, "1"), (twice, "2")])]).run().unwrap();
    }
    // One value cannot be read in two ways.
    let host = host(acme()).expect(redeem().answer(tokens())).expect(me());
    host.setup([Input::callback(&[("code", CODE), ("code", CODE)])]).run().unwrap();
}

/// Some providers name the granted scopes only in the callback.
#[test]
fn scopes_may_be_named_in_the_callback() {
    let back = || Input::callback(&[("code", CODE), ("scope", "read,activity:read_all")]);
    let named = format!(r#"{{"access_token": "{ACCESS}", "scope": "write"}}"#);
    for (builder, answer, expected) in [
        (acme().scopes_in_callback(), tokens(), vec!["read", "activity:read_all"]),
        (acme().scopes_in_callback(), connection_testkit::Reply::json(200, &named), vec!["write"]),
        (acme(), tokens(), vec!["read"]),
    ] {
        let host = host(builder).expect(redeem().answer(answer)).expect(me());
        assert_eq!(host.setup([back()]).run().unwrap().granted_scopes.unwrap(), expected);
    }
    // A required scope that the person refused is noticed.
    let host = host(acme().scopes_in_callback().required_scope("write")).expect(redeem().answer(tokens()));
    assert_eq!(host.setup([back()]).run().unwrap_err().code, reason::SCOPE_MISSING);
}

/// Programs put quotes and brackets around an address that is copied, and a page writes `&` as `&amp;`.
#[test]
fn what_surrounds_a_pasted_address_is_taken_off() {
    let address = format!("https://host.example/callback/acme?code={CODE}&state={}", state());
    for text in [
        format!("<{address}>"),
        format!("\"{address}\""),
        format!("'{address}' "),
        format!("\u{201c}{address}\u{201d}"),
        format!("\u{feff}\u{200b} {address}\u{a0} "),
        format!("`{}`", address.replace('&', "&amp;")),
        format!("({address})"),
        format!("[{address}]"),
        format!("{{{address}}}"),
        format!("{address}."),
        format!("<{address}>;\r\n"),
        format!("[{address}]({address})"),
        format!("[the page (last one)](<{address}>)"),
        address.replace('&', "&#38;"),
        address.replace('&', "&#x26;"),
        address.replace('&', "\\u0026"),
        address.trim_start_matches("https://").to_owned(),
        address.replace("host.example", "host.example:8443"),
        encoded(&address),
        format!("<{}>.", encoded(&address)),
        encoded(&address).replace("%3D", "%3d").replace("%26", "%26amp%3b"),
        format!(" {CODE}\u{a0}"),
        format!("\u{ab}{CODE}\u{bb}"),
    ] {
        let host = host(acme()).expect(redeem().form(&fields(&form())).answer(tokens())).expect(me());
        let run = host.setup([pasted(&text)]).trace();
        assert!(run.result.is_ok(), "{text}: {:?}", run.result.err());
    }
}

/// Returns an address as a page has it in a parameter of another one.
fn encoded(address: &str) -> String {
    encode::percent_encode(address)
}

/// The marks that end a sentence may end a code, too.
#[test]
fn a_code_at_the_end_of_a_pasted_address_stays_whole() {
    for end in [".", "!", ";,"] {
        let code = format!("{CODE}{end}");
        let mut form = form();
        form.iter_mut().filter(|(name, _)| *name == "code").for_each(|(_, value)| value.clone_from(&code));
        for and in ["&", "&amp;"] {
            let address = format!("<https://host.example/callback/acme?state={}{and}code={code}>", state());
            let host = host(acme()).expect(redeem().form(&fields(&form)).answer(tokens())).expect(me());
            let result = host.setup([pasted(&address)]).run();
            assert!(result.is_ok(), "{address}: {:?}", result.err());
        }
    }
}

/// On a host without callbacks, the address is pasted and its state is checked here (S1, S4: 256 bits).
#[test]
fn without_callbacks_an_address_is_pasted() {
    let state = drawn(0);
    assert_eq!(state.len(), 43);
    let url = format!("http://127.0.0.1/callback?code={CODE}&state={state}#_=_");
    let mut form = form();
    form.retain(|(name, _)| !matches!(*name, "code_verifier" | "redirect_uri"));
    form.extend([("code_verifier", drawn(1)), ("redirect_uri", "http://127.0.0.1/callback".to_owned())]);
    let host =
        FakeHost::new(kind(acme())).key_value().expect(redeem().form(&fields(&form)).answer(tokens())).expect(me());
    let run = host.setup([Input::answers(&[("callbackUrl", &url)])]).trace();
    run.result.unwrap();
    let prompt = run.steps[0].prompt.as_ref().unwrap();
    assert!(prompt.title.as_str().contains("error page, that is expected"), "{:?}", prompt.title);
    assert!(run.steps[0].open.is_some());
}

/// Each authorization server has an address of its own, which a browser may show without its scheme.
#[test]
fn a_pasted_address_without_a_scheme_belongs_to_its_server() {
    for (place, fits) in [
        ("http://127.0.0.1/callback", true),
        ("127.0.0.1/callback", true),
        ("view-source:http://127.0.0.1/callback", true),
        ("127.0.0.1/callback/other", false),
        ("127.0.0.1:81/callback", false),
    ] {
        let host = FakeHost::new(kind(acme().callback_part("one"))).key_value();
        let host = if fits { host.expect(redeem().answer(tokens())).expect(me()) } else { host };
        let url = format!("{place}?code={CODE}&state={}", drawn(0));
        let result = host.setup((0..if fits { 1 } else { 6 }).map(|_| pasted(&url))).run();
        let code = result.err().map(|failure| failure.code);
        assert_eq!(code.as_deref(), (!fits).then_some("acme_state_mismatch"), "{place}");
    }
}

/// The browser ends on a page of this host, so no step announces an error page.
#[test]
fn on_a_host_that_others_reach_no_error_page_is_expected() {
    for (address, expected) in [("https://host.example/callback/acme", false), ("http://127.0.0.1:4711/callback", true)]
    {
        let host = FakeHost::new(kind(acme())).key_value().inbound_http(address);
        let host = host.expect(redeem().answer(tokens())).expect(me());
        let run = host.setup([back()]).trace();
        let title = run.steps[0].prompt.as_ref().unwrap().title.clone();
        assert_eq!(title.as_str().contains("error page"), expected, "{address}: {title}");
    }
    let kind = kind(acme());
    let fields = kind.descriptor().fields;
    assert!(fields.iter().all(|field| !format!("{:?}", field.help).contains("error page")), "{fields:?}");
}

/// S4, S1: text from another attempt is refused, and nothing is sent; a code alone is accepted because of its verifier.
#[test]
fn a_pasted_address_must_belong_to_this_attempt() {
    for (text, problem) in [
        (
            "https://host.example/callback/acme?code=x&state=foreign",
            "the answer from the browser belongs to another attempt",
        ),
        ("https://host.example/callback/acme?code=x", "the answer from the browser belongs to another attempt"),
        ("https://host.example/callback/acme", "the answer from the browser contains no code"),
        ("two words", "the answer from the browser contains no code"),
    ] {
        let host = host(acme()).expect(redeem().answer(tokens())).expect(me());
        let run = host.setup([pasted(text), pasted(CODE)]).trace();
        run.result.unwrap();
        let prompt = run.steps[1].prompt.as_ref().unwrap();
        assert_eq!(prompt.problem.as_ref().unwrap().as_str(), problem, "{text}");
    }
    let twice = format!("?code=x&state={0}&state={0}", state());
    let failure = host(acme()).setup([pasted(&twice)]).run().unwrap_err();
    assert_eq!(failure.code, "acme_bad_callback");
    let failure = host(acme()).setup((0..6).map(|_| pasted("two words"))).run().unwrap_err();
    assert_eq!(failure.code, "acme_bad_callback", "it is not asked for ever");
}

/// Without PKCE only `state` ties a code to its attempt.
#[test]
fn a_code_alone_needs_pkce() {
    let host = host(acme().without_pkce()).expect(redeem().answer(tokens())).expect(me());
    let url = format!("code={CODE}&state={}", state());
    let run = host.setup([pasted(CODE), pasted(&url)]).trace();
    run.result.unwrap();
    assert_eq!(run.steps.len(), 2);
}

/// A code alone may contain `=`, as base64 does at its end: only text that names `code` or `state` is a query.
#[test]
fn a_code_alone_may_end_in_an_equals_sign() {
    let code = "code-canary-AQ==";
    let mut form = form();
    form.retain(|(name, _)| *name != "code");
    form.push(("code", code.to_owned()));
    let host = host(acme()).expect(redeem().form(&fields(&form)).answer(tokens())).expect(me());
    host.setup([pasted(code)]).run().unwrap();
}

/// A callback, a pasted text and a timer share one wait; the first valid one wins.
#[test]
fn a_callback_wins_where_a_paste_is_offered() {
    let host = host(acme()).expect(redeem().answer(tokens())).expect(me());
    let run = host.setup([back()]).trace();
    assert_eq!(secret(&host, &run.result.unwrap().credential), ACCESS);
    assert_eq!(run.steps[0].prompt.as_ref().unwrap().fields, ["callbackUrl"]);
}

/// R-INSEAM-074: both reasons for a missing callback end the setup cleanly if no other method is offered.
#[test]
fn a_host_without_callbacks_says_so() {
    for host in [
        FakeHost::new(kind(acme().methods([Method::Browser]))),
        FakeHost::new(kind(acme().methods([Method::Browser]))).inbound_http_none_left(),
    ] {
        let failure = host.setup([]).run().unwrap_err();
        assert_eq!(failure.code, "no_callback");
        assert!(failure.remedy.is_some());
    }
}

/// A method that was chosen excludes the others.
#[test]
fn a_user_may_choose_the_way() {
    let host = host(acme().ask_method()).expect(redeem().answer(tokens())).expect(me());
    let run = host.setup([Input::answers(&[("method", "browser")]), back()]).trace();
    run.result.unwrap();
    assert!(run.steps[1].prompt.is_none(), "a paste was not chosen");
}

fn pasted(text: &str) -> Input {
    Input::answers(&[("callbackUrl", text)])
}

fn secret(host: &FakeHost<connection_oauth2::OAuth2>, credential: &connection_oauth2::OAuth2Credential) -> String {
    crate::secret_text(host.secret(credential, "accessToken")).expect("a token")
}

#[track_caller]
fn check(builder: OAuth2Builder, pairs: &[(&str, &str)], code: &str) {
    let failure = host(builder).setup([Input::callback(pairs)]).run().expect_err("no connection");
    assert_eq!(failure.code, code);
    assert!(failure.remedy.is_some(), "{failure}");
}
