//! The decision about a request that a program sends with a person's account.
//!
//! A program that nobody fully trusts gets a grant with [`Rules`]. Each of its requests is read into a
//! [`RequestHead`] and then a [`Request`], or refused as [`Ambiguous`] if two systems could read it in different ways.
//! [`Rules::decide`] then allows the request, denies it, or says that a person is asked. A request has no setters, so
//! that a door cannot send what was not read.
//!
//! ```
//! use connection_rules::{Decision, Profile, RequestHead, RequestParts, Rules};
//!
//! let rules = Rules::from_value(&serde_json::json!({
//!     "rule": [
//!         { "name": "read", "methods": ["GET", "HEAD"], "path": "/repos/acme/{repo}/**", "effect": "allow" },
//!         {
//!             "name": "comment",
//!             "methods": ["POST"],
//!             "path": "/repos/acme/{repo}/issues/{number}/comments",
//!             "body": { "media": ["application/json"], "max": "16 KiB" },
//!             "effect": "ask",
//!         },
//!     ],
//! }))
//! .unwrap();
//!
//! let body = br#"{"body":"Thanks!"}"#.to_vec();
//! let parts = RequestParts::new("POST", "/repos/acme/site/issues/7/comments")
//!     .header("content-type", "application/json")
//!     .body_length(Some(body.len() as u64));
//! let head = RequestHead::read(parts, &Profile::strict())?;
//! let request = match rules.wants_body(&head) {
//!     Some(_) => head.with_body(body)?,
//!     None => head.streamed()?,
//! };
//! let Decision::Ask { rule } = rules.decide(&request) else { unreachable!() };
//! assert_eq!(rule.name(), "comment");
//! # Ok::<(), connection_rules::Ambiguous>(())
//! ```
//!
//! Each module imports only from the modules above it:
//!
//! | Module | Responsibility |
//! |---|---|
//! | `text`, `quantity` | letter case, percent-encoding and lenient names; sizes and durations |
//! | `json`, `json_rpc`, `graphql`, `media` | the formats of bodies, each read so that no other reader differs |
//! | `profile`, `ambiguous` | the exceptions that a kind states; the refusal of a request |
//! | `identity` | names of headers and parameters that hold a credential, or replace the method or the path |
//! | `path`, `parameters` | the decoded path and the decoded parameters |
//! | `request` | a request that was read |
//! | `rules` | the rules of a grant, read from data and written to it |
//! | `decision` | the decision about a request, and its explanation |
//! | `diff` | a request that one rule set permits and another one does not |
//! | `learn` | the narrowest rules that cover requests which were made |
//! | `words` | rules in plain English |
//! | `preset` | the presets and the exceptions of a kind |
//!
//! # What this crate is not
//!
//! It does no I/O and has no clock. It neither counts the requests of a budget nor ends a grant, and it knows no
//! connection and no credential: of a kind, it reads what the descriptor states about requests, and the seats. The door
//! removes the token of the agent before the request is read.
//!
//! # Stability
//!
//! May change without notice.
#![forbid(unsafe_code)]

mod ambiguous;
mod decision;
mod diff;
mod graphql;
mod identity;
mod json;
mod json_rpc;
mod learn;
mod media;
mod parameters;
mod path;
mod preset;
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
pub use learn::MadeRequest;
pub use preset::{InvalidPreset, Preset};
pub use profile::Profile;
pub use quantity::read_span;
pub use request::{Place, Request, RequestHead, RequestParts};
pub use rules::{Budget, Effect, InvalidRules, PathPattern, Rule, Rules};
