//! `tokens`: lists, makes and revokes the tokens with which pages and programs reach `serve`.

use std::time::Duration;

use connection_core::{AccessToken, ConnectionRegistry, IssuedToken, NewAccessToken, Role};
use connection_server::shapes::role_word;
use secrecy::ExposeSecret as _;

use crate::{
    Error, Exit,
    args::{CreateToken, RevokeTokens, TokensCommand},
    cli::Program,
    extensions,
    output::{Output, Table, json, moment, short_id},
};

/// The number of tokens that are read at once.
const PAGE: u32 = 100;

pub(super) async fn run(mut program: Program, command: Option<TokensCommand>) -> Result<Exit, Error> {
    let registry = program.open().await?;
    let ended = match command {
        None | Some(TokensCommand::List) => list(&program.output, &registry).await,
        Some(TokensCommand::Create(arguments)) => create(&program.output, &registry, arguments).await,
        Some(TokensCommand::Revoke(arguments)) => revoke(&program.output, &registry, &arguments).await,
    };
    registry.close().await;
    ended.map(|()| Exit::Fine)
}

/// Returns the tokens that act for the owner of the registry, with those that act for every owner.
async fn all(registry: &ConnectionRegistry) -> Result<Vec<AccessToken>, Error> {
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = registry.access_tokens().list(None, after, PAGE).await?;
        let is_last = page.len() < PAGE as usize;
        after = page.last().map(|token| token.id);
        found.extend(page);
        if is_last {
            break;
        }
    }
    found.retain(|token| token.owner.as_deref().is_none_or(|owner| owner == registry.owner_name()));
    Ok(found)
}

async fn list(output: &Output, registry: &ConnectionRegistry) -> Result<(), Error> {
    let tokens = all(registry).await?;
    if output.json {
        return output.shape(&tokens.iter().map(json::TokenBody::from).collect::<Vec<_>>());
    }
    if tokens.is_empty() {
        output.line("There are no tokens. `connections serve --open` gives one to a page.")?;
        output.note("`connections tokens create NAME` makes one for a program.");
        return Ok(());
    }
    let mut table = Table::new(["ID", "NAME", "ROLE", "OWNER", "LAST USED", "ENDS"], 2);
    for token in &tokens {
        let role = match (&token.extension, token.is_page) {
            (Some(extension), _) => format!("{}: {extension}", role_word(token)),
            (None, true) => format!("{} (page)", role_word(token)),
            (None, false) => role_word(token).to_owned(),
        };
        let ends = match token.revoked_at {
            Some(at) => format!("revoked {}", moment(at, output.now)),
            None if token.is_live(output.now) => moment(token.expires_at, output.now),
            None => "ended".to_owned(),
        };
        table.row([
            short_id(&token.id.to_string()).to_owned().into(),
            token.name.as_str().to_owned().into(),
            role.into(),
            token.owner.clone().unwrap_or_else(|| "every owner".to_owned()).into(),
            token.last_used_at.map_or_else(|| "never".to_owned(), |at| moment(at, output.now)).into(),
            ends.into(),
        ]);
    }
    output.table(&table)
}

async fn create(output: &Output, registry: &ConnectionRegistry, arguments: CreateToken) -> Result<(), Error> {
    let new = match arguments.extension {
        Some(extension) => {
            // The extension must have been added.
            let handle = extensions::handle(registry, &extension).await?;
            NewAccessToken::new(arguments.name, Role::Use).owner(registry.owner_name()).extension(handle.name())
        }
        None => {
            let role = Role::parse(&arguments.role).ok_or_else(|| Error::usage("there is no such role"))?;
            let new = NewAccessToken::new(arguments.name, role);
            if arguments.every_owner { new } else { new.owner(registry.owner_name()) }
        }
    };
    let new = new.lifetime(Duration::from_hours(24 * u64::from(arguments.days)));
    let issued: IssuedToken = registry.access_tokens().create(new).await?;
    if output.json {
        return output.shape(&json::IssuedTokenBody::from(&issued));
    }
    output.line(issued.text.expose_secret())?;
    output.note("Copy the token now: it is shown once. A program sends it as `Authorization: Bearer TOKEN`.");
    output.note(format!("`connections tokens revoke {}` ends it.", short_id(&issued.token.id.to_string())));
    Ok(())
}

async fn revoke(output: &Output, registry: &ConnectionRegistry, arguments: &RevokeTokens) -> Result<(), Error> {
    let mut tokens = all(registry).await?;
    tokens.retain(|token| token.is_live(output.now));
    let chosen: Vec<&AccessToken> = if arguments.all || arguments.pages {
        tokens.iter().filter(|token| arguments.all || token.is_page).collect()
    } else {
        let mut chosen: Vec<&AccessToken> = Vec::new();
        for reference in &arguments.tokens {
            let found = select(&tokens, reference)?;
            if chosen.iter().all(|token| token.id != found.id) {
                chosen.push(found);
            }
        }
        chosen
    };
    for token in &chosen {
        registry.access_tokens().revoke(token.id).await?;
    }
    if output.json {
        let mut now = Vec::new();
        for token in chosen {
            now.extend(registry.access_tokens().get(token.id).await?);
        }
        return output.shape(&now.iter().map(json::TokenBody::from).collect::<Vec<_>>());
    }
    if chosen.is_empty() {
        return output.line("There is no such token, and nothing was revoked.");
    }
    chosen.iter().try_for_each(|token| {
        output.line(format!("Revoked {} ({})", token.name.as_str(), short_id(&token.id.to_string())))
    })
}

/// Returns the only token whose id, whose end of an id or whose name is the reference.
fn select<'t>(tokens: &'t [AccessToken], reference: &str) -> Result<&'t AccessToken, Error> {
    let is_named = |token: &&AccessToken| {
        let id = token.id.to_string();
        token.name.as_str() == reference || id == reference || (reference.len() >= 4 && id.ends_with(reference))
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
