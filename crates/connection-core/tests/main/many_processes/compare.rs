//! Compares the database with the results that the processes got.

use std::collections::{BTreeMap, BTreeSet};

use super::ledger::Entry;
use crate::{sql, test_host::World};

/// The ledgers' entries about one connection.
#[derive(Debug, Default)]
struct History {
    added: usize,
    removed: usize,
    renames: Vec<String>,
    account: String,
    /// The last result of each process.
    liveness: BTreeSet<String>,
}

pub(super) async fn check(world: &World, ledgers: &[Vec<Entry>], seed: u64) {
    let histories = histories_of(ledgers);
    refusals(ledgers, seed);
    let database = world.database();
    // The connections that exist.
    let there: BTreeSet<String> =
        sql::texts(&database, "SELECT lower(hex(id)) FROM connection_account").await.into_iter().collect();
    let expected = histories.iter().filter(|(_, history)| history.removed == 0).map(|(id, _)| id.replace('-', ""));
    assert_eq!(there, expected.collect(), "SEED {seed}");
    assert!(
        !there.is_empty() && histories.values().any(|history| history.removed == 1),
        "SEED {seed}: both were tried"
    );
    for (id, history) in &histories {
        assert_eq!((history.added, history.removed.min(1)), (1, history.removed), "SEED {seed}: {id} {history:?}");
    }
    // No account, label, credential or recorded effect exists twice or is left over.
    for twice in [
        "SELECT count(*) FROM (SELECT account_id FROM connection_account GROUP BY owner, kind, account_id \
         HAVING count(*) > 1) AS t",
        "SELECT count(*) FROM (SELECT label FROM connection_account GROUP BY owner, kind, label \
         HAVING count(*) > 1) AS t",
        "SELECT count(*) FROM connection_account AS a WHERE (SELECT count(*) FROM connection_credential AS c \
         WHERE c.connection_id = a.id AND c.state = 'current' AND c.generation = a.generation) <> 1",
        "SELECT count(*) FROM connection_credential WHERE state = 'candidate'",
        "SELECT count(*) FROM connection_account AS a JOIN connection_liveness AS l ON l.connection_id = a.id \
         WHERE l.generation <> a.generation",
        "SELECT count(*) FROM connection_setup_effect AS e JOIN connection_setup AS s ON s.id = e.session_id \
         WHERE s.state IN ('done', 'failed', 'cancelled')",
    ] {
        assert_eq!(sql::number(&database, twice).await, Some(0), "SEED {seed}: {twice}");
    }
    rows(world, &histories, seed).await;
    events(world, &histories, seed).await;
}

fn histories_of(ledgers: &[Vec<Entry>]) -> BTreeMap<String, History> {
    let mut all: BTreeMap<String, History> = BTreeMap::new();
    for ledger in ledgers {
        let mut last: BTreeMap<&str, &str> = BTreeMap::new();
        for entry in ledger {
            match entry {
                Entry::Added { id, account, liveness } => {
                    let history = all.entry(id.clone()).or_default();
                    history.added += 1;
                    history.account.clone_from(account);
                    last.insert(id, liveness);
                }
                Entry::Verified { id, liveness } => drop(last.insert(id, liveness)),
                Entry::Renamed { id, label } => all.entry(id.clone()).or_default().renames.push(label.clone()),
                Entry::Removed { id } => all.entry(id.clone()).or_default().removed += 1,
                Entry::Refused { .. } => {}
            }
        }
        for (id, liveness) in last {
            all.entry(id.to_owned()).or_default().liveness.insert(liveness.to_owned());
        }
    }
    all
}

/// Checks that only expected errors occurred, and each of them did.
fn refusals(ledgers: &[Vec<Entry>], seed: u64) {
    let mut codes = BTreeSet::new();
    for entry in ledgers.iter().flatten() {
        if let Entry::Refused { what, code } = entry {
            codes.insert(format!("{what} {code}"));
        }
    }
    let known = [
        "add account_connected",
        "add cancelled",
        "add label_taken",
        "add unauthorized",
        "add verify_failed",
        "remove not_found",
        "rename label_taken",
        "rename not_found",
        "verify not_found",
    ];
    for code in &codes {
        assert!(known.contains(&&**code), "SEED {seed}: {code}");
    }
    for code in ["add account_connected", "rename label_taken"] {
        assert!(codes.contains(code), "SEED {seed}: nobody met {code}: {codes:?}");
    }
}

/// Checks account, name and liveness of the remaining connections.
async fn rows(world: &World, histories: &BTreeMap<String, History>, seed: u64) {
    let rows = "SELECT lower(hex(a.id)) || ' ' || a.account_id || ' ' || a.label || ' ' || l.liveness \
                FROM connection_account AS a JOIN connection_liveness AS l ON l.connection_id = a.id";
    for row in sql::texts(&world.database(), rows).await {
        let [id, account, label, liveness] = row.split(' ').collect::<Vec<_>>().try_into().unwrap();
        let (_, history) = histories.iter().find(|(known, _)| known.replace('-', "") == id).unwrap();
        assert_eq!(history.account, account, "SEED {seed}: {row}");
        assert!(
            history.renames.is_empty() || history.renames.iter().any(|name| name == label),
            "SEED {seed}: {row} {history:?}"
        );
        assert!(history.liveness.contains(liveness), "SEED {seed}: {row} {history:?}");
    }
}

/// Checks that there is one event for each operation, numbered without a gap.
async fn events(world: &World, histories: &BTreeMap<String, History>, seed: u64) {
    let all = "SELECT lower(hex(connection_id)) || ' ' || seq || ' ' || kind FROM connection_event \
               ORDER BY connection_id, seq";
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for event in sql::texts(&world.database(), all).await {
        let [id, seq, kind] = event.split(' ').collect::<Vec<_>>().try_into().unwrap();
        let kinds = found.entry(id.to_owned()).or_default();
        kinds.push(kind.to_owned());
        assert_eq!(seq, kinds.len().to_string(), "SEED {seed}: {event}");
    }
    assert_eq!(found.len(), histories.len(), "SEED {seed}");
    for (id, history) in histories {
        let kinds = &found[&id.replace('-', "")];
        let count = |kind: &str| kinds.iter().filter(|known| *known == kind).count();
        assert_eq!((count("connected"), count("removed")), (1, history.removed), "SEED {seed}: {id} {kinds:?}");
        // A rename to the same name is no change, and writes no event.
        assert!(count("renamed") <= history.renames.len(), "SEED {seed}: {id} {kinds:?} {history:?}");
        assert_eq!(kinds[0], "connected", "SEED {seed}: {id}");
        assert!(history.removed == 0 || kinds.last().unwrap() == "removed", "SEED {seed}: {id} {kinds:?}");
    }
}
