//! The rule that no function takes a parameter apart into a tuple of names, which hides how many parameters it has.

use crate::rust_source::{Token, tokens};

/// Returns the functions in a file with a parameter such as `(agent, connection): (&Agent, &Connection)`.
///
/// Closures are no functions here: they take apart what an iterator gives them.
pub(crate) fn findings(path: &str, text: &str) -> Vec<String> {
    let tokens = tokens(text);
    let functions = tokens.iter().enumerate().filter(|(_, token)| token.is_name("fn"));
    let tuples = functions.filter_map(|(index, _)| {
        let name = tokens.get(index + 1)?;
        let line = first_tuple(parameters(tokens.get(index + 2..)?)?)?;
        let name = name.name()?;
        Some(format!("{path}:{line}: `{name}` takes a tuple apart; name the pair as a struct, or pass its parts"))
    });
    tuples.collect()
}

/// Returns the tokens after the parenthesis that opens the parameters. `tokens` begins after the name of the function.
fn parameters(tokens: &[Token]) -> Option<&[Token]> {
    let mut generics = 0_usize;
    let mut is_arrow = false;
    for (index, token) in tokens.iter().enumerate() {
        if token.is_sign('<') {
            generics += 1;
        } else if token.is_sign('>') && !is_arrow {
            generics = generics.saturating_sub(1);
        } else if generics == 0 {
            return token.is_sign('(').then(|| tokens.get(index + 1..)).flatten();
        }
        is_arrow = token.is_sign('-');
    }
    None
}

/// Returns the line of the first parameter with a tuple of names.
fn first_tuple(tokens: &[Token]) -> Option<usize> {
    let mut depth = 0_usize;
    let mut begins = true;
    for (index, token) in tokens.iter().enumerate() {
        if depth == 0 && begins && token.is_sign('(') && is_tuple(tokens.get(index + 1..).unwrap_or_default()) {
            return Some(token.line);
        }
        // A reference, before what it refers to.
        begins = depth == 0 && (token.is_sign(',') || begins && token.is_sign('&'));
        if opens(token) {
            depth += 1;
        } else if closes(token) {
            depth = depth.checked_sub(1)?;
        }
    }
    None
}

/// Returns `true` if these tokens, after a parenthesis, are names up to the end of it, and a type follows.
fn is_tuple(tokens: &[Token]) -> bool {
    let mut depth = 1_usize;
    for (index, token) in tokens.iter().enumerate() {
        if opens(token) {
            depth += 1;
        } else if closes(token) {
            depth -= 1;
        }
        if depth == 0 {
            return index > 0 && tokens.get(index + 1).is_some_and(|next| next.is_sign(':'));
        }
    }
    false
}

fn opens(token: &Token) -> bool {
    ['(', '[', '{'].iter().any(|sign| token.is_sign(*sign))
}

fn closes(token: &Token) -> bool {
    [')', ']', '}'].iter().any(|sign| token.is_sign(*sign))
}
