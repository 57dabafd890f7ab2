//! Tokens of pages and programs: who gets one, for how long it is accepted, and what the database keeps of it.

use std::{sync::Arc, time::Duration};

use connection_core::{AccessTokenFault, AccessTokens, ConnectionRegistry, Error, NewAccessToken, Role};
use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    acme::Acme,
    extension_kit::acme_extension,
    sql,
    test_host::{START, World},
};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_hours(24);

fn report() -> NewAccessToken {
    NewAccessToken::new("a report", Role::Read).owner("ada")
}

fn page() -> NewAccessToken {
    NewAccessToken::new("a page", Role::Manage).owner("ada")
}

async fn is_accepted(registry: &ConnectionRegistry, text: &SecretString) -> bool {
    registry.access_tokens().authenticate(text).await.unwrap().is_some()
}

fn fault<T: std::fmt::Debug>(result: Result<T, Error>) -> AccessTokenFault {
    match result.unwrap_err() {
        Error::AccessToken(fault) => fault,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_token_is_accepted_as_it_was_made_until_it_ends() {
    let world = World::new().await;
    let registry = world.acme().await;
    let tokens = registry.access_tokens();
    let new = report().extension("issues").lifetime(10 * DAY);
    let issued = tokens.create(new).await.unwrap();
    let token = tokens.authenticate(&issued.text).await.unwrap().unwrap();
    assert_eq!(token, issued.token);
    assert_eq!((token.name.as_str(), token.role, token.is_page), ("a report", Role::Read, false));
    assert_eq!((token.owner.as_deref(), token.extension.as_deref()), (Some("ada"), Some("issues")));
    assert_eq!(token.expires_at.seconds(), START + 10 * 24 * 3600);
    world.clock.advance(10 * DAY - MINUTE);
    assert!(is_accepted(&registry, &issued.text).await);
    world.clock.advance(MINUTE);
    assert!(!is_accepted(&registry, &issued.text).await);
    registry.close().await;
}

/// The tokens of other owners, of other extensions and of programs without an extension are the control.
#[tokio::test]
async fn the_tokens_of_an_extension_end_when_it_is_removed_and_serve_no_later_one_of_its_name() {
    let world = World::new().await;
    let registry = world.acme().await;
    let tokens = registry.access_tokens();
    let issue = async |token: NewAccessToken| tokens.create(token).await.unwrap().text;
    let of = |owner: &str, extension: &str| NewAccessToken::new("it", Role::Use).owner(owner).extension(extension);
    let ada = registry.owner("ada").unwrap();
    let declaration = acme_extension("issues");
    ada.extensions().add(&declaration, "1").await.unwrap();
    let removed = [issue(of("ada", "issues")).await, issue(of("ada", "issues")).await];
    let kept = [issue(of("ada", "other")).await, issue(of("bob", "issues")).await, issue(report()).await];
    ada.extensions().remove("issues").await.unwrap();
    // A token that an earlier version of the program left when it removed the extension.
    let left = issue(of("ada", "issues")).await;
    ada.extensions().add(&declaration, "2").await.unwrap();
    for text in removed.iter().chain([&left]) {
        assert!(!is_accepted(&registry, text).await);
    }
    for text in &kept {
        assert!(is_accepted(&registry, text).await);
    }
    assert!(is_accepted(&registry, &issue(of("ada", "issues")).await).await, "a new token of the new extension");
    ada.extensions().add(&declaration, "3").await.unwrap();
    registry.close().await;
}

#[tokio::test]
async fn only_the_text_of_a_token_is_accepted() {
    let world = World::new().await;
    let registry = world.acme().await;
    let issued = registry.access_tokens().create(report()).await.unwrap();
    let text = issued.text.expose_secret();
    assert!(text.starts_with("cn_") && text.len() == 46, "the text has its prefix and 256 bits");
    let other = text.replace(&text[40..], "AAAAAA");
    let upper = text.to_uppercase();
    let longer = format!("{text}A");
    for wrong in ["", "cn_", &text[3..], &text[..45], &other, &upper, &longer, "cn_\u{e9}"] {
        assert!(!is_accepted(&registry, &SecretString::from(wrong)).await);
    }
    assert!(is_accepted(&registry, &issued.text).await);
    registry.close().await;
}

#[tokio::test]
async fn the_database_and_debug_output_do_not_hold_the_text() {
    let world = World::new().await;
    let registry = world.acme().await;
    let tokens = registry.access_tokens();
    let issued = tokens.create(report()).await.unwrap();
    let code = tokens.create_code(page()).await.unwrap();
    let shown = format!("{issued:?} {tokens:?}");
    assert!(!shown.contains(&issued.text.expose_secret()[3..]));
    let stored = sql::everything(&world.database()).await;
    for text in [&issued.text, &code] {
        let text = &text.expose_secret().as_bytes()[3..];
        assert!(!stored.windows(text.len()).any(|window| window == text));
    }
    registry.close().await;
}

#[tokio::test]
async fn a_revoked_token_is_refused_in_every_process() {
    let world = World::new().await;
    let one = world.acme().await;
    let two = world.acme().await;
    let issued = one.access_tokens().create(report()).await.unwrap();
    assert!(is_accepted(&two, &issued.text).await);
    assert!(two.access_tokens().revoke(issued.token.id).await.unwrap());
    assert!(!is_accepted(&one, &issued.text).await);
    assert!(!is_accepted(&two, &issued.text).await);
    assert!(!one.access_tokens().revoke(issued.token.id).await.unwrap(), "it was revoked before");
    let revoked = one.access_tokens().get(issued.token.id).await.unwrap().unwrap();
    assert_eq!(revoked.revoked_at.unwrap().seconds(), START);
    one.close().await;
    two.close().await;
}

#[tokio::test]
async fn the_last_use_is_recorded_once_a_minute() {
    let world = World::new().await;
    let registry = world.acme().await;
    let tokens = registry.access_tokens();
    let issued = tokens.create(report()).await.unwrap();
    let last = async || {
        let token = tokens.get(issued.token.id).await.unwrap().unwrap();
        token.last_used_at.map(|at| at.seconds() - START)
    };
    assert_eq!(last().await, None);
    for (advance, expected) in [(0, 0), (59, 0), (1, 60), (30, 60), (90, 180)] {
        world.clock.advance(Duration::from_secs(advance));
        assert!(is_accepted(&registry, &issued.text).await);
        assert_eq!(last().await, Some(expected));
    }
    registry.close().await;
}

#[tokio::test]
async fn a_page_exchanges_a_code_once_and_within_a_minute() {
    let world = World::new().await;
    let registry = world.acme().await;
    let tokens = registry.access_tokens();
    let code = tokens.create_code(page()).await.unwrap();
    assert!(!is_accepted(&registry, &code).await, "a code is no token");
    world.clock.advance(Duration::from_secs(59));
    let issued = tokens.exchange_code(&code).await.unwrap();
    assert!(issued.token.is_page);
    assert_eq!((issued.token.role, issued.token.owner.as_deref()), (Role::Manage, Some("ada")));
    assert_eq!(tokens.authenticate(&issued.text).await.unwrap().unwrap().id, issued.token.id);
    assert_eq!(fault(tokens.exchange_code(&code).await).code(), "code_used");
    let late = tokens.create_code(page()).await.unwrap();
    world.clock.advance(MINUTE);
    assert_eq!(fault(tokens.exchange_code(&late).await).code(), "code_expired");
    let token = tokens.create(report()).await.unwrap();
    for unknown in [&token.text, &SecretString::from("cn_"), &SecretString::from("")] {
        assert_eq!(fault(tokens.exchange_code(unknown).await).code(), "code_unknown");
    }
    // Codes are no tokens, so they are not listed.
    let listed = tokens.list(Some("ada"), None, 100).await.unwrap().items;
    assert_eq!(listed.iter().map(|token| token.id).collect::<Vec<_>>(), [issued.token.id, token.token.id]);
    registry.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_exchanges_of_one_code_in_two_processes_one_succeeds() {
    let world = World::new().await;
    let one = world.open(Acme::default()).await;
    let two = world.open(Acme::default()).await;
    let code = Arc::new(one.access_tokens().create_code(page()).await.unwrap());
    let exchanges: Vec<_> = (0..16)
        .map(|n| (if n % 2 == 0 { one.clone() } else { two.clone() }, code.clone()))
        .map(|(registry, code)| {
            let exchange = async move { registry.access_tokens().exchange_code(&code).await.map(|issued| issued.text) };
            tokio::runtime::Handle::current().spawn(exchange)
        })
        .collect();
    let mut issued = Vec::new();
    for exchange in exchanges {
        match exchange.await.unwrap() {
            Ok(text) => issued.push(text),
            Err(error) => assert_eq!(error.code(), "code_used"),
        }
    }
    assert_eq!(issued.len(), 1);
    assert!(is_accepted(&two, &issued[0]).await);
    assert_eq!(one.access_tokens().list(None, None, 100).await.unwrap().items.len(), 1);
    one.close().await;
    two.close().await;
}

#[tokio::test]
async fn the_token_of_a_page_ends_when_it_was_not_used_for_thirty_days() {
    let world = World::new().await;
    let registry = world.acme().await;
    let code = registry.access_tokens().create_code(page()).await.unwrap();
    let issued = registry.access_tokens().exchange_code(&code).await.unwrap();
    for _ in 0..5 {
        world.clock.advance(29 * DAY);
        assert!(is_accepted(&registry, &issued.text).await);
    }
    world.clock.advance(30 * DAY);
    assert!(!is_accepted(&registry, &issued.text).await);
    registry.close().await;
}

#[tokio::test]
async fn an_owner_has_so_many_tokens_and_no_more() {
    let world = World::new().await;
    let registry = world.acme().await;
    let tokens = registry.access_tokens();
    let first = tokens.create(report()).await.unwrap();
    for _ in 1..AccessTokens::MAX_TOKENS {
        tokens.create(report().lifetime(DAY)).await.unwrap();
    }
    let refused = tokens.create(report()).await.unwrap_err();
    assert_eq!(refused.code(), "too_many_tokens");
    assert!(refused.remedy().unwrap().contains("revoke"), "{refused:?}");
    // Another owner, and the tokens of pages, have limits of their own.
    tokens.create(report().owner("bob")).await.unwrap();
    tokens.exchange_code(&tokens.create_code(page()).await.unwrap()).await.unwrap();
    tokens.revoke(first.token.id).await.unwrap();
    tokens.create(report()).await.unwrap();
    assert_eq!(fault(tokens.create(report()).await).code(), "too_many_tokens");
    // Those that have ended do not count, and are deleted after a while.
    world.clock.advance(DAY);
    tokens.create(report()).await.unwrap();
    world.clock.advance(8 * DAY);
    tokens.create(report()).await.unwrap();
    assert_eq!(tokens.list(Some("ada"), None, 1000).await.unwrap().items.len(), 4);
    registry.close().await;
}

#[tokio::test]
async fn one_page_too_many_takes_the_place_of_the_one_that_was_used_least_recently() {
    let world = World::new().await;
    let registry = world.acme().await;
    let tokens = registry.access_tokens();
    let mut issued = Vec::new();
    for _ in 0..AccessTokens::MAX_PAGES {
        issued.push(tokens.exchange_code(&tokens.create_code(page()).await.unwrap()).await.unwrap());
        world.clock.advance(MINUTE);
    }
    assert!(is_accepted(&registry, &issued[0].text).await);
    tokens.exchange_code(&tokens.create_code(page()).await.unwrap()).await.unwrap();
    assert!(is_accepted(&registry, &issued[0].text).await, "it was used a moment ago");
    assert!(!is_accepted(&registry, &issued[1].text).await);
    assert!(is_accepted(&registry, &issued[2].text).await);
    registry.close().await;
}

#[tokio::test]
async fn tokens_are_listed_by_owner_page_by_page() {
    let world = World::new().await;
    let registry = world.acme().await;
    let tokens = registry.access_tokens();
    let mut of_ada = Vec::new();
    for n in 0..7 {
        of_ada.push(tokens.create(report()).await.unwrap().token.id);
        if n % 2 == 0 {
            tokens.create(report().owner("bob")).await.unwrap();
            tokens.create_code(page()).await.unwrap();
        }
    }
    let for_all = tokens.create(NewAccessToken::new("an operator", Role::Admin)).await.unwrap().token;
    assert_eq!(for_all.owner, None);
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = tokens.list(Some("ada"), after, 3).await.unwrap();
        found.extend(page.items.iter().map(|token| token.id));
        after = page.next;
        if after.is_none() {
            break;
        }
        assert_eq!(page.items.len(), 3);
    }
    assert_eq!(found, of_ada);
    assert_eq!(tokens.list(None, None, 100).await.unwrap().items.len(), 12);
    assert_eq!(tokens.list(Some("eve"), None, 100).await.unwrap().items, []);
    registry.close().await;
}

#[tokio::test]
async fn names_and_owners_are_checked() {
    let world = World::new().await;
    let registry = world.acme().await;
    let tokens = registry.access_tokens();
    for name in [String::new(), "  ".into(), "a".repeat(101)] {
        assert_eq!(fault(tokens.create(NewAccessToken::new(name, Role::Read)).await).code(), "invalid_token_name");
    }
    let refused = tokens.create(report().owner("")).await.unwrap_err();
    assert_eq!(refused.code(), "invalid_owner");
    assert_eq!(tokens.list(None, None, 9).await.unwrap().items, []);
    registry.close().await;
}

#[test]
fn each_role_has_a_word_and_includes_the_smaller_ones() {
    assert!(Role::ALL.is_sorted());
    let words = Role::ALL.map(Role::as_str);
    assert_eq!(words, ["approve", "read", "use", "manage", "admin"]);
    assert_eq!(Role::ALL.map(Role::may_approve), [true, false, false, true, true]);
    assert!(!Role::Agent.may_approve());
    assert_eq!(words.map(|word| Role::parse(word).unwrap()), Role::ALL);
    assert_eq!(Role::parse("owner"), None);
}
