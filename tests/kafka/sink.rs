//! The sink by itself, and the look at the cluster before a start.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use ebb::kafka::check::Grade;
use ebb::kafka::{KafkaSink, KafkaSource};
use ebb::record::reject::Reason;
use ebb::record::{self, Reject};
use ebb::wire::{Origin, Outgoing, Sink};

use super::{Stage, read_on, settings, words};

#[test]
fn outputs_reach_their_topics_in_order_with_keys_tombstones_and_headers() {
    let Some(stage) = Stage::set(1, &[]) else { return };
    let mut sink = KafkaSink::connect(&stage.settings).unwrap();
    sink.settle().unwrap();
    let mut outputs = Vec::new();
    for i in 0..1_000 {
        let key = format!("c-{}", i % 10);
        outputs.push(Outgoing::Alert { key: key.clone(), value: format!("a{i}").into_bytes() });
        let value = (i % 2 == 0).then(|| format!("s{i}").into_bytes());
        outputs.push(Outgoing::Scores { key, value });
    }
    let reject = Reject::new(Reason::BadTime, "time é; wanted RFC 3339");
    let origin = Origin::Topic { partition: 3, offset: 88 };
    outputs.push(Outgoing::Reject { reject, origin, bytes: vec![0, 255, 10] });
    let reject = Reject::new(Reason::TooLarge, "d".repeat(10_000));
    outputs.push(Outgoing::Reject { reject, origin, bytes: vec![b'x'; 2_000_000] });
    sink.send(&outputs).unwrap();
    sink.settle().unwrap();

    let alerts = stage.broker.read_all(&stage.settings.output.alerts);
    assert_eq!(alerts.len(), 1_000);
    let two = NonZeroU32::new(2).unwrap();
    let mut last = BTreeMap::new();
    for alert in &alerts {
        let number: i32 = alert.value_text()[1..].parse().unwrap();
        assert!(last.insert(alert.key_text(), number).is_none_or(|before| before < number));
        let wanted = record::partition(alert.key_text().as_bytes(), two);
        assert_eq!(alert.partition.unsigned_abs(), wanted);
    }
    let scores = stage.broker.read_all(&stage.settings.output.scores);
    assert_eq!(scores.iter().filter(|score| score.value.is_none()).count(), 500);

    let rejects = stage.broker.read_all(&stage.settings.output.rejects);
    assert_eq!(rejects[0].value.as_deref(), Some(&[0, 255, 10][..]));
    let topic = stage.settings.input.topic.as_str();
    let wanted = [
        ("reason", "bad_time"),
        ("detail", "time é; wanted RFC 3339"),
        ("topic", topic),
        ("partition", "3"),
        ("offset", "88"),
    ];
    let found: Vec<_> = rejects[0].headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(found, wanted.map(|(name, _)| name));
    for (name, value) in wanted {
        assert_eq!(rejects[0].header(name), value);
    }
    assert_eq!(rejects[1].header("bytes_total"), "2000000");
    assert!(rejects[1].value_text().len() < 1_000_000);
}

#[test]
fn a_full_queue_makes_the_sender_wait_and_loses_nothing() {
    let small = "kafka.properties.queue.buffering.max.messages=100";
    let Some(stage) = Stage::set(1, &[small]) else { return };
    let pairs = vec![(Some("c-1"), Some("v")); 5_000];
    stage.put(&pairs);
    assert_eq!(read_on(&mut stage.source()).len(), 5_000);
}

#[test]
fn an_output_that_the_broker_refuses_is_a_fault_and_stays_one() {
    let Some(stage) = Stage::set(1, &[]) else { return };
    let mut sink = KafkaSink::connect(&stage.settings).unwrap();
    // Longer than what the topic takes, and not compressible by much.
    let value: Vec<u8> =
        (0_u32..1_500_000).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let sent = sink.send(&[Outgoing::Alert { key: "c-1".to_owned(), value }]);
    let result = sent.and_then(|()| sink.settle());
    let text = words(result);
    assert!(text.starts_with("cannot write to the broker: 127.0.0.1:"), "{text}");
    assert!(text.contains(&stage.settings.output.alerts), "{text}");
    assert!(text.contains("\nsafe: no offset was committed"), "{text}");
}

#[test]
fn check_is_content_with_a_right_cluster_and_doubts_a_wrong_cleanup() {
    let Some(stage) = Stage::set(3, &[]) else { return };
    let findings = ebb::kafka::check(&stage.settings);
    assert!(findings.iter().all(|finding| finding.grade == Grade::Good), "{findings:?}");
    assert!(findings[1].found.ends_with(": 3 partitions, cleanup.policy=delete"), "{findings:?}");

    let loose = stage.broker.topic("loose", 1, &[]);
    let flag = format!("output.scores={loose}");
    let Some(stage) = Stage::set(1, &[&flag]) else { return };
    let findings = ebb::kafka::check(&stage.settings);
    let doubtful: Vec<_> = findings.iter().filter(|f| f.grade == Grade::Doubtful).collect();
    assert_eq!(doubtful.len(), 1, "{findings:?}");
    assert!(doubtful[0].to_string().contains("--add-config cleanup.policy=compact"));
}

#[test]
fn a_missing_topic_is_a_clear_fault_with_the_command_that_makes_it() {
    let Some(stage) = Stage::set(1, &["input.topic=nowhere", "output.scores=nowhere-else"]) else {
        return;
    };
    let text = words(KafkaSource::connect(&stage.settings));
    assert!(text.starts_with("cannot use topic nowhere: "), "{text}");
    assert!(text.contains("kafka-topics.sh --bootstrap-server 127.0.0.1:"), "{text}");
    let text = words(KafkaSink::connect(&stage.settings));
    assert!(text.starts_with("cannot use topic nowhere-else: "), "{text}");

    let findings = ebb::kafka::check(&stage.settings);
    let bad: Vec<_> = findings.iter().filter(|finding| finding.grade == Grade::Bad).collect();
    assert_eq!(bad.len(), 2, "{findings:?}");
    let text = bad[1].to_string();
    assert!(text.contains("--create --topic nowhere-else --partitions 4 --config cleanup.policy"));
}

#[test]
fn a_broker_that_is_not_there_is_a_clear_fault_after_the_tries() {
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let settings = settings(vec![
        format!("kafka.brokers={closed}"),
        "retry.tries_max=2".to_owned(),
        "retry.wait_first=10ms".to_owned(),
    ]);
    let wanted = format!("cannot reach the broker: {closed}: connection refused, 2 tries in ");
    let text = words(KafkaSource::connect(&settings));
    assert!(text.starts_with(&wanted), "{text}");
    let text = words(KafkaSink::connect(&settings));
    assert!(text.starts_with(&wanted), "{text}");
    let findings = ebb::kafka::check(&settings);
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].grade, Grade::Bad);
    assert!(findings[0].to_string().contains("set kafka.brokers"), "{}", findings[0]);
}
