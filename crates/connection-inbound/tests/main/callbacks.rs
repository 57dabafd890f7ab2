//! Callbacks at the routes that a host mounts: each is accepted once, leaves its address, and shows its result.

use std::sync::Arc;

use connection_contract::{AuthType, ExtensionDeclaration, Kind, Liveness, Reason, Requirement, RequirementAuth};
use connection_core::{Filter, OwnKind, OwnKinds, SetupStep};
use connection_inbound::PublicEndpoint;
use tokio::task::JoinSet;

use crate::{
    login::{LOGIN, OTHER, login},
    requests::{behind_proxy, get},
    test_host::{PUBLIC, World, begun, callbacks, end, labels, outlasted, public},
};

/// R-INSEAM-035, R-INSEAM-089, S10, S12
#[tokio::test]
async fn a_callback_connects_leaves_its_address_and_says_who_is_connected() {
    let world = World::new().await;
    let registry = world.public().await;
    let routes = callbacks(&registry);
    let (session, state) = begun(&registry, &LOGIN).await;
    let taken = get(&routes, &format!("/callback/login?code=the-code&state={state}")).await;
    let location = taken.location().to_owned();
    assert!(location.starts_with(&format!("{PUBLIC}/callback/login/done?ref=")), "{location}");
    assert!(!location.contains(&state) && !location.contains("the-code"), "{location}");
    assert!(taken.body.is_empty());
    let answer = get(&routes, behind_proxy(&location)).await;
    assert_eq!(answer.status, 200);
    assert!(
        answer.body.contains("<h1>Connected</h1>") && answer.body.contains("Login &#38; Co: ada"),
        "{}",
        answer.body
    );
    assert_eq!(end(&session).await, "done ada");
    let page = registry.list_connections(Filter::new()).await.unwrap();
    assert_eq!((page.items.len(), page.items[0].liveness), (1, Liveness::Live));
    assert_eq!(world.provider.request_bodies(), ["code=the-code"]);
}

/// R-INSEAM-087: a repeated callback learns nothing, and nothing is exchanged again.
#[tokio::test]
async fn a_second_or_late_callback_gets_a_page_that_says_nothing() {
    let world = World::new().await;
    let registry = world.public().await;
    let routes = callbacks(&registry);
    let (session, state) = begun(&registry, &LOGIN).await;
    let path = format!("/callback/login?code=the-code&state={state}");
    get(&routes, &path).await.location();
    assert_eq!(end(&session).await, "done ada");
    let (cancelled, late) = begun(&registry, &LOGIN).await;
    cancelled.cancel().await.unwrap();
    for path in [path, format!("/callback/login?code=x&state={late}")] {
        let second = get(&routes, &path).await;
        assert_eq!(second.status, 410);
        assert!(second.body.contains("Nothing here") && !second.body.contains("ada"), "{}", second.body);
        assert_eq!(second.header("refresh"), format!("0;url={PUBLIC}/callback/login/done"), "it leaves the address");
    }
    assert_eq!(world.provider.request_bodies().len(), 1);
    assert_eq!(labels(&registry).await, ["ada"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_callbacks_at_once_are_one_exchange() {
    let world = World::new().await;
    let registry = world.public().await;
    let routes = callbacks(&registry);
    let (session, state) = begun(&registry, &LOGIN).await;
    let mut all = JoinSet::new();
    for _ in 0..100 {
        let routes = routes.clone();
        let path = format!("/callback/login?code=the-code&state={state}");
        all.spawn(async move { get(&routes, &path).await.status });
    }
    let statuses = all.join_all().await;
    assert_eq!(statuses.iter().filter(|status| **status == 303).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| matches!(status, 303 | 409 | 410)), "{statuses:?}");
    assert_eq!(end(&session).await, "done ada");
    assert_eq!(world.provider.request_bodies(), ["code=the-code"]);
}

/// Q34: a refusal by the provider counts only with the `state` that was given out.
#[tokio::test]
async fn a_refusal_is_believed_with_the_right_state_alone() {
    let world = World::new().await;
    let registry = world.public().await;
    let routes = callbacks(&registry);
    let (session, state) = begun(&registry, &LOGIN).await;
    for forged in ["error=access_denied", "error=access_denied&state=forged", "error=access_denied&state="] {
        let refused = get(&routes, &format!("/callback/login?{forged}")).await;
        assert_eq!(refused.status, 404, "{forged}");
        assert!(refused.body.contains("Nothing here"));
    }
    assert!(matches!(session.current_step(), Some((_, SetupStep::Redirect { .. }))), "it waits on");
    let taken = get(&routes, &format!("/callback/login?error=access_denied&state={state}")).await;
    let page = get(&routes, behind_proxy(taken.location())).await;
    assert!(page.body.contains("<h1>Not connected</h1>"), "{}", page.body);
    assert!(page.body.contains("the provider says access_denied"), "{}", page.body);
    assert!(page.body.contains("Press the other button"), "{}", page.body);
    assert_eq!(end(&session).await, "access_denied");
    assert!(world.provider.request_bodies().is_empty() && labels(&registry).await.is_empty());
}

/// S1, S3, T15: a code of one provider is never exchanged at another.
#[tokio::test]
async fn a_callback_at_the_path_of_another_kind_is_refused() {
    let world = World::new().await;
    let registry = world.public().await;
    let routes = callbacks(&registry);
    let (one, first) = begun(&registry, &LOGIN).await;
    let (two, second) = begun(&registry, &OTHER).await;
    for path in [format!("other-login?code=x&state={first}"), format!("login?code=x&state={second}")] {
        assert_eq!(get(&routes, &format!("/callback/{path}")).await.status, 404);
    }
    assert!(world.provider.request_bodies().is_empty());
    get(&routes, &format!("/callback/login?code=1&state={first}")).await.location();
    get(&routes, &format!("/callback/other-login?code=2&state={second}")).await.location();
    assert_eq!((end(&one).await, end(&two).await), ("done ada".to_owned(), "done ada".to_owned()));
}

/// The extension `issues` brings this kind, for each owner who adds it.
struct OfIssues(Kind);

impl OwnKinds for OfIssues {
    fn stored(&self, _: &str, _: &str, _: &str) -> Option<OwnKind> {
        Some(OwnKind::new(login(self.0.clone())))
    }

    fn declared(&self, _: &ExtensionDeclaration) -> Result<OwnKind, Reason> {
        Ok(OwnKind::new(login(self.0.clone())))
    }
}

/// The name of such a kind contains a `/`, which would lead to another page.
#[tokio::test]
async fn a_callback_of_an_extension_s_kind_has_an_address_of_its_own() {
    let world = World::new().await;
    let kind = Kind::parse("issues/elsewhere").unwrap();
    let builder = world.builder().inbound(Arc::new(PublicEndpoint::new(public())));
    let registry = builder.own_kinds(Arc::new(OfIssues(kind.clone()))).open().await.unwrap();
    let auth = RequirementAuth::new(AuthType::None, []);
    let requirement = Requirement::new("default", Kind::from_static("elsewhere"), "Elsewhere", auth);
    // The address is the same for every owner, and a callback finds the setup of its own owner.
    let ada = registry.owner("ada").unwrap();
    ada.extensions().add(&ExtensionDeclaration::new("issues", requirement), "as declared").await.unwrap();
    let routes = callbacks(&registry);
    let (session, state) = begun(&ada, &kind).await;
    for path in ["issues/elsewhere", "issues%2Felsewhere", "elsewhere", "issues"] {
        let refused = get(&routes, &format!("/callback/{path}?code=x&state={state}")).await;
        assert_eq!(refused.status, 404, "{path}");
    }
    let taken = get(&routes, &format!("/callback/issues.elsewhere?code=1&state={state}")).await;
    let location = taken.location().to_owned();
    assert!(location.starts_with(&format!("{PUBLIC}/callback/issues.elsewhere/done?ref=")), "{location}");
    assert_eq!(get(&routes, behind_proxy(&location)).await.status, 200);
    assert_eq!(end(&session).await, "done ada");
}

/// S14: flows of two owners run at once, each into its owner's connections.
#[tokio::test]
async fn two_owners_never_share_a_callback() {
    let world = World::new().await;
    let registry = world.public().await;
    let routes = callbacks(&registry);
    let ada = registry.owner("ada").unwrap();
    let bob = registry.owner("bob").unwrap();
    let (one, first) = begun(&ada, &LOGIN).await;
    let (two, second) = begun(&bob, &LOGIN).await;
    get(&routes, &format!("/callback/login?code=bobs&state={second}")).await.location();
    assert_eq!(end(&two).await, "done ada");
    assert!(matches!(one.current_step(), Some((_, SetupStep::Redirect { .. }))));
    assert_eq!((labels(&ada).await.len(), labels(&bob).await.len()), (0, 1));
    get(&routes, &format!("/callback/login?code=adas&state={first}")).await.location();
    assert_eq!(end(&one).await, "done ada");
    assert_eq!((labels(&ada).await.len(), labels(&bob).await.len()), (1, 1));
    assert!(labels(&registry).await.is_empty());
}

#[tokio::test]
async fn a_callback_in_another_process_is_taken_and_told_there() {
    let world = World::new().await;
    let one = world.public().await;
    let two = world.public().await;
    let (session, state) = begun(&one, &LOGIN).await;
    let there = callbacks(&two);
    let taken = get(&there, &format!("/callback/login?code=the-code&state={state}")).await;
    // The page after the callback is served by the first process again.
    let here = callbacks(&one);
    let reading = async {
        loop {
            let page = get(&here, behind_proxy(taken.location())).await;
            // A browser asks again by itself.
            if page.header("refresh").is_empty() {
                break page;
            }
        }
    };
    let page = outlasted(&world, &two, reading).await;
    assert!(page.body.contains("Login &#38; Co: ada"), "{}", page.body);
    assert_eq!(outlasted(&world, &two, end(&session)).await, "done ada");
    assert_eq!(world.provider.request_bodies().len(), 1);
}

#[tokio::test]
async fn a_callback_that_cannot_be_stored_may_come_again() {
    let world = World::new().await;
    let registry = world.public().await;
    let other = world.public().await;
    let (session, state) = begun(&registry, &LOGIN).await;
    let routes = callbacks(&other);
    other.close().await;
    let path = format!("/callback/login?code=the-code&state={state}");
    let refused = get(&routes, &path).await;
    assert_eq!((refused.status, refused.header("refresh")), (503, ""));
    assert!(refused.body.contains("reload this page"), "{}", refused.body);
    get(&callbacks(&registry), &path).await.location();
    assert_eq!(end(&session).await, "done ada");
}
