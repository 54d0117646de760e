//! A bearer token: what stands in it for everyone to read.
//!
//! Rules   a token is handed on as it is; only the broker can say whether it is genuine. One that
//!         does not tell how long it lives is taken to live for five minutes.
//! Errors  the words of a fault never hold the token.
//! Source  RFC 7519 (JSON Web Token): `header.claims.signature`, each base64url; `exp` in seconds.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::unit::{EventTime, Span};

/// How long a token is taken to live that does not say so.
const LIFE: Span = Span::millis(300_000);
/// Whose a token is that names nobody; the broker goes by the token alone.
const NOBODY: &str = "ebb";

/// A bearer token.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// The token itself: a secret.
    pub text: String,
    /// Whose it is, as it says.
    pub subject: String,
    /// Until when it lives.
    pub until: EventTime,
}

impl Token {
    /// The token in the file at `path`.
    ///
    /// # Errors
    ///
    /// The words for why there is none that lives beyond `now`.
    pub fn read(path: &Path, now: EventTime) -> Result<Token, String> {
        let place = path.display();
        let text = fs::read_to_string(path)
            .map_err(|error| format!("cannot read the token: {place}: {error}"))?;
        let token = Token::of(text.trim(), now)
            .ok_or_else(|| format!("{place}: wanted one token, letters of base64 and dots"))?;
        if token.until <= now {
            return Err(format!("{place}: its token has lived until {}", token.until));
        }
        Ok(token)
    }

    /// What `text` says of itself; `None` where no token looks like that.
    fn of(text: &str, now: EventTime) -> Option<Token> {
        // The letters that RFC 6750 allows a bearer token.
        let is_legal = |letter: char| letter.is_ascii_alphanumeric() || "-._~+/=".contains(letter);
        if text.is_empty() || !text.chars().all(is_legal) {
            return None;
        }
        let claims = text.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
        let claims: Value =
            claims.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        // A NumericDate may have a fraction, which is of no use here.
        let seconds = claims["exp"].to_string();
        let seconds = seconds.split('.').next().and_then(|whole| whole.parse::<i64>().ok());
        let until = seconds.map(|whole| EventTime::from_millis(whole.saturating_mul(1_000)));
        let subject = claims["sub"].as_str().unwrap_or(NOBODY).to_owned();
        Some(Token { text: text.to_owned(), subject, until: until.unwrap_or(now.plus(LIFE)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: EventTime = EventTime::from_millis(1_795_248_000_000);

    fn jwt(claims: &str) -> String {
        format!("{}.{}.", URL_SAFE_NO_PAD.encode("{}"), URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn a_token_tells_whose_it_is_and_until_when() {
        let check = |text: &str, subject: &str, until_ms: i64| {
            let found = Token::of(text, NOW).map(|token| (token.subject, token.until.millis()));
            assert_eq!(found, Some((subject.to_owned(), until_ms)), "{text}");
        };
        let later = NOW.plus(LIFE).millis();
        check(&jwt(r#"{"sub":"svc","exp":1795251600}"#), "svc", 1_795_251_600_000);
        check(&jwt(r#"{"exp":1795251600.75}"#), NOBODY, 1_795_251_600_000);
        check(&jwt(r#"{"sub":"svc"}"#), "svc", later);
        check(&jwt("no JSON"), NOBODY, later);
        check("opaque~token/+=", NOBODY, later);
        assert_eq!(Token::of("", NOW).map(|_| ()), None);
        assert_eq!(Token::of("two words", NOW).map(|_| ()), None);
    }

    #[test]
    fn a_token_that_cannot_be_used_is_refused_without_a_word_of_it() {
        let folder = tempfile::tempdir();
        let Ok(folder) = folder else { return assert_eq!(folder.err().map(|_| ()), None) };
        let path = folder.path().join("token");
        let refused = |text: &str| {
            let written = fs::write(&path, text).map_err(|error| error.to_string());
            let words = written.and_then(|()| Token::read(&path, NOW).map(|_| ())).err();
            let words = words.unwrap_or_default();
            assert!(words.contains(&*path.display().to_string()), "{words}");
            assert!(!words.contains("hush"), "{words}");
            words
        };
        assert!(refused("hush hush").contains("wanted one token"));
        let spent = jwt(r#"{"sub":"hush","exp":1795247999}"#);
        assert!(refused(&spent).contains("has lived until 2026-11-21T"));
        let gone = Token::read(&folder.path().join("none"), NOW).map(|_| ());
        assert!(gone.is_err_and(|words| words.starts_with("cannot read the token: ")));
        assert_eq!(fs::write(&path, "fresh\n").map_err(|_| ()), Ok(()));
        let fresh = Token::read(&path, NOW).map(|token| token.text);
        assert_eq!(fresh, Ok("fresh".to_owned()));
    }
}
