//! The record of use: which program used which connection for what, and how it ended.
//!
//! A use has two entries, neither of which is ever changed: one when it begins and one when it ends. They are in a
//! table of their own, so that a use takes no lock of its connection, wakes no waiter and drops no cached row.
//!
//! The beginning of a use by an agent or an extension is committed before its request leaves. All else is written
//! behind, at most 25 milliseconds later. A use whose process was killed has no end.

mod beginnings;
mod by;
mod entry;
mod open_record;
mod recorder;
mod refusals;

pub(crate) use by::UsedBy;
pub use by::{Door, Grantee};
pub use entry::UseOutcome;
pub(crate) use entry::{BeganEntry, EndedEntry, Entry, What, read};
pub(crate) use open_record::OpenRecord;
pub use recorder::RecordedPaths;
pub(crate) use recorder::{RecordSettings, Recorder, append};
pub(crate) use refusals::Refused;
