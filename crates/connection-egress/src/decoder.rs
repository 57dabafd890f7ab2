//! Decodes the body of an answer while it arrives, if it has a content coding that nothing asked for (RFC 9110, section
//! 8.4), so that a credential in it is found.

use std::{
    fmt,
    io::{self, Write},
    mem,
};

use connection_contract::HttpError;
use flate2::write::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use crate::coding::{CONTENT_ENCODING, GZIP};

/// The maximum number of bytes that are decoded at once. A thousand times as many may come out.
const PIECE: usize = 4 * 1024;

/// The error for a coding that cannot be decoded here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "it holds nothing")]
pub struct UnknownCoding;

/// A body that is decoded in pieces.
pub struct Decoder {
    is_gzip: bool,
    /// `None` until the bytes have arrived that decide the format.
    format: Option<Box<dyn Format>>,
    /// What arrived and was not decoded yet.
    waiting: Vec<u8>,
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Decoder")
    }
}

impl Decoder {
    /// Returns a decoder for the body of an answer with these headers, and removes those about its coding; `None` for an
    /// answer without a coding.
    ///
    /// # Errors
    ///
    /// [`UnknownCoding`] for any other coding than `gzip` and `deflate`, and for more than one.
    pub fn of(headers: &mut Vec<(String, String)>) -> Result<Option<Self>, UnknownCoding> {
        let is_coding = |name: &str| name.eq_ignore_ascii_case(CONTENT_ENCODING);
        let listed = headers.iter().filter(|(name, _)| is_coding(name)).flat_map(|(_, value)| value.split(','));
        let codings: Vec<_> = listed.map(|coding| coding.trim().to_ascii_lowercase()).collect();
        let mut applied = codings.iter().filter(|coding| !coding.is_empty() && *coding != "identity");
        let is_gzip = match (applied.next().map(String::as_str), applied.next()) {
            (None, _) => return Ok(None),
            (Some("gzip" | "x-gzip"), None) => true,
            (Some("deflate"), None) => false,
            _ => return Err(UnknownCoding),
        };
        headers.retain(|(name, _)| !is_coding(name) && !name.eq_ignore_ascii_case("content-length"));
        Ok(Some(Self { is_gzip, format: None, waiting: Vec::new() }))
    }

    /// Adds bytes that have arrived.
    pub fn feed(&mut self, piece: Vec<u8>) {
        match self.waiting.is_empty() {
            true => self.waiting = piece,
            false => self.waiting.extend(piece),
        }
    }

    /// Returns the next decoded bytes, of which there may be none yet; `None` if more has to arrive first.
    ///
    /// # Errors
    ///
    /// [`HttpError::Protocol`] for a damaged body.
    pub fn decoded(&mut self) -> Result<Option<Vec<u8>>, HttpError> {
        // Two bytes decide the format.
        if self.waiting.is_empty() || self.format.is_none() && self.waiting.len() < GZIP.len() {
            return Ok(None);
        }
        self.decode().map(Some).map_err(|_| HttpError::Protocol)
    }

    /// Returns what is left when the last bytes have arrived and were decoded.
    ///
    /// # Errors
    ///
    /// [`HttpError::Protocol`] for a body that is cut.
    pub fn finish(&mut self) -> Result<Vec<u8>, HttpError> {
        let rest = if self.waiting.is_empty() { Ok(Vec::new()) } else { self.decode() };
        let mut rest = rest.map_err(|_| HttpError::Protocol)?;
        if let Some(mut format) = self.format.take() {
            format.end().map_err(|_| HttpError::Protocol)?;
            rest.append(&mut format.take());
        }
        Ok(rest)
    }

    fn decode(&mut self) -> io::Result<Vec<u8>> {
        let format = self.format.get_or_insert_with(|| format(self.is_gzip, &self.waiting));
        let length = self.waiting.len().min(PIECE);
        let piece: Vec<u8> = self.waiting.drain(..length).collect();
        format.write_all(&piece)?;
        // The decoder keeps what it has decoded in a buffer of its own.
        format.flush()?;
        Ok(format.take())
    }
}

/// Returns the decoder for a body that begins so.
fn format(is_gzip: bool, begin: &[u8]) -> Box<dyn Format> {
    match (is_gzip, begin) {
        (true, begin) if begin.starts_with(GZIP) => Box::new(MultiGzDecoder::new(Vec::new())),
        // The server only says that it compressed its answer.
        (true, _) => Box::new(Vec::new()),
        // The header of zlib (RFC 1950, section 2.2). Some servers send `deflate` without it.
        (false, [method, flags, ..])
            if method & 15 == 8 && u16::from_be_bytes([*method, *flags]).is_multiple_of(31) =>
        {
            Box::new(ZlibDecoder::new(Vec::new()))
        }
        (false, _) => Box::new(DeflateDecoder::new(Vec::new())),
    }
}

/// A format, which is decoded into a buffer.
trait Format: Write + Send + Sync {
    /// Takes what was decoded.
    fn take(&mut self) -> Vec<u8>;

    /// Checks that the body has ended where its format ends.
    fn end(&mut self) -> io::Result<()>;
}

impl Format for Vec<u8> {
    fn take(&mut self) -> Vec<u8> {
        mem::take(self)
    }

    fn end(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Format for MultiGzDecoder<Vec<u8>> {
    fn take(&mut self) -> Vec<u8> {
        mem::take(self.get_mut())
    }

    fn end(&mut self) -> io::Result<()> {
        self.try_finish()
    }
}

impl Format for ZlibDecoder<Vec<u8>> {
    fn take(&mut self) -> Vec<u8> {
        mem::take(self.get_mut())
    }

    fn end(&mut self) -> io::Result<()> {
        self.try_finish()
    }
}

impl Format for DeflateDecoder<Vec<u8>> {
    fn take(&mut self) -> Vec<u8> {
        mem::take(self.get_mut())
    }

    fn end(&mut self) -> io::Result<()> {
        self.try_finish()
    }
}
