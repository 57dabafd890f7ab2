//! Setup links: who can open one, for how long, and the one setup that its visitor may continue.

use std::{sync::Arc, time::Duration};

use connection_contract::Kind;
use connection_core::{AccessTokens, ConnectionRegistry, IssuedToken, NewAccessToken, NewSetupLink, Role, SessionId};
use secrecy::SecretString;
use uuid::Uuid;

use crate::test_host::{START, World};

const MINUTE: Duration = Duration::from_secs(60);
const BACK: &str = "https://app.example.com/settings?customer=17";

fn link() -> NewSetupLink {
    NewSetupLink::new("ada", "for ada", [Kind::from_static("acme")]).return_to(BACK)
}

fn setup(number: u128) -> SessionId {
    SessionId::from(Uuid::from_u128(number))
}

async fn opened(registry: &ConnectionRegistry) -> IssuedToken {
    let tokens = registry.access_tokens();
    let made = tokens.create_link(link()).await.unwrap();
    tokens.exchange_link(&made.text).await.unwrap()
}

async fn refusal(registry: &ConnectionRegistry, code: &SecretString) -> &'static str {
    registry.access_tokens().exchange_link(code).await.unwrap_err().code()
}

#[tokio::test]
async fn a_link_is_opened_once_within_thirty_minutes_and_its_visitor_has_thirty_more() {
    let world = World::new().await;
    let registry = world.acme().await;
    let tokens = registry.access_tokens();
    let made = tokens.create_link(link()).await.unwrap();
    assert_eq!(tokens.authenticate(&made.text).await.unwrap(), None, "a code is no token");
    assert_eq!((made.token.owner.as_deref(), made.token.is_page), (Some("ada"), false));
    world.clock.advance(30 * MINUTE - Duration::from_secs(1));
    let issued = tokens.exchange_link(&made.text).await.unwrap();
    let token = tokens.authenticate(&issued.text).await.unwrap().unwrap();
    assert_eq!(token, issued.token);
    let link = token.link.unwrap();
    assert_eq!((link.kinds, link.return_to.as_deref()), (vec![Kind::from_static("acme")], Some(BACK)));
    assert_eq!((link.setup, token.role, token.is_page), (None, Role::Read, true));
    assert_eq!(token.expires_at.seconds(), START + 60 * 60 - 1);
    assert_eq!(refusal(&registry, &made.text).await, "code_used");
    world.clock.advance(30 * MINUTE);
    assert_eq!(tokens.authenticate(&issued.text).await.unwrap(), None);
    let late = tokens.create_link(self::link()).await.unwrap();
    world.clock.advance(30 * MINUTE);
    assert_eq!(refusal(&registry, &late.text).await, "code_expired");
    registry.close().await;
}

#[tokio::test]
async fn a_link_that_nobody_has_opened_is_listed_and_can_be_revoked() {
    let world = World::new().await;
    let registry = world.acme().await;
    let tokens = registry.access_tokens();
    let made = tokens.create_link(link()).await.unwrap();
    assert_eq!(tokens.list(Some("ada"), None, 9).await.unwrap().items, std::slice::from_ref(&made.token));
    assert!(tokens.revoke(made.token.id).await.unwrap());
    assert_eq!(refusal(&registry, &made.text).await, "code_used");
    let issued = opened(&registry).await;
    assert!(tokens.revoke(issued.token.id).await.unwrap());
    assert_eq!(tokens.authenticate(&issued.text).await.unwrap(), None);
    registry.close().await;
}

#[tokio::test]
async fn one_of_several_setups_that_are_begun_at_once_is_the_one_of_the_link() {
    let world = World::new().await;
    let one = world.acme().await;
    let two = world.acme().await;
    let issued = Arc::new(opened(&one).await);
    let begun: Vec<_> = (0..16)
        .map(|n| (if n % 2 == 0 { one.clone() } else { two.clone() }, issued.clone(), setup(n)))
        .map(|(registry, issued, to)| {
            let begin =
                async move { (registry.access_tokens().set_setup(issued.token.id, None, to).await.unwrap(), to) };
            tokio::runtime::Handle::current().spawn(begin)
        })
        .collect();
    let mut taken = Vec::new();
    for begin in begun {
        let (is_taken, setup) = begin.await.unwrap();
        taken.extend(is_taken.then_some(setup));
    }
    assert_eq!(taken.len(), 1);
    let of_link = async || one.access_tokens().authenticate(&issued.text).await.unwrap().unwrap().link.unwrap().setup;
    assert_eq!(of_link().await, Some(taken[0]));
    // A setup that has ended is replaced by one that names it.
    let tokens = two.access_tokens();
    assert!(!tokens.set_setup(issued.token.id, Some(setup(99)), setup(100)).await.unwrap());
    assert!(tokens.set_setup(issued.token.id, Some(taken[0]), setup(100)).await.unwrap());
    assert_eq!(of_link().await, Some(setup(100)));
    one.close().await;
    two.close().await;
}

#[tokio::test]
async fn only_the_live_token_of_a_visitor_gets_a_setup() {
    let world = World::new().await;
    let registry = world.acme().await;
    let tokens = registry.access_tokens();
    let program = tokens.create(NewAccessToken::new("a report", Role::Manage).owner("ada")).await.unwrap();
    let unopened = tokens.create_link(link()).await.unwrap();
    let revoked = opened(&registry).await;
    tokens.revoke(revoked.token.id).await.unwrap();
    let late = opened(&registry).await;
    world.clock.advance(30 * MINUTE);
    for token in [program, unopened, revoked, late] {
        assert!(!tokens.set_setup(token.token.id, None, setup(1)).await.unwrap(), "{token:?}");
    }
    registry.close().await;
}

#[tokio::test]
async fn links_take_neither_the_place_of_pages_nor_that_of_codes() {
    let world = World::new().await;
    let registry = world.acme().await;
    let tokens = registry.access_tokens();
    let page = || NewAccessToken::new("a page", Role::Manage).owner("ada");
    let mut pages = Vec::new();
    for _ in 0..AccessTokens::MAX_PAGES {
        pages.push(tokens.exchange_code(&tokens.create_code(page()).await.unwrap()).await.unwrap());
        opened(&registry).await;
    }
    for page in &pages {
        assert!(tokens.authenticate(&page.text).await.unwrap().is_some());
    }
    for _ in 0..AccessTokens::MAX_TOKENS {
        tokens.create_link(link()).await.unwrap();
    }
    assert_eq!(tokens.create_link(link()).await.unwrap_err().code(), "too_many_tokens");
    tokens.create_code(page()).await.unwrap();
    registry.close().await;
}

#[tokio::test]
async fn a_link_needs_a_kind_and_an_owner() {
    let world = World::new().await;
    let registry = world.acme().await;
    let tokens = registry.access_tokens();
    let no_kind = NewSetupLink::new("ada", "for ada", []);
    assert_eq!(tokens.create_link(no_kind).await.unwrap_err().code(), "no_link_kinds");
    let no_owner = NewSetupLink::new("", "for nobody", [Kind::from_static("acme")]);
    assert_eq!(tokens.create_link(no_owner).await.unwrap_err().code(), "invalid_owner");
    assert_eq!(tokens.list(None, None, 9).await.unwrap().items, []);
    registry.close().await;
}
