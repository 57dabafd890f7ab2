//! Addresses of which the user names a part: below what the descriptor declares, and nowhere else.

use connection_contract::{host, prelude::*};
use connection_core::{HttpPolicy, Outcome};
use connection_faults::scripted::Scripted;

use crate::test_host::{World, answers, code, connect, me, step};

const SHOP: Kind = Kind::from_static("shop");

async fn account(base: &BaseUrl, key: &Secret, ctx: &Context<'_>) -> Result<Identity, NotLive> {
    let me = classify(ctx.send(HttpRequest::get(base, "/me").bearer(key)).await)?.json()?;
    Ok(Identity::new(me.str_at("id")?.to_owned(), me.str_at("name")?.to_owned()))
}

/// A plugin whose accounts have separate hosts below one domain.
fn shop(origin: &'static str) -> Scripted {
    let descriptor = Descriptor::new(SHOP, "Shop", AuthType::ApiKey)
        .origin(origin)
        .field(Field::text("address", "Address"))
        .field(Field::secret("key", "Key"));
    Scripted::new(descriptor)
        .setup(|_, ctx| {
            Box::pin(async move {
                let mut answers = ctx.prompt(Prompt::new("Shop").field("address").field("key")).await;
                let base = ctx.address(answers.text("address")?)?;
                let key = answers.secret("key")?;
                let identity = account(&base, &key, ctx).await?;
                Ok(SetupResult::new(key, identity).reach(Reach::base(base)))
            })
        })
        .verify(|_, key, ctx| {
            Box::pin(async move {
                Ok(VerifyResult::live().identity(account(ctx.connection().base_url()?, key, ctx).await?))
            })
        })
}

#[tokio::test]
async fn a_host_below_a_declared_domain_is_reached_and_is_the_whole_reach() {
    let world = World::new().await;
    let policy = HttpPolicy::new().endpoint("https://ada.shops.example", &world.server.origin()).unwrap();
    let registry = world.builder().http(policy).kind(shop("https://*.shops.example")).open().await.unwrap();
    let given = [("address", "https://ada.shops.example/api"), ("key", "k")];
    let Outcome::Done(done) = connect(&registry, &SHOP, &given).await else { panic!("not connected") };
    let connection = registry.connection(done.connection).await.unwrap();
    assert_eq!(connection.origins().await.unwrap(), [host::origin("https://ada.shops.example").unwrap()]);
    connection.verify().await.unwrap();
    assert!(world.server.requests().iter().all(|request| request.starts_with("GET /api/me ")));
    assert_eq!(world.server.requests().len(), 3);
}

#[tokio::test]
async fn a_host_elsewhere_is_refused_before_anything_is_sent() {
    let world = World::new().await;
    world.provider(|_| me("1", "ada"));
    let registry = world.builder().kind(shop("https://*.shops.example")).open().await.unwrap();
    for address in
        ["https://evil.example", "https://a.b.shops.example", "http://ada.shops.example", &*world.server.origin()]
    {
        let session = registry.setups().begin(&SHOP).await.unwrap();
        let (no, _) = step(&session).await;
        session.advance(no, &answers(&[("address", address), ("key", "k")])).await.unwrap();
        assert_eq!(code(&session.terminal().await.unwrap()), "plugin_fault", "{address}");
    }
    assert!(world.server.requests().is_empty());
}

#[tokio::test]
async fn a_wildcard_for_all_that_anybody_may_register_is_not_registered() {
    let world = World::new().await;
    for address in
        ["https://*.example", "https://*.", "https://*.a.example:8080", "https://*.a.example/x", "https://*.*.example"]
    {
        let refused = world.builder().kind(shop(address)).open().await.unwrap_err();
        assert_eq!(refused.code(), "descriptor_invalid");
        assert!(refused.to_string().contains(address), "{refused}");
    }
}
