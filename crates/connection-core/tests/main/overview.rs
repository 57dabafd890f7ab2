//! Overviews: the pages of an owner's connections, those that need attention first, whatever is stored and however it
//! was changed.

use std::collections::BTreeMap;

use connection_contract::{Kind, Liveness, Timestamp, reason};
use connection_core::{ConnectionId, ConnectionInfo, ConnectionRegistry, Cursor, Filter, Overview, OverviewCounts};
use connection_faults::random::Random;
use uuid::Uuid;

use crate::{
    extension_statements::Counted,
    fake::{FAKE, Fake},
    renewing::{RENEWING, Renewing},
    sql,
    test_host::{on_postgres, START, World},
};

const OTHER: Kind = Kind::from_static("fake-other");
const DAY: i64 = 86_400;

const KINDS: [&str; 4] = ["fake", "fake-other", "renewing", "gone"];
const LIVENESSES: [&str; 5] = ["live", "offline", "failing", "unknown", "LIVE"];
const REASONS: [&str; 7] = [
    "NULL",
    r#"'{"code":"refresh_outcome_unknown","message":"m","remedy":"r"}'"#,
    r#"'{"code":"refresh_outcome_unknown","message":"m"}'"#,
    r#"'{"code":"restored","message":"m","remedy":"r"}'"#,
    r#"'{"code":"unreachable","message":"\"code\":\"restored\"","remedy":"r"}'"#,
    r#"'{"code":"fake_client_refused","message":"m","remedy":"r"}'"#,
    r#"'{"code":"unauthorized","message":"\"fake_client_refused\",\"message\":"}'"#,
];

fn id(number: u64) -> ConnectionId {
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + u128::from(number)).into()
}

fn one_of<'a>(random: &mut Random, texts: &[&'a str]) -> &'a str {
    texts[usize::try_from(random.below(texts.len() as u64)).unwrap()]
}

/// Returns a time that is soon, later, long ago, or none.
fn end(random: &mut Random) -> String {
    let days = [-30, -1, 6, 7, 8, 300];
    match random.below(8) {
        choice @ 0..=5 => (START + days[usize::try_from(choice).unwrap()] * DAY).to_string(),
        _ => "NULL".to_owned(),
    }
}

/// Returns the columns of a credential that decide when it ends. Only credentials of the kind `renewing` are refreshed.
fn ends(random: &mut Random, kind: &str) -> [String; 4] {
    let refresh_at = match kind {
        "renewing" if random.below(3) > 0 => (START + 100).to_string(),
        _ => "NULL".to_owned(),
    };
    [end(random), end(random), refresh_at, one_of(random, &REASONS).to_owned()]
}

/// Stores connections of an owner with random facts.
async fn fill(world: &World, random: &mut Random, numbers: std::ops::Range<u64>) -> BTreeMap<u64, &'static str> {
    let sealed = sql::literal(&[1]);
    let key = sql::literal(&[0; 8]);
    let mut script = "BEGIN;".to_owned();
    let mut kinds = BTreeMap::new();
    for number in numbers {
        let row = sql::id(id(number));
        let kind = one_of(random, &KINDS);
        kinds.insert(number, kind);
        let label = format!("{}-{}", one_of(random, &["a", "B", "ä", "z"]), random.below(50) * 1000 + number);
        let terms = if random.below(4) == 0 { sql::literal(&[7; 32]) } else { "NULL".to_owned() };
        script += &format!(
            "INSERT INTO connection_account (id, owner, kind, label, account_id, account_label, is_default, config, terms, \
             generation, next_generation, state, created_at, updated_at, usable_at) VALUES ({row}, 'local', '{kind}', \
             '{label}', '{number}', 'account', FALSE, '[]', {terms}, 1, 2, 'active', {START}, {START}, {number});"
        );
        if random.below(5) > 0 {
            let (liveness, reason) = (one_of(random, &LIVENESSES), one_of(random, &REASONS));
            script += &format!(
                "INSERT INTO connection_liveness (connection_id, liveness, reason, generation) \
                 VALUES ({row}, '{liveness}', {reason}, 1);"
            );
        }
        if random.below(5) > 0 {
            let [valid, authorized, refresh, reason] = ends(random, kind);
            script += &format!(
                "INSERT INTO connection_credential (connection_id, generation, state, sealed, key_id, secret_names, \
                 created_at, valid_until, authorized_until, refresh_at, refresh_reason) VALUES ({row}, 1, 'current', \
                 {sealed}, {key}, '[]', {START}, {valid}, {authorized}, {refresh}, {reason});"
            );
        }
    }
    sql::script(&world.database(), script + "COMMIT").await;
    kinds
}

/// Changes one of the connections, as SQL.
fn change(random: &mut Random, number: u64, kind: &str) -> String {
    let row = sql::id(id(number));
    match random.below(8) {
        0 => format!("UPDATE connection_account SET label = 'new-{}' WHERE id = {row}", random.below(1 << 40)),
        1 => format!("UPDATE connection_account SET terms = NULL, updated_at = {START} WHERE id = {row}"),
        2 | 3 => format!(
            "UPDATE connection_liveness SET liveness = '{}', reason = {} WHERE connection_id = {row}",
            one_of(random, &LIVENESSES),
            one_of(random, &REASONS)
        ),
        4 => format!(
            "UPDATE connection_liveness SET refused_at = {} WHERE connection_id = {row}",
            one_of(random, &["NULL", "1"])
        ),
        5 | 6 => {
            let [valid, authorized, refresh, reason] = ends(random, kind);
            format!(
                "UPDATE connection_credential SET valid_until = {valid}, authorized_until = {authorized}, \
                 refresh_at = {refresh}, refresh_reason = {reason} WHERE connection_id = {row}"
            )
        }
        // Another credential becomes the current one, of which nothing is known.
        _ => format!(
            "UPDATE connection_account SET generation = {}, next_generation = 9 WHERE id = {row}",
            1 + random.below(2)
        ),
    }
}

/// Returns all connections of the owner, in the order of an overview.
async fn sorted(registry: &ConnectionRegistry, now: Timestamp) -> Vec<ConnectionInfo> {
    let mut all = Vec::new();
    let mut filter = Filter::new();
    loop {
        let page = registry.list_connections(filter.clone()).await.unwrap();
        all.extend(page.items);
        let Some(next) = page.next else { break };
        filter = filter.after(next);
    }
    all.sort_by_key(|info| {
        (!info.needs_attention(now), info.provider.to_string(), info.label.to_string(), info.id)
    });
    all
}

/// Returns the ids on all pages of an overview.
async fn walk(registry: &ConnectionRegistry, overview: &Overview, limit: u16) -> Vec<ConnectionId> {
    let mut found = Vec::new();
    let mut after: Option<Cursor> = None;
    loop {
        let page = after.into_iter().fold(overview.clone().limit(limit), Overview::after);
        let page = registry.overview(page).await.unwrap();
        assert!(page.items.len() <= usize::from(limit));
        found.extend(page.items.iter().map(|entry| entry.info.id));
        let Some(next) = page.next else { return found };
        assert_eq!(Some(&next), page.items.last().map(|last| &last.cursor));
        after = Some(Cursor::from(next.to_string()));
    }
}

/// Returns `true` if a person has to look at the connection, and not only at its application.
fn counts_for_attention(info: &ConnectionInfo, now: Timestamp) -> bool {
    let is_refused = info.reason.as_ref().is_some_and(|why| reason::is_application_refused(&why.code));
    let waits = info.registered && info.current_liveness() == Liveness::Failing && is_refused;
    info.needs_attention(now) && !waits
}

/// Compares the overviews of all connections, and of some, with those that are sorted in memory.
async fn compare(registry: &ConnectionRegistry, random: &mut Random, now: Timestamp) {
    let all = sorted(registry, now).await;
    let expected = |is_wanted: &dyn Fn(&ConnectionInfo) -> bool| {
        all.iter().filter(|info| is_wanted(info)).map(|info| info.id).collect::<Vec<_>>()
    };
    let limit = u16::try_from(1 + random.below(90)).unwrap();
    assert_eq!(walk(registry, &Overview::new(), limit).await, expected(&|_| true), "pages of {limit}");
    let attention = walk(registry, &Overview::new().only_attention(), limit).await;
    assert_eq!(attention, expected(&|info| info.needs_attention(now)));
    for kind in [FAKE, OTHER, RENEWING, Kind::from_static("gone"), Kind::from_static("none")] {
        let found = walk(registry, &Overview::new().kind(kind.clone()), limit).await;
        assert_eq!(found, expected(&|info| info.kind == kind), "{kind}");
        let found = walk(registry, &Overview::new().provider(kind.clone()), limit).await;
        assert_eq!(found, expected(&|info| info.provider == kind), "{kind}");
    }
    for liveness in [Liveness::Live, Liveness::Offline, Liveness::Failing, Liveness::Unknown] {
        let found = walk(registry, &Overview::new().liveness(liveness), limit).await;
        assert_eq!(found, expected(&|info| info.current_liveness() == liveness), "{liveness:?}");
    }
    let some: Vec<_> = all.iter().map(|info| info.id).filter(|_| random.below(3) == 0).collect();
    let among = Overview::new().among(some.iter().rev().copied());
    assert_eq!(walk(registry, &among, limit).await, some);
    let failing = walk(registry, &among.liveness(Liveness::Failing).only_attention(), limit).await;
    let is_failing = |info: &ConnectionInfo| info.current_liveness() == Liveness::Failing && some.contains(&info.id);
    assert_eq!(failing, expected(&is_failing));
    let number = |is_counted: &dyn Fn(&ConnectionInfo) -> bool| expected(is_counted).len() as u64;
    let is = |liveness: Liveness| number(&|info| info.current_liveness() == liveness);
    let OverviewCounts { all, attention, live, offline, failing, unknown, .. } = registry.overview_counts().await.unwrap();
    assert_eq!((all, attention), (number(&|_| true), number(&|info| counts_for_attention(info, now))));
    let states = [Liveness::Live, Liveness::Offline, Liveness::Failing, Liveness::Unknown].map(is);
    assert_eq!([live, offline, failing, unknown], states);
}

#[tokio::test]
async fn an_overview_is_the_list_that_is_sorted_in_memory_whatever_was_stored_and_changed() {
    let world = World::new().await;
    let builder = world.builder().kind(Fake::new()).kind(Fake::of_provider(OTHER, FAKE)).kind(Renewing::new());
    let registry = builder.open().await.unwrap();
    let now = Timestamp::from_seconds(world.now());
    let mut random = Random::new(34);
    let kinds = fill(&world, &mut random, 0..150).await;
    compare(&registry, &mut random, now).await;
    for _ in 0..4 {
        for _ in 0..60 {
            let number = random.below(150);
            sql::run(&world.database(), change(&mut random, number, kinds[&number])).await;
        }
        compare(&registry, &mut random, now).await;
    }
    sql::run(&world.database(), "DELETE FROM connection_account WHERE label LIKE 'a%'").await;
    compare(&registry, &mut random, now).await;
    let places = sql::number(&world.database(), "SELECT COUNT(*) FROM connection_place").await;
    assert_eq!(places, sql::number(&world.database(), "SELECT COUNT(*) FROM connection_account").await);
    registry.close().await;
}

/// Adds connections that work, and returns how many statements a first page and the counts take.
async fn statements_with(on: &Counted, numbers: std::ops::Range<u64>) -> (usize, usize) {
    let end = numbers.end;
    sql::script(
        &on.world.database(),
        format!(
            "INSERT INTO connection_account (id, owner, kind, label, account_id, account_label, is_default, config, \
             generation, next_generation, state, created_at, updated_at) \
             WITH RECURSIVE n (i) AS (SELECT {} UNION ALL SELECT i + 1 FROM n WHERE i < {}) \
             SELECT randomblob(16), 'local', CASE i % 4 WHEN 1 THEN 'gone' WHEN 3 THEN 'lost' ELSE 'acme' END, 'l-' || i, i, 'account', \
             FALSE, '[]', 1, 2, 'active', {START}, {START} FROM n",
            numbers.start,
            end - 1
        ),
    )
    .await;
    let page = async || on.registry.overview(Overview::new().limit(50)).await.unwrap();
    let (statements, page) = on.takes(page).await;
    assert_eq!(page.items.len(), 50);
    let next = Overview::new().limit(50).after(page.next.unwrap());
    let next = on.takes(async || on.registry.overview(next.clone()).await.unwrap()).await.0;
    assert_eq!(next, statements, "the second page");
    let (of_counts, counts) = on.takes(async || on.registry.overview_counts().await.unwrap()).await;
    let most = OverviewCounts::LIMIT + 1;
    assert_eq!((counts.all, counts.attention), (end.min(most), (end / 2).min(most)));
    (statements, of_counts)
}

#[tokio::test]
async fn a_page_and_the_counts_take_as_many_statements_for_800_connections_as_for_24_000() {
    if on_postgres() {
        return;
    }
    let on = Counted::new().await;
    // The classes, what ends soon, the connections of a class, and the rows of the page; for the counts, the classes, what
    // ends soon, and the numbers.
    assert_eq!(statements_with(&on, 0..800).await, (4, 3));
    // Two classes of 6,000 connections need attention.
    assert_eq!(statements_with(&on, 800..24_000).await, (4, 3));
}

#[tokio::test]
async fn a_row_that_somebody_broke_hides_no_other_of_its_class() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let mut ids = Vec::new();
    for name in ["ada", "bob", "eve"] {
        ids.push(fake.connected(&registry, name).await.id());
    }
    let broken = sql::id(ids[1]);
    sql::run(&world.database(), format!("UPDATE connection_account SET kind = 'No Kind!' WHERE id = {broken}")).await;
    // A kind that cannot be read is not registered, so the connection needs attention.
    assert_eq!(walk(&registry, &Overview::new(), 1).await, [ids[1], ids[0], ids[2]]);
    if !on_postgres() {
        let label = format!("UPDATE connection_account SET kind = 'fake', label = CAST(x'ff80' AS TEXT) WHERE id = {broken}");
        sql::run(&world.database(), label).await;
        assert_eq!(walk(&registry, &Overview::new(), 1).await, [ids[0], ids[2]]);
    }
    let theirs = registry.owner("u42").unwrap();
    assert!(walk(&theirs, &Overview::new(), 9).await.is_empty());
    assert!(walk(&theirs, &Overview::new().among(ids), 9).await.is_empty());
    assert_eq!(theirs.overview_counts().await.unwrap(), OverviewCounts::default());
    registry.close().await;
}
