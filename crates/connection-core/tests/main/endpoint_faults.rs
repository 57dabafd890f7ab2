//! Mistakes of a provider, in a verification and in a setup. They are data with a reason and a remedy, never an
//! error, and the authorization is never lost unless the provider said so.

use std::time::Duration;

use connection_contract::{DisplayText, Liveness, Reason, Timestamp, reason};
use connection_core::{Connection, ConnectionRegistry, Filter, Outcome, SetupSession, SetupStep};

use crate::{
    acme::KIND,
    sql,
    test_host::{START, World, answers, connected, me, step},
    test_server::Reply,
};

/// A mistake of a provider, and the expected result.
struct Fault {
    name: &'static str,
    reply: fn() -> Reply,
    liveness: Liveness,
    code: &'static str,
    message: &'static str,
    remedy: Option<&'static str>,
    /// The seconds until the next attempt, if the provider gave them.
    again: Option<i64>,
}

const fn refused(message: &'static str) -> (Liveness, &'static str, &'static str, Option<&'static str>) {
    (Liveness::Failing, "unauthorized", message, Some("authorize this connection again with a valid credential"))
}

/// The result for a rate limit, with its end if the provider gave one.
const fn limited(message: &'static str) -> (Liveness, &'static str, &'static str, Option<&'static str>) {
    (Liveness::Offline, "rate_limited", message, None)
}

const LIMITED: (Liveness, &str, &str, Option<&str>) =
    limited("api.acme.example answered 429 Too Many Requests and asks to wait");
const fn error(message: &'static str) -> (Liveness, &'static str, &'static str, Option<&'static str>) {
    (Liveness::Offline, "provider_error", message, None)
}

const NO_HTTP: (Liveness, &str, &str, Option<&str>) =
    (Liveness::Offline, "provider_error", "api.acme.example gave no answer that is valid HTTP", None);
const CLOSED: (Liveness, &str, &str, Option<&str>) =
    error("api.acme.example closed the connection before it had answered");
const LOOP: (Liveness, &str, &str, Option<&str>) =
    error("api.acme.example answered 302 Found: it redirects in a loop, or too many times in a row");
const CUT_OFF: (Liveness, &str, &str, Option<&str>) =
    (Liveness::Offline, "provider_error", "api.acme.example answered 200, and the rest is not valid HTTP", None);
const NOT_JSON: (Liveness, &str, &str, Option<&str>) =
    (Liveness::Offline, "not_json", "api.acme.example answered 200 with text that is not JSON", None);
const NO_FIELD: (Liveness, &str, &str, Option<&str>) =
    (Liveness::Offline, "not_json", "api.acme.example answered 200 without the field 'id'", None);
const LARGE: (Liveness, &str, &str, Option<&str>) =
    (Liveness::Offline, "too_large", "api.acme.example answered 200 with more than this host reads", None);
/// A longer pause is not accepted.
const A_WEEK: &str = "api.acme.example answered 429 Too Many Requests and asks to wait until 2027-01-22T08:00:00Z";
/// The longest accepted pause, in seconds.
const CEILING: i64 = 7 * 24 * 60 * 60;

const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n{\"id\":\"1\",";
const FLOOD: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n";

type Said = (Liveness, &'static str, &'static str, Option<&'static str>);

fn fault(name: &'static str, said: Said, again: Option<i64>, reply: fn() -> Reply) -> Fault {
    let (liveness, code, message, remedy) = said;
    Fault { name, reply, liveness, code, message, remedy, again }
}

fn faults() -> impl Iterator<Item = Fault> {
    statuses().into_iter().chain(limits()).chain(bodies())
}

fn statuses() -> Vec<Fault> {
    vec![
        fault(
            "401",
            refused("api.acme.example answered 401 Unauthorized: the provider refuses the credential"),
            None,
            || Reply::whole(401, "", "{}"),
        ),
        fault(
            "403",
            refused("api.acme.example answered 403 Forbidden: the provider refuses the credential"),
            None,
            || Reply::whole(403, "", "{}"),
        ),
        fault("404", error("api.acme.example answered 404 Not Found"), None, || Reply::whole(404, "", "{}")),
        fault("500", error("api.acme.example answered 500 Internal Server Error"), None, || {
            Reply::whole(500, "", "no")
        }),
        fault("502", error("api.acme.example answered 502 Bad Gateway"), None, || Reply::whole(502, "", "<html>")),
        fault("599", error("api.acme.example answered 599"), None, || Reply::whole(599, "", "")),
        fault("503", error("api.acme.example answered 503 Service Unavailable"), None, || Reply::whole(503, "", "")),
        fault("403, a page", error("api.acme.example answered 403 Forbidden"), None, || {
            Reply::whole(403, "content-type: text/html\r\n", "<html>Request blocked</html>")
        }),
        fault("401, a page", error("api.acme.example answered 401 Unauthorized"), None, || {
            Reply::whole(401, "", "<!DOCTYPE html><title>Sign in</title>")
        }),
        fault(
            "401, a page with a challenge",
            refused("api.acme.example answered 401 Unauthorized: the provider refuses the credential"),
            None,
            || Reply::whole(401, "www-authenticate: Bearer\r\n", "<html>no</html>"),
        ),
        fault(
            "400, an invalid token",
            refused("api.acme.example answered 400 Bad Request: the provider refuses the credential"),
            None,
            || Reply::whole(400, "www-authenticate: Bearer error=\"invalid_token\"\r\n", "{}"),
        ),
    ]
}

fn limits() -> Vec<Fault> {
    vec![
        fault(
            "503, in 30 s",
            limited("api.acme.example answered 503 Service Unavailable and asks to wait until 2027-01-15T08:00:30Z"),
            Some(30),
            || Reply::whole(503, "retry-after: 30\r\n", ""),
        ),
        fault(
            "403, in 30 s",
            limited("api.acme.example answered 403 Forbidden and asks to wait until 2027-01-15T08:00:30Z"),
            Some(30),
            || Reply::whole(403, "retry-after: 30\r\n", "{}"),
        ),
        fault(
            "403, no requests left",
            limited("api.acme.example answered 403 Forbidden and asks to wait until 2027-01-15T08:01:00Z"),
            Some(60),
            || Reply::whole(403, &format!("x-ratelimit-remaining: 0\r\nx-ratelimit-reset: {}\r\n", START + 60), "{}"),
        ),
        fault("429", LIMITED, None, || Reply::whole(429, "", "")),
        fault(
            "429, in 120 s",
            limited("api.acme.example answered 429 Too Many Requests and asks to wait until 2027-01-15T08:02:00Z"),
            Some(120),
            || Reply::whole(429, "retry-after: 120\r\n", ""),
        ),
        fault(
            "429, at a time",
            limited("api.acme.example answered 429 Too Many Requests and asks to wait until 2027-01-15T08:01:30Z"),
            Some(90),
            || dated(90),
        ),
        fault("429, at a time that is over", LIMITED, None, || dated(-90)),
        fault("429, soon", LIMITED, None, || Reply::whole(429, "retry-after: soon\r\n", "")),
        fault("429, in -5 s", LIMITED, None, || Reply::whole(429, "retry-after: -5\r\n", "")),
        fault("429, in a century", limited(A_WEEK), Some(CEILING), || {
            Reply::whole(429, "retry-after: 3155760000\r\n", "")
        }),
        fault("429, in more than there is", limited(A_WEEK), Some(CEILING), || {
            Reply::whole(429, "retry-after: 18446744073709551615\r\n", "")
        }),
    ]
}

fn bodies() -> Vec<Fault> {
    vec![
        fault("not JSON", NOT_JSON, None, || Reply::ok("<html>Welcome</html>")),
        fault("nothing", NOT_JSON, None, || Reply::ok("")),
        fault("JSON of another shape", NO_FIELD, None, || Reply::ok(r#"{"user":{"id":1}}"#)),
        fault("JSON of another type", NO_FIELD, None, || Reply::ok(r#"[{"id":"1"}]"#)),
        fault("10 MiB", LARGE, None, || Reply::flood(FLOOD, 10)),
        fault("10 MiB, announced", LARGE, None, || Reply::raw("HTTP/1.1 200 OK\r\ncontent-length: 10485760\r\n\r\n")),
        fault("10 MiB of headers", NO_HTTP, None, || Reply::flood("HTTP/1.1 200 OK\r\nx-long: ", 10)),
        fault("an answer cut off", CUT_OFF, None, || Reply::raw(HEAD)),
        fault("no HTTP", NO_HTTP, None, || Reply::raw("SSH-2.0-OpenSSH_9.6\r\n")),
        fault("a closed connection", CLOSED, None, || Reply::raw("")),
        fault("redirects without end", LOOP, None, || Reply::redirect(302, "/me")),
    ]
}

fn dated(seconds: i64) -> Reply {
    let at = Timestamp::from_seconds(START + seconds).to_http_date();
    Reply::whole(429, &format!("retry-after: {at}\r\n"), "")
}

/// `Retry-After` ends where a scheduler sees it.
async fn next_check(world: &World) -> Option<i64> {
    sql::number(&world.database(), "SELECT next_check_at FROM connection_liveness").await
}

async fn rows(registry: &ConnectionRegistry) -> usize {
    registry.list_connections(Filter::new()).await.unwrap().items.len()
}

#[track_caller]
fn check(name: &str, reason: Option<&Reason>, fault: (&str, &str, Option<&str>)) {
    let reason = reason.unwrap_or_else(|| panic!("{name}: there is no reason"));
    let remedy = reason.remedy.as_ref().map(DisplayText::as_str);
    assert_eq!((&*reason.code, reason.message.as_str(), remedy), fault, "{name}");
}

/// The provider is asked again after the pause that it named, or else after five minutes and up to a quarter more.
#[track_caller]
fn check_pause(name: &str, at: Option<i64>, named: Option<i64>) {
    let pause = at.unwrap_or_else(|| panic!("{name}: nobody asks again")) - START;
    match named {
        Some(named) => assert_eq!(pause, named, "{name}"),
        None => assert!((300..=375).contains(&pause), "{name}: {pause}"),
    }
}

/// R-INSEAM-014
#[tokio::test]
async fn a_verification_says_what_the_provider_did_wrong_and_is_live_again_after_it() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    for Fault { name, reply, liveness, code, message, remedy, again } in faults() {
        world.provider(move |_| reply());
        let info = connection.verify().await.unwrap();
        assert_eq!(info.liveness, liveness, "{name}");
        check(name, info.reason.as_ref(), (code, message, remedy));
        check_pause(name, next_check(&world).await, again);

        world.provider(|_| me("1", "ada"));
        // One of the faults asks to wait.
        let info = connection.verify_now().await.unwrap();
        assert_eq!((info.liveness, info.reason), (Liveness::Live, None), "{name}");
        assert_eq!(next_check(&world).await, None, "{name}");
    }
    assert!(world.server.requests().iter().all(|request| request.starts_with("GET /me ")));
}

/// A sign-in in front of the API, or a captive portal, leads elsewhere. That says nothing about the credential.
#[tokio::test]
async fn a_redirect_elsewhere_is_an_answer_that_refuses_no_credential() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    for (status, words, location) in
        [(302, "302 Found", "https://evil.example/me"), (307, "307 Temporary Redirect", "http://169.254.169.254/")]
    {
        world.provider(move |_| Reply::redirect(status, location));
        let message = format!("api.acme.example answered {words}, which leads to another address");
        let info = connection.verify().await.unwrap();
        assert_eq!(info.liveness, Liveness::Offline, "{location}");
        check(location, info.reason.as_ref(), ("provider_error", message.as_str(), None));
        check_pause(location, next_check(&world).await, None);
        // In a setup, a person may have entered another address than that of the API.
        let session = answered(&registry).await;
        let (_, shown) = step(&session).await;
        let SetupStep::Failed(failure) = shown else { panic!("{location}: {shown:?}") };
        assert_eq!((&*failure.code, failure.message.as_str()), ("denied", message.as_str()));
        world.provider(|_| me("1", "ada"));
        assert_eq!(connection.verify_now().await.unwrap().liveness, Liveness::Live, "{location}");
    }
    assert!(world.server.requests().iter().all(|request| request.starts_with("GET /me ")));
}

#[tokio::test]
async fn a_setup_keeps_the_answers_through_a_bad_network_and_ends_at_a_refusal() {
    let world = World::new().await;
    let registry = world.acme().await;
    for Fault { name, reply, liveness, code, message, remedy, .. } in faults() {
        world.provider(move |_| reply());
        let session = answered(&registry).await;
        let (no, shown) = step(&session).await;
        assert_eq!(rows(&registry).await, 0, "{name}");
        world.provider(|_| me("1", "ada"));
        if liveness == Liveness::Offline {
            assert_eq!((no, waits(&shown)), (1, Some(message.to_owned())), "{name}: {shown:?}");
            let resumed = registry.setups().resume(session.id()).await.unwrap();
            finish(&world, &registry, name, &resumed, Liveness::Live).await;
        } else {
            let SetupStep::Failed(failure) = shown else { panic!("{name}: {shown:?}") };
            let remedy_shown = failure.remedy.as_ref().map(DisplayText::as_str);
            // There is no connection yet.
            let begin = remedy.map(|remedy| remedy.replace(reason::AUTHORIZE_AGAIN, "begin again"));
            let expected = (code, message, begin.as_deref());
            assert_eq!((&*failure.code, failure.message.as_str(), remedy_shown), expected, "{name}");
        }
        assert!(registry.setups().list().await.unwrap().is_empty(), "{name}");
    }
}

#[tokio::test]
async fn an_offline_provider_costs_no_new_connection_and_one_that_refuses_leaves_nothing() {
    let world = World::new().await;
    let registry = world.acme().await;
    for Fault { name, reply, liveness, code, message, remedy, again } in faults() {
        // The provider works during the setup, and no longer when the new connection is verified.
        let mut requests = 0;
        world.provider(move |_| {
            requests += 1;
            if requests == 1 { me("1", "ada") } else { reply() }
        });
        let session = answered(&registry).await;
        if liveness == Liveness::Offline {
            let reason = finish(&world, &registry, name, &session, Liveness::Offline).await;
            check(name, reason.0.as_ref(), (code, message, remedy));
            check_pause(name, reason.1, again);
        } else {
            let Outcome::Failed(failure) = session.terminal().await.unwrap() else { panic!("{name}") };
            assert_eq!(failure.code, "verify_failed", "{name}");
            assert!(failure.message.as_str().ends_with(message), "{name}: {failure}");
            assert_eq!(failure.remedy.as_ref().map(DisplayText::as_str), remedy, "{name}");
            assert_eq!(rows(&registry).await, 0, "{name}");
        }
    }
}

async fn answered(registry: &ConnectionRegistry) -> SetupSession {
    let session = registry.setups().begin(&KIND).await.unwrap();
    let (no, _) = step(&session).await;
    session.advance(no, &answers(&[("accessToken", "key-1")])).await.unwrap();
    session
}

/// Returns the message of a session that waits for a better network.
fn waits(shown: &SetupStep) -> Option<String> {
    let SetupStep::Notice { beside } = shown else { return None };
    let [what, resume] = &beside[..] else { return None };
    resume.message.as_str().contains("resume").then(|| what.message.to_string())
}

/// Ends the session with a connection, which is checked and removed.
async fn finish(
    world: &World,
    registry: &ConnectionRegistry,
    name: &str,
    session: &SetupSession,
    liveness: Liveness,
) -> (Option<Reason>, Option<i64>) {
    let Outcome::Done(done) = session.terminal().await.unwrap() else { panic!("{name}: no connection") };
    assert_eq!(done.liveness, liveness, "{name}");
    let connection: Connection = registry.connection(done.connection).await.unwrap();
    assert_eq!((connection.info().liveness, &connection.info().reason), (liveness, &done.reason), "{name}");
    let next = next_check(world).await;
    registry.remove(done.connection).await.unwrap();
    (done.reason, next)
}

#[tokio::test]
async fn a_provider_that_does_not_answer_is_offline_when_its_time_is_over() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    for slow in [Reply::silence, || Reply::silence_after(HEAD), || Reply::silence_after("HTTP/1.1 200")] {
        world.provider(move |_| slow());
        let before = world.server.requests().len();
        let (info, ()) = tokio::join!(connection.verify(), async {
            world.server.until_asked(before + 1).await;
            world.clock.advance(Duration::from_secs(15));
        });
        let info = info.unwrap();
        assert_eq!(info.liveness, Liveness::Offline);
        check("slow", info.reason.as_ref(), ("timeout", "cannot reach api.acme.example: timed out after 15 s", None));
    }
    world.provider(|_| me("1", "ada"));
    assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Live);
    registry.remove(connection.id()).await.unwrap();

    world.provider(|_| Reply::silence());
    let before = world.server.requests().len();
    let session = answered(&registry).await;
    world.server.until_asked(before + 1).await;
    world.clock.advance(Duration::from_secs(30));
    let (_, shown) = step(&session).await;
    assert_eq!(waits(&shown).as_deref(), Some("cannot reach api.acme.example: timed out after 15 s"));
}
