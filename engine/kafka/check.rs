//! A look at the cluster before anything starts: what is missing, and what to type.
//!
//! Rules   nothing is written: rights are tested as far as reading tells them. Findings come in
//!         the order in which they are to be mended.

use std::fmt;
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::{ClientConfig, TopicPartitionList};

use super::client::{self, PARTITIONS, Reach, Standing, create_command, serve, standing, wait_for};
use super::group::Group;
use super::topics;
use super::trouble::words;
use crate::run::Settings;
use crate::run::settings::ClockMode;

/// How long one question to the cluster may take.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// As it should be.
    Good,
    /// It runs, but something may be lost or misread.
    Doubtful,
    /// It cannot run.
    Bad,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub grade: Grade,
    /// What was found.
    pub found: String,
    /// What to type, or what to change.
    pub remedy: Option<String>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let grade = match self.grade {
            Grade::Good => "ok",
            Grade::Doubtful => "doubtful",
            Grade::Bad => "bad",
        };
        write!(f, "{grade}: {}", self.found)?;
        match &self.remedy {
            Some(remedy) => write!(f, "\n  try: {remedy}"),
            None => Ok(()),
        }
    }
}

/// What a topic is for, and so what its records must not suffer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Input,
    Scores,
    Alerts,
    Rejects,
    /// Ebb's own: made at the start if it is not there, with so many partitions.
    Own(usize),
}

/// Looks at the properties, the broker, the topics and the group that `settings` name.
pub fn check(settings: &Settings) -> Vec<Finding> {
    let faults = client::property_faults(settings);
    if !faults.is_empty() {
        return faults.iter().map(|fault| bad(fault.to_string(), None)).collect();
    }
    let asker = match asker(settings) {
        Ok(asker) => asker,
        Err(error) => return vec![bad(format!("no client: {}", words(&error)), None)],
    };
    let mut findings = vec![brokers(settings, &asker)];
    if findings[0].grade == Grade::Good {
        let named = [
            ("input.topic", &settings.input.topic, Role::Input),
            ("output.alerts", &settings.output.alerts, Role::Alerts),
            ("output.scores", &settings.output.scores, Role::Scores),
            ("output.rejects", &settings.output.rejects, Role::Rejects),
        ];
        let admin = topics::admin(&settings.kafka).ok();
        for (key, topic, role) in named.into_iter().chain(own_topics(settings, &asker)) {
            let place = Place { brokers: &settings.kafka.brokers, key, topic, role };
            findings.push(place.look(&asker, admin.as_ref()));
        }
        findings.push(group_right(settings, &asker));
    }
    findings
}

/// The topics that Ebb makes by itself.
fn own_topics<'a>(
    settings: &'a Settings,
    asker: &BaseConsumer<Group>,
) -> Vec<(&'static str, &'a String, Role)> {
    let input = asker.fetch_metadata(Some(&settings.input.topic), ANSWER_MAX);
    let mut topics = vec![("output.receipts", &settings.output.receipts, Role::Own(1))];
    if settings.clock.mode == ClockMode::Live
        && let Ok(Standing::Partitions(n)) =
            input.map(|metadata| standing(&metadata, &settings.input.topic))
    {
        topics.push(("journal.topic", &settings.journal, Role::Own(n)));
    }
    topics
}

/// Whether the cluster can be reached.
fn brokers(settings: &Settings, asker: &BaseConsumer<Group>) -> Finding {
    let brokers = &settings.kafka.brokers;
    let trouble = &asker.context().trouble;
    let metadata = Reach { brokers, retry: settings.retry, trouble }.until(|limit| {
        serve(asker);
        asker.fetch_metadata(Some(&settings.input.topic), limit)
    });
    match metadata {
        Ok(metadata) => {
            let n_brokers = metadata.brokers().len();
            let noun = if n_brokers == 1 { "broker" } else { "brokers" };
            good(format!("{brokers}: {n_brokers} {noun} in the cluster"))
        }
        Err(fault) => {
            let fault = fault.to_string();
            // Where librdkafka's words tell more, the remedy stands there already.
            let (found, remedy) = match fault.split_once("\ntry: ") {
                Some((found, remedy)) => (found.to_owned(), remedy.to_owned()),
                None => {
                    (fault, "start the cluster, or set kafka.brokers to where it is".to_owned())
                }
            };
            bad(found, Some(remedy))
        }
    }
}

/// A topic, the setting that names it, and what it is for.
struct Place<'a> {
    brokers: &'a str,
    key: &'a str,
    topic: &'a str,
    role: Role,
}

impl Place<'_> {
    fn look(
        &self,
        asker: &BaseConsumer<Group>,
        admin: Option<&AdminClient<DefaultClientContext>>,
    ) -> Finding {
        let Place { brokers, key, topic, role } = self;
        let metadata = match asker.fetch_metadata(Some(topic), ANSWER_MAX) {
            Ok(metadata) => metadata,
            Err(error) => return bad(format!("{key} {topic}: {}", words(&error)), None),
        };
        match standing(&metadata, topic) {
            Standing::Partitions(n) if matches!(role, Role::Own(wanted) if *wanted != n) => {
                let found = format!("{key} {topic}: {n} partitions; wanted as many as input.topic");
                bad(found, Some("a new input.group, which begins with the first record".to_owned()))
            }
            Standing::Partitions(n) => {
                let policy = admin.and_then(|admin| policy(admin, topic));
                let noun = if n == 1 { "partition" } else { "partitions" };
                self.kept(&format!("{key} {topic}: {n} {noun}"), policy)
            }
            Standing::Missing if matches!(role, Role::Own(_)) => {
                good(format!("{key} {topic}: it will be made at the start"))
            }
            Standing::Missing => {
                let compact: &[&str] = &["cleanup.policy=compact"];
                let configs = if *role == Role::Scores { compact } else { &[] };
                let remedy = create_command(brokers, topic, PARTITIONS, configs);
                bad(format!("{key} {topic}: there is no such topic"), Some(remedy))
            }
            Standing::Refused(why) => {
                let remedy = right(brokers, &format!("--operation All --topic {topic}"));
                bad(format!("{key} {topic}: {why}"), Some(remedy))
            }
        }
    }

    /// What the topic's cleanup policy means for its role.
    fn kept(&self, what: &str, policy: Option<String>) -> Finding {
        let Place { brokers, topic, role, .. } = self;
        let Some(policy) = policy else {
            let remedy = right(brokers, &format!("--operation DescribeConfigs --topic {topic}"));
            return Finding {
                grade: Grade::Doubtful,
                found: format!("{what}; its cleanup.policy cannot be seen"),
                remedy: Some(remedy),
            };
        };
        let is_compact = policy.split(',').any(|word| word.trim() == "compact");
        let (is_right, wanted, why) = match role {
            Role::Scores => (is_compact, "compact", "every score that ever was would be kept"),
            Role::Input | Role::Alerts | Role::Rejects | Role::Own(_) => {
                (!is_compact, "delete", "compaction would drop all but a customer's last record")
            }
        };
        let found = format!("{what}, cleanup.policy={policy}");
        if is_right {
            return good(found);
        }
        Finding {
            grade: Grade::Doubtful,
            found: format!("{found}: {why}"),
            remedy: Some(format!(
                "kafka-configs.sh --bootstrap-server {brokers} --alter --entity-type topics \
                 --entity-name {topic} --add-config cleanup.policy={wanted}"
            )),
        }
    }
}

/// A client that asks and never joins the group.
fn asker(settings: &Settings) -> Result<BaseConsumer<Group>, KafkaError> {
    let mut config: ClientConfig = client::config(&settings.kafka);
    config.set("group.id", &settings.input.group);
    config.create_with_context(Group::new(&settings.kafka))
}

/// The topic's `cleanup.policy`, where we may see it.
fn policy(admin: &AdminClient<DefaultClientContext>, topic: &str) -> Option<String> {
    let options = AdminOptions::new().request_timeout(Some(ANSWER_MAX));
    let topics = [ResourceSpecifier::Topic(topic)];
    let described = wait_for(admin.describe_configs(&topics, &options), ANSWER_MAX)?.ok()?;
    let resource = described.into_iter().next()?.ok()?;
    resource.get("cleanup.policy")?.value.clone()
}

/// Whether the group's offsets may be read, and where the group stands.
fn group_right(settings: &Settings, asker: &BaseConsumer<Group>) -> Finding {
    let (group, topic) = (&settings.input.group, &settings.input.topic);
    let mut list = TopicPartitionList::new();
    list.add_partition(topic, 0);
    let answer = asker.committed_offsets(list, ANSWER_MAX);
    let answer = answer.and_then(|list| list.elements().first().map_or(Ok(()), |e| e.error()));
    match answer {
        Ok(()) => good(format!("input.group {group}: its offsets can be read")),
        Err(error) => {
            let remedy =
                right(&settings.kafka.brokers, &format!("--operation Read --group {group}"));
            bad(format!("input.group {group}: {}", words(&error)), Some(remedy))
        }
    }
}

/// The command that grants a right.
fn right(brokers: &str, what: &str) -> String {
    format!("kafka-acls.sh --bootstrap-server {brokers} --add --allow-principal User:NAME {what}")
}

fn good(found: String) -> Finding {
    Finding { grade: Grade::Good, found, remedy: None }
}

fn bad(found: String, remedy: Option<String>) -> Finding {
    Finding { grade: Grade::Bad, found, remedy }
}
