//! The encoding of an answer, and the places that it is sealed for.

use connection_contract::{HttpResponse, Record, Secret};
use connection_replay::{to_response, with_response};
use connection_seal::Place;

use super::ExchangeKey;

pub(super) fn encode(answer: &HttpResponse) -> Secret {
    with_response(Record::new(), answer).encode()
}

/// Returns the answer; `None` for bytes that `encode` cannot have written.
pub(super) fn decode(bytes: &[u8]) -> Option<HttpResponse> {
    Record::decode(bytes).ok().as_ref().and_then(to_response)
}

pub(super) fn duplicate(answer: &HttpResponse) -> HttpResponse {
    HttpResponse::new(answer.status(), answer.headers().to_vec(), answer.body().duplicate(), answer.received_at())
}

/// Returns the place of an answer in the state directory, sealed for the generation that was spent.
pub(super) fn place_of_file<'a>(key: &'a ExchangeKey, owner: &'a str, kind: &'a str, generation: i64) -> Place<'a> {
    Place { column: "rescue", sequence: generation, ..place(key, owner, kind) }
}

/// Returns the place of an answer in its row.
pub(super) fn place<'a>(key: &'a ExchangeKey, owner: &'a str, kind: &'a str) -> Place<'a> {
    Place { table: "connection_exchange", column: "sealed", key: key.as_bytes(), owner, kind, sequence: 0 }
}
