//! Words that must not be shown, in any spelling, and the text without them.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::{Arc, PoisonError, RwLock};

/// What stands where a secret was.
pub const REDACTED: &str = "[redacted]";
/// A secret of fewer bytes is cut as it is written: its encodings would be in every other word.
const ENCODED_LENGTH: usize = 4;
/// Parts of an address that are at least so long may be keys.
const KEY_LENGTH: usize = 8;
const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The secrets of this process. Clones share them; none is ever shown, not even by `Debug`.
#[derive(Clone, Default)]
pub struct Secrets(Arc<RwLock<Vec<Vec<u8>>>>);

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets")
    }
}

impl Secrets {
    /// Adds `secret` as it is, as hex, as base64, percent-encoded, escaped and as a list of bytes; one that is
    /// hex itself also by the bytes that it stands for. An empty one is none.
    pub fn register(&self, secret: String) {
        if secret.is_empty() {
            return;
        }
        let mut spellings = spellings_of_text(&secret);
        let digits = secret.strip_prefix("0x").unwrap_or(&secret);
        if let Some(bytes) = unhex(digits) {
            spellings.push(digits.to_owned());
            spellings.extend(spellings_of_bytes(&bytes));
        }
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for spelling in spellings.into_iter().map(|text| text.to_ascii_lowercase().into_bytes()) {
            if !spelling.is_empty() && !known.contains(&spelling) {
                known.push(spelling);
            }
        }
        // The longest first, so that no end of one stays behind.
        known.sort_by_key(|spelling| std::cmp::Reverse(spelling.len()));
    }

    /// Adds what of a node's address may be a key: all of it, user and password, and every long part of path
    /// and query. Host and port stay readable.
    pub fn register_address(&self, address: &str) {
        let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
        let (authority, path) = match rest.find(['/', '?', '#']) {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        if let Some((user, _)) = authority.rsplit_once('@') {
            self.register(user.to_owned());
            for part in user.split(':').filter(|part| !part.is_empty()) {
                self.register(part.to_owned());
            }
        }
        for part in path.split(['/', '?', '#', '&', '=']).filter(|part| part.len() >= KEY_LENGTH) {
            self.register(part.to_owned());
        }
    }

    /// Returns `text` without them.
    #[must_use]
    pub fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.cut(text.as_bytes()) {
            Some(cut) => Cow::Owned(String::from_utf8_lossy(&cut).into_owned()),
            None => Cow::Borrowed(text),
        }
    }

    /// Returns the bytes without them, or `None` where there are none in it. Case says nothing.
    pub(crate) fn cut(&self, text: &[u8]) -> Option<Vec<u8>> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let lower = text.to_ascii_lowercase();
        let mut cut: Option<Vec<u8>> = None;
        let mut at = 0;
        while let Some(rest) = lower.get(at..).filter(|rest| !rest.is_empty()) {
            let found = known.iter().find(|spelling| rest.starts_with(spelling));
            match found {
                Some(spelling) => {
                    let kept = cut.get_or_insert_with(|| text.get(..at).unwrap_or_default().into());
                    kept.extend_from_slice(REDACTED.as_bytes());
                    at = at.saturating_add(spelling.len());
                }
                None => {
                    if let (Some(cut), Some(byte)) = (cut.as_mut(), text.get(at)) {
                        cut.push(*byte);
                    }
                    at = at.saturating_add(1);
                }
            }
        }
        cut
    }
}

/// Every spelling of a text that a log could hold.
fn spellings_of_text(secret: &str) -> Vec<String> {
    let debug = format!("{secret:?}");
    let escaped = |text: &str| {
        let json = serde_json::Value::from(text).to_string();
        json.get(1..json.len().saturating_sub(1)).unwrap_or_default().to_owned()
    };
    let debug = debug.get(1..debug.len().saturating_sub(1)).unwrap_or_default();
    let mut spellings = vec![
        secret.to_owned(),
        percent(secret, false),
        percent(secret, true),
        debug.to_owned(),
        escaped(debug),
        escaped(secret),
    ];
    spellings.extend(spellings_of_bytes(secret.as_bytes()));
    spellings
}

/// Hex, base64 and the list of numbers.
fn spellings_of_bytes(bytes: &[u8]) -> Vec<String> {
    if bytes.len() < ENCODED_LENGTH {
        return Vec::new();
    }
    let list: Vec<String> = bytes.iter().map(u8::to_string).collect();
    let hex = bytes.iter().fold(String::new(), |mut hex, byte| {
        // Writing into a string does not fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    let mut spellings = vec![hex, list.join(", "), list.join(",")];
    for alphabet in [STANDARD, URL_SAFE] {
        // Inside something larger its letters depend on where it begins; those at the ends are shared with
        // the neighbours and stay out. Short ones have too little in between to be told from other words.
        let offsets = if bytes.len() >= KEY_LENGTH { 0..3 } else { 0..1 };
        spellings.extend(offsets.map(|offset| base64(bytes, offset, alphabet)));
        // Alone, its last letter is filled up with zeros.
        let filled = [bytes, &[0]].concat();
        let letters = (bytes.len() * 8).div_ceil(6);
        spellings.push(base64(&filled, 0, alphabet).chars().take(letters).collect());
    }
    spellings
}

/// The base64 letters that `bytes` alone decide when `offset` other bytes come before; without padding.
fn base64(bytes: &[u8], offset: usize, alphabet: &[u8; 64]) -> String {
    let bits: Vec<u8> =
        bytes.iter().flat_map(|b| (0..8).rev().map(move |at| (b >> at) & 1)).collect();
    // Letters begin every six bits of the whole; the first that begins inside.
    let skipped = (6 - (offset * 8) % 6) % 6;
    let letters = bits.get(skipped..).unwrap_or_default().chunks(6);
    let whole = letters.filter(|letter| letter.len() == 6);
    let letter = |bits: &[u8]| {
        let at = bits.iter().fold(0_usize, |value, bit| value * 2 + usize::from(*bit));
        alphabet.get(at).map(|letter| char::from(*letter))
    };
    whole.filter_map(letter).collect()
}

/// Percent-encoding of everything that is not unreserved, or of every byte.
fn percent(text: &str, all: bool) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if !all && (byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)) {
            out.push(char::from(byte));
        } else {
            // Writing into a string does not fail.
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

/// The bytes of hex digits, or `None` where they are too few to be a key, or none.
fn unhex(digits: &str) -> Option<Vec<u8>> {
    if digits.len() < 2 * KEY_LENGTH || !digits.len().is_multiple_of(2) {
        return None;
    }
    let digit =
        |byte: &u8| char::from(*byte).to_digit(16).and_then(|value| u8::try_from(value).ok());
    digits
        .as_bytes()
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => Some(digit(high)? * 16 + digit(low)?),
            _ => None,
        })
        .collect()
}
