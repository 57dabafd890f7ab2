//! What a connection plugin and its host say to each other.
//!
//! A plugin implements [`ConnectionDefinition`] for one kind of connection: how to set it up, how to tell whether it
//! works, how to attach its credential. The host keeps the secrets, the time and the setup sessions, and calls the
//! network: everything a plugin does goes through the context that it is given.
//!
//! # What this crate is not
//!
//! It has no dependencies and no `std`, does no I/O, and knows no provider, protocol or database. A plugin depends on
//! this crate and on nothing else of ours.
//!
//! # Stability
//!
//! Follows semver. Traits that plugins implement gain only methods with a body, structs that cross the border are
//! `#[non_exhaustive]` with constructors and setters by value, and enums that can grow are `#[non_exhaustive]`.
//!
//! # Writing a plugin
//!
//! A plugin is a `no_std` crate that begins with one line, `use connection_contract::prelude::*;`, and implements
//! [`ConnectionDefinition`], which shows a whole one.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod activation;
mod address;
mod answers;
mod check;
mod context;
mod definition;
mod descriptor;
pub mod encode;
mod error;
mod extension;
mod facets;
pub mod host;
mod http;
mod liveness;
mod outcome;
mod paths;
mod profiles;
pub mod reason;
mod record;
mod refresh;
mod requirement;
mod sandbox;
mod secret;
mod services;
mod setup;
mod signatures;
mod text;
mod timestamp;
mod tools;
mod usage;
mod value;
mod webhooks;

pub use activation::{Compute, FileCache, HostServices, LoggedIn, LoginWindow, LoginWindowService};
pub use address::{BaseUrl, Link, Origin, Reach, Root};
pub use answers::{Answer, Answers};
pub use check::InvalidDeclaration;
pub use context::{Connection, Context, RefreshContext, SetupContext, SpendContext, TeardownContext, VerifyContext};
pub use definition::{BoxFuture, ConnectionDefinition};
pub use descriptor::{AuthType, Descriptor, Field, Guide, Input, Need, Way};
pub use error::{ConnectionError, CredentialError, HttpError, ServiceError, SetupFailure, UndeclaredAddress};
pub use extension::{Command, ExtensionDeclaration, Platform, Preference, PreferenceInput};
pub use facets::{Authorizer, NamedSecrets};
pub use http::{Exposed, HeaderValue, HttpRequest, HttpResponse};
pub use liveness::{Liveness, NotLive, Reason, VerifyResult, classify};
pub use outcome::{Established, Identity};
pub use paths::{PathBase, PathSpec};
pub use profiles::{EnvValue, ProbeSpec, ProbeValue, ProfileProbe, ProfileSpec};
pub use record::Record;
pub use refresh::{RefreshSemantics, Refreshed, Refresher};
pub use requirement::{Requirement, RequirementAuth, RequirementOAuth, RequirementRedirect, SecretName};
pub use sandbox::{ConfigMount, MountMode, SandboxSpec};
pub use secret::Secret;
pub use services::{
    Clock, Crypto, FileService, FileStat, FileType, HttpService, KvService, LogEvent, LogLevel, LogService, LogValue,
    Services, SetupService, SignatureAlgorithm, Spend, SpendService,
};
pub use setup::{
    CallbackHandle, CallbackRequest, InboundHttpService, NoCallback, Notice, Prompt, Redirect, Wait, Woken,
};
pub use text::{DisplayText, Kind, Text};
pub use timestamp::Timestamp;
pub use tools::{FoundTool, SignIn, ToolService, ToolSpec, VersionForm};
pub use usage::{
    MonthlySpend, SessionTokens, TimeWindow, TokenUtilization, UsageContext, UsageMetric, UsageSnapshot, UsageSource,
};
pub use value::{JsonError, Value};
pub use webhooks::{Delivery, NotAuthentic, SigningKey, WebhookEvent, Webhooks};

/// One line that makes `no_std` free for an author: `use connection_contract::prelude::*;`.
///
/// [`host`] is not in it: what that module makes, a plugin is given.
pub mod prelude {
    pub use alloc::{
        borrow::ToOwned,
        boxed::Box,
        format,
        string::{String, ToString},
        vec,
        vec::Vec,
    };
    pub use core::time::Duration;

    pub use crate::{
        Answer, Answers, AuthType, Authorizer, BaseUrl, BoxFuture, CallbackHandle, CallbackRequest, Clock, ConfigMount,
        Connection, ConnectionDefinition, ConnectionError, Context, CredentialError, Crypto, Delivery, Descriptor,
        DisplayText, EnvValue, Established, Exposed, Field, FileCache, FileService, FileStat, FileType, FoundTool,
        Guide, HeaderValue, HostServices, HttpError, HttpRequest, HttpResponse, HttpService, Identity,
        InboundHttpService, Input, JsonError, Kind, KvService, Link, Liveness, LogEvent, LogLevel, LogService,
        LogValue, LoggedIn, LoginWindow, LoginWindowService, MonthlySpend, MountMode, NamedSecrets, Need, NoCallback,
        NotAuthentic, NotLive, Notice, Origin, PathBase, PathSpec, ProbeSpec, ProbeValue, ProfileProbe, ProfileSpec,
        Prompt, Reach, Reason, Record, Redirect, RefreshContext, RefreshSemantics, Refreshed, Refresher, Requirement,
        RequirementAuth, Root, SandboxSpec, Secret, SecretName, ServiceError, Services, SessionTokens, SetupContext,
        SetupFailure, SetupService, SignIn, SignatureAlgorithm, SigningKey, Spend, SpendContext, SpendService,
        TeardownContext, Text, TimeWindow, Timestamp, TokenUtilization, ToolService, ToolSpec, UndeclaredAddress,
        UsageContext, UsageMetric, UsageSnapshot, UsageSource, Value, VerifyContext, VerifyResult, VersionForm, Wait,
        Way, WebhookEvent, Webhooks, Woken, classify, encode, reason,
    };
}
