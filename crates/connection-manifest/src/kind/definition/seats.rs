//! The seats of a kind: the places of a call where `attach` puts a secret or a token.

use connection_contract::Seat;

use super::{FileKind, SESSION_TOKEN, attach::bears};
use crate::kind::{
    model::{KindModel, Mechanism, RequestModel},
    template::{Scope, Template},
};

/// Returns the seats of a kind.
///
/// A template with several variables is one seat, from its first variable to its last. A JWT that the kind signs itself is
/// no secret that a program could have, and a value in a body has no seat.
pub(super) fn of(kind: &FileKind) -> Vec<Seat> {
    let model = &*kind.0.model;
    let Some(table) = &model.request else { return Vec::new() };
    let holds = |template: &Template| holds_secret(model, template);
    let mut seats = Vec::new();
    for (name, template) in table.headers.iter().filter(|(_, template)| holds(template)) {
        match template.basic_pair().filter(|_| name.eq_ignore_ascii_case("authorization")) {
            Some((user, password)) => basic(&mut seats, holds(&user), holds(&password)),
            None => {
                let (before, after) = template.around();
                seats.push(Seat::header_between(name.to_owned(), before.to_owned(), after.to_owned()));
            }
        }
    }
    if bears(model.mechanism, table) && model.mechanism != Some(Mechanism::SignedJwt) {
        seats.push(Seat::bearer());
    }
    if let Some(pair) = &table.basic {
        basic(&mut seats, holds(&pair.user), holds(&pair.password));
    }
    seats.extend(
        table.query.iter().filter(|(_, template)| holds(template)).map(|(name, _)| Seat::query(name.to_owned())),
    );
    seats.extend(path(table, holds));
    if model.sigv4.is_some() {
        seats.push(Seat::SigV4KeyId);
        if model.fields.iter().any(|field| field.name.as_deref() == Some(SESSION_TOKEN)) {
            seats.push(Seat::header("x-amz-security-token"));
        }
    }
    seats
}

fn basic(seats: &mut Vec<Seat>, user: bool, password: bool) {
    seats.extend(user.then_some(Seat::BasicUser));
    seats.extend(password.then_some(Seat::BasicPassword));
}

fn path(table: &RequestModel, holds: impl Fn(&Template) -> bool) -> Option<Seat> {
    let template = table.path.as_ref().filter(|template| holds(template))?;
    let (before, after) = template.around();
    // The path is put together from its segments, so that a slash at its end is not sent.
    Some(Seat::path_prefix(before.to_owned(), after.trim_end_matches('/').to_owned()))
}

/// Returns `true` if the template has a secret that a person entered, or a token of the provider.
fn holds_secret(model: &KindModel, template: &Template) -> bool {
    template.variables().any(|variable| match variable.scope {
        Scope::Secret => true,
        Scope::Token => model.mechanism != Some(Mechanism::SignedJwt),
        Scope::Client | Scope::Config | Scope::Flow | Scope::Signed | Scope::Step => false,
    })
}
