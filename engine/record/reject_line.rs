//! A refused record as one line of JSON, for the rejects of files.
//!
//! Shape   `{reason, detail, file, line, bytes_base64}`; the bytes are in base64 because they may
//!         be anything.
//! Source  DESIGN D-6. On a topic the value is the record itself and the rest are headers.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use crate::record::encode::bytes_of;
use crate::record::reject::Reject;

#[derive(Serialize)]
struct Shape<'a> {
    reason: &'static str,
    detail: &'a str,
    file: &'a str,
    line: u64,
    bytes_base64: String,
}

/// The line, without a line end, for the record `bytes` that stood in line `line` of `file`,
/// lines counted from 1.
pub fn reject_line(reject: &Reject, file: &str, line: u64, bytes: &[u8]) -> Vec<u8> {
    bytes_of(&Shape {
        reason: reject.reason.name(),
        detail: &reject.detail,
        file,
        line,
        bytes_base64: STANDARD.encode(bytes),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::reject::Reason;

    #[test]
    fn d_6_the_line_holds_the_bytes_whatever_they_are() {
        let reject = Reject::new(Reason::BadJson, "found \"x\"; wanted one JSON object in UTF-8");
        let line = reject_line(&reject, "a\\b.jsonl", 7, b"\xff\x00{");
        assert_eq!(
            String::from_utf8_lossy(&line),
            r#"{"reason":"bad_json","detail":"found \"x\"; wanted one JSON object in UTF-8","#
                .to_owned()
                + r#""file":"a\\b.jsonl","line":7,"bytes_base64":"/wB7"}"#
        );
    }
}
