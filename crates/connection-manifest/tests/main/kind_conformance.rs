//! The conformance suite of the contract, over a file of each mechanism.

use connection_contract::prelude::*;
use connection_manifest::{FileKind, KindFile};
use connection_testkit::{Expected, FakeHost, Input, Reply, conformance::Suite, offline};

const KEY: &str = "key-canary-81d0c4f7a2";
const ACCESS: &str = "access-canary-11aa22bb";
const REFRESH: &str = "refresh-canary-33cc44dd";
const CALLBACK: &str = "https://host.example/callback/acme";

fn kind(text: &str) -> FileKind {
    match KindFile::parse("acme.toml", &format!("format = 1\nid = \"acme\"\nname = \"Acme\"\n{text}")) {
        Ok(file) => file.definition(),
        Err(problems) => panic!("{problems}"),
    }
}

fn me() -> Expected {
    Expected::get("https://api.acme.com/v1/me").answer(Reply::json(200, r#"{"user": {"id": 42, "name": "Ada"}}"#))
}

const ACCOUNT: &str = "[verify]\npath = \"/me\"\n[account]\nid = \"/user/id\"\nlabel = \"/user/name\"\n";

fn with_key(request: &str) -> String {
    format!(
        "mechanism = \"api_key\"\n[[fields]]\nname = \"apiKey\"\nlabel = \"API key\"\nsecret = true\naliases = [\"accessToken\"]\n\
         remove_prefix = [\"Bearer \"]\n[request]\nbase = \"https://api.acme.com/v1\"\n{request}\n{ACCOUNT}"
    )
}

fn key() -> Input {
    Input::answers(&[("apiKey", KEY)])
}

#[test]
fn every_sentence_holds_for_an_api_key_in_a_header() {
    let text = with_key("headers = { Authorization = \"Bearer ${secret.apiKey}\", Acme-Version = \"3\" }");
    let me = || me().header("authorization", &format!("Bearer {KEY}")).header("acme-version", "3");
    Suite::new(move || kind(&text)).setup([key()], [me()]).verify([me()]).check();
}

#[test]
fn every_sentence_holds_for_an_api_key_that_is_revoked() {
    let revoke = "[revoke]\nmethod = \"DELETE\"\npath = \"/me/key\"\n";
    let text = with_key("headers = { X-Key = \"${secret.apiKey}\" }") + revoke;
    let me = || me().header("x-key", KEY);
    let gone = Expected::delete("https://api.acme.com/v1/me/key").header("x-key", KEY).answer(Reply::status(204));
    Suite::new(move || kind(&text)).setup([key()], [me()]).verify([me()]).revoke([gone]).check();
}

#[test]
fn a_key_in_the_query_the_body_and_the_path_is_attached_once() {
    let text = with_key(
        "query = { key = \"${secret.apiKey}\" }\njson = { key = \"${secret.apiKey}\" }\npath = \"/bot${secret.apiKey}\"",
    );
    let kind = kind(&text);
    let host = FakeHost::new(kind).expect(
        Expected::get(&format!("https://api.acme.com/bot{KEY}/v1/me?key={KEY}"))
            .answer(Reply::json(200, r#"{"user": {"id": 42}}"#)),
    );
    let made = host.setup([key()]).run().unwrap();
    let base = host.base_url("https://api.acme.com/v1");
    let request = HttpRequest::post(&base, "/x").query("a", "1").json(&Value::object([("b", 2.into())]));
    let once = host.authorize(&made.credential, request).unwrap();
    let twice = host.authorize(&made.credential, connection_contract::host::duplicate(&once)).unwrap();
    assert_eq!(twice.url(), format!("https://api.acme.com/bot{KEY}/v1/x?a=1&key={KEY}"));
    assert_eq!(twice.body.expose_str().unwrap(), format!(r#"{{"b":2,"key":"{KEY}"}}"#));
}

#[test]
fn a_refused_key_is_asked_again_and_what_surrounds_it_is_removed() {
    let text = with_key("headers = { X-Key = \"${secret.apiKey}\" }");
    let host = FakeHost::new(kind(&text)).expect(me().answer(Reply::status(401))).expect(me().header("x-key", KEY));
    let again = Input::answers(&[("apiKey", &format!("  Bearer {KEY} "))]);
    let made = host.setup([key(), again]).run().unwrap();
    assert_eq!(made.identity, Identity::new("42", "Ada"));
    for name in ["apiKey", "accessToken"] {
        assert_eq!(host.secret(&made.credential, name).unwrap().expose_str(), Some(KEY), "{name}");
    }
}

#[test]
fn every_sentence_holds_for_basic_with_a_host_of_its_own() {
    let text = format!(
        "mechanism = \"basic\"\n[[fields]]\nname = \"url\"\nlabel = \"Address\"\nformat = \"url\"\n[[fields]]\nname = \"user\"\n\
         label = \"User\"\n[[fields]]\nname = \"password\"\nlabel = \"Password\"\nsecret = true\n[request]\n\
         base = \"${{config.url}}/v1\"\nbasic = {{ user = \"${{config.user}}\", password = \"${{secret.password}}\" }}\n{ACCOUNT}"
    );
    let me = || {
        Expected::get("https://own.example/acme/v1/me")
            .basic("ada", KEY)
            .answer(Reply::json(200, r#"{"user": {"id": "42", "name": "Ada"}}"#))
    };
    let answers = Input::answers(&[("url", "https://own.example/acme"), ("user", "ada"), ("password", KEY)]);
    Suite::new(move || kind(&text)).setup([answers], [me()]).verify([me()]).check();
}

#[test]
fn every_sentence_holds_for_a_kind_without_a_credential() {
    let text = format!("mechanism = \"none\"\n[request]\nbase = \"https://api.acme.com/v1\"\n{ACCOUNT}");
    Suite::new(move || kind(&text)).setup([], [me()]).verify([me()]).check();
}

const OAUTH: &str = "mechanism = \"oauth2\"\n[[fields]]\nname = \"site\"\nlabel = \"Site\"\nremove_suffix = [\".acme.com\"]\n\
    [[fields]]\nname = \"cloud\"\nsource = \"lookup\"\npattern = \"[a-z0-9]+\"\n[request]\n\
    base = \"https://api.acme.com/${config.cloud}\"\nheaders = { Client-Id = \"${client.id}\", Authorization = \"Bearer ${token.access}\" }\n\
    [[lookups]]\npath = \"https://api.acme.com/sites\"\npick = { pointer = \"/sites\", where = { pointer = \"/name\", equals = \"${config.site}\" } }\n\
    set = { cloud = \"/id\" }\n[oauth2]\nauthorize = \"https://acme.com/authorize\"\ntoken = \"https://acme.com/token\"\n\
    revocation = \"https://acme.com/revoke\"\nclient = \"per_connection\"\nscopes = [\"read\"]\n\
    [verify]\npath = \"/me\"\n[account]\nid = \"/user/id\"\nlabel = \"/user/name\"\n";

#[test]
fn every_sentence_holds_for_oauth_with_a_lookup() {
    let application = [("client_id", "client-canary-0a1b"), ("client_secret", "secret-canary-5e6f")];
    let bear = |expected: Expected| {
        expected.header("authorization", &format!("Bearer {ACCESS}")).header("client-id", "client-canary-0a1b")
    };
    let answers = Input::answers(&[
        ("site", "one.acme.com"),
        ("clientId", "client-canary-0a1b"),
        ("clientSecret", "secret-canary-5e6f"),
    ]);
    let back = Input::callback(&[("code", "code-canary-55ee66ff")]);
    let tokens = |access: &str| {
        Reply::json(
            200,
            &format!(r#"{{"access_token": "{access}", "refresh_token": "{REFRESH}", "expires_in": 3600}}"#),
        )
    };
    let sites = r#"{"sites": [{"id": "c0", "name": "other"}, {"id": "c1", "name": "one"}]}"#;
    let lookup = bear(Expected::get("https://api.acme.com/sites").answer(Reply::json(200, sites)));
    let me = || {
        let answer = Reply::json(200, r#"{"user": {"id": "42", "name": "Ada"}}"#);
        bear(Expected::get("https://api.acme.com/c1/me").answer(answer))
    };
    let token = || Expected::post("https://acme.com/token").no_redirect();
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", REFRESH), application[0], application[1]];
    let revoke = |token: &str, hint: &str| {
        Expected::post("https://acme.com/revoke").form(&[
            ("token", token),
            ("token_type_hint", hint),
            application[0],
            application[1],
        ])
    };
    Suite::new(|| kind(OAUTH))
        .host(|host| host.inbound_http(CALLBACK).key_value())
        .setup([answers, back], [token().answer(tokens(ACCESS)), lookup, me()])
        .verify([me()])
        .refresh([token().form(&refresh).answer(tokens("second-canary-77"))])
        .teardown([revoke(REFRESH, "refresh_token"), revoke(ACCESS, "access_token")])
        .check();
}

#[test]
fn every_sentence_holds_for_an_exchange() {
    let text = format!(
        "mechanism = \"token_exchange\"\n[[fields]]\nname = \"login\"\nlabel = \"Login\"\n[[fields]]\nname = \"password\"\n\
         label = \"Password\"\nsecret = true\n[exchange]\naccess_token = \"/data/token\"\nexpires_in = \"/data/expires\"\n\
         steps = [{{ url = \"https://api.acme.com/ticket\", json = {{ login = \"${{config.login}}\", password = \"${{secret.password}}\" }}, \
         capture = {{ ticket = \"/ticket\" }} }}, {{ url = \"https://api.acme.com/token\", form = {{ ticket = \"${{step.ticket}}\" }} }}]\n\
         [request]\nbase = \"https://api.acme.com/v1\"\n{ACCOUNT}"
    );
    let ticket = || {
        Expected::post("https://api.acme.com/ticket")
            .no_redirect()
            .json(&format!(r#"{{"login":"ada","password":"{KEY}"}}"#))
            .answer(Reply::json(200, r#"{"ticket": "ticket-1"}"#))
    };
    let token = |access: &str| {
        let answer = format!(r#"{{"data": {{"token": "{access}", "expires": "60"}}}}"#);
        Expected::post("https://api.acme.com/token")
            .no_redirect()
            .form(&[("ticket", "ticket-1")])
            .answer(Reply::json(200, &answer))
    };
    let me = || me().header("authorization", &format!("Bearer {ACCESS}"));
    Suite::new(move || kind(&text))
        .setup([Input::answers(&[("login", "ada"), ("password", KEY)])], [ticket(), token(ACCESS), me()])
        .verify([me()])
        .refresh([ticket(), token("second-canary-77")])
        .check();
}

#[test]
fn every_sentence_holds_for_a_signed_jwt() {
    let text = format!(
        "mechanism = \"signed_jwt\"\naccepts = [\"jwt\"]\n[[fields]]\nname = \"keyId\"\nlabel = \"Key ID\"\n[[fields]]\n\
         name = \"privateKey\"\nlabel = \"Private key\"\nsecret = true\n[jwt]\nalgorithm = \"HS256\"\nkey_encoding = \"utf8\"\n\
         key = \"${{secret.privateKey}}\"\nheader = {{ kid = \"${{config.keyId}}\" }}\nclaims = {{ aud = \"acme\" }}\n\
         [request]\nbase = \"https://api.acme.com/v1\"\n{ACCOUNT}"
    );
    let answers = Input::answers(&[("keyId", "k-1"), ("privateKey", KEY)]);
    Suite::new(move || kind(&text)).setup([answers], [me()]).verify([me()]).check();
}

#[test]
fn a_kind_without_a_verification_is_unknown_and_says_why() {
    let text = "mechanism = \"api_key\"\n[[fields]]\nname = \"apiKey\"\nlabel = \"Key\"\nsecret = true\n[request]\n\
                base = \"https://api.acme.com\"\nheaders = { X-Key = \"${secret.apiKey}\" }\n";
    let host = FakeHost::new(kind(text));
    let made = host.setup([key()]).run().unwrap();
    let measured = made.measured.as_ref().unwrap();
    assert_eq!(measured.liveness, Liveness::Unknown);
    assert_eq!(measured.reason.as_ref().unwrap().code, "unverifiable");
    Suite::new(move || kind(text)).setup([key()], []).check();
}

/// The provider does not tell whose key it is, so that two keys would be one account.
#[test]
fn a_person_names_the_account_where_the_provider_does_not() {
    let text = "mechanism = \"api_key\"\n[[fields]]\nname = \"apiKey\"\nlabel = \"Key\"\nsecret = true\n[request]\n\
                base = \"https://api.acme.com\"\nheaders = { X-Key = \"${secret.apiKey}\" }\n";
    let host = FakeHost::new(kind(text));
    let account = |answers| host.setup([answers]).run().unwrap().identity;
    assert_eq!(account(key()), Identity::new("Acme", "Acme"));
    assert_eq!(account(Input::answers(&[("apiKey", KEY), ("accountName", "work")])), Identity::new("work", "work"));

    let asks = |text: &str| kind(text).descriptor().fields.iter().any(|field| field.name == "accountName");
    assert!(asks(text));
    assert!(!asks(&format!("{text}{ACCOUNT}")));
    assert!(!asks("mechanism = \"none\"\n"));
}

/// Returns a kind whose provider answers refusals and limits with any status, and says in headers how long to wait.
fn limits() -> FileKind {
    let pauses = "{ header = \"X-Reset\", unit = \"milliseconds\" }, { header = \"X-Wait\", unit = \"seconds\" }";
    let rules = format!("limited_if = [{{ pointer = \"/code\", equals = \"LIMIT\" }}]\npauses = [{pauses}]");
    let text = with_key(&format!("headers = {{ X-Key = \"${{secret.apiKey}}\" }}\n{rules}"));
    kind(&text.replace("path = \"/me\"", "path = \"/me\"\nerror_if = [{ pointer = \"/ok\", equals = false }]"))
}

/// Returns the result of a verification with this response, after a successful setup.
fn found(reply: Reply) -> (Liveness, Option<Duration>) {
    let host = FakeHost::new(limits()).expect(me()).expect(me().answer(reply));
    let made = host.setup([key()]).run().unwrap();
    let found = host.verify(&made.credential, &host.connection(&made)).unwrap();
    (found.liveness, found.recheck_after)
}

#[test]
fn a_provider_may_answer_a_refusal_and_a_limit_with_any_status() {
    assert_eq!(found(Reply::json(200, r#"{"ok": false}"#)), (Liveness::Failing, None));
    assert_eq!(found(Reply::json(500, r#"{"ok": false}"#)), (Liveness::Offline, None));
    assert_eq!(found(Reply::json(400, r#"{"code": "LIMIT"}"#)), (Liveness::Offline, None));
}

#[test]
fn a_limit_says_how_long_in_seconds_or_milliseconds_or_when_it_ends() {
    let limited = || Reply::json(400, r#"{"code": "LIMIT"}"#);
    let now = FakeHost::new(limits()).now().seconds();
    for (header, value, seconds) in [
        ("x-reset", "1500".to_owned(), Some(2)),
        ("x-reset", ((now + 120) * 1000).to_string(), Some(120)),
        ("x-reset", ((now - 120) * 1000).to_string(), Some(0)),
        ("X-Wait", " 30 ".to_owned(), Some(30)),
        ("x-wait", "0.2".to_owned(), Some(1)),
        ("x-wait", (now + 45).to_string(), Some(45)),
        ("x-wait", "soon".to_owned(), None),
        ("x-wait", "1e400".to_owned(), None),
        ("retry-after", "7".to_owned(), Some(7)),
    ] {
        for reply in [limited(), Reply::status(429)] {
            let expected = (Liveness::Offline, seconds.map(Duration::from_secs));
            assert_eq!(found(reply.header(header, &value)), expected, "{header}: {value}");
        }
    }
    let both = limited().header("retry-after", "7").header("x-wait", "30");
    assert_eq!(found(both).1, Some(Duration::from_secs(30)), "the provider's own header wins");
    let other = Reply::status(502).header("x-wait", "3600").header("retry-after", "7");
    assert_eq!(found(other).1, Some(Duration::from_secs(7)), "it is no limit");
}

/// S21: the server of a callback, and the instance of a token response, receive a secret only at a host of the file.
#[test]
fn a_captured_host_that_is_not_of_the_file_receives_nothing() {
    let text = "mechanism = \"oauth2\"\n[[fields]]\nname = \"accounts-server\"\nsource = \"callback\"\nhost_suffixes = [\".acme.com\", \".acme.eu\"]\n\
        [[fields]]\nname = \"instance\"\nsource = \"token_response\"\nhost_suffixes = [\".acme.com\"]\n[request]\nbase = \"${config.instance}\"\n\
        [oauth2]\nauthorize = \"https://accounts.acme.com/authorize\"\ntoken = \"${config.accounts-server}/token\"\n\
        callback_capture = [\"accounts-server\"]\nclient = \"per_connection\"\n[oauth2.response]\ncapture = { instance = \"/instance\" }\n\
        [verify]\npath = \"/me\"\n[account]\nid = \"/user/id\"\n";
    let setup = |server: &str, instance: &str, expected: Vec<Expected>| {
        let host = FakeHost::new(kind(text)).inbound_http(CALLBACK).key_value();
        let answer = format!(r#"{{"access_token": "{ACCESS}", "instance": "{instance}"}}"#);
        let token = Expected::post("https://accounts.acme.eu/token").answer(Reply::json(200, &answer));
        let first = if server.ends_with("acme.eu") { vec![token] } else { Vec::new() };
        let host = first.into_iter().chain(expected).fold(host, FakeHost::expect);
        let answers = Input::answers(&[("clientId", "client-canary-0a1b"), ("clientSecret", "secret-canary-5e6f")]);
        let back = Input::callback(&[("code", "code-canary-55ee66ff"), ("accounts-server", server)]);
        host.setup([answers, back]).run().map(|made| made.reach.base_url.unwrap().to_string()).map_err(|failure| {
            assert!(offline(&failure).is_none());
            failure.code.to_string()
        })
    };
    let me = Expected::get("https://one.acme.com/me").answer(Reply::json(200, r#"{"user": {"id": "42"}}"#));
    let good = setup("https://accounts.acme.eu", "https://one.acme.com", vec![me]);
    assert_eq!(good.unwrap(), "https://one.acme.com");
    assert_eq!(setup("https://accounts.evil.example", "", Vec::new()).unwrap_err(), "denied");
    assert_eq!(setup("https://accounts.acme.eu", "https://evil.example", Vec::new()).unwrap_err(), "unusable_value");
}

#[test]
fn a_header_of_one_request_replaces_that_of_all_calls() {
    let text = with_key("headers = { Authorization = \"Bearer ${secret.apiKey}\" }")
        .replace("path = \"/me\"", "path = \"/me\"\nheaders = { Authorization = \"OAuth ${secret.apiKey}\" }");
    let host = FakeHost::new(kind(&text)).expect(me().header("authorization", &format!("OAuth {KEY}")));
    let made = host.setup([key()]).run().unwrap();
    let call = host.authorize(&made.credential, HttpRequest::get(&host.base_url("https://api.acme.com/v1"), "/x"));
    assert_eq!(connection_testkit::header(&call.unwrap(), "authorization").unwrap(), format!("Bearer {KEY}"));
}

#[test]
fn a_script_says_whether_an_address_has_a_secret() {
    let has = |text: &str| kind(text).rehearsal().unwrap().has_secret_in_address;
    assert!(!has(&with_key("headers = { X-Key = \"${secret.apiKey}\" }")));
    assert!(has(&with_key("query = { key = \"${secret.apiKey}\" }")));
    assert!(has(&with_key("path = \"/bot${secret.apiKey}\"")));
    let exchange = |path: &str| {
        format!(
            "mechanism = \"token_exchange\"\n[[fields]]\nname = \"password\"\nlabel = \"Password\"\nsecret = true\n[exchange]\n\
             steps = [{{ url = \"https://api.acme.com/ticket\", form = {{ p = \"${{secret.password}}\" }}, capture = {{ ticket = \"/ticket\" }} }}, \
             {{ url = \"https://api.acme.com/{path}\", form = {{ t = \"${{step.ticket}}\" }} }}]\n[request]\nbase = \"https://api.acme.com/v1\"\n"
        )
    };
    assert!(!has(&exchange("token")));
    assert!(has(&exchange("token/${step.ticket}")));
}
