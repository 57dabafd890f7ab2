//! Setup sessions, which survive a crash because they are only ever run by replay.
//!
//! A step that waits suspends its session by dropping the plugin's future. The next input runs the plugin again from
//! its start: each recorded effect returns its recorded result, and effects are performed again where the journal
//! ends. Crash recovery is therefore the only path, and a waiting session costs neither memory nor a task.
//!
//! Entry points: `begin` creates a session, `session` is the host's handle, `attempt` continues a session, `plugin` runs
//! its code once, `connect` and `promote` store what the plugin made, and `cancel` ends a session for its host.

mod answerer;
pub(crate) mod answers;
mod attempt;
mod begin;
mod callback;
mod callback_addresses;
mod cancel;
mod candidate;
mod codec;
mod confirm;
mod connect;
mod consent;
mod current_run;
mod deliver;
mod directories;
mod effects;
mod ended;
mod finish;
mod follow;
mod followers;
mod info;
mod inherit;
mod input;
mod lease;
mod offline;
mod open_setup;
mod options;
mod outside;
mod plugin;
mod promote;
mod reauthorize;
mod rotated;
mod row;
mod run;
mod session;
mod setups;
mod slot;
#[cfg(test)]
mod stale_rows;
mod start_address;
mod start_visit;
mod step;
mod system;
#[cfg(test)]
mod tests;
mod wait;

pub use answers::FieldProblem;
pub use begin::BeginSetup;
pub(crate) use begin::{end_expired, take_over};
pub use callback::{Callback, Delivered};
pub(crate) use callback_addresses::CallbackAddresses;
pub(crate) use connect::numbered_label;
pub(crate) use consent::{Applicant, Consent, ForExtension};
pub(crate) use current_run::current_run;
pub use deliver::DeliverError;
pub(crate) use effects::Effects;
pub use info::{SetupInfo, SetupStage};
pub use open_setup::OpenSetup;
pub(crate) use plugin::{GRACE, MAX_RUN};
pub use reauthorize::Reauthorize;
pub(crate) use reauthorize::connection_removed;
pub use session::{AdvanceError, SetupSession, SetupSteps};
pub use setups::Setups;
pub use start_visit::{StartAnswer, StartQuestion, StartRedirect, StartVisit};
pub use step::{Done, Outcome, SetupStep, StepNo};
pub(crate) use system::System;
