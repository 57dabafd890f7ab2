//! The whole request of an approval, and what a person judges it by.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use connection_contract::encode;
use connection_rules::RequestParts;
use similar::{
    ChangeTag, DiffableStr as _,
    algorithms::{Capture, Compact, Replace, myers},
};

use super::Approval;
use crate::{
    ApprovalError, ApprovalId, ApprovalState, Error, SealError,
    approval::{Facts, StoredRequest, digest, visible},
    connection::System,
    ground::{Ground, Scope},
    guard,
    store::{APPROVAL_REQUEST, rows::ApprovalRow},
    words::words,
};

/// The number of former approvals of the connection that are compared.
const COMPARED: i64 = 1000;
/// The maximum length of two requests whose difference is shown, in bytes.
const MAX_COMPARED: usize = 64 * 1024;
/// The longest time for finding a difference. What was found until then is shown.
const COMPARING: Duration = Duration::from_millis(200);

/// A request, made visible: see [`visible`].
///
/// ```
/// use connection_core::ShownRequest;
///
/// fn print(request: &ShownRequest) {
///     println!("{}", request.text());
/// }
/// # let _ = print;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShownRequest {
    /// The method.
    pub method: String,
    /// The address at the provider, with the query.
    pub address: String,
    /// The headers that are sent, in their order. The credential is not among them.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl ShownRequest {
    /// Returns the whole request as one text: method and address, the headers, an empty line, and the body.
    pub fn text(&self) -> String {
        let mut text = format!("{} {}\n", self.method, self.address);
        for (name, value) in &self.headers {
            text.extend([name, ": ", value, "\n"]);
        }
        text.extend(["\n", &self.body]);
        text
    }
}

words! {
    /// The kind of a part of a difference.
    ///
    /// ```
    /// use connection_core::ChangeKind;
    ///
    /// assert_eq!(ChangeKind::Added.as_str(), "added");
    /// ```
    #[non_exhaustive]
    pub enum ChangeKind {
        /// The part is in both requests.
        Same = "same",
        /// The part is only in the former request.
        Removed = "removed",
        /// The part is only in this request.
        Added = "added",
    }
}

/// A part of the difference between two requests.
///
/// ```
/// use connection_core::{Change, ChangeKind};
///
/// fn added(changes: &[Change]) -> String {
///     changes.iter().filter(|change| change.kind == ChangeKind::Added).map(|change| change.text.as_str()).collect()
/// }
/// # let _ = added;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// Where the part is.
    pub kind: ChangeKind,
    /// The text of the part.
    pub text: String,
}

/// An approval with everything by which a person judges it.
///
/// ```
/// use connection_core::{ApprovalDetails, Impact};
///
/// fn deserves_a_second_look(of: &ApprovalDetails) -> bool {
///     of.approval.impact == Impact::Deletes || of.ran_before == 0
/// }
/// # let _ = deserves_a_second_look;
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ApprovalDetails {
    /// The approval.
    pub approval: Approval,
    /// The whole request. `None` after the request can no longer be sent, when it is erased.
    pub request: Option<ShownRequest>,
    /// The number of equal requests that were sent before after an approval, those included whose answer is lost. The
    /// newest thousand approvals of the connection count that were answered, and as many whose answer is lost.
    pub ran_before: u64,
    /// The number of requests of the same agent with the same rule and method that were sent before after an approval.
    pub rule_ran_before: u64,
    /// The last of those requests, if there is one.
    pub previous: Option<ApprovalId>,
    /// The difference of this request from the last of those requests. `None` without one, and if one of the two is
    /// longer than 64 KiB.
    pub changes: Option<Vec<Change>>,
}

/// Opens the request of an approval, and checks that it is the one to which the row is bound.
///
/// # Errors
///
/// [`Error::Sealed`], and the store's errors. [`ApprovalError::Unknown`] if the request was erased.
pub(super) async fn opened(ground: &Arc<Ground>, row: &ApprovalRow) -> Result<(RequestParts, Vec<u8>), Error> {
    let (found, _) = ground.reader().await?.sealed_of_approval(row.id).await?;
    let found = found.ok_or(ApprovalError::Unknown(row.id))?;
    let cell = APPROVAL_REQUEST.at(row.id.as_uuid(), 0, &row.owner, &row.kind);
    let encoded = ground.open(&cell, &found).await?;
    let facts = Facts::of(row);
    let nonce = encode::from_hex(&facts.nonce).unwrap_or_default();
    let request = StoredRequest::decode(encoded.expose()).and_then(|request| request.parts());
    match request {
        Some(request) if digest(&nonce, encoded.expose()) == facts.digest => Ok(request),
        _ => Err(Error::sealed(&cell, SealError::Tampered { table: cell.table })),
    }
}

pub(super) async fn details(scope: Scope<'_, System>, id: ApprovalId) -> Result<ApprovalDetails, Error> {
    let ground = &scope.system.ground;
    let row = ground.reader().await?.approval(scope.owner, id).await?.ok_or(ApprovalError::Unknown(id))?;
    guard::check(&ground.sealer, &row)?;
    let approval = Approval::of(&row, ground.clock.now());
    let mut former = Vec::new();
    for state in [ApprovalState::Answered, ApprovalState::Unknown] {
        former.extend(ground.reader().await?.approvals_of_connection(row.connection_id, state, COMPARED).await?);
    }
    former.sort_by_key(|row| std::cmp::Reverse(row.id));
    let former: Vec<_> = former
        .into_iter()
        .filter(|other| other.id < row.id && other.agent_id == row.agent_id && other.owner == row.owner)
        .filter(|other| guard::check(&ground.sealer, other).is_ok())
        .collect();
    let is_alike = |other: &&ApprovalRow| {
        let facts = Facts::of(other);
        (facts.rule, facts.method) == (approval.rule.clone(), approval.method.clone())
    };
    let ran_before = former.iter().filter(|other| other.same == row.same).count() as u64;
    let alike: Vec<_> = former.iter().filter(is_alike).collect();
    let request = match opened(ground, &row).await {
        Ok((parts, body)) => Some(shown(&approval, &parts, &body)),
        Err(Error::Approval(_)) => None,
        Err(error) => return Err(error),
    };
    let mut changes = None;
    if let (Some(request), Some(previous)) = (&request, alike.first()) {
        changes = match opened(ground, previous).await {
            Ok((parts, body)) => {
                let previous = shown(&Approval::of(previous, ground.clock.now()), &parts, &body);
                let (former, text) = (previous.text(), request.text());
                // The search may take as long as `COMPARING`, so it does not run on a thread that serves other tasks.
                let compare = async { tokio::task::spawn_blocking(move || difference(&former, &text)).await };
                ground.runtimes.spawn(compare).await.ok().and_then(Result::ok).flatten()
            }
            Err(_) => None,
        };
    }
    Ok(ApprovalDetails {
        ran_before,
        rule_ran_before: alike.len() as u64,
        previous: alike.first().map(|row| row.id),
        request,
        changes,
        approval,
    })
}

/// Makes a request visible. The address is the one to which it is sent.
fn shown(approval: &Approval, parts: &RequestParts, body: &[u8]) -> ShownRequest {
    let query = parts.target.split_once('?').map(|(_, query)| format!("?{query}")).unwrap_or_default();
    let address = format!("{}{}{query}", approval.origin, approval.path);
    let headers = parts.headers.iter();
    ShownRequest {
        method: visible(parts.method.as_bytes()),
        address: visible(address.as_bytes()),
        headers: headers.map(|(name, value)| (visible(name.as_bytes()), visible(value))).collect(),
        body: visible(body),
    }
}

/// Returns the difference of two texts, by words.
///
/// One algorithm is called by its name, because the program would contain all of them if it were chosen by a value.
#[expect(clippy::disallowed_methods, reason = "the package reads the clock of the system while it searches")]
fn difference(former: &str, text: &str) -> Option<Vec<Change>> {
    if former.len() > MAX_COMPARED || text.len() > MAX_COMPARED {
        return None;
    }
    let (old, new) = (former.tokenize_words(), text.tokenize_words());
    let mut found = Compact::new(Replace::new(Capture::new()), old.as_slice(), new.as_slice());
    let end = Instant::now() + COMPARING;
    let Ok(()) =
        myers::diff_deadline(&mut found, old.as_slice(), 0..old.len(), new.as_slice(), 0..new.len(), Some(end));
    let mut changes: Vec<Change> = Vec::new();
    for part in found.into_inner().into_inner().ops() {
        for (tag, words) in part.iter_slices(old.as_slice(), new.as_slice()) {
            let kind = match tag {
                ChangeTag::Equal => ChangeKind::Same,
                ChangeTag::Delete => ChangeKind::Removed,
                ChangeTag::Insert => ChangeKind::Added,
            };
            match changes.last_mut().filter(|last| last.kind == kind) {
                Some(last) => last.text.extend(words.iter().copied()),
                None => changes.push(Change { kind, text: words.concat() }),
            }
        }
    }
    Some(changes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_by_words_and_its_parts_are_whole() {
        let changes = difference("POST /a\n\n{\"to\": \"bob\"}", "POST /a\n\n{\"to\": \"eve\"}").unwrap();
        let of = |kinds: [ChangeKind; 2]| -> String {
            changes.iter().filter(|change| kinds.contains(&change.kind)).map(|change| change.text.as_str()).collect()
        };
        assert_eq!(of([ChangeKind::Same, ChangeKind::Removed]), "POST /a\n\n{\"to\": \"bob\"}");
        assert_eq!(of([ChangeKind::Same, ChangeKind::Added]), "POST /a\n\n{\"to\": \"eve\"}");
        assert!(changes.len() > 2, "{changes:?}");
        assert_eq!(difference(&"x".repeat(MAX_COMPARED + 1), ""), None);
    }
}
