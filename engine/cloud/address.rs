//! Where an object store is, and how to reach it.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::path::Path;
use object_store::{BackoffConfig, Error, ObjectStore, RetryConfig};

use crate::run::Settings;
use crate::run::settings::{Fault, Properties, Retry};
use crate::unit::Span;

/// What stands in `checkpoint.folder` where it is no folder.
const WANTED: &str =
    "a path, file:///a/path, s3://bucket/prefix, gs://bucket/prefix or az://container/prefix";

/// How long a store that is away is asked again, at most: the group waits meanwhile, where a
/// partition is taken on, and credentials must outlast it.
const PATIENCE_MAX: Duration = Duration::from_secs(30);

/// What a URL names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    kind: Kind,
    bucket: String,
    /// What stands before the names of checkpoints, without a slash at either end.
    pub(super) prefix: String,
}

/// Which kind of store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Amazon,
    Google,
    Azure,
}

impl Address {
    /// Reads `url`, if it names a store of a kind that is known here.
    pub(super) fn parse(url: &str) -> Option<Address> {
        let (scheme, rest) = url.split_once("://")?;
        let kind = match scheme {
            "s3" => Kind::Amazon,
            "gs" => Kind::Google,
            "az" => Kind::Azure,
            _ => return None,
        };
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let prefix = prefix.trim_end_matches('/');
        let is_legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        let is_bucket = !bucket.is_empty() && bucket.chars().all(is_legal);
        // What stands behind these belongs to another kind of URL.
        let is_prefix = !prefix.contains(['?', '#']) && Path::parse(prefix).is_ok();
        (is_bucket && is_prefix && !prefix.starts_with('/')).then(|| Address {
            kind,
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
        })
    }

    /// The way to the store: the environment, and above it `properties`.
    pub(super) fn connect(
        &self,
        properties: &Properties,
        retry: Retry,
    ) -> Result<Arc<dyn ObjectStore>, Error> {
        let (bucket, retry) = (&self.bucket, patience(retry));
        Ok(match self.kind {
            Kind::Amazon => {
                let mut builder = AmazonS3Builder::from_env();
                for (name, value) in properties.iter() {
                    builder = builder.with_config(name.parse()?, value);
                }
                Arc::new(builder.with_bucket_name(bucket).with_retry(retry).build()?)
            }
            Kind::Google => {
                let mut builder = GoogleCloudStorageBuilder::from_env();
                for (name, value) in properties.iter() {
                    builder = builder.with_config(name.parse()?, value);
                }
                Arc::new(builder.with_bucket_name(bucket).with_retry(retry).build()?)
            }
            Kind::Azure => {
                let mut builder = MicrosoftAzureBuilder::from_env();
                for (name, value) in properties.iter() {
                    builder = builder.with_config(name.parse()?, value);
                }
                Arc::new(builder.with_container_name(bucket).with_retry(retry).build()?)
            }
        })
    }

    /// Whether a store of this kind has a property called `name`.
    fn knows(&self, name: &str) -> bool {
        match self.kind {
            Kind::Amazon => AmazonS3ConfigKey::from_str(name).is_ok(),
            Kind::Google => GoogleConfigKey::from_str(name).is_ok(),
            Kind::Azure => AzureConfigKey::from_str(name).is_ok(),
        }
    }
}

/// Faults of `checkpoint.folder` and `checkpoint.properties` that only this room can find.
pub fn property_faults(settings: &Settings) -> Vec<Fault> {
    let folder = &settings.checkpoint.folder;
    let fault = |key: String, found: &str, wanted: &str| {
        let (found, wanted, place) = (found.to_owned(), wanted.to_owned(), settings.place(&key));
        Fault { key, found, wanted, place }
    };
    let is_url = folder.contains("://") && !folder.starts_with("file://");
    let address = Address::parse(folder);
    if is_url && address.is_none() {
        return vec![fault("checkpoint.folder".to_owned(), &format!("{folder:?}"), WANTED)];
    }
    let properties = settings.checkpoint.properties.iter();
    let faults = properties.filter_map(|(name, _)| {
        let key = format!("checkpoint.properties.{name}");
        let ends = ["bucket", "bucket_name", "container_name"];
        match &address {
            // They may be there for `ebb checkpoint --folder URL`.
            None => None,
            Some(_) if ends.iter().any(|end| name.ends_with(end)) => {
                Some(fault(key, "set", "nothing, as checkpoint.folder names it"))
            }
            Some(address) if address.knows(name) => None,
            Some(_) => Some(fault(key, "unknown", "a property of object_store for that kind")),
        }
    });
    faults.collect()
}

/// The tries of `retry`, within bounds that a request to a store can live with.
fn patience(retry: Retry) -> RetryConfig {
    let duration = |span: Span| Duration::from_millis(span.as_millis().unsigned_abs());
    RetryConfig {
        backoff: BackoffConfig {
            init_backoff: duration(retry.wait_first),
            max_backoff: duration(retry.wait_max),
            ..BackoffConfig::default()
        },
        max_retries: usize::try_from(retry.tries_max.saturating_sub(1)).unwrap_or(usize::MAX),
        retry_timeout: PATIENCE_MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::settings::Layers;

    #[test]
    fn a_url_is_a_kind_a_bucket_and_a_prefix() {
        let check = |url: &str, wanted: Option<(Kind, &str, &str)>| {
            let wanted = wanted.map(|(kind, bucket, prefix)| Address {
                kind,
                bucket: bucket.to_owned(),
                prefix: prefix.to_owned(),
            });
            assert_eq!(Address::parse(url), wanted, "{url}");
        };
        check("s3://b", Some((Kind::Amazon, "b", "")));
        check("s3://my-bucket.x/a/b%2e./", Some((Kind::Amazon, "my-bucket.x", "a/b%2e.")));
        check("gs://b/a", Some((Kind::Google, "b", "a")));
        check("az://b/a", Some((Kind::Azure, "b", "a")));
        for url in [
            "a/b",
            "/a/b",
            "file:///a",
            "ftp://b",
            "s3:///a",
            "s3://",
            "s3://b//a",
            "s3://b/a//b",
            "s3://b/../a",
            "s3://b/a?region=c",
            "az://b@account/a",
            "S3://b",
        ] {
            check(url, None);
        }
    }

    #[test]
    fn what_a_store_does_not_know_is_a_fault_without_the_value() {
        let check = |folder: &str, properties: &str, wanted: &[&str]| {
            let text = format!(
                "[checkpoint]\nfolder = \"{folder}\"\n[checkpoint.properties]\n{properties}"
            );
            let settings = Settings::from_text(Some(("mine.toml", &text)), &Layers::default());
            let Ok(settings) = settings else {
                return assert_eq!(settings.err().map(|_| ()), None);
            };
            let found: Vec<_> = property_faults(&settings).iter().map(Fault::to_string).collect();
            assert_eq!(found.len(), wanted.len(), "{found:?}");
            for (found, wanted) in found.iter().zip(wanted) {
                assert!(found.starts_with(wanted), "{found}");
                assert!(!found.contains("hush"), "{found}");
            }
        };
        check("s3://b/p", "aws_secret_access_key = \"hush\"\nallow_http = true", &[]);
        check("az://b/p", "azure_storage_account_key = \"hush\"", &[]);
        check("gs://b/p", "google_service_account_key = \"hush\"", &[]);
        check("folder", "", &[]);
        let unknown = "checkpoint.properties.aws_secret_access_key = unknown: wanted a property";
        check("gs://b/p", "aws_secret_access_key = \"hush\"", &[unknown]);
        let twice =
            "checkpoint.properties.aws_bucket = set: wanted nothing, as checkpoint.folder n";
        check("s3://b/p", "aws_bucket = \"hush\"", &[twice]);
        check("folder", "region = \"hush\"", &[]);
        check(
            "ftp://b",
            "",
            &["checkpoint.folder = \"ftp://b\": wanted a path, file:///a/path, s3"],
        );
    }
}
