//! The rule that public operations of the core return boxed futures.
//!
//! The code of an `async fn` is compiled again in every crate that awaits it, and that of a boxed future is compiled
//! once, in the core. A function with a type parameter is compiled by its caller in any case, so it may be `async`, and
//! so may the `next` of a stream, which only waits: another `next` would be taken for that of an iterator.

use crate::rust_source::{Token, starts_with, tokens};

/// The sources to which the rule applies.
const SOURCES: &str = "crates/connection-core/src/";

/// Returns the public `async` functions of a file that have no type parameter, except `next`.
pub(crate) fn findings(path: &str, text: &str) -> Vec<String> {
    if !path.starts_with(SOURCES) {
        return Vec::new();
    }
    let tokens = tokens(text);
    let mut findings = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        let Some([name, parameters @ ..]) = tokens.get(index + 3..) else { break };
        let is_public_future = starts_with(tokens.get(index..).unwrap_or_default(), &["pub", "async", "fn"]);
        if is_public_future && !name.is_name("next") && !has_type_parameter(parameters) {
            let name = name.name().unwrap_or_default();
            findings.push(format!(
                "{path}:{}: `{name}` is a public `async fn`; return a `BoxFuture` from a plain function",
                token.line
            ));
        }
    }
    findings
}

/// Returns `true` if the tokens after the name of a function begin with parameters of which one is not a lifetime.
fn has_type_parameter(tokens: &[Token]) -> bool {
    let mut inside = tokens.iter().take_while(|token| !token.is_sign('>'));
    inside.next().is_some_and(|first| first.is_sign('<')) && inside.any(|token| token.name().is_some())
}

#[cfg(test)]
mod tests {
    use super::findings;

    const PATH: &str = "crates/connection-core/src/a.rs";

    #[test]
    fn a_public_async_function_of_the_core_is_found() {
        for function in ["b()", "b<'a>(&'a self)", "b(name: impl Into<String>)"] {
            let found = findings(PATH, &format!("//! A.\n\npub async fn {function} {{}}\n"));
            assert_eq!(
                found,
                [format!("{PATH}:3: `b` is a public `async fn`; return a `BoxFuture` from a plain function")],
                "{function}"
            );
        }
    }

    #[test]
    fn other_functions_are_not_found() {
        for function in [
            "pub fn b() -> BoxFuture<'static, ()> { Box::pin(async move {}) }",
            "pub(crate) async fn b() {}",
            "async fn b() {}",
            "pub async fn next(&mut self) {}",
            "pub async fn b<T>(with: impl AsyncFnOnce() -> T) {}",
            "// pub async fn b() {}",
        ] {
            assert_eq!(findings(PATH, &format!("//! A.\n{function}\n")), [""; 0], "{function}");
        }
        assert_eq!(findings("crates/connection-host/src/a.rs", "//! A.\npub async fn b() {}\n"), [""; 0]);
    }
}
