//! Settings: what holds, what is refused, and what is never shown.

use super::*;

use crate::model::{self, shipped};
use crate::state::Rules;

fn load(text: &str) -> Result<Settings, Refused> {
    Settings::from_text(Some(("mine.toml", text)), &Layers::default())
}

fn faults(result: Result<Settings, Refused>) -> Vec<String> {
    match result {
        Err(Refused::Faults(faults)) => faults.iter().map(ToString::to_string).collect(),
        Err(other) => vec![other.to_string()],
        Ok(_) => Vec::new(),
    }
}

/// The first fault of `text` begins with `wanted`.
fn check(text: &str, wanted: &str) {
    let found = faults(load(text)).into_iter().next().unwrap_or_default();
    assert!(found.starts_with(wanted), "{text}: found {found:?}, wanted {wanted:?}");
}

#[test]
fn the_shipped_defaults_are_right_by_themselves() {
    let Ok(settings) = Settings::from_text(None, &Layers::default()) else {
        assert_eq!(faults(Settings::from_text(None, &Layers::default())), [""; 0]);
        return;
    };
    assert_eq!(settings.clock.delay, Span::millis(2_000));
    assert_eq!(settings.clock.ahead_max, Span::days(1));
    assert_eq!(settings.exact_events_max, 4_096);
    assert_eq!(settings.map, None);
    assert_eq!(settings.lanes, None);
    assert_eq!(settings.kafka.properties, Properties::default());
    // Rules where nothing is set are those of settings where nothing is.
    let Ok(model) = model::load(shipped::DEFAULT, shipped::CATALOG, None) else {
        unreachable!("the shipped model is sound")
    };
    let plain = Rules::plain(model);
    assert_eq!(settings.dedup_horizon, plain.dedup_horizon);
    assert_eq!(settings.exact_events_max, plain.exact_events_max);
}

#[test]
fn a_file_holds_only_what_differs() {
    let text = "model = \"bench\"\n[clock]\nmode = \"replay\"\ntimers = \"off\"\n";
    let Ok(settings) = load(text) else {
        assert_eq!(faults(load(text)), [""; 0]);
        return;
    };
    assert_eq!(settings.model, "bench");
    assert_eq!((settings.clock.mode, settings.clock.timers), (ClockMode::Replay, Timers::Off));
    assert_eq!(settings.input.topic, "customer-events");
}

#[test]
fn every_wrong_value_is_refused_with_what_was_wanted() {
    check(
        "clock.delay = 5",
        "clock.delay = 5: wanted a span such as \"250ms\" or \"24h\", 0 to 1h",
    );
    check("clock.delay = \"2h\"", "clock.delay = \"2h\": wanted");
    check("clock.mode = \"real\"", "clock.mode = \"real\": wanted \"live\" or \"replay\"");
    check("batch.records_max = 0", "batch.records_max = 0: wanted a whole number from 1 to 100000");
    check("lanes.count = -1", "lanes.count = -1: wanted a whole number from 0 to 256");
    check("lanes.count = \"two\"", "lanes.count = \"two\": wanted");
    check("scores.min_change = nan", "scores.min_change = nan: wanted a number from 0 to 100");
    check("kafka.brokers = \"kafka\"", "kafka.brokers = \"kafka\": wanted host:port");
    check("kafka.brokers = \"a:1,\"", "kafka.brokers = \"a:1,\": wanted host:port");
    check("input.topic = \"a b\"", "input.topic = \"a b\": wanted a topic's name");
    check("input.group = \"\"", "input.group = \"\": wanted a text that is not empty");
    check("model = [1]", "model = [1]: wanted a text in quotes");
    check("clock.ahead_max = \"500ms\"", "clock.ahead_max = \"500ms\": wanted at least clock.skew");
    check("output.alerts = \"customer-events\"", "output.alerts = \"customer-events\": wanted an");
    check(
        "retry.wait_max = \"100ms\"",
        "retry.wait_max = \"100ms\": wanted at least retry.wait_fir",
    );
    check(
        "delivery = \"twice\"",
        "delivery = \"twice\": wanted \"effectively-once\" or \"exactly-once\"",
    );
    check(
        "commit.interval = \"10s\"\n",
        "commit.transaction_timeout = \"30s\": wanted at least 10 times commit.interval (100s)",
    );
    check(
        "[input]\ngroup = \"my group\"",
        "journal.topic = \"\": wanted a topic's name, for that of input.group cannot",
    );
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest_known_one() {
    check(
        "clock.dely = \"1s\"",
        "clock.dely = unknown: wanted a key that there is; did you mean clo",
    );
    check(
        "quite_another = 1",
        "quite_another = unknown: wanted a key that there is; config/ebb.tom",
    );
    check("[clocks]", "clocks = unknown");
    check("model.name = \"x\"", "model.name = unknown");
    check("kafka = 3", "kafka = unknown");
    assert_eq!(faults(load("[clock]\n[kafka.properties]\n")), [""; 0]);
}

#[test]
fn all_faults_are_reported_at_once_under_their_file() {
    let Err(refused) = load("clock.dely = \"1s\"\nlanes.count = 999\nclock.mode = 1\n") else {
        return assert_eq!("settings", "refused");
    };
    let text = refused.to_string();
    assert!(text.starts_with("cannot start: 3 settings in mine.toml are wrong\n  "), "{text}");
    assert_eq!(text.lines().count(), 4);
}

#[test]
fn a_file_that_is_no_toml_names_the_line() {
    check("model = \"default\"\nclock = = 3\n", "line 2 = ");
    check("model = \"a\"\nmodel = \"b\"\n", "line 2 = ");
    let missing = Settings::read(Some(Path::new("/nowhere/mine.toml")), &Layers::default());
    assert!(faults(missing)[0].starts_with("cannot read settings: /nowhere/mine.toml: "));
}

#[test]
fn variables_lie_over_the_file_and_flags_over_both() {
    let layers = Layers {
        env: [
            ("EBB_KAFKA_BROKERS", "kafka-1:9092"),
            ("EBB_LANES_COUNT", "3"),
            ("EBB_SCORES_MIN_CHANGE", "2"),
            ("EBB_KAFKA_PROPERTIES_SASL_PASSWORD", "hush"),
            ("EBB_TEST_BROKER", "not a setting"),
            ("PATH", "/bin"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec(),
        flags: vec!["lanes.count=4".to_owned(), "clock.delay = 5s".to_owned()],
    };
    let text = "kafka.brokers = \"a:1\"\nlanes.count = 2\n";
    let result = Settings::from_text(Some(("mine.toml", text)), &layers);
    let Ok(settings) = result else { return assert_eq!(faults(result), [""; 0]) };
    assert_eq!(settings.kafka.brokers, "kafka-1:9092");
    assert_eq!(settings.lanes.map(NonZeroUsize::get), Some(4));
    assert_eq!(settings.clock.delay, Span::millis(5_000));
    assert_eq!(settings.score_change_min, Points::new(2.0));
    let properties: Vec<_> = settings.kafka.properties.iter().collect();
    assert_eq!(properties, [("sasl.password", "hush")]);
}

#[test]
fn a_wrong_variable_or_flag_is_refused_under_its_own_name() {
    let layers = Layers {
        env: vec![
            ("EBB_KAFKA_BROKER".to_owned(), "a:1".to_owned()),
            ("EBB_LANES_COUNT".to_owned(), "many".to_owned()),
        ],
        flags: vec!["clock.delay".to_owned()],
    };
    let Err(refused) = Settings::from_text(None, &layers) else {
        return assert_eq!("settings", "refused");
    };
    let text = refused.to_string();
    assert!(
        text.contains("EBB_KAFKA_BROKER = unknown: wanted a key that there is; did you mean EBB")
    );
    assert!(
        text.contains("EBB_LANES_COUNT: lanes.count = \"many\": wanted a whole number"),
        "{text}"
    );
    assert!(text.contains("--set: clock.delay = no =: wanted key=value"), "{text}");
}

#[test]
fn secrets_are_never_shown() {
    let text = "[kafka.properties]\n\"sasl.password\" = \"hush\"\nssl.key.password = \"hush\"\n\
                \"ssl.key.pem\" = [\"hush\"]\n\"linger.ms\" = 5\n";
    assert!(!faults(load(text))[0].contains("hush"));
    let text = text.replace("[\"hush\"]", "\"hush\"");
    let Ok(settings) = load(&text) else { return assert_eq!(faults(load(&text)), [""; 0]) };
    for shown in [settings.to_string(), format!("{settings:?}"), format!("{:?}", settings.kafka)] {
        assert!(!shown.contains("hush"), "{shown}");
        assert!(shown.contains("linger.ms"), "{shown}");
    }
    let flags = vec!["kafka.properties.sasl.password: hush".to_owned()];
    let Err(refused) = Settings::from_text(None, &Layers { env: Vec::new(), flags }) else {
        return assert_eq!("settings", "refused");
    };
    assert!(!refused.to_string().contains("hush"), "{refused}");
    let Err(refused) = load("\"sasl.password\" = hush") else {
        return assert_eq!("settings", "refused");
    };
    assert!(!refused.to_string().contains("hush"), "{refused}");
}

#[test]
fn a_secret_may_stand_in_a_file_of_its_own() {
    let path = std::env::temp_dir().join(format!("ebb-secret-{}", std::process::id()));
    let path = path.display().to_string();
    assert_eq!(std::fs::write(&path, "hush \r\n").map_err(|_| ()), Ok(()));
    let table = format!("[kafka.properties]\n\"sasl.password\" = {{ file = {path:?} }}\n");
    let dotted = format!("kafka.properties.sasl.password.file = {path:?}\n");
    let text = "[kafka.properties]\n\"sasl.password\" = \"loud\"\n".to_owned();
    let name = "EBB_KAFKA_PROPERTIES_SASL_PASSWORD";
    let by_path = vec![(format!("{name}_FILE"), path.clone())];
    let by_text = vec![(name.to_owned(), "spoken".to_owned())];
    let finds = |text: &str, env: &[(String, String)], wanted: &str| {
        let layers = Layers { env: env.to_vec(), flags: Vec::new() };
        let result = Settings::from_text(Some(("mine.toml", text)), &layers);
        let Ok(settings) = result else { return assert_eq!(faults(result), [""; 0]) };
        let properties: Vec<_> = settings.kafka.properties.iter().collect();
        assert_eq!(properties, [("sasl.password", wanted)]);
        let shown = format!("{settings} {settings:?} {:?}", settings.kafka);
        assert!(!shown.contains(wanted), "{shown}");
    };
    finds(&table, &[], "hush ");
    finds(&dotted, &[], "hush ");
    // Whatever lies higher, in whichever form.
    finds(&text, &by_path, "hush ");
    finds(&table, &by_text, "spoken");

    check(
        "[kafka.properties]\n\"sasl.password\" = { file = \"/nowhere\" }",
        "kafka.properties.sasl.password.file = \"/nowhere\": wanted the path of a file that can be",
    );
    check(
        "[kafka.properties]\nacks.file = \"/x\"",
        "kafka.properties.acks.file = \"/x\": wanted no",
    );
    assert_eq!(std::fs::write(&path, "\n").map_err(|_| ()), Ok(()));
    let empty = faults(load(&table));
    assert_eq!(std::fs::remove_file(&path).map_err(|_| ()), Ok(()));
    assert!(empty[0].ends_with("wanted the path of a file that is not empty"), "{empty:?}");
}

#[test]
fn tokens_and_their_mechanism_come_together() {
    let bearer = "kafka.properties.\"sasl.mechanism\" = \"oauthbearer\"\n";
    let file = "kafka.oauth_token_file = \"/run/token\"\n";
    check(bearer, "kafka.oauth_token_file = \"\": wanted the path of a file, as sasl.mechanism is");
    check(
        file,
        "kafka.oauth_token_file = \"/run/token\": wanted nothing, as sasl.mechanism is not",
    );
    let both = load(&format!("{bearer}{file}"));
    let Ok(both) = both else { return assert_eq!(faults(both), [""; 0]) };
    assert_eq!(both.kafka.oauth_token_file.as_deref(), Some(Path::new("/run/token")));
}

#[test]
fn properties_on_which_the_promise_rests_are_refused() {
    check(
        "[kafka.properties]\n\"enable.auto.commit\" = true",
        "kafka.properties.enable.auto.commit = true: wanted no such property here: offsets are",
    );
    check("[kafka.properties]\nacks = 1", "kafka.properties.acks = 1: wanted no such property");
}

#[test]
fn what_is_shown_is_a_settings_file_again() {
    let Ok(settings) = load("lanes.count = 2\nkafka.properties.\"linger.ms\" = 5\n") else {
        return assert_eq!("settings", "loaded");
    };
    let again = load(&settings.to_string());
    let Ok(again) = again else { return assert_eq!(faults(again), [""; 0]) };
    assert_eq!(again.lanes, settings.lanes);
    assert_eq!(again.kafka, settings.kafka);
}

#[test]
fn the_limits_of_questions_are_read_and_checked() {
    let Ok(settings) = Settings::from_text(None, &Layers::default()) else {
        return assert_eq!("settings", "loaded");
    };
    let sql = settings.sql;
    assert_eq!((sql.time_max, sql.memory_max.as_bytes()), (Span::millis(30_000), 1 << 30));
    assert_eq!((sql.rows_max, sql.statement_max.as_bytes()), (1_000_000, 64 << 10));
    assert_eq!((sql.queries_max, sql.password, sql.tls), (None, None, None));
    check(
        "sql.memory_max = 5",
        "sql.memory_max = 5: wanted a size such as \"64KiB\" or \"1GiB\", 1M",
    );
    check("sql.statement_max = \"17MiB\"", "sql.statement_max = \"17MiB\": wanted");
    check("sql.time_max = \"0\"", "sql.time_max = \"0\": wanted");
    check("sql.user = \"\"", "sql.user = \"\": wanted a text that is not empty");
    check(
        "sql.tls_key = \"k\"",
        "sql.tls_certificate = \"\": wanted the path of a PEM file, as the",
    );
    check(
        "sql.tls_certificate = \"c\"",
        "sql.tls_key = \"\": wanted the path of a PEM file, as the",
    );
    check(
        "sql.pasword = \"x\"",
        "sql.pasword = unknown: wanted a key that there is; did you mean sql.pass",
    );
}

#[test]
fn the_password_of_sql_is_a_secret_wherever_it_stands() {
    let path = std::env::temp_dir().join(format!("ebb-sql-secret-{}", std::process::id()));
    let path = path.display().to_string();
    assert_eq!(std::fs::write(&path, "hush\n").map_err(|_| ()), Ok(()));
    let finds = |text: &str, env: &[(&str, &str)], wanted: &str| {
        let env = env.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        let layers = Layers { env: env.collect(), flags: Vec::new() };
        let result = Settings::from_text(Some(("mine.toml", text)), &layers);
        let Ok(settings) = result else { return assert_eq!(faults(result), [""; 0]) };
        assert_eq!(settings.sql.password.as_deref(), Some(wanted), "{text}");
        let shown = format!("{settings} {settings:?} {:?}", settings.sql);
        assert!(!shown.contains(wanted), "{shown}");
    };
    let loud = "sql.password = \"loud\"\n";
    let table = format!("[sql]\npassword = {{ file = {path:?} }}\n");
    finds(loud, &[], "loud");
    finds(&table, &[], "hush");
    finds(loud, &[("EBB_SQL_PASSWORD_FILE", &path)], "hush");
    finds(&table, &[("EBB_SQL_PASSWORD", "spoken")], "spoken");
    assert_eq!(std::fs::remove_file(&path).map_err(|_| ()), Ok(()));
    check(&table, &format!("sql.password.file = {path:?}: wanted the path of a file that can be"));
}
