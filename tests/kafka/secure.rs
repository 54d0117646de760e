//! Over TLS and with passwords, by every command and in both modes; and what goes wrong there.

use std::process::Command;

use crate::broker::{self, Secure, token};
use crate::broker::{PASSWORD, USER};

/// A secured broker with topics on it, and how `ebb` is to reach it.
struct Vault {
    secure: Secure,
    /// Settings that name the topics, as `--set` takes them.
    names: Vec<String>,
    folder: tempfile::TempDir,
    input: String,
}

/// What a command did.
struct Done {
    exit: Option<i32>,
    said: String,
}

impl Vault {
    /// One of its own, or `None` where the test is to be skipped.
    fn open() -> Option<Vault> {
        broker::shared()?;
        let secure = match Secure::start() {
            Ok(secure) => secure,
            Err(why) => return broker::skipped("broker", &why),
        };
        let plain = &secure.broker;
        let input = plain.topic("events", 2, &[]);
        let scores = plain.topic("scores", 1, &[("cleanup.policy", "compact")]);
        let (alerts, rejects) = (plain.topic("alerts", 1, &[]), plain.topic("rejects", 1, &[]));
        let folder = tempfile::tempdir().unwrap();
        let names = vec![
            format!("input.topic={input}"),
            format!("output.scores={scores}"),
            format!("output.alerts={alerts}"),
            format!("output.rejects={rejects}"),
            "retry.tries_max=2".to_owned(),
            "retry.wait_first=50ms".to_owned(),
            format!("checkpoint.folder={}", folder.path().display()),
        ];
        Some(Vault { secure, names, folder, input })
    }

    /// Writes a settings file with `kafka` as that section and `properties` as its properties,
    /// and gives its path.
    fn settings(&self, kafka: &[String], properties: &[(&str, String)]) -> String {
        let mut lines = self.names.iter().map(|name| {
            let (key, value) = name.split_once('=').unwrap();
            let number = value.parse::<u64>().is_ok();
            if number { format!("{key} = {value}") } else { format!("{key} = {value:?}") }
        });
        let mut text = lines.by_ref().collect::<Vec<_>>().join("\n");
        text += &format!("\n[kafka]\n{}\n[kafka.properties]\n", kafka.join("\n"));
        for (name, value) in properties {
            text += &format!("{name:?} = {value}\n");
        }
        self.secure.file("mine.toml", &text)
    }

    /// As [`Vault::settings`], with TLS and the user by `mechanism`; `password` as TOML.
    fn by(&self, mechanism: &str, password: &str, ca: &str) -> String {
        let brokers = [format!("brokers = {:?}", self.secure.sasl)];
        self.settings(
            &brokers,
            &[
                ("security.protocol", "\"sasl_ssl\"".to_owned()),
                ("sasl.mechanism", format!("{mechanism:?}")),
                ("sasl.username", format!("{USER:?}")),
                ("sasl.password", password.to_owned()),
                ("ssl.ca.location", format!("{ca:?}")),
            ],
        )
    }

    /// Runs `ebb`, as chatty as it can be.
    fn ebb(&self, args: &[&str]) -> Done {
        let mut ebb = Command::new(env!("CARGO_BIN_EXE_ebb"));
        let done = ebb.args(args).env("EBB_LOG", "trace").current_dir(self.folder.path()).output();
        let done = done.unwrap();
        let said = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
        assert!(!said.contains(PASSWORD), "{args:?} shows the password:\n{said}");
        Done { exit: done.status.code(), said }
    }

    /// What `run` has scored so far.
    fn n_scored(&self) -> usize {
        let scores = self.names[1].split_once('=').unwrap().1;
        self.secure.broker.read_all(scores).len()
    }
}

fn check(done: &Done, wanted: i32, words: &[&str]) {
    assert_eq!(done.exit, Some(wanted), "{}", done.said);
    for word in words {
        assert!(done.said.contains(word), "{word:?} is missing in:\n{}", done.said);
    }
}

#[test]
fn tls_and_passwords_carry_every_command_in_both_modes() {
    let Some(vault) = Vault::open() else { return };
    let secret = vault.secure.file("password", &format!("{PASSWORD}\n"));
    let from_file = format!("{{ file = {secret:?} }}");
    let mine = vault.by("SCRAM-SHA-512", &from_file, &vault.secure.ca());
    check(&vault.ebb(&["check", &mine]), 0, &["1 broker in the cluster", "cleanup.policy=compact"]);

    let (sasl, input) = (vault.secure.sasl.clone(), vault.input.clone());
    let to = ["--brokers", &sasl, "--topic", &input, "--settings", &mine];
    let plan = ["generate", "--customers", "50", "--events", "3k"];
    check(&vault.ebb(&[&plan[..], &to[..]].concat()), 0, &["3,000 events"]);
    let mut n_before = 0;
    for (group, delivery) in [("one", "effectively-once"), ("two", "exactly-once")] {
        let sets = [format!("delivery={delivery}"), format!("input.group={group}")];
        let more = ["--settings", &mine, "--set", &sets[0], "--set", &sets[1]];
        let run = [&["run", "--until-caught-up"], &more[..]].concat();
        check(&vault.ebb(&run), 0, &["everything done is committed"]);
        let n_scored = vault.n_scored();
        assert!(n_before + 50 <= n_scored, "{group}: {n_scored}");
        n_before = n_scored;
        check(&vault.ebb(&run), 0, &["checkpoint read"]);
        let erase = [&["erase", "c-1", "--wait", "1s"], &more[..]].concat();
        check(&vault.ebb(&erase), 1, &["the request stands on"]);
        let journal = vault.folder.path().join(format!("{group}-journal")).display().to_string();
        check(&vault.ebb(&[&["journal", &journal], &more[..]].concat()), 0, &["notes"]);
    }
}

#[test]
fn every_mechanism_opens_the_door() {
    let Some(vault) = Vault::open() else { return };
    let (ca, password) = (vault.secure.ca(), format!("{PASSWORD:?}"));
    for mechanism in ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] {
        let mine = vault.by(mechanism, &password, &ca);
        check(&vault.ebb(&["check", &mine]), 0, &["1 broker in the cluster"]);
    }
    let tls = vault.settings(
        &[format!("brokers = {:?}", vault.secure.tls)],
        &[("security.protocol", "\"ssl\"".to_owned()), ("ssl.ca.location", format!("{ca:?}"))],
    );
    check(&vault.ebb(&["check", &tls]), 0, &["1 broker in the cluster"]);

    let fresh = vault.secure.file("token", &token(USER));
    let kafka =
        [format!("brokers = {:?}", vault.secure.sasl), format!("oauth_token_file = {fresh:?}")];
    let bearer = vault.settings(
        &kafka,
        &[
            ("security.protocol", "\"sasl_ssl\"".to_owned()),
            ("sasl.mechanism", "\"OAUTHBEARER\"".to_owned()),
            ("ssl.ca.location", format!("{ca:?}")),
        ],
    );
    check(&vault.ebb(&["check", &bearer]), 0, &["1 broker in the cluster", "policy=compact"]);
    let run = ["run", "--until-caught-up", "--settings", &bearer, "--set", "input.group=bearer"];
    check(&vault.ebb(&run), 0, &["everything done is committed"]);
    vault.secure.file("token", "two words");
    check(
        &vault.ebb(&run),
        4,
        &["wanted one token", "try: a fresh token in kafka.oauth_token_file"],
    );
}

#[test]
fn what_is_wrong_at_the_door_is_said_with_its_remedy() {
    let Some(vault) = Vault::open() else { return };
    let ca = vault.secure.ca();
    let run = |mine: &str| vault.ebb(&["run", "--settings", mine, "--until-caught-up"]);
    let fails = |mine: &str, words: &[&str]| {
        check(&run(mine), 4, &[&["cannot reach the broker: 127.0.0.1:"], words].concat());
        check(
            &vault.ebb(&["check", mine]),
            4,
            &[&["bad: cannot reach the broker"], words].concat(),
        );
        let erase = vault.ebb(&["erase", "c-1", "--settings", mine, "--wait", "1s"]);
        check(&erase, 4, words);
    };
    let wrong = vault.by("SCRAM-SHA-512", "\"hush-hush-wrong\"", &ca);
    fails(&wrong, &["it refuses this client", "try: kafka.properties sasl.mechanism, sasl.user"]);
    assert!(!run(&wrong).said.contains("hush-hush"));
    let password = format!("{PASSWORD:?}");
    let other = vault.by("SCRAM-SHA-512", &password, &vault.secure.other_ca());
    fails(&other, &["certificate could not be verified", "try: kafka.properties ssl.ca.location"]);

    let remedy = "try: kafka.properties security.protocol as that port speaks it";
    let plain = vault.settings(&[format!("brokers = {:?}", vault.secure.sasl)], &[]);
    fails(&plain, &[remedy]);
    let brokers = [format!("brokers = {:?}", vault.secure.broker.brokers())];
    let tls = vault.settings(
        &brokers,
        &[("security.protocol", "\"ssl\"".to_owned()), ("ssl.ca.location", format!("{ca:?}"))],
    );
    fails(&tls, &[remedy]);
}

#[test]
fn a_secret_is_in_no_word_of_any_command() {
    let Some(vault) = Vault::open() else { return };
    let (ca, password) = (vault.secure.ca(), format!("{PASSWORD:?}"));
    let mut properties: Vec<(&str, String)> = vec![
        ("security.protocol", "\"sasl_ssl\"".to_owned()),
        ("sasl.mechanism", "\"SCRAM-SHA-512\"".to_owned()),
        ("sasl.username", format!("{USER:?}")),
        ("sasl.password", password.clone()),
        ("ssl.ca.location", format!("{ca:?}")),
        ("debug", "\"all\"".to_owned()),
    ];
    let brokers = [format!("brokers = {:?}", vault.secure.sasl)];
    let all = ["check", "run", "erase", "generate", "journal"];
    let every = |mine: &str, exits: [i32; 5]| {
        let to = ["--brokers", &vault.secure.sasl, "--topic", &vault.input, "--events", "10"];
        let settings = ["--settings", mine];
        let journal = vault.folder.path().join("journal").display().to_string();
        let found = all.map(|command| {
            let args = match command {
                "check" => vec![command, mine],
                "run" => [&[command, "--until-caught-up"], &settings[..]].concat(),
                "erase" => [&[command, "c-1", "--wait", "1s"], &settings[..]].concat(),
                "generate" => [&[command], &to[..], &settings[..]].concat(),
                _ => [&[command, &*journal], &settings[..]].concat(),
            };
            vault.ebb(&args).exit.unwrap()
        });
        assert_eq!(found, exits, "{all:?}");
    };
    every(&vault.settings(&brokers, &properties), [0, 0, 1, 0, 0]);
    // As a value that librdkafka refuses, and under names that it does not know.
    properties.extend([
        ("sasl.passwort", password.clone()),
        ("fetch.min.bytes", password.clone()),
        ("ssl.endpoint.identification.algorithm", password.clone()),
        ("ssl.key.pem", password),
    ]);
    every(&vault.settings(&brokers, &properties), [3; 5]);
    let flag = format!("kafka.properties.sasl.password:{PASSWORD}");
    let done = vault.ebb(&["run", "--set", &flag]);
    check(&done, 3, &["kafka.properties.sasl.password = no =: wanted key=value"]);
}
