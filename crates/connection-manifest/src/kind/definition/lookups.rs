//! Requests that are sent once after connecting, and whose answers complete the connection.

use connection_contract::{BaseUrl, Context, NotLive, Reason, SetupFailure, Value};

use super::{FileCredential, FileKind, account, calls};
use crate::kind::{
    model::{Lookup, Pick},
    template::Env,
};

/// Sends the lookups in their order, and adds their values to the credential.
pub(super) async fn run(
    kind: &FileKind,
    credential: &mut FileCredential,
    base: Option<&BaseUrl>,
    ctx: &Context<'_>,
) -> Result<(), SetupFailure> {
    for lookup in &kind.0.model.lookups {
        let (host, result) = calls::send_as(kind, credential, lookup.into(), None, None, base, ctx).await?;
        let response = calls::judged(kind, &[], &[], result)?;
        let answered = format!("{host} answered {}", response.status());
        let answer = response.json()?;
        let picked = picked(lookup.pick.as_ref(), &answer, &Env::new(&credential.values, ctx));
        for (name, pointer) in lookup.set.iter() {
            let value = picked.and_then(|value| account::text(value.pointer(pointer)?));
            match value.filter(|value| kind.0.field(name).is_some_and(|field| kind.0.accepts(field, value))) {
                Some(value) => drop(credential.values.config.insert(name.to_owned(), value)),
                None if lookup.optional => {}
                None => return Err(missing(&answered, lookup, name, pointer)),
            }
        }
    }
    Ok(())
}

/// Returns the failure for an answer, which `answered` describes, without a value.
fn missing(answered: &str, lookup: &Lookup, name: &str, pointer: &str) -> SetupFailure {
    let is_one_of_many = lookup.pick.as_ref().is_some_and(|pick| pick.only);
    let place = match &lookup.pick {
        Some(pick) => format!(
            "{pointer} in the item that is picked from {}",
            if pick.pointer.is_empty() { "it" } else { &pick.pointer }
        ),
        None => pointer.to_owned(),
    };
    let message = format!("{answered} without the value '{name}': the answer has nothing usable at {place}");
    let remedy = match is_one_of_many {
        true => "allow access to exactly one account or site",
        false => "check that the account has access to what you connect",
    };
    NotLive::failing(Reason::new("lookup_failed", message).remedy(remedy)).into()
}

/// Returns the part of an answer that values are read from.
fn picked<'v>(pick: Option<&Pick>, answer: &'v Value, env: &Env<'_>) -> Option<&'v Value> {
    let Some(pick) = pick else { return Some(answer) };
    let items = answer.pointer(&pick.pointer)?.items();
    match &pick.where_ {
        Some(wanted) => {
            let text = wanted.equals.text(env).ok()?;
            items.iter().find(|item| item.pointer(&wanted.pointer).and_then(account::text).is_some_and(|is| is == text))
        }
        None if pick.only && items.len() != 1 => None,
        None => items.first(),
    }
}
