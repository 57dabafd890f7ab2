//! Addresses that receive a secret: their host is fixed, or one of those that the file names.
//!
//! A value that a person, a callback or a response chooses must not decide freely where a secret goes. The secret of an
//! application would otherwise go to any host that someone who connects an account names.

use std::net::IpAddr;

use connection_oauth2::is_public_suffix;

use super::{At, Checker};
use crate::kind::{
    model::{ClientName, FieldFormat, FieldModel, FieldSource, KindModel, Mechanism},
    pattern,
    template::{Authority, HostPiece, Scope, Template, Variable, host_name},
};

/// The maximum number of origins that choices may make.
const MAX_ORIGINS: usize = 48;

/// The hosts that an address may have.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Hosts {
    /// Origins, and wildcards such as `https://*.example.com`.
    pub(crate) origins: Vec<String>,
    /// The field whose answer is the whole address, which the person grants.
    pub(crate) granted: Option<String>,
}

const FREE: &str = "decides which host receives the credential; give its field `choices` or `host_suffixes`, end the \
                    host with a fixed domain, or ask for the whole address with format = \"url\"";

/// Returns the hosts of an address.
///
/// # Errors
///
/// The sentence says why a secret must not go there.
pub(crate) fn hosts(model: &KindModel, template: &Template) -> Result<Hosts, String> {
    let Some(Authority { scheme, pieces, has_function }) = template.authority() else {
        return Err("this is not an address; write https://…".to_owned());
    };
    match scheme {
        Some("https") | None => {}
        Some("http") => return Err("http sends credentials in the open; write https".to_owned()),
        Some(_) => return Err("this is not an address; write https://…".to_owned()),
    }
    if has_function {
        return Err("a function cannot be part of a host; write the host itself".to_owned());
    }
    if let Some(variable) = pieces.iter().find_map(|piece| match piece {
        HostPiece::Variable(variable) if variable.scope != Scope::Config => Some(*variable),
        _ => None,
    }) {
        let Variable { scope, name } = variable;
        return Err(format!("`{}.{name}` cannot be part of a host; use a declared field", scope.name()));
    }
    match (scheme, pieces.as_slice()) {
        (Some(_), []) => Err("the address has no host; write https://HOST".to_owned()),
        (Some(_), [HostPiece::Text(host)]) => {
            fixed(host)?;
            Ok(Hosts { origins: vec![format!("https://{host}")], granted: None })
        }
        (None, [HostPiece::Variable(variable)]) => whole(model, variable),
        (None, _) => Err("a variable that is a whole address is followed by a path or by nothing".to_owned()),
        (Some(_), pieces) => composed(model, pieces),
    }
}

/// Checks a host without variables.
pub(crate) fn fixed(host: &str) -> Result<(), String> {
    if host.contains('@') {
        return Err("an address has no user and no password; put them into fields".to_owned());
    }
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let literal = host.trim_start_matches('[').split(']').next().unwrap_or_default();
    if literal.parse::<IpAddr>().or_else(|_| name.parse()).is_ok() || is_number(name) {
        return Err("an address of a file names its host; write the name, or ask a person for a private address with \
                    format = \"url\""
            .to_owned());
    }
    if host_name(name).is_none() {
        return Err("the host is not a name; correct it".to_owned());
    }
    let private = [".home.arpa", ".internal", ".lan", ".local", ".localhost", ".test"];
    let lower = name.to_ascii_lowercase();
    if !lower.contains('.') || private.iter().any(|suffix| lower.ends_with(suffix)) {
        return Err("this host exists only in a private network; ask a person for it with format = \"url\"".to_owned());
    }
    Ok(())
}

/// Returns `true` for a host whose last label is a number, which is an IPv4 address in one of its other forms, such as
/// `0x7f.1` (WHATWG URL Standard, "ends in a number").
fn is_number(name: &str) -> bool {
    let last = name.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    let hexadecimal = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X"));
    !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit())
        || hexadecimal.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// A variable that is the whole address, or the whole origin.
fn whole(model: &KindModel, variable: &Variable) -> Result<Hosts, String> {
    let Some(field) = field(model, variable) else { return Ok(Hosts::default()) };
    let name = &variable.name;
    if !field.choices.is_empty() {
        let mut found = Hosts::default();
        for choice in &field.choices {
            let template = Template::parse(&choice.value).map_err(str::to_owned)?;
            if template.fixed().is_none() {
                return Err(format!("a choice of `{name}` has a variable; write whole addresses"));
            }
            let chosen = hosts(model, &template).map_err(|why| format!("a choice of `{name}`: {why}"))?;
            found.origins.extend(chosen.origins);
        }
        return Ok(found);
    }
    if let Some(suffixes) = bounded(field) {
        return Ok(Hosts { origins: below(&suffixes), granted: None });
    }
    let own = match (model.mechanism, &model.oauth2) {
        (Some(Mechanism::Oauth2), Some(oauth2)) => oauth2.client == ClientName::PerConnection,
        (Some(Mechanism::Oauth2), None) => false,
        _ => true,
    };
    if field.format == FieldFormat::Url && field.source == FieldSource::User {
        if own {
            return Ok(Hosts { origins: Vec::new(), granted: Some(name.clone()) });
        }
        return Err(format!(
            "`{name}` decides which host receives the application's secret; write client = \"per_connection\", or give \
             the field `host_suffixes`"
        ));
    }
    Err(format!("`{name}` {FREE}"))
}

/// Returns the hosts of an address whose host contains variables.
fn composed(model: &KindModel, pieces: &[HostPiece<'_>]) -> Result<Hosts, String> {
    if let [HostPiece::Variable(variable), HostPiece::Text(rest)] = pieces
        && let Some(domain) = rest.strip_prefix('.')
        && field(model, variable).is_none_or(|field| field.choices.is_empty())
    {
        if is_public(domain) {
            return Err("anyone can register a name below this domain; name the domain of the provider".to_owned());
        }
        fixed(domain)?;
        return Ok(Hosts { origins: vec![format!("https://*.{}", domain.to_ascii_lowercase())], granted: None });
    }
    if let [HostPiece::Variable(variable)] = pieces
        && let Some(field) = field(model, variable)
        && field.choices.is_empty()
        && let Some(suffixes) = bounded(field)
    {
        return Ok(Hosts { origins: below(&suffixes), granted: None });
    }
    if let Some(domains) = below_free_label(model, pieces) {
        let domains = domains?.origins;
        let names: Vec<&str> = domains.iter().filter_map(|origin| origin.strip_prefix("https://")).collect();
        if names.iter().any(|name| name.starts_with("*.") || is_public(name)) {
            return Err("a host has one free label, before a domain of the provider; fix the rest of it".to_owned());
        }
        return Ok(Hosts { origins: names.iter().map(|name| format!("https://*.{name}")).collect(), granted: None });
    }
    let mut made = vec![String::new()];
    for piece in pieces {
        let alternatives: Vec<String> = match piece {
            HostPiece::Text(text) => vec![(*text).to_owned()],
            HostPiece::Variable(variable) => {
                let Some(field) = field(model, variable) else { return Ok(Hosts::default()) };
                let chosen: Vec<String> = match (field.choices.is_empty(), bounded(field)) {
                    (false, _) => field.choices.iter().map(|choice| choice.value.clone()).collect(),
                    (true, Some(suffixes)) => suffixes.iter().map(|s| s.trim_start_matches('.').to_owned()).collect(),
                    (true, None) => return Err(format!("`{}` {FREE}", variable.name)),
                };
                chosen
            }
        };
        made = made.iter().flat_map(|start| alternatives.iter().map(move |end| format!("{start}{end}"))).collect();
        if made.len() > MAX_ORIGINS {
            return Err("the choices make more than 48 hosts; use fewer".to_owned());
        }
    }
    for host in &made {
        fixed(host)?;
    }
    Ok(Hosts { origins: made.into_iter().map(|host| format!("https://{host}")).collect(), granted: None })
}

/// Returns the hosts that follow a first label that anyone may choose, as in `${config.service}.${config.region}.acme.com`.
fn below_free_label(model: &KindModel, pieces: &[HostPiece<'_>]) -> Option<Result<Hosts, String>> {
    let [HostPiece::Variable(variable), HostPiece::Text(rest), below @ ..] = pieces else { return None };
    let rest = rest.strip_prefix('.')?;
    let is_free = field(model, variable)?.choices.is_empty();
    let text = (!rest.is_empty()).then_some(HostPiece::Text(rest));
    let below: Vec<HostPiece<'_>> = text.into_iter().chain(below.iter().copied()).collect();
    is_free.then(|| composed(model, &below))
}

/// Returns the suffixes that a value must have: those of the file, or those in which its pattern ends.
fn bounded(field: &FieldModel) -> Option<Vec<String>> {
    if !field.host_suffixes.is_empty() {
        return Some(field.host_suffixes.clone());
    }
    let suffixes = pattern::fixed_suffixes(field.pattern.as_deref()?)?;
    let domains: Option<Vec<String>> = suffixes.iter().map(|suffix| domain_of(suffix)).collect();
    domains.filter(|domains| !domains.is_empty() && domains.iter().all(|d| !is_public(d.trim_start_matches('.'))))
}

/// Returns the part of a fixed end from its first dot on, if it is a domain.
fn domain_of(end: &str) -> Option<String> {
    let at = end.find('.')?;
    let domain = end.get(at..)?.trim_end_matches('/');
    host_name(domain.strip_prefix('.')?).map(|_| domain.to_owned())
}

fn below(suffixes: &[String]) -> Vec<String> {
    let domains = suffixes.iter().map(|suffix| suffix.trim_start_matches('.'));
    domains.flat_map(|domain| [format!("https://*.{domain}"), format!("https://{domain}")]).collect()
}

fn field<'m>(model: &'m KindModel, variable: &Variable) -> Option<&'m FieldModel> {
    model.fields.iter().find(|field| field.name.as_deref() == Some(variable.name.as_str()))
}

/// The domains below which strangers publish pages, one a line, with the reasons.
const SHARED: &str = include_str!("shared_suffixes.txt");

/// Returns `true` if anyone can register a name below `domain`, as below `com`, `co.uk` or `*.kawasaki.jp`, or publish
/// pages below it.
///
/// Another suffix that a provider has registered for its customers, such as `myshopify.com`, belongs to that provider.
pub(super) fn is_public(domain: &str) -> bool {
    is_public_suffix(domain) || is_shared(&domain.split(':').next().unwrap_or_default().to_ascii_lowercase())
}

/// Returns `true` for a domain of the list.
fn is_shared(domain: &str) -> bool {
    let is_it = |line: &str| {
        let mut labels = domain.split('.');
        line.split('.').all(|label| labels.next().is_some_and(|own| label == "*" || label == own))
            && labels.next().is_none()
    };
    SHARED.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).any(is_it)
}

impl Checker<'_> {
    /// Checks the host of an address that receives a secret.
    pub(super) fn host(&mut self, at: At<'_>, template: &Template) {
        if let Err(sentence) = hosts(self.model, template) {
            // A sentence that begins with the name of a variable is about its field.
            match sentence.starts_with('`') {
                true => self.report_variable(at, sentence),
                false => self.report(at, sentence),
            }
        }
    }
}
