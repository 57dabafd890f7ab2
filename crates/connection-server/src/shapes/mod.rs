//! The JSON shapes, which are a contract: `docs/spec/words.md` lists them. The types are converted by hand from those of
//! the core, so that no field is exposed that is not named here.

mod answer;
mod connection;
mod event;
mod extension;
mod file;
mod kind;
mod profile;
mod setup;
mod setup_state;
mod token;
mod usage;
mod webhook;
pub(crate) mod words;

pub use answer::{AnswerBody, HeaderBody, body_text};
pub use connection::{
    AccountBody, ConnectionBody, EXPIRES_SOON, ReasonBody, RefreshedBody, RemovedBody, condition, connections_summary,
    expires_soon, is_restored, is_use_refused, liveness_word,
};
pub use event::EventBody;
pub(crate) use extension::ResolvedSchema;
pub use extension::{
    DeclaredPreferenceBody, ExtensionBody, ExtensionRemovedBody, GrantBody, HandOffBody, PreferencesBody, RequiredBody,
};
pub use file::{FileBody, FileContentBody};
pub use kind::{
    GuideBody, KindChangeBody, KindChoiceBody, KindFieldBody, auth_word, input_word, is_called_back,
    is_redirect_registered_by_person, need_word, way_word,
};
pub use profile::{ProbeBody, ProfileBody, ProfileRemovedBody, state_word};
pub use setup::OpenSetupBody;
pub(crate) use setup_state::{SetupShape, SetupState, StateAtStep};
pub use token::{IssuedTokenBody, SetupLinkBody, TokenBody, role_word};
pub use usage::UsageBody;
pub use webhook::{DeliveryBody, WebhookBody};
