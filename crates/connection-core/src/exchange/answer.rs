//! The encoding of an answer, and the cells that it is sealed for.

use connection_contract::{HttpResponse, Kind, Record, Secret};
use connection_replay::{to_response, with_response};

use super::ExchangeKey;
use crate::store::{EXCHANGE_ANSWER, SealedCell, SealedKey};

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

/// Returns the cell of an answer in the state directory, sealed for the generation that was spent, or of a courier's key.
pub(super) fn cell_of_file(key: ExchangeKey, owner: &str, kind: &Kind, generation: i64) -> SealedCell {
    let key = SealedKey::Bytes(key.as_bytes().to_vec(), generation);
    SealedCell { column: "rescue", ..EXCHANGE_ANSWER.cell(key, owner, kind.as_str()) }
}

/// Returns the cell of an answer in its row.
pub(super) fn cell(key: ExchangeKey, owner: &str, kind: &Kind) -> SealedCell {
    EXCHANGE_ANSWER.cell(SealedKey::Bytes(key.as_bytes().to_vec(), 0), owner, kind.as_str())
}
