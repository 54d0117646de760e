//! How a client comes in.
//!
//! Rules   one who is not called as he should be is asked for a password all the same, so that
//!         nobody learns who there is.
//! Source  RFC 5802 and RFC 7677 (SCRAM-SHA-256).

use std::collections::HashMap;
use std::fmt::{self, Debug};
use std::sync::Arc;

use async_trait::async_trait;
use futures::Sink;
use pgwire::api::auth::sasl::SASLAuthStartupHandler;
use pgwire::api::auth::sasl::scram::{ScramAuth, gen_salted_password};
use pgwire::api::auth::{
    AuthSource, LoginInfo, Password, ServerParameterProvider, StartupHandler,
    finish_authentication, protocol_negotiation, save_startup_parameters_to_metadata,
};
use pgwire::api::{ClientInfo, PidSecretKeyGenerator, RandomPidSecretKeyGenerator};
use pgwire::error::{PgWireError, PgWireResult};
use pgwire::messages::{PgWireBackendMessage, PgWireFrontendMessage};

use crate::query::catalog;
use crate::query::doors::access::{Access, random};
use crate::query::doors::postgres::trouble;

/// How often SCRAM hashes: the least that its standard allows, as in PostgreSQL.
const ITERATIONS: usize = 4_096;
/// The bytes of a salt, as in PostgreSQL.
const SALT_BYTES: usize = 16;

/// What a client is told of the server when it is in.
const TOLD: [(&str, &str); 11] = [
    ("server_version", "server_version"),
    ("server_encoding", "server_encoding"),
    ("client_encoding", "client_encoding"),
    ("integer_datetimes", "integer_datetimes"),
    ("is_superuser", "is_superuser"),
    ("default_transaction_read_only", "default_transaction_read_only"),
    ("search_path", "search_path"),
    ("TimeZone", "timezone"),
    ("DateStyle", "datestyle"),
    ("IntervalStyle", "intervalstyle"),
    ("standard_conforming_strings", "standard_conforming_strings"),
];

/// How one client comes in.
pub(super) enum Startup {
    /// Without being asked.
    Open,
    /// By a password.
    Asked(Box<SASLAuthStartupHandler<Told>>),
}

impl Startup {
    /// As `access` has it.
    pub(super) fn new(access: &Arc<Access>) -> Startup {
        if access.password().is_none() {
            return Startup::Open;
        }
        let mut scram = ScramAuth::new(Arc::new(Source(Arc::clone(access))));
        scram.set_iterations(ITERATIONS);
        let handler = SASLAuthStartupHandler::new(Arc::new(Told)).with_scram(scram);
        Startup::Asked(Box::new(handler.with_pid_secret_key_generator(Arc::new(Numbers))))
    }
}

#[async_trait]
impl StartupHandler for Startup {
    async fn on_startup<C>(
        &self,
        client: &mut C,
        message: PgWireFrontendMessage,
    ) -> PgWireResult<()>
    where
        C: ClientInfo + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        match self {
            Startup::Asked(handler) => handler.on_startup(client, message).await,
            Startup::Open => {
                let PgWireFrontendMessage::Startup(startup) = message else { return Ok(()) };
                protocol_negotiation(client, &startup).await?;
                save_startup_parameters_to_metadata(client, &startup);
                let (pid, secret) = Numbers.generate(client);
                client.set_pid_and_secret_key(pid, secret);
                finish_authentication(client, &Told).await
            }
        }
    }
}

/// Numbers of connections, with their secrets: no two are the same.
#[derive(Debug)]
struct Numbers;

impl PidSecretKeyGenerator for Numbers {
    fn generate(&self, client: &dyn ClientInfo) -> (i32, pgwire::messages::startup::SecretKey) {
        use std::sync::LazyLock;
        static NUMBERS: LazyLock<RandomPidSecretKeyGenerator> =
            LazyLock::new(RandomPidSecretKeyGenerator::default);
        NUMBERS.generate(client)
    }
}

/// What the password is, in the form that SCRAM compares.
struct Source(Arc<Access>);

impl Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Source")
    }
}

#[async_trait]
impl AuthSource for Source {
    async fn get_password(&self, login: &LoginInfo) -> PgWireResult<Password> {
        let broken = |_| trouble::fatal("XX000", "the system gives no randomness");
        let salt = random::<SALT_BYTES>().map_err(broken)?;
        let nobody: [u8; SALT_BYTES] = random().map_err(broken)?;
        let is_known = login.user() == Some(self.0.user());
        // Whoever is not known has a password that nobody knows.
        let password = match self.0.password().filter(|_| is_known) {
            Some(password) => password.to_owned(),
            None => nobody.map(|byte| format!("{byte:02x}")).concat(),
        };
        let salted = gen_salted_password(&password, &salt, ITERATIONS);
        Ok(Password::new(Some(salt.to_vec()), salted))
    }
}

/// Tells a client what it talks to.
pub(super) struct Told;

impl ServerParameterProvider for Told {
    fn server_parameters<C: ClientInfo>(&self, client: &C) -> Option<HashMap<String, String>> {
        let told = TOLD.iter().filter_map(|(name, setting)| {
            Some(((*name).to_owned(), catalog::shown(setting)?.to_owned()))
        });
        let own = ["application_name", "user"].into_iter().filter_map(|name| {
            let value = client.metadata().get(name)?.clone();
            let name = if name == "user" { "session_authorization" } else { name };
            Some((name.to_owned(), value))
        });
        Some(told.chain(own).collect())
    }
}
