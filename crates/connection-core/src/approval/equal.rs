//! Requests of an agent that are equal, so that a repetition finds the one about which a person is asked.

use connection_rules::{Place, RequestParts};

use super::state_at;
use crate::{
    AgentId, ApprovalState, ConnectionId,
    ground::Ground,
    guard,
    keys::Sealer,
    limits::APPROVAL_ANSWER_KEPT,
    store::{Reader, StoreError, rows::ApprovalRow},
};

/// The number of equal approvals that are looked at. Of these, at most one is open.
const LOOKED_AT: i64 = 8;

/// Returns what makes two requests equal: the agent, the connection, the method, the address, the media type and the
/// body. Other headers are left out, because clients change them between repetitions.
pub(crate) fn same(
    sealer: &Sealer,
    agent: AgentId,
    connection: ConnectionId,
    parts: &RequestParts,
    body: &[u8],
) -> [u8; 32] {
    let origin = match &parts.place {
        Place::Base => "",
        Place::Origin(origin) => origin,
    };
    let media = parts.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    let media = media.map(|(_, value)| value.trim_ascii()).unwrap_or_default();
    sealer.mac_of(
        "connections/approval/same/v1",
        &[
            agent.as_bytes(),
            connection.as_bytes(),
            parts.method.as_bytes(),
            origin.as_bytes(),
            parts.target.as_bytes(),
            media,
            body,
        ],
    )
}

/// Returns the approval to which an equal request belongs: one that is open, or a result that the agent did not get
/// yet.
pub(crate) async fn found(
    reader: &mut Reader,
    ground: &Ground,
    agent: AgentId,
    same: &[u8],
) -> Result<Option<ApprovalRow>, StoreError> {
    let now = ground.clock.now().seconds();
    let rows = reader.equal_approvals(agent, same, LOOKED_AT).await?;
    Ok(rows.into_iter().find(|row| {
        let belongs = match state_at(row, now) {
            ApprovalState::Waiting | ApprovalState::Approved | ApprovalState::Executing => true,
            ApprovalState::Answered | ApprovalState::Refused | ApprovalState::Unknown => {
                row.fetched_at.is_none() && row.changed_at > now.saturating_sub(APPROVAL_ANSWER_KEPT)
            }
            ApprovalState::Lapsed => false,
        };
        belongs && guard::check(&ground.sealer, row).is_ok()
    }))
}

#[cfg(test)]
#[cfg(feature = "workspace-tests")]
mod tests {
    use connection_faults::random::Random;

    use super::*;
    use crate::approval::stored::{StoredRequest, digest};

    /// A request as an agent sends it.
    #[derive(Clone, Debug, PartialEq)]
    struct Sent {
        method: String,
        origin: Option<String>,
        target: String,
        media: Option<String>,
        headers: Vec<(String, Vec<u8>)>,
        body: Vec<u8>,
    }

    impl Sent {
        fn parts(&self) -> RequestParts {
            let place = self.origin.clone().map_or(Place::Base, Place::Origin);
            let mut parts = RequestParts::new(self.method.clone(), self.target.clone()).place(place);
            let media = self.media.iter().map(|media| ("content-type".to_owned(), media.clone().into_bytes()));
            for (name, value) in media.chain(self.headers.clone()) {
                parts = parts.header(name, value);
            }
            parts.body_length(Some(self.body.len() as u64))
        }

        /// Changes something, and returns whether the result may be another request.
        fn change(&mut self, random: &mut Random) -> bool {
            let body = String::from_utf8_lossy(&self.body).into_owned();
            match random.below(14) {
                0 => self.method = "PUT".into(),
                // Letter case, encoding and order of the address.
                1 => self.target = self.target.to_ascii_uppercase(),
                2 => self.target = self.target.replace('a', "%61"),
                3 => self.target.push_str("&z=1"),
                4 => self.target.push('/'),
                5 => self.origin = Some("https://uploads.acme.example".into()),
                6 => self.media = Some("text/plain".into()),
                7 => self.media = Some("application/json; charset=utf-8".into()),
                // White space, order, encoding and folding of the body.
                8 => self.body = body.replace(':', ": ").into_bytes(),
                9 => self.body = body.replace(r#""a":1,"b":2"#, r#""b":2,"a":1"#).into_bytes(),
                10 => self.body = body.replace('\u{e9}', "\\u00e9").into_bytes(),
                11 => self.body = body.replace(',', ",\r\n ").into_bytes(),
                // Other headers are no part of the comparison.
                12 => {
                    self.headers = vec![("idempotency-key".into(), random.below(1 << 40).to_string().into_bytes())];
                    return false;
                }
                _ => {
                    self.headers.reverse();
                    return false;
                }
            }
            true
        }
    }

    #[test]
    fn of_a_hundred_thousand_changed_requests_only_those_with_other_headers_are_equal() {
        let sealer = Sealer::for_tests();
        let agent = AgentId::from(uuid::Uuid::from_u128(1));
        let connection = ConnectionId::from(uuid::Uuid::from_u128(2));
        let mut random = Random::new(37);
        for round in 0..100_000_u64 {
            let first = Sent {
                method: "POST".into(),
                origin: None,
                target: format!("/pages/a{}?q=a", random.below(9)),
                media: Some("application/json".into()),
                headers: vec![("x-retry".into(), b"0".to_vec()), ("accept".into(), vec![0xff, 0x80])],
                body: format!("{{\"a\":1,\"b\":2,\"c\":\"caf\u{e9} {}\"}}", random.below(99)).into_bytes(),
            };
            let mut second = first.clone();
            let is_other = second.change(&mut random);
            assert!(second != first || !is_other, "{round}");
            let of = |sent: &Sent| same(&sealer, agent, connection, &sent.parts(), &sent.body);
            assert_eq!(of(&first) != of(&second), is_other, "{round}: {first:?} {second:?}");
            // What is stored is what was sent, and the digest is that of every byte of it.
            let encoded = StoredRequest::new(&second.parts(), &second.body).encode();
            let (parts, body) = StoredRequest::decode(encoded.expose()).unwrap().parts().unwrap();
            assert_eq!((parts, &body), (second.parts(), &second.body));
            let other = StoredRequest::new(&first.parts(), &first.body).encode();
            let is_same = digest(b"nonce", encoded.expose()) == digest(b"nonce", other.expose());
            assert_eq!(is_same, first == second, "{round}");
        }
    }
}
