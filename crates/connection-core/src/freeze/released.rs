//! The secrets that were handed out before a freeze, which does not end them.

use std::collections::BTreeMap;

use connection_contract::{DisplayText, Guide, Kind, Text, Timestamp};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    ConnectionId, Error, event,
    frozen::Frozen,
    ground::{Ground, Scope},
    store::{StoreError, rows::StoredEvent},
};

/// The number of events that are read at once.
const PAGE: i64 = 1_000;
/// The maximum number of pages that are read.
const MAX_PAGES: usize = 10;
/// The maximum number of releases that are returned.
const MAX_RELEASED: usize = 100;

/// A secret that was handed out, as the record of events has it.
///
/// ```
/// use connection_core::Released;
///
/// fn line(released: &Released) -> String {
///     let to = released.extension.as_ref().or(released.agent.as_ref()).map(|name| format!(" to {name}")).unwrap_or_default();
///     format!("{}{to}, last at {}", released.name, released.last_at.to_rfc3339())
/// }
/// # let _ = line;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Released {
    /// The connection whose secret it is.
    pub connection: ConnectionId,
    /// The kind and the label of the connection; `None` if it was removed.
    pub connection_name: Option<(Kind, DisplayText)>,
    /// The name of the secret.
    pub name: String,
    /// The extension that got it; `None` for a release to an agent, to the host or to a person.
    pub extension: Option<DisplayText>,
    /// The agent that got it, for a program that asked for a credential.
    pub agent: Option<DisplayText>,
    /// The number of times that it was handed out, in the events that were read.
    pub times: u64,
    /// The time of the last release.
    pub last_at: Timestamp,
    /// An address of the provider that the kind names for the setup of its credential, if it names one.
    pub page: Option<Text>,
}

impl Released {
    /// Returns the way to end the secret.
    pub fn remedy(&self) -> String {
        let at = self.page.as_ref().map(|page| format!(", perhaps at {page}")).unwrap_or_default();
        format!(
            "revoke it at the provider{at}, or remove the connection, which says whether it revoked it; then authorize \
             the connection again"
        )
    }
}

/// Returns the secrets of what is frozen that were handed out, the last one first, and `true` if older events were not
/// read.
pub(super) async fn of(scope: Scope<'_, Ground>, what: &Frozen) -> Result<(Vec<Released>, bool), Error> {
    let ground = scope.system;
    let mut found = BTreeMap::<(ConnectionId, String, [Option<String>; 2]), (String, u64, i64)>::new();
    let mut place = Place { id: Uuid::max(), number: i64::MAX };
    let mut has_older = true;
    for _ in 0..MAX_PAGES {
        let events = page(scope, what, place).await?;
        for event in events.iter().filter(|event| event.kind == event::SECRET_RELEASED) {
            let body: Value = serde_json::from_str(&event.body).unwrap_or_default();
            let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
            if let Frozen::Agent(id) = what
                && text("agentId") != Some(id.to_string())
            {
                continue;
            }
            let to = [text("extension"), text("agent")];
            let key = (event.connection_id, text("name").unwrap_or_default(), to);
            let entry = found.entry(key).or_insert((event.owner.clone(), 0, event.at));
            entry.1 += 1;
        }
        match events.last() {
            Some(last) if events.len() as i64 == PAGE => place = Place { id: last.id, number: last.seq },
            _ => {
                has_older = false;
                break;
            }
        }
    }
    let mut released = Vec::new();
    for ((connection, name, [extension, agent]), (owner, times, last_at)) in found {
        let info = ground.info_by_id(&owner, connection).await.ok();
        if let Frozen::Kind(kind) = what
            && info.as_ref().is_none_or(|info| info.kind != *kind)
        {
            continue;
        }
        let page = info.as_ref().and_then(|info| page_of(ground, &info.kind));
        released.push(Released {
            connection,
            connection_name: info.map(|info| (info.kind, info.label)),
            name,
            extension: extension.map(Into::into),
            agent: agent.map(Into::into),
            times,
            last_at: Timestamp::from_seconds(last_at),
            page,
        });
    }
    released.sort_by_key(|released| std::cmp::Reverse(released.last_at));
    has_older |= released.len() > MAX_RELEASED;
    released.truncate(MAX_RELEASED);
    Ok((released, has_older))
}

/// The position of the next page: before the event with this id, or this number.
#[derive(Clone, Copy)]
struct Place {
    id: Uuid,
    number: i64,
}

async fn page(scope: Scope<'_, Ground>, what: &Frozen, place: Place) -> Result<Vec<StoredEvent>, StoreError> {
    let mut reader = scope.system.store.reader().await?;
    match what {
        Frozen::Connection(id) => reader.newest_events_of(*id, place.number, PAGE).await,
        Frozen::Owner(owner) => reader.newest_events_of_owner(owner, place.id, PAGE).await,
        // The events of an agent are those of its owner's connections.
        Frozen::Agent(_) => reader.newest_events_of_owner(scope.owner, place.id, PAGE).await,
        Frozen::All | Frozen::Kind(_) => reader.newest_events_of_all(place.id, PAGE).await,
    }
}

/// Returns the first address in the guide of a kind, at which a person usually manages such credentials.
fn page_of(ground: &Ground, kind: &Kind) -> Option<Text> {
    let entry = ground.kinds.entry(kind)?;
    entry.descriptor.guide.iter().find_map(|guide| match guide {
        Guide::Link(_, address) => Some(address.clone()),
        _ => None,
    })
}
