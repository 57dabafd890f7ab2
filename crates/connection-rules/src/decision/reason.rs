//! The reasons for which a rule does not match, or cannot be compared with a request.

use std::fmt;

use crate::{graphql::Operation, json_rpc::Message};

/// A reason, as a clause that follows "because".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason<'a> {
    InsideBase,
    OutsideBase,
    Method,
    Path,
    NoUpgrade,
    UnnamedUpgrade,
    MissingParameter(&'a str),
    ParameterValue(&'a str),
    ParameterTwice(&'a str),
    DeniedParameter(&'a str),
    NoForm,
    Multipart,
    NoBody,
    Media,
    TooLong,
    UnknownLength,
    NotJson,
    Unreadable(&'static str),
    NoObject,
    Pointer(&'a str),
    QueryInAddress,
    NoDocument,
    Operation(Operation),
    NoMessage,
    Message(Message<'a>),
}

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InsideBase => "the address is inside the base, and the rule is about the others",
            Self::OutsideBase => "the address is outside the base",
            Self::Method => "the method is another one",
            Self::Path => "the path does not match",
            Self::NoUpgrade => "the request does not upgrade its connection to the rule's protocol",
            Self::UnnamedUpgrade => "the request upgrades its connection, and the rule does not name that",
            Self::MissingParameter(name) => return write!(f, "the parameter \"{name}\" is missing"),
            Self::ParameterValue(name) => return write!(f, "the parameter \"{name}\" has another value"),
            Self::ParameterTwice(name) => return write!(f, "the parameter \"{name}\" comes more than once"),
            Self::DeniedParameter(name) => return write!(f, "the parameter \"{name}\" must not be there"),
            Self::NoForm => "the body is not a form",
            Self::Multipart => {
                "the body is a form in parts, which is not read, and the rule does not name its media type"
            }
            Self::NoBody => "there is no body",
            Self::Media => "the body has another media type",
            Self::TooLong => "the body is longer than the rule looks at",
            Self::UnknownLength => "the length of the body is not known",
            Self::NotJson => "the body is not declared as JSON",
            Self::Unreadable(problem) => return write!(f, "the body {problem}"),
            Self::NoObject => "the body has no object at its top",
            Self::Pointer(pointer) => return write!(f, "the body has something at \"{pointer}\""),
            Self::QueryInAddress => "the address has a GraphQL document of its own",
            Self::NoDocument => "the body is not one GraphQL document alone",
            Self::Operation(operation) => return write!(f, "the document has a {}", operation.as_str()),
            Self::NoMessage => "the body is not JSON-RPC that can be read in one way only",
            Self::Message(Message::Method(method)) => return write!(f, "the message is \"{method}\""),
            Self::Message(Message::Tool(tool)) => return write!(f, "the message calls the tool \"{tool}\""),
            Self::Message(Message::Response) => "the message is a response",
        })
    }
}
