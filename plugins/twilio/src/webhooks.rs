//! Webhooks of Twilio, as [documented](https://www.twilio.com/docs/usage/webhooks/webhooks-security).
//!
//! Twilio signs with HMAC-SHA-1 under the account's auth token. The signature covers the address and the fields of a
//! form. Any other body is covered by its hash in the address.
//!
//! Any sender who knows the address can post a form, so the work before the signature is verified is bounded: the pairs
//! of a form are counted before they are decoded, and sorting them and removing duplicates takes O(n log n)
//! comparisons.

use alloc::collections::BTreeSet;

use connection_contract::prelude::*;

use crate::{Login, Proof, Twilio};

const SIGNATURE: &str = "x-twilio-signature";
const FORM: &str = "application/x-www-form-urlencoded";
const BODY_HASH: &str = "bodySHA256";
/// Maximum number of pairs in a form. Twilio's own forms have fewer than a hundred.
const MAX_PAIRS: usize = 1_000;

impl Webhooks<Login> for Twilio {
    fn signing_key(&self) -> SigningKey {
        SigningKey::Credential
    }

    fn receive(
        &self,
        login: &Login,
        _: &[Secret],
        delivery: &Delivery,
        ctx: &Context<'_>,
    ) -> Result<WebhookEvent, NotAuthentic> {
        let token = auth_token(login)?;
        let came = delivery.header(SIGNATURE).ok_or(NotAuthentic::Signature)?;
        let (pairs, name) = covered(delivery, ctx).ok_or(NotAuthentic::Signature)?;
        // Twilio signs the address with or without a port, whichever form the address has.
        let addresses = [without_port(delivery.url()), with_port(delivery.url())];
        for sorted in [true, false] {
            let pairs = written(&pairs, sorted);
            for address in addresses.iter().flatten() {
                if ctx.crypto().equal(signature(token, address, &pairs, ctx)?.as_bytes(), came.as_bytes()) {
                    // The event is the same for both forms of the address.
                    let address = addresses[0].as_deref().unwrap_or_default();
                    return Ok(WebhookEvent::new(name, format!("{address}{pairs}")));
                }
            }
        }
        Err(NotAuthentic::Signature)
    }

    fn sign(&self, login: &Login, _: Option<&Secret>, url: &str, ctx: &Context<'_>) -> Result<Delivery, NotAuthentic> {
        let body = format!("ConnectionsTest={}", encode::hex(&ctx.random::<16>()));
        let pairs = written(&encode::from_form(&body), true);
        let headers = vec![
            ("content-type".to_owned(), FORM.to_owned()),
            (SIGNATURE.to_owned(), signature(auth_token(login)?, url, &pairs, ctx)?),
        ];
        Ok(Delivery::new("POST", url, headers, body, ctx.now()))
    }
}

fn auth_token(login: &Login) -> Result<&Secret, NotAuthentic> {
    match &login.proof {
        Proof::AuthToken(token) => Ok(token),
        Proof::ApiKey(..) => Err(NotAuthentic::no_key(
            "Twilio signs with the account's auth token, and this connection has an API key: authorize it with the token",
        )),
    }
}

/// Returns the pairs that the signature covers, and a name for the event. Returns `None` if the signature does not
/// cover the body.
fn covered(delivery: &Delivery, ctx: &Context<'_>) -> Option<(Vec<(String, String)>, String)> {
    let (_, query) = delivery.url().split_once('?').unwrap_or_default();
    let body = delivery.body().expose();
    if let Some((_, hash)) = encode::from_form(query).into_iter().find(|(name, _)| name == BODY_HASH) {
        let is_it = ctx.crypto().equal(encode::hex(&ctx.crypto().sha256(body)).as_bytes(), hash.as_bytes());
        return is_it.then(|| (Vec::new(), "json".to_owned()));
    }
    let content_type = delivery.header("content-type").unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case(FORM) && !body.is_empty() {
        return None;
    }
    let text = core::str::from_utf8(body).ok()?;
    let count = text.split('&').filter(|part| !part.is_empty()).take(MAX_PAIRS + 1).count();
    if count > MAX_PAIRS {
        return None;
    }
    let pairs = encode::from_form(text);
    // The signature does not cover a pair that cannot be decoded.
    if pairs.len() != count {
        return None;
    }
    Some((pairs, "form".to_owned()))
}

/// Joins names and values without separators, sorted by name.
///
/// Twilio's libraries either sort the values of one name as well (`sorted`), or keep the order in which they arrived. A
/// repeated pair is written once.
fn written(pairs: &[(String, String)], sorted: bool) -> String {
    let mut pairs: Vec<_> = pairs.iter().collect();
    match sorted {
        true => pairs.sort(),
        false => pairs.sort_by(|(a, _), (b, _)| a.cmp(b)),
    }
    let mut text = String::new();
    let mut seen = BTreeSet::new();
    for (name, value) in pairs {
        if seen.insert((name, value)) {
            text.push_str(name);
            text.push_str(value);
        }
    }
    text
}

fn signature(token: &Secret, address: &str, pairs: &str, ctx: &Context<'_>) -> Result<String, NotAuthentic> {
    let code = ctx.crypto().hmac_sha1(token, format!("{address}{pairs}").as_bytes());
    let code = code.ok_or_else(|| NotAuthentic::no_key("this host has no HMAC-SHA-1"))?;
    Ok(encode::base64(&code))
}

/// Splits an address into the part before the port, the port, and the path.
fn parts(url: &str) -> Option<(&str, Option<&str>, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    // User info and an IPv6 address in brackets may contain colons, so the search for the port starts after them.
    let host = authority.rfind(['@', ']']).map_or(0, |at| at + 1);
    let port = authority.get(host..)?.find(':').map(|at| host + at);
    let host = url.get(..scheme.len() + 3 + port.unwrap_or(authority.len()))?;
    Some((host, port.and_then(|at| authority.get(at + 1..)), path))
}

fn without_port(url: &str) -> Option<String> {
    let (host, _, path) = parts(url)?;
    Some(format!("{host}{path}"))
}

fn with_port(url: &str) -> Option<String> {
    let (host, port, path) = parts(url)?;
    let usual = if url.starts_with("https:") { "443" } else { "80" };
    Some(format!("{host}:{}{path}", port.unwrap_or(usual)))
}
