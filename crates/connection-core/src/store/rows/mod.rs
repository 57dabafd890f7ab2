//! The rows of the tables, one file per table, in types that both engines read. No row type of a driver leaves the
//! store.

mod access_token;
mod account;
mod agent;
mod approval;
mod credential;
mod event;
mod exchange;
mod extension;
mod freeze;
mod keyset;
mod kv;
mod liveness;
mod mark;
mod moves;
mod outbox;
mod profile;
mod setup;
mod uses;
mod webhook;

use super::columns::row;

pub(crate) use access_token::{AccessTokenRow, TokenPurpose};
pub(crate) use account::{AccountFacts, AccountRow, AccountState, FoundRow, ListedRow};
pub(crate) use agent::{AgentGrantKey, AgentGrantRow, AgentRow, AgentUseRow, GrantedAgentRow};
pub(crate) use approval::{ApprovalRow, SealedOfApproval, WideningRow};
pub(crate) use credential::{CredentialRow, CredentialState, PlanRow, PreviousMark, PreviousRow, RestoredUse};
pub(crate) use event::{EventRow, NewestEvent, RowClaim, Standing, StoredEvent};
pub(in crate::store) use exchange::Found as ExchangeFound;
pub(crate) use exchange::{BootTime, ExchangeRow, ExchangeState, Sent, UNREADABLE_KEPT};
pub(crate) use extension::{
    CandidateRow, ChoiceRow, ChosenRow, DeclaredMark, ExtensionRow, ExtensionStateRow, GrantRow, GrantedRow,
    NearCandidate, NearRow, PreferenceRow, PublicRow, PublicSettings, TicketRow,
};
pub(crate) use freeze::{FreezeRow, FreezeSign};
pub(crate) use keyset::KeysetRow;
pub(crate) use kv::{KvRow, KvValue};
pub(crate) use liveness::LivenessRow;
pub(crate) use mark::{RowEvent, RowSign, StoredMark};
pub(crate) use moves::{MoveRow, MoveState};
pub(crate) use outbox::{OutboxRow, OutboxState};
pub(crate) use profile::{ProfileRow, SlotRow};
pub(crate) use setup::{EndpointRow, SetupRow, SetupState};
pub(crate) use uses::{ReadEntryRow, UseEntryRow, UseRow};
pub(crate) use webhook::{AddressRow, FoundAddress, TestRow, WaitingRow, WebhookRow};

/// The error for a text that is not a word that this program writes into the column.
#[derive(Debug, thiserror::Error)]
#[error("unknown {column} in the database")]
pub(crate) struct UnknownWord {
    column: &'static str,
}

/// Lets an enum of words be read from a column.
macro_rules! stored {
    ($name:ident in $column:literal) => {
        impl $crate::store::columns::FromColumns for $name {
            const WIDTH: usize = 1;

            fn from_columns(
                columns: &mut $crate::store::columns::Columns<'_>,
                name: &'static str,
            ) -> Result<Self, sqlx::Error> {
                let word = <String as $crate::store::columns::FromColumns>::from_columns(columns, name)?;
                let unknown = $crate::store::rows::UnknownWord { column: $column };
                Self::parse(&word).ok_or_else(|| $crate::store::columns::of_column(name, unknown.into()))
            }

            fn names(name: &'static str, names: &mut Vec<&'static str>) {
                names.push(name);
            }
        }
    };
}

/// Defines an enum that is stored as a word.
macro_rules! stored_words {
    ($(#[$docs:meta])* $name:ident in $column:literal { $($variants:tt)+ }) => {
        $crate::words::words! {
            $(#[$docs])*
            pub(crate) enum $name { $($variants)+ }
        }
        $crate::store::rows::stored!($name in $column);
    };
}
use {stored, stored_words};
