//! Seats of the kinds of a provider: a request holds a second identity if it has something in one of them.

use connection_contract::{AuthType, Descriptor, Kind, Seat};
use connection_rules::{Profile, RequestHead, RequestParts};

fn profile(seats: &[Seat]) -> Profile {
    let kind = Descriptor::new(Kind::from_static("acme"), "Acme", AuthType::ApiKey);
    Profile::of_kind(&kind, seats.to_vec())
}

fn is_refused(parts: RequestParts, seat: &Seat) -> bool {
    assert!(RequestHead::read(parts.clone(), &Profile::strict()).is_ok(), "{parts:?}");
    RequestHead::read(parts, &profile(&[Seat::bearer(), seat.clone()])).is_err()
}

fn is_path_refused(path: &str, before: &'static str, after: &'static str) -> bool {
    is_refused(RequestParts::new("GET", path), &Seat::path_prefix(before, after))
}

#[test]
fn a_header_in_a_seat_is_refused_whatever_its_text() {
    let seat = Seat::header_after("X-Acme-Secret", "Key ");
    for (name, refused) in [("x-acme-secret", true), ("X_Acme_Secret", true), ("x-acme-secrets", false)] {
        assert_eq!(is_refused(RequestParts::new("GET", "/").header(name, "other"), &seat), refused, "{name}");
    }
}

#[test]
fn a_parameter_in_a_seat_is_refused() {
    let seat = Seat::query("hapikey");
    assert!(is_refused(RequestParts::new("GET", "/contacts?hapikey=other"), &seat));
    assert!(is_refused(RequestParts::new("GET", "/contacts?HAPIKEY=other"), &seat));
    assert!(!is_refused(RequestParts::new("GET", "/contacts?key=other"), &seat));
}

#[test]
fn a_path_that_begins_with_a_seat_is_refused() {
    assert!(is_path_refused("/bot123:other/getMe", "/bot", ""));
    assert!(is_path_refused("/Bot123/getMe", "/bot", "/"));
    assert!(!is_path_refused("/bot/getMe", "/bot", ""));
    assert!(!is_path_refused("/getMe/bot123", "/bot", ""));
    assert!(is_path_refused("/v1/key-other/users", "/v1/key-", ""));
    assert!(!is_path_refused("/v2/key-other/users", "/v1/key-", ""));
    assert!(is_path_refused("/other.json/users", "/", ".json"));
}

/// Any path could begin with such a seat, so that every request would be refused.
#[test]
fn a_seat_without_a_text_beside_its_secret_is_not_looked_for() {
    assert!(!is_path_refused("/users/7", "/", ""));
    assert!(!is_path_refused("/api/users", "/api/", "/v1"));
}
