//! Counts equal refusals, so that a program that does not stop asking does not fill the record.
//!
//! The first refusal is written at once. Equal ones within the minute that begins with the first refusal of the grantee
//! are counted, and written as one entry at its end. After a hundred different ones, all further refusals of that minute
//! count as equal if they have the same outcome, token and door.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, Weak},
    time::Duration,
};

use super::{Door, Grantee, Recorder, UseOutcome, UsedBy, What, entry::Requested};
use crate::{AccessTokenId, ConnectionId};

/// The time within which equal refusals are counted.
const MINUTE: Duration = Duration::from_secs(60);
/// The maximum number of different refusals of a grantee in this time.
const MAX_DIFFERENT: usize = 100;

/// A request that was not sent.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    pub(crate) what: What,
    pub(crate) outcome: UseOutcome,
    /// The code of the error that the program got.
    pub(crate) code: &'static str,
}

/// The refusals of the grantees within their minutes.
pub(super) type Refusals = HashMap<Whose, HashMap<Key, Counted>>;

/// An owner, and a grantee of that owner.
type Whose = (String, Option<Grantee>);

/// What equal refusals have in common.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    outcome: UseOutcome,
    token: Option<AccessTokenId>,
    door: Door,
    /// `None` for the further ones of a minute with many different refusals.
    what: Option<(Option<ConnectionId>, Option<Requested>, Option<String>)>,
}

/// Refusals that are not written yet.
#[derive(Debug)]
pub(super) struct Counted {
    by: UsedBy,
    refused: Refused,
    count: u64,
}

impl Recorder {
    /// Records a request that was not sent. Equal refusals of one grantee within a minute are one entry with a count.
    pub(crate) fn refused(self: &Arc<Self>, owner: &str, by: &UsedBy, refused: Refused) {
        let whose = (owner.to_owned(), by.grantee.clone());
        let rule = by.rule.as_ref().map(|(name, _)| name.clone());
        let what = Some((refused.what.connection, refused.what.request.clone(), rule));
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        let is_first = !refusals.contains_key(&whose);
        let of_minute = refusals.entry(whose.clone()).or_default();
        let mut key = Key { outcome: refused.outcome, token: by.token, door: by.door, what };
        let mut refused = refused;
        if of_minute.len() >= MAX_DIFFERENT && !of_minute.contains_key(&key) {
            key.what = None;
            refused.what = What::default();
        }
        match of_minute.get_mut(&key) {
            Some(counted) => {
                counted.count += 1;
                return;
            }
            None => of_minute.insert(key, Counted { by: by.clone(), refused: refused.clone(), count: 0 }),
        };
        drop(refusals);
        self.write_behind(self.refusal(owner, by, refused, 1));
        if is_first {
            let (on, clock) = (Arc::downgrade(self), self.clock.clone());
            drop(self.runtimes.spawn(async move {
                clock.sleep(MINUTE).await;
                end(&on, &whose);
            }));
        }
    }

    /// Writes the refusals that were counted, before the store is closed.
    pub(super) fn end_refusals(self: &Arc<Self>) {
        let all = std::mem::take(&mut *self.refusals.lock().unwrap_or_else(PoisonError::into_inner));
        for ((owner, _), of_minute) in all {
            self.write_counted(&owner, of_minute);
        }
    }

    fn write_counted(self: &Arc<Self>, owner: &str, of_minute: HashMap<Key, Counted>) {
        for Counted { by, refused, count } in of_minute.into_values().filter(|counted| counted.count > 0) {
            self.write_behind(self.refusal(owner, &by, refused, count));
        }
    }
}

/// Ends the minute of a grantee.
fn end(recorder: &Weak<Recorder>, whose: &Whose) {
    let Some(on) = recorder.upgrade() else { return };
    let of_minute = on.refusals.lock().unwrap_or_else(PoisonError::into_inner).remove(whose);
    on.write_counted(&whose.0, of_minute.unwrap_or_default());
}
