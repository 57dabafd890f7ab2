//! The place where a command works: the local store, or the server that `--host` names.
//!
//! Each file has the operations on one resource, as a trait, with both ways to do them. All of them take and return the
//! shapes of the API, so that a command is written once and prints the same for both.

mod agents;
mod approvals;
mod concurrent;
mod connections;
mod error;
mod events;
mod extensions;
mod files;
mod freezes;
mod imports;
mod kinds;
mod local;
mod lookup;
mod not_renewed;
mod profiles;
mod remote;
mod setups;
mod tokens;
mod usages;
mod uses;
mod webhooks;

pub(crate) use agents::Agents;
pub(crate) use approvals::Approvals;
pub(crate) use connections::{Connections, NewRequest, PAGE, Sent, every};
pub(crate) use events::{Events, NewEvents, event_id};
pub(crate) use extensions::Extensions;
pub(crate) use files::Files;
pub(crate) use freezes::Freezes;
pub(crate) use imports::Imports;
pub(crate) use kinds::{Kinds, OwnKind, PlaceKind, PlaceKinds};
pub(crate) use local::Local;
pub(crate) use lookup::Lookup;
pub(crate) use not_renewed::error_of_use;
pub(crate) use profiles::{Profiles, profile_id};
pub(crate) use remote::{AT_THE_SERVER, Remote, check_command, has_command, unreadable};
pub(crate) use setups::{Setups, session_id};
pub(crate) use tokens::Tokens;
pub(crate) use usages::{UsageSelection, UsageSource, Usages};
pub(crate) use uses::{Uses, WantedUses};
pub(crate) use webhooks::Webhooks;

/// All operations of commands.
#[async_trait::async_trait(?Send)]
pub(crate) trait Backend:
    Agents
    + Approvals
    + Connections
    + Events
    + Extensions
    + Files
    + Freezes
    + Imports
    + Kinds
    + Profiles
    + Setups
    + Tokens
    + Usages
    + Uses
    + Webhooks
{
    /// Returns the look-up of connections by what a person typed.
    fn lookup(&self) -> &dyn Lookup;

    /// Ends the work, so that nothing of it is left when the command ends.
    async fn close(&self);
}
