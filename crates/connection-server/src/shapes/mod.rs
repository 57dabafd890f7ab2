//! The JSON shapes, which are a contract: `docs/spec/words.md` lists them. The types are converted by hand from those of
//! the core, so that no field is exposed that is not named here.

mod connection;
mod event;
mod kind;
mod setup;

pub use connection::{
    AccountBody, ConnectionBody, EXPIRES_SOON, ReasonBody, RefreshedBody, RemovedBody, condition, expires_soon,
    liveness_word,
};
pub use event::EventBody;
pub use kind::{GuideBody, KindChoiceBody, KindFieldBody, auth_word, input_word, is_called_back, need_word, way_word};
pub use setup::OpenSetupBody;
