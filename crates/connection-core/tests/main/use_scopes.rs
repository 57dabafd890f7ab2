//! A 403 that names the scopes that a request lacked (RFC 6750, section 3.1), and the re-authorization that asks for them.

use connection_contract::Liveness;
use connection_core::{Connection, Error, Filter, Outcome, Reauthorize};

use crate::{
    extension_kit::{acme_extension, handle},
    test_host::{World, answers, connected, me, step},
    test_server::Reply,
};

const LACKING: &str = "www-authenticate: Bearer realm=\"acme\", error=\"insufficient_scope\", \
                       scope=\"things:write others:write\"\r\n";

/// A provider that refuses everything except a probe, for lack of scopes.
fn refuses(world: &World) {
    world.provider(|request| match request.starts_with("GET /me ") {
        true => me("1", "ada"),
        false => Reply::whole(403, LACKING, ""),
    });
}

/// Authorizes the connection again, and returns the scopes that it has then.
async fn authorized(connection: &Connection, again: Reauthorize) -> Vec<String> {
    let session = again.await.unwrap();
    let (number, _) = step(&session).await;
    session.advance(number, &answers(&[("accessToken", "key-2")])).await.unwrap();
    let ended = session.terminal().await.unwrap();
    assert!(matches!(ended, Outcome::Done(_)), "{ended:?}");
    connection.verify().await.unwrap().scopes.unwrap_or_default()
}

#[tokio::test]
async fn a_403_that_names_lacking_scopes_is_a_note_on_the_answer_and_no_liveness() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    refuses(&world);
    let request = connection.request("GET", "/things").await.unwrap();
    let answer = connection.send(request).await.unwrap();
    assert_eq!((answer.status(), answer.missing_scopes()), (403, &["things:write".into(), "others:write".into()][..]));
    assert_eq!(answer.askable_scopes(), ["things:write"], "the kind does not allow to ask for the other one");
    let listed = registry.list_connections(Filter::new()).await.unwrap().items;
    assert_eq!((listed[0].liveness, &listed[0].reason), (Liveness::Live, &None));
    assert!(connection.verify_refused_use().await.unwrap().is_none());
    // The control: another 403, and the same challenge with another status.
    for (status, headers) in [(403, ""), (400, LACKING)] {
        world.provider(move |_| Reply::whole(status, headers, ""));
        let request = connection.request("GET", "/things").await.unwrap();
        let answer = connection.send(request).await.unwrap();
        assert!(answer.missing_scopes().is_empty() && answer.askable_scopes().is_empty(), "{status}");
    }
}

#[tokio::test]
async fn a_403_that_names_granted_scopes_with_the_lacking_ones_says_the_lacking_ones_alone() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    // The handle was made before the scopes were granted.
    let more = connection.reauthorize().scope("things:write");
    assert_eq!(authorized(&connection, more).await, ["things:read", "things:write"]);
    world.provider(|_| {
        let scopes = "scope=\"things:read things:write things:admin\"";
        Reply::whole(403, &format!("www-authenticate: Bearer error=\"insufficient_scope\", {scopes}\r\n"), "")
    });
    let request = connection.request("GET", "/things").await.unwrap();
    let answer = connection.send(request).await.unwrap();
    assert_eq!(answer.missing_scopes(), ["things:admin"]);
    assert_eq!(answer.askable_scopes(), ["things:admin"]);
}

#[tokio::test]
async fn a_verification_and_a_setup_say_the_lacking_scopes_without_those_that_are_granted() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    let more = connection.reauthorize().scope("things:write");
    assert_eq!(authorized(&connection, more).await, ["things:read", "things:write"]);
    let lacking = || {
        let scopes = "scope=\"things:read things:write things:admin others:write\"";
        Reply::whole(403, &format!("www-authenticate: Bearer error=\"insufficient_scope\", {scopes}\r\n"), "")
    };
    world.provider(move |_| lacking());
    let reason = connection.verify().await.unwrap().reason.unwrap();
    assert_eq!(*reason.missing_scopes, ["things:admin".to_owned(), "others:write".to_owned()]);
    let message = reason.message.as_str();
    assert!(message.ends_with("the credential lacks the scopes things:admin others:write"), "{message}");
    // The provider grants the scope for which a repair asks, and refuses the verification after it.
    let mut requests = 0;
    world.provider(move |_| {
        requests += 1;
        if requests == 1 { me("1", "ada") } else { lacking() }
    });
    let failing = registry.connection(connection.id()).await.unwrap();
    let session = failing.reauthorize().await.unwrap();
    let (number, _) = step(&session).await;
    session.advance(number, &answers(&[("accessToken", "key-3")])).await.unwrap();
    let Outcome::Failed(failure) = session.terminal().await.unwrap() else { panic!("it is refused") };
    let message = failure.message.as_str();
    assert!(message.ends_with("the credential lacks the scopes others:write"), "{message}");
}

#[tokio::test]
async fn scopes_that_a_request_of_an_extension_lacked_are_missing_until_the_connection_is_authorized_again() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    let extensions = registry.extensions();
    for name in ["issues", "other"] {
        extensions.grant(name, connection.id(), &[]).await.unwrap();
    }
    let issues = handle(&registry, "issues");
    refuses(&world);
    for _ in 0..3 {
        let request = issues.request("GET", "/things").await.unwrap();
        assert_eq!(issues.send(request).await.unwrap().status(), 403);
    }
    let lacking = async || {
        let one = issues.resolve(issues.requirement()).await.unwrap();
        let declarations = [acme_extension("issues"), acme_extension("other")];
        let all = extensions.resolve_all(&declarations).await.unwrap();
        let all: Vec<_> = all.into_iter().map(|resolved| resolved.unwrap().missing_scopes().to_vec()).collect();
        assert_eq!((one.missing_scopes(), all[1].len()), (&all[0][..], 0), "the other extension lacks nothing");
        assert_eq!(one.askable_scopes().len(), one.missing_scopes().len().min(1));
        one
    };
    let resolved = lacking().await;
    assert_eq!(resolved.missing_scopes(), ["things:write", "others:write"]);
    assert_eq!((resolved.askable_scopes(), resolved.liveness()), (&["things:write".to_owned()][..], Liveness::Live));
    world.provider(|_| me("1", "ada"));
    let again = resolved.askable_scopes().iter().fold(connection.reauthorize(), Reauthorize::scope);
    assert_eq!(authorized(&connection, again).await, ["things:read", "things:write"]);
    assert!(lacking().await.missing_scopes().is_empty());
}

#[tokio::test]
async fn a_re_authorization_asks_for_scopes_that_the_kind_allows_and_keeps_those_that_the_connection_has() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    let refused = connection.reauthorize().scope("others:write").await.unwrap_err();
    assert!(matches!(refused, Error::NotSupported { .. }), "{refused:?}");
    let more = connection.reauthorize().scope("things:write");
    assert_eq!(authorized(&connection, more).await, ["things:read", "things:write"]);
    // A repair does not lose them.
    let connection = registry.connection(connection.id()).await.unwrap();
    assert_eq!(authorized(&connection, connection.reauthorize()).await, ["things:read", "things:write"]);
    // A connection that is failing for lack of a scope asks for it by itself, as the line above, the control, does not.
    world.provider(|_| {
        Reply::whole(403, "www-authenticate: Bearer error=\"insufficient_scope\", scope=\"things:admin\"\r\n", "")
    });
    let reason = connection.verify().await.unwrap().reason.unwrap();
    assert_eq!((&*reason.code, &*reason.missing_scopes), ("scope_missing", &["things:admin".to_owned()][..]));
    let failing = registry.connection(connection.id()).await.unwrap();
    world.provider(|_| me("1", "ada"));
    let again = failing.reauthorize();
    assert_eq!(authorized(&failing, again).await, ["things:read", "things:write", "things:admin"]);
    let more = connection.reauthorize().scope("things:admin");
    assert_eq!(authorized(&connection, more).await, ["things:read", "things:write", "things:admin"]);
}
