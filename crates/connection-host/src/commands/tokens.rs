//! `tokens`: lists, makes and revokes the tokens with which pages and programs reach `serve`.

use connection_api::{NewRole, NewToken, Token};
use connection_contract::Timestamp;

use crate::{
    Error, Exit,
    args::{CreateToken, RevokeTokens, TokensCommand},
    backend::Backend,
    output::{Output, Table, moment, short_id, time},
    program::Program,
};

pub(super) async fn run(mut program: Program, command: Option<TokensCommand>) -> Result<Exit, Error> {
    let backend = program.backend().await?;
    let ended = match command {
        None | Some(TokensCommand::List) => list(&program.output, &*backend).await,
        Some(TokensCommand::Create(arguments)) => create(&program.output, &*backend, arguments).await,
        Some(TokensCommand::Revoke(arguments)) => revoke(&program.output, &*backend, &arguments).await,
    };
    backend.close().await;
    ended.map(|()| Exit::Fine)
}

async fn list(output: &Output, backend: &dyn Backend) -> Result<(), Error> {
    let tokens = backend.tokens().await?;
    if output.json {
        return output.shape(&tokens);
    }
    if tokens.is_empty() {
        output.line("There are no tokens. `connections serve --open` gives one to a page.")?;
        output.note("`connections tokens create NAME` makes one for a program.");
        return Ok(());
    }
    let when = |at: &String| time(Some(at)).map_or_else(String::new, |at| moment(at, output.now));
    let mut table = Table::new(["ID", "NAME", "ROLE", "OWNER", "LAST USED", "ENDS"], 2);
    for token in &tokens {
        let role = match (&token.extension, token.page) {
            (Some(extension), _) => format!("{}: {extension}", token.role),
            (None, true) => format!("{} (page)", token.role),
            (None, false) => token.role.to_string(),
        };
        let ends = match &token.revoked_at {
            Some(at) => format!("revoked {}", when(at)),
            None if is_live(token, output.now) => when(&token.expires_at),
            None => "ended".to_owned(),
        };
        table.row([
            short_id(&token.id).into(),
            token.name.as_str().into(),
            role.into(),
            token.owner.as_deref().unwrap_or("every owner").into(),
            token.last_used_at.as_ref().map_or_else(|| "never".to_owned(), when).into(),
            ends.into(),
        ]);
    }
    output.table(&table)
}

/// Returns `true` for a token that works.
fn is_live(token: &Token, now: Timestamp) -> bool {
    token.revoked_at.is_none() && time(Some(&token.expires_at)).is_some_and(|end| now < end)
}

async fn create(output: &Output, backend: &dyn Backend, arguments: CreateToken) -> Result<(), Error> {
    let role = match &arguments.extension {
        Some(_) => NewRole::Extension,
        None => NewRole::parse(&arguments.role).ok_or_else(|| Error::usage("there is no such role"))?,
    };
    let CreateToken { name, extension, days, every_owner, .. } = arguments;
    let new = NewToken { name, role, owner: None, extension, days: Some(days) };
    let issued = backend.create_token(new, every_owner).await?;
    if output.json {
        return output.shape(&issued);
    }
    output.line(&issued.token)?;
    output.note("Copy the token now: it is shown once. A program sends it as `Authorization: Bearer TOKEN`.");
    output.note(format!("`connections tokens revoke {}` ends it.", short_id(&issued.of.id)));
    Ok(())
}

async fn revoke(output: &Output, backend: &dyn Backend, arguments: &RevokeTokens) -> Result<(), Error> {
    let mut tokens = backend.tokens().await?;
    tokens.retain(|token| is_live(token, output.now));
    let mut chosen: Vec<&Token> = Vec::new();
    if arguments.all || arguments.pages {
        chosen.extend(tokens.iter().filter(|token| arguments.all || token.page));
    }
    for reference in &arguments.tokens {
        let found = select(&tokens, reference)?;
        if chosen.iter().all(|token| token.id != found.id) {
            chosen.push(found);
        }
    }
    // The token of this command itself is needed for the others, and to read their state afterwards.
    let own = backend.own_token().await?;
    chosen.sort_by_key(|token| own.as_ref() == Some(&token.id));
    let (last, others): (Vec<&Token>, Vec<&Token>) = chosen.iter().partition(|token| own.as_ref() == Some(&token.id));
    for token in &others {
        backend.revoke_token(&token.id).await?;
    }
    let mut revoked = Vec::new();
    if output.json && !others.is_empty() {
        let stored = backend.tokens().await?;
        let read = |of: &&Token| stored.iter().find(|token| token.id == of.id).cloned();
        revoked.extend(others.iter().filter_map(read));
    }
    for token in last {
        backend.revoke_token(&token.id).await?;
        revoked.push(Token { revoked_at: Some(output.now.to_rfc3339()), ..token.clone() });
    }
    if output.json {
        return output.shape(&revoked);
    }
    if chosen.is_empty() {
        return output.line("There is no such token, and nothing was revoked.");
    }
    chosen.iter().try_for_each(|token| output.line(format!("Revoked {} ({})", token.name, short_id(&token.id))))
}

/// Returns the only token whose id, whose end of an id or whose name is the reference.
fn select<'t>(tokens: &'t [Token], reference: &str) -> Result<&'t Token, Error> {
    let is_named = |token: &&Token| {
        let id = &token.id;
        token.name == reference || id == reference || (reference.len() >= 4 && id.ends_with(reference))
    };
    let mut found = tokens.iter().filter(is_named);
    match (found.next(), found.next()) {
        (Some(token), None) => Ok(token),
        // Do not repeat the argument, because it may be the token itself.
        (None, _) => Err(Error::new(Exit::NotFound, "token_not_found", "no token has that id or name")
            .remedy("`connections tokens` lists the tokens with their ids; the token itself does not name it")),
        (Some(_), Some(_)) => {
            Err(Error::new(Exit::Usage, "ambiguous", "several tokens have that name or end of an id")
                .remedy("name one by its id, which `connections tokens` shows"))
        }
    }
}
