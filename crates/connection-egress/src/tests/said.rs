//! The answer in a reason: its host, its status, and the provider's own words, in which nothing that was sent is shown.

use connection_contract::{
    HttpRequest, HttpResponse, JsonError, NotLive, ProviderText, Reason, Secret, SetupFailure, Timestamp, classify,
    encode, reason,
};
use connection_faults::server::{Reply, TestServer};

use super::{Names, base, clock, named};
use crate::{Egress, HttpClient, HttpPolicy, LastAnswer};

const STATUSES: [u16; 7] = [400, 401, 403, 404, 415, 422, 500];

fn now() -> Timestamp {
    Timestamp::from_seconds(1_800_000_000)
}

/// Sends a request to a server that answers so, and returns the place of the server and what was heard.
async fn heard(request: impl FnOnce(HttpRequest) -> HttpRequest, answer: Reply) -> (String, LastAnswer) {
    let answer = std::sync::Mutex::new(Some(answer));
    let server = TestServer::start(move |_| answer.lock().unwrap().take().unwrap()).await;
    let client = HttpClient::with_lookup(HttpPolicy::new(), clock(), Names::of(&[])).unwrap();
    let there = server.origin();
    let egress = Egress { heard: LastAnswer::default(), ..named(&there) };
    client.send(&egress, request(HttpRequest::post(&base(&there), "/me"))).await.unwrap();
    (there.trim_start_matches("http://").to_owned(), egress.heard)
}

fn json(status: u16, body: &str) -> Reply {
    Reply::whole(status, "content-type: application/json\r\n", body)
}

fn described(heard: &LastAnswer, reason: Reason) -> Reason {
    heard.describe_reason(NotLive::failing(reason), now()).reason
}

fn words(heard: &LastAnswer) -> Option<String> {
    let reason = described(heard, Reason::new("acme_refused", "Acme does not accept this key"));
    reason.provider_text.map(|words| words.as_str().to_owned())
}

#[tokio::test]
async fn an_answer_refuses_by_its_status_or_states_an_error_in_json_with_that_of_a_success() {
    for (status, body, is_refusal) in [
        (400, r#"{"error":"whatever"}"#, true),
        (404, "{}", true),
        (200, r#"{"error":"whatever"}"#, true),
        (200, r#"{"ok":false,"error":"whatever"}"#, true),
        (201, r#"{"success":false}"#, true),
        (200, r#"{"errcode":61023,"errmsg":"refresh_token is invalid"}"#, true),
        (200, r#"{"errcode":"61023"}"#, true),
        (200, r#"{"errcode":0}"#, false),
        (200, r#"{"error_code":"0"}"#, false),
        (200, r#"{"ok":true,"error":""}"#, false),
        (200, "{}", false),
        (200, "<html>Sorry</html>", false),
        (404, "<html>Sorry</html>", false),
        (400, "", true),
        (401, "invalid token", true),
        (400, "<OAuth><error>no</error></OAuth>", false),
        (400, "\u{0}{\u{0}}", true),
        (403, "error code: 1010", false),
        (404, r#"{"error_code":1042,"cloudflare_error":true}"#, false),
        (200, "error", false),
        (429, r#"{"error":"whatever"}"#, false),
        (500, r#"{"error":"invalid_grant"}"#, false),
    ] {
        let (_, heard) = heard(|request| request, json(status, body)).await;
        assert_eq!(heard.is_refusal(), is_refusal, "{status} {body}");
    }
}

#[tokio::test]
async fn each_reason_names_the_host_and_the_status_of_the_answer() {
    for status in STATUSES {
        for body in ["<html>Sorry</html>", "{}", r#"{"error":"Not Found"}"#, ""] {
            let (place, heard) = heard(|request| request, json(status, body)).await;
            let answered = HttpResponse::new(status, Vec::new(), body, now());
            let general = classify(Ok(answered)).unwrap_err().reason;
            let own = Reason::new("acme_refused", "the provider does not accept the application");
            let unread = NotLive::from(JsonError::Syntax).reason;
            for reason in [general, own, unread, NotLive::rate_limited(None).reason] {
                let code = reason.code.clone();
                let told = described(&heard, reason);
                assert!(told.message.as_str().starts_with(&format!("{place} answered {status}")), "{told:?}");
                assert_eq!(told.code, code);
            }
            let failure = heard.describe_failure(SetupFailure::new("acme_refused", "refused"), now());
            assert!(failure.message.as_str().starts_with(&format!("{place} answered {status}")), "{failure:?}");
            assert!(failure.message.as_str().ends_with(": refused"), "{failure:?}");
        }
    }
}

#[tokio::test]
async fn a_reason_that_names_the_answer_or_that_no_answer_caused_stays_as_it_is() {
    let (place, heard) = heard(|request| request, json(403, "{}")).await;
    let named = format!("{place} answered 403 Forbidden, which Acme documents for a closed account");
    assert_eq!(described(&heard, Reason::new("acme_closed", named.clone())).message.as_str(), named);
    let fault = Reason::new(reason::PLUGIN_FAULT, "the plugin crashed");
    assert_eq!(described(&heard, fault.clone()), fault);
    // An answer that states no error caused no reason.
    let (_, heard) = self::heard(|request| request, json(200, r#"{"message":"welcome","error":null}"#)).await;
    let changed = Reason::new(reason::ACCOUNT_CHANGED, "another account");
    assert_eq!(described(&heard, changed.clone()), changed);
    let (place, heard) = self::heard(|request| request, json(200, r#"{"ok":false,"error":"account_inactive"}"#)).await;
    let told = described(&heard, changed);
    assert_eq!(told.message.as_str(), format!("{place} answered 200 OK: another account"));
    assert_eq!(told.provider_text.unwrap().as_str(), "account_inactive");
    heard.forget();
    assert_eq!(words(&heard), None);
}

#[tokio::test]
async fn the_words_are_read_from_json_and_forms_and_never_from_a_page() {
    const FORM: &str = "content-type: application/x-www-form-urlencoded\r\n";
    const PAGE: &str = "content-type: text/html\r\n";
    for (headers, body, expected) in [
        ("", r#"{"error":"invalid_grant","error_description":"The token has ended"}"#, Some("The token has ended")),
        ("", r#"{"error":{"message":"No such key","code":7}}"#, Some("No such key")),
        ("", r#"{"message":"Bad\ncredentials\u202e"}"#, Some("Bad credentials")),
        ("", r#"{"errors":[{"message":"Gone"}]}"#, Some("Gone")),
        ("", r#"[{"message":"Session ended","errorCode":"INVALID_SESSION_ID"}]"#, Some("Session ended")),
        ("", r#"{"title":"Forbidden","detail":"Ask an administrator"}"#, Some("Ask an administrator")),
        ("", r#"{"status":404,"error":"Not Found","message":"","path":"/token"}"#, Some("Not Found")),
        (PAGE, r#"{"message":"JSON all the same"}"#, Some("JSON all the same")),
        (FORM, "error=bad_code&error_description=The+code+is+old", Some("The code is old")),
        (PAGE, "<html><body>message: hello</body></html>", None),
        ("", r#"{"message":"<html><body>hello</body></html>"}"#, None),
        ("", r#"{"message":"<HTML lang=en>hello"}"#, None),
        ("", r#"{"message":"<!DOCTYPE html>hello"}"#, None),
        ("", r#"{"message":"<?xml version='1.0'?><Error/>"}"#, None),
        ("", r#"{"message":"<Error>No such key</Error>"}"#, None),
        ("", r#"{"error_description":"<client_id> is unknown"}"#, Some("<client_id> is unknown")),
        (FORM, "error=bad&error_description=%3Cclient_id%3E+is+unknown", Some("<client_id> is unknown")),
        ("content-type: text/plain\r\n", "Sorry, not today", None),
        ("", r#"{"id":7}"#, None),
        ("", "", None),
    ] {
        let (_, heard) = heard(|request| request, Reply::whole(403, headers, body)).await;
        assert_eq!(words(&heard).as_deref(), expected, "{body}");
    }
    let (_, heard) = heard(|request| request, json(400, &format!(r#"{{"message":"{}"}}"#, "é ".repeat(600)))).await;
    assert_eq!(words(&heard).unwrap().chars().count(), 300);
}

const SECRET: &str = "sk/live+canary\"9f3=";
const PASSWORD: &str = "hunter2";

/// Returns the ways in which a provider may repeat a text.
fn forms(text: &str) -> Vec<String> {
    let json = connection_contract::Value::from(text).to_string();
    let hidden: String = text.chars().flat_map(|c| [c, '\u{200b}']).collect();
    vec![
        text.to_owned(),
        encode::percent_encode(text),
        encode::percent_encode(text).to_lowercase(),
        encode::base64(text.as_bytes()),
        encode::base64url(text.as_bytes()),
        encode::hex(text.as_bytes()),
        json.trim_matches('"').to_owned(),
        hidden,
    ]
}

#[tokio::test]
async fn whatever_was_sent_is_covered_in_the_words_in_all_its_forms() {
    type Way = fn(HttpRequest, &str) -> HttpRequest;
    let ways: [(&str, Way); 9] = [
        ("bearer", |request, text| request.bearer(&Secret::from(text))),
        ("basic", |request, text| request.basic("ada", &Secret::from(text))),
        ("header", |request, text| request.header("x-key", Secret::from(text))),
        ("cookie", |request, text| request.header("cookie", Secret::from(format!("theme=dark; session={text}")))),
        ("query", |request, text| request.query("key", text)),
        ("form", |request, text| request.form("grant_type", "refresh_token").form("refresh_token", text)),
        ("json", |request, text| {
            let login = connection_contract::Value::object([("password", text.into())]);
            request.json(&connection_contract::Value::object([("login", login)]))
        }),
        ("path", |mut request, text| {
            request.set_path_prefix(&format!("/bot{}", text.replace('/', "-")));
            request
        }),
        ("basic pair", |request, text| {
            let pair = encode::base64(format!("id:{text}").as_bytes());
            request.header("authorization", Secret::from(format!("Basic {pair}")))
        }),
    ];
    for (name, way) in ways {
        for secret in [SECRET, "0123456789abcdef", PASSWORD] {
            let sent = match name {
                "path" => format!("bot{}", secret.replace('/', "-")),
                // A cookie ends at the characters that separate its parts.
                "cookie" if secret == SECRET => continue,
                _ => secret.to_owned(),
            };
            if name == "path" && secret == PASSWORD {
                continue;
            }
            for form in forms(&sent) {
                let body = connection_contract::Value::object([(
                    "error_description",
                    format!("before <{form}> after").as_str().into(),
                )]);
                let (_, heard) = heard(|request| way(request, secret), json(400, &body.to_string())).await;
                let told = words(&heard).unwrap();
                assert!(!told.contains(&form) && !told.contains(&sent), "{name}: {form}: {told}");
                assert!(told.starts_with("before <") && told.contains('*'), "{name}: {form}: {told}");
            }
        }
    }
}

/// Returns the words of an answer to a request with this secret, which repeats it so between two other words.
async fn told(secret: &str, form: &str) -> String {
    let body = connection_contract::Value::object([("message", format!("before <{form}> after").as_str().into())]);
    let bearer = |request: HttpRequest| request.bearer(&Secret::from(secret));
    let (_, heard) = heard(bearer, json(400, &body.to_string())).await;
    words(&heard).unwrap()
}

#[tokio::test]
async fn what_was_sent_is_covered_in_other_capitals_in_other_escapes_and_over_several_lines() {
    const ODD: &str = "sk/live+canary\"9f3";
    let numbered = |start: &str, end: &str| -> String {
        ODD.chars().map(|c| format!("{start}{:04x}{end}", u32::from(c))).collect()
    };
    for form in [
        ODD.to_uppercase(),
        ODD.replace('+', "&#43;").replace('"', "&quot;").replace('/', "&#x2F;"),
        numbered("&#x", ";"),
        numbered("\\u", ""),
        encode::percent_encode(&encode::percent_encode(ODD)),
        ODD.replace("live", "li\r\n    ve"),
        ODD.replace("live", "li\u{a0}v\u{2060}e"),
        ODD.replace('"', "\\\\\\\""),
        encode::hex(ODD.as_bytes()).to_uppercase(),
    ] {
        let told = told(ODD, &form).await;
        let shown = told.strip_prefix("before <").and_then(|rest| rest.strip_suffix("> after")).unwrap();
        assert!(!shown.contains(char::is_alphanumeric), "{form}: {told}");
    }
    // The secret of an application is encoded twice in HTTP Basic (RFC 6749, section 2.3.1), and may come back as it is.
    let basic = |request: HttpRequest| request.basic("app", &Secret::from(encode::percent_encode(ODD)));
    let body = connection_contract::Value::object([("message", format!("wrong: {ODD}").as_str().into())]);
    let (_, heard) = heard(basic, json(401, &body.to_string())).await;
    assert_eq!(words(&heard).unwrap(), format!("wrong: {}", "*".repeat(ODD.len())));
}

#[tokio::test]
async fn parts_of_what_was_sent_are_covered_and_usual_words_are_not() {
    const KEY: &str = "ak-0123456789abc";
    for (form, shown) in [
        ("ak-01****", "*********"),
        ("ak-0\u{2026}", "****\u{2026}"),
        ("****9abc", "********"),
        ("ak-0...9abc", "****...****"),
        ("ak-01\u{2022}\u{2022}bc", "*****\u{2022}\u{2022}**"),
        ("ak-01234567", "***********"),
        ("key=456789abc", "key=*********"),
        ("ak-01", "ak-01"),
        ("wait...", "wait..."),
        ("AADSTS70008: a code", "AADSTS70008: a code"),
        ("acme.example/errors/oauth2", "acme.example/errors/oauth2"),
    ] {
        assert_eq!(told(KEY, form).await, format!("before <{shown}> after"), "{form}");
    }
    let code = |request: HttpRequest| request.form("otp", "4711").form("mode", "fast");
    let (_, heard) = heard(code, json(400, r#"{"message":"4711 is wrong, 47115 too, be fast"}"#)).await;
    assert_eq!(words(&heard).unwrap(), "**** is wrong, 47115 too, be fast");
    let address = |mut request: HttpRequest| {
        request.set_path_prefix("/users/ada@acme.example");
        request
    };
    let (_, heard) = self::heard(address, json(404, r#"{"message":"No user Ada@Acme.example"}"#)).await;
    assert_eq!(words(&heard).unwrap(), "No user ****************");
}

#[tokio::test]
async fn an_answer_that_a_rule_refuses_or_that_lacks_something_is_named_whatever_its_status() {
    let said = r#"{"status":"ended","message":"The key has ended"}"#;
    let (place, heard) = heard(|request| request, json(200, said)).await;
    let told = described(&heard, NotLive::refused().reason);
    assert_eq!(told.message.as_str(), format!("{place} answered 200 OK: the provider refuses the credential"));
    assert_eq!(told.provider_text.unwrap().as_str(), "The key has ended");
    let nameless = described(&heard, Reason::new(reason::NOT_JSON, "the answer does not name the account"));
    assert_eq!(nameless.message.as_str(), format!("{place} answered 200 OK: the answer does not name the account"));
    assert_eq!(nameless.provider_text, None, "it states no error");
    for (error, what) in [
        (JsonError::Damaged("id".into()), "with bytes that are not valid UTF-8 in the field 'id'"),
        (JsonError::Field("id".into()), "without the field 'id'"),
    ] {
        let told = described(&heard, NotLive::from(error).reason);
        assert_eq!(told.message.as_str(), format!("{place} answered 200 {what}"));
    }
    // The control: another reason is not about this answer.
    let other = Reason::new(reason::ACCOUNT_CHANGED, "another account");
    assert_eq!(described(&heard, other.clone()), other);
}

#[tokio::test]
async fn a_code_that_the_message_names_is_not_said_twice() {
    for (said, expected) in [
        (r#"{"error":"invalid_grant"}"#, None),
        (r#"{"error":"invalid_scope"}"#, Some("invalid_scope")),
        (r#"{"error":"invalid_grant","error_description":"The token has ended"}"#, Some("The token has ended")),
    ] {
        let (place, heard) = heard(|request| request, json(400, said)).await;
        let ended = format!("{place} answered 400 Bad Request (invalid_grant)");
        let told = described(&heard, Reason::new(reason::NEEDS_REAUTHORIZATION, ended));
        assert_eq!(told.provider_text.as_ref().map(ProviderText::as_str), expected, "{said}");
    }
}

#[tokio::test]
async fn a_text_that_is_too_long_for_a_sentence_gives_no_words() {
    for (length, is_told) in [(16 * 1024, true), (16 * 1024 + 1, false)] {
        let said = format!(r#"{{"message":"{}"}}"#, "a ".repeat(length)[..length].replace(' ', "b"));
        let (_, heard) = heard(|request| request, json(400, &said)).await;
        assert_eq!(words(&heard).is_some(), is_told, "{length}");
    }
}

#[tokio::test]
async fn words_of_the_protocol_stay_readable_and_a_body_that_cannot_be_read_leaves_no_words() {
    let said = r#"{"error_description":"The authorization_code is used up, or the scope repo:write is unknown"}"#;
    let form = |request: HttpRequest| request.form("grant_type", "authorization_code").form("scope", "repo:write");
    let (_, heard) = heard(form, json(400, said)).await;
    assert!(words(&heard).unwrap().contains("authorization_code is used up, or the scope repo:write"));
    let unread = |mut request: HttpRequest| {
        request.body = Secret::from("<login><password>hunter2-hunter2</password></login>");
        request
    };
    let (_, heard) = self::heard(unread, json(400, r#"{"message":"wrong: hunter2-hunter2"}"#)).await;
    assert_eq!(words(&heard), None);
}

#[tokio::test]
async fn words_that_a_plugin_found_are_covered_too_and_a_known_secret_that_was_not_sent() {
    let (_, heard) = heard(|request| request.bearer(&Secret::from(SECRET)), json(400, "{}")).await;
    heard.covers(vec![Secret::from("stored-elsewhere-77")]);
    let found = ProviderText::new(&format!("state {SECRET} and stored-elsewhere-77"));
    let reason = Reason::new("acme_access_denied", "refused").provider_text(found);
    let told = described(&heard, reason).provider_text.unwrap();
    assert_eq!(told.as_str(), format!("state {} and {}", "*".repeat(SECRET.len()), "*".repeat(19)));
}

#[tokio::test]
async fn an_answer_of_an_earlier_run_is_named_and_is_no_request_of_this_one() {
    let client = HttpClient::with_lookup(HttpPolicy::new(), clock(), Names::of(&[])).unwrap();
    let heard = LastAnswer::default();
    let request = HttpRequest::get(&base("https://api.acme.example"), "/me");
    let answer = HttpResponse::new(503, Vec::new(), r#"{"message":"later"}"#, now());
    client.recall(&heard, &request, Ok(&answer));
    assert_eq!((heard.origin(), heard.is_outage()), (None, false));
    let told = described(&heard, NotLive::provider_error(None).reason);
    assert_eq!(told.message.as_str(), "api.acme.example answered 503 Service Unavailable");
    assert_eq!(told.provider_text.unwrap().as_str(), "later");
}

#[tokio::test]
async fn a_word_that_may_be_a_token_is_covered_although_it_was_not_sent() {
    for (said, shown) in [
        ("the key 0123456789abcdefSECRETother is revoked", format!("the key {} is revoked", "*".repeat(27))),
        ("see https://acme.example/errors/oauth2#invalid", "see https://acme.example/errors/oauth2#invalid".to_owned()),
        ("internationalization-of-everything", "internationalization-of-everything".to_owned()),
        ("ghp_0123456789abcdef, again", format!("{}, again", "*".repeat(20))),
    ] {
        let (_, heard) = heard(|request| request, json(400, &format!(r#"{{"message":"{said}"}}"#))).await;
        assert_eq!(words(&heard), Some(shown));
    }
}
