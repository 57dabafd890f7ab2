//! The provider's own words are kept, sealed, for as long as the reason that they are about: for the person who looks at the
//! connection later, and for nobody else.

use std::time::Duration;

use connection_contract::prelude::*;
use connection_core::{Connection as Handle, ConnectionInfo, ConnectionRegistry, Error, Filter, KeyVariable, Outcome};
use connection_faults::{log, scripted::Scripted};

use crate::{
    fake::Fake,
    leaks::Search,
    renewing::{LIFE, Renewals, run},
    sql,
    test_host::{World, connect},
};

const SAID: &str = "The subscription of this team has ended";

fn words(info: &ConnectionInfo) -> Option<&str> {
    info.reason.as_ref()?.provider_text.as_ref().map(ProviderText::as_str)
}

/// Returns the words that a person gets who looks at the connection now.
async fn told(registry: &ConnectionRegistry, connection: &Handle) -> Option<String> {
    let connection = registry.connection(connection.id()).await.unwrap();
    assert_eq!(words(connection.info()), None, "a handle does not have them");
    words(&connection.info_with_words().await.unwrap()).map(str::to_owned)
}

/// Returns the number of cells with words.
async fn cells(world: &World) -> i64 {
    let sql = "(SELECT count(*) FROM connection_liveness WHERE sealed_words IS NOT NULL) + \
               (SELECT count(*) FROM connection_credential WHERE sealed_refresh_words IS NOT NULL)";
    sql::number(&world.database(), sql).await.unwrap()
}

/// Lets probes find a refusal about which the provider says this.
fn refuse(fake: &Fake, message: &'static str, said: Option<&'static str>) {
    fake.finds(move |_| {
        let why = Reason::new(reason::UNAUTHORIZED, message);
        NotLive::failing(why.provider_text(said.and_then(ProviderText::new))).into()
    });
}

#[tokio::test]
async fn what_the_scheduler_finds_is_told_to_the_person_who_looks_later_and_to_nobody_else() {
    let it = Renewals::new().await;
    log::begin();
    let said = format!(r#"{{"error":"invalid_grant","error_description":"{SAID}"}}"#);
    it.provider.says(Some((400, "", &said)));
    let mut changes = it.connection.on_liveness_change();
    let _running = run(&it.registry);
    it.at(LIFE - 100);
    for _ in 0..200 {
        if it.registry.connection(it.connection.id()).await.unwrap().info().liveness == Liveness::Failing {
            break;
        }
        it.world.clock.advance(Duration::from_secs(1));
        sql::look_on(&it.world.database(), 1, 20, || ()).await;
    }
    assert_eq!(told(&it.registry, &it.connection).await.as_deref(), Some(SAID));
    let other = it.world.open(it.plugin.clone()).await;
    assert_eq!(told(&other, &it.connection).await.as_deref(), Some(SAID), "in another process");

    // A verification that asks nobody confirms what was found, and has the words of that time.
    let requests = it.provider.request_count();
    let verified = it.connection.verify().await.unwrap();
    assert_eq!((words(&verified), it.provider.request_count()), (Some(SAID), requests));
    assert_eq!(told(&it.registry, &it.connection).await.as_deref(), Some(SAID), "they stay");

    let agent = it.registry.agents().create("deploy").await.unwrap();
    let handle = it.registry.connection(it.connection.id()).await.unwrap().for_agent(agent.id());
    assert_eq!(words(&handle.info_with_words().await.unwrap()), None);
    assert_eq!(words(&handle.verify().await.unwrap()), None);
    assert_eq!(changes.next().await.unwrap().reason.unwrap().provider_text, None);
    let listed = it.registry.list_connections(Filter::new()).await.unwrap().items;
    assert!(listed.len() == 1 && listed.iter().all(|info| words(info).is_none()));
    let events = sql::texts(&it.world.database(), "SELECT body FROM connection_event").await;
    assert!(events.len() > 1 && events.iter().all(|body| !body.contains(SAID)), "{events:?}");
    let (found, read) = Search::of([("said", SAID)]).files(it.world.directory.path());
    assert!(found.is_empty() && read > 0, "{found:?}");
    assert_eq!(log::lines_with(SAID), [""; 0]);
}

#[tokio::test]
async fn the_words_last_as_long_as_the_reason_that_they_are_about() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let connection = fake.connected(&registry, "ada").await;
    for (message, said, kept) in [
        ("refused", Some(SAID), Some(SAID)),
        ("refused", None, Some(SAID)),
        ("refused", Some("Pay first"), Some("Pay first")),
        ("refused for another reason", None, None),
        ("refused", Some(SAID), Some(SAID)),
    ] {
        refuse(&fake, message, said);
        let verified = connection.verify().await.unwrap();
        assert_eq!(
            (words(&verified), told(&registry, &connection).await.as_deref()),
            (kept, kept),
            "{message} {said:?}"
        );
        assert_eq!(cells(&world).await, i64::from(kept.is_some()));
    }
    fake.is(Liveness::Live);
    connection.verify().await.unwrap();
    assert_eq!((told(&registry, &connection).await, cells(&world).await), (None, 0));
}

#[tokio::test]
async fn a_live_connection_that_could_not_be_refreshed_has_the_words_until_it_is() {
    let it = Renewals::new().await;
    it.provider.says(Some((403, "", &format!(r#"{{"error_description":"{SAID}"}}"#))));
    it.at(100);
    assert!(matches!(it.connection.refresh().await, Err(Error::NotRenewed { .. })));
    assert_eq!(told(&it.registry, &it.connection).await.as_deref(), Some(SAID));
    // A probe that finds the connection live says nothing about the refresh.
    let verified = it.connection.verify().await.unwrap();
    assert_eq!((verified.liveness, words(&verified)), (Liveness::Live, Some(SAID)));
    it.provider.says(None);
    it.connection.refresh().await.unwrap();
    assert_eq!((told(&it.registry, &it.connection).await, cells(&it.world).await), (None, 0));
}

#[tokio::test]
async fn a_refusal_that_is_told_after_a_day_has_the_words() {
    const DAY: i64 = 86_400;
    let it = Renewals::new().await;
    it.provider.says(Some((404, "", &format!(r#"{{"status":"BAD_REFRESH_TOKEN","message":"{SAID}"}}"#))));
    for (at, code) in [(LIFE, reason::PROVIDER_ERROR), (LIFE + DAY + 3_600, reason::NEEDS_REAUTHORIZATION)] {
        it.at(at);
        let found = it.connection.verify().await.unwrap();
        assert_eq!((&*found.reason.as_ref().unwrap().code, words(&found)), (code, Some(SAID)));
        assert_eq!(told(&it.registry, &it.connection).await.as_deref(), Some(SAID), "{code}");
    }
}

#[tokio::test]
async fn a_connection_that_could_not_be_checked_when_it_was_made_has_the_words() {
    const KIND: Kind = Kind::from_static("paused");
    let descriptor = Descriptor::new(KIND, "Paused", AuthType::ApiKey).field(Field::secret("apiKey", "API key"));
    let paused = Scripted::new(descriptor).setup(|_, ctx| {
        Box::pin(async move {
            let key = ctx.prompt(Prompt::new("Connect").field("apiKey")).await.secret("apiKey")?;
            let why = Reason::new(reason::PROVIDER_ERROR, "paused").provider_text(ProviderText::new(SAID));
            let measured = VerifyResult::from(NotLive::offline(why));
            Ok(SetupResult::new(key, Identity::new("1", "ada")).measured(measured))
        })
    });
    let world = World::new().await;
    let registry = world.open(paused).await;
    let Outcome::Done(done) = connect(&registry, &KIND, &[("apiKey", "key-1")]).await else { panic!() };
    let connection = registry.connection(done.connection).await.unwrap();
    assert_eq!(connection.info().liveness, Liveness::Offline);
    assert_eq!(told(&registry, &connection).await.as_deref(), Some(SAID));
}

#[tokio::test]
async fn the_words_are_sealed_for_their_row_again_by_a_rotation_and_gone_with_it() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let ada = fake.connected(&registry, "ada").await;
    let bob = fake.connected(&registry, "bob").await;
    refuse(&fake, "refused", Some(SAID));
    for connection in [&ada, &bob] {
        connection.verify().await.unwrap();
    }
    let rotation = registry.keys().rotate().await.unwrap();
    assert_eq!((rotation.unreadable, rotation.remaining), (0, 0));
    let sealed = format!(
        "SELECT count(*) FROM connection_liveness WHERE substr(sealed_words, 6, 8) = {}",
        sql::literal(rotation.key.as_bytes())
    );
    assert_eq!(sql::number(&world.database(), sealed).await, Some(2));
    let later = world.open(fake.clone()).await;
    assert_eq!(told(&later, &ada).await.as_deref(), Some(SAID));

    let moved = format!(
        "UPDATE connection_liveness SET sealed_words = (SELECT o.sealed_words FROM connection_liveness AS o \
         WHERE o.connection_id = {}) WHERE connection_id = {}",
        sql::id(bob.id()),
        sql::id(ada.id())
    );
    assert_eq!(sql::run(&world.database(), moved).await, 1);
    assert_eq!(told(&later, &ada).await, None, "the words of another connection");
    assert_eq!(told(&later, &bob).await.as_deref(), Some(SAID), "the control");
    for connection in [&ada, &bob] {
        registry.remove(connection.id()).await.unwrap();
    }
    assert_eq!(cells(&world).await, 0);
}

#[tokio::test]
async fn the_words_about_a_refresh_are_sealed_again_by_a_rotation() {
    let it = Renewals::new().await;
    it.provider.says(Some((403, "", &format!(r#"{{"error_description":"{SAID}"}}"#))));
    it.at(100);
    assert!(matches!(it.connection.refresh().await, Err(Error::NotRenewed { .. })));
    let rotation = it.registry.keys().rotate().await.unwrap();
    assert_eq!((rotation.unreadable, rotation.remaining), (0, 0));
    let sealed = format!(
        "SELECT count(*) FROM connection_credential WHERE substr(sealed_refresh_words, 6, 8) = {}",
        sql::literal(rotation.key.as_bytes())
    );
    assert_eq!(sql::number(&it.world.database(), sealed).await, Some(1));
    let later = it.world.open(it.plugin.clone()).await;
    assert_eq!(told(&later, &it.connection).await.as_deref(), Some(SAID));
}

/// The key source of a process may not open the keys that another one has made.
#[tokio::test]
async fn words_that_cannot_be_opened_are_left_out_and_the_reason_is_told() {
    let world = World::new().await;
    let fake = Fake::new();
    let old = world.open(fake.clone()).await;
    let connection = fake.connected(&old, "ada").await;
    refuse(&fake, "refused", Some(SAID));
    connection.verify().await.unwrap();
    let variable = || KeyVariable::new("APP_KEY", Some(encode::hex(&[1; 32]).into()));
    world.builder().change_key(variable()).await.unwrap();
    let new = world.builder().kind(fake).key(variable()).open().await.unwrap();
    new.keys().rotate().await.unwrap();
    assert_eq!(told(&new, &connection).await.as_deref(), Some(SAID), "the control");
    let shown = old.connection(connection.id()).await.unwrap().info_with_words().await.unwrap();
    assert_eq!((&*shown.reason.as_ref().unwrap().code, words(&shown)), (reason::UNAUTHORIZED, None));
}
