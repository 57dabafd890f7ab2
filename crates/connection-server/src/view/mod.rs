//! The shapes that the API makes of a registry. The routes use them, and so does a program that has the registry itself
//! and shows the same.

mod agent;
mod connection;
mod connection_list;
mod extension;
mod freezes;
mod kind;
mod profile;
mod titles;
mod usage;
mod uses;
mod webhook;

pub use agent::{agent, agents};
pub(crate) use agent::{agent_grant, descriptor, presets};
pub use connection::{listed, listed_all, removal, shown};
pub(crate) use connection::{row, with_reach, with_words};
pub use connection_list::{ListQuery, connection_list};
pub(crate) use extension::stored;
pub use extension::{extension, extensions, preferences};
pub use freezes::{freezes, frozen};
pub use kind::kind_changes;
pub use profile::profile;
pub(crate) use titles::Titles;
pub use usage::{UsageSource, usage};
pub use uses::{grantee, uses};
pub use webhook::{last_test, webhook_check};
