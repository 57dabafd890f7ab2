//! The entries of a use of a connection in the record.

use std::sync::{Arc, atomic::AtomicU64};

use connection_contract::{HttpRequest, host};

use super::{Connection, manner::Manner};
use crate::{
    AccessTokenId, AgentError, Door, Error, ExtensionError, RuleError, UseOutcome,
    uses::{OpenRecord, Refused, UsedBy, What},
};

impl Connection {
    /// Returns a handle whose uses are recorded with this door, and with the token of the program that asked.
    ///
    /// ```
    /// use connection_core::{AccessToken, Connection, Door, Error, Response};
    ///
    /// async fn me(connection: &Connection, caller: &AccessToken) -> Result<Response, Error> {
    ///     let connection = connection.through(Door::Api, Some(caller.id));
    ///     connection.send(connection.request("GET", "/me").await?).await
    /// }
    /// # let _ = me;
    /// ```
    #[must_use]
    pub fn through(&self, door: Door, token: Option<AccessTokenId>) -> Self {
        let by = UsedBy { door, token, ..(*self.by).clone() };
        self.clone().recorded_by(by)
    }

    /// Returns a handle whose uses are recorded with these facts.
    pub(crate) fn recorded_by(self, by: UsedBy) -> Self {
        Self { by: Arc::new(by), ..self }
    }

    /// Returns the facts with which uses of this handle are recorded.
    pub(crate) fn by(&self) -> &UsedBy {
        &self.by
    }

    /// Returns what an entry says about this connection.
    pub(crate) fn what(&self) -> What {
        let info = &self.info;
        What {
            connection: Some(info.id),
            kind: Some(info.kind.to_string()),
            label: Some(info.label.to_string()),
            account: Some(info.identity.clone()),
            ..What::default()
        }
    }

    /// Returns what an entry says about a request through this connection. The query is left out.
    pub(crate) fn what_of(&self, request: &HttpRequest) -> What {
        let origin = host::origin(request.url());
        let origin = origin.as_ref().map(|origin| origin.as_str().to_owned());
        let path = origin.as_ref().and_then(|origin| request.url().get(origin.len()..)).unwrap_or_default();
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let path = if path.is_empty() { "/" } else { path };
        What { request: Some((request.method.to_string(), origin, path.to_owned())), ..self.what() }
    }

    /// Records a request that was not sent, if the error says that it was refused.
    pub(crate) fn record_refusal(&self, by: &UsedBy, what: What, error: &Error) {
        if let Some(outcome) = refusal(error) {
            let refused = Refused { what, outcome, code: error.code() };
            self.system.ground.recorder.refused(&self.info.owner, by, refused);
        }
    }

    /// Begins the record of a request.
    ///
    /// # Errors
    ///
    /// The store's errors. The request must not be sent.
    pub(super) async fn begin_record(&self, what: What) -> Result<OpenRecord, Error> {
        Ok(self.system.ground.recorder.begin(&self.info.owner, &self.by, what).await?)
    }
}

/// Returns the counter of the bytes of the body of a request.
pub(super) fn sent(request: &HttpRequest, manner: &Manner) -> Arc<AtomicU64> {
    match manner {
        Manner::InPieces(Some(body)) | Manner::WebSocket(body) => body.passed(),
        Manner::AtOnce | Manner::Approved | Manner::InPieces(None) => {
            Arc::new(AtomicU64::new(request.body.expose().len() as u64))
        }
    }
}

/// Returns the outcome of a request that had no answer. `is_sent` says whether a part of it may have been sent.
pub(super) fn outcome(error: &Error, is_sent: bool) -> UseOutcome {
    match refusal(error) {
        Some(_) if is_sent => UseOutcome::Cut,
        refusal => refusal.unwrap_or(UseOutcome::Failed),
    }
}

/// Returns the outcome of a request that was refused; `None` for any other error.
pub(crate) fn refusal(error: &Error) -> Option<UseOutcome> {
    Some(match error {
        Error::Agent(
            AgentError::NotGranted { .. } | AgentError::NotReleased { .. } | AgentError::GrantEnded { .. },
        )
        | Error::Extension(ExtensionError::NotGranted { .. }) => UseOutcome::NotGranted,
        Error::Frozen { .. } => UseOutcome::Frozen,
        Error::Rules(RuleError::Ambiguous { .. }) => UseOutcome::Ambiguous,
        Error::Rules(RuleError::Asks { .. }) => UseOutcome::Asked,
        Error::Rules(RuleError::BudgetSpent { .. }) => UseOutcome::Budget,
        Error::Rules(RuleError::AsksTooLong { .. } | RuleError::Denied { .. } | RuleError::TooManyApprovals { .. }) => {
            UseOutcome::Denied
        }
        _ => return None,
    })
}
