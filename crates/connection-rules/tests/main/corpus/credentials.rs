//! Second identities of the corpus.

use connection_contract::Seat;
use connection_rules::Profile;

use super::{Entry, READ, WRITE, heads::SOCKET};
use crate::common::{Sent, sent};

fn with(name: &str, value: &str) -> Sent {
    sent("GET /user").header(name, value)
}

pub(super) fn headers() -> Vec<Entry> {
    let seat = || Profile::strict().seat(Seat::header("X-Acme-Key"));
    let exempt = || Profile::strict().exempt_name("Token").exempt_name("Cookie");
    vec![
        (153, READ, with("Accept", "application/json"), "allow: read"),
        (154, READ, with("Authorization", "Bearer other"), "refused: header authorization"),
        (155, READ, with("AUTHORIZATION", "Basic b3RoZXI6"), "refused: header authorization"),
        (156, READ, with("Proxy-Authorization", "Basic b3RoZXI6"), "refused: header proxy-authorization"),
        (157, READ, with("Cookie", "session=other"), "refused: header cookie"),
        (158, READ, with("X-Api-Key", "other"), "refused: header x-api-key"),
        (159, READ, with("X_API_KEY", "other"), "refused: header x_api_key"),
        (160, READ, with("Api-Key", "other"), "refused: header api-key"),
        (161, READ, with("Private-Token", "other"), "refused: header private-token"),
        (162, READ, with("Job-Token", "other"), "refused: header job-token"),
        (163, READ, with("X-Auth-Token", "other"), "refused: header x-auth-token"),
        (164, READ, with("X-Access-Token", "other"), "refused: header x-access-token"),
        (165, READ, with("X-Amz-Security-Token", "other"), "refused: header x-amz-security-token"),
        (166, READ, with("X-Goog-Api-Key", "other"), "refused: header x-goog-api-key"),
        (167, READ, with("Ocp-Apim-Subscription-Key", "other"), "refused: header ocp-apim-subscription-key"),
        (168, READ, with("X-Vault-Token", "other"), "refused: header x-vault-token"),
        (169, READ, with("X-Acme-Key", "other"), "allow: read"),
        (170, READ, with("x-acme-key", "other").profile(seat()), "refused: header x-acme-key"),
        (171, READ, with("Token", "other"), "refused: header token"),
        (172, READ, with("Token", "other").profile(exempt()), "allow: read"),
        (173, READ, with("Cookie", "a=b").profile(exempt()), "refused: header cookie"),
    ]
}

pub(super) fn parameters() -> Vec<Entry> {
    let seat = || Profile::strict().seat(Seat::query("key"));
    let prefix = || Profile::strict().seat(Seat::path_prefix("/bot", ""));
    vec![
        (174, READ, sent("GET /user?access_token=other"), "refused: query"),
        (175, READ, sent("GET /user?Access-Token=other"), "refused: query"),
        (176, READ, sent("GET /user?%61pi_key=other"), "refused: query"),
        (177, READ, sent("GET /user?private_token=other"), "refused: query"),
        (178, READ, sent("GET /user?X-Amz-Credential=other&X-Amz-Signature=a"), "refused: query"),
        (179, READ, sent("GET /user?key=other"), "allow: read"),
        (180, READ, sent("GET /user?key=other").profile(seat()), "refused: query"),
        (181, READ, sent("GET /user?a=1&oauth.token=other"), "refused: query"),
        (182, READ, sent("GET /user;jsessionid=other"), "refused: path"),
        (183, READ, sent("GET /bot123:other/getMe"), "allow: read"),
        (184, READ, sent("GET /bot123:other/getMe").profile(prefix()), "refused: path"),
        (185, READ, sent("GET /BOT123:other/getMe").profile(prefix()), "refused: path"),
        (186, WRITE, sent("POST /user").form("name=a&access_token=other"), "refused: body"),
        (187, WRITE, sent("POST /user").form("key=other").profile(seat()), "refused: body"),
        (188, WRITE, sent("POST /user").form("name=access_token"), "allow: write"),
    ]
}

pub(super) fn subprotocols() -> Vec<Entry> {
    let asked =
        |protocols: &str| sent("GET /live").header("Upgrade", "websocket").header("Sec-WebSocket-Protocol", protocols);
    let refused = "refused: header sec-websocket-protocol";
    vec![
        (311, SOCKET, asked("realtime, openai-beta.realtime-v1"), "allow: live"),
        (312, SOCKET, asked("realtime, openai-insecure-api-key.other"), refused),
        (313, SOCKET, asked("OpenAI-Insecure-API-Key.other"), refused),
        (314, SOCKET, asked("v5.channel.k8s.io,base64url.bearer.authorization.k8s.io.b3RoZXI"), refused),
    ]
}
