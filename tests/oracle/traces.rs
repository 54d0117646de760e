//! The oracle against itself: it judges often enough, and judging too often leaves no trace.

use std::collections::BTreeMap;

use crate::oracle::streams::{BEGIN, Random, Size, stream, until};
use crate::oracle::{play, play_judging_at};
use crate::played::{DAY, Options, Tuning, default_options};

/// The options that go with the stream of `seed`: every seventh plays with other knobs.
pub(crate) fn options(seed: u64, lines: &[String]) -> Options {
    let mut random = Random(seed ^ 0x0b7);
    let mut options = Options { until: until(seed, lines), ..default_options() };
    options.partitions = u32::try_from(1 + random.below(3)).unwrap_or(1);
    if random.chance(30) {
        options.tuning = [0, 1, 2].map(|_| Tuning {
            exit_margin: [0.0, 0.5, 5.0][usize::try_from(random.below(3)).unwrap_or(0)],
            dwell: [0, DAY, 7 * DAY][usize::try_from(random.below(3)).unwrap_or(0)],
            cooldown: [0, DAY, 7 * DAY][usize::try_from(random.below(3)).unwrap_or(0)],
        });
    }
    options
}

#[test]
fn p_01_judging_more_often_leaves_no_trace() {
    for seed in 0..12 {
        let lines = stream(seed, Size { customers: 2, events: 60 });
        let options = options(seed, &lines);
        let mut random = Random(seed);
        let mut more: Vec<i64> = (0..400).map(|_| BEGIN + random.up_to(400 * DAY)).collect();
        more.extend((0..800).map(|half_day| BEGIN - 200 * DAY + half_day * DAY / 2));
        let (plain, often) = (play(&lines, &options), play_judging_at(&lines, &options, &more));
        for (plain, often) in plain.alerts.iter().zip(&often.alerts) {
            assert_eq!(plain, often, "seed {seed}");
        }
        assert_eq!(plain.alerts.len(), often.alerts.len(), "seed {seed}");
        assert_eq!(plain.customers, often.customers, "seed {seed}");
        assert_eq!(plain.counts, often.counts, "seed {seed}");
    }
}

#[test]
fn streams_reach_everything_that_can_ring() {
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    for seed in 0..40 {
        let lines = stream(seed, Size { customers: 2, events: 80 });
        let played = play(&lines, &options(seed, &lines));
        for alert in played.alerts {
            let word = |key: &str| alert[key].as_str().unwrap_or("-").to_owned();
            let name = format!(
                "{} {} {} {}>{} {}",
                word("kind"),
                word("rule"),
                word("direction"),
                word("from"),
                word("to"),
                alert["cause"]["type"]
            );
            *seen.entry(name).or_default() += 1;
        }
        for (name, count) in played.counts {
            *seen.entry(format!("counts {name}")).or_default() += count;
        }
    }
    for (name, count) in &seen {
        println!("{count:6} {name}");
    }
    for wanted in ["drop retention", "band retention faded", "red_flag RF-3", "counts snoozed"] {
        assert!(seen.keys().any(|name| name.starts_with(wanted)), "{wanted}");
    }
}
