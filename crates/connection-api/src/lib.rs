//! The JSON shapes of the HTTP API of Connections, as types for serde.
//!
//! Each request and each answer of the API has a type with the name that it has in the OpenAPI document,
//! `/api/v1/openapi.json`. The server writes these types, the clients read them, and the command prints them.
//!
//! A request with a member or a word that is not known is refused. In an answer, members that are not known are ignored,
//! and each closed list of words has a variant `Unrecognized` for the words of later versions, which is read and never
//! written. So a program works with later versions of a server.
//!
//! ```
//! use connection_api::{Connection, Liveness, Reason, Rename};
//!
//! // A member and a word of a later version of the server.
//! let reason = r#"{"code": "gone", "message": "the account was closed", "remedy": null, "since": "2027-01-15"}"#;
//! assert_eq!(serde_json::from_str::<Reason>(reason)?.code, "gone");
//! assert_eq!(serde_json::from_str::<Liveness>("\"asleep\"")?, Liveness::Unrecognized);
//! assert!(serde_json::to_string(&Liveness::Unrecognized).is_err());
//!
//! assert!(serde_json::from_str::<Rename>(r#"{"label": "work", "color": "red"}"#).is_err());
//! # Ok::<_, serde_json::Error>(())
//! ```
//!
//! # What this crate is not
//!
//! It sends and stores nothing, and knows neither HTTP nor a database: `connection-client` sends the requests, and
//! `connection-server` answers them.
//!
//! # Stability
//!
//! The shapes only grow. A new member of an answer is a new field of a struct that can be constructed, so before 1.0 it is
//! a new minor version of this crate.
#![expect(clippy::exhaustive_structs, reason = "the compiler finds every place that does not set a new member")]

mod agent;
mod answers;
mod approval;
mod connection;
mod consent;
mod event;
mod extension;
mod freeze;
mod import;
mod kind;
mod model_client;
mod page;
mod problem;
mod profile;
mod send;
mod setup;
mod system;
mod token;
mod usage;
mod uses;
mod webhook;
mod withdrawal;
mod words;

pub use agent::{
    Agent, AgentGrant, AgentToken, Audience, Explanation, GrantBudget, GrantPreview, GrantRules, GrantState,
    IssuedAgentToken, LearnedRules, NewAgent, NewAgentGrant, NewAgentToken, NewAudience, RemovedAgent, RuleEffect,
    RulesDecision, RulesDifference, ShownAgent,
};
pub use answers::Answers;
pub use approval::{
    Approval, ApprovalResult, ApprovalState, ChangeKind, Impact, NewApproval, NewRefusal, RequestChange, ShownApproval,
    ShownRequest, Widening,
};
pub use connection::{
    Account, Connection, ConnectionCounts, ConnectionPage, Grant, ListState, ListedConnection, Liveness,
    RefreshOutcome, Refreshed, RemedyAction, Removal, Removed, Rename, SetDefault, SetTags, ShownConnection, Teardown,
    Verification,
};
pub use consent::{ConsentGrant, ConsentRequest, Decided, NewConsent, ShownConsent};
pub use event::{Chain, Event, EventDelivery, EventDeliveryState, EventPage, LiveHint, Order};
pub use extension::{
    AddExtension, BeginHandOff, Choice, DeclaredPreference, Extension, FollowedHandOff, HandOff, HandOffSetup,
    NewGrant, Preferences, RemovedExtension, Required, RequiredAction, RequirementStatus, ResolvedConnection,
    Revisions, SetPreferences, ShownPreferences,
};
pub use freeze::{Freeze, FreezeChange, Freezes, Froze, NewFreeze, ReleasedSecret, Thawed};
pub use import::{ImportAccount, ImportOutcome, ImportResult, ImportRow, ImportedRow, Imports};
pub use kind::{
    AcceptKind, AuthType, Capability, FieldChoice, ForgottenClient, Guide, Input, Kind, KindChange, KindChanges,
    KindDescription, KindField, KindSummary, ListedKind, Way,
};
pub use model_client::ModelClient;
pub use page::{Empty, Page};
pub use problem::{FieldProblem, Problem, Reason};
pub use profile::{
    ChangeProfile, ChangeProfileSlot, DirectoryProbe, DirectoryState, NewProfile, Profile, RemovedProfile,
};
pub use send::{Answer, Encoding, File, FileContent, FileType, Header, SendEncoding, SendHeader, SendRequest};
pub use setup::{
    BeginSetup, ConfirmStep, ListedSetup, OpenAddress, OpenSetup, Setup, SetupField, SetupNotice, SetupStage,
    SetupState, SetupType,
};
pub use system::{Check, CheckReport, Doctor, Health, HealthDay, RedirectUri, System, SystemCertificate, SystemKey};
pub use token::{
    Appearance, Code, Host, IssuedToken, Me, NewRole, NewSetupLink, NewToken, Owner, OwnerName, PageToken, Repaired,
    Role, SetupLink, Token,
};
pub use usage::{Usage, UsageHistory, UsageRequest, UsageSeries, UsageSession};
pub use uses::{EraseUses, ErasedUses, Use, UseDoor, UseOutcome, UsePage};
pub use webhook::{Delivery, SignedBy, Webhook, WebhookCheck, WebhookKey, WebhookTest};
pub use withdrawal::Withdrawal;
