//! A credential is sent to its own origins and nowhere else, whatever a request, a redirect or an answer says.

use connection_contract::{HttpError, HttpRequest, host, prelude::*};
use connection_core::{Error, HttpPolicy, Outcome};
use connection_faults::scripted::{Scripted, live};

use crate::{
    acme::{API, KIND},
    test_host::{World, code, connect, connected, me},
    test_server::{Reply, TestServer},
};

/// A server of a third party, which answers every request.
async fn stranger() -> TestServer {
    TestServer::start(|_| me("1", "ada")).await
}

#[tokio::test]
async fn a_request_to_an_origin_out_of_reach_is_denied_and_nothing_is_sent() {
    let world = World::new().await;
    let other = stranger().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    let before = world.server.requests().len();
    let beyond =
        [other.origin(), world.server.origin(), "https://api.acme.example:444".into(), "https://acme.example".into()];
    for origin in beyond {
        let base = host::base_url(&origin).unwrap();
        let denied = connection.send(HttpRequest::get(&base, "/me")).await.unwrap_err();
        assert!(matches!(&denied, Error::Denied { origin: of } if of == base.origin()), "{origin}: {denied:?}");
        assert_eq!(denied.code(), "denied");
        assert!(denied.to_string().contains(base.origin().as_str()));
    }
    assert_eq!((other.requests().len(), world.server.requests().len()), (0, before));
    assert_eq!(connection.origins().await.unwrap(), [host::origin(API).unwrap()]);
}

#[tokio::test]
async fn a_redirect_within_the_origin_is_followed_with_the_credential() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    world.provider(|request| match request.starts_with("GET /old ") {
        true => Reply::redirect(302, "/new"),
        false => Reply::ok("here"),
    });
    let request = connection.request("GET", "/old").await.unwrap();
    let answer = connection.send(request).await.unwrap();
    assert_eq!(answer.bytes(100).await.unwrap().expose(), b"here");
    let seen = world.server.requests().pop().unwrap();
    assert!(seen.starts_with("GET /new ") && seen.contains("Bearer key-1"), "{seen}");
}

#[tokio::test]
async fn a_redirect_loop_and_a_closed_connection_are_told_with_the_host() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    let turns: fn() -> Reply = || Reply::redirect(302, "/me");
    let closes: fn() -> Reply = || Reply::raw("");
    for (reply, says) in [
        (turns, "api.acme.example answered 302: it redirects in a loop, or too many times in a row"),
        (closes, "api.acme.example closed the connection before it had answered"),
    ] {
        world.provider(move |_| reply());
        let request = connection.request("GET", "/me").await.unwrap();
        let error = connection.send(request).await.unwrap_err();
        assert_eq!((error.code(), &*error.to_string()), ("provider_error", says));
    }
}

#[tokio::test]
async fn a_redirect_to_another_origin_is_not_followed() {
    let world = World::new().await;
    let other = stranger().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    for status in [301, 302, 303, 307, 308] {
        for location in [format!("{}/steal", other.origin()), format!("//127.0.0.1:{}/steal", other.port())] {
            world.provider(move |_| Reply::redirect(status, &location));
            let request = connection.request("GET", "/old").await.unwrap();
            let denied = connection.send(request).await.unwrap_err();
            assert!(matches!(&denied, Error::Http { source: HttpError::Denied, .. }), "{denied:?}");
            let info = connection.verify().await.unwrap();
            assert_eq!(info.liveness, Liveness::Offline, "a sign-in in front of the API says nothing about the key");
            assert_eq!(info.reason.map(|reason| reason.code).as_deref(), Some("provider_error"));
        }
    }
    assert_eq!(other.requests(), [""; 0]);
}

/// An address that the user names is the only origin; those that the plugin declares are not added.
#[tokio::test]
async fn a_connection_to_a_server_of_the_users_own_reaches_that_server_alone() {
    let world = World::new().await;
    let own = stranger().await;
    // No mapping leads there: only the answer names it.
    let registry = world.acme().await;
    let answers = [("accessToken", "key-own"), ("apiBaseUrl", &*format!("{}/api/v3", own.origin()))];
    let Outcome::Done(done) = connect(&registry, &KIND, &answers).await else { panic!("not connected") };
    let connection = registry.connection(done.connection).await.unwrap();
    connection.verify().await.unwrap();
    let request = connection.request("GET", "/things").await.unwrap();
    assert_eq!(connection.send(request).await.unwrap().status(), 200);
    let seen = own.requests().pop().unwrap();
    assert!(seen.starts_with("GET /api/v3/things ") && seen.contains("Bearer key-own"), "{seen}");
    assert_eq!(connection.base_url().await.unwrap().to_string(), format!("{}/api/v3", own.origin()));
    assert_eq!(connection.origins().await.unwrap(), [host::origin(&own.origin()).unwrap()]);
    // The provider's public address is not an origin of this connection, and never sees its key.
    let public = HttpRequest::get(&host::base_url(API).unwrap(), "/me");
    assert!(matches!(connection.send(public).await, Err(Error::Denied { .. })));
    registry.remove(connection.id()).await.unwrap();
    assert_eq!(world.server.requests(), [""; 0]);
}

/// A plugin that declares the address of a machine in the private network.
fn declares(origin: String) -> Scripted {
    let descriptor = Descriptor::new(Kind::from_static("declares"), "Declares", AuthType::ApiKey).origin(origin);
    Scripted::new(descriptor.field(Field::text("name", "Name")))
        .verify(|it, key, ctx| {
            Box::pin(async move {
                classify(ctx.send_as(it, key, HttpRequest::get(ctx.connection().base_url()?, "/me")).await)?;
                Ok(VerifyResult::live())
            })
        })
        .bearer()
}

#[tokio::test]
async fn a_private_address_that_the_user_did_not_name_gets_nothing() {
    let world = World::new().await;
    let inside = stranger().await;
    let registry = world.open(declares(inside.origin())).await;
    let kind = Kind::from_static("declares");
    let Outcome::Done(done) = connect(&registry, &kind, &[("name", "x")]).await else { panic!("not connected") };
    let connection = registry.connection(done.connection).await.unwrap();
    let request = connection.request("GET", "/things").await.unwrap();
    let denied = connection.send(request).await.unwrap_err();
    assert!(matches!(denied, Error::Http { source: HttpError::Denied, .. }), "{denied:?}");
    let info = connection.verify().await.unwrap();
    assert_eq!((info.liveness, &*info.reason.unwrap().code), (Liveness::Failing, "denied"));
    assert_eq!(inside.requests(), [""; 0]);
    registry.close().await;
    // The control: the host maps it, and thereby names it.
    let policy = HttpPolicy::new().endpoint(&inside.origin(), &inside.origin()).unwrap();
    let registry = world.builder().http(policy).kind(declares(inside.origin())).open().await.unwrap();
    let connection = registry.connection(done.connection).await.unwrap();
    let request = connection.request("GET", "/things").await.unwrap();
    assert_eq!(connection.send(request).await.unwrap().status(), 200);
    assert_eq!(inside.requests().len(), 1);
}

#[tokio::test]
async fn a_plugin_cannot_widen_its_reach_in_a_setup() {
    /// A plugin whose base URL is an address that no person named.
    fn widens(base: String) -> Scripted<String> {
        let descriptor = Descriptor::new(Kind::from_static("widens"), "Widens", AuthType::ApiKey)
            .origin(API)
            .field(Field::text("name", "Name"));
        Scripted::with(base, descriptor).setup(|it, ctx| {
            Box::pin(async move {
                ctx.prompt(Prompt::new("Connect").field("name")).await;
                let reach = Reach::base(host::base_url(it).unwrap());
                Ok(live("key", Identity::new("1", "ada")).reach(reach))
            })
        })
    }
    let world = World::new().await;
    let other = stranger().await;
    let kind = Kind::from_static("widens");
    let registry = world.open(widens(other.origin())).await;
    assert_eq!(code(&connect(&registry, &kind, &[("name", "x")]).await), "plugin_fault");
    // The control: its own address is granted.
    registry.kinds().replace(widens(API.into())).unwrap();
    assert_eq!(code(&connect(&registry, &kind, &[("name", "x")]).await), "done Live");
}

#[tokio::test]
async fn the_plugin_itself_reaches_no_further_than_its_connection() {
    let world = World::new().await;
    let own = stranger().await;
    let registry = world.acme().await;
    let answers = [("accessToken", "key-own"), ("apiBaseUrl", &*own.origin())];
    let Outcome::Done(done) = connect(&registry, &KIND, &answers).await else { panic!("not connected") };
    let connection = registry.connection(done.connection).await.unwrap();
    // The base comes from the sealed configuration, whatever the row says.
    let config = format!("UPDATE connection_account SET config = '[[\"apiBaseUrl\",\"{API}\"]]'");
    crate::sql::run(&world.database(), config).await;
    connection.verify().await.unwrap();
    assert_eq!(world.server.requests(), [""; 0]);
    assert!(own.requests().iter().all(|request| request.contains("Bearer key-own")));
}
