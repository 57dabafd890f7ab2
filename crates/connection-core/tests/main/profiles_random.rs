//! Random operations on profiles, compared with a model that knows only the rules.

use std::collections::BTreeMap;

use connection_core::{Error, NewProfile, Profile, ProfileError, ProfileId, ProfilePatch, Profiles};
use connection_faults::random::Random;

use crate::tool::Tools;

const RUNS: u64 = 6;
const OPERATIONS: u64 = 120;
/// Few enough to collide.
const NAMES: u64 = 5;

/// Returns `true` one time in three.
fn maybe(random: &mut Random) -> bool {
    random.below(3) == 0
}

/// An operation on profiles.
#[derive(Clone, Debug)]
pub(crate) enum Operation {
    ClearSlot(u64),
    Create { label: u64, directory: u64, is_default: bool },
    Remove(u64),
    SetSlot(u64, u64),
    Update { at: u64, label: Option<u64>, directory: Option<u64>, is_default: Option<bool> },
}

impl Operation {
    pub(crate) fn draw(random: &mut Random) -> Self {
        match random.below(10) {
            0..3 => {
                Self::Create { label: random.below(NAMES), directory: random.below(NAMES), is_default: maybe(random) }
            }
            3..7 => {
                let at = random.below(NAMES);
                let label = maybe(random).then(|| random.below(NAMES));
                let directory = maybe(random).then(|| random.below(NAMES));
                Self::Update { at, label, directory, is_default: maybe(random).then(|| random.below(4) > 0) }
            }
            7 => Self::SetSlot(random.below(2), random.below(NAMES)),
            8 => Self::ClearSlot(random.below(2)),
            _ => Self::Remove(random.below(NAMES)),
        }
    }

    /// Performs it on the selected one of `ids`; returns the code of an error.
    pub(crate) async fn run(&self, profiles: &Profiles, ids: &[ProfileId]) -> Result<Option<ProfileId>, String> {
        let at = |at: u64| ids[usize::try_from(at).unwrap() % ids.len()];
        let done = match self {
            Self::Create { label, directory, is_default } => {
                let profile = NewProfile::new(name(*label), path(*directory));
                profiles.create(if *is_default { profile.make_default() } else { profile }).await
            }
            Self::Update { at: index, label, directory, is_default } => {
                let patch = ProfilePatch::new();
                let patch = label.iter().fold(patch, |patch, label| patch.label(name(*label)));
                let patch = directory.iter().fold(patch, |patch, directory| patch.directory(path(*directory)));
                let patch = match is_default {
                    Some(true) => patch.make_default(),
                    Some(false) => patch.clear_default(),
                    None => patch,
                };
                profiles.update(at(*index), patch).await
            }
            Self::Remove(index) => return profiles.remove(at(*index)).await.map(|()| None).map_err(|e| refusal(&e)),
            Self::SetSlot(slot, index) => {
                let set = profiles.set_slot(&name(*slot), at(*index)).await;
                return set.map(|()| None).map_err(|error| refusal(&error));
            }
            Self::ClearSlot(slot) => {
                return profiles.clear_slot(&name(*slot)).await.map(|_| None).map_err(|error| refusal(&error));
            }
        };
        done.map(|profile| Some(profile.id)).map_err(|error| refusal(&error))
    }
}

fn refusal(error: &Error) -> String {
    match error {
        Error::Profile(error) => error.code().to_owned(),
        // Any other error is not a rule of profiles.
        other => panic!("{other:?}"),
    }
}

fn name(number: u64) -> String {
    format!("name-{number}")
}

fn path(number: u64) -> String {
    format!("/profiles/{number}")
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    id: ProfileId,
    label: String,
    directory: String,
    is_default: bool,
}

#[derive(Default)]
struct Model {
    rows: Vec<Row>,
    slots: BTreeMap<String, ProfileId>,
}

impl Model {
    /// Returns the code of the expected error; `made` is the id from the store.
    fn run(&mut self, operation: &Operation, made: Option<ProfileId>) -> Option<&'static str> {
        let count = self.rows.len();
        let index = |at: u64| usize::try_from(at).unwrap() % count;
        let taken = |rows: &[Row], row: &Row| {
            let others = || rows.iter().filter(|other| other.id != row.id);
            // In the order in which the store examines the profiles.
            others().find_map(|other| match () {
                () if other.label == row.label => Some("label_taken"),
                () if other.directory == row.directory => Some("directory_taken"),
                () => None,
            })
        };
        match operation {
            Operation::ClearSlot(slot) => drop(self.slots.remove(&name(*slot))),
            Operation::SetSlot(slot, at) => drop(self.slots.insert(name(*slot), self.rows[index(*at)].id)),
            Operation::Remove(at) => {
                let row = &self.rows[index(*at)];
                if count == 1 {
                    return Some("profile_last");
                }
                if row.is_default {
                    return Some("profile_default");
                }
                if self.slots.values().any(|id| *id == row.id) {
                    return Some("profile_in_use");
                }
                self.rows.remove(index(*at));
            }
            Operation::Create { label, directory, is_default } => {
                // A rejected profile has no id, and none is needed.
                let id = made.unwrap_or_else(|| "00000000-0000-0000-0000-000000000000".parse().unwrap());
                let row = Row { id, label: name(*label), directory: path(*directory), is_default: *is_default };
                if let Some(refusal) = taken(&self.rows, &row) {
                    return Some(refusal);
                }
                if *is_default {
                    self.rows.iter_mut().for_each(|row| row.is_default = false);
                }
                self.rows.push(row);
            }
            Operation::Update { at, label, directory, is_default } => {
                let mut row = self.rows[index(*at)].clone();
                row.label = label.map_or(row.label, name);
                row.directory = directory.map_or(row.directory, path);
                if row.is_default && *is_default == Some(false) {
                    return Some("profile_default");
                }
                row.is_default |= *is_default == Some(true);
                if let Some(refusal) = taken(&self.rows, &row) {
                    return Some(refusal);
                }
                if row.is_default {
                    self.rows.iter_mut().for_each(|row| row.is_default = false);
                }
                self.rows[index(*at)] = row;
            }
        }
        None
    }
}

/// Checks the invariants of a list.
#[track_caller]
pub(crate) fn check(profiles: &[Profile]) {
    assert_eq!(profiles.iter().filter(|profile| profile.is_default).count(), 1, "{profiles:#?}");
    assert!(profiles.iter().filter(|profile| profile.is_implicit).count() <= 1, "{profiles:#?}");
    assert!(profiles.is_sorted_by_key(|profile| (profile.created_at, profile.id)), "{profiles:#?}");
    for (at, one) in profiles.iter().enumerate() {
        let doubled = |other: &Profile| other.label == one.label || other.directory == one.directory;
        assert!(!profiles[at + 1..].iter().any(doubled), "{profiles:#?}");
    }
}

/// R-JACK-002
#[tokio::test]
async fn random_operations_keep_the_rules_of_profiles() {
    for seed in 1..=RUNS {
        let it = Tools::new().await;
        let profiles = it.profiles();
        let mut random = Random::new(seed);
        let mut model = Model::default();
        let first = profiles.list().await.unwrap().remove(0);
        let directory = first.directory.to_str().unwrap().to_owned();
        model.rows.push(Row { id: first.id, label: "Default".into(), directory, is_default: true });
        for number in 0..OPERATIONS {
            let operation = Operation::draw(&mut random);
            let ids: Vec<_> = model.rows.iter().map(|row| row.id).collect();
            let done = operation.run(&profiles, &ids).await;
            let refused = model.run(&operation, done.as_ref().ok().copied().flatten());
            assert_eq!(done.err().as_deref(), refused, "seed {seed}, {number}: {operation:?} {:#?}", model.rows);
            let listed = profiles.list().await.unwrap();
            check(&listed);
            let rows = listed.into_iter().map(|profile| Row {
                id: profile.id,
                label: profile.label.to_string(),
                directory: profile.directory.to_str().unwrap().to_owned(),
                is_default: profile.is_default,
            });
            assert_eq!(rows.collect::<Vec<_>>(), model.rows, "seed {seed}, {number}: {operation:?}");
            assert_eq!(profiles.slots().await.unwrap(), model.slots, "seed {seed}, {number}: {operation:?}");
        }
    }
}

/// The control: a list with two defaults is detected.
#[tokio::test]
async fn a_list_that_breaks_a_rule_is_found() {
    let it = Tools::new().await;
    let mut two = it.profiles().list().await.unwrap();
    check(&two);
    two.push(two[0].clone());
    assert!(std::panic::catch_unwind(|| check(&two)).is_err());
    assert!(matches!(it.profiles().remove(two[0].id).await, Err(Error::Profile(ProfileError::Last { .. }))));
}
