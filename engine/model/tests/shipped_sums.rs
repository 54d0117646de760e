//! The default model as a whole: sums of points, what stands beside the signals, intents.

use super::{default_model, is, measure};
use crate::model::{Combine, How, Model, Score, words};
use crate::unit::Span;

type Checked = Result<(), Vec<String>>;

/// The points of a score's signals by group or level, in their order.
fn sums(model: &Model, score: &Score) -> Vec<(String, usize, f64)> {
    let names: Vec<String> = match &score.combine {
        Combine::CappedSum { groups, .. } => groups.iter().map(|g| g.name.clone()).collect(),
        Combine::Severity { levels, .. } => levels.iter().map(|l| l.name.clone()).collect(),
        _ => Vec::new(),
    };
    let of = |group: usize| {
        score
            .signals
            .iter()
            .filter_map(|at| model.signals.get(*at))
            .filter(move |s| s.group == group)
    };
    let row = |(at, name)| (name, of(at).count(), of(at).map(|signal| signal.points).sum());
    names.into_iter().enumerate().map(row).collect()
}

#[test]
fn i_1_the_points_of_the_groups_are_70_50_and_50_and_170_in_total() -> Checked {
    let model = default_model()?;
    let found = model.scores.first().map(|score| sums(&model, score)).unwrap_or_default();
    let wanted = [("behaviour", 5, 70.0), ("sentiment", 5, 50.0), ("competition", 5, 50.0)];
    assert_eq!(found, wanted.map(|(name, n, points)| (name.to_owned(), n, points)));
    Ok(())
}

#[test]
fn i_1_normalised_every_signal_adds_its_share_of_the_groups_weight() -> Checked {
    let model = default_model()?;
    let risk = model.scores.first();
    let Some(Combine::CappedSum { groups, .. }) = risk.map(|score| &score.combine) else {
        return Err(Vec::new());
    };
    let totals = risk.map(|score| sums(&model, score)).unwrap_or_default();
    let mut shares = Vec::new();
    for signal in model.signals.iter().filter(|signal| signal.score == 0) {
        let cap = groups.get(signal.group).map_or(0.0, |group| group.cap);
        let total = totals.get(signal.group).map_or(1.0, |(_, _, total)| *total);
        shares.push(format!("{:.3}", cap * signal.points / total));
    }
    let wanted = "8.571 11.429 5.714 8.571 5.714 9.000 6.000 3.000 6.000 6.000 \
                  6.000 6.000 3.000 9.000 6.000";
    assert_eq!(shares.join(" "), wanted);
    Ok(())
}

#[test]
fn a_47_the_points_of_risk_cs_are_29_of_6_high_5_medium_and_1_low() -> Checked {
    let model = default_model()?;
    let found = model.scores.get(1).map(|score| sums(&model, score)).unwrap_or_default();
    let wanted = [("high", 6, 18.0), ("medium", 5, 10.0), ("low", 1, 1.0)];
    assert_eq!(found, wanted.map(|(name, n, points)| (name.to_owned(), n, points)));
    Ok(())
}

#[test]
fn d_7_the_default_model_has_exactly_the_27_signals_and_four_measures_beside_them() -> Checked {
    let model = default_model()?;
    assert_eq!(model.signals.len(), 27);
    let beside: Vec<&str> =
        model.measures.iter().filter(|m| !m.judged).map(|m| m.name.as_str()).collect();
    let wanted = [
        "days_to_renewal",
        "tickets_of_one_topic",
        "days_since_core_feature",
        "days_since_community",
    ];
    assert_eq!(beside, wanted);
    Ok(())
}

#[test]
fn cx_10_to_cx_13_are_measures() -> Checked {
    let model = default_model()?;
    assert_eq!(is(&model, "days_to_renewal"), "days until the latest due_at of renewal_due");
    let most = "most different ticket_id of ticket_opened with one topic_id in the last 30d";
    assert_eq!(is(&model, "tickets_of_one_topic"), most);
    let core = "days since the latest feature_used (core is true)";
    assert_eq!(is(&model, "days_since_core_feature"), core);
    assert_eq!(is(&model, "days_since_community"), "days since the latest community_activity");
    Ok(())
}

#[test]
fn cx_1_a_cancellation_request_is_an_intent_of_risk() -> Checked {
    let model = default_model()?;
    let intents: Vec<_> = model.intents.iter().map(|i| (&*i.id, i.on.name(), i.score)).collect();
    assert_eq!(intents, [("CX-1", "cancellation_requested", 0)]);
    assert_eq!(model.intents.first().map(|intent| intent.cooldown), Some(Span::days(7)));
    Ok(())
}

#[test]
fn i_34_signals_of_all_groups_count_for_the_floor() -> Checked {
    let model = default_model()?;
    let combine = model.scores.first().map(|score| &score.combine);
    let all = matches!(combine, Some(Combine::CappedSum { count_groups, .. })
        if count_groups.is_empty());
    assert!(all);
    Ok(())
}

#[test]
fn a_10_the_score_of_signals_and_that_of_retention_read_the_same_measure() -> Checked {
    let model = default_model()?;
    assert!(measure(&model, "sessions").is_some_and(|m| matches!(m.how, How::Greatest(_))));
    let retention = model.scores.get(2).map(|score| &score.combine);
    let Some(Combine::Weighted { subscores }) = retention else { return Err(Vec::new()) };
    let read = subscores.iter().flat_map(|s| &s.inputs).map(|i| words::name(&model, i.measure));
    assert!(read.into_iter().any(|name| name == "sessions"));
    Ok(())
}
