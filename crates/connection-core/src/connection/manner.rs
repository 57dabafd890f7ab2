//! How a request is sent: at once, in pieces, or as the beginning of a WebSocket.

use connection_contract::HttpRequest;

use super::request_body::{KEPT, KeptBody};

/// How a request is sent.
pub(super) enum Manner {
    /// In one step, with a limit for its whole time. Redirects within the origin are followed.
    AtOnce,
    /// In pieces, with limits for the time without progress. The body is that of the request if there is none here.
    InPieces(Option<KeptBody>),
    /// In pieces, as a person approved it, with the body of the request. It is not sent again if its connection ends.
    Approved,
    /// The connection is upgraded to a WebSocket, on which the body is sent.
    WebSocket(KeptBody),
}

impl Manner {
    pub(super) fn streamed(&self) -> Option<&KeptBody> {
        match self {
            Self::AtOnce | Self::Approved => None,
            Self::InPieces(body) => body.as_ref(),
            Self::WebSocket(body) => Some(body),
        }
    }

    /// Takes the streamed body of a request that is sent in pieces, if it has one.
    pub(super) fn take_body(&mut self) -> Option<KeptBody> {
        if let Self::InPieces(body) = self { body.take() } else { None }
    }

    /// Returns `true` if the request can be sent again.
    pub(super) fn repeats(&self) -> bool {
        self.streamed().is_none_or(KeptBody::is_kept)
    }

    /// Returns `true` if the request may take so long that its credential should not end soon.
    pub(super) fn is_long(&self, request: &HttpRequest) -> bool {
        match self {
            Self::AtOnce => false,
            Self::InPieces(None) | Self::Approved => request.body.expose().len() > KEPT,
            Self::InPieces(Some(body)) => body.length().is_none_or(|length| length > KEPT as u64),
            Self::WebSocket(_) => true,
        }
    }
}
