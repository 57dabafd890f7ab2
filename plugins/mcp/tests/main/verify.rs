//! What a verification shows.

use connection_contract::prelude::*;
use connection_testkit::Reply;

use crate::{DISCOVERED, METADATA, ROOT_METADATA, SERVER, TOOLS, address, host, missing, post, refused};

#[test]
fn a_server_without_a_credential_works_until_it_asks_for_one() {
    let host = host()
        .expect(post().answer(Reply::json(200, DISCOVERED)))
        .expect(post().answer(Reply::json(200, TOOLS)))
        .expect(missing(METADATA))
        .expect(missing(ROOT_METADATA))
        .expect(post().answer(Reply::json(200, DISCOVERED)))
        .expect(post().answer(Reply::json(200, TOOLS)))
        .expect(post().answer(Reply::json(200, DISCOVERED)))
        .expect(refused())
        .discovered("https://mcp.example");
    let made = host.setup([address(SERVER)]).run().unwrap();
    let connection = host.connection(&made);
    assert_eq!(host.verify(&made.credential, &connection).unwrap().liveness, Liveness::Live);
    let found = host.verify(&made.credential, &connection).unwrap();
    assert_eq!((found.liveness, found.reason.unwrap().code.as_ref()), (Liveness::Failing, reason::UNAUTHORIZED));
}
