//! Approvals, for every host: the lists, and the answers of a person.

use std::time::Duration;

use connection_api as api;
use connection_core::{
    AccessTokenId, Approval, ApprovalFilter, ApprovalId, ApprovalState, ConnectionRegistry, Consent, Door, Error,
};

use crate::convert;

/// The time for which an answer waits for what comes of an approved request.
const SETTLING: Duration = Duration::from_secs(10);
/// The number of further requests that a widening lets pass, if nothing is stated.
const USUAL_REQUESTS: u32 = 10;

/// Who answers, for the record.
///
/// ```
/// use connection_core::Door;
/// use connection_server::approvals::Answering;
///
/// let answering = Answering::new("ada", Door::Library, None);
/// assert_eq!(answering.by, "ada");
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Answering {
    /// The person or the program, as others know it.
    pub by: String,
    /// The way in which the answer arrived.
    pub door: Door,
    /// The token with which the answer was given.
    pub token: Option<AccessTokenId>,
}

impl Answering {
    /// Creates the statement that this person or program answers.
    pub fn new(by: impl Into<String>, door: Door, token: Option<AccessTokenId>) -> Self {
        Self { by: by.into(), door, token }
    }
}

/// Reads which states a list has: `open` for what waits or is being sent, or a state. Returns the state, and whether only
/// those that are open are listed.
///
/// # Errors
///
/// The words that there are, as a remedy.
pub fn states(word: Option<&str>) -> Result<(Option<ApprovalState>, bool), String> {
    match word {
        None => Ok((None, false)),
        Some("open") => Ok((None, true)),
        Some(word) => match ApprovalState::parse(word) {
            Some(state) => Ok((Some(state), false)),
            None => {
                let words: Vec<_> = ApprovalState::ALL.iter().map(|state| state.as_str()).collect();
                Err(format!("write open, {}", words.join(", ")))
            }
        },
    }
}

/// Returns approvals: those that wait in the order in which a person judges them, then all others, the newest first.
///
/// # Errors
///
/// [`Error::Agent`] for an agent that there is not, and the store's errors.
pub async fn list(
    registry: &ConnectionRegistry,
    state: Option<ApprovalState>,
    is_open: bool,
    agent: Option<&str>,
    limit: Option<usize>,
) -> Result<Vec<api::Approval>, Error> {
    let mut filter = ApprovalFilter::new();
    if let Some(state) = state {
        filter = filter.state(state);
    }
    if is_open {
        filter = filter.open();
    }
    if let Some(agent) = agent {
        filter = filter.agent(registry.agents().get(agent).await?.id());
    }
    if let Some(limit) = limit {
        filter = filter.limit(limit);
    }
    Ok(registry.approvals().list(filter).await?.iter().map(convert::approval).collect())
}

/// Returns an approval with everything by which a person judges it.
///
/// # Errors
///
/// Those of [`Approvals::get`](connection_core::Approvals::get).
pub async fn show(registry: &ConnectionRegistry, id: ApprovalId) -> Result<api::ShownApproval, Error> {
    Ok(convert::shown_approval(&registry.approvals().get(id).await?))
}

/// Approves a request, and returns the approval after the request was answered, or after ten seconds.
///
/// # Errors
///
/// Those of [`Approvals::approve`](connection_core::Approvals::approve).
pub async fn approve(
    registry: &ConnectionRegistry,
    id: ApprovalId,
    new: &api::NewApproval,
    answering: Answering,
) -> Result<api::Approval, Error> {
    let consent = match new.minutes {
        None => Consent::Once,
        Some(minutes) => Consent::Widen {
            time: Duration::from_secs(60).saturating_mul(minutes),
            requests: new.requests.unwrap_or(USUAL_REQUESTS),
        },
    };
    let Answering { by, door, token } = answering;
    registry.approvals().by(by).through(door, token).approve(id, &new.digest, consent).await?;
    settled(registry, id).await.map(|approval| convert::approval(&approval))
}

async fn settled(registry: &ConnectionRegistry, id: ApprovalId) -> Result<Approval, Error> {
    registry.approvals().settled(id, SETTLING).await
}

/// Refuses a request.
///
/// # Errors
///
/// Those of [`Approvals::refuse`](connection_core::Approvals::refuse).
pub async fn refuse(
    registry: &ConnectionRegistry,
    id: ApprovalId,
    reason: &str,
    answering: Answering,
) -> Result<api::Approval, Error> {
    let Answering { by, door, token } = answering;
    let refused = registry.approvals().by(by).through(door, token).refuse(id, reason.to_owned()).await?;
    Ok(convert::approval(&refused))
}
