//! What befalls the group, one after the other, while events come in.

use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::Duration;

use ebb::kafka::Producer;
use ebb::kafka::produce::{Pace, Parcel};
use ebb::run::Settings;
use ebb::run::settings::Layers;
use rdkafka::producer::{BaseProducer, Producer as _};

use super::group::{Instance, SESSION_MS, Stage, name_of};
use super::{EXACTLY, Plan};
use crate::broker::Broker;
use crate::mishap::Mishap;
use crate::oracle::streams::Random;

/// Most instances at a time.
const INSTANCES_MAX: usize = 3;
/// Events that come right before a mishap.
const LAST_FEW: usize = 60;

/// One run.
pub(super) struct Course<'b> {
    pub(super) plan: Plan,
    pub(super) stage: Stage<'b>,
    pub(super) counts: BTreeMap<Mishap, usize>,
    random: Random,
    instances: Vec<Instance>,
    producer: Producer,
    lines: Vec<Vec<u8>>,
    n_put: usize,
}

impl<'b> Course<'b> {
    pub(super) fn new(broker: &'b Broker, plan: Plan) -> Course<'b> {
        let stage = Stage::set(broker, &plan);
        let (events, seed) = (plan.n_events.to_string(), plan.seed.to_string());
        let disorder = ["--late", "0.02", "--duplicates", "0.01", "--garbage", "0.005"];
        let size = ["generate", "--customers", "200", "--events", &events, "--seed", &seed];
        let file = stage.path("events.jsonl");
        let end = match plan.clock {
            "live" => now_text(),
            _ => "2026-06-30T00:00:00Z".to_owned(),
        };
        let to = ["--end", &end, "--out", file.to_str().unwrap()];
        stage.run(&[&size[..], &disorder[..], &to[..]].concat());
        let text = std::fs::read(&file).unwrap();
        let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let flags =
            vec![format!("kafka.brokers={}", broker.brokers()), "retry.tries_max=100".into()];
        let settings = Settings::from_text(None, &Layers { env: Vec::new(), flags }).unwrap();
        let producer = Producer::new(&settings.kafka, settings.retry, Pace::Bulk).unwrap();
        Course {
            plan,
            stage,
            counts: BTreeMap::new(),
            random: Random(plan.seed),
            instances: Vec::new(),
            producer,
            lines: lines.map(<[u8]>::to_vec).collect(),
            n_put: 0,
        }
    }

    /// Lets everything happen, and what is left of the events be done in peace.
    pub(super) fn run(&mut self) {
        let order = self.order();
        self.start();
        self.start();
        for (number, mishap) in order.into_iter().enumerate() {
            let share = self.lines.len() * (number + 1) / (self.plan.n_mishaps + 1);
            self.put(share.saturating_sub(LAST_FEW));
            self.pause(200, 1_200);
            // It comes while something is being done that is not committed yet.
            self.put(share);
            self.producer.settle().unwrap();
            self.pause(0, 120);
            println!("{number}: {mishap:?}");
            *self.counts.entry(mishap).or_default() += 1;
            self.befall(mishap);
            self.look_after();
        }
        self.put(self.lines.len());
        self.producer.settle().unwrap();
        for instance in std::mem::take(&mut self.instances) {
            if instance.is_frozen {
                instance.signal("CONT");
            }
            instance.stop(&self.stage);
        }
        // Those who have a name keep their share until their session is over.
        sleep(Duration::from_millis(SESSION_MS + 2_000));
        let settings = self.stage.path("ebb.toml");
        self.stage.run(&["run", "--until-caught-up", "--settings", settings.to_str().unwrap()]);
    }

    /// Mishaps in the order of the seed: four of five are kills, where there are such, and every
    /// kind has its turn.
    fn order(&mut self) -> Vec<Mishap> {
        let (kills, others): (Vec<Mishap>, Vec<Mishap>) =
            self.plan.mishaps.iter().partition(|kind| **kind == Mishap::Kill);
        let other = |number: usize| others[number % others.len()];
        let kind = |number: usize| match number % 5 {
            0..4 if !kills.is_empty() => Mishap::Kill,
            4 if !kills.is_empty() => other(number / 5),
            _ => other(number),
        };
        let mut left: Vec<Mishap> = (0..self.plan.n_mishaps).map(kind).collect();
        let mut order = Vec::new();
        while !left.is_empty() {
            let at = self.random.below(left.len() as u64);
            order.push(left.swap_remove(usize::try_from(at).unwrap()));
        }
        order
    }

    fn pause(&mut self, from_ms: u64, to_ms: u64) {
        sleep(Duration::from_millis(from_ms + self.random.below(to_ms - from_ms)));
    }

    /// Puts the events up to the `n`th on the input topic.
    fn put(&mut self, n: usize) {
        let n = n.clamp(self.n_put, self.lines.len());
        for line in &self.lines[self.n_put..n] {
            let value: Option<serde_json::Value> = serde_json::from_slice(line).ok();
            let key = value.as_ref().and_then(|value| value["customer_id"].as_str());
            let topic = &self.stage.input;
            let (partition, key) = (None, key.map(str::as_bytes));
            let parcel =
                Parcel { topic, partition, key, value: Some(line.as_slice()), headers: &[] };
            self.producer.send(&parcel).unwrap();
        }
        self.n_put = n;
    }

    fn start(&mut self) {
        let free = |slot: &usize| self.instances.iter().all(|instance| instance.slot != *slot);
        if let Some(slot) = (0..INSTANCES_MAX).find(free) {
            self.instances.push(self.stage.start(slot));
        }
    }

    /// Starts again whoever has ended; at least two work.
    fn look_after(&mut self) {
        let stage = &self.stage;
        self.instances.retain_mut(|instance| instance.is_running(stage));
        while self.instances.iter().filter(|instance| !instance.is_frozen).count() < 2
            && self.instances.len() < INSTANCES_MAX
        {
            self.start();
        }
    }

    /// Takes out some instance.
    fn some(&mut self) -> Option<Instance> {
        let n = self.instances.len() as u64;
        let at = usize::try_from(self.random.below(n)).unwrap();
        (0 < n).then(|| self.instances.swap_remove(at))
    }

    fn befall(&mut self, mishap: Mishap) {
        match mishap {
            Mishap::Kill => {
                if let Some(instance) = self.some() {
                    instance.kill();
                }
            }
            Mishap::Stop => {
                if let Some(instance) = self.some().filter(|instance| !instance.is_frozen) {
                    instance.stop(&self.stage);
                }
            }
            Mishap::Zombie => self.freeze(),
            Mishap::Rebalance if self.instances.len() < INSTANCES_MAX => self.start(),
            Mishap::Rebalance => {
                if let Some(instance) = self.some().filter(|instance| !instance.is_frozen) {
                    instance.stop(&self.stage);
                }
            }
            Mishap::BrokerAway => self.take_broker_away(),
            Mishap::Undone => self.undo(),
        }
    }

    /// An instance stands still until its session is over and others go on without it; often in the
    /// middle of a rebalance, of which it then hears the end too late.
    fn freeze(&mut self) {
        if self.instances.len() < INSTANCES_MAX {
            self.start();
            self.pause(0, 1_500);
        }
        let Some(mut instance) = self.some() else { return };
        instance.signal("STOP");
        instance.is_frozen = true;
        self.instances.push(instance);
        self.look_after();
        self.pause(SESSION_MS + 1_000, SESSION_MS + 4_000);
        self.put(self.n_put + LAST_FEW);
        self.pause(500, 1_000);
        for instance in self.instances.iter_mut().filter(|instance| instance.is_frozen) {
            instance.signal("CONT");
            instance.is_frozen = false;
        }
    }

    fn take_broker_away(&mut self) {
        let broker = self.stage.broker;
        match self.random.below(3) {
            0 => {
                broker.signal("STOP");
                self.pause(500, SESSION_MS + 3_000);
                broker.signal("CONT");
            }
            1 => {
                broker.signal("KILL");
                broker.restart();
            }
            _ => {
                broker.signal("TERM");
                broker.restart();
            }
        }
    }

    /// Somebody takes the name of an instance's transactions and so ends the open one.
    fn undo(&mut self) {
        let named = self.instances.iter().find_map(|instance| name_of(instance.slot));
        let Some(name) = named.filter(|_| self.plan.delivery == EXACTLY) else { return };
        let mut config = self.stage.broker.config();
        config.set("transactional.id", format!("{}/{name}", self.stage.input));
        let thief: BaseProducer = config.create().unwrap();
        // It fails where the other one is quicker.
        let _stolen = thief.init_transactions(Duration::from_secs(10));
    }
}

/// Now, to the second, as `ebb generate` reads it.
fn now_text() -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let millis = i64::try_from(since.as_secs()).unwrap() * 1_000;
    ebb::unit::EventTime::from_millis(millis).to_string()
}
