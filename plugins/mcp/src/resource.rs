//! The metadata of the protected resource (RFC 9728), in which an MCP server names its authorization servers.

use connection_contract::prelude::*;

use crate::challenge::Challenge;

/// The largest accepted size of metadata, in bytes.
const MAX_DOCUMENT: usize = 256 * 1024;
/// The largest number of authorization servers that a person can choose from.
const MAX_SERVERS: usize = 16;

/// What the resource says about its authorization.
#[derive(Debug)]
pub(crate) struct Resource {
    /// The identifier of the resource, for which tokens are issued (RFC 8707).
    pub(crate) resource: String,
    /// The issuers of its tokens.
    pub(crate) servers: Vec<String>,
    /// The scopes that suffice for the usual requests.
    pub(crate) scopes: Vec<String>,
}

/// Reads the metadata at the address of the challenge, then at both well-known addresses (RFC 9728, section 3.1).
///
/// Returns `None` if there is none.
///
/// # Errors
///
/// The metadata names another resource or no authorization server, or the server cannot be asked now.
pub(crate) async fn find(
    base: &BaseUrl,
    challenge: &Challenge,
    ctx: &SetupContext<'_>,
) -> Result<Option<Resource>, SetupFailure> {
    let mut addresses = Vec::new();
    addresses.extend(challenge.resource_metadata.clone());
    let path = path_of(base);
    if !path.is_empty() {
        addresses.push(format!("{}/.well-known/oauth-protected-resource{path}", base.origin()));
    }
    addresses.push(format!("{}/.well-known/oauth-protected-resource", base.origin()));
    for address in addresses {
        let Some(answer) = document(&address, ctx).await? else { continue };
        if answer.body().expose().len() > MAX_DOCUMENT {
            return Err(refused("the metadata of the server is larger than 256 KiB"));
        }
        let Ok(metadata) = answer.json() else { continue };
        return read(&metadata, base).map(Some);
    }
    Ok(None)
}

/// Returns the document at an address that the server named, or `None` if there is none.
///
/// # Errors
///
/// The address must not be used, or cannot be asked now.
pub(crate) async fn document(address: &str, ctx: &SetupContext<'_>) -> Result<Option<HttpResponse>, SetupFailure> {
    let base = ctx.discovered(address, AddressPurpose::Document).await.map_err(|_| not_allowed(address))?;
    let request = request_to(&base, address).ok_or_else(|| not_allowed(address))?;
    let answer = ctx.send(request.header("accept", "application/json")).await;
    match answer {
        Ok(answer) if (200..300).contains(&answer.status()) => Ok(Some(answer)),
        Ok(answer) if !answer.class().is_temporary() => Ok(None),
        Err(HttpError::Denied) => Err(not_allowed(address)),
        other => {
            classify(other)?;
            Ok(None)
        }
    }
}

/// Returns a `GET` request to an address at this origin.
pub(crate) fn request_to(base: &BaseUrl, address: &str) -> Option<HttpRequest> {
    let rest = address.split_once("://").map_or("", |(_, rest)| rest);
    let rest = rest.find(['/', '?']).and_then(|at| rest.get(at..)).unwrap_or_default();
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let request = HttpRequest::get(base, &encode::from_percent(path)?);
    Some(encode::from_form(query).iter().fold(request, |request, (name, value)| request.query(name, value)))
}

fn read(metadata: &Value, base: &BaseUrl) -> Result<Resource, SetupFailure> {
    let resource = metadata["resource"].as_str().unwrap_or_default();
    if !is_parent(resource, base) {
        return Err(refused("the metadata of the server is about another resource"));
    }
    let texts = |name: &str| {
        let items = metadata[name].items().iter().filter_map(Value::as_str);
        items.map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    let servers = texts("authorization_servers");
    if servers.is_empty() || servers.len() > MAX_SERVERS {
        return Err(refused("the metadata of the server names no authorization server, or too many"));
    }
    Ok(Resource { resource: resource.to_owned(), servers, scopes: texts("scopes_supported") })
}

/// Returns `true` if a resource is the address or a parent of it: the same origin, and whole segments of the path.
fn is_parent(resource: &str, base: &BaseUrl) -> bool {
    let origin = base.origin().as_str();
    // The scheme and the host are compared in lower case, as the address has them.
    let Some((scheme, rest)) = resource.split_once("://") else { return false };
    let (host, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let (given, place) = (format!("{scheme}://{host}").to_ascii_lowercase(), path.trim_end_matches('/'));
    let default = if given.starts_with("https://") { ":443" } else { ":80" };
    let is_origin = given.strip_suffix(default).unwrap_or(&given) == origin;
    let own = path_of(base);
    let rest = own.strip_prefix(place);
    is_origin && !path.contains(['?', '#']) && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Returns the path of an address without a slash at its end.
pub(crate) fn path_of(base: &BaseUrl) -> String {
    let text = base.to_string();
    text.strip_prefix(base.origin().as_str()).unwrap_or_default().trim_end_matches('/').to_owned()
}

pub(crate) fn not_allowed(address: &str) -> SetupFailure {
    let host = address.split_once("://").map_or("", |(_, rest)| rest).split(['/', '?', '#']).next();
    let host = host.and_then(|host| host.rsplit('@').next()).filter(|host| !host.is_empty());
    let what = match (host, address.split_once(':')) {
        (Some(host), _) => host,
        (None, Some((scheme, _))) => scheme,
        (None, None) => address,
    };
    let message = format!("the server names an address that this host does not reach: {what}");
    SetupFailure::new("mcp_address", message)
        .remedy("connect only to servers whose addresses are public and encrypted, or in the network of the address that you enter")
}

fn refused(message: &'static str) -> SetupFailure {
    SetupFailure::new("mcp_resource", message).remedy("check the address, or report this to the server's operator")
}
