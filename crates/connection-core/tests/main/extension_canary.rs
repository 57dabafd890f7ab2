//! A secret that goes through every operation of an extension is in no event, error, `Debug` output, JSON or plain
//! column.

use connection_core::RetryOutcome;

use crate::{
    extension_kit::{TWIN, Twin, handle, needs, of, refuses, secret_name},
    sql,
    test_host::{World, connected},
};

const CANARY: &str = "canary-Zz9-extension-token";

#[tokio::test]
async fn a_secret_is_nowhere_but_in_the_hands_that_it_was_lent_to() {
    let world = World::new().await;
    let twin = Twin::new();
    let registry = world.acme().await;
    registry.kinds().register(twin.clone()).unwrap();
    let mut seen: Vec<String> = Vec::new();
    let issues = handle(&registry, "issues");
    let connection = connected(&registry, CANARY).await;
    let refused = issues.with_access_token(issues.requirement(), async |_| ()).await.unwrap_err();
    seen.extend([refused.to_string(), format!("{refused:?}"), refused.remedy().unwrap()]);
    registry.extensions().grant("issues", connection.id(), &[secret_name("accessToken")]).await.unwrap();
    let released = issues.with_access_token(issues.requirement(), async |token| {
        seen.push(format!("{token:?}"));
        token.expose_str() == Some(CANARY)
    });
    assert!(released.await.unwrap(), "the control: it was lent");
    let resolved = issues.resolve(issues.requirement()).await.unwrap();
    seen.extend([resolved.to_json().to_string(), format!("{resolved:?}"), format!("{issues:?}")]);
    let context = issues.inject(Some("list")).await.unwrap();
    let environment = context.environment().unwrap();
    assert_eq!(environment[0].1.expose_str(), Some(CANARY), "the control: it was injected");
    seen.extend([format!("{context:?}"), format!("{environment:?}")]);
    let request = issues.request("GET", "/me").await.unwrap();
    seen.push(format!("{request:?}"));
    seen.push(format!("{:?}", issues.send(request).await.unwrap()));
    let sms = registry
        .extensions()
        .handle(of("sms", needs(TWIN, connection_contract::AuthType::ApiKey, &["apiSecret"])))
        .unwrap();
    let two = twin.connected(&registry, "AC1", CANARY).await;
    registry.extensions().grant("sms", two.id(), &[secret_name("apiSecret")]).await.unwrap();
    seen.push(format!("{:?}", sms.inject(None).await.unwrap()));
    let error = issues.set_preferences(None).set("accessToken", CANARY).await.unwrap_err();
    seen.extend([error.to_string(), format!("{error:?}")]);
    refuses(&world);
    connection.verify().await.unwrap();
    let error = issues.inject(None).await.unwrap_err();
    seen.extend([
        error.to_string(),
        format!("{error:?}"),
        format!("{:?}", registry.extensions().grants().await.unwrap()),
    ]);
    seen.push(format!("{:?}", registry.events().list(None).await.unwrap()));
    seen.push(format!("{:?}", RetryOutcome::StillMissing(resolved)));
    for text in seen {
        assert!(!text.contains(CANARY), "{text}");
    }
    let everything = sql::everything(&world.database()).await;
    let found = everything.windows(CANARY.len()).any(|window| window == CANARY.as_bytes());
    assert!(!found, "no row holds it in the clear");
    assert!(everything.windows(8).any(|window| window == b"sms\",\"fo" || window == b"\"issues\""), "the control");
}
