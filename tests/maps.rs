//! The shipped maps over rows in the shape of their files, made up by hand.

use std::path::PathBuf;

use ebb::record::map::{Map, shipped};
use ebb::record::{Decoded, decode};
use ebb::wire::{Batch, Body, Fetched, FileSource, Source};

/// Every event that the files give under the map, as one line each: day, type, customer, id and
/// fields; a refused row as its reject.
fn events(map: &str, files: &[(&str, &str)]) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let paths: Vec<PathBuf> = files
        .iter()
        .map(|(name, text)| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).expect("a file");
            path
        })
        .collect();
    let map = Map::parse(shipped(map).expect("a shipped map")).expect("a map without faults");
    let mut source = FileSource::open(&paths, Some(&map)).expect("files that fit the map");
    let (mut batch, mut lines) = (Batch::default(), Vec::new());
    while source.fill(&mut batch).expect("whole files") == Fetched::Some {
        for record in &batch.records {
            lines.push(match &record.body {
                Body::Refused(reject, _) => reject.to_string(),
                Body::Event(range) => told(&batch.bytes[range.clone()], &map),
            });
        }
        batch.clear();
    }
    lines
}

/// An event in short. It must be one that the decoder takes, of a type that the map lists.
fn told(bytes: &[u8], map: &Map) -> String {
    let event = match decode(bytes) {
        Ok(Decoded::Event(event)) => event,
        other => panic!("{}: {other:?}", String::from_utf8_lossy(bytes)),
    };
    assert!(map.sources.iter().any(|(kind, _)| *kind == event.kind), "{:?}", event.kind);
    let text = String::from_utf8_lossy(bytes);
    let fields = text.split_once("\"time\":").and_then(|(_, rest)| rest.split_once(','));
    let fields = fields.map_or("", |(_, fields)| fields).trim_end_matches('}').replace('"', "");
    let (time, kind) = (event.time, event.kind.name());
    let told = format!("{time} {kind} {} {} {fields}", event.customer_id, event.id);
    told.trim_end().replace("T00:00:00Z", "")
}

fn check(map: &str, files: &[(&str, &str)], wanted: &[&str]) {
    assert_eq!(events(map, files), wanted, "{map}");
}

const ACCOUNTS: &str = "account_id,channel,date_of_birth,country,signup_date,churn_date\n\
                        7,web,1990-02-03,,2021-03-01,2021-05-01\n\
                        8,store,1991-02-03,FR,2021-02-01,\n";

#[test]
fn socialnet7_tells_who_came_and_who_left() {
    check(
        "socialnet7",
        &[("accounts.csv", ACCOUNTS)],
        &[
            "2021-02-01 customer_created 8 signup-2021-02-01 b2b_or_b2c:b2c",
            "2021-03-01 customer_created 7 signup-2021-03-01 b2b_or_b2c:b2c",
            "2021-05-01 subscription_cancelled 7 churn-2021-05-01 voluntary:true",
        ],
    );
}

#[test]
fn socialnet7_tells_periods_as_a_start_and_renewals() {
    let periods = "account_id,product,start_date,end_date,mrr,quantity,units,bill_period_months,\
                   discount\n\
                   7,basic,2021-04-01,2021-05-01,9.5,,,1,0.0\n\
                   7,basic,2021-03-01,2021-04-01,9.5,,,1,0.0\n\
                   9,basic,2021-03-01,2021-04-01,9.5,,,1,0.0\n";
    let (march, april, may) = (1_614_556_800_000_i64, 1_617_235_200_000_i64, 1_619_827_200_000_i64);
    let all = events("socialnet7", &[("accounts.csv", ACCOUNTS), ("subscriptions.csv", periods)]);
    let periods: Vec<&String> = all.iter().filter(|line| line.contains(" 7 ")).collect();
    assert_eq!(
        periods,
        [
            "2021-03-01 customer_created 7 signup-2021-03-01 b2b_or_b2c:b2c",
            "2021-03-01 subscription_started 7 start-2021-03-01 billing_period_months:1,mrr:9.5,\
             plan:basic,product_id:basic",
            &format!("2021-03-01 renewal_due 7 due-2021-04-01 due_at:{april},term_months:1"),
            &format!(
                "2021-04-01 subscription_renewed 7 renewal-2021-04-01 renewed_at:{april},\
                 term_months:1"
            ),
            &format!("2021-04-01 renewal_due 7 due-2021-05-01 due_at:{may},term_months:1"),
            "2021-05-01 subscription_cancelled 7 churn-2021-05-01 voluntary:true",
        ]
    );
    // An account that accounts.csv does not know is neither new nor known: its period is told
    // as a renewal.
    let renewed = format!(
        "2021-03-01 subscription_renewed 9 renewal-2021-03-01 renewed_at:{march},term_months:1"
    );
    assert!(all.contains(&renewed), "{all:#?}");
}

#[test]
fn socialnet7_tells_each_act_as_what_it_means() {
    let acts = "event_time,account_id,event_type,user_id,event_value\n\
                2021-03-02T10:00:00Z,7,adview,0,\n\
                2021-03-02T10:00:01Z,7,like,0,\n\
                2021-03-02T10:00:01Z,7,like,0,\n\
                2021-03-02T10:00:02Z,8,dislike,0,\n\
                2021-03-03T00:00:00Z,7,unfriend,0,\n\
                2021-03-03,7,post,0,\n\
                2021-03-03T00:00:01Z,7,post,0,\n";
    check(
        "socialnet7",
        &[("events.csv", acts)],
        &[
            "2021-03-02T10:00:00Z login 7 login-2021-03-02",
            "2021-03-02T10:00:00Z inapp_shown 7 adview-2",
            "2021-03-02T10:00:01Z feature_used 7 like-3 feature_id:like",
            "2021-03-02T10:00:01Z community_activity 7 community-3 kind:like",
            "2021-03-02T10:00:01Z sentiment_scored 7 sentiment-3 channel:comment,scale_max:1,\
             scale_min:0,score:1",
            "2021-03-02T10:00:01Z feature_used 7 like-4 feature_id:like",
            "2021-03-02T10:00:01Z community_activity 7 community-4 kind:like",
            "2021-03-02T10:00:01Z sentiment_scored 7 sentiment-4 channel:comment,scale_max:1,\
             scale_min:0,score:1",
            "2021-03-02T10:00:02Z login 8 login-2021-03-02",
            "2021-03-02T10:00:02Z feature_used 8 dislike-5 feature_id:dislike",
            "2021-03-02T10:00:02Z sentiment_scored 8 sentiment-5 channel:comment,scale_max:1,\
             scale_min:0,score:0",
            "2021-03-03 login 7 login-2021-03-03",
            "2021-03-03 feature_used 7 unfriend-6 feature_id:unfriend",
            "unmapped: column event_time: \"2021-03-03\"; wanted RFC 3339 with an offset, such as \
             2026-11-21T10:00:00Z for time",
            "2021-03-03T00:00:01Z feature_used 7 post-8 feature_id:post",
            "2021-03-03T00:00:01Z community_activity 7 community-8 kind:post",
        ],
    );
}

const SUBSCRIPTIONS: &str = "subscription_id,account_id,start_date,end_date,plan_tier,seats,\
                             mrr_amount,arr_amount,is_trial,upgrade_flag,downgrade_flag,\
                             churn_flag,billing_frequency,auto_renew_flag\n\
                             S-2,A-1,2023-05-01,2023-08-01,Pro,5,245,2940,FALSE,TRUE,FALSE,TRUE,\
                             annual,TRUE\n\
                             S-1,A-1,2023-02-01,,Basic,5,95,1140,FALSE,FALSE,TRUE,FALSE,monthly,\
                             TRUE\n";

#[test]
fn ravenstack_tells_accounts_and_subscriptions() {
    let accounts = "account_id,account_name,industry,country,signup_date,referral_source,\
                    plan_tier,seats,is_trial,churn_flag\n\
                    A-1,One,EdTech,US,2023-02-01,ads,Basic,9,FALSE,TRUE\n";
    let of = |text: &str| format!("{text},plan:Basic,product_id:S-1,seats:5");
    check(
        "ravenstack",
        &[("accounts.csv", accounts), ("subscriptions.csv", SUBSCRIPTIONS)],
        &[
            "2023-02-01 customer_created A-1 signup-2023-02-01 b2b_or_b2c:b2b,industry:EdTech,\
             plan:Basic,seats:9",
            &of("2023-02-01 subscription_started A-1 S-1-start billing_period_months:1,\
                 currency:USD,mrr:95"),
            "2023-02-01 subscription_changed A-1 S-1-downgrade kind:downgrade,new_mrr:95,\
             new_plan:Basic,product_id:S-1,seats:5",
            "2023-05-01 subscription_started A-1 S-2-start billing_period_months:12,currency:USD,\
             mrr:245,plan:Pro,product_id:S-2,seats:5",
            "2023-05-01 subscription_changed A-1 S-2-upgrade kind:upgrade,new_mrr:245,\
             new_plan:Pro,product_id:S-2,seats:5",
            "2023-08-01 subscription_changed A-1 S-2-end kind:downgrade,old_mrr:245,old_plan:Pro,\
             product_id:S-2",
        ],
    );
}

#[test]
fn ravenstack_tells_whose_usage_it_is() {
    let usage = "usage_id,subscription_id,usage_date,feature_name,usage_count,\
                 usage_duration_secs,error_count,is_beta_feature\n\
                 U-2,S-2,2023-05-09,feature_3,4,600,0,True\n\
                 U-1,S-1,2023-03-09,feature_3,0,0,0,False\n\
                 U-3,S-9,2023-03-09,feature_3,1,60,0,False\n";
    let all =
        events("ravenstack", &[("feature_usage.csv", usage), ("subscriptions.csv", SUBSCRIPTIONS)]);
    let is_usage = |line: &&String| line.contains("feature_used") || line.contains("session_");
    let used: Vec<&String> = all.iter().filter(is_usage).collect();
    assert_eq!(
        used,
        [
            "2023-03-09 session_ended A-1 U-1-session duration_s:0",
            "2023-05-09 feature_used A-1 U-2 feature_id:feature_3,product_id:S-2",
            "2023-05-09 session_ended A-1 U-2-session duration_s:600",
        ]
    );
    let lost = "unmapped: column account_id: \"S-9\" is not in subscriptions.csv; wanted a text \
                for customer_id";
    assert!(all.iter().any(|line| line == lost), "{all:#?}");
}

#[test]
fn ravenstack_tells_tickets_and_churn() {
    let tickets = "ticket_id,account_id,submitted_at,closed_at,resolution_time_hours,priority,\
                   first_response_time_minutes,satisfaction_score,escalation_flag\n\
                   T-1,A-1,2023-04-01,2023-04-02 3:05,27,high,74,4,TRUE\n\
                   T-2,A-1,2023-04-02,2023-04-02 23:00,23,low,1.5,,FALSE\n";
    let churn = "churn_event_id,account_id,churn_date,reason_code,refund_amount_usd,\
                 preceding_upgrade_flag,preceding_downgrade_flag,is_reactivation,feedback_text\n\
                 C-2,A-1,2023-07-01,budget,0,FALSE,FALSE,TRUE,\n\
                 C-1,A-1,2023-06-01,pricing,4.03,FALSE,FALSE,FALSE,too expensive\n";
    check(
        "ravenstack",
        &[("support_tickets.csv", tickets), ("churn_events.csv", churn)],
        &[
            "2023-04-01 ticket_opened A-1 T-1-opened priority:high,ticket_id:T-1",
            "2023-04-02 ticket_opened A-1 T-2-opened priority:low,ticket_id:T-2",
            "2023-04-02T03:05:00Z ticket_resolved A-1 T-1-resolved first_response_s:4440,\
             priority:high,ticket_id:T-1",
            "2023-04-02T03:05:00Z survey_response A-1 T-1-csat kind:csat,touchpoint:ticket,value:4",
            "2023-04-02T03:05:00Z sentiment_scored A-1 T-1-escalated channel:ticket,scale_max:1,\
             scale_min:0,score:0,source_id:T-1",
            "2023-04-02T23:00:00Z ticket_resolved A-1 T-2-resolved first_response_s:90,\
             priority:low,ticket_id:T-2",
            "2023-06-01 subscription_cancelled A-1 C-1 reason_code:pricing,voluntary:true",
            "2023-06-01 refund A-1 C-1-refund amount:4.03,currency:USD",
            "2023-06-01 feedback_submitted A-1 C-1-feedback feedback_id:C-1",
            "2023-07-01 subscription_reactivated A-1 C-2",
        ],
    );
}
