//! What a person does with the requests that wait, and how an approved request is sent.
//!
//! A person looks at the whole request and answers with its digest. An approved request is sent at once by the process
//! that took the answer, after everything was decided again; if that process is prevented, the next repetition by the
//! agent sends it. The answer of the provider is stored, sealed, for the same agent.

mod answer;
mod details;
mod execute;
mod fetch;
mod info;
mod list;
mod old_rows;

use std::fmt;

use connection_contract::{BoxFuture, DisplayText};

use crate::{AccessTokenId, ApprovalId, Door, Error, approval::Answerer, connection::System, ground::Scope};

pub use answer::Consent;
pub use details::{ApprovalDetails, Change, ChangeKind, ShownRequest};
pub use fetch::{AgentApproval, ProviderAnswer};
pub use info::{Approval, Impact};
pub use list::ApprovalFilter;

pub(crate) use fetch::of_agent;
pub(crate) use old_rows::{connection_removed, end_lapsed, end_old};

/// The requests of an owner's agents about which a person is asked. Only the host calls these methods, for a person.
///
/// ```
/// use connection_core::{ApprovalFilter, ApprovalState, ConnectionRegistry, Consent, Error};
///
/// /// Approves what waits, each request alone.
/// async fn approve_all(registry: &ConnectionRegistry) -> Result<(), Error> {
///     for waiting in registry.approvals().list(ApprovalFilter::new().state(ApprovalState::Waiting)).await? {
///         let details = registry.approvals().get(waiting.id).await?;
///         println!("{}", details.request.map(|request| request.text()).unwrap_or_default());
///         registry.approvals().by("ada").approve(waiting.id, &waiting.digest, Consent::Once).await?;
///     }
///     Ok(())
/// }
/// # let _ = approve_all;
/// ```
#[derive(Clone)]
pub struct Approvals<'a> {
    scope: Scope<'a, System>,
    by: Answerer,
}

impl fmt::Debug for Approvals<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Approvals").field("owner", &self.scope.owner).finish_non_exhaustive()
    }
}

impl<'a> Approvals<'a> {
    pub(crate) fn new(scope: Scope<'a, System>) -> Self {
        let door = scope.system.ground.recorder.by.door;
        Self { scope, by: Answerer { door, ..Answerer::default() } }
    }

    /// Names the person or the program that answers.
    #[must_use]
    pub fn by(mut self, by: impl Into<DisplayText>) -> Self {
        self.by.name = Some(by.into().to_string());
        self
    }

    /// States how the answer arrived, and the token with which it was given.
    #[must_use]
    pub fn through(mut self, door: Door, token: Option<AccessTokenId>) -> Self {
        self.by = Answerer { door, token, ..self.by };
        self
    }

    /// Returns approvals. Those that wait come first, in the order in which a person judges them: what cannot be undone
    /// first, then by agent and rule. All others follow, the newest first.
    ///
    /// An approval whose row was edited or restored outside of the program is left out;
    /// [`edited_rows`](crate::Events::edited_rows) names it.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn list(self, filter: ApprovalFilter) -> BoxFuture<'a, Result<Vec<Approval>, Error>> {
        Box::pin(async move { list::list(self.scope, &filter).await })
    }

    /// Returns an approval with the whole request and everything by which a person judges it.
    ///
    /// # Errors
    ///
    /// [`ApprovalError::Unknown`](crate::ApprovalError::Unknown), [`Error::Row`] if the row was edited or restored,
    /// [`Error::Sealed`] if the request cannot be opened, and the store's errors.
    pub fn get(self, id: ApprovalId) -> BoxFuture<'a, Result<ApprovalDetails, Error>> {
        Box::pin(async move { details::details(self.scope, id).await })
    }

    /// Approves a request that was looked at. `digest` is that of the request which was shown, so that nothing else is
    /// approved.
    ///
    /// After the approval is committed, the request is decided again and sent in the background, at most once.
    /// [`settled`](Self::settled) waits for the result. While something is frozen that concerns the request, it stays
    /// approved and is sent when the agent sends it again after the thaw.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the request is approved or not.
    ///
    /// # Errors
    ///
    /// [`ApprovalError`](crate::ApprovalError), [`Error::Row`], [`Error::Sealed`], and the store's errors. Nothing was
    /// approved.
    pub fn approve<'b>(
        self,
        id: ApprovalId,
        digest: &'b str,
        consent: Consent,
    ) -> BoxFuture<'b, Result<Approval, Error>>
    where
        'a: 'b,
    {
        Box::pin(async move {
            let approval = answer::approve(self.scope, id, digest, consent, self.by).await?;
            execute::begin(self.scope.owned(), id);
            Ok(approval)
        })
    }

    /// Refuses a request. The agent is told the reason when it sends the request again.
    ///
    /// # Errors
    ///
    /// The errors of [`approve`](Self::approve). Nothing was changed.
    pub fn refuse(self, id: ApprovalId, reason: impl Into<DisplayText>) -> BoxFuture<'a, Result<Approval, Error>> {
        let reason = reason.into();
        Box::pin(async move { answer::refuse(self.scope, id, reason, self.by).await })
    }

    /// Waits until an approved request was sent and answered, or was found not to be sendable, for at most this time.
    /// Returns the approval as it is then.
    ///
    /// # Errors
    ///
    /// The errors of [`get`](Self::get).
    pub fn settled(self, id: ApprovalId, at_most: std::time::Duration) -> BoxFuture<'a, Result<Approval, Error>> {
        Box::pin(async move {
            let row = fetch::wait(self.scope, id, None, at_most).await?;
            Ok(Approval::of(&row, self.scope.system.ground.clock.now()))
        })
    }
}
