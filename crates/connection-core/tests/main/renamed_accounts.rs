//! An account that its provider renamed stays the same account, with its label, grants and approvals.

use connection_contract::{Identity, Liveness, NotLive, Reason, VerifyResult, reason};
use connection_core::{ApprovalState, ConnectionInfo, Outcome};
use serde_json::{Value, json};

use crate::{
    approvals_kit::Asking,
    fake::{FAKE, Fake},
    sql,
    test_host::{World, answers, code, connect, step},
    test_server::Reply,
};

const RENAMED: &str = "account_renamed";

fn named(info: &ConnectionInfo) -> [&str; 3] {
    [info.label.as_str(), info.identity.account_id.as_str(), info.identity.label.as_str()]
}

fn said(info: &ConnectionInfo) -> Option<&str> {
    info.reason.as_ref().map(|reason| &*reason.code)
}

async fn details(world: &World, kind: &str) -> Vec<Value> {
    let sql = format!("SELECT body FROM connection_event WHERE kind = '{kind}' ORDER BY seq");
    let bodies = sql::texts(&world.database(), &sql).await;
    bodies.iter().map(|body| serde_json::from_str(body).unwrap()).collect()
}

#[tokio::test]
async fn an_account_that_was_renamed_is_the_same_account() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let connection = fake.connected(&registry, "ada").await;
    fake.finds(|_| VerifyResult::live().identity(Identity::new("lovelace", "Lovelace").mutable()));
    let info = connection.verify().await.unwrap();
    assert_eq!((info.liveness, named(&info)), (Liveness::Live, ["ada", "lovelace", "Lovelace"]));
    assert_eq!(said(&info), Some(reason::ACCOUNT_RENAMED));
    let message = info.reason.unwrap().message;
    assert_eq!(message.as_str(), "the account ada is now named lovelace");
    let expected =
        json!({ "before": { "id": "ada", "label": "ada" }, "account": { "id": "lovelace", "label": "Lovelace" } });
    assert_eq!(details(&world, RENAMED).await, [expected]);
    assert!(details(&world, "facts_changed").await.is_empty(), "the new name is told once");
    // The note stays while the connection is live, and no later probe tells the change again.
    for _ in 0..2 {
        world.clock.advance(std::time::Duration::from_secs(900));
        let info = connection.verify().await.unwrap();
        assert_eq!((info.liveness, said(&info)), (Liveness::Live, Some(reason::ACCOUNT_RENAMED)));
    }
    assert_eq!(details(&world, RENAMED).await.len(), 1);
    assert!(details(&world, "liveness_changed").await.is_empty());
    // A row that is edited outside of the program is refused; this one is whole.
    let fresh = registry.connection(connection.id()).await.unwrap();
    assert_eq!(named(fresh.info()), ["ada", "lovelace", "Lovelace"]);
    assert!(registry.events().edited_rows().await.unwrap().is_empty());
}

#[tokio::test]
async fn another_name_is_another_account_where_another_connection_has_it_or_the_kind_does_not_say_that_it_can_change() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let ada = fake.connected(&registry, "ada").await;
    fake.connected(&registry, "bob").await;
    fake.finds(|_| VerifyResult::live().identity(Identity::new("bob", "Bob").mutable()));
    let info = ada.verify().await.unwrap();
    assert_eq!((info.liveness, said(&info)), (Liveness::Failing, Some(reason::ACCOUNT_CHANGED)));
    fake.finds(|_| VerifyResult::live().identity(Identity::new("eve", "Eve")));
    let info = ada.verify().await.unwrap();
    assert_eq!((info.liveness, said(&info)), (Liveness::Failing, Some(reason::ACCOUNT_CHANGED)));
    assert_eq!(named(&info), ["ada", "ada", "ada"]);
    assert!(details(&world, RENAMED).await.is_empty());
    // What is not live renames nothing.
    fake.finds(|_| {
        let failing: VerifyResult<_> = NotLive::failing(Reason::new(reason::SUSPENDED, "suspended")).into();
        failing.identity(Identity::new("ada-2", "Ada").mutable())
    });
    let info = ada.verify().await.unwrap();
    assert_eq!((said(&info), named(&info)[1]), (Some(reason::SUSPENDED), "ada"));
}

#[tokio::test]
async fn the_new_name_of_an_account_may_be_that_of_another_owner() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let ada = fake.connected(&registry, "ada").await;
    fake.connected(&registry.owner("u42").unwrap(), "bob").await;
    fake.finds(|_| VerifyResult::live().identity(Identity::new("bob", "Bob").mutable()));
    let info = ada.verify().await.unwrap();
    assert_eq!((info.liveness, said(&info)), (Liveness::Live, Some(RENAMED)));
    assert_eq!(named(&info), ["ada", "bob", "Bob"]);
}

#[tokio::test]
async fn a_new_name_is_not_stored_without_the_id_to_which_it_belongs() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let connection = fake.connected(&registry, "ada").await;
    fake.finds(|_| VerifyResult::live().identity(Identity::new("lovelace", "Lovelace").mutable()));
    fake.gate.close();
    let meanwhile = async {
        fake.gate.until_inside(1).await;
        sql::run(&world.database(), "UPDATE connection_account SET account_id = 'eve'").await;
        fake.gate.open();
    };
    // The result may be an error, because the row was edited.
    drop(tokio::join!(connection.verify(), meanwhile));
    assert_eq!(sql::texts(&world.database(), "SELECT account_label FROM connection_account").await, ["ada"]);
    assert!(details(&world, RENAMED).await.is_empty());
    assert!(details(&world, "facts_changed").await.is_empty());
}

#[tokio::test]
async fn an_account_that_failed_as_another_one_is_live_under_its_new_name() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let connection = fake.connected(&registry, "ada@example.com").await;
    fake.finds(|_| VerifyResult::live().identity(Identity::new("grace@example.com", "grace@example.com")));
    assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Failing);
    // The kind was updated and says that its identity can change.
    let renamed = || Identity::new("grace@example.com", "grace@example.com").mutable().email();
    fake.finds(move |_| VerifyResult::live().identity(renamed()));
    let info = connection.verify().await.unwrap();
    assert_eq!((info.liveness, info.identity.account_id.as_str()), (Liveness::Live, "grace@example.com"));
}

#[tokio::test]
async fn case_counts_unless_the_identity_is_an_e_mail_address() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let connection = fake.connected(&registry, "ada@example.com").await;
    fake.finds(|_| VerifyResult::live().identity(Identity::new("Ada@Example.com", "ada@example.com").email()));
    let info = connection.verify().await.unwrap();
    assert_eq!((info.liveness, said(&info), named(&info)[1]), (Liveness::Live, None, "ada@example.com"));
    fake.finds(|_| VerifyResult::live().identity(Identity::new("ADA@example.com", "ada@example.com")));
    assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Failing);
}

#[tokio::test]
async fn an_id_in_another_form_is_that_of_the_same_account() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let connection = fake.connected(&registry, "7").await;
    for id in [" 7 ", "7.0", "\u{200b}7", "7"] {
        fake.finds(move |_| VerifyResult::live().identity(Identity::new(id, "7")));
        let info = connection.verify().await.unwrap();
        assert_eq!((info.liveness, said(&info)), (Liveness::Live, None), "{id:?}");
    }
    fake.finds(|_| VerifyResult::live().identity(Identity::new("7.5", "7")));
    assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Failing);
}

#[tokio::test]
async fn an_id_that_was_an_e_mail_address_becomes_the_lasting_one_without_a_word() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let connection = fake.connected(&registry, "ada@example.com").await;
    let lasting = || Identity::new("10769150350", "Ada@example.com").formerly("Ada@example.com");
    fake.finds(move |_| VerifyResult::live().identity(lasting()));
    let info = connection.verify().await.unwrap();
    assert_eq!((info.liveness, said(&info)), (Liveness::Live, None));
    assert_eq!(named(&info), ["ada@example.com", "10769150350", "Ada@example.com"]);
    // From now on, the address can change.
    fake.finds(|_| VerifyResult::live().identity(Identity::new("10769150350", "grace@example.com")));
    let info = connection.verify().await.unwrap();
    assert_eq!((info.liveness, named(&info)[2]), (Liveness::Live, "grace@example.com"));
    // Another account behind the address is another account.
    fake.finds(|_| VerifyResult::live().identity(Identity::new("5", "x").formerly("ada@example.com")));
    assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Failing);
}

#[tokio::test]
async fn a_new_authorization_under_another_name_is_refused_with_the_way_to_accept_it() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let connection = fake.connected(&registry, "ada").await;
    let mutable = Fake::new();
    mutable.is_mutable.store(true, std::sync::atomic::Ordering::SeqCst);
    registry.kinds().replace(mutable).unwrap();
    let connection = registry.connection(connection.id()).await.unwrap();
    let session = connection.reauthorize().await.unwrap();
    let (no, _) = step(&session).await;
    session.advance(no, &answers(&[("name", "lovelace")])).await.unwrap();
    let Outcome::Failed(failure) = session.terminal().await.unwrap() else { panic!("it was taken") };
    assert_eq!(failure.code, reason::ACCOUNT_CHANGED);
    let remedy = failure.remedy.unwrap();
    assert!(remedy.as_str().contains("if the provider gave that account the name lovelace"), "{remedy}");
    let session = connection.reauthorize().another_account().await.unwrap();
    let (no, _) = step(&session).await;
    session.advance(no, &answers(&[("name", "lovelace")])).await.unwrap();
    assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
}

#[tokio::test]
async fn an_account_that_is_connected_by_its_former_e_mail_address_is_not_connected_twice() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    fake.connected(&registry, "ada@example.com").await;
    let lasting = || Identity::new("10769150350", "Ada").formerly("Ada@Example.com");
    let newer = Fake::new();
    *newer.gives.lock().unwrap() = Some(lasting());
    registry.kinds().replace(newer).unwrap();
    let outcome = connect(&registry, &FAKE, &[("name", "ada")]).await;
    assert_eq!(code(&outcome), "account_connected");
}

#[tokio::test]
async fn an_account_whose_e_mail_address_is_written_in_small_letters_by_now_is_not_connected_twice() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    fake.connected(&registry, "Ada@Example.com").await;
    let newer = Fake::new();
    *newer.gives.lock().unwrap() = Some(Identity::new("ada@example.com", "Ada").email());
    registry.kinds().replace(newer).unwrap();
    let outcome = connect(&registry, &FAKE, &[("name", "ada")]).await;
    assert_eq!(code(&outcome), "account_connected");
}

#[tokio::test]
async fn an_approved_request_is_sent_after_the_account_was_renamed() {
    let it = Asking::new().await;
    let id = it.comment("Thanks!").await;
    it.world.provider(|request| match request.starts_with("GET /me") {
        true => Reply::ok(r#"{"id":"lovelace","name":"Lovelace","mutable":true}"#),
        false => Reply::whole(201, "", "{}"),
    });
    let info = it.connection.verify().await.unwrap();
    assert_eq!((info.liveness, info.identity.account_id.as_str()), (Liveness::Live, "lovelace"));
    it.approve(id).await.unwrap();
    let settled = it.settled(id).await;
    assert_eq!((settled.state, settled.status), (ApprovalState::Answered, Some(201)));
    // The grant stays, too.
    it.comment("Once more").await;
    it.registry.close().await;
}
