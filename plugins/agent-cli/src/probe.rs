//! Reads the login in a directory, by the rules of the contract's `ProbeSpec`.
//!
//! The result for a file says only whether there is a login, and of which account. Nothing else leaves the function
//! that reads the file, which the host runs if it has a cache. A setup therefore never records a login of a tool.

use connection_contract::prelude::*;

use crate::spec::Tool;

/// Maximum size of a file in bytes. Longer JSON is not parsed anyway.
const MAX_FILE_LENGTH: usize = 1 << 20;
/// The text that replaces a login that was found.
const YES: &str = "yes";
/// Name of the free plan.
const FREE: &str = "free";

/// The findings about a login in the directory of a tool.
#[derive(Debug, Default)]
pub(crate) struct Probed {
    /// `true` if the tool has used the directory.
    pub(crate) exists: bool,
    /// `true` if the directory contains a login; `None` if that is unknown.
    pub(crate) authenticated: Option<bool>,
    /// `true` if a file that may contain a login or an account exists but was not understood.
    pub(crate) is_doubtful: bool,
    /// The account, by its stable id, or by its name if there is no id.
    pub(crate) account: Option<Identity>,
    /// `true` if the directory shows that the account has a subscription.
    pub(crate) is_subscription: bool,
}

/// Reads a directory. A file in it that cannot be read, such as a link to another directory, yields no result.
///
/// # Errors
///
/// The directory itself cannot be read. A directory that does not exist is not an error.
pub(crate) async fn directory(
    tool: &Tool,
    root: &GrantedDirectory,
    files: &dyn FileService,
    cache: Option<&dyn FileCache>,
) -> Result<Probed, ServiceError> {
    match files.stat(root, "").await {
        Ok(stat) if stat.file_type == FileType::Directory => {}
        Ok(_) | Err(ServiceError::NotFound) => return Ok(Probed::default()),
        Err(error) => return Err(error),
    }
    let spec = tool.probe();
    let mut exists = spec.markers.is_empty();
    for marker in &spec.markers {
        exists = exists || files.stat(root, marker).await.is_ok();
    }
    if !exists {
        return Ok(Probed::default());
    }
    let logins = spec.logins.len();
    let names = spec.accounts.len();
    let ids = tool.account_ids();
    let people = tool.people();
    let before_people = ids.len();
    let before_plans = people.len();
    let values = spec.logins.into_iter().chain(spec.accounts).chain(ids).chain(people).chain(tool.plans());
    let values: Vec<_> = values.collect();
    let (said, is_doubtful) = all(&values, logins, root, files, cache).await;
    let (of_logins, rest) = said.split_at_checked(logins).unwrap_or_default();
    let (of_names, rest) = rest.split_at_checked(names).unwrap_or_default();
    let (of_ids, rest) = rest.split_at_checked(before_people).unwrap_or_default();
    let (of_people, of_plans) = rest.split_at_checked(before_plans).unwrap_or_default();
    let authenticated = of_logins.iter().flatten().map(|text| text == YES).reduce(|a, b| a || b);
    let first = |said: &[Option<String>]| said.iter().flatten().find(|text| !text.is_empty()).cloned();
    let name = first(of_names);
    let id = match (first(of_ids), first(of_people)) {
        (Some(account), Some(person)) => Some(format!("{account}:{person}")),
        (account, _) => account,
    };
    let account = id.or_else(|| name.clone()).map(|id| Identity::new(id.clone(), name.unwrap_or(id)));
    let is_subscription = first(of_plans).is_some_and(|plan| plan != FREE);
    Ok(Probed { exists, authenticated, is_doubtful, account, is_subscription })
}

/// Reads all values, and returns their texts and a flag.
///
/// A value is `None` if its file does not exist or was not understood, and empty if the file does not contain it. The
/// first `logins` values are logins: their text says only that they exist. The flag is `true` if a file exists but was
/// not understood.
async fn all(
    values: &[ProbeValue],
    logins: usize,
    root: &GrantedDirectory,
    files: &dyn FileService,
    cache: Option<&dyn FileCache>,
) -> (Vec<Option<String>>, bool) {
    let mut is_doubtful = false;
    let mut said = vec![None; values.len()];
    let mut read: Vec<&str> = Vec::new();
    for value in values {
        let file: &str = &value.file;
        if read.contains(&file) {
            continue;
        }
        read.push(file);
        let made = match cache {
            Some(cache) => {
                let compute = Box::new(|content: &Secret| Ok(Some(made_of(file, content, values, logins))));
                cache.cached(root, file, version(values), MAX_FILE_LENGTH, compute).await
            }
            None => {
                let content = files.read(root, file, MAX_FILE_LENGTH).await;
                content.map(|content| Some(made_of(file, &content, values, logins)))
            }
        };
        let is_there = !matches!(made, Ok(None) | Err(ServiceError::NotFound));
        let made = made.ok().flatten().and_then(|made| Value::parse(made.as_bytes()).ok());
        is_doubtful |= is_there && !matches!(&made, Some(Value::List(_)));
        for (at, text) in made.iter().flat_map(|made| made.items().iter().enumerate()) {
            if let (Some(place), Some(text)) = (said.get_mut(at), text.as_str()) {
                *place = Some(text.to_owned());
            }
        }
    }
    (said, is_doubtful)
}

/// Returns a JSON list with a text for each value of this file.
///
/// An item is `null` for a value of another file, and for a login about which this file says nothing. The result is
/// `null` instead of a list if the file is not JSON, for example because it is just being written.
fn made_of(file: &str, content: &Secret, values: &[ProbeValue], logins: usize) -> String {
    let Ok(json) = Value::parse(content.expose()) else { return Value::Null.to_string() };
    let say = |(at, value): (usize, &ProbeValue)| {
        if value.file != file || (at < logins && !tells(value, &json)) {
            return Value::Null;
        }
        let text = text(value, &json).unwrap_or_default();
        Value::Text(if at < logins && !text.is_empty() { YES.to_owned() } else { text })
    };
    Value::List(values.iter().enumerate().map(say).collect()).to_string()
}

/// Returns `true` if the file contains the part in which the value would be. Without it, the login may be of another
/// type.
fn tells(value: &ProbeValue, json: &Value) -> bool {
    let part = value.pointer.rsplit_once('/').map_or("", |(part, _)| part);
    json.pointer(part).is_some()
}

fn text(value: &ProbeValue, json: &Value) -> Option<String> {
    let found = json.pointer(&value.pointer)?.as_str()?.trim();
    match &value.claim {
        None => Some(found.to_owned()),
        Some(claim) => Some(claims(found)?.pointer(claim)?.as_str()?.trim().to_owned()),
    }
}

/// Returns the claims of a token (RFC 7519, section 3). The signature is not checked, because the claims are only
/// shown.
fn claims(token: &str) -> Option<Value> {
    let mut parts = token.split('.');
    let (_, claims, _, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next()) else { return None };
    Value::parse(&encode::from_base64url(claims)?).ok()
}

/// Returns a number that changes with the values to read (FNV-1a, 32 bits), so that a result that was cached for an
/// older table is not used for this one.
fn version(values: &[ProbeValue]) -> u32 {
    let questions = values.iter().flat_map(|value| [&value.file, &value.pointer].into_iter().chain(&value.claim));
    let bytes = questions.flat_map(|text| text.bytes().chain([0]));
    // The last byte is the version of the format of the results.
    let bytes = bytes.chain([2]);
    bytes.fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}
