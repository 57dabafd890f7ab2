//! What files say about the answers of a provider: its own words, its limits, and the scopes in a callback.

use std::time::Duration;

use connection_contract::prelude::*;
use connection_manifest::{Catalogue, FileCredential, FileKind, KindFile};
use connection_testkit::{Expected, FakeHost, Input, Reply};

const CALLBACK: &str = "https://host.example/callback/acme";
const APPLICATION: [(&str, &str); 2] = [("clientId", "client-canary-0a1b"), ("clientSecret", "secret-canary-5e6f")];

/// Connects an account of a kind, whose token endpoint and further requests are these.
fn connected(
    kind: FileKind,
    answers: &[(&str, &str)],
    token: &str,
    issued: &str,
    further: Vec<Expected>,
) -> (FakeHost<FileKind>, SetupResult<FileCredential>) {
    let answer = format!(
        r#"{{"access_token": "access-canary-11aa", "refresh_token": "refresh-canary-22bb", "expires_in": 3600{issued}}}"#
    );
    let host = FakeHost::new(kind).inbound_http(CALLBACK).key_value();
    let host = host.expect(Expected::post(token).answer(Reply::json(200, &answer)));
    let host = further.into_iter().fold(host, FakeHost::expect);
    let given: Vec<_> = answers.iter().copied().chain(APPLICATION).collect();
    let back = Input::callback(&[("code", "code-canary-55ee66ff"), ("scope", "read")]);
    let made = host.setup([Input::answers(&given), back]).run().unwrap();
    (host, made)
}

/// Returns what a refresh with this answer reports.
fn refreshed(host: FakeHost<FileKind>, made: &SetupResult<FileCredential>, token: &str, reply: Reply) -> NotLive {
    let connection = host.connection(made);
    let host = host.expect(Expected::post(token).answer(reply));
    match host.refresh(&made.credential, &connection) {
        Err(ConnectionError::NotLive(found)) => found,
        other => panic!("{other:?}"),
    }
}

fn catalogue(id: &str) -> FileKind {
    Catalogue::kind(id).unwrap().unwrap().definition()
}

fn get(url: &str, answer: &str) -> Expected {
    Expected::get(url).answer(Reply::json(200, answer))
}

const BITBUCKET: &str = "https://bitbucket.org/site/oauth2/access_token";
const DISCORD: &str = "https://discord.com/api/oauth2/token";
const HUBSPOT: &str = "https://api.hubapi.com/oauth/2026-03/token";
const JIRA: &str = "https://auth.atlassian.com/oauth/token";
const LINEAR: &str = "https://api.linear.app/oauth/token";
const SALESFORCE: &str = "https://login.salesforce.com/services/oauth2/token";
const SHOPIFY: &str = "https://acme.myshopify.com/admin/oauth/access_token";
const SLACK: &str = "https://slack.com/api/oauth.v2.access";
const SPOTIFY: &str = "https://accounts.spotify.com/api/token";
const TWITCH: &str = "https://id.twitch.tv/oauth2/token";
const ZOHO: &str = "https://accounts.zoho.com/oauth/v2/token";

fn bitbucket() -> (FakeHost<FileKind>, SetupResult<FileCredential>) {
    let me = get("https://api.bitbucket.org/2.0/user", r#"{"account_id": "a1", "username": "ada"}"#);
    connected(catalogue("bitbucket-oauth"), &[], BITBUCKET, "", vec![me])
}

fn discord() -> (FakeHost<FileKind>, SetupResult<FileCredential>) {
    let me = get("https://discord.com/api/v10/users/%40me", r#"{"id": "7", "username": "ada"}"#);
    connected(catalogue("discord"), &[], DISCORD, "", vec![me])
}

fn hubspot() -> (FakeHost<FileKind>, SetupResult<FileCredential>) {
    let details = get("https://api.hubapi.com/account-info/2026-03/details", r#"{"portalId": 7}"#);
    connected(catalogue("hubspot"), &[], HUBSPOT, "", vec![details])
}

fn jira() -> (FakeHost<FileKind>, SetupResult<FileCredential>) {
    let sites = r#"[{"id": "c1", "url": "https://acme.atlassian.net"}]"#;
    let sites = get("https://api.atlassian.com/oauth/token/accessible-resources", sites);
    let me = get("https://api.atlassian.com/ex/jira/c1/rest/api/3/myself", r#"{"accountId": "a1"}"#);
    connected(catalogue("jira"), &[("site", "acme")], JIRA, "", vec![sites, me])
}

fn linear() -> (FakeHost<FileKind>, SetupResult<FileCredential>) {
    let me = Reply::json(200, r#"{"data": {"viewer": {"id": "u1", "name": "Ada"}}}"#);
    let me = Expected::post("https://api.linear.app/graphql").answer(me);
    connected(catalogue("linear-oauth"), &[], LINEAR, "", vec![me])
}

fn salesforce() -> (FakeHost<FileKind>, SetupResult<FileCredential>) {
    let me = r#"{"user_id": "005", "preferred_username": "ada@acme.com"}"#;
    let me = get("https://acme.my.salesforce.com/services/oauth2/userinfo", me);
    let issued = r#", "instance_url": "https://acme.my.salesforce.com""#;
    connected(catalogue("salesforce"), &[("domain", "login")], SALESFORCE, issued, vec![me])
}

fn shopify() -> (FakeHost<FileKind>, SetupResult<FileCredential>) {
    let shop = r#"{"data": {"shop": {"id": "gid://shopify/Shop/7", "name": "Acme", "myshopifyDomain": "acme"}}}"#;
    let shop =
        Expected::post("https://acme.myshopify.com/admin/api/2026-07/graphql.json").answer(Reply::json(200, shop));
    connected(catalogue("shopify"), &[("shop", "acme")], SHOPIFY, "", vec![shop])
}

fn slack() -> (FakeHost<FileKind>, SetupResult<FileCredential>) {
    let me = r#"{"ok": true, "user_id": "U1", "team": "Acme"}"#;
    let me = Expected::post("https://slack.com/api/auth.test").answer(Reply::json(200, me));
    connected(catalogue("slack"), &[], SLACK, r#", "ok": true"#, vec![me])
}

fn twitch() -> (FakeHost<FileKind>, SetupResult<FileCredential>) {
    let me = get("https://id.twitch.tv/oauth2/validate", r#"{"user_id": "7", "login": "ada", "scopes": []}"#);
    // A setup without a device code sends a single request for tokens.
    let text = Catalogue::text("twitch-oauth").unwrap().1.replace("\"paste\", \"device\"", "\"paste\"");
    let kind = KindFile::parse("twitch-oauth.toml", &text).unwrap().definition();
    connected(kind, &[], TWITCH, "", vec![me])
}

fn zoho() -> (FakeHost<FileKind>, SetupResult<FileCredential>) {
    let users = r#"{"users": [{"id": "7", "email": "ada@acme.com"}]}"#;
    let me = get("https://www.zohoapis.com/crm/v8/users?type=CurrentUser", users);
    let issued = r#", "api_domain": "https://www.zohoapis.com""#;
    connected(catalogue("zoho-crm"), &[("signIn", "https://accounts.zoho.com")], ZOHO, issued, vec![me])
}

#[test]
fn the_words_of_a_provider_for_a_dead_token_are_in_its_file() {
    let dead =
        |(host, made): (FakeHost<FileKind>, SetupResult<FileCredential>), token: &str, status: u16, body: &str| {
            let found = refreshed(host, &made, token, Reply::json(status, body));
            assert_eq!(found.reason.code, reason::NEEDS_REAUTHORIZATION, "{token}: {}", found.reason.message);
        };
    let described = |words: &str| format!(r#"{{"error": "invalid_request", "error_description": "{words}"}}"#);
    dead(bitbucket(), BITBUCKET, 400, &described("Invalid refresh_token"));
    dead(discord(), DISCORD, 400, &described(r#"Invalid \"refresh_token\" in request."#));
    dead(hubspot(), HUBSPOT, 400, r#"{"status": "BAD_REFRESH_TOKEN", "message": "missing or invalid refresh token"}"#);
    dead(jira(), JIRA, 403, r#"{"error": "unauthorized_client", "error_description": "refresh_token is invalid"}"#);
    let of_jira = |words: &str| format!(r#"{{"error": "unauthorized_client", "error_description": "{words}"}}"#);
    dead(jira(), JIRA, 403, &of_jira("The Refresh_Token is invalid or has expired."));
    // An application with a wrong registration gets the same code.
    let (host, made) = jira();
    let found = refreshed(host, &made, JIRA, Reply::json(403, &of_jira("client is not authorized for this grant")));
    assert_eq!((found.liveness, &*found.reason.code), (Liveness::Failing, "jira_refused"));
    dead(linear(), LINEAR, 400, &described("Refresh token expired"));
    let of_salesforce = r#"{"error": "invalid_grant", "error_description": "expired access/refresh token"}"#;
    dead(salesforce(), SALESFORCE, 400, of_salesforce);
    dead(shopify(), SHOPIFY, 401, &described("This request requires an active refresh_token"));
    dead(slack(), SLACK, 200, r#"{"ok": false, "error": "invalid_refresh_token"}"#);
    dead(twitch(), TWITCH, 400, r#"{"error": "Bad Request", "status": 400, "message": "Invalid refresh token"}"#);
    dead(zoho(), ZOHO, 200, r#"{"error": "invalid_code"}"#);
}

/// What these providers document about a refresh token whose answer was lost.
#[test]
fn a_used_refresh_token_works_for_as_long_as_the_file_of_its_provider_says() {
    let documented = [("jira", 600), ("linear-oauth", 1_800), ("quickbooks-oauth", 86_400), ("shopify", 2_592_000)];
    for (id, seconds) in documented {
        let kind = catalogue(id);
        let semantics = kind.refresher().map(Refresher::semantics);
        assert_eq!(semantics, Some(RefreshSemantics::Grace(Duration::from_secs(seconds))), "{id}");
    }
}

/// Spotify ends an authorization six months after the person gave it.
#[test]
fn an_authorization_that_its_provider_ends_is_told_from_the_setup_on() {
    let me = get("https://api.spotify.com/v1/me", r#"{"id": "ada", "display_name": "Ada"}"#);
    let (host, made) = connected(catalogue("spotify-oauth"), &[], SPOTIFY, "", vec![me]);
    let end = Some(host.now().after(180 * 86_400));
    assert_eq!(made.authorized_until, end);
    let connection = host.connection(&made);
    let renewed =
        r#"{"access_token": "access-canary-33cc", "refresh_token": "refresh-canary-44dd", "expires_in": 3600}"#;
    let later = host.now().after(86_400);
    let host = host.at(later).expect(Expected::post(SPOTIFY).answer(Reply::json(200, renewed)));
    assert_eq!(host.refresh(&made.credential, &connection).unwrap().authorized_until, end);
}

#[test]
fn a_limit_in_a_file_is_one_at_the_token_endpoint() {
    let limited = |(host, made): (FakeHost<FileKind>, SetupResult<FileCredential>), token: &str, reply: Reply| {
        let found = refreshed(host, &made, token, reply);
        assert_eq!((found.liveness, &*found.reason.code), (Liveness::Offline, reason::RATE_LIMITED), "{token}");
        found.recheck_after
    };
    let too_many = r#"{"error": "Access Denied", "error_description": "You have made too many requests"}"#;
    assert_eq!(limited(zoho(), ZOHO, Reply::json(400, too_many)), None);
    let reply = Reply::json(200, r#"{"ok": false, "error": "ratelimited"}"#).header("retry-after", "30");
    assert_eq!(limited(slack(), SLACK, reply), Some(Duration::from_secs(30)));
    // A limit that the file states for all calls, whatever its condition.
    let token = "https://id.acme.com/token";
    let of = |request: &str| connected(parsed(&own(request, "")), &[], token, "", vec![me()]);
    let equals = "limited_if = [{ pointer = \"/code\", equals = \"LIMIT\" }]";
    assert_eq!(limited(of(equals), token, Reply::json(400, r#"{"code": "LIMIT"}"#)), None);
    let contains = "limited_if = [{ pointer = \"/message\", contains = \"Rate Limit\" }]";
    let reply = Reply::json(400, r#"{"message": "A secondary RATE limit was exceeded"}"#).header("retry-after", "9");
    assert_eq!(limited(of(contains), token, reply), Some(Duration::from_secs(9)));
    // `exists` is for the answers to calls: the token was issued, although its answer has no such member.
    drop(of("limited_if = [{ pointer = \"/id\", exists = false }]"));
}

/// An organization at Salesforce refuses addresses that it does not allow in the words of a dead token.
#[test]
fn a_refused_address_in_a_file_is_told_as_one() {
    for words in ["ip restricted", "IP restricted or invalid login hours"] {
        let reply = Reply::json(400, &format!(r#"{{"error": "invalid_grant", "error_description": "{words}"}}"#));
        let (host, made) = salesforce();
        let found = refreshed(host, &made, SALESFORCE, reply);
        assert_eq!((found.liveness, &*found.reason.code), (Liveness::Offline, "salesforce_policy_refused"), "{words}");
        assert!(found.reason.message.as_str().contains("the address of this host"), "{found:?}");
    }
}

/// A lookup that finds nothing says which host answered, and with which status.
#[test]
fn a_lookup_without_its_value_names_the_host_and_the_status() {
    let message = "api.atlassian.com answered 200 without the value 'cloudId': the answer has nothing usable at /id in the \
                   item that is picked from it";
    for sites in ["[]", r#"[{"id": "", "url": "https://acme.atlassian.net"}]"#, r#"{"message": "no sites"}"#] {
        let issued = r#"{"access_token": "access-canary-11aa", "refresh_token": "refresh-canary-22bb"}"#;
        let host = FakeHost::new(catalogue("jira")).inbound_http(CALLBACK).key_value();
        let host = host.expect(Expected::post(JIRA).answer(Reply::json(200, issued)));
        let host = host.expect(get("https://api.atlassian.com/oauth/token/accessible-resources", sites));
        let given: Vec<_> = [("site", "acme")].into_iter().chain(APPLICATION).collect();
        let back = Input::callback(&[("code", "code-canary-55ee66ff"), ("scope", "read")]);
        let failure = host.setup([Input::answers(&given), back]).run().unwrap_err();
        assert_eq!((&*failure.code, failure.message.as_str()), ("lookup_failed", message), "{sites}");
        assert!(failure.remedy.is_some(), "{sites}");
    }
}

#[test]
fn a_file_names_a_limit_and_the_scopes_of_a_callback() {
    for (key, scopes) in [("", vec!["read", "write"]), ("scopes_in_callback = true", vec!["read"])] {
        let (_, made) = connected(parsed(&own("", key)), &[], "https://id.acme.com/token", "", vec![me()]);
        assert_eq!(made.granted_scopes.unwrap(), scopes, "{key}");
    }
}

/// A page of a proxy or a firewall says nothing about a credential, unless the provider answers so itself.
#[test]
fn a_page_refuses_a_credential_only_where_a_file_says_so() {
    let page = |status| Reply::text(status, "<!DOCTYPE html><p>Log in</p>").header("content-type", "text/html");
    let found = |request: &str, reply: Reply| {
        let text = own(request, "");
        let (host, made) = connected(parsed(&text), &[], "https://id.acme.com/token", "", vec![me()]);
        let connection = host.connection(&made);
        let found = host.expect(me().answer(reply)).verify(&made.credential, &connection).unwrap();
        (found.liveness, found.reason.unwrap().code.to_string())
    };
    let refused = (Liveness::Failing, reason::UNAUTHORIZED.to_owned());
    let nothing = (Liveness::Offline, reason::PROVIDER_ERROR.to_owned());
    for status in [401, 403] {
        assert_eq!(found("", page(status)), nothing, "{status}");
        assert_eq!(found("pages = \"refusal\"", page(status)), refused, "{status}");
    }
    assert_eq!(found("", page(401).header("www-authenticate", "Basic realm=\"x\"")), refused);
    assert_eq!(found("pages = \"refusal\"", page(404)), nothing);
    let limit = page(403).header("retry-after", "7");
    assert_eq!(found("pages = \"refusal\"", limit), (Liveness::Offline, reason::RATE_LIMITED.to_owned()));
}

/// Neither a limit nor an API that the project of the application does not have is about the credential.
#[test]
fn a_403_with_a_code_that_is_not_about_the_credential_does_not_refuse_it() {
    let (host, made) = salesforce();
    let connection = host.connection(&made);
    let limit = r#"[{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}]"#;
    let user = Expected::get("https://acme.my.salesforce.com/services/oauth2/userinfo").answer(Reply::json(403, limit));
    let found = host.expect(user).verify(&made.credential, &connection).unwrap();
    assert_eq!(
        (found.liveness, found.reason.unwrap().code.to_string()),
        (Liveness::Offline, reason::RATE_LIMITED.to_owned())
    );

    let (host, made) = connected(parsed(&own("", "")), &[], "https://id.acme.com/token", "", vec![me()]);
    let connection = host.connection(&made);
    let disabled = r#"{"error": {"details": [{"reason": "SERVICE_DISABLED", "metadata":
        {"service": "drive.googleapis.com/../x", "consumer": "projects/7&x=1"}}]}}"#;
    let found = host.expect(me().answer(Reply::json(403, disabled))).verify(&made.credential, &connection).unwrap();
    let why = found.reason.unwrap();
    assert_eq!((found.liveness, &*why.code), (Liveness::Failing, "acme_client_refused"));
    let remedy = why.remedy.unwrap();
    assert!(
        remedy.as_str().starts_with("enable it at https://console.cloud.google.com/apis/library and"),
        "a link of ours"
    );
}

/// Salesforce refuses a token with 403 and one word, and not with 401.
#[test]
fn a_word_of_salesforce_refuses_the_token_whatever_its_type() {
    for kind in ["text/html;charset=UTF-8", "text/plain"] {
        let (host, made) = salesforce();
        let connection = host.connection(&made);
        let word = Reply::text(403, "Bad_OAuth_Token").header("content-type", kind);
        let user = Expected::get("https://acme.my.salesforce.com/services/oauth2/userinfo").answer(word);
        let found = host.expect(user).verify(&made.credential, &connection).unwrap();
        let code = found.reason.unwrap().code.to_string();
        assert_eq!((found.liveness, code.as_str()), (Liveness::Failing, reason::UNAUTHORIZED), "{kind}");
    }
}

/// So does a page that comes with a success, where nothing else of the answer is read: the one of a sign-in in front of the
/// API, of a captive portal, or of a website at the address.
#[test]
fn a_page_with_a_success_confirms_no_credential() {
    let models = || Expected::get("https://api.openai.com/v1/models");
    let key = Input::answers(&[("apiKey", "key-canary-81d0c4f7a2")]);
    let host = FakeHost::new(catalogue("openai")).expect(models().answer(Reply::json(200, r#"{"data": []}"#)));
    let made = host.setup([key]).run().unwrap();
    let connection = host.connection(&made);
    let found = |reply: Reply| {
        let host = FakeHost::new(catalogue("openai")).expect(models().answer(reply));
        let found = host.verify(&made.credential, &connection).unwrap();
        (found.liveness, found.reason.map(|reason| reason.code.to_string()))
    };
    let page = "<!DOCTYPE html><p>Log in</p>";
    let nothing = (Liveness::Offline, Some(reason::NOT_JSON.to_owned()));
    assert_eq!(found(Reply::text(200, page).header("content-type", "text/html")), nothing);
    assert_eq!(found(Reply::text(200, page)), nothing);
    for marked in ["\u{feff}<html><p>Log in</html>", "\u{feff} \n<p>Log in"] {
        assert_eq!(found(Reply::text(200, marked).header("content-type", "text/html")), nothing, "{marked}");
    }
    for answer in ["", "OK", r#"{"data": []}"#] {
        assert_eq!(
            found(Reply::text(200, answer).header("content-type", "text/html")),
            (Liveness::Live, None),
            "{answer}"
        );
    }
}

/// GitHub names its second limit in a message alone.
#[test]
fn a_rule_finds_a_part_of_a_text_whatever_its_case() {
    let text = own("limited_if = [{ pointer = \"/message\", contains = \"Rate Limit\" }]", "");
    let (host, made) = connected(parsed(&text), &[], "https://id.acme.com/token", "", vec![me()]);
    let connection = host.connection(&made);
    for (message, code) in
        [("You have exceeded a secondary RATE limit.", reason::RATE_LIMITED), ("Not for you", reason::UNAUTHORIZED)]
    {
        let refused = Reply::json(403, &format!(r#"{{"message": "{message}"}}"#));
        let host = FakeHost::new(parsed(&text)).expect(me().answer(refused));
        let found = host.verify(&made.credential, &connection).unwrap();
        assert_eq!(found.reason.unwrap().code, code, "{message}");
    }
}

#[test]
fn a_rule_compares_texts_without_case_in_answers_of_calls_and_of_the_token_endpoint() {
    let text = own("limited_if = [{ pointer = \"/code\", equals = \"ratelimited\" }]", "")
        .replace("path = \"/me\"", "path = \"/me\"\nerror_if = [{ pointer = \"/status\", differs = \"ok\" }]");
    let (host, made) = connected(parsed(&text), &[], "https://id.acme.com/token", "", vec![me()]);
    let connection = host.connection(&made);
    let verified = |status, body: &str| {
        let me = Expected::get("https://api.acme.com/me").answer(Reply::json(status, body));
        let found = FakeHost::new(parsed(&text)).expect(me).verify(&made.credential, &connection).unwrap();
        (found.liveness, found.reason.map(|reason| reason.code.to_string()))
    };
    let limited = reason::RATE_LIMITED.to_owned();
    let refused = reason::UNAUTHORIZED.to_owned();
    assert_eq!(verified(400, r#"{"code": "RATELIMITED"}"#), (Liveness::Offline, Some(limited)));
    assert_eq!(verified(200, r#"{"id": 7, "status": "OK"}"#), (Liveness::Live, None));
    assert_eq!(verified(200, r#"{"id": 7, "status": null}"#), (Liveness::Live, None));
    assert_eq!(verified(200, r#"{"id": 7, "status": "gone"}"#), (Liveness::Failing, Some(refused)));
    let found = refreshed(host, &made, "https://id.acme.com/token", Reply::json(400, r#"{"code": "RATELIMITED"}"#));
    assert_eq!(found.reason.code, reason::RATE_LIMITED);
}

#[test]
fn a_quota_of_google_is_a_limit_in_each_of_its_kinds() {
    let part = |text: &str| encode::base64url(text.as_bytes());
    let claims = part(r#"{"aud": "client-canary-0a1b", "sub": "10769150350006150715"}"#);
    let id_token = format!("{}.{claims}.c2ln", part("{}"));
    for (id, url, answer) in [
        (
            "google-calendar",
            "https://www.googleapis.com/calendar/v3/calendars/primary",
            r#"{"id": "ada@gmail.com", "summary": "Ada"}"#,
        ),
        (
            "google-drive",
            "https://www.googleapis.com/drive/v3/about?fields=user",
            r#"{"user": {"permissionId": "7", "emailAddress": "ada@gmail.com"}}"#,
        ),
        (
            "google-gmail",
            "https://gmail.googleapis.com/gmail/v1/users/me/profile",
            r#"{"emailAddress": "ada@gmail.com"}"#,
        ),
    ] {
        let host = FakeHost::new(catalogue(id)).inbound_http(CALLBACK).key_value();
        let tokens = format!(r#"{{"access_token": "access-canary-11aa", "id_token": "{id_token}"}}"#);
        let tokens = Expected::post("https://oauth2.googleapis.com/token").answer(Reply::json(200, &tokens));
        let host = host.expect(tokens);
        let host = host.expect(get(url, answer));
        let back = Input::callback(&[("code", "code-canary-55ee66ff"), ("iss", "https://accounts.google.com")]);
        let made = host.setup([Input::answers(&APPLICATION), back]).run().unwrap();
        let connection = host.connection(&made);
        let named = |reason: &str| format!(r#"{{"errors": [{{"domain": "usageLimits", "reason": "{reason}"}}]}}"#);
        for (error, code) in [
            (named("dailyLimitExceeded"), reason::RATE_LIMITED),
            (named("quotaExceeded"), reason::RATE_LIMITED),
            (r#"{"code": 403, "details": [{"reason": "RATE_LIMIT_EXCEEDED"}]}"#.to_owned(), reason::RATE_LIMITED),
            (named("insufficientPermissions"), reason::UNAUTHORIZED),
        ] {
            let limited = Reply::json(403, &format!(r#"{{"error": {error}}}"#));
            let host = FakeHost::new(catalogue(id)).expect(Expected::get(url).answer(limited));
            let found = host.verify(&made.credential, &connection).unwrap();
            assert_eq!(found.reason.unwrap().code, code, "{id}: {error}");
        }
    }
}

#[test]
fn a_secret_that_each_call_carries_is_a_key() {
    let is_key = |mechanism: &str, field: &str, request: &str| {
        let text = format!(
            "format = 1\nid = \"acme\"\nname = \"Acme\"\nmechanism = \"{mechanism}\"\n[[fields]]\nname = \"theKey\"\n\
             label = \"Key\"\nsecret = true\n{field}\n[request]\nbase = \"https://api.acme.com\"\n{request}\n"
        );
        parsed(&text).descriptor().fields[0].is_key
    };
    assert!(is_key("api_key", "", "headers = { Authorization = \"Bearer ${secret.theKey}\" }"));
    assert!(is_key("api_key", "", "query = { key = \"${secret.theKey}\" }"));
    assert!(is_key("api_key", "", "path = \"/bot${secret.theKey}\""));
    assert!(is_key("api_key", "", "json = { auth = { key = \"${secret.theKey}\" } }"));
    assert!(!is_key("api_key", "", "headers = { Cookie = \"${secret.theKey}\" }"));
    assert!(!is_key("api_key", "key = false", "query = { key = \"${secret.theKey}\" }"));
    let basic = "basic = { user = \"ada\", password = \"${secret.theKey}\" }";
    assert!(!is_key("basic", "", basic));
    assert!(is_key("basic", "key = true", basic));
    let encoded = "headers = { Authorization = \"Basic ${base64(\\\"ada\\\", \\\":\\\", secret.theKey)}\" }";
    assert!(!is_key("api_key", "", encoded));
    for id in ["aws", "telegram"] {
        let fields = catalogue(id).descriptor().fields;
        assert!(fields.iter().all(|field| field.is_key == (field.input == connection_contract::Input::Secret)), "{id}");
    }
}

#[test]
fn a_secret_that_signs_jwts_is_a_private_key() {
    let is_private_key = |mechanism: &str, table: &str| {
        let text = format!(
            "format = 1\nid = \"acme\"\nname = \"Acme\"\nmechanism = \"{mechanism}\"\naccepts = [\"jwt\"]\n[[fields]]\n\
             name = \"theKey\"\nlabel = \"Key\"\nsecret = true\n[request]\nbase = \"https://api.acme.com\"\n{table}\n"
        );
        parsed(&text).descriptor().fields[0].is_private_key
    };
    let jwt = |algorithm: &str, more: &str| {
        format!("[jwt]\nalgorithm = \"{algorithm}\"\nkey = \"${{secret.theKey}}\"\n{more}")
    };
    assert!(is_private_key("signed_jwt", &jwt("ES256", "")));
    assert!(!is_private_key("signed_jwt", &jwt("HS256", "key_encoding = \"utf8\"")));
    assert!(!is_private_key("api_key", "headers = { Authorization = \"Bearer ${secret.theKey}\" }"));
    let fields = catalogue("app-store-connect").descriptor().fields;
    let keys: Vec<_> = fields.iter().filter(|field| field.is_private_key).map(|field| field.name.to_string()).collect();
    assert_eq!(keys, ["privateKey"]);
}

fn own(request: &str, oauth2: &str) -> String {
    format!(
        "format = 1\nid = \"acme\"\nname = \"Acme\"\nmechanism = \"oauth2\"\n[request]\nbase = \"https://api.acme.com\"\n{request}\n\
         [verify]\npath = \"/me\"\n[account]\nid = \"/id\"\n[oauth2]\nauthorize = \"https://id.acme.com/authorize\"\n\
         token = \"https://id.acme.com/token\"\nscopes = [\"read\", \"write\"]\n{oauth2}\n"
    )
}

fn me() -> Expected {
    get("https://api.acme.com/me", r#"{"id": 7}"#)
}

fn parsed(text: &str) -> FileKind {
    match KindFile::parse("acme.toml", text) {
        Ok(file) => file.definition(),
        Err(problems) => panic!("{problems}"),
    }
}
