//! A broker that wants TLS and passwords, beside its plain door for the tests themselves.

use std::fs;
use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tempfile::TempDir;

use super::fetch::run;
use super::start::{Broker, More, free_port};

/// The user that every mechanism knows.
pub(crate) const USER: &str = "ebb";
/// The user's password; it is looked for in everything that is printed.
pub(crate) const PASSWORD: &str = "hush-hush-7f3a";
/// What opens the broker's own key.
const STORE_PASSWORD: &str = "changeit";

/// A broker with a plain, a TLS and a TLS + SASL listener.
pub(crate) struct Secure {
    /// The broker, its plain listener.
    pub(crate) broker: Broker,
    /// `host:port` of the listener that wants TLS and a password.
    pub(crate) sasl: String,
    /// `host:port` of the listener that wants TLS alone.
    pub(crate) tls: String,
    folder: TempDir,
}

impl Secure {
    /// Starts one, or says why there can be none.
    pub(crate) fn start() -> Result<Secure, String> {
        let folder = tempfile::tempdir().unwrap();
        certificate(folder.path(), "broker")?;
        certificate(folder.path(), "other")?;
        let (sasl, tls) =
            (format!("127.0.0.1:{}", free_port()), format!("127.0.0.1:{}", free_port()));
        let more = More {
            listeners: vec![
                (format!("SASL_SSL://{sasl}"), "SASL_SSL"),
                (format!("SSL://{tls}"), "SSL"),
            ],
            lines: lines(&folder.path().join("broker.p12")),
            format: ["SCRAM-SHA-256", "SCRAM-SHA-512"]
                .iter()
                .flat_map(|mechanism| {
                    let user = format!("{mechanism}=[name={USER},password={PASSWORD}]");
                    ["--add-scram".to_owned(), user]
                })
                .collect(),
        };
        let broker = Broker::start_with(&more)?;
        Ok(Secure { broker, sasl, tls, folder })
    }

    /// The certificate of the broker, which vouches for itself.
    pub(crate) fn ca(&self) -> String {
        self.folder.path().join("broker.pem").display().to_string()
    }

    /// A certificate that has nothing to do with the broker.
    pub(crate) fn other_ca(&self) -> String {
        self.folder.path().join("other.pem").display().to_string()
    }

    /// A file that holds `text`.
    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    }
}

/// A token that nobody signed, of `user`, for an hour; a broker without further settings takes it.
pub(crate) fn token(user: &str) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let now = now.as_secs();
    let claims = format!(r#"{{"sub":"{user}","iat":{now},"exp":{}}}"#, now + 3_600);
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.", part(r#"{"alg":"none"}"#), part(&claims))
}

/// Makes `name.p12` with a key and a certificate of its own, and `name.pem` with the latter.
fn certificate(folder: &Path, name: &str) -> Result<(), String> {
    let store = folder.join(format!("{name}.p12"));
    let keytool = || {
        let mut keytool = Command::new("keytool");
        keytool.args(["-storetype", "PKCS12", "-storepass", STORE_PASSWORD, "-alias", name]);
        keytool.arg("-keystore").arg(&store);
        keytool
    };
    let dname = format!("CN={name}");
    let pair = ["-genkeypair", "-keyalg", "EC", "-groupname", "secp256r1", "-validity", "2"];
    let names = ["-ext", "san=ip:127.0.0.1,dns:localhost", "-ext", "bc=ca:true"];
    run(keytool().args(pair).args(["-dname", &dname]).args(names))?;
    let pem = folder.join(format!("{name}.pem"));
    run(keytool().args(["-exportcert", "-rfc", "-file"]).arg(pem))?;
    Ok(())
}

/// The broker's settings for both listeners.
fn lines(store: &Path) -> Vec<String> {
    let sasl = "listener.name.sasl_ssl";
    let scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;";
    let plain = "org.apache.kafka.common.security.plain.PlainLoginModule required";
    let bearer = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required";
    vec![
        format!("ssl.keystore.location={}", store.display()),
        format!("ssl.keystore.password={STORE_PASSWORD}"),
        "ssl.keystore.type=PKCS12".to_owned(),
        format!("{sasl}.sasl.enabled.mechanisms=SCRAM-SHA-256,SCRAM-SHA-512,PLAIN,OAUTHBEARER"),
        format!("{sasl}.scram-sha-256.sasl.jaas.config={scram}"),
        format!("{sasl}.scram-sha-512.sasl.jaas.config={scram}"),
        format!("{sasl}.plain.sasl.jaas.config={plain} user_{USER}=\"{PASSWORD}\";"),
        format!(
            "{sasl}.oauthbearer.sasl.jaas.config={bearer} unsecuredLoginStringClaim_sub=\"broker\";"
        ),
    ]
}
