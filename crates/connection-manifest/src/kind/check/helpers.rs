//! The table `[helpers]`: what programs get that ask for a credential. Each protocol says where its source is.

use connection_contract::{HelperProtocol, Text};

use super::{At, Checker, rules};
use crate::kind::model::{HelperModel, Mechanism};

pub(super) fn check(checker: &mut Checker<'_>) {
    let Some(helpers) = &checker.model.helpers else { return };
    let root = At::Root;
    let at = At::Name(&root, "helpers");
    let secrets = secrets(checker);
    if helpers.tables().next().is_none() {
        checker.report(at, "this says nothing; add a table such as `helpers.git`");
    }
    for (protocol, table) in helpers.tables() {
        let at = At::Name(&at, protocol.as_str());
        let HelperModel { user, secret, source, .. } = table;
        if !table.helper(protocol).is_valid(&secrets) {
            let secret = secret.as_deref().unwrap_or_default();
            checker.report(at, fault(protocol, secret, user.is_some(), &secrets));
        }
        if source.is_none() {
            checker.report(at, "nothing shows what the program expects; add source = \"https://…\" with its page");
        }
        rules::source(checker, At::Name(&at, "source"), source.as_deref());
    }
}

/// Returns the names of the kind's secrets.
fn secrets(checker: &Checker<'_>) -> Vec<Text> {
    let model = checker.model;
    let gets_token = matches!(model.mechanism, Some(Mechanism::Oauth2 | Mechanism::TokenExchange));
    let secrets = model.fields.iter().filter(|field| field.secret);
    let names = secrets.flat_map(|field| field.name.iter().chain(&field.aliases)).cloned();
    names.chain(gets_token.then(|| "accessToken".to_owned())).map(Text::from).collect()
}

fn fault(protocol: HelperProtocol, secret: &str, has_user: bool, secrets: &[Text]) -> String {
    let names = secrets.iter().map(|name| format!("{{{name}}}")).collect::<Vec<_>>().join(", ");
    if !secrets.iter().any(|name| secret.contains(&format!("{{{name}}}"))) {
        return format!("the secret names none of the kind once; write secret = with one of {names}");
    }
    match (protocol, has_user) {
        (HelperProtocol::Cargo, true) => "cargo takes no user name; remove it".to_owned(),
        (HelperProtocol::Cargo, false) | (_, true) => {
            "hosts are names in small letters, of which AWS has none, texts have at most 128 visible characters of ASCII, and \
             only AWS has a session token; correct it"
                .to_owned()
        }
        (_, false) => "the program needs a user name; add user = \"…\"".to_owned(),
    }
}
