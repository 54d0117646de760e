//! The vocabulary: every type of event, and the fields each may carry.
//!
//! Shape   one row a type: its number in the specification, its name, its fields. The form of a
//!         field hangs on the type too, for `score` and `step` mean two things.
//! Rules   fields that a type does not list are ignored like unknown ones.
//! Source  specification §0, E01 to E41.

/// The form a field's JSON value must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A string.
    Text,
    /// A number of any sign.
    Number,
    /// A number that is not negative.
    Amount,
    /// A whole number that is not negative.
    Count,
    /// `true` or `false`.
    Flag,
    /// A moment, as in the envelope's `time`.
    Time,
    /// A calendar day, `2026-11-21`, or a moment.
    Day,
    /// A string or a whole number, kept as text: a step may be `"1"` or `1`.
    Label,
    /// One of these strings.
    OneOf(&'static [&'static str]),
}

macro_rules! fields {
    ($($variant:ident $name:literal,)*) => {
        /// A field beyond the envelope, by its name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        #[expect(missing_docs, reason = "a variant is its field's name in the vocabulary")]
        pub enum Field { $($variant,)* }

        impl Field {
            /// Every field, in the order of their declaration.
            pub const ALL: &[Field] = &[$(Field::$variant,)*];

            /// The name in JSON.
            pub const fn name(self) -> &'static str {
                match self { $(Field::$variant => $name,)* }
            }

            /// The field called `name`, if the vocabulary has one.
            pub fn named(name: &str) -> Option<Field> {
                match name { $($name => Some(Field::$variant),)* _ => None }
            }
        }
    };
}

fields! {
    About "about_plan_limit", ActiveAutomations "active_automations", Amount "amount",
    Attempt "attempt_no", B2 "b2b_or_b2c", Baseline "baseline", BillingPeriod "billing_period_months",
    Birthday "birthday", By "by", Campaign "campaign_id", Channel "channel", Competitor "competitor",
    ConsentBasis "consent_basis", Core "core", Currency "currency", DaysToRenewal "days_to_renewal",
    Decline "decline", Department "department", Device "device", DueAt "due_at",
    Duration "duration_s", EffectiveAt "effective_at", Employees "employees", Feature "feature_id",
    FirstPurchase "first_purchase_date", FirstResponse "first_response_s", Granted "granted",
    HigherIsBetter "higher_is_better", Industry "industry", Intervention "intervention_id",
    Invoice "invoice_id", IsPremium "is_premium", Items "items", Keyword "keyword",
    SubKind "kind", KpiName "kpi_name", KpiRole "kpi_role", Limit "limit", Message "message_id",
    Metric "metric", Mrr "mrr", Network "network", NewDueAt "new_due_at", NewMarkets "new_markets",
    NewMrr "new_mrr", NewPlan "new_plan", NewProducts "new_products", Now "now", Offer "offer_id",
    OldMrr "old_mrr", OldPlan "old_plan", Owner "owner_id", Period "period", Plan "plan",
    PlannedResume "planned_resume_at", Points "points", Polarity "polarity", Priority "priority",
    Product "product_id", Purchased "purchase_ts", Purpose "purpose", Rating "rating",
    Reach "reach", Reason "reason", ReasonCode "reason_code", ReferralCode "referral_code",
    ReferredCustomer "referred_customer_id", ReferredPlan "referred_plan", RenewedAt "renewed_at",
    RequiresPlan "requires_plan", Resource "resource_id", Result "result", Revenue "revenue",
    Reward "reward_id", Roi "roi_pct", Role "role", Rule "rule", ScaleMax "scale_max",
    ScaleMin "scale_min", Scope "scope", Score "score", Seats "seats", Segment "segment",
    Share "share_id", Source "source", SourceId "source_id", StartedAt "started_at", Step "step",
    Target "target", TermMonths "term_months", TextId "text_id", Ticket "ticket_id",
    Tier "tier", Timezone "timezone", Timing "timing", Topic "topic_id", Touchpoint "touchpoint",
    Ttl "ttl_ms", Until "until", Used "used", User "user_id", Value "value",
    Voluntary "voluntary", Webinar "webinar_id", Feedback "feedback_id",
}

macro_rules! kinds {
    ($($variant:ident $code:literal $name:literal [$($field:ident $form:expr),* $(,)?])*) => {
        /// A type of event, by its name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        #[expect(missing_docs, reason = "a variant is its type's name in the vocabulary")]
        pub enum Kind { $($variant,)* }

        impl Kind {
            /// Every type, in the order of the specification.
            pub const ALL: &[Kind] = &[$(Kind::$variant,)*];

            /// The name in JSON.
            pub const fn name(self) -> &'static str {
                match self { $(Kind::$variant => $name,)* }
            }

            /// The number in the specification: `E01` to `E41`.
            pub const fn code(self) -> &'static str {
                match self { $(Kind::$variant => $code,)* }
            }

            /// The fields this type may carry, each with its form.
            pub const fn fields(self) -> &'static [(Field, Form)] {
                match self { $(Kind::$variant => &[$((Field::$field, $form)),*],)* }
            }
        }
    };
}

use Form::{Amount, Count, Day, Flag, Label, Number, OneOf, Text, Time};

kinds! {
    CustomerCreated "E01" "customer_created" [
        Plan Text, Mrr Amount, Currency Text, BillingPeriod Count, Seats Count, Segment Text,
        Industry Text, Role Text, Owner Text, Timezone Text, ReferralCode Text,
        B2 OneOf(&["b2b", "b2c"]), Purchased Time]
    SubscriptionStarted "E01" "subscription_started" [
        Plan Text, Mrr Amount, Currency Text, BillingPeriod Count, Seats Count, Segment Text,
        Industry Text, Role Text, Owner Text, Timezone Text, ReferralCode Text,
        B2 OneOf(&["b2b", "b2c"]), Purchased Time, Product Text]
    SubscriptionChanged "E02" "subscription_changed" [
        OldPlan Text, NewPlan Text, OldMrr Amount, NewMrr Amount, Seats Count,
        SubKind OneOf(&["upgrade", "downgrade", "crosssell", "addon"]), Product Text]
    SubscriptionPaused "E03" "subscription_paused" [Reason Text, PlannedResume Time]
    SubscriptionResumed "E03" "subscription_resumed" [Reason Text, PlannedResume Time]
    RenewalDue "E04" "renewal_due" [
        DueAt Time, RenewedAt Time, TermMonths Count, Timing OneOf(&["early", "on_time", "late"])]
    SubscriptionRenewed "E04" "subscription_renewed" [
        DueAt Time, RenewedAt Time, TermMonths Count, Timing OneOf(&["early", "on_time", "late"])]
    CancellationRequested "E05" "cancellation_requested" [ReasonCode Text, Channel Text]
    SubscriptionCancelled "E06" "subscription_cancelled" [
        ReasonCode Text, Voluntary Flag, EffectiveAt Time]
    SubscriptionReactivated "E07" "subscription_reactivated" [Campaign Text, Offer Text]
    Login "E08" "login" [User Text, Device Text]
    SessionStarted "E09" "session_started" [User Text, Device Text]
    SessionEnded "E09" "session_ended" [Duration Amount, User Text, StartedAt Time]
    FeatureUsed "E10" "feature_used" [
        Feature Text, Tier OneOf(&["basic", "advanced", "premium"]), Product Text, Core Flag,
        User Text]
    UsageMetered "E11" "usage_metered" [Metric Text, Used Amount, Limit Amount, Period Text]
    LimitReached "E11" "limit_reached" [Metric Text, Used Amount, Limit Amount, Period Text]
    UsageBlocked "E11" "usage_blocked" [Metric Text, Used Amount, Limit Amount, Period Text]
    ContentCreated "E12" "content_created" [
        SubKind OneOf(&["document", "campaign", "automation"]), ActiveAutomations Count]
    OnboardingStep "E13" "onboarding_step" [Step Text]
    EmailSent "E14" "email_sent" [
        Message Text, Campaign Text, SubKind OneOf(&["marketing", "transactional"])]
    EmailOpened "E14" "email_opened" [
        Message Text, Campaign Text, SubKind OneOf(&["marketing", "transactional"])]
    EmailClicked "E14" "email_clicked" [
        Message Text, Campaign Text, SubKind OneOf(&["marketing", "transactional"])]
    EmailReplied "E14" "email_replied" [
        Message Text, Campaign Text, SubKind OneOf(&["marketing", "transactional"])]
    Unsubscribed "E14" "unsubscribed" [
        Message Text, Campaign Text, SubKind OneOf(&["marketing", "transactional"])]
    InappShown "E15" "inapp_shown" [Message Text]
    PushSent "E15" "push_sent" [Message Text]
    WhatsappSent "E15" "whatsapp_sent" [Message Text]
    SmsSent "E15" "sms_sent" [Message Text]
    TicketOpened "E16" "ticket_opened" [
        Ticket Text, Topic Text, Priority Text, About Flag, FirstResponse Amount]
    TicketMessage "E16" "ticket_message" [
        Ticket Text, Topic Text, Priority Text, About Flag, FirstResponse Amount]
    TicketResolved "E16" "ticket_resolved" [
        Ticket Text, Topic Text, Priority Text, About Flag, FirstResponse Amount]
    TicketReopened "E16" "ticket_reopened" [
        Ticket Text, Topic Text, Priority Text, About Flag, FirstResponse Amount]
    InvoiceIssued "E17" "invoice_issued" [Invoice Text, Amount Amount, DueAt Time, Currency Text]
    PaymentSucceeded "E18" "payment_succeeded" [
        Invoice Text, Amount Amount, Decline OneOf(&["hard", "soft"]), Attempt Count, NewDueAt Time,
        Currency Text]
    PaymentFailed "E18" "payment_failed" [
        Invoice Text, Amount Amount, Decline OneOf(&["hard", "soft"]), Attempt Count, NewDueAt Time,
        Currency Text]
    PaymentDeferred "E18" "payment_deferred" [
        Invoice Text, Amount Amount, Decline OneOf(&["hard", "soft"]), Attempt Count, NewDueAt Time,
        Currency Text]
    Refund "E18" "refund" [
        Invoice Text, Amount Amount, Decline OneOf(&["hard", "soft"]), Attempt Count, NewDueAt Time,
        Currency Text]
    SurveyResponse "E19" "survey_response" [
        SubKind OneOf(&["nps", "csat", "ces", "satisfaction", "exit"]), Value Number,
        ScaleMin Number, ScaleMax Number, HigherIsBetter Flag, User Text, Touchpoint Text]
    SentimentScored "E20" "sentiment_scored" [
        Channel OneOf(&["comment", "ticket", "review", "social", "call"]), Score Number,
        ScaleMin Number, ScaleMax Number, SourceId Text]
    SocialMention "E21" "social_mention" [
        Polarity OneOf(&["positive", "neutral", "negative"]), Score Number, Network Text,
        Reach Count, ScaleMin Number, ScaleMax Number]
    CompetitorVisit "E22" "competitor_visit" [Competitor Text, Keyword Text, ConsentBasis Text]
    CompetitorSearch "E22" "competitor_search" [Competitor Text, Keyword Text, ConsentBasis Text]
    CompetitorResearch "E22" "competitor_research" [
        Competitor Text, Keyword Text, ConsentBasis Text]
    CompetitorTrial "E22" "competitor_trial" [Competitor Text, Keyword Text, ConsentBasis Text]
    ContractReviewed "E23" "contract_reviewed" [By Text, DaysToRenewal Number]
    WebinarInvited "E24" "webinar_invited" [Webinar Text]
    WebinarAttended "E24" "webinar_attended" [Webinar Text]
    ResourceDownloaded "E25" "resource_downloaded" [Resource Text]
    CommunityActivity "E26" "community_activity" [SubKind OneOf(&["post", "reply", "like"])]
    FeedbackSubmitted "E27" "feedback_submitted" [
        Feature Text, RequiresPlan Text, Feedback Text]
    FeatureRequested "E27" "feature_requested" [Feature Text, RequiresPlan Text]
    SocialShare "E27" "social_share" [Feature Text, RequiresPlan Text, Share Text]
    ReferralSent "E28" "referral_sent" [
        ReferralCode Text, ReferredCustomer Text, ReferredPlan Text, IsPremium Flag]
    ReferralQualified "E28" "referral_qualified" [
        ReferralCode Text, ReferredCustomer Text, ReferredPlan Text, IsPremium Flag]
    ReferralConverted "E28" "referral_converted" [
        ReferralCode Text, ReferredCustomer Text, ReferredPlan Text, IsPremium Flag]
    ReferralRenewed "E28" "referral_renewed" [
        ReferralCode Text, ReferredCustomer Text, ReferredPlan Text, IsPremium Flag]
    RoiReported "E29" "roi_reported" [Roi Number]
    KpiReported "E29" "kpi_reported" [
        KpiName Text, Baseline Number, Value Number, Target Number,
        KpiRole OneOf(&["primary", "secondary"])]
    FirmographicsUpdated "E30" "firmographics_updated" [
        Employees Count, Revenue Amount, NewMarkets Label, NewProducts Label]
    DepartmentInterest "E31" "department_interest" [Department Text, Role Text, Source Text]
    PointsRedeemed "E32" "points_redeemed" [Reward Text, Points Count]
    RewardGranted "E32" "reward_granted" [Reward Text, Points Count]
    RewardRevoked "E32" "reward_revoked" [Reward Text, Points Count]
    InterventionStepDone "E33" "intervention_step_done" [
        Intervention Text, Step Label,
        Result OneOf(&["contacted", "no_answer", "accepted", "declined"])]
    InterventionOutcome "E33" "intervention_outcome" [
        Intervention Text, Step Label,
        Result OneOf(&["contacted", "no_answer", "accepted", "declined"])]
    AlertAcked "E34" "alert_acked" [Rule Text, Until Time, Reason Text, By Text, Ttl Count]
    AlertSnoozed "E34" "alert_snoozed" [Rule Text, Until Time, Reason Text, By Text, Ttl Count]
    ScoreOverride "E34" "score_override" [
        Score Text, Value Number, Until Time, Reason Text, By Text, Ttl Count]
    OwnerChanged "E34" "owner_changed" [Owner Text, Until Time, Reason Text, By Text, Ttl Count]
    ConsentChanged "E35" "consent_changed" [Purpose Text, Granted Flag]
    ErasureRequested "E36" "erasure_requested" [Scope Text]
    Purchase "E37" "purchase" [Amount Amount, Items Count]
    CartAbandoned "E38" "cart_abandoned" [Value Amount]
    ReviewPosted "E39" "review_posted" [Rating Number, TextId Text]
    Tick "E40" "tick" [Now Time]
    ProfileDates "E41" "profile_dates" [Birthday Day, FirstPurchase Day]
}

/// How many types there are.
pub const KINDS: usize = Kind::ALL.len();

impl Kind {
    /// The place of this type in [`Kind::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The type called `name`, if the vocabulary has one.
    ///
    /// Cost: one or two comparisons of text, for every record asks.
    pub fn named(name: &str) -> Option<Kind> {
        let mut slot = slot_of(name.as_bytes());
        loop {
            let kind = *Kind::ALL.get(usize::from(BY_NAME[slot].checked_sub(1)?))?;
            if kind.name() == name {
                return Some(kind);
            }
            slot = (slot + 1) % SLOTS;
        }
    }

    /// The form of `field` in this type, or `None` where the type does not carry it.
    pub fn form(self, field: Field) -> Option<Form> {
        self.fields().iter().find(|(known, _)| *known == field).map(|(_, form)| *form)
    }
}

/// Slots of the table of names: three times as many as names, so that most names stand alone.
const SLOTS: usize = 256;

/// The types by a hash of their names: the place in [`Kind::ALL`] plus one, 0 for an empty slot,
/// and a name whose slot is taken stands in the next free one.
static BY_NAME: [u8; SLOTS] = by_name();

const fn by_name() -> [u8; SLOTS] {
    let mut table = [0; SLOTS];
    let mut place: u8 = 0;
    while (place as usize) < KINDS {
        let mut slot = slot_of(Kind::ALL[place as usize].name().as_bytes());
        while table[slot] != 0 {
            slot = (slot + 1) % SLOTS;
        }
        place += 1;
        table[slot] = place;
    }
    table
}

/// Where `name` wants to stand: a mix of its length and four of its bytes. The factors were found
/// by trial: only three of the names meet a taken slot.
const fn slot_of(name: &[u8]) -> usize {
    let len = name.len();
    if len == 0 {
        return 0;
    }
    let (first, middle) = (name[0] as usize, name[len / 2] as usize);
    let (late, last) = (name[len - 1 - len / 4] as usize, name[len - 1] as usize);
    (len * 15 + first * 81 + middle * 179 + late * 75 + last * 15) % SLOTS
}

// An empty slot must remain, or the search for an unknown name would not end.
const _: () = assert!(KINDS < SLOTS);

// One bit each in a set of types.
const _: () = assert!(KINDS <= u128::BITS as usize);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_again() {
        for &kind in Kind::ALL {
            assert_eq!(Kind::named(kind.name()), Some(kind));
            assert_eq!(Kind::ALL[kind.index()], kind);
        }
        for unknown in ["", "l", "logim", "customer_create", "customer_created_", "\u{fc}"] {
            assert_eq!(Kind::named(unknown), None, "{unknown}");
        }
        for &field in Field::ALL {
            assert_eq!(Field::named(field.name()), Some(field));
        }
    }

    #[test]
    fn no_type_lists_a_field_twice() {
        for &kind in Kind::ALL {
            for (at, (field, _)) in kind.fields().iter().enumerate() {
                assert!(kind.fields()[..at].iter().all(|(other, _)| other != field), "{kind:?}");
            }
        }
    }

    #[test]
    fn every_number_of_the_vocabulary_has_a_type() {
        for code in 1..=41 {
            let code = format!("E{code:02}");
            assert!(Kind::ALL.iter().any(|kind| kind.code() == code), "{code}");
        }
    }
}
