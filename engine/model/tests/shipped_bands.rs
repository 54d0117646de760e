//! The scores and bands of SPEC §1, §2 and §3 as the default model has them, and the bench model.

use super::{default_model, loaded, measure};
use crate::model::{
    Asks, Band, Combine, Days, How, Rings, Score, Severity, Worse, facts, shipped, words,
};
use crate::unit::Span;

type Checked = Result<(), Vec<String>>;

fn score(name: &str) -> Result<Score, Vec<String>> {
    let model = default_model()?;
    let found = model.scores.iter().find(|score| score.name == name);
    found.cloned().ok_or_else(|| vec![name.to_owned()])
}

/// Checks band `name` of `score`: from, to, and whether it asks for action.
fn band(of: &str, name: &str, (from, to): (f64, f64), asks: Asks) -> Result<Band, Vec<String>> {
    let score = score(of)?;
    let at = score.bands.iter().position(|band| band.name == name);
    let Some(band) = at.and_then(|at| score.bands.get(at)) else {
        return Err(vec![format!("{of}.{name}")]);
    };
    let next = at.and_then(|at| score.bands.get(at + 1)).map_or(100.0, |next| next.from);
    assert_eq!((band.from, next), (from, to), "{of}.{name}");
    assert_eq!(band.asks, asks, "{of}.{name}");
    Ok(band.clone())
}

#[test]
fn r3_t1_three_signals_are_high() -> Checked {
    band("risk", "high", (70.0, 100.0), Asks::Action)?;
    let Combine::CappedSum { count_floor, .. } = score("risk")?.combine else {
        return Err(Vec::new());
    };
    assert_eq!(count_floor, [0.0, 0.0, 40.0, 70.0]);
    Ok(())
}

#[test]
fn r3_t2_two_signals_are_medium() -> Checked {
    band("risk", "medium", (40.0, 70.0), Asks::Action).map(|_| ())
}

#[test]
fn r3_t3_fewer_are_low() -> Checked {
    band("risk", "low", (0.0, 40.0), Asks::Nothing).map(|_| ())
}

#[test]
fn i_1_the_weights_of_the_categories_are_caps() -> Checked {
    let Combine::CappedSum { groups, .. } = score("risk")?.combine else { return Err(Vec::new()) };
    let caps: Vec<(&str, f64)> = groups.iter().map(|group| (&*group.name, group.cap)).collect();
    assert_eq!(caps, [("behaviour", 40.0), ("sentiment", 30.0), ("competition", 30.0)]);
    Ok(())
}

#[test]
fn i_3_levels_have_base_span_and_points() -> Checked {
    let Combine::Severity { levels, how } = score("risk_cs")?.combine else {
        return Err(Vec::new());
    };
    let rows: Vec<_> = levels.iter().map(|l| (&*l.name, l.base, l.span, l.points)).collect();
    let wanted = [("high", 80.0, 20.0, 3.0), ("medium", 50.0, 30.0, 2.0), ("low", 20.0, 30.0, 1.0)];
    assert_eq!(rows, wanted);
    assert_eq!(how, Severity::Max);
    Ok(())
}

#[test]
fn r4_bh_high_asks_for_a_call_at_once() -> Checked {
    let band = band("risk_cs", "high", (80.0, 100.0), Asks::Action)?;
    assert_eq!((band.due, band.channels.join("+")), (Some(Span::ZERO), "phone+email".to_owned()));
    assert!(band.action.contains("how can we help you?"));
    Ok(())
}

#[test]
fn r4_bm_medium_asks_for_a_message_within_24_hours() -> Checked {
    let band = band("risk_cs", "medium", (50.0, 80.0), Asks::Action)?;
    assert_eq!((band.due, band.channels.join("+")), (Some(Span::days(1)), "email+linkedin".into()));
    assert!(band.action.contains("added value and support"));
    Ok(())
}

#[test]
fn r4_bl_low_asks_for_an_email_within_48_hours() -> Checked {
    let band = band("risk_cs", "low", (20.0, 50.0), Asks::Action)?;
    assert_eq!((band.due, band.channels.join("+")), (Some(Span::days(2)), "email".to_owned()));
    assert!(band.action.contains("resources and best practices"));
    Ok(())
}

#[test]
fn r4_b0_below_20_there_is_nothing_to_do() -> Checked {
    let band = band("risk_cs", "none", (0.0, 20.0), Asks::Nothing)?;
    assert_eq!((band.due, band.channels.len()), (None, 0));
    Ok(())
}

#[test]
fn rt_1_high_retention_is_for_growth() -> Checked {
    let band = band("retention", "high", (80.0, 100.0), Asks::Nothing)?;
    assert!(band.action.contains("upsell opportunities"));
    Ok(())
}

#[test]
fn rt_2_medium_retention_is_for_improvement() -> Checked {
    let band = band("retention", "medium", (60.0, 80.0), Asks::Nothing)?;
    assert!(band.action.contains("engagement campaigns"));
    Ok(())
}

#[test]
fn rt_3_low_retention_is_for_recovery() -> Checked {
    let band = band("retention", "low", (40.0, 60.0), Asks::Action)?;
    assert!(band.action.contains("re-engagement campaigns"));
    Ok(())
}

#[test]
fn rt_4_at_risk_is_for_prevention() -> Checked {
    let band = band("retention", "at_risk", (0.0, 40.0), Asks::Action)?;
    assert!(band.action.contains("retention campaigns"));
    Ok(())
}

#[test]
fn a_21_retention_weighs_its_inputs_as_the_reading_says() -> Checked {
    let model = default_model()?;
    let Combine::Weighted { subscores } = score("retention")?.combine else {
        return Err(Vec::new());
    };
    let mut rows = Vec::new();
    for subscore in &subscores {
        rows.push(format!("{} {}", subscore.name, subscore.weight.to_f64()));
        for input in &subscore.inputs {
            let name = words::name(&model, input.measure);
            rows.push(format!("  {name} {} -> {}", input.low, input.high));
        }
    }
    let wanted = [
        "engagement 0.4",
        "  open_rate 0 -> 0.5",
        "  sessions 0 -> 3",
        "  login_ratio 0 -> 1",
        "  webinar_ratio 0 -> 1",
        "usage 0.3",
        "  feature_ratio 0 -> 0.8",
        "  hours 0 -> 2",
        "  documents 0 -> 10",
        "satisfaction 0.2",
        "  nps 0 -> 10",
        "  csat 1 -> 5",
        "  ces 5 -> 1",
        "  sentiment 0 -> 1",
        "value 0.1",
        "  roi 0 -> 200",
        "  kpi_attainment 0 -> 1",
        "  paid_on_time 0 -> 1",
    ];
    assert_eq!(rows, wanted);
    for (name, is) in [
        ("documents", "number of content_created (kind is document) in the last 30d"),
        ("sentiment", "mean score of sentiment_scored in the last 30d"),
        ("roi", "latest roi_pct of roi_reported, at most 120d old"),
        (
            "kpi_attainment",
            "latest attainment of kpi_reported (kpi_role is primary), at most 120d old",
        ),
        (
            "paid_on_time",
            "share of the invoices due in the last 90d that were paid by their due date",
        ),
    ] {
        let at = model.measures.iter().position(|measure| measure.name == name);
        assert_eq!(at.map(|at| words::measure(&model, at)).as_deref(), Some(is));
    }
    Ok(())
}

#[test]
fn a_22_retention_asks_for_half_of_its_weights() -> Checked {
    let score = score("retention")?;
    assert_eq!(score.min_coverage.to_string(), "0.5");
    assert_eq!(score.null_band.as_deref(), Some("insufficient_data"));
    Ok(())
}

#[test]
fn a_53_retention_rings_when_it_drops_by_20_in_7_days() -> Checked {
    let drop = score("retention")?.drop;
    let rule = drop.map(|drop| (drop.days, drop.ring_at, drop.arm_above, drop.cooldown));
    assert_eq!(rule, Some((7, -20.0, -15.0, Span::days(7))));
    assert!(score("risk")?.drop.is_none() && score("risk_cs")?.drop.is_none());
    Ok(())
}

#[test]
fn a_7_a_8_a_15_margins_coverage_cooldown_and_dwell() -> Checked {
    let model = default_model()?;
    let names: Vec<&str> = model.scores.iter().map(|score| &*score.name).collect();
    assert_eq!(names, ["risk", "risk_cs", "retention"]);
    for score in &model.scores {
        assert_eq!(score.exit_margin.to_string(), "5", "{}", score.name);
        assert_eq!((score.dwell, score.cooldown), (Span::ZERO, Span::days(7)), "{}", score.name);
        let is_retention = score.name == "retention";
        assert_eq!(score.worse == Worse::Lower, is_retention, "{}", score.name);
        assert_eq!(0.0 < score.min_coverage, is_retention, "{}", score.name);
    }
    Ok(())
}

#[test]
fn the_bench_model_is_the_bench_job() -> Checked {
    let model = loaded(shipped::BENCH)?;
    let rows: Vec<String> = model
        .signals
        .iter()
        .map(|signal| {
            let score = model.scores.get(signal.score);
            let group = score.map(|score| facts::member(score, signal)).unwrap_or_default();
            assert_eq!(signal.rings, Rings::Never);
            format!("{} {} {group} {}", signal.id, signal.points, facts::test(&model, signal))
        })
        .collect();
    let wanted = [
        "B1 15 behaviour open_rate < 0.5",
        "B2 20 behaviour feature_ratio < 0.3",
        "B3 10 behaviour tickets > 3",
        "B4 15 behaviour days_overdue > 7",
        "B5 10 behaviour login_ratio < 0.5",
        "S2 10 sentiment sentiment < 0.3",
    ];
    assert_eq!(rows, wanted);
    assert!(model.flags.is_empty() && model.intents.is_empty());
    let graces: Vec<(&str, Span)> = model
        .measures
        .iter()
        .filter(|measure| measure.grace != Span::ZERO)
        .map(|measure| (&*measure.name, measure.grace))
        .collect();
    assert_eq!(graces, [("feature_ratio", Span::days(30)), ("login_ratio", Span::days(104))]);
    let rate = measure(&model, "login_ratio").map(|measure| &measure.how);
    assert!(matches!(rate, Some(How::Rate { days: Days::Fixed, .. })));
    assert_eq!(model.features_of(Some("any")), 10);
    let Some(risk) = model.scores.first() else { return Err(Vec::new()) };
    assert_eq!((risk.exit_margin.to_string().as_str(), risk.dwell), ("5", Span::ZERO));
    assert_eq!((risk.cooldown, risk.bands.len()), (Span::ZERO, 3));
    let Combine::CappedSum { groups, count_floor, .. } = &risk.combine else {
        return Err(Vec::new());
    };
    assert_eq!(groups.iter().map(|group| group.cap).collect::<Vec<_>>(), [40.0, 30.0]);
    assert_eq!(*count_floor, [0.0, 0.0, 40.0, 70.0]);
    Ok(())
}
