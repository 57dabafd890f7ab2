//! The closed lists of words in the shapes, as schemas for the document of the API.
//!
//! A type here has no value: a member of a shape is a text, and its list is the type of its schema.

use std::borrow::Cow;

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

macro_rules! words {
    ($($(#[$about:meta])* $name:ident: $($word:literal)+;)+) => {
        $(
            $(#[$about])*
            #[derive(Debug)]
            pub(crate) struct $name;

            impl PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    ObjectBuilder::new().schema_type(Type::String).enum_values(Some([$($word),+])).into()
                }
            }

            impl ToSchema for $name {
                fn name() -> Cow<'static, str> {
                    stringify!($name).into()
                }
            }
        )+
    };
}

words! {
    /// The way of authentication of a kind.
    AuthType: "none" "apiKey" "personalAccessToken" "oauth" "basic" "custom";
    /// A capability of connections of a kind.
    Capability: "send" "secrets" "refresh" "webhooks" "usage" "profiles" "sandbox" "files";
    /// The result of the check of a record of events.
    Chain: "whole" "broken";
    /// The state of a directory of a tool.
    DirectoryState: "there" "gone" "link" "notADirectory" "notAllowed" "unreadable";
    /// The encoding of a body.
    Encoding: "utf8" "base64";
    /// The state of an event that was not delivered to the operator.
    EventDeliveryState: "waiting" "failed";
    /// The type of a file.
    FileType: "file" "directory" "other";
    /// The input of a field.
    Input: "text" "secret" "url" "directory" "choice" "bool" "number";
    /// The states of connections by which a list is filtered.
    ListState: "live" "attention" "offline" "failing" "unknown";
    /// The liveness of a connection.
    Liveness: "live" "offline" "failing" "unknown";
    /// The order of a list of events.
    Order: "oldest" "newest";
    /// The outcome of a refresh.
    RefreshOutcome: "adopted" "failed" "needs_reauthorization" "refreshed" "refreshed_late" "replayed" "superseded"
        "uncertain" "waited";
    /// The action that helps a connection.
    RemedyAction: "reauthorize" "verify" "accept" "wait";
    /// The action with which a person provides what an extension needs.
    RequiredAction: "choose" "connect" "grant" "reauthorize" "unavailable";
    /// The state of the requirement of an extension.
    RequirementStatus: "connected" "failed" "missing" "unsupported";
    /// The role of a token.
    Role: "read" "use" "manage" "admin" "extension" "link";
    /// The stage of a setup that has not ended.
    SetupStage: "running" "waiting" "cancelled";
    /// The state of a setup.
    SetupType: "cancelled" "confirm" "done" "failed" "notice" "prompt" "redirect" "working";
    /// The origin of the key that signs deliveries.
    SignedBy: "credential" "generated" "handshake";
    /// The outcome for a credential at its provider when the connection was removed.
    Teardown: "failed" "nothing_to_revoke" "not_revoked" "revoked";
    /// The way of finishing a setup.
    Way: "browser" "device" "paste" "other";
}
