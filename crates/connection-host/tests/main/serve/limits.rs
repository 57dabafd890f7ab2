//! The number of requests that a token may send.

use super::{Serving, drains::token, machine};

#[test]
fn a_token_sends_as_many_requests_in_a_minute_as_the_configuration_allows() {
    let mut machine = machine();
    machine.set("CONNECTIONS_INBOUND__REQUESTS_PER_MINUTE", "1");
    let serving = Serving::start(&machine);
    let headers = format!("authorization: Bearer {}\r\n", token(&machine));
    let statuses = [0; 2].map(|_| serving.ask("GET", "/api/v1/me", &headers, b"").status);
    assert_eq!(statuses, [200, 429]);
}
