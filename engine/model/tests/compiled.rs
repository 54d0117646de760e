//! What loading works out: shared tracks, reach, `enough`, sources, the order of parts.

use super::{default_model, loaded, measure};
use crate::model::{How, Model, Shape, load, shipped};
use crate::record::Kind;
use crate::unit::{EventTime, Span};

type Checked = Result<(), Vec<String>>;

/// A model with these measures, a signal over `m`, and one score.
fn with(measures: &str, test: &str) -> Result<Model, Vec<String>> {
    loaded(&format!(
        "[model]\nid = \"t\"\nversion = 1\n{measures}\n\
         [signals.S]\nname = \"s\"\nscore = \"risk\"\ngroup = \"g\"\npoints = 1\n\
         measure = \"m\"\n{test}\n\
         [scores.risk]\ncombine = \"capped_sum\"\nworse = \"higher\"\ngroups = {{ g = 9 }}\n\
         bands = [{{ name = \"low\", from = 0 }}]\n"
    ))
}

#[test]
fn one_copy_of_the_logins_serves_the_rate_and_the_sessions() -> Checked {
    let model = default_model()?;
    let rate = measure(&model, "login_ratio").map(|measure| &measure.how);
    let count = measure(&model, "logins").map(|measure| &measure.how);
    let (Some(How::Rate { track: one, .. }), Some(How::Count { track: other, .. })) = (rate, count)
    else {
        return Err(vec!["login_ratio, logins".to_owned()]);
    };
    assert_eq!(one, other);
    let track = model.tracks.get(*one);
    assert_eq!(track.map(|track| (track.shape, track.keep)), Some((Shape::Times, Span::days(104))));
    Ok(())
}

#[test]
fn sends_and_their_opens_are_one_track_whoever_comes_first() -> Checked {
    let model = default_model()?;
    let sent = measure(&model, "emails_sent").map(|measure| &measure.how);
    let opened = measure(&model, "emails_opened").map(|measure| &measure.how);
    let (Some(How::Distinct { track: one, .. }), Some(How::Matched { track: other, .. })) =
        (sent, opened)
    else {
        return Err(vec!["emails".to_owned()]);
    };
    assert_eq!(one, other);
    let track = model.tracks.get(*one);
    assert_eq!(track.map(|track| (track.shape, track.keep)), Some((Shape::Sends, Span::days(14))));
    Ok(())
}

#[test]
fn every_index_points_somewhere_and_parts_stand_before_wholes() -> Checked {
    for (_, text) in shipped::MODELS {
        let model = loaded(text)?;
        for (at, measure) in model.measures.iter().enumerate() {
            let parts = match &measure.how {
                How::Ratio { num, den, .. } => vec![*num, *den],
                How::Greatest(parts) => parts.clone(),
                _ => Vec::new(),
            };
            assert!(parts.iter().all(|part| *part < at), "{}", measure.name);
        }
        let mut fed = vec![false; model.tracks.len()];
        for feed in model.feeds.iter().flatten() {
            if let Some(fed) = fed.get_mut(feed.track) {
                *fed = true;
            }
        }
        assert!(fed.iter().all(|fed| *fed));
        assert_eq!((model.feeds.len(), model.reach.len()), (Kind::ALL.len(), Kind::ALL.len()));
        assert!(model.signals.iter().all(|s| s.measure < model.measures.len()));
    }
    Ok(())
}

fn reach(kind: Kind, wanted: Span) -> Checked {
    let model = default_model()?;
    assert_eq!(model.reach.get(kind.index()), Some(&wanted), "{kind:?}");
    Ok(())
}

#[test]
fn a_34_an_event_is_too_old_when_no_window_reaches_it() -> Checked {
    reach(Kind::Login, Span::days(104))?;
    reach(Kind::EmailOpened, Span::days(14))?;
    reach(Kind::EmailSent, Span::days(30))?;
    reach(Kind::TicketOpened, Span::days(90))?;
    reach(Kind::SurveyResponse, Span::days(120))?;
    reach(Kind::SessionEnded, Span::days(7))?;
    reach(Kind::CompetitorVisit, Span::days(7))?;
    reach(Kind::SentimentScored, Span::days(30))?;
    reach(Kind::WebinarInvited, Span::days(90))
}

#[test]
fn a_34_state_types_unread_types_and_types_read_without_a_window_are_never_too_old() -> Checked {
    reach(Kind::SubscriptionStarted, Span::FOREVER)?;
    reach(Kind::ConsentChanged, Span::FOREVER)?;
    reach(Kind::ScoreOverride, Span::FOREVER)?;
    reach(Kind::PaymentSucceeded, Span::FOREVER)?;
    reach(Kind::ReviewPosted, Span::FOREVER)?;
    reach(Kind::RenewalDue, Span::FOREVER)?;
    reach(Kind::FeatureUsed, Span::FOREVER)?;
    reach(Kind::Tick, Span::FOREVER)
}

#[test]
fn a_windowed_measure_makes_no_state_type_too_old() -> Checked {
    let text = "[measures.m]\nkind = \"count\"\nof = \"subscription_changed\"\nwindow = \"30d\"\n";
    let model = with(text, "ge = 1")?;
    let reach = model.reach.get(Kind::SubscriptionChanged.index());
    assert_eq!(reach, Some(&Span::FOREVER));
    Ok(())
}

/// What `enough` a count of logins has under `test`.
fn enough(test: &str, wanted: Option<u64>) -> Checked {
    let text = "[measures.m]\nkind = \"count\"\nof = \"login\"\nwindow = \"30d\"\n";
    let model = with(text, test)?;
    assert_eq!(measure(&model, "m").and_then(|measure| measure.enough), wanted, "{test}");
    Ok(())
}

#[test]
fn from_enough_on_every_count_behaves_alike() -> Checked {
    enough("lt = 2", Some(2))?;
    enough("lt = 2.5", Some(3))?;
    enough("ge = 3", Some(3))?;
    enough("gt = 3", Some(4))?;
    enough("gt = 2.5", Some(3))?;
    enough("le = 0", Some(1))?;
    enough("lt = 0", Some(0))?;
    enough("ge = -4", Some(0))
}

#[test]
fn enough_passes_through_the_greatest_and_stops_at_a_quotient() -> Checked {
    let model = default_model()?;
    let enough = |name: &str| measure(&model, name).map(|measure| measure.enough);
    for (name, wanted) in [
        ("sessions", Some(3)),
        ("logins", Some(3)),
        ("sessions_ended", Some(3)),
        ("tickets", Some(4)),
        ("documents", Some(10)),
        ("support_contacts", Some(1)),
        ("competitor_visits", Some(3)),
        // Read by a signal below 3, and by the ratio to the plan at every value.
        ("features_used", None),
        ("emails_sent", None),
        ("replies_and_clicks", None),
        ("hours", None),
        ("days_overdue", None),
        ("nps", None),
        ("sentiment", None),
    ] {
        assert_eq!(enough(name), Some(wanted), "{name}");
    }
    Ok(())
}

#[test]
fn a_measure_is_judged_when_a_score_hangs_on_it_through_whatever() -> Checked {
    let model = default_model()?;
    for (name, wanted) in [("logins", true), ("plan_features", true), ("days_to_renewal", false)] {
        assert_eq!(measure(&model, name).map(|measure| measure.judged), Some(wanted), "{name}");
    }
    Ok(())
}

fn sourced(listed: &[(Kind, Option<EventTime>)], rows: &[(&str, bool, i64)]) -> Checked {
    let model = load(shipped::DEFAULT, shipped::CATALOG, Some(listed))
        .map_err(|faults| faults.iter().map(ToString::to_string).collect::<Vec<_>>())?;
    for (name, is_sourced, since) in rows {
        let found = measure(&model, name);
        assert_eq!(found.map(|measure| measure.sourced), Some(*is_sourced), "{name}");
        let wanted = if *since == 0 { EventTime::ALWAYS } else { EventTime::from_millis(*since) };
        assert_eq!(found.map(|measure| measure.since), Some(wanted), "{name}");
    }
    Ok(())
}

#[test]
fn a_03_a_measure_needs_one_of_its_types_and_a_ratio_those_of_both_parts() -> Checked {
    let at = |millis| Some(EventTime::from_millis(millis));
    sourced(
        &[
            (Kind::Login, at(50)),
            (Kind::EmailSent, at(30)),
            (Kind::TicketMessage, at(70)),
            (Kind::TicketResolved, at(60)),
            (Kind::FeatureUsed, at(20)),
            (Kind::EmailReplied, at(10)),
            (Kind::InvoiceIssued, None),
            (Kind::PaymentSucceeded, at(90)),
        ],
        &[
            ("login_ratio", true, 50),
            ("sessions_ended", false, 0),
            // The greatest of several needs one of them.
            ("sessions", true, 50),
            ("emails_sent", true, 30),
            // Sends without opens say nothing about openings.
            ("emails_opened", false, 30),
            ("open_rate", false, 30),
            ("answer_rate", true, 10),
            ("support_contacts", true, 60),
            // The plan's features need no type.
            ("feature_ratio", true, 20),
            ("hours", false, 0),
            // Listed without a beginning means always.
            ("days_overdue", true, 0),
            ("csat", false, 0),
        ],
    )
}

#[test]
fn a_19_measures_name_their_purposes() -> Checked {
    let model = default_model()?;
    assert_eq!(model.purposes, ["social_listening", "competitive_tracking"]);
    let consents: Vec<&str> =
        model.measures.iter().filter(|m| m.consent.is_some()).map(|m| &*m.name).collect();
    let wanted = [
        "negative_mentions",
        "competitor_visits",
        "competitor_searches",
        "competitor_research",
        "competitor_trials",
    ];
    assert_eq!(consents, wanted);
    Ok(())
}

#[test]
fn a_18_the_star_row_of_the_catalogue_is_every_other_plan() -> Checked {
    let catalog = "[features]\n\"*\" = 10\npro = 12\nbasic = 4\n";
    let model = load(shipped::DEFAULT, catalog, None)
        .map_err(|faults| faults.iter().map(ToString::to_string).collect::<Vec<_>>())?;
    let features = |plan| model.features_of(plan);
    assert_eq!(features(Some("pro")), 12);
    assert_eq!(features(Some("basic")), 4);
    assert_eq!(features(Some("enterprise")), 10);
    assert_eq!(features(None), 10);
    Ok(())
}

#[test]
fn a_model_reads_the_same_with_its_measures_in_another_order() -> Checked {
    let ratio = "[measures.m]\nkind = \"ratio\"\nnum = \"a\"\nden = \"b\"\nmin_den = 1\n";
    let parts = "[measures.a]\nkind = \"count\"\nof = \"login\"\nwindow = \"7d\"\n\
                 [measures.b]\nkind = \"count\"\nof = \"feature_used\"\nwindow = \"7d\"\n";
    let one = with(&format!("{ratio}{parts}"), "lt = 1")?;
    let other = with(&format!("{parts}{ratio}"), "lt = 1")?;
    let of = |model: &Model| model.signals.first().map(|signal| signal.measure);
    assert_eq!((of(&one), of(&other)), (Some(2), Some(2)));
    assert_eq!(one.measures, other.measures);
    Ok(())
}
