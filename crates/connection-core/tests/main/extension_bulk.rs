//! Resolving many requirements at once gives the same results as resolving each of them.

use connection_contract::AuthType;

use crate::{
    acme::KIND,
    extension_kit::{TWIN, Twin, acme_extension, handle, keys_are_accounts, needs, of, secret_name},
    test_host::{World, connected},
};

#[tokio::test]
async fn each_is_what_it_is_by_itself() {
    let world = World::new().await;
    keys_are_accounts(&world);
    let registry = world.acme().await;
    let twin = Twin::new();
    registry.kinds().register(twin.clone()).unwrap();
    let one = connected(&registry, "one").await;
    let two = connected(&registry, "two").await;
    let of_twin = twin.connected(&registry, "AC1", "  ").await;
    // A connection of another kind of the same provider in between, so that the kinds have another order than the
    // connections.
    let between = Twin { kind: connection_contract::Kind::from_static("between"), ..Twin::new() };
    registry.kinds().register(between.clone()).unwrap();
    between.connected(&registry, "AC2", "  ").await;
    twin.connected(&registry, "AC3", "  ").await;
    handle(&registry, "issues").set_preferences(None).set("apiBaseUrl", "https://mine.example").await.unwrap();
    registry.extensions().grant("issues", two.id(), &[secret_name("accessToken")]).await.unwrap();
    let invalid = of("", needs(KIND, AuthType::ApiKey, &["accessToken"]));
    let declarations = [
        acme_extension("issues"),
        acme_extension("other"),
        of("half", needs(TWIN, AuthType::ApiKey, &["apiSecret", "apiKey"])),
        of("key", needs(TWIN, AuthType::ApiKey, &["apiKey"])),
        of("local", needs(TWIN, AuthType::None, &[])),
        of("nobody", needs(connection_contract::Kind::from_static("nobody"), AuthType::ApiKey, &["apiKey"])),
        invalid,
    ];
    for default in [&one, &of_twin] {
        default.clear_default().await.unwrap();
    }
    let mut several = Vec::new();
    for default in [None, Some(&two), Some(&one)] {
        if let Some(default) = default {
            default.make_default().await.unwrap();
        }
        let all = registry.extensions().resolve_all(&declarations).await.unwrap();
        assert_eq!(all.len(), declarations.len());
        for (declaration, found) in declarations.iter().zip(all) {
            let alone = match registry.extensions().handle(declaration.clone()) {
                Ok(handle) => handle.resolve(handle.requirement()).await,
                Err(error) => Err(error),
            };
            match (found, alone) {
                (Ok(found), Ok(alone)) => {
                    assert_eq!(found, alone);
                    let of_key = found.error.filter(|_| &*declaration.name == "key");
                    several.extend(of_key.map(|error| error.message.to_string()));
                }
                (Err(found), Err(alone)) => assert_eq!(found.to_string(), alone.to_string()),
                (found, alone) => panic!("{found:?} {alone:?}"),
            }
        }
    }
    let first = several[0].find("AC1");
    let second = several[0].find("AC2");
    let third = several[0].find("AC3");
    assert!(first.is_some() && first < second && second < third, "as they were connected: {several:?}");
}
