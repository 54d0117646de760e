//! Answers and sentiments on one scale: from 0 to 1.
//!
//! Units   millionths, rounded once after the division, halves away from zero.
//! Rules   a scale stands in the record or is the usual one of its kind of answer; a scale with
//!         one end in the record takes the other from there.
//! Source  specification §15 and I-27; readings A-17, A-20 and A-30.

use crate::record::event::Event;
use crate::record::kind::{Field, Kind};
use crate::unit::Micros;

/// 0 to 1: sentiments.
const UNIT: (Micros, Micros) = (Micros::ZERO, Micros::ONE);
/// 0 to 10: nps, satisfaction, exit.
const TEN: (Micros, Micros) = (Micros::ZERO, Micros::new(10_000_000));
/// 1 to 5: csat, ces, stars.
const FIVE: (Micros, Micros) = (Micros::ONE, Micros::new(5_000_000));

impl Event<'_> {
    /// The field that [`Event::scale`] belongs to, for the types that have one.
    pub fn scaled_field(&self) -> Option<Field> {
        match self.kind {
            Kind::SurveyResponse => Some(Field::Value),
            Kind::SentimentScored | Kind::SocialMention => Some(Field::Score),
            Kind::ReviewPosted => Some(Field::Rating),
            _ => None,
        }
    }

    /// The ends of the scale of the event's answer, sentiment or rating; `None` where the type
    /// has none, or where it cannot be known because a survey says neither its kind nor its scale.
    pub fn scale(&self) -> Option<(Micros, Micros)> {
        let usual = match self.kind {
            Kind::SurveyResponse => match self.text(Field::SubKind) {
                Some("csat" | "ces") => Some(FIVE),
                Some(_) => Some(TEN),
                None => None,
            },
            Kind::SentimentScored | Kind::SocialMention => Some(UNIT),
            Kind::ReviewPosted => return Some(FIVE),
            _ => return None,
        };
        let min = self.number(Field::ScaleMin).or(usual.map(|(min, _)| min))?;
        let max = self.number(Field::ScaleMax).or(usual.map(|(_, max)| max))?;
        Some((min, max))
    }

    /// The answer, sentiment or rating on the scale from 0 to 1: (value − min) / (max − min);
    /// `None` where the event carries none or its scale is not known.
    pub fn scaled(&self) -> Option<Micros> {
        let value = self.number(self.scaled_field()?)?;
        let (min, max) = self.scale()?;
        let from_min = i128::from(value.get()) - i128::from(min.get());
        Micros::divided(from_min, i128::from(max.get()) - i128::from(min.get()))
    }

    /// How good a survey's answer is, from 0 to 1, whichever way its scale runs: only the effort
    /// of a ces is better when lower, unless the record says otherwise. `None` for other types.
    pub fn goodness(&self) -> Option<Micros> {
        let (above, below) = self.answer()?;
        Micros::divided(i128::from(above), i128::from(below))
    }

    /// The same as a quotient of millionths that is not rounded (A-17 rounds sentiments only).
    pub fn answer(&self) -> Option<(i64, i64)> {
        if self.kind != Kind::SurveyResponse {
            return None;
        }
        let value = self.number(Field::Value)?;
        let (min, max) = self.scale()?;
        let usual = self.text(Field::SubKind) != Some("ces");
        let is_higher_better = self.flag(Field::HigherIsBetter).unwrap_or(usual);
        let (worst, good) = if is_higher_better { (min, value) } else { (value, max) };
        Some((good.get() - worst.get(), max.get() - min.get()))
    }
}

#[cfg(test)]
mod tests {
    use crate::record::decode::{Decoded, decode};
    use crate::record::reject::{Reason, Reject};
    use crate::record::{Event, Value};

    use super::*;

    fn record(kind: &str, rest: &str) -> String {
        format!(r#"{{"id":"e","type":"{kind}","customer_id":"c","time":0,{rest}}}"#)
    }

    fn with<T>(kind: &str, rest: &str, ask: impl Fn(&Event<'_>) -> T) -> Result<T, Reject> {
        match decode(record(kind, rest).as_bytes())? {
            Decoded::Event(event) => Ok(ask(&event)),
            Decoded::Unknown(name) => Err(Reject::new(Reason::Unmapped, name)),
        }
    }

    fn check_scaled(kind: &str, rest: &str, wanted: Option<i64>) {
        let found = with(kind, rest, |event| event.scaled().map(Micros::get));
        assert_eq!(found, Ok(wanted), "{kind} {rest}");
    }

    fn check_goodness(rest: &str, wanted: Option<i64>) {
        let found = with("survey_response", rest, |event| event.goodness().map(Micros::get));
        assert_eq!(found, Ok(wanted), "{rest}");
    }

    fn check_refused(kind: &str, rest: &str, wanted: Option<Reason>) {
        let found = with(kind, rest, |_| ()).err().map(|reject| reject.reason);
        assert_eq!(found, wanted, "{kind} {rest}");
    }

    #[test]
    fn a_17_an_answer_is_a_quotient_that_is_not_rounded() {
        let check = |rest: &str, wanted: Option<(i64, i64)>| {
            let found = with("survey_response", rest, |event| event.answer());
            assert_eq!(found, Ok(wanted), "{rest}");
        };
        check(r#""kind":"nps","value":6.999999"#, Some((6_999_999, 10_000_000)));
        check(
            r#""kind":"nps","value":3,"scale_min":1,"scale_max":7"#,
            Some((2_000_000, 6_000_000)),
        );
        check(r#""kind":"ces","value":4"#, Some((1_000_000, 4_000_000)));
        check(r#""kind":"nps""#, None);
    }

    #[test]
    fn section_15_sentiments_and_ratings_come_onto_one_scale() {
        check_scaled("sentiment_scored", r#""score":0.3"#, Some(300_000));
        // From [-1, 1]: a neutral 0 is 0.5.
        check_scaled("sentiment_scored", r#""score":0,"scale_min":-1"#, Some(500_000));
        check_scaled("sentiment_scored", r#""score":-0.4,"scale_min":-1"#, Some(300_000));
        // From [-4, 4].
        check_scaled(
            "sentiment_scored",
            r#""score":1,"scale_min":-4,"scale_max":4"#,
            Some(625_000),
        );
        check_scaled("social_mention", r#""score":0.25"#, Some(250_000));
        // From stars.
        check_scaled("review_posted", r#""rating":1"#, Some(0));
        check_scaled("review_posted", r#""rating":3"#, Some(500_000));
        check_scaled("review_posted", r#""rating":5"#, Some(1_000_000));
        check_scaled("login", r#""score":5"#, None);
    }

    #[test]
    fn section_15_seven_of_ten_and_three_of_five_differ() {
        let satisfaction = r#""kind":"satisfaction","value":7"#;
        check_scaled("survey_response", satisfaction, Some(700_000));
        check_scaled("survey_response", r#""kind":"csat","value":3"#, Some(500_000));
    }

    #[test]
    fn a_17_a_scaled_sentiment_is_rounded_to_millionths_halves_away() {
        let thirds = r#""score":1,"scale_min":0,"scale_max":3"#;
        check_scaled("sentiment_scored", thirds, Some(333_333));
        let half = r#""score":0.000001,"scale_min":0,"scale_max":2"#;
        check_scaled("sentiment_scored", half, Some(1));
    }

    #[test]
    fn a_20_answers_are_good_or_bad_by_the_usual_scale_of_their_kind() {
        check_goodness(r#""kind":"nps","value":6"#, Some(600_000));
        check_goodness(r#""kind":"exit","value":6"#, Some(600_000));
        check_goodness(r#""kind":"csat","value":2"#, Some(250_000));
        check_goodness(r#""kind":"ces","value":2"#, Some(750_000));
        check_goodness(r#""kind":"ces","value":2,"higher_is_better":true"#, Some(250_000));
        check_goodness(r#""kind":"nps","value":2,"higher_is_better":false"#, Some(800_000));
        check_goodness(
            r#""kind":"nps","value":-50,"scale_min":-100,"scale_max":100"#,
            Some(250_000),
        );
        check_goodness(r#""kind":"nps","value":50,"scale_max":100"#, Some(500_000));
        check_goodness(r#""kind":"nps""#, None);
        check_goodness(r#""value":3"#, None);
        check_goodness(r#""value":3,"scale_min":0,"scale_max":4"#, Some(750_000));
    }

    #[test]
    fn i_27_effort_is_better_low_unless_the_record_says_that_ease_was_asked() {
        check_goodness(r#""kind":"ces","value":5"#, Some(0));
        check_goodness(r#""kind":"ces","value":5,"higher_is_better":true"#, Some(1_000_000));
    }

    #[test]
    fn a_39_a_value_outside_its_scale_or_a_scale_without_room_is_refused() {
        let out = Some(Reason::OutOfRange);
        check_refused("survey_response", r#""kind":"nps","value":10"#, None);
        check_refused("survey_response", r#""kind":"nps","value":11"#, out);
        check_refused("survey_response", r#""kind":"satisfaction","value":-0.1"#, out);
        check_refused("survey_response", r#""kind":"exit","value":10.1"#, out);
        check_refused("survey_response", r#""kind":"csat","value":0"#, out);
        check_refused("survey_response", r#""kind":"ces","value":5.000001"#, out);
        // Rounded on arrival, then compared.
        check_refused("survey_response", r#""kind":"ces","value":5.0000001"#, None);
        check_refused("survey_response", r#""value":11,"scale_max":10"#, None);
        check_refused("survey_response", r#""value":11,"scale_min":0,"scale_max":10"#, out);
        check_refused("survey_response", r#""kind":"nps","scale_min":10"#, out);
        check_refused("survey_response", r#""scale_min":3,"scale_max":2,"value":3"#, out);
        check_refused("sentiment_scored", r#""score":1.1"#, out);
        check_refused("sentiment_scored", r#""score":-0.1,"scale_min":-1"#, None);
        check_refused("social_mention", r#""score":2"#, out);
        check_refused("social_mention", r#""score":2,"scale_max":4"#, None);
        check_refused("review_posted", r#""rating":0"#, out);
        check_refused("review_posted", r#""rating":5.5"#, out);
        check_refused("score_override", r#""value":100"#, None);
        check_refused("score_override", r#""value":100.1"#, out);
        check_refused("score_override", r#""value":-1"#, out);
        check_refused("score_override", r#""value":null"#, None);
    }

    #[test]
    fn a_39_amounts_durations_and_lives_are_not_negative() {
        let out = Some(Reason::OutOfRange);
        check_refused("invoice_issued", r#""amount":-0.01"#, out);
        check_refused("payment_failed", r#""amount":-1"#, out);
        check_refused("refund", r#""amount":-1"#, out);
        check_refused("purchase", r#""amount":-1"#, out);
        check_refused("session_ended", r#""duration_s":-1"#, out);
        check_refused("alert_snoozed", r#""ttl_ms":-1"#, out);
        check_refused("score_override", r#""ttl_ms":0"#, None);
        check_refused("kpi_reported", r#""value":-1"#, None);
        check_refused("roi_reported", r#""roi_pct":-100"#, None);
        check_refused("contract_reviewed", r#""days_to_renewal":-3"#, None);
    }

    #[test]
    fn a_number_keeps_its_millionths() {
        let seen = with("purchase", r#""amount":19.99"#, |event| {
            event.get(Field::Amount) == Some(&Value::Number(Micros::new(19_990_000)))
        });
        assert_eq!(seen, Ok(true));
    }
}
