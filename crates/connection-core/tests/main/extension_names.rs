//! The names and numbers of a declaration that a person adds.

use connection_contract::AuthType;
use connection_core::ConnectionRegistry;

use crate::{
    acme::KIND,
    extension_kit::{acme_extension, needs, of},
    test_host::World,
};

/// Adds an extension, and returns the rule that its declaration breaks, or an empty text.
async fn refused(registry: &ConnectionRegistry, declaration: &connection_contract::ExtensionDeclaration) -> String {
    let added = registry.extensions().add(declaration, "{}").await;
    added.err().map(|error| error.to_string()).unwrap_or_default()
}

#[tokio::test]
async fn a_name_that_looks_like_another_one_is_refused() {
    let world = World::new().await;
    let registry = world.acme().await;
    // A Cyrillic letter, a letter of full width, and others.
    for name in ["\u{456}ssues", "\u{ff49}ssues", "is\u{301}sues", "my issues", "..", "a..b", ".a", "-a", "a\\b", "a:b"] {
        let rule = refused(&registry, &acme_extension(name)).await;
        assert!(rule.contains("'/name'") && rule.contains("has only the letters"), "{name}: {rule}");
    }
    let long = refused(&registry, &acme_extension(&"a".repeat(101))).await;
    assert!(long.contains("at most 100 characters"), "{long}");
    let longest = "a".repeat(100);
    for name in ["issues", "generated-42", "@acme/issues", "a.b_c", "Issues", &longest] {
        assert_eq!(refused(&registry, &acme_extension(name)).await, "", "{name}");
    }
}

#[tokio::test]
async fn a_declaration_has_a_bounded_number_of_entries() {
    let world = World::new().await;
    let registry = world.acme().await;
    let names: Vec<_> = (0..101).map(|number| format!("secret{number}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let many = refused(&registry, &of("many", needs(KIND, AuthType::ApiKey, &names))).await;
    assert!(many.contains("secretNames") && many.contains("at most 100 entries"), "{many}");
    assert_eq!(refused(&registry, &of("most", needs(KIND, AuthType::ApiKey, &names[..100]))).await, "");
}
