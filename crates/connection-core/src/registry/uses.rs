//! Pages of the record of use, and the erasure of its texts.

use std::time::Duration;

use connection_contract::{BoxFuture, Identity, Timestamp};
use uuid::Uuid;

use super::ConnectionRegistry;
use crate::{
    AccessTokenId, ApprovalId, ConnectionId, Cursor, Door, Error, Grantee, Page, UseId, UseOutcome,
    keys::Sealer,
    page::TimeAndId,
    store::{ERASED_AT_ONCE, UsesBy, UsesRange, rows::UseRow},
    uses::{BeganEntry, EndedEntry, read},
};

/// The maximum number of uses of a page.
const PAGE: u32 = 1000;
/// The maximum number of rows that are read for a page, if a filter leaves most of them out.
const MAX_READ: i64 = 10_000;

/// A use of a connection: a request that was sent, refused or asked about, or secrets that were handed out.
///
/// ```
/// use connection_core::Use;
///
/// fn line(of: &Use) -> String {
///     let outcome = of.end.as_ref().map_or("outcome unknown", |end| end.outcome.as_str());
///     let request = of.method.as_deref().zip(of.path.as_deref()).map(|(method, path)| format!("{method} {path}"));
///     format!("{} {} {outcome}", of.at.to_rfc3339(), request.unwrap_or_default())
/// }
/// # let _ = line;
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Use {
    /// The id, which is never used again.
    pub id: UseId,
    /// The time at which the use began, or was refused.
    pub at: Timestamp,
    /// The connection. `None` for one that is not granted, and for refusals that were counted together.
    pub connection: Option<ConnectionId>,
    /// The kind of the connection at that time.
    pub kind: Option<String>,
    /// The label of the connection at that time.
    pub label: Option<String>,
    /// The account at that time, if the provider named it.
    pub account: Option<Identity>,
    /// The agent or the extension that used the connection; `None` for a person or a host.
    pub grantee: Option<Grantee>,
    /// The name of the agent.
    pub agent: Option<String>,
    /// The token of the program that asked.
    pub token: Option<AccessTokenId>,
    /// The way in which the use arrived.
    pub door: Door,
    /// The method of the request.
    pub method: Option<String>,
    /// The origin to which the request was addressed.
    pub origin: Option<String>,
    /// The path of the request at the provider, without the query.
    pub path: Option<String>,
    /// The rule that decided.
    pub rule: Option<String>,
    /// The approval by which the request was sent, or to which it belongs.
    pub approval: Option<ApprovalId>,
    /// The names of the secrets that were handed out.
    pub secrets: Vec<String>,
    /// The command of the extension that got the secrets.
    pub command: Option<String>,
    /// How the use ended. `None` while it lasts, and if its process was killed: the outcome is then unknown.
    pub end: Option<UseEnd>,
    /// `true` if one of the two entries was edited outside of the program. What such an entry said is left out.
    pub is_edited: bool,
    /// The position in the order of lists.
    cursor: TimeAndId<UseId>,
}

/// The end of a [`Use`].
///
/// ```
/// use connection_core::{UseEnd, UseOutcome};
///
/// fn may_have_happened(end: &UseEnd) -> bool {
///     matches!(end.outcome, UseOutcome::Failed | UseOutcome::Cancelled)
/// }
/// # let _ = may_have_happened;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UseEnd {
    /// The time of the end.
    pub at: Timestamp,
    /// How the use ended.
    pub outcome: UseOutcome,
    /// The code of the error, if there was one.
    pub code: Option<String>,
    /// The status of the provider's answer.
    pub status: Option<u16>,
    /// `true` if the whole answer passed. `None` without an answer.
    pub is_complete: Option<bool>,
    /// The bytes of the body of the request that were sent.
    pub sent: u64,
    /// The bytes of the body of the answer that passed.
    pub received: u64,
    /// The time from the beginning to the end.
    pub took: Duration,
    /// `true` if the answer repeated a secret, which was replaced.
    pub is_redacted: bool,
    /// The number of equal uses for which this entry stands. It is more than one for refusals alone.
    pub count: u64,
}

/// Which uses a list has. Each member that is set leaves uses out.
///
/// ```
/// use connection_core::{UseFilter, UseOutcome};
///
/// let denied = UseFilter::new().outcome(Some(UseOutcome::Denied));
/// ```
#[derive(Clone, Debug, Default)]
pub struct UseFilter {
    grantee: Option<Grantee>,
    token: Option<AccessTokenId>,
    connection: Option<ConnectionId>,
    rule: Option<String>,
    outcome: Option<Option<UseOutcome>>,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
}

impl UseFilter {
    /// Creates a filter that leaves nothing out.
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps the uses by this agent or extension.
    #[must_use]
    pub fn grantee(self, grantee: &Grantee) -> Self {
        Self { grantee: Some(grantee.clone()), ..self }
    }

    /// Keeps the uses with this token.
    #[must_use]
    pub fn token(self, token: AccessTokenId) -> Self {
        Self { token: Some(token), ..self }
    }

    /// Keeps the uses of this connection.
    #[must_use]
    pub fn connection(self, connection: ConnectionId) -> Self {
        Self { connection: Some(connection), ..self }
    }

    /// Keeps the uses about which a rule with this name decided.
    #[must_use]
    pub fn rule(self, rule: impl Into<String>) -> Self {
        Self { rule: Some(rule.into()), ..self }
    }

    /// Keeps the uses with this outcome; with `None`, those whose outcome is unknown.
    #[must_use]
    pub fn outcome(self, outcome: Option<UseOutcome>) -> Self {
        Self { outcome: Some(outcome), ..self }
    }

    /// Keeps the uses that began at this time or later.
    #[must_use]
    pub fn from(self, from: Timestamp) -> Self {
        Self { from: Some(from), ..self }
    }

    /// Keeps the uses that began before this time.
    #[must_use]
    pub fn until(self, until: Timestamp) -> Self {
        Self { until: Some(until), ..self }
    }

    /// Returns the index that leaves out most, as far as that is known without looking.
    fn by(&self) -> UsesBy {
        match self {
            Self { token: Some(token), .. } => UsesBy::Token(*token),
            Self { outcome: Some(Some(outcome)), .. } if *outcome != UseOutcome::Answered => {
                UsesBy::Outcome(outcome.as_str().to_owned())
            }
            Self { rule: Some(rule), .. } => UsesBy::Rule(rule.clone()),
            Self { connection: Some(connection), .. } => UsesBy::Connection(*connection),
            Self { grantee: Some(grantee), .. } => UsesBy::Grantee(grantee.to_string()),
            _ => UsesBy::Owner,
        }
    }

    fn keeps(&self, of: &Use) -> bool {
        fn agrees<T: PartialEq>(wanted: &Option<T>, is: Option<&T>) -> bool {
            wanted.as_ref().is_none_or(|wanted| is == Some(wanted))
        }
        agrees(&self.grantee, of.grantee.as_ref())
            && agrees(&self.token, of.token.as_ref())
            && agrees(&self.connection, of.connection.as_ref())
            && agrees(&self.rule, of.rule.as_ref())
            && self.outcome.is_none_or(|outcome| outcome == of.end.as_ref().map(|end| end.outcome))
            && self.from.is_none_or(|from| of.at >= from)
            && self.until.is_none_or(|until| of.at < until)
    }
}

/// The record of use of an owner: what was done with the connections, by which program, and how it ended.
///
/// A use has two entries, which are never changed: one when it begins and one when it ends. They hold neither queries,
/// nor headers, nor bodies. Uses by agents and extensions are committed before a request leaves. Other uses, and all
/// ends, are written at most 25 milliseconds later, and the last of them are lost if the process is killed.
///
/// # Examples
///
/// ```
/// use connection_core::{ConnectionId, ConnectionRegistry, Error, UseFilter};
///
/// async fn paths(registry: &ConnectionRegistry, connection: ConnectionId) -> Result<Vec<String>, Error> {
///     let page = registry.uses().list(UseFilter::new().connection(connection), None, 50).await?;
///     Ok(page.items.into_iter().filter_map(|of| of.path).collect())
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Uses<'a> {
    pub(super) registry: &'a ConnectionRegistry,
}

impl ConnectionRegistry {
    /// Returns the record of use of this owner.
    pub fn uses(&self) -> Uses<'_> {
        Uses { registry: self }
    }
}

impl<'a> Uses<'a> {
    /// Returns a page of uses, newest first: those before `before`, or from the last one. A page has at most 1,000 uses.
    /// A filter that leaves out most uses may make a page short although there is a next one.
    ///
    /// The uses of this process are all among them; those of other processes may be missing for 25 milliseconds.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidCursor`], and the store's errors.
    pub fn list(
        self,
        filter: UseFilter,
        before: Option<Cursor>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Page<Use>, Error>> {
        Box::pin(async move {
            let before = before.as_ref().map(Cursor::position::<TimeAndId<UseId>>).transpose()?;
            let ground = &self.registry.systems.ground;
            ground.recorder.flush().await?;
            let limit = i64::from(limit.clamp(1, PAGE));
            let wanted = usize::try_from(limit).unwrap_or_default();
            let by = filter.by();
            let from = filter.from.map_or(i64::MIN, Timestamp::seconds);
            let last = (i64::MAX, Uuid::max());
            let until = filter.until.map_or(last, |until| (until.seconds(), Uuid::nil()));
            // Pages in the order of ends may have uses that began long before.
            let until = if matches!(by, UsesBy::Outcome(_)) { last } else { until };
            let mut position = before.map_or(until, |before| (before.at, before.id.as_uuid()).min(until));
            let mut page = Page { items: Vec::new(), next: None };
            let mut read = 0;
            let mut reader = ground.reader().await?;
            loop {
                let range = UsesRange { before: position, from, limit };
                let rows = reader.uses(&self.registry.owner, &by, range).await?;
                let is_last = (rows.len() as i64) < limit;
                read += rows.len() as i64;
                for row in rows {
                    let of = Use::of(&ground.sealer, &self.registry.owner, row, matches!(by, UsesBy::Outcome(_)));
                    position = (of.cursor.at, of.cursor.id.as_uuid());
                    page.next = Some(Cursor::at(of.cursor));
                    if filter.keeps(&of) {
                        page.items.push(of);
                    }
                    if page.items.len() == wanted {
                        return Ok(page);
                    }
                }
                if is_last {
                    page.next = None;
                    return Ok(page);
                }
                if read >= MAX_READ {
                    return Ok(page);
                }
            }
        })
    }

    /// Returns the use with this id; `None` if this owner has none, or if its text was erased.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn get(self, id: UseId) -> BoxFuture<'a, Result<Option<Use>, Error>> {
        Box::pin(async move {
            let ground = &self.registry.systems.ground;
            ground.recorder.flush().await?;
            let rows = ground.reader().await?.use_of(&self.registry.owner, id.as_uuid()).await?;
            Ok(rows.into_iter().next().map(|row| Use::of(&ground.sealer, &self.registry.owner, row, false)))
        })
    }

    /// Erases the texts of the entries of this owner from before a time, and returns their number. What is left of an
    /// entry is its number, the id of the use and a commitment, which reveals nothing of the text.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, some of the texts may be erased.
    ///
    /// # Errors
    ///
    /// The store's errors. Some of the texts may be erased.
    pub fn erase(self, before: Timestamp) -> BoxFuture<'a, Result<u64, Error>> {
        let owner = self.registry.owner.to_string();
        Box::pin(async move { self.registry.erase_uses(Some(owner), before).await })
    }
}

impl ConnectionRegistry {
    /// Erases the texts of entries from before a time, of one owner or of all.
    async fn erase_uses(&self, owner: Option<String>, before: Timestamp) -> Result<u64, Error> {
        let mut erased = 0;
        loop {
            let count = self.erase_some_uses(owner.clone(), before).await?;
            erased += count;
            if count < ERASED_AT_ONCE.unsigned_abs() {
                return Ok(erased);
            }
        }
    }

    /// Erases the texts of at most [`ERASED_AT_ONCE`] entries, and returns their number.
    pub(super) async fn erase_some_uses(&self, owner: Option<String>, before: Timestamp) -> Result<u64, Error> {
        let ground = &self.systems.ground;
        ground.recorder.flush().await?;
        let job = ground
            .store
            .write(move |tx| Box::pin(async move { tx.erase_uses(owner.as_deref(), before.seconds()).await }));
        Ok(job.await?)
    }
}

impl Use {
    fn of(sealer: &Sealer, owner: &str, row: UseRow, by_end: bool) -> Self {
        let UseRow { began, ended } = row;
        let ended = ended.into_read();
        let placed = if by_end { &ended } else { &began };
        let id = UseId::from(began.use_id.unwrap_or_default());
        let cursor = TimeAndId { at: placed.at.unwrap_or_default(), id };
        let (found_at, has_end) = (began.at.unwrap_or_default(), ended.entry.is_some());
        // The columns by which entries are found are not covered by the mark.
        let began = read(sealer, &began, false).filter(|entry: &BeganEntry| entry.owner == owner);
        let ended = read(sealer, &ended, true).filter(|entry: &EndedEntry| entry.owner == owner);
        let is_edited = began.is_none() || (ended.is_none() && has_end);
        let at = began.as_ref().map_or(found_at, |began| began.at);
        let began = began.unwrap_or_default();
        let account = began.account_id.is_some() || began.account_label.is_some();
        let account = account
            .then(|| Identity::new(began.account_id.unwrap_or_default(), began.account_label.unwrap_or_default()));
        Self {
            id,
            at: Timestamp::from_seconds(at),
            connection: began.connection.map(ConnectionId::from),
            kind: began.kind,
            label: began.label,
            account,
            grantee: began.grantee.as_deref().and_then(Grantee::parse),
            agent: began.agent,
            token: began.token.map(AccessTokenId::from),
            door: began.door,
            method: began.method,
            origin: began.origin,
            path: began.path,
            rule: began.rule,
            approval: began.approval.map(ApprovalId::from),
            secrets: began.secrets,
            command: began.command,
            end: ended.map(UseEnd::of),
            is_edited,
            cursor,
        }
    }
}

impl UseEnd {
    fn of(entry: EndedEntry) -> Self {
        Self {
            at: Timestamp::from_seconds(entry.at),
            outcome: entry.outcome,
            code: entry.code,
            status: entry.status,
            is_complete: entry.complete,
            sent: entry.sent,
            received: entry.received,
            took: Duration::from_millis(entry.millis),
            is_redacted: entry.redacted,
            count: entry.count.unwrap_or(1),
        }
    }
}
