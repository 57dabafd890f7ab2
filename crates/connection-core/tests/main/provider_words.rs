//! The answer of a provider in what a person reads: its host, its status, and the provider's own words, which nobody else
//! gets.

use connection_contract::{DisplayText, ProviderText, Reason, encode};
use connection_core::{Error, Filter, Outcome, SetupStep};
use connection_faults::log;

use crate::{
    acme::KIND,
    leaks::Search,
    renewing::Renewals,
    test_host::{World, answers, connected, me, step},
    test_server::Reply,
};

const STATUSES: [(u16, &str); 7] = [
    (400, "400 Bad Request"),
    (401, "401 Unauthorized"),
    (403, "403 Forbidden"),
    (404, "404 Not Found"),
    (415, "415 Unsupported Media Type"),
    (422, "422 Unprocessable Entity"),
    (500, "500 Internal Server Error"),
];
const BODIES: [&str; 3] = ["<html>Sorry</html>", r#"{"error":"Not Found"}"#, ""];
const HOST: &str = "api.acme.example";

fn words(reason: &Reason) -> Option<&str> {
    reason.provider_text.as_ref().map(ProviderText::as_str)
}

#[track_caller]
fn names_both(message: &DisplayText, status: &str, body: &str) {
    let message = message.as_str();
    assert!(message.contains(HOST) && message.contains(status), "{status} {body}: {message}");
}

#[tokio::test]
async fn each_refusal_in_a_setup_and_a_verification_names_the_host_and_the_status() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    for (status, named) in STATUSES {
        for body in BODIES {
            world.provider(move |_| Reply::whole(status, "", body));
            let found = connection.verify().await.unwrap().reason.unwrap();
            names_both(&found.message, named, body);
            let session = registry.setups().begin(&KIND).await.unwrap();
            let (no, _) = step(&session).await;
            session.advance(no, &answers(&[("accessToken", "key-2")])).await.unwrap();
            match step(&session).await.1 {
                SetupStep::Failed(failure) => names_both(&failure.message, named, body),
                SetupStep::Notice { beside } => names_both(&beside[0].message, named, body),
                other => panic!("{status}: {other:?}"),
            }
            session.cancel().await.ok();
        }
    }
}

#[tokio::test]
async fn each_refusal_of_a_refresh_names_the_host_and_the_status() {
    for (status, named) in STATUSES.into_iter().filter(|(status, _)| *status != 500) {
        for body in BODIES {
            let it = Renewals::new().await;
            it.provider.says(Some((status, "", body)));
            it.at(100);
            let Err(Error::NotRenewed { why, .. }) = it.connection.refresh().await else { panic!("{status}") };
            names_both(&why.reason.message, named, body);
        }
    }
}

#[tokio::test]
async fn whoever_asks_gets_the_words_of_the_provider_and_nothing_else_does() {
    const SAID: &str = "The subscription of this team has ended";
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    log::begin();
    let mut changes = connection.on_liveness_change();
    let said = format!(r#"{{"error":"ended","error_description":"{SAID}"}}"#);
    world.provider(move |_| Reply::whole(403, "", &said));
    let found = connection.verify().await.unwrap();
    assert_eq!(words(found.reason.as_ref().unwrap()), Some(SAID));
    assert!(!format!("{found:?}").contains(SAID), "a message of a program does not have them");
    assert_eq!(words(&changes.next().await.unwrap().reason.unwrap()), None);
    let read = registry.connection(connection.id()).await.unwrap();
    assert_eq!(words(read.info().reason.as_ref().unwrap()), None, "nobody has asked for them");
    let told = read.info_with_words().await.unwrap();
    assert_eq!(words(told.reason.as_ref().unwrap()), Some(SAID));
    assert!(!format!("{told:?}").contains(SAID), "a message of a program does not have them");
    let listed = registry.list_connections(Filter::new()).await.unwrap().items;
    assert!(listed.iter().all(|info| info.reason.as_ref().and_then(words).is_none()));
    // A setup that failed shows them again to whoever reads it, from a sealed cell.
    let session = registry.setups().begin(&KIND).await.unwrap();
    let (no, _) = step(&session).await;
    session.advance(no, &answers(&[("accessToken", "key-2")])).await.unwrap();
    let Outcome::Failed(failure) = session.terminal().await.unwrap() else { panic!() };
    assert_eq!(failure.provider_text.as_ref().map(ProviderText::as_str), Some(SAID));
    let other = world.acme().await;
    let Outcome::Failed(failure) = other.setups().get(session.id()).await.unwrap().terminal().await.unwrap() else {
        panic!()
    };
    assert_eq!(failure.provider_text.map(|words| words.as_str().to_owned()), Some(SAID.to_owned()));
    let (found, read) = Search::of([("said", SAID)]).files(world.directory.path());
    assert!(found.is_empty() && read > 0, "{found:?}");
    assert_eq!(log::lines_with(SAID), [""; 0]);
}

#[tokio::test]
async fn a_use_that_needs_a_refresh_does_not_get_the_words_of_the_provider() {
    let it = Renewals::new().await;
    it.provider.says(Some((400, "", r#"{"error_description":"The subscription has ended"}"#)));
    it.expire().await;
    let Err(Error::NotRenewed { why, .. }) = it.send().await else { panic!() };
    assert_eq!(words(&why.reason), None);
    assert!(why.reason.message.as_str().contains(HOST), "{}", why.reason.message);
}

#[tokio::test]
async fn a_handle_of_an_agent_does_not_get_the_words_of_the_provider() {
    let it = Renewals::new().await;
    it.provider.says(Some((400, "", r#"{"error_description":"The subscription has ended"}"#)));
    it.at(100);
    let agent = it.registry.agents().create("deploy").await.unwrap();
    let Err(Error::NotRenewed { why, .. }) = it.connection.for_agent(agent.id()).refresh().await else { panic!() };
    assert_eq!(words(&why.reason), None);
    assert!(why.reason.message.as_str().contains(HOST), "{}", why.reason.message);
}

/// Returns a text in which a provider repeats these secrets in many forms.
fn repeated<'a>(secrets: impl IntoIterator<Item = &'a str>) -> String {
    let forms = |secret: &str| {
        let json = serde_json::to_string(secret).unwrap();
        [
            secret.to_owned(),
            encode::percent_encode(secret),
            encode::base64(secret.as_bytes()),
            encode::base64url(secret.as_bytes()),
            encode::hex(secret.as_bytes()),
            json.trim_matches('"').to_owned(),
        ]
        .join(" ")
    };
    secrets.into_iter().map(forms).collect::<Vec<_>>().join(" ")
}

fn echo(status: u16, text: &str) -> Reply {
    Reply::whole(status, "", &serde_json::json!({ "error": "echo", "error_description": text }).to_string())
}

#[tokio::test]
async fn no_secret_that_a_provider_repeats_is_found_in_its_words() {
    const KEY: &str = "canary/key+one\"7=";
    let search = Search::of([("key", KEY), ("access", "access-1"), ("refresh", "refresh-1")]);
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, KEY).await;
    let text = repeated([KEY]);
    let told = text.clone();
    world.provider(move |_| echo(403, &told));
    let verified = connection.verify().await.unwrap().reason.unwrap();
    let session = registry.setups().begin(&KIND).await.unwrap();
    let (no, _) = step(&session).await;
    session.advance(no, &answers(&[("accessToken", KEY)])).await.unwrap();
    let Outcome::Failed(failed) = session.terminal().await.unwrap() else { panic!() };
    let it = Renewals::new().await;
    let renewing = serde_json::json!({ "error_description": repeated(["refresh-1", "access-1"]) }).to_string();
    it.provider.says(Some((400, "", &renewing)));
    it.at(100);
    let Err(Error::NotRenewed { why, .. }) = it.connection.refresh().await else { panic!() };
    for told in [verified.provider_text, failed.provider_text, why.reason.provider_text] {
        let told = told.unwrap();
        assert!(told.as_str().contains('*'), "{}", told.as_str());
        let found = search.bytes(told.as_str().as_bytes());
        assert!(found.is_empty(), "{found:?}: {}", told.as_str());
    }
    world.provider(|_| me("1", "ada"));
}
