//! Decodes an answer that came compressed although nothing asked for that (RFC 9110, section 8.4).
//!
//! Requests whose answers this crate reads ask for `identity`. Some servers and the networks in front of them compress
//! all the same, and an answer with a new token in it must not be lost for that.

use std::io::{self, BufRead, Read};

use connection_contract::{HttpError, Secret};
use flate2::bufread::{DeflateDecoder, GzDecoder, ZlibDecoder};
use reqwest::header::{ACCEPT_ENCODING, HeaderMap, HeaderValue};

use crate::secret_buffer::SecretBuffer;

/// The header of an answer that names its codings.
pub(super) const CONTENT_ENCODING: &str = "content-encoding";
/// The maximum number of codings of one answer. Nobody needs more than one.
const MAX_CODINGS: usize = 4;
/// The first bytes of gzip (RFC 1952, section 2.3.1).
pub(super) const GZIP: &[u8] = b"\x1f\x8b";
/// The size of the pieces in which an answer is decoded.
const PIECE: usize = 16 * 1024;

/// The reason why a body was not decoded.
enum Undecoded {
    /// The body is damaged, or in a coding that is not known here.
    Unreadable,
    /// The body would be larger than the limit.
    TooLarge,
}

/// Asks for an answer without a content coding, unless the request asks for something else.
pub(super) fn ask_for_identity(headers: &mut HeaderMap) {
    headers.entry(ACCEPT_ENCODING).or_insert(HeaderValue::from_static("identity"));
}

/// Decodes a body and removes the headers about its coding. A body in an unknown coding, or one that cannot be decoded,
/// stays as it came, with its headers, so that no answer is lost; `HttpResponse::json` refuses to read it.
///
/// # Errors
///
/// [`HttpError::TooLarge`] if the decoded body has more than `limit` bytes. No more than that is decoded.
pub(super) fn decoded(headers: &mut Vec<(String, String)>, body: Secret, limit: usize) -> Result<Secret, HttpError> {
    Ok(plain(headers, &body, limit)?.unwrap_or(body))
}

/// Decodes a body as [`decoded`] does. One that would be too large stays as it came, too, because the request has spent a
/// secret, and what it was spent for may be in the answer.
pub(super) fn decoded_or_kept(headers: &mut Vec<(String, String)>, body: Secret, limit: usize) -> Secret {
    plain(headers, &body, limit).ok().flatten().unwrap_or(body)
}

/// Returns the decoded body; `None` for one that stays as it came.
fn plain(headers: &mut Vec<(String, String)>, body: &Secret, limit: usize) -> Result<Option<Secret>, HttpError> {
    let is_coding = |name: &str| name.eq_ignore_ascii_case(CONTENT_ENCODING);
    let listed = headers.iter().filter(|(name, _)| is_coding(name)).flat_map(|(_, value)| value.split(','));
    let codings: Vec<_> = listed.map(|coding| coding.trim().to_ascii_lowercase()).collect();
    let applied = codings.iter().filter(|coding| !coding.is_empty() && *coding != "identity");
    if codings.is_empty() || applied.clone().count() > MAX_CODINGS {
        return Ok(None);
    }
    let mut plain = None;
    if !body.is_empty() {
        // The codings are listed in the order in which they were applied.
        for coding in applied.rev() {
            match decode(coding, plain.as_ref().unwrap_or(body).expose(), limit) {
                Ok(found) => plain = Some(found),
                Err(Undecoded::TooLarge) => return Err(HttpError::TooLarge),
                Err(Undecoded::Unreadable) => return Ok(None),
            }
        }
    }
    headers.retain(|(name, _)| !is_coding(name) && !name.eq_ignore_ascii_case("content-length"));
    Ok(plain)
}

fn decode(coding: &str, body: &[u8], limit: usize) -> Result<Secret, Undecoded> {
    match coding {
        "gzip" | "x-gzip" => gunzip(body, limit),
        "deflate" => inflate(body, limit),
        _ => Err(Undecoded::Unreadable),
    }
}

/// Decodes gzip, of which a body may have several members (RFC 1952, section 2.2). Bytes after the last one are ignored.
///
/// A body that is not gzip is the plain text of a server that only says that it compressed it.
fn gunzip(mut body: &[u8], limit: usize) -> Result<Secret, Undecoded> {
    let mut plain = SecretBuffer::new(limit, None);
    if !body.starts_with(GZIP) {
        return push(&mut plain, body).map(|()| plain.into_secret());
    }
    while body.starts_with(GZIP) {
        let mut member = GzDecoder::new(body);
        read(&mut member, &mut plain)?;
        body = member.into_inner();
    }
    Ok(plain.into_secret())
}

/// Decodes `deflate`, which is the format of zlib (RFC 9110, section 8.4.1.2). Some servers send it without its frame.
fn inflate(body: &[u8], limit: usize) -> Result<Secret, Undecoded> {
    let attempt = |source: &mut dyn Read| {
        let mut plain = SecretBuffer::new(limit, None);
        read(source, &mut plain).map(|()| plain.into_secret())
    };
    match attempt(&mut ZlibDecoder::new(body)) {
        Err(Undecoded::Unreadable) => attempt(&mut Whole(DeflateDecoder::new(body))),
        decoded => decoded,
    }
}

/// A source without a frame, which is read only if it ends where the body ends. Any bytes could begin one.
struct Whole<R>(DeflateDecoder<R>);

impl<R: BufRead> Read for Whole<R> {
    fn read(&mut self, piece: &mut [u8]) -> io::Result<usize> {
        let read = self.0.read(piece)?;
        match read == 0 && !self.0.get_mut().fill_buf()?.is_empty() {
            true => Err(io::ErrorKind::InvalidData.into()),
            false => Ok(read),
        }
    }
}

fn read(source: &mut dyn Read, plain: &mut SecretBuffer) -> Result<(), Undecoded> {
    let mut piece = vec![0; PIECE];
    let ended = loop {
        match source.read(&mut piece) {
            Ok(0) => break Ok(()),
            Ok(length) => {
                if let Err(error) = push(plain, piece.get(..length).unwrap_or_default()) {
                    break Err(error);
                }
            }
            Err(_) => break Err(Undecoded::Unreadable),
        }
    };
    // The piece is wiped, because it may hold a token.
    drop(Secret::new(piece));
    ended
}

fn push(plain: &mut SecretBuffer, piece: &[u8]) -> Result<(), Undecoded> {
    plain.push(piece).map_err(|_| Undecoded::TooLarge)
}
