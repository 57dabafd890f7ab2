//! What reaches a host of connections from outside: the callbacks of providers, what they send by themselves, and setups
//! that a page or a program runs by JSON.
//!
//! A server that has a public address mounts [`callback_routes`] and [`webhook_routes`] and lends its registry a
//! [`PublicEndpoint`]; one that has no server of its own runs a [`Server`]. A program on
//! a desktop lends it a [`LoopbackServer`], which listens on this machine while a setup waits for a callback and no longer
//! (RFC 8252). [`setup_routes`] runs setups for a page or a program; [`open_browser`] sends a person to the provider;
//! [`check_callback`] says what is wrong when no callback arrives.
//!
//! What comes from the network is believed only after its `state` has matched: a forged, foreign, late or second callback
//! gets a page that says nothing, and the setup waits on for the right one.
//!
//! # What this crate is not
//!
//! It knows no provider and no protocol, keeps nothing (what it answers, any process of the same store can answer) and
//! does not know who is who: that a request is of an owner is what the host says.
//!
//! # Stability
//!
//! Follows semver from 1.0 on. The JSON bodies are [described](schemas) by JSON Schema, and only grow.

mod browser;
mod callback;
mod check;
mod check_webhook;
mod cookies;
mod headers;
mod loopback;
mod page;
mod platform;
mod public_url;
mod query;
mod server;
mod setups;
mod webhooks;

pub use browser::{Browser, OpenBrowserError, open_browser};
pub use callback::{PublicEndpoint, callback_routes};
pub use check::{CallbackCheck, CallbackProblem, check_callback};
pub use check_webhook::{WebhookCheck, check_webhook};
pub use loopback::{LoopbackOptions, LoopbackServer};
pub use public_url::{InvalidPublicUrl, PublicUrl};
pub use server::Server;
pub use setups::{
    AccountBody, AnswerValue, AnswersBody, BeginBody, ChoiceBody, ErrorBody, ErrorDetail, FieldBody, GuideBody,
    NoticeBody, ProblemBody, ReasonBody, Schema, SetupBody, StateBody, schemas, setup_routes,
};
pub use webhooks::webhook_routes;
