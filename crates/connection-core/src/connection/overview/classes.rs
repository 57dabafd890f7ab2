//! The classes of connections that an overview merges.
//!
//! The store sorts the connections of a class by label. Connections of a class have the same kind, terms and liveness, so
//! this process decides for a whole class whether it needs attention, and merges the classes of each provider. Only the
//! connections that end soon are moved from their classes one by one.

use std::{
    cmp::Ordering,
    collections::{BTreeSet, HashMap, HashSet},
};

use connection_contract::{Kind, Liveness, encode};
use uuid::Uuid;

use super::{Overview, Position};
use crate::{
    ConnectionId, Error, StoreError,
    connection_info::current_liveness,
    ground::{Ground, RowKinds, UNREADABLE},
    kinds::KindEntry,
    liveness::column,
    store::{EndingRow, Reader},
};

/// A class of connections, with what the registered kinds say about it.
pub(super) struct Class {
    /// The name by which the store finds its connections.
    name: String,
    kind: Kind,
    provider: String,
    liveness: Liveness,
    needs_attention: bool,
    /// `true` if its connections only wait for an application that their provider refuses.
    waits: bool,
    renews: bool,
}

impl Class {
    fn of(ground: &Ground, kinds: &RowKinds<'_>, owner: &str, name: String) -> Self {
        let mut words = words(&name);
        let urgency = words.next();
        let (is_urgent, waits) = (matches!(urgency, Some("1" | "2")), urgency == Some("2"));
        let measured = words.next().map_or(Liveness::Unknown, column::to_liveness);
        let terms = words.next().filter(|hex| !hex.is_empty()).and_then(encode::from_hex);
        let kind = words.next().and_then(Kind::parse).unwrap_or(UNREADABLE);
        let entry = kinds.entry(owner, &kind);
        let changed = entry.as_ref().is_some_and(|entry| !entry.permits_use(terms.as_deref()));
        let provider = match &entry {
            Some(entry) => entry.descriptor.provider.to_string(),
            None => ground.provider_of(&kind).to_string(),
        };
        drop(words);
        Self {
            provider,
            liveness: current_liveness(measured, entry.is_some(), changed),
            needs_attention: is_urgent || changed || entry.is_none(),
            waits: waits && !changed && entry.is_some(),
            renews: entry.as_deref().is_some_and(KindEntry::renews),
            name,
            kind,
        }
    }

    fn is_wanted(&self, wanted: &Overview) -> bool {
        wanted.kind.as_ref().is_none_or(|kind| self.kind == *kind)
            && wanted.provider.as_ref().is_none_or(|provider| self.provider == provider.as_str())
            && wanted.liveness.is_none_or(|liveness| self.liveness == liveness)
    }
}

/// Returns the words of a class, the last one first. A kind that was edited may contain spaces.
fn words(class: &str) -> impl Iterator<Item = &str> {
    class.rsplitn(4, ' ')
}

/// A part of an overview.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The connections that need attention.
    Attention,
    Rest,
}

/// A connection that ends soon, of a class that needs no attention otherwise.
struct Ending {
    class: String,
    label: String,
    id: ConnectionId,
}

/// The classes of an owner, and the connections that end soon.
pub(super) struct Classes {
    all: Vec<Class>,
    ending: Vec<Ending>,
}

impl Classes {
    /// Reads the classes of an owner, and the connections that end by a time.
    pub(super) async fn read(ground: &Ground, reader: &mut Reader, owner: &str, until: i64) -> Result<Self, Error> {
        let rows = reader.classes(owner).await?;
        let names: Vec<_> = rows.iter().filter_map(|class| words(class).nth(3).map(str::to_owned)).collect();
        let kinds = ground.kinds_of_rows(reader, names.iter().map(|kind| (owner, &**kind))).await?;
        let all: Vec<_> = rows.into_iter().map(|row| Class::of(ground, &kinds, owner, row)).collect();
        let by_name: HashMap<_, _> = all.iter().map(|class| (&*class.name, class)).collect();
        let mut ending = Vec::new();
        for EndingRow { connection_id: id, class, label, valid_until, authorized_until } in
            reader.ending(owner, until).await?
        {
            let Some(of) = by_name.get(&*class).filter(|of| !of.needs_attention) else { continue };
            // The store knows no kinds, so it finds a few more.
            let ends_at = if of.renews { authorized_until } else { valid_until };
            if ends_at.is_some_and(|at| at <= until) {
                ending.push(Ending { class, label, id });
            }
        }
        Ok(Self { all, ending })
    }

    /// Counts the connections by their liveness and by whether a person has to look at each of them. Each number is at most
    /// one more than [`MAX_COUNT`](crate::store::MAX_COUNT), and as many entries of the index are read for it.
    pub(super) async fn counts(
        &self,
        reader: &mut Reader,
        owner: &str,
    ) -> Result<Vec<(Liveness, bool, u64)>, StoreError> {
        let (mut groups, mut lists) = (Vec::new(), Vec::<Vec<&str>>::new());
        for class in &self.all {
            let of = (class.liveness, class.needs_attention && !class.waits);
            let place = groups.iter().position(|known| *known == of).unwrap_or_else(|| {
                groups.push(of);
                lists.push(Vec::new());
                groups.len() - 1
            });
            lists[place].push(&class.name);
        }
        let counts = if lists.is_empty() { Vec::new() } else { reader.counts_of(owner, &lists).await? };
        Ok(groups.into_iter().zip(counts).map(|((liveness, needs), count)| (liveness, needs, count)).collect())
    }

    pub(super) fn number_of_ending(&self) -> u64 {
        self.ending.len() as u64
    }

    /// Returns the first positions of a part that `wanted` selects, `limit` at most.
    pub(super) async fn find(
        &self,
        reader: &mut Reader,
        owner: &str,
        part: Part,
        wanted: &Overview,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<Position>, Error> {
        let works = part == Part::Rest;
        let mut found = Vec::new();
        let chosen: Vec<_> = self.all.iter().filter(|class| class.is_wanted(wanted)).collect();
        let providers: BTreeSet<_> = chosen.iter().map(|class| &*class.provider).collect();
        let moved: HashSet<_> = self.ending.iter().map(|ending| ending.id).collect();
        for provider in providers {
            let begin = match after.map(|after| ((after.works, &*after.provider).cmp(&(works, provider)), after)) {
                Some((Ordering::Greater, _)) => continue,
                Some((Ordering::Equal, after)) => (&*after.label, after.id.as_uuid()),
                _ => ("", Uuid::nil()),
            };
            let missing = limit - found.len();
            let mut here = Vec::new();
            for class in chosen.iter().filter(|class| class.provider == provider) {
                if class.needs_attention == works {
                    if part == Part::Attention {
                        let ending = self.ending.iter().filter(|ending| ending.class == class.name);
                        let ending = ending.map(|ending| (ending.label.clone(), ending.id));
                        here.extend(ending.filter(|(label, id)| (&**label, id.as_uuid()) > begin));
                    }
                    continue;
                }
                let skipped = |id: &ConnectionId| works && moved.contains(id);
                let (label, id) = begin;
                here.extend(members(reader, owner, &class.name, label, id, missing, skipped).await?);
            }
            here.sort_unstable();
            here.truncate(missing);
            let provider = provider.to_owned();
            found.extend(here.into_iter().map(|(label, id)| Position { works, provider: provider.clone(), label, id }));
            if found.len() >= limit {
                break;
            }
        }
        Ok(found)
    }
}

/// Returns the first connections of a class after a label and an id, without those that are skipped.
async fn members(
    reader: &mut Reader,
    owner: &str,
    class: &str,
    label: &str,
    id: Uuid,
    limit: usize,
    skipped: impl Fn(&ConnectionId) -> bool,
) -> Result<Vec<(String, ConnectionId)>, StoreError> {
    let mut found: Vec<(String, ConnectionId)> = Vec::new();
    let (mut label, mut id) = (label.to_owned(), id);
    loop {
        let (rows, is_full) = reader.members(owner, class, &label, id, limit as i64).await?;
        let last = rows.last().map(|row| (row.label.clone(), row.connection_id.as_uuid()));
        let rows = rows.into_iter().map(|row| (row.label, row.connection_id));
        found.extend(rows.filter(|(_, id)| !skipped(id)).take(limit - found.len()));
        match last.filter(|_| is_full && found.len() < limit) {
            Some(last) => (label, id) = last,
            None => return Ok(found),
        }
    }
}
