//! Tokens for SASL/OAUTHBEARER, from a file that somebody else keeps fresh.
//!
//! Rules   the file is read anew whenever librdkafka wants a token, which is after four fifths of
//!         the life of the one before.
//! Source  RFC 7628; `rd_kafka_oauthbearer_set_token` in librdkafka's header.
#![allow(
    unsafe_code,
    reason = "an admin client of rdkafka 0.39 never asks for a token: it must be given one, and \
              there is no safe call for that"
)]

use std::ffi::{CString, c_char};
use std::path::PathBuf;
use std::ptr;

use rdkafka::bindings;
use rdkafka::client::{Client, ClientContext, OAuthToken};
use rdkafka::types::RDKafkaRespErr;

use crate::run::settings::Kafka;
use crate::wire::clock::WallClock;
use crate::wire::{Clock, Token};

/// How long librdkafka's words may be for a token that it refuses.
const WORDS_MAX: usize = 512;

/// Where tokens come from, if they are wanted.
#[derive(Clone, Debug, Default)]
pub(super) struct Tokens(Option<PathBuf>);

impl Tokens {
    /// Tokens as `kafka` has them.
    pub(super) fn new(kafka: &Kafka) -> Tokens {
        Tokens(kafka.oauth_token_file.clone())
    }

    fn read(&self) -> Result<Token, String> {
        match &self.0 {
            Some(path) => Token::read(path, WallClock.now()),
            None => Err("kafka.oauth_token_file is empty".to_owned()),
        }
    }

    /// The token of now, for a client that asks for one.
    pub(super) fn for_client(&self) -> Result<OAuthToken, String> {
        self.read().map(|token| OAuthToken {
            token: token.text,
            principal_name: token.subject,
            lifetime_ms: token.until.millis(),
        })
    }

    /// Gives the token of now, if tokens are wanted, to `client`, which cannot ask for one.
    ///
    /// # Errors
    ///
    /// The words for why it has none.
    pub(super) fn hand_to<C: ClientContext>(&self, client: &Client<C>) -> Result<(), String> {
        if self.0.is_none() {
            return Ok(());
        }
        let token = self.read()?;
        let no_text = |_| "a token with a zero byte in it".to_owned();
        let text = CString::new(token.text).map_err(no_text)?;
        let subject = CString::new(token.subject).map_err(no_text)?;
        let mut words: [c_char; WORDS_MAX] = [0; WORDS_MAX];
        // SAFETY: the client lives as long as its borrow; the texts end in a zero byte, live until
        // the call returns and are copied by it; there are no extensions; `words` has the
        // length that is told, and librdkafka ends what it writes there with a zero byte.
        let code = unsafe {
            bindings::rd_kafka_oauthbearer_set_token(
                client.native_ptr(),
                text.as_ptr(),
                token.until.millis(),
                subject.as_ptr(),
                ptr::null_mut(),
                0,
                words.as_mut_ptr(),
                WORDS_MAX,
            )
        };
        match code {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR => Ok(()),
            code => Err(format!("a token that librdkafka refuses: {code:?}")),
        }
    }
}
