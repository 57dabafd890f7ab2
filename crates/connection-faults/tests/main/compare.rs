//! Compares a database with the ledgers of the processes that worked on it.

use std::collections::{BTreeMap, BTreeSet};

use connection_core::{ConnectionInfo, ConnectionRegistry, Filter};
use connection_faults::ledger::Entry;

/// The operations of all processes, each with its result if it is known.
pub(crate) struct Done(pub(crate) Vec<Entry>);

/// Returns all connections by id.
pub(crate) async fn stored(registry: &ConnectionRegistry) -> BTreeMap<String, ConnectionInfo> {
    let mut all = BTreeMap::new();
    let mut filter = Filter::new();
    loop {
        let page = registry.list_connections(filter.clone()).await.unwrap();
        all.extend(page.items.into_iter().map(|info| (info.id.to_string(), info)));
        match page.next {
            Some(next) => filter = filter.after(next),
            None => return all,
        }
    }
}

impl Done {
    fn of<'a>(&'a self, verb: &'a str, id: &'a str) -> impl Iterator<Item = &'a Entry> {
        self.0.iter().filter(move |entry| entry.verb() == verb && entry.about() == id)
    }

    fn cut_off(&self, verb: &str) -> usize {
        self.0.iter().filter(|entry| entry.verb() == verb && entry.ended.is_none()).count()
    }

    /// Returns the entry that made each connection, with its label, account and liveness, by id.
    fn added(&self) -> BTreeMap<&str, (&Entry, &[String])> {
        let mut added = BTreeMap::new();
        for entry in self.0.iter().filter(|entry| entry.verb() == "add") {
            if let Some([id, output @ ..]) = entry.ok() {
                assert!(added.insert(id.as_str(), (entry, output)).is_none(), "{id} was made twice");
            }
        }
        added
    }

    /// Asserts that no connection is lost or doubled, and returns how many were made.
    pub(crate) fn compare(&self, stored: &BTreeMap<String, ConnectionInfo>) -> usize {
        let added = self.added();
        let unknown: Vec<_> = stored.keys().filter(|id| !added.contains_key(id.as_str())).collect();
        assert!(unknown.len() <= self.cut_off("add"), "made by nobody: {unknown:?}");
        for (id, (add, output)) in &added {
            let gone = self.of("remove", id).any(|entry| entry.ok().is_some());
            let perhaps = gone || self.of("remove", id).any(|entry| entry.ended.is_none());
            match stored.get(*id) {
                None => assert!(perhaps, "{id} is lost: {output:?}"),
                Some(info) => {
                    assert!(!gone, "{id} is there, and was removed");
                    self.compare_one(add, output, info);
                }
            }
        }
        self.unique(stored);
        added.len()
    }

    fn compare_one(&self, add: &Entry, output: &[String], info: &ConnectionInfo) {
        let id = info.id.to_string();
        assert_eq!(output.get(1).map(String::as_str), Some(info.identity.account_id.as_str()), "the account of {id}");
        // `add` and `reauthorize` report a liveness too.
        let label = |entry: &Entry| {
            if entry.verb() == "rename" { entry.operation.get(2).cloned() } else { output.first().cloned() }
        };
        let renamed = std::iter::once(add)
            .chain(self.of("rename", &id).filter(|entry| entry.came.first().is_none_or(|word| word == "ok")));
        let labels: BTreeSet<_> = last(renamed.collect()).into_iter().filter_map(label).collect();
        assert!(labels.contains(info.label.as_str()), "{id} is called {}, and not one of {labels:?}", info.label);
        let measured = self.of("verify", &id).chain(self.of("reauthorize", &id));
        let measured =
            std::iter::once(add).chain(measured.filter(|entry| entry.came.first().is_none_or(|word| word == "ok")));
        let last = last(measured.collect());
        let said: BTreeSet<_> = last.iter().map(|entry| entry.came.last().cloned()).collect();
        let found = Some(format!("{:?}", info.liveness));
        // An operation that was cut off may have reported either liveness.
        assert!(said.contains(&found) || said.contains(&None), "{id} is {found:?}, and was last {said:?}");
    }

    fn unique(&self, stored: &BTreeMap<String, ConnectionInfo>) {
        let mut labels = BTreeSet::new();
        let mut accounts = BTreeSet::new();
        for info in stored.values() {
            assert!(labels.insert(info.label.to_string()), "two are called {}", info.label);
            let account = info.identity.account_id.to_string();
            assert!(accounts.insert(account.clone()), "{account} is connected twice");
        }
    }
}

/// Returns the entries after which no other entry began. Any of them may have been the last.
fn last(entries: Vec<&Entry>) -> Vec<&Entry> {
    let behind = |one: &Entry, other: &Entry| one.ended.is_some_and(|ended| ended < other.began);
    entries
        .iter()
        .filter(|one| !entries.iter().any(|other| other.ended.is_some() && behind(one, other)))
        .copied()
        .collect()
}

/// Asserts that each connection that was made has a whole chain of events without gaps.
pub(crate) async fn events(registry: &ConnectionRegistry, done: &Done) {
    for id in done.added().keys() {
        let mut after = None;
        let mut number = 0;
        let mut names = Vec::new();
        loop {
            let history = registry.events().history(id.parse().unwrap(), after).await.unwrap();
            assert_eq!(history.broken_at, None, "{id}");
            for event in history.page.items {
                number += 1;
                assert_eq!(event.number, number, "{id}");
                names.push(event.name);
            }
            after = history.page.next;
            if after.is_none() {
                break;
            }
        }
        let count = |name: &str| names.iter().filter(|found| *found == name).count();
        assert_eq!((names.first().map(String::as_str), count("connected")), (Some("connected"), 1), "{id}: {names:?}");
        assert!(
            count("removed") <= 1 && (count("removed") == 0 || names.last().unwrap() == "removed"),
            "{id}: {names:?}"
        );
        let authorized = done.of("reauthorize", id).filter(|entry| entry.ok().is_some()).count();
        assert!(count("reauthorized") >= authorized, "{id}: {names:?}");
    }
}

/// The control: the comparison detects what it looks for.
#[test]
fn the_last_of_several_is_any_behind_which_none_began() {
    let entry = |began, ended| Entry { began, ended, operation: vec![], came: vec![] };
    let one = entry(1, Some(3));
    let two = entry(2, Some(9));
    let three = entry(4, Some(6));
    let four = entry(7, None);
    assert_eq!(last(vec![&one, &two, &three]), [&two, &three]);
    assert_eq!(last(vec![&one, &three]), [&three]);
    assert_eq!(last(vec![&three, &four]), [&three, &four], "what was cut off may not have been done");
}

#[test]
fn a_connection_that_is_lost_is_noticed() {
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let add = Entry { began: 1, ended: Some(2), operation: words("add a"), came: words("ok id label a Live") };
    let mut remove = Entry { began: 3, ended: Some(4), operation: words("remove id"), came: words("refused busy") };
    let none = BTreeMap::new();
    let lost = Done(vec![add.clone(), remove.clone()]);
    assert!(std::panic::catch_unwind(|| lost.compare(&none)).is_err());
    remove.came = words("ok");
    assert_eq!(Done(vec![add.clone(), remove]).compare(&none), 1);
    let twice = Done(vec![add.clone(), add]);
    assert!(std::panic::catch_unwind(|| twice.compare(&none)).is_err());
}
