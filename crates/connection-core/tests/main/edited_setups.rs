//! Rows of setup sessions that another program edited. A value that was sealed for another row or column does not open;
//! it ends or blocks the session, and nothing is sent.

use std::{sync::Arc, time::Duration};

use connection_contract::prelude::*;
use connection_core::{AdvanceError, ConnectionRegistry, Error, Outcome, SetupSession, SetupStep};
use connection_faults::scripted::{Scripted, identity, live};

use crate::{
    acme::{API, Acme, KIND},
    extension_kit::keys_are_accounts,
    fake::Fake,
    inbound::{Inbound, returned, state},
    odd_plugin::{ODD, Odd},
    sql,
    test_host::{on_postgres, World, answers, code, connected, me, step},
    test_server::Reply,
};

const KEY: &[(&str, &str)] = &[("accessToken", "key-1")];

fn session_id(session: &SetupSession) -> String {
    sql::id_of(session.id())
}

/// A sealed column of a session.
struct Column<'a> {
    world: &'a World,
    sql: String,
    set: String,
}

impl Column<'_> {
    async fn read(&self) -> Vec<u8> {
        sql::blob(&self.world.database(), &self.sql).await
    }

    async fn write(&self, bytes: &[u8]) {
        let changed = sql::run(&self.world.database(), self.set.replace('?', &sql::literal(bytes))).await;
        assert_eq!(changed, 1, "{}", self.set);
    }
}

fn column<'a>(world: &'a World, session: &SetupSession, table: &str, column: &str, more: &str) -> Column<'a> {
    let key = if table == "connection_setup" { "id" } else { "session_id" };
    let found = format!("{key} = {} {more}", session_id(session));
    Column {
        world,
        sql: format!("SELECT {column} FROM {table} WHERE {found}"),
        set: format!("UPDATE {table} SET {column} = ? WHERE {found}"),
    }
}

/// The edits of a sealed value, by name.
fn edits(good: &[u8], moved: Vec<u8>) -> Vec<(&'static str, Vec<u8>)> {
    let mut flipped = good.to_vec();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    vec![
        ("moved from another session", moved),
        ("a bit flipped", flipped),
        ("cut in half", good[..middle].to_vec()),
        ("emptied", Vec::new()),
        ("text", b"key-1".to_vec()),
    ]
}

async fn begun(registry: &ConnectionRegistry) -> SetupSession {
    let session = registry.setups().begin(&KIND).await.unwrap();
    step(&session).await;
    session
}

/// Returns a session with an answer, which waits for a provider that is down.
async fn answered(world: &World, registry: &ConnectionRegistry) -> SetupSession {
    world.provider(|_| Reply::whole(503, "", ""));
    let session = begun(registry).await;
    session.advance(1, &answers(KEY)).await.unwrap();
    let (_, shown) = step(&session).await;
    assert!(matches!(shown, SetupStep::Notice { .. }), "{shown:?}");
    world.provider(|_| me("1", "ada"));
    session
}

#[tokio::test]
async fn a_header_that_does_not_open_ends_its_session_and_sends_nothing() {
    let world = World::new().await;
    let registry = world.acme().await;
    let other = begun(&registry).await;
    let moved = column(&world, &other, "connection_setup", "sealed_header", "").read().await;
    let requests = world.server.requests().len();
    for (what, bytes) in edits(&moved, moved.clone()) {
        let session = begun(&registry).await;
        column(&world, &session, "connection_setup", "sealed_header", "").write(&bytes).await;
        session.advance(1, &answers(KEY)).await.unwrap();
        let outcome = session.terminal().await.unwrap();
        assert_eq!(code(&outcome), "setup_unreadable", "{what}");
        let Outcome::Failed(failure) = outcome else { panic!("{what}") };
        assert!(failure.remedy.is_some(), "{what}");
    }
    assert_eq!(world.server.requests().len(), requests);
    other.advance(1, &answers(KEY)).await.unwrap();
    assert_eq!(code(&other.terminal().await.unwrap()), "done Live", "the control");
}

#[tokio::test]
async fn a_step_that_does_not_open_takes_no_answer_until_the_session_is_resumed() {
    let world = World::new().await;
    let registry = world.acme().await;
    let other = begun(&registry).await;
    let moved = column(&world, &other, "connection_setup", "sealed_step", "").read().await;
    for (what, bytes) in edits(&moved, moved.clone()) {
        let session = begun(&registry).await;
        let requests = world.server.requests().len();
        column(&world, &session, "connection_setup", "sealed_step", "").write(&bytes).await;
        let error = session.advance(1, &answers(KEY)).await.unwrap_err();
        let AdvanceError::Error(sealed @ Error::Sealed { .. }) = &error else { panic!("{what}: {error:?}") };
        assert!(sealed.to_string().contains(&session.id().to_string()), "{what}: {sealed}");
        assert!(error.remedy().is_some(), "{what}");
        assert_eq!(world.server.requests().len(), requests, "{what}");
        // The step is created again from the other sealed values, in another process or in this one.
        let elsewhere = world.acme().await;
        let session = elsewhere.setups().resume(session.id()).await.unwrap();
        let (no, _) = step(&session).await;
        session.advance(no, &answers(KEY)).await.unwrap();
        let Outcome::Done(done) = session.terminal().await.unwrap() else { panic!("{what}") };
        elsewhere.remove(done.connection).await.unwrap();
    }
}

#[tokio::test]
async fn an_effect_that_does_not_open_ends_its_session_and_sends_nothing() {
    let world = World::new().await;
    let registry = world.acme().await;
    let other = answered(&world, &registry).await;
    let moved = column(&world, &other, "connection_setup_effect", "sealed", "AND seq = 0").read().await;
    for (what, bytes) in edits(&moved, moved.clone()) {
        let session = answered(&world, &registry).await;
        column(&world, &session, "connection_setup_effect", "sealed", "AND seq = 0").write(&bytes).await;
        let requests = world.server.requests().len();
        let session = registry.setups().resume(session.id()).await.unwrap();
        assert_eq!(code(&session.terminal().await.unwrap()), "setup_unreadable", "{what}");
        assert_eq!(world.server.requests().len(), requests, "{what}");
    }
    for edit in ["seq = 2", "session_id = ?"] {
        let session = answered(&world, &registry).await;
        let taken = begun(&registry).await;
        let edit = edit.replace('?', &session_id(&taken));
        let of = session_id(&session);
        let sql = format!("UPDATE connection_setup_effect SET {edit} WHERE session_id = {of} AND seq = 0");
        assert_eq!(sql::run(&world.database(), sql).await, 1);
        let requests = world.server.requests().len();
        let wronged = if edit == "seq = 2" { &session } else { &taken };
        let wronged = registry.setups().resume(wronged.id()).await.unwrap();
        assert_eq!(code(&wronged.terminal().await.unwrap()), "setup_unreadable", "{edit}");
        assert_eq!(world.server.requests().len(), requests, "{edit}");
    }
    let other = registry.setups().resume(other.id()).await.unwrap();
    assert_eq!(code(&other.terminal().await.unwrap()), "done Live", "the control");
}

#[tokio::test]
async fn an_effect_that_was_taken_out_ends_its_session() {
    let world = World::new().await;
    let registry = world.open(Odd::new("endless")).await;
    let session = registry.setups().begin(&ODD).await.unwrap();
    for text in ["one", "two"] {
        let (no, _) = step(&session).await;
        session.advance(no, &answers(&[("a", text)])).await.unwrap();
    }
    step(&session).await;
    // The remaining effects are equal to the deleted one, so only their numbers show the edit.
    let sql = format!("DELETE FROM connection_setup_effect WHERE seq = 0 AND session_id = {}", session_id(&session));
    assert_eq!(sql::run(&world.database(), sql).await, 1);
    // Another process, which has not shown the step before.
    let another = world.open(Odd::new("endless")).await;
    let again = another.setups().resume(session.id()).await.unwrap();
    let (_, SetupStep::Failed(failure)) = step(&again).await else { panic!("it went on without it") };
    assert_eq!(failure.code, "setup_unreadable");
}

#[tokio::test]
async fn a_session_whose_owner_or_kind_was_edited_goes_nowhere() {
    let world = World::new().await;
    for edit in ["owner = 'mallory'", "kind = 'other'"] {
        let registry = world.acme().await;
        let session = answered(&world, &registry).await;
        registry.close().await;
        let sql = format!("UPDATE connection_setup SET {edit} WHERE id = {}", session_id(&session));
        assert_eq!(sql::run(&world.database(), sql).await, 1);
        let requests = world.server.requests().len();
        let registry = world.acme().await;
        registry.kinds().register(Fake::of(Kind::from_static("other"))).unwrap();
        let taken = if edit.starts_with("owner") { registry.owner("mallory").unwrap() } else { registry.clone() };
        let session = taken.setups().resume(session.id()).await.unwrap();
        assert_eq!(code(&session.terminal().await.unwrap()), "setup_unreadable", "{edit}");
        assert_eq!(world.server.requests().len(), requests, "{edit}");
        registry.close().await;
    }
}

#[tokio::test]
async fn the_edited_owner_of_a_setup_that_runs_neither_sees_nor_answers_it() {
    let world = World::new().await;
    let registry = world.acme().await;
    let session = answered(&world, &registry).await;
    let mallory = registry.owner("mallory").unwrap();
    let owner = |owner: &str| format!("UPDATE connection_setup SET owner = '{owner}' WHERE id = {}", session_id(&session));
    assert_eq!(sql::run(&world.database(), owner("mallory")).await, 1);
    for setups in [mallory.setups(), registry.setups()] {
        assert!(matches!(setups.get(session.id()).await, Err(Error::SessionNotFound(_))));
        assert!(matches!(setups.resume(session.id()).await, Err(Error::SessionNotFound(_))));
    }
    // The control: the same row of its own owner.
    assert_eq!(sql::run(&world.database(), owner("local")).await, 1);
    let session = registry.setups().resume(session.id()).await.unwrap();
    let Outcome::Done(done) = session.terminal().await.unwrap() else { panic!("not connected") };
    assert_eq!(registry.connection(done.connection).await.unwrap().id(), done.connection);
    // What has ended shows no connection of another owner.
    assert_eq!(sql::run(&world.database(), owner("mallory")).await, 1);
    registry.close().await;
    let registry = world.acme().await;
    let taken = registry.owner("mallory").unwrap().setups().resume(session.id()).await.unwrap();
    assert_eq!(code(&taken.terminal().await.unwrap()), "setup_ended");
}

#[tokio::test]
async fn a_reauthorization_whose_connection_was_edited_changes_no_connection() {
    let world = World::new().await;
    let registry = world.acme().await;
    let one = connected(&registry, "key-1").await;
    world.provider(|_| me("2", "grace"));
    let other = connected(&registry, "key-2").await;
    let session = one.reauthorize().another_account().await.unwrap();
    step(&session).await;
    let other_id = sql::id(other.id());
    let sql = format!("UPDATE connection_setup SET connection_id = {other_id} WHERE id = {}", session_id(&session));
    assert_eq!(sql::run(&world.database(), sql).await, 1);
    world.provider(|_| me("3", "mallory"));
    session.advance(1, &answers(&[("accessToken", "key-3")])).await.unwrap();
    assert_eq!(code(&session.terminal().await.unwrap()), "setup_unreadable");
    let other = registry.connection(other.id()).await.unwrap();
    assert_eq!(other.info().identity.account_id.to_string(), "2");
}

const RETURNING: Kind = Kind::from_static("returning");

/// A plugin that waits for a callback after a request that a test can hold, and ends with the code as its account.
fn returning() -> Scripted {
    let descriptor = Descriptor::new(RETURNING, "Returning", AuthType::OAuth).origin(API);
    Scripted::new(descriptor).setup(|_, ctx| {
        Box::pin(async move {
            let base = ctx.base_url(API)?;
            let handle = ctx.callback().await?;
            let link = Link::to(base, "/authorize").query("state", handle.state());
            let wait = |handle| Wait::new().open(link.clone()).callback(handle);
            ctx.wait(wait(&handle).elapsed(Duration::from_secs(5))).await;
            classify(ctx.send(HttpRequest::get(base, "/slow")).await)?;
            match ctx.wait(wait(&handle)).await {
                WaitOutcome::Callback(request) => {
                    let code = request.parameter("code").and_then(Secret::expose_str).unwrap_or_default().to_owned();
                    Ok(live("token", identity(code)))
                }
                _ => Err(SetupFailure::new("returning_late", "too late")),
            }
        })
    })
}

/// Stores a callback for a busy run, then edits the stored value or rotates the keys.
pub(crate) async fn kept_callback(edit: Option<&[u8]>, rotate: bool) -> Option<String> {
    let world = World::new().await;
    world.provider(|_| Reply::silence());
    let builder = world.builder().inbound(Arc::new(Inbound::new()));
    let registry = builder.kind(returning()).kind(Acme::default()).open().await.unwrap();
    let session = registry.setups().begin(&RETURNING).await.unwrap();
    let (_, shown) = step(&session).await;
    // The time of a notice runs only after it was shown.
    world.clock.until_asleep(1).await;
    world.clock.advance(Duration::from_secs(5));
    world.server.until_asked(1).await;
    registry.setups().deliver(returned(&state(&shown))).await.unwrap();
    let sealed = column(&world, &session, "connection_setup_input", "sealed", "");
    if let Some(bytes) = edit {
        sealed.write(bytes).await;
    }
    if rotate {
        let before = sealed.read().await;
        assert_eq!(registry.keys().rotate().await.unwrap().remaining, 0);
        assert_ne!(sealed.read().await[5..13], before[5..13], "it is sealed with the new key");
    }
    world.provider(|_| me("1", "ada"));
    // The request timed out; it is sent again when the session is resumed.
    world.clock.advance(Duration::from_secs(30));
    step(&session).await;
    let session = registry.setups().resume(session.id()).await.unwrap();
    loop {
        match step(&session).await {
            (_, SetupStep::Done { identity, .. }) => return Some(identity.account_id.to_string()),
            (_, SetupStep::Redirect { .. }) => return None,
            // The notice that was shown before.
            (_, SetupStep::Notice { .. }) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_kept_callback_that_does_not_open_never_reaches_the_plugin() {
    assert_eq!(kept_callback(None, false).await.as_deref(), Some("the-code"), "the control");
    for edit in [&b""[..], b"the-code", &[0; 200]] {
        assert_eq!(kept_callback(Some(edit), false).await, None);
    }
}

#[tokio::test]
async fn a_setup_that_does_not_open_is_listed_as_unreadable_and_hides_no_other() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    let whole = begun(&registry).await;
    let header = column(&world, &whole, "connection_setup", "sealed_header", "").read().await;
    for (what, bytes) in edits(&header, header.clone()) {
        let broken = connection.reauthorize().await.unwrap();
        step(&broken).await;
        let info = broken.info().await.unwrap().unwrap();
        assert_eq!((info.reauthorizes, &info.reason), (Some(connection.id()), &None), "the control");
        column(&world, &broken, "connection_setup", "sealed_header", "").write(&bytes).await;
        let listed = registry.setups().list().await.unwrap();
        let [other, shown] = &listed[..] else { panic!("{what}: {listed:?}") };
        assert_eq!((other.id, &other.reason), (whole.id(), &None), "{what}");
        let reason = shown.reason.as_ref().unwrap();
        assert_eq!((shown.id, shown.reauthorizes, &*reason.code), (broken.id(), None, "setup_unreadable"), "{what}");
        assert!(reason.remedy.is_some(), "{what}");
        let alone = broken.info().await.unwrap().unwrap();
        assert_eq!((alone.kind, alone.reason.as_ref()), (KIND, Some(reason)), "{what}");
        broken.cancel().await.unwrap();
        assert!(broken.info().await.unwrap().is_none(), "{what}");
    }
    let edit = format!("UPDATE connection_setup SET kind = 'No Kind!' WHERE id = {}", session_id(&whole));
    sql::script(&world.database(), edit).await;
    let listed = registry.setups().list().await.unwrap();
    let [shown] = &listed[..] else { panic!("{listed:?}") };
    assert_eq!((shown.id, shown.kind.as_str()), (whole.id(), "unreadable"));
    assert_eq!(shown.reason.as_ref().unwrap().code, "setup_unreadable");
}

#[tokio::test]
async fn a_setup_that_was_given_another_connection_is_not_listed_as_its_reauthorization() {
    let world = World::new().await;
    keys_are_accounts(&world);
    let registry = world.acme().await;
    let one = connected(&registry, "key-1").await;
    let two = connected(&registry, "key-2").await;
    let session = one.reauthorize().await.unwrap();
    step(&session).await;
    let other_id = sql::id(two.id());
    let edit = format!("UPDATE connection_setup SET connection_id = {other_id} WHERE id = {}", session_id(&session));
    sql::script(&world.database(), edit).await;
    let info = session.info().await.unwrap().unwrap();
    assert_eq!((info.reauthorizes, &*info.reason.unwrap().code), (None, "setup_unreadable"));
}

#[tokio::test]
async fn a_row_that_cannot_be_read_breaks_neither_the_list_nor_a_new_setup() {
    let world = World::new().await;
    let registry = world.acme().await;
    let broken = begun(&registry).await;
    let other = begun(&registry).await;
    let edit = if on_postgres() {
        "ALTER TABLE connection_setup DROP CONSTRAINT connection_setup_step_seq_check; \
         UPDATE connection_setup SET step_seq = -9223372036854775808, kind = '' WHERE"
    } else {
        "UPDATE connection_setup SET kind = CAST(X'FF' AS TEXT) WHERE"
    };
    sql::script(&world.database(), format!("{edit} id = {}", session_id(&broken))).await;
    let listed: Vec<_> = registry.setups().list().await.unwrap().iter().map(|setup| setup.id).collect();
    // SQLite cannot even decode the row. PostgreSQL can, and the row is listed with a kind that opens nothing.
    assert_eq!(listed.last(), Some(&other.id()));
    assert_eq!(listed.len(), if on_postgres() { 2 } else { 1 });
    world.clock.advance(Duration::from_secs(16 * 60));
    assert!(registry.setups().list().await.unwrap().is_empty());
    begun(&registry).await;
}
