//! Cursors and pages, the same for all lists: a page begins after a position, whatever has become of it, and other text is
//! refused.

use std::fmt::Debug;

use connection_contract::{BoxFuture, SigningKey, encode};
use connection_core::{
    AgentGrant, Connection, ConnectionRegistry, Cursor, Error, Filter, ListedExtension, ListedProfile, NewProfile,
    Overview, Page, UseFilter,
};

use crate::{
    acme::KIND,
    extension_kit::acme_extension,
    hooks::{Hooks, enabled},
    sql,
    test_host::{World, connected, on_postgres},
    tool::{STRICT, TOOL, Tools},
};

/// Returns the names on all pages of one element. `between` gets each name before the next page is read.
async fn walk<T: Debug>(
    page: impl AsyncFn(Option<Cursor>, u32) -> Result<Page<T>, Error>,
    name: impl Fn(&T) -> String,
    mut between: impl AsyncFnMut(&str),
) -> Vec<String> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let Page { items, next, .. } = page(after, 1).await.unwrap();
        assert!(items.len() <= 1, "{items:?}");
        for item in &items {
            found.push(name(item));
            between(&name(item)).await;
        }
        let Some(next) = next else { return found };
        after = Some(Cursor::from(next.to_string()));
    }
}

type Read<'a> = BoxFuture<'a, Result<(), Error>>;

/// Reads a page of each list from a position.
fn lists<'a>(registry: &'a ConnectionRegistry, connection: &'a Connection, at: &Cursor) -> Vec<(&'static str, Read<'a>)> {
    let at = || Some(at.clone());
    let filter = at().into_iter().fold(Filter::new(), Filter::after);
    let overview = at().into_iter().fold(Overview::new(), Overview::after);
    let (events, id) = (registry.events(), connection.id());
    let (listed, newest, history) = (events.list(at()), events.newest(at(), 9), events.history(id, at()));
    let (uses, inbox) = (registry.uses().list(UseFilter::new(), at(), 9), connection.webhooks().inbox(at()));
    let (agents, extensions) = (registry.agents().page(at(), None), registry.extensions().page(at(), None));
    let (setups, profiles) = (registry.setups().page(at(), None), registry.list_profiles(at(), None));
    let tokens = registry.access_tokens().list(None, at(), 9);
    let outgoing = registry.outgoing_events().undelivered(None, at(), 9);
    vec![
        ("connections", Box::pin(async move { registry.list_connections(filter).await.map(drop) })),
        ("overview", Box::pin(async move { registry.overview(overview).await.map(drop) })),
        ("events", Box::pin(async move { listed.await.map(drop) })),
        ("newest events", Box::pin(async move { newest.await.map(drop) })),
        ("history", Box::pin(async move { history.await.map(drop) })),
        ("uses", Box::pin(async move { uses.await.map(drop) })),
        ("inbox", Box::pin(async move { inbox.await.map(drop) })),
        ("agents", Box::pin(async move { agents.await.map(drop) })),
        ("extensions", Box::pin(async move { extensions.await.map(drop) })),
        ("setups", Box::pin(async move { setups.await.map(drop) })),
        ("profiles", Box::pin(async move { profiles.await.map(drop) })),
        ("tokens", Box::pin(async move { tokens.await.map(drop) })),
        ("outgoing events", Box::pin(async move { outgoing.await.map(drop) })),
    ]
}

#[tokio::test]
async fn every_list_refuses_what_is_no_position_and_repeats_nothing_of_it() {
    let world = World::new().await;
    let registry = world.open(Hooks::new(SigningKey::Generated)).await;
    let connection = enabled(&registry, "ada").await;
    let base64 = |json: &str| encode::base64url(json.as_bytes());
    let id = "018f3b9e-7d2a-7c31-9f43-0123456789ab";
    let texts = [
        String::new(),
        "canary".to_owned(),
        base64("canary"),
        base64("{}"),
        base64("[]"),
        // Not every database accepts these in a query.
        base64(r#"["canary\u0000"]"#),
        base64(&format!(r#"["canary\u0000", "{id}"]"#)),
        base64(&format!(r#"[true, "acme", "canary\u0000", "{id}", 1]"#)),
        format!("-1-{id}"),
        format!("+1-{id}"),
        "1-2".to_owned(),
        "-1".to_owned(),
        "9223372036854775808".to_owned(),
        "99999999999999999999".to_owned(),
    ];
    for text in texts {
        for (name, read) in lists(&registry, &connection, &Cursor::from(text.as_str())) {
            let error = read.await.expect_err(&format!("{name}: {text}"));
            assert!(matches!(error, Error::InvalidCursor(_)), "{name}: {text}: {error:?}");
            assert_eq!((error.code(), error.remedy().is_some()), ("invalid_cursor", true));
            let said = format!("{error} {error:?} {:?}", error.remedy());
            assert!(text.len() < 3 || !said.contains(&text), "{name}: {said}");
        }
    }
    registry.close().await;
}

/// A list has only what its owner has, so a position of another list can only leave out some of that.
#[tokio::test]
async fn a_position_of_another_list_or_owner_shows_nothing_of_it() {
    let world = World::new().await;
    let registry = world.open(Hooks::new(SigningKey::Generated)).await;
    let ada = enabled(&registry, "ada").await;
    let theirs = registry.owner("u42").unwrap();
    let positions = [
        ada.info().cursor(),
        registry.overview(Overview::new()).await.unwrap().items[0].cursor.clone(),
        registry.events().list(None).await.unwrap().items[0].cursor(),
        Cursor::from("0"),
    ];
    for position in positions {
        let mut accepted = 0;
        for (_, read) in lists(&registry, &ada, &position) {
            match read.await {
                Ok(()) => accepted += 1,
                Err(error) => assert_eq!(error.code(), "invalid_cursor"),
            }
        }
        assert!(accepted > 0, "{position}");
        if let Ok(page) = theirs.list_connections(Filter::new().after(position.clone())).await {
            assert!(page.items.is_empty(), "{position}");
        }
        if let Ok(page) = theirs.events().list(Some(position.clone())).await {
            assert!(page.items.is_empty(), "{position}");
        }
    }
    registry.close().await;
}

#[tokio::test]
async fn pages_of_agents_follow_each_other_by_name_and_have_the_grants_of_their_agents_alone() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    let agents = registry.agents();
    for name in ["d", "a-b", "c", "ab", "b"] {
        agents.create(name).await.unwrap().grant(connection.id()).await.unwrap();
    }
    registry.owner("u42").unwrap().agents().create("bb").await.unwrap();
    let page = async |after, limit| agents.page(after, Some(limit)).await;
    let found = walk(page, |agent| agent.name().to_owned(), async |name| {
        let agent = agents.get(name).await.unwrap();
        let granted = agents.grants_of(std::slice::from_ref(&agent)).await.unwrap();
        assert_eq!(granted, agent.grants().await.unwrap());
        assert_eq!(granted.iter().map(|grant| grant.agent).collect::<Vec<_>>(), [agent.id()]);
        // A page begins after the agent, even if it was removed.
        if name == "b" {
            agents.remove(name).await.unwrap();
        }
    });
    assert_eq!(found.await, ["a-b", "ab", "b", "c", "d"]);
    let all = agents.page(None, None).await.unwrap();
    assert_eq!((all.items.len(), all.next), (4, None));
    let mut granted = agents.grants_of(&all.items).await.unwrap();
    let is_of_one = |grant: &AgentGrant| all.items.iter().any(|agent| agent.id() == grant.agent);
    granted.retain(is_of_one);
    assert_eq!(granted.len(), 4);
    assert_eq!(agents.grants_of(&[]).await.unwrap(), []);
    registry.close().await;
}

#[tokio::test]
async fn pages_of_extensions_follow_each_other_by_name_with_those_that_were_only_granted() {
    let world = World::new().await;
    let registry = world.acme().await;
    let id = connected(&registry, "key-1").await.id();
    let extensions = registry.extensions();
    for name in ["two", "four", "one"] {
        extensions.add(&acme_extension(name), "{}").await.unwrap();
    }
    // These were not added; the last grant is revoked.
    for name in ["Upper", "one", "three", "zero", "gone"] {
        extensions.grant(name, id, &[]).await.unwrap();
    }
    extensions.revoke("gone", id).await.unwrap();
    registry.owner("u42").unwrap().extensions().add(&acme_extension("theirs"), "{}").await.unwrap();
    let page = async |after, limit| extensions.page(after, Some(limit)).await;
    let described = |listed: &ListedExtension| {
        format!("{} {} {}", listed.name, listed.added.is_some(), listed.grants.len())
    };
    let found = walk(page, described, async |found| {
        if found.starts_with("one") {
            extensions.remove("one").await.unwrap();
        }
    });
    let expected = ["Upper false 1", "four true 0", "one true 1", "three false 1", "two true 0", "zero false 1"];
    assert_eq!(found.await, expected);
    let all = extensions.page(None, None).await.unwrap();
    assert_eq!((all.items.len(), all.next), (5, None));
    if on_postgres() {
        let by_bytes = "SELECT COUNT(*) FROM information_schema.columns WHERE collation_name = 'C' AND \
                        (table_name, column_name) IN (('connection_extension', 'name'), \
                        ('connection_extension_grant', 'extension'), ('connection_agent', 'name'))";
        assert_eq!(sql::number(&world.database(), by_bytes).await, Some(3));
    }
    registry.close().await;
}

#[tokio::test]
async fn pages_of_setups_follow_each_other_past_one_that_cannot_be_read() {
    let world = World::new().await;
    let registry = world.acme().await;
    let setups = registry.setups();
    let mut begun = Vec::new();
    for _ in 0..5 {
        begun.push(setups.begin(&KIND).await.unwrap().id().to_string());
    }
    registry.owner("u42").unwrap().setups().begin(&KIND).await.unwrap();
    let page = async |after, limit| setups.page(after, Some(limit)).await;
    let found = walk(page, |info| info.id.to_string(), async |id| {
        if id == begun[1] {
            setups.resume(id.parse().unwrap()).await.unwrap().cancel().await.unwrap();
        }
    });
    assert_eq!(found.await, begun);
    if !on_postgres() {
        let id = sql::id_of(&begun[2]);
        let broken = format!("UPDATE connection_setup SET kind = CAST(x'ff' AS TEXT) WHERE id = {id}");
        sql::run(&world.database(), broken).await;
        begun.remove(2);
    }
    begun.remove(1);
    assert_eq!(walk(page, |info| info.id.to_string(), async |_| ()).await, begun);
    registry.close().await;
}

#[tokio::test]
async fn pages_of_profiles_follow_each_other_by_kind_and_age() {
    let it = Tools::new().await;
    let tool = it.profiles();
    tool.list().await.unwrap();
    let mut expected = Vec::new();
    for label in ["work", "home", "away"] {
        tool.create(NewProfile::new(label, it.path(label))).await.unwrap();
    }
    let first = it.registry.list_profiles(None, None).await.unwrap();
    // A kind without a profile gets its first one.
    for kind in [STRICT, TOOL] {
        assert!(first.items.iter().any(|listed| listed.kind == kind), "{kind}");
    }
    for kind in it.registry.kinds().list().into_iter().filter(|kind| kind.capabilities.profiles) {
        let profiles = it.registry.profiles(&kind.descriptor.kind).unwrap().list().await.unwrap();
        expected.extend(profiles.iter().map(|profile| format!("{} {}", kind.descriptor.kind, profile.label)));
    }
    let described =
        |listed: &ListedProfile| format!("{} {}", listed.kind, listed.profile.label);
    assert_eq!(first.items.iter().map(described).collect::<Vec<_>>(), expected);
    let page = async |after, limit| it.registry.list_profiles(after, Some(limit)).await;
    let found = walk(page, described, async |found| {
        if found.ends_with("home") {
            let home = tool.list().await.unwrap().into_iter().find(|profile| profile.label.as_str() == "home");
            tool.remove(home.unwrap().id).await.unwrap();
        }
    });
    assert_eq!(found.await, expected);
    let theirs = it.registry.owner("u42").unwrap();
    assert!(theirs.list_profiles(None, None).await.unwrap().items.is_empty());
}
