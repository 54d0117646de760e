//! An instance that the group puts out, and takes in again before it hears of that.

use std::process::Command;
use std::time::Instant;

use ebb::kafka::KafkaDoors;
use ebb::run::Settings;
use ebb::run::settings::Delivery;
use ebb::unit::EventTime;
use ebb::wire::{Batch, Committed, Doors, Handover, Outgoing, Position};

use super::{LIMIT, Stage, read_on};
use crate::broker;

/// An instance whose every partition is read from what is committed.
struct Instance {
    doors: KafkaDoors,
    handovers: Vec<Handover>,
}

impl Instance {
    fn join(settings: &Settings) -> Instance {
        Instance { doors: KafkaDoors::connect(settings).unwrap(), handovers: Vec::new() }
    }

    /// One batch, and what came or went.
    fn turn(&mut self) {
        self.doors.ends().0.fill(&mut Batch::default()).unwrap();
        let handovers = self.doors.handovers().unwrap();
        let start = |handover: &Handover| match handover {
            Handover::TakenOn(partition, committed) => {
                Some((*partition, committed.map_or(0, |position| position.next_offset)))
            }
            Handover::GivenUp(_) => None,
        };
        let starts: Vec<(u32, i64)> = handovers.iter().filter_map(start).collect();
        self.doors.place(&starts).unwrap();
        for (partition, from) in starts {
            self.doors.open(partition, from).unwrap();
        }
        self.handovers.extend(handovers);
    }

    /// Turns until it `is_there`.
    fn turn_until(&mut self, is_there: impl Fn(&Instance) -> bool) {
        let began = Instant::now();
        while !is_there(self) {
            assert!(began.elapsed() < LIMIT, "{:?}", self.handovers);
            self.turn();
        }
    }

    fn is_caught_up(&self) -> bool {
        self.doors.assigned() == [0, 1] && [0, 1].iter().all(|it| self.doors.is_caught_up(*it))
    }
}

/// The end of each of both partitions, each of which has at least one record.
fn ends(seen: &[super::Seen]) -> Vec<Position> {
    let end = |partition: u32| seen.iter().filter(|it| it.0 == partition).map(|it| it.1 + 1).max();
    let now = EventTime::from_millis(0);
    let position = |partition| Position { partition, next_offset: end(partition).unwrap(), now };
    [0, 1].map(position).to_vec()
}

impl Stage {
    fn put_some(&self) {
        let keys: Vec<_> = (0..20).map(|i| format!("c-{i}")).collect();
        self.put(&keys.iter().map(|key| (Some(key.as_str()), Some("v"))).collect::<Vec<_>>());
    }

    /// Puts everybody out of the group, by a tool of Kafka's that can.
    fn put_all_out(&self) {
        let jars = broker::tools().unwrap();
        let done = Command::new("java")
            .arg("-cp")
            .arg(format!("{}/*", jars.display()))
            .args(["org.apache.kafka.tools.StreamsResetter", "--force"])
            .args(["--bootstrap-server", self.broker.brokers()])
            .args(["--application-id", &self.settings.input.group])
            .output()
            .unwrap();
        assert!(done.status.success(), "{done:?}");
    }
}

#[test]
fn whoever_was_put_out_and_is_in_again_commits_nothing_of_what_it_had() {
    if broker::tools().is_none() {
        return;
    }
    for delivery in [Delivery::ExactlyOnce, Delivery::EffectivelyOnce] {
        let Some(stage) = Stage::set(2, &[]) else { return };
        stage.put_some();
        // With a name the broker takes it in again at once.
        let mut named = stage.settings.clone();
        (named.kafka.instance_id, named.delivery) = (Some("named".to_owned()), delivery);
        let mut first = Instance::join(&named);
        first.turn_until(Instance::is_caught_up);

        // The group is divided anew; before the first one has answered, it is put out.
        let mut second = stage.source();
        let began = Instant::now();
        while !first.doors.is_rebalancing() {
            assert!(began.elapsed() < LIMIT, "nobody is asked to give anything up");
            second.fill(&mut Batch::default()).unwrap();
            first.doors.ends().0.fill(&mut Batch::default()).unwrap();
        }
        drop(second);
        stage.put_all_out();

        // Somebody else does all there is, and more, and goes.
        stage.put_some();
        let mut third = stage.source();
        let done = ends(&read_on(&mut third));
        assert_eq!(third.commit(&done).unwrap(), Committed::Done);
        drop(third);

        // The first one never hears that a partition that it keeps was another's.
        first.handovers.clear();
        first.turn_until(|it| it.handovers.len() == 2 && it.doors.assigned().len() == 2);
        let [Handover::GivenUp(given_up), Handover::TakenOn(again, _)] = first.handovers[..] else {
            panic!("{:?}", first.handovers)
        };
        assert_eq!(given_up, again);
        let kept = Position { partition: 1 - again, next_offset: 1, now: EventTime::ALWAYS };
        let alert = Outgoing::Alert { key: "c-1".to_owned(), value: b"{}".to_vec() };
        first.doors.ends().1.send(&[alert]).unwrap();
        let why = "the group has put this instance out and taken it in again".to_owned();
        assert_eq!(first.doors.commit(&[kept]).unwrap(), Committed::Undone(why));

        // It begins again with nothing, and goes on where the other one was.
        assert_eq!(first.doors.start_over().unwrap(), []);
        first.handovers.clear();
        first.turn_until(|it| it.handovers.len() == 4 && it.is_caught_up());
        let taken_on = |position: &Position| {
            first.handovers.contains(&Handover::TakenOn(position.partition, Some(*position)))
        };
        assert!(done.iter().all(taken_on), "{:?} {done:?}", first.handovers);
        assert_eq!(first.doors.commit(&done).unwrap(), Committed::Done);
        let n_alerts = stage.broker.read_all(&stage.settings.output.alerts).len();
        assert_eq!(n_alerts, usize::from(delivery == Delivery::EffectivelyOnce));
    }
}
