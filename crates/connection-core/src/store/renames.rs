//! The query of a rename, which reads at once all that decides it and all that its result shows.

use super::{
    Reader, StoreError,
    accounts::listed_with,
    columns::row,
    engine::optional,
    events::{Newest, StandingRow, newest_columns, newest_join},
    rows::{AccountFacts, ListedRow},
};
use crate::ids::ConnectionId;

row! {
    /// A connection that is about to be renamed.
    #[derive(Clone, Debug)]
    pub(crate) struct RenamedRow {
        pub(crate) listed: ListedRow,
        newest: Newest,
        /// `true` if a connection of the same owner and kind has the new label.
        pub(crate) is_taken: bool,
    }
}

impl RenamedRow {
    /// Returns the row of the connection with its newest event.
    pub(crate) fn standing(&self) -> StandingRow {
        StandingRow { account: AccountFacts::of(&self.listed.account), newest: self.newest.clone() }
    }

    /// Returns the row after [`set_account_label`](super::Tx::set_account_label).
    pub(crate) fn renamed(mut self, label: &str, now: i64) -> Self {
        let account = &mut self.listed.account;
        account.label = label.to_owned();
        account.revision += 1;
        account.updated_at = now;
        self
    }
}

impl Reader {
    pub(crate) async fn renamed(&mut self, id: ConnectionId, label: &str) -> Result<Option<RenamedRow>, StoreError> {
        const SQL: &str = listed_with!(
            concat!(
                ", ",
                newest_columns!(),
                ", EXISTS (SELECT 1 FROM connection_account AS o WHERE o.owner = a.owner AND o.kind = a.kind \
                 AND o.label = $2) AS is_taken"
            ),
            newest_join!();
            "a.id = $1"
        );
        optional!(self, RenamedRow, SQL, id.as_uuid(), label)
    }
}
