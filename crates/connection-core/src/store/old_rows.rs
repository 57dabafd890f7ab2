//! Ends rows that nobody reads any longer after a time, a limited number in each transaction.

use uuid::Uuid;

use super::{
    Reader, StoreError, Tx,
    engine::{all, execute},
};
use crate::ids::SessionId;

/// The rows that one statement ends by their time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OldRows {
    /// The sealed answers of approvals, by their last change. The approvals stay.
    ApprovalAnswers,
    /// Setup sessions that have ended, with everything that belongs to them, by the time until which they are kept.
    EndedSetups,
    /// The previous credentials of connections, by the time at which they were replaced.
    PreviousCredentials,
    /// Requests under a key, by their beginning.
    RepeatableRequests,
    /// Tickets of extensions, by the time at which they were made.
    Tickets,
    /// The answers to requests for which a connection spent a token and that could not be read, by the time since which
    /// they are kept. The request stays recorded, so that the token is not sent again without a person's decision.
    UnreadableAnswers,
    /// The numbers of the history of usage, by their period.
    UsageNumbers,
    /// The digests of events of webhooks, by the acknowledgement of the event.
    WebhookDigests,
    /// The events of webhooks that were set aside, by the time at which they were received.
    WebhooksSetAside,
}

impl OldRows {
    /// Every kind of rows.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 9] = [
        Self::ApprovalAnswers,
        Self::EndedSetups,
        Self::PreviousCredentials,
        Self::RepeatableRequests,
        Self::Tickets,
        Self::UnreadableAnswers,
        Self::UsageNumbers,
        Self::WebhookDigests,
        Self::WebhooksSetAside,
    ];
}

/// Selects the key of at most `$2` rows whose time is at or before `$1`, the oldest first.
macro_rules! oldest {
    ($key:literal, $rows:literal, $time:literal) => {
        concat!("(SELECT ", $key, " FROM ", $rows, $time, " <= $1 ORDER BY ", $time, " LIMIT $2)")
    };
}

impl Reader {
    /// Returns the open sessions of all owners that have expired, the oldest first. The caller ends them.
    pub(crate) async fn expired_setups(&mut self, now: i64, limit: i64) -> Result<Vec<SessionId>, StoreError> {
        const SQL: &str = "SELECT id FROM connection_setup WHERE expires_at <= $1 AND state IN ('running', 'waiting') \
                           ORDER BY expires_at LIMIT $2";
        let found = all!(self, (Uuid,), SQL, now, limit)?;
        Ok(found.into_iter().map(|(id,)| SessionId::from(id)).collect())
    }
}

impl Tx {
    /// Ends at most `limit` rows whose time is at or before `by`, the oldest first. Returns their number.
    pub(crate) async fn end_old_rows(&mut self, rows: OldRows, by: i64, limit: i64) -> Result<u64, StoreError> {
        const ANSWERS: &str = concat!(
            "UPDATE connection_approval SET sealed_answer = NULL WHERE id IN ",
            oldest!("id", "connection_approval WHERE sealed_answer IS NOT NULL AND ", "changed_at")
        );
        const SETUPS: &str = concat!(
            "DELETE FROM connection_setup WHERE id IN ",
            oldest!("id", "connection_setup WHERE state IN ('done', 'failed', 'cancelled') AND ", "expires_at")
        );
        const PREVIOUS: &str = concat!(
            "DELETE FROM connection_credential WHERE state = 'previous' AND connection_id IN ",
            oldest!("connection_id", "connection_credential WHERE state = 'previous' AND ", "replaced_at")
        );
        const REQUESTS: &str = concat!(
            "DELETE FROM connection_access_token_request WHERE key IN ",
            oldest!("key", "connection_access_token_request WHERE ", "created_at")
        );
        const TICKETS: &str = concat!(
            "DELETE FROM connection_extension_ticket WHERE id IN ",
            oldest!("id", "connection_extension_ticket WHERE ", "created_at")
        );
        const UNREADABLE: &str = concat!(
            "UPDATE connection_exchange SET state = 'intent', sealed = NULL, node_id = NULL, process_id = '' \
             WHERE key IN ",
            oldest!("key", "connection_exchange WHERE state = 'answered' AND ", "concluded_at")
        );
        const NUMBERS: &str = concat!(
            "DELETE FROM connection_usage WHERE (connection_id, at, metric) IN ",
            oldest!("connection_id, at, metric", "connection_usage WHERE ", "at")
        );
        const DIGESTS: &str = concat!(
            "DELETE FROM connection_webhook WHERE id IN ",
            oldest!("id", "connection_webhook WHERE acknowledged_at IS NOT NULL AND ", "acknowledged_at")
        );
        const ASIDE: &str = concat!(
            "DELETE FROM connection_webhook WHERE id IN ",
            oldest!("id", "connection_webhook WHERE lease_until = 9223372036854775807 AND ", "received_at")
        );
        let sql = match rows {
            OldRows::ApprovalAnswers => ANSWERS,
            OldRows::EndedSetups => SETUPS,
            OldRows::PreviousCredentials => PREVIOUS,
            OldRows::RepeatableRequests => REQUESTS,
            OldRows::Tickets => TICKETS,
            OldRows::UnreadableAnswers => UNREADABLE,
            OldRows::UsageNumbers => NUMBERS,
            OldRows::WebhookDigests => DIGESTS,
            OldRows::WebhooksSetAside => ASIDE,
        };
        execute!(self, sql, by, limit)
    }

    /// Deletes at most `limit` messages that failed and whose ids are before `oldest_kept`, the oldest first. Returns their
    /// number.
    pub(crate) async fn end_failed_messages(&mut self, oldest_kept: Uuid, limit: i64) -> Result<u64, StoreError> {
        const SQL: &str = "DELETE FROM connection_outbox WHERE id IN (SELECT id FROM connection_outbox \
                           WHERE state = 'failed' AND id < $1 ORDER BY id LIMIT $2)";
        execute!(self, SQL, oldest_kept, limit)
    }
}
