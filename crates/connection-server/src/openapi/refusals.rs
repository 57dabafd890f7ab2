//! The refusals in the document: those that a handler names, and those of all operations.

use std::collections::BTreeMap;

use utoipa::{
    IntoResponses, ToSchema as _,
    openapi::{
        ContentBuilder, Header, ObjectBuilder, Ref, RefOr, Response, ResponseBuilder, Type,
        path::{Operation, ParameterIn},
    },
};

use crate::problem::ProblemBody;

macro_rules! refusals {
    ($($(#[$about:meta])* $name:ident = $status:literal $description:literal;)+) => {
        $(
            $(#[$about])*
            #[derive(Debug)]
            pub(crate) struct $name;

            impl IntoResponses for $name {
                fn responses() -> BTreeMap<String, RefOr<Response>> {
                    BTreeMap::from([($status.to_owned(), refusal($description))])
                }
            }
        )+
    };
}

refusals! {
    /// What the path or the body names is not there.
    NotFound = "404" "What the path or the body names does not exist, or belongs to another owner.";
    /// The state does not allow the request.
    Conflict = "409" "The present state does not allow the request; the code says why.";
    /// A setup has ended.
    Gone = "410" "The setup has ended.";
    /// What was read before was changed in the meantime.
    Changed = "412" "What was read before was changed in the meantime.";
    /// A kind or a host cannot do it.
    NotSupported = "501" "The kind of the connection, or this host, cannot do this.";
    /// A provider gave no usable answer.
    NoAnswer = "502" "The provider cannot be reached, or its answer cannot be used.";
}

/// Returns the response with a problem document.
fn refusal(description: &str) -> RefOr<Response> {
    RefOr::T(problem(description))
}

fn problem(description: &str) -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(ProblemBody::name()))).build();
    ResponseBuilder::new().description(description).content("application/problem+json", content).build()
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
    let mut add = |status: &str, response: Response| {
        operation.responses.responses.entry(status.to_owned()).or_insert(RefOr::T(response));
    };
    if needs_token {
        let mut unauthenticated = problem("There is no access token, or it is unknown, has ended or was revoked.");
        let scheme = header(Type::String, "The scheme, which is `Bearer`.");
        unauthenticated.headers.insert("WWW-Authenticate".to_owned(), scheme);
        add("401", unauthenticated);
        let mut too_many = problem("The access token sends too many requests.");
        let seconds = header(Type::Integer, "The seconds after which the request may be sent again.");
        too_many.headers.insert("Retry-After".to_owned(), seconds);
        add("429", too_many);
    }
    add("403", problem("The token does not allow the request, or a page of another site sent it."));
    add("413", problem("The body has more than 512 KiB."));
    if changes {
        add("415", problem("The content type is not `application/json`."));
    }
    add("421", problem("The request names another host."));
    if is_read {
        add("422", problem("The body, or a parameter of the address, is not what is expected."));
    }
    add("500", problem("The server failed."));
    add("503", problem("The server stops, or its database cannot be used now."));
}
