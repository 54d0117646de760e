//! Who may come in.
//!
//! Rules   one user and one password, the same at every door. A wrong one is answered late, so
//!         that a thousand of them take their time, and the right one is not kept waiting by
//!         them. It is told to the log once in a while with a count, not every time. Passwords
//!         are compared in a time that does not tell where they differ.

use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tracing::warn;

use crate::query::doors::Shut;

/// How late a wrong password is answered.
const LATE: Duration = Duration::from_millis(250);
/// How often wrong passwords are told to the log.
const TELL_EVERY: Duration = Duration::from_secs(10);
/// The bytes of a token.
const TOKEN_BYTES: usize = 32;

/// Who may come in.
pub(super) struct Access {
    user: String,
    password: Option<String>,
    /// What stands for the password once it was right; another one after every start.
    token: String,
    wrong: Mutex<Wrong>,
}

/// Wrong passwords since they were last told of.
#[derive(Default)]
struct Wrong {
    count: u64,
    told_at: Option<Instant>,
}

impl Access {
    /// Lets in whoever is called `user` and knows `password`, or everyone where there is none.
    pub(super) fn new(user: &str, password: Option<&str>) -> Result<Access, Shut> {
        let (user, password) = (user.to_owned(), password.map(str::to_owned));
        let mut token = String::new();
        for byte in random::<TOKEN_BYTES>()? {
            // Writing to a text cannot fail.
            write!(token, "{byte:02x}").unwrap_or_default();
        }
        Ok(Access { user, password, token, wrong: Mutex::default() })
    }

    /// The user that is let in.
    pub(super) fn user(&self) -> &str {
        &self.user
    }

    /// The password, where one is asked for.
    pub(super) fn password(&self) -> Option<&str> {
        self.password.as_deref()
    }

    /// What stands for the password from now on.
    pub(super) fn token(&self) -> &str {
        &self.token
    }

    /// Whether `user` with `password` is let in.
    pub(super) fn admits(&self, user: &str, password: &str) -> bool {
        match &self.password {
            None => true,
            Some(wanted) => same(user, &self.user) & same(password, wanted),
        }
    }

    /// Whether a header `Authorization`, if there is one, lets in: `Basic` with user and
    /// password, or `Bearer` with a token or the password.
    pub(super) fn admits_header(&self, header: Option<&str>) -> bool {
        let Some(wanted) = &self.password else { return true };
        let Some((scheme, value)) = header.and_then(|header| header.split_once(' ')) else {
            return false;
        };
        let value = value.trim();
        if scheme.eq_ignore_ascii_case("bearer") {
            return same(value, &self.token) | same(value, wanted);
        }
        scheme.eq_ignore_ascii_case("basic")
            && basic(value).is_some_and(|(user, password)| self.admits(&user, &password))
    }

    /// Takes its time over a wrong password of `who` at `door`, and tells of it now and then.
    pub(super) async fn wrong(&self, door: &str, who: SocketAddr) {
        {
            let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
            wrong.count += 1;
            if wrong.told_at.is_none_or(|told| TELL_EVERY <= told.elapsed()) {
                let (count, from) = (wrong.count, who.ip());
                warn!(count, door, %from, "wrong passwords");
                *wrong = Wrong { count: 0, told_at: Some(Instant::now()) };
            }
        }
        tokio::time::sleep(LATE).await;
    }
}

/// User and password out of the value of `Basic`.
pub(super) fn basic(value: &str) -> Option<(String, String)> {
    // Drivers written in Go leave out the marks at its end.
    let bytes = STANDARD_NO_PAD.decode(value.trim_end_matches('=')).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (user, password) = text.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

/// `N` bytes that nobody can foresee.
pub(super) fn random<const N: usize>() -> Result<[u8; N], Shut> {
    let mut bytes = [0; N];
    let filled = default_provider().secure_random.fill(&mut bytes);
    filled.map_err(|_| Shut::System("cannot start: the system gives no randomness".to_owned()))?;
    Ok(bytes)
}

/// Whether two texts are the same, in a time that only tells how long they are.
fn same(found: &str, wanted: &str) -> bool {
    let (found, wanted) = (found.as_bytes(), wanted.as_bytes());
    let differ = found.iter().zip(wanted).fold(0, |differ, (a, b)| differ | (a ^ b));
    (found.len() == wanted.len()) & (std::hint::black_box(differ) == 0)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at its first surprise")]

    use super::*;

    #[test]
    fn only_the_right_words_let_in() {
        let access = Access::new("ebb", Some("hush")).unwrap();
        assert!(access.admits("ebb", "hush"));
        for (user, password) in [("ebb", "hus"), ("ebb", "hush "), ("eb", "hush"), ("", "")] {
            assert!(!access.admits(user, password), "{user} {password}");
        }
        let bare = format!("Basic {}", STANDARD_NO_PAD.encode("ebb:hush"));
        let right = format!("{bare}=");
        let bearer = format!("bearer {}", access.token());
        for header in [right.as_str(), &bare, bearer.as_str(), "Bearer hush"] {
            assert!(access.admits_header(Some(header)), "{header}");
        }
        let wrong = format!("Basic {}", STANDARD_NO_PAD.encode("ebb:hash"));
        for header in [wrong.as_str(), "Bearer", "Bearer x", "Basic hush", "Digest hush", ""] {
            assert!(!access.admits_header(Some(header)), "{header}");
        }
        assert!(!access.admits_header(None));
    }

    #[test]
    fn without_a_password_everyone_is_let_in() {
        let access = Access::new("ebb", None).unwrap();
        assert!(access.admits("anyone", ""));
        assert!(access.admits_header(None));
    }

    #[test]
    fn tokens_differ_from_start_to_start() {
        let token = || Access::new("ebb", Some("hush")).unwrap().token().to_owned();
        assert_ne!(token(), token());
        assert_eq!(token().len(), 2 * TOKEN_BYTES);
    }
}
