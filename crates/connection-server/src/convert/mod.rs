//! The conversion of what the core knows into the shapes of the API. It is done by hand and in this place alone, so that no
//! member is exposed that is not named here.

mod agent;
mod approval;
mod condition;
mod connection;
mod event;
mod extension;
mod file;
mod freeze;
mod import;
mod kind;
mod profile;
mod setup;
mod token;
mod usage;
mod uses;
mod webhook;

pub use agent::{agent, agent_grant, agent_token, explanation, issued_agent_token, model_client, rules_difference};
pub use approval::{approval, shown_approval, widening};
pub use condition::{condition, connections_summary, is_use_refused, liveness, refused_applications};
pub use connection::{account, connection, error, reason, refreshed, removal, removed};
pub use event::{event, event_delivery};
pub use extension::{
    declared_preference, extension, extension_with_declaration, extension_with_resolution, extension_without_manifest,
    grant, hand_off, preferences, required, resolved,
};
pub use file::{answer, file, file_content, file_type};
pub(crate) use freeze::remaining;
pub use freeze::{freeze, freeze_change, froze, thawed, withdrawal};
pub use import::{import, import_outcome};
pub use kind::{
    auth, capabilities, guide, input, is_called_back, is_redirect_registered_by_person, kind_change, kind_description,
    kind_field, kind_summary, listed_kind, need_word, way,
};
pub use profile::{directory_state, probe, profile, removed_profile};
pub(crate) use setup::{StateAtStep, for_visitor, outcome, setup, step};
pub use setup::{open_setup, stage};
pub use token::{issued_token, role, setup_link, token};
pub use usage::{session_tokens, usage};
pub use uses::of_use;
pub use webhook::{delivery, webhook};
