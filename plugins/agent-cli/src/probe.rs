//! Reads what a directory says of its login: the contract's data, by the contract's rules.
//!
//! What is made of a file is whether there is a login, and whose. That alone leaves the place where the file is read, which
//! in a host with a cache is the host's: so a setup records no login of a tool.

use connection_contract::prelude::*;

use crate::spec::Tool;

/// A longer file is left alone; JSON of more than a mebibyte is not parsed anyway.
const LONGEST_FILE: usize = 1 << 20;
/// What is kept of a login.
const YES: &str = "yes";
/// The plan of an account that nobody pays for.
const FREE: &str = "free";

/// What is in a directory.
#[derive(Debug, Default)]
pub(crate) struct Probed {
    /// Whether the tool has been in it.
    pub(crate) exists: bool,
    /// Whether a login is in it; `None` when nothing says.
    pub(crate) authenticated: Option<bool>,
    /// Whether a file that may tell of a login, or of whom, is there and cannot be judged.
    pub(crate) is_doubtful: bool,
    /// Whose it is: an id that stays, or the name.
    pub(crate) account: Option<Identity>,
    /// Whether it says that the account has a subscription.
    pub(crate) is_subscription: bool,
}

/// Looks into a directory. A file in it that cannot be read, as one that is a link to elsewhere, says nothing.
///
/// # Errors
///
/// The directory itself cannot be read. One that is not there is no error.
pub(crate) async fn directory(
    tool: &Tool,
    root: &Root,
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
    let (logins, names, ids) = (spec.logins.len(), spec.accounts.len(), tool.account_ids());
    let people = tool.people();
    let (before_people, before_plans) = (ids.len(), people.len());
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

/// What each value is: nothing for a file that is not there or cannot be judged, empty where the file does not have it. The
/// first are logins, of which only is said that they are there; and whether a file is there and was not judged.
async fn all(
    values: &[ProbeValue],
    logins: usize,
    root: &Root,
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
                cache.cached(root, file, version(values), LONGEST_FILE, compute).await
            }
            None => {
                let content = files.read(root, file, LONGEST_FILE).await;
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

/// A list with a text for each value of that file, and `null` for those of others and for a login of which the file does not
/// tell; `null` alone for a file that is no JSON, as one that is just being written.
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

/// Whether there is the part of the file in which the value would be: without it, the login may be of another sort.
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

/// What a token claims (RFC 7519, section 3). Nobody looks at its signature: it is a name to show.
fn claims(token: &str) -> Option<Value> {
    let mut parts = token.split('.');
    let (_, claims, _, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next()) else { return None };
    Value::parse(&encode::from_base64url(claims)?).ok()
}

/// Another number for other questions (FNV-1a, 32 bits), so that what was made for an older table is not taken for this one's.
fn version(values: &[ProbeValue]) -> u32 {
    let questions = values.iter().flat_map(|value| [&value.file, &value.pointer].into_iter().chain(&value.claim));
    let bytes = questions.flat_map(|text| text.bytes().chain([0]));
    // The form of what is made, too.
    let bytes = bytes.chain([2]);
    bytes.fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}
