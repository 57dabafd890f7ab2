//! The refusals in the document: those that a handler names, and those of all operations.

use std::collections::BTreeMap;

use utoipa::{
    IntoResponses, ToSchema as _,
    openapi::{
        ContentBuilder, Header, ObjectBuilder, Ref, RefOr, Response, ResponseBuilder, Type,
        path::{Operation, ParameterIn},
    },
};

use connection_api::Problem;

/// The refusals by status, with the names of their descriptions in the document.
const REFUSALS: [(&str, &str, &str); 15] = [
    ("401", "Unauthenticated", "There is no access token, or it is unknown, has ended or was revoked."),
    ("403", "NotAllowed", "The token does not allow the request, or a page of another site sent it."),
    ("404", "NotFound", "What the path or the body names does not exist, or belongs to another owner."),
    ("409", "Conflict", "The present state does not allow the request; the code says why."),
    ("410", "Gone", "The setup, or the request of a client, has ended."),
    ("412", "Changed", "What was read before was changed in the meantime."),
    ("413", "TooLarge", "The body has more than 512 KiB."),
    ("415", "NotJson", "The content type is not `application/json`."),
    ("421", "OtherHost", "The request names another host."),
    ("422", "Invalid", "The body, or a parameter of the address, is not what is expected."),
    (
        "429",
        "TooManyRequests",
        "The access token sends too many requests, has too many streams of live events open, too many requests wait for \
         a provider, or the budget of a grant is spent.",
    ),
    ("500", "Failed", "The server failed."),
    ("501", "NotSupported", "The kind of the connection, or this host, cannot do this."),
    ("502", "NoAnswer", "The provider cannot be reached, or its answer cannot be used."),
    (
        "503",
        "Unavailable",
        "The server stops, its database cannot be used now, or it has too many streams of live events open or requests \
         to providers in progress.",
    ),
];

macro_rules! refusals {
    ($($(#[$about:meta])* $name:ident = $status:literal;)+) => {
        $(
            $(#[$about])*
            #[derive(Debug)]
            pub(crate) struct $name;

            impl IntoResponses for $name {
                fn responses() -> BTreeMap<String, RefOr<Response>> {
                    named($status).into_iter().collect()
                }
            }
        )+
    };
}

refusals! {
    /// The thing that the path or the body names does not exist.
    NotFound = "404";
    /// The state does not allow the request.
    Conflict = "409";
    /// A setup has ended.
    Gone = "410";
    /// The thing was changed after the caller had read it.
    Changed = "412";
    /// A kind or a host cannot do it.
    NotSupported = "501";
    /// A provider gave no usable answer.
    NoAnswer = "502";
}

/// Returns the reference to the refusal with a status.
fn named(status: &str) -> Option<(String, RefOr<Response>)> {
    let (_, name, _) = REFUSALS.iter().find(|(known, _, _)| *known == status)?;
    Some((status.to_owned(), RefOr::Ref(Ref::new(format!("#/components/responses/{name}")))))
}

/// Returns the refusals, by the names to which the operations refer.
pub(super) fn all() -> impl Iterator<Item = (String, RefOr<Response>)> {
    REFUSALS.into_iter().map(|(status, name, description)| {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(Problem::name()))).build();
        let response = ResponseBuilder::new().description(description).content("application/problem+json", content);
        let response = match status {
            "401" => response.header("WWW-Authenticate", header(Type::String, "The scheme, which is `Bearer`.")),
            "429" => {
                let seconds = header(Type::Integer, "The seconds after which the request may be sent again.");
                response.header("Retry-After", seconds)
            }
            _ => response,
        };
        (name.to_owned(), RefOr::T(response.build()))
    })
}

fn header(schema_type: Type, description: &str) -> Header {
    let mut header = Header::new(ObjectBuilder::new().schema_type(schema_type).build());
    header.description = Some(description.to_owned());
    header
}

/// Adds the refusals that do not depend on the handler: those of the guard, of the caller's token, of parameters and
/// bodies, and of a server that fails.
pub(super) fn add(operation: &mut Operation, needs_token: bool, changes: bool) {
    let parameters = operation.parameters.as_deref().unwrap_or_default();
    let is_read = operation.request_body.is_some()
        || parameters.iter().any(|parameter| parameter.parameter_in != ParameterIn::Header);
    let common = [
        ("401", needs_token),
        ("403", true),
        ("413", true),
        ("415", changes),
        ("421", true),
        ("422", is_read),
        ("429", needs_token),
        ("500", true),
        ("503", true),
    ];
    let common = common.into_iter().filter(|(_, applies)| *applies);
    operation.responses.responses.extend(common.filter_map(|(status, _)| named(status)));
}
