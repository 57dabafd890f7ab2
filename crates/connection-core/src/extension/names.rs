//! The names and numbers of a declaration that a person adds. A person grants secrets by the name of an extension, so two
//! names that look alike are not both possible.

use connection_contract::{ExtensionDeclaration, InvalidDeclaration};

/// The maximum length of the name of an extension.
const MAX_NAME: usize = 100;
/// The maximum number of entries of a list.
const MAX_ENTRIES: usize = 100;

/// Checks a declaration that is added.
pub(super) fn check(declaration: &ExtensionDeclaration) -> Result<(), InvalidDeclaration> {
    let ExtensionDeclaration { name, requirement, .. } = declaration;
    let broken = |field: &str, rule: String| {
        Err(InvalidDeclaration::new(name.to_string(), requirement.id.to_string(), field.to_owned(), rule))
    };
    if name.len() > MAX_NAME {
        return broken("/name", format!("the name of an extension has at most {MAX_NAME} characters; shorten it"));
    }
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.@/".contains(&byte);
    let begins = name.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '@');
    if !begins || !name.bytes().all(is_plain) || name.contains("..") {
        let rule = "the name of an extension has only the letters a to z, digits and - _ . @ /, begins with a letter, a \
                    digit or @, and has no two dots in a row; correct it";
        return broken("/name", rule.to_owned());
    }
    let commands = declaration.commands.iter();
    let of_commands = commands.map(|command| ("/commands", command.preferences.len()));
    let lists = [
        ("/commands", declaration.commands.len()),
        ("/connection/auth/secretNames", requirement.auth.secret_names.len()),
        ("/connection/publicPreferenceNames", requirement.public_preference_names.len()),
        ("/preferences", declaration.preferences.len()),
    ];
    match lists.into_iter().chain(of_commands).find(|(_, entries)| *entries > MAX_ENTRIES) {
        Some((field, _)) => broken(field, format!("a list has at most {MAX_ENTRIES} entries; remove some")),
        None => Ok(()),
    }
}
