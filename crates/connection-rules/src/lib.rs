//! x
#![forbid(unsafe_code)]
mod ambiguous;
mod decision;
mod diff;
mod graphql;
mod identity;
mod json;
mod json_rpc;
mod media;
mod parameters;
mod path;
mod profile;
mod quantity;
mod request;
mod rules;
mod text;
mod words;
pub use ambiguous::{Ambiguous, RequestPart};
pub use decision::{Decision, Explanation, Remedy, Step};
pub use diff::{Diff, Difference};
pub use graphql::Operation;
pub use profile::{Profile, Seat};
pub use request::{Place, Request, RequestHead, RequestParts};
pub use rules::{Budget, Effect, InvalidRules, PathPattern, Rule, Rules};
