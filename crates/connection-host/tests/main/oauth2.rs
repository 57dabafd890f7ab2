//! A kind that is a configuration, in the core, against a certified server: what this one refuses, no fake knows.

use std::{sync::Arc, time::Duration};

use connection_contract::{Kind, Liveness, Secret, Timestamp, encode};
use connection_core::{
    ConnectionRegistry, HttpPolicy, InboundEndpoint, KeyFile, ManualClock, Outcome, SetupSession, SetupStage, SetupStep,
};
use connection_faults::{
    oidc::{CLIENT, OidcServer, PUBLIC_CLIENT, SECRET},
    user_agent::UserAgent,
};
use connection_oauth2::{
    Account, Client, ClientAuth, Endpoint, Grant, OAuth2, OAuth2Builder, OAuth2Config, On, oauth2,
};

const KIND: Kind = Kind::from_static("oidc");
/// What the kind calls the server, since it sends nothing in the clear; the host maps it to the loopback one.
const AT: &str = "https://id.oidc.example";
const CALLBACK: &str = "http://127.0.0.1/callback";

fn kind(server: &OidcServer) -> OAuth2Builder {
    let at = |path: &str| format!("{AT}{path}");
    OAuth2Config::builder(KIND, "Oidc")
        .api(AT)
        .issuer(server.issuer())
        .issuer_in_callback()
        .endpoint(Endpoint::Authorize, at("/auth"))
        .endpoint(Endpoint::PushedAuthorization, at("/request"))
        .endpoint(Endpoint::Token, at("/token"))
        .endpoint(Endpoint::Revocation, at("/token/revocation"))
        .scope("openid")
        .scope("offline_access")
        .parameter(On::Authorize, "prompt", "consent")
        .client(Client::Configured { id: CLIENT.to_owned(), secret: Some(SECRET.into()) })
        .client_auth(ClientAuth::Basic)
        .account(Account::probe("/me", "/sub", "/sub"))
}

/// Receives nothing by itself: a test delivers.
#[derive(Debug)]
struct Inbound;

#[async_trait::async_trait]
impl InboundEndpoint for Inbound {
    async fn redirect_uri(&self, _: &Kind) -> Option<String> {
        Some(CALLBACK.to_owned())
    }
    async fn rebind(&self, _: &str) -> bool {
        true
    }
}

async fn open(server: &OidcServer, directory: &std::path::Path, kind: OAuth2, inbound: bool) -> ConnectionRegistry {
    let builder = ConnectionRegistry::builder()
        .store(directory.join("connections.db").display().to_string())
        .key(KeyFile::at(directory.join("root.key")))
        .http(HttpPolicy::new().endpoint(AT, server.issuer()).expect("loopback"))
        .kind(kind);
    let builder = if inbound { builder.inbound(Arc::new(Inbound)) } else { builder };
    builder.open().await.expect("a registry")
}
/// What the browser brings back from the address that this step opens.
fn browsed(server: &OidcServer, step: &SetupStep) -> String {
    let (SetupStep::Prompt { open: Some(redirect), .. } | SetupStep::Redirect { redirect, .. }) = step else {
        panic!("nothing is opened: {step:?}")
    };
    let link = redirect.link.as_str();
    assert!(!link.contains("state="), "it was pushed");
    UserAgent::new().follow(&link.replace(AT, server.issuer())).expect("an answer")
}
async fn waiting(session: &SetupSession) -> (u64, SetupStep) {
    session.next_step().await.expect("the store works").expect("a step")
}
fn of(server: &OidcServer, path: &str) -> Vec<i64> {
    server.ledger().into_iter().filter(|asked| asked.path == path).map(|asked| asked.status).collect()
}

/// Pushed, redeemed with PKCE and a form-encoded Basic, verified, and given back: the server tells what it was asked.
#[tokio::test(flavor = "multi_thread")]
async fn a_callback_connects_at_a_certified_server_and_a_removal_gives_the_tokens_back() {
    let Some(server) = OidcServer::start("{}") else { return };
    let directory = tempfile::tempdir().unwrap();
    let registry = open(&server, directory.path(), oauth2(kind(&server).build().unwrap()), true).await;
    let session = registry.begin_setup(&KIND).await.unwrap();
    let (_, step) = waiting(&session).await;
    let back = browsed(&server, &step);
    let (place, query) = back.split_once('?').unwrap();
    assert_eq!(place, CALLBACK);
    let parameters: Vec<_> =
        encode::from_form(query).into_iter().map(|(name, value)| (name, Secret::from(value))).collect();
    registry.deliver(parameters).await.unwrap();
    let Outcome::Done(done) = session.terminal().await.unwrap() else { panic!("not connected") };
    let connection = registry.connection(done.connection).await.unwrap();
    assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Live);
    assert_eq!(
        (of(&server, "/request"), of(&server, "/token"), of(&server, "/me")),
        (vec![201], vec![200], vec![200, 200])
    );
    registry.remove(done.connection).await.unwrap();
    assert_eq!(of(&server, "/token/revocation"), [200, 200]);
    registry.close().await;
}

/// A host that receives nothing: the address where the browser ends is pasted, after a wrong one.
#[tokio::test(flavor = "multi_thread")]
async fn a_pasted_address_connects_on_a_host_that_receives_nothing() {
    let Some(server) = OidcServer::start("{}") else { return };
    let directory = tempfile::tempdir().unwrap();
    let registry = open(&server, directory.path(), oauth2(kind(&server).build().unwrap()), false).await;
    let session = registry.begin_setup(&KIND).await.unwrap();
    let (no, step) = waiting(&session).await;
    let back = browsed(&server, &step);
    let foreign = back.replace("state=", "state=foreign");
    session.advance(no, &[("callbackUrl".to_owned(), Secret::from(foreign))]).await.unwrap();
    let (no, step) = waiting(&session).await;
    let SetupStep::Prompt { prompt, .. } = &step else { panic!("it asks again: {step:?}") };
    assert_eq!(prompt.problem.as_ref().unwrap().as_str(), "what came back belongs to another attempt");
    session.advance(no, &[("callbackUrl".to_owned(), Secret::from(back))]).await.unwrap();
    let Outcome::Done(_) = session.terminal().await.unwrap() else { panic!("not connected") };
    assert_eq!(of(&server, "/token"), [200]);
    registry.close().await;
}

/// The controls: a wrong secret is the operator's mistake and not the user's, and one with `%` and `+` in it is another one
/// when it is not encoded.
#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_the_server_refuses_is_an_operators_mistake() {
    let Some(server) = OidcServer::start("{}") else { return };
    let wrong = Client::Configured { id: CLIENT.to_owned(), secret: Some("wrong".into()) };
    for (builder, code) in [
        (kind(&server).client(wrong), "oidc_client_refused"),
        (kind(&server).client_auth(ClientAuth::BasicRaw), "oidc_refused"),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let registry = open(&server, directory.path(), oauth2(builder.build().unwrap()), true).await;
        let session = registry.begin_setup(&KIND).await.unwrap();
        let Outcome::Failed(failure) = session.terminal().await.unwrap() else { panic!("it is refused") };
        assert_eq!(failure.code, code);
        registry.close().await;
    }
}

/// What a person does with a code: opens the page, sees the same code there, and confirms.
fn confirmed(page: &str, code: &str) {
    let mut browser = UserAgent::new();
    let hidden = |body: &str| {
        let (_, rest) = body.split_once("name=\"xsrf\" value=\"").expect("a form");
        rest.split('"').next().expect("a value").to_owned()
    };
    let home = page.split('?').next().expect("an address").to_owned();
    let first = browser.get(page).expect("a page");
    let pairs = [("xsrf", hidden(&first.body)), ("user_code", code.to_owned())];
    let form = encode::form(pairs.iter().map(|(name, value)| (*name, value.as_str())));
    let second = browser.post(&home, "", &form).expect("a page");
    assert!(second.body.contains(code), "the same code is shown");
    let pairs = [("xsrf", hidden(&second.body)), ("user_code", code.to_owned()), ("confirm", "yes".to_owned())];
    let form = encode::form(pairs.iter().map(|(name, value)| (*name, value.as_str())));
    let third = browser.post(&home, "", &form).expect("an answer");
    let onward = third.header("location").expect("it is sent on");
    let origin = home.strip_suffix("/device").expect("the page");
    let onward = if onward.starts_with('/') { format!("{origin}{onward}") } else { onward.to_owned() };
    browser.follow(&onward).expect("an answer");
}

/// Resolves when the only session waits, which by then is durable.
async fn waits(registry: &ConnectionRegistry) {
    while registry.setups().await.expect("the store works").iter().any(|info| info.stage != SetupStage::Waiting) {
        tokio::task::yield_now().await;
    }
}

/// RFC 8628: shown, polled while nobody has confirmed it, and redeemed after, by a public application.
#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_is_confirmed_elsewhere_connects() {
    let Some(server) = OidcServer::start("{}") else { return };
    let directory = tempfile::tempdir().unwrap();
    let builder = OAuth2Config::builder(KIND, "Oidc")
        .api(AT)
        .endpoint(Endpoint::Device, format!("{AT}/device/auth"))
        .endpoint(Endpoint::Token, format!("{AT}/token"))
        .grant(Grant::DeviceCode)
        .scope("openid")
        .client(Client::Configured { id: PUBLIC_CLIENT.to_owned(), secret: None })
        .client_auth(ClientAuth::None)
        .account(Account::probe("/me", "/sub", "/sub"));
    let clock = ManualClock::at(Timestamp::from_seconds(1_800_000_000));
    let registry = ConnectionRegistry::builder()
        .store(directory.path().join("connections.db").display().to_string())
        .key(KeyFile::at(directory.path().join("root.key")))
        .http(HttpPolicy::new().endpoint(AT, server.issuer()).unwrap())
        .clock(Arc::new(clock.clone()))
        .kind(oauth2(builder.build().unwrap()))
        .open()
        .await
        .unwrap();
    let session = registry.begin_setup(&KIND).await.unwrap();
    let (_, step) = waiting(&session).await;
    let SetupStep::Notice { beside } = &step else { panic!("nothing is asked: {step:?}") };
    let shown = beside.iter().find(|notice| notice.user_code.is_some()).unwrap();
    let (page, code) = (shown.link.as_ref().unwrap().as_str(), shown.user_code.as_ref().unwrap().as_str());
    for polls in 1..=2 {
        waits(&registry).await;
        clock.until_asleep(1).await;
        clock.advance(Duration::from_secs(5));
        while of(&server, "/token").len() < polls {
            tokio::task::yield_now().await;
        }
        if polls == 1 {
            confirmed(page, code);
        }
    }
    let outcome = session.terminal().await.unwrap();
    let Outcome::Done(_) = outcome else { panic!("not connected: {outcome:?}") };
    assert_eq!(of(&server, "/token"), [400, 200]);
    registry.close().await;
}
