//! Seats: a request of an extension with rules carries no credential in a seat of any kind of the provider.

use connection_contract::{AuthType, Descriptor, HttpRequest, Kind, Seat};
use connection_core::{ConnectionRegistry, RegisterError};
use connection_faults::scripted::Scripted;
use connection_rules::Rules;
use serde_json::json;

use crate::{
    acme::KIND,
    extension_kit::handle,
    test_host::{World, connected},
};

const OTHER: Kind = Kind::from_static("acme-other");

/// The seats of the other kind, each with a header or a path that fills it.
fn filled() -> Vec<(Seat, Option<&'static str>, &'static str)> {
    vec![
        (Seat::header("x-acme-secret"), Some("x-acme-secret"), "/issues/7"),
        (Seat::query("hapikey"), None, "/issues/7?hapikey=other"),
        (Seat::path_prefix("/issues/key-", ""), None, "/issues/key-other"),
    ]
}

/// Returns a kind whose credential stands in every seat, and in HTTP Basic and the key id of SigV4.
fn other(provider: Kind) -> Scripted {
    let descriptor = Descriptor::new(OTHER, "Acme with a key", AuthType::ApiKey).provider(provider);
    let seats = filled().into_iter().map(|(seat, ..)| seat);
    let seats = seats.chain([Seat::BasicUser, Seat::BasicPassword, Seat::SigV4KeyId]);
    seats.fold(Scripted::new(descriptor.origin("https://acme.example")), Scripted::seat).authorizes(|_, _, _| Ok(()))
}

async fn sent(registry: &ConnectionRegistry, request: HttpRequest) -> Result<u16, String> {
    let sent = handle(registry, "issues").send(request).await;
    sent.map(|response| response.status()).map_err(|error| error.code().to_owned())
}

#[tokio::test]
async fn a_second_key_in_a_seat_of_any_kind_of_the_provider_is_refused() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    let rules = json!({ "rule": [{ "name": "read", "path": "/issues/**", "effect": "allow" }] });
    let rules = Rules::from_value(&rules).unwrap();
    registry.extensions().grant_within("issues", connection.id(), &rules).await.unwrap();
    let request = async |header: Option<&'static str>, path: &str| {
        let request = connection.request("GET", path).await.unwrap();
        match header {
            Some(name) => request.header(name, "other"),
            None => request,
        }
    };

    registry.kinds().register(other(Kind::from_static("umbrella"))).unwrap();
    assert_eq!(registry.kinds().seats(&KIND).await.unwrap(), [Seat::bearer()]);
    for (seat, header, path) in filled() {
        let control = sent(&registry, request(header, path).await).await;
        assert_eq!(control, Ok(200), "{seat:?} of another provider");
    }

    registry.kinds().replace(other(KIND)).unwrap();
    let before = world.server.requests().len();
    for (seat, header, path) in filled() {
        let refused = sent(&registry, request(header, path).await).await;
        assert_eq!(refused, Err("ambiguous_request".to_owned()), "{seat:?}");
    }
    for name in ["authorization", "Authorization"] {
        let refused = sent(&registry, request(Some(name), "/issues/7").await).await;
        assert_eq!(refused, Err("ambiguous_request".to_owned()));
    }
    assert_eq!(world.server.requests().len(), before, "nothing was sent");
    assert_eq!(sent(&registry, request(None, "/issues/7").await).await, Ok(200));
    registry.close().await;
}

#[tokio::test]
async fn the_seats_of_a_kind_come_before_those_of_the_other_kinds_of_its_provider_and_each_once() {
    let world = World::new().await;
    let registry = world.acme().await;
    registry.kinds().register(other(KIND).seat(Seat::bearer())).unwrap();
    let seats = registry.kinds().seats(&KIND).await.unwrap();
    assert_eq!(seats[..2], [Seat::bearer(), Seat::header("x-acme-secret")]);
    assert_eq!(seats.len(), 7);
    assert_eq!(registry.kinds().get(&KIND).unwrap().seats, [Seat::bearer()]);
    assert_eq!(registry.kinds().seats(&Kind::from_static("unknown")).await.unwrap(), []);
    registry.close().await;
}

#[tokio::test]
async fn a_kind_with_a_wrong_variable_for_programs_or_with_one_twice_is_refused() {
    let world = World::new().await;
    let registry = world.acme().await;
    let fine = || Descriptor::new(OTHER, "Acme with a key", AuthType::ApiKey).door_variable("ACME_URL", "{door}");
    let many = (0..40).fold(fine(), |kind, number| kind.door_variable(format!("ACME_{number}"), "{door}"));
    for (descriptor, part) in [
        (fine().door_variable("PATH", "{door}"), "'PATH' and its value do not have the form"),
        (fine().door_variable("ACME_KEY", "key"), "'ACME_KEY' and its value do not have the form"),
        (fine().door_variable("ACME_URL", "{door}/v1"), "two variables for programs are named 'ACME_URL'"),
        (many, "more than 32 variables for programs"),
    ] {
        match registry.kinds().register(Scripted::new(descriptor).bearer()) {
            Err(RegisterError::Descriptor { problem, .. }) => assert!(problem.contains(part), "{problem}"),
            other => panic!("{part}: {other:?}"),
        }
    }
    registry.kinds().register(Scripted::new(fine()).bearer()).unwrap();
    registry.close().await;
}
