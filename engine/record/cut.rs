//! A record cut into names and the raw texts of their values.
//!
//! Shape   two roads. The quick one takes plain records, as nearly all are. Whatever else it meets
//!         sends the record down the whole road, `serde_json`, from its first byte, which alone
//!         says what is wrong with it.
//! Rules   both roads give the same draft; a test drives them side by side.
//! Cost    the quick road is three times as fast; neither allocates up to eight names beyond the
//!         envelope and without escapes.
//! Source  RFC 8259.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;
use smallvec::SmallVec;

use crate::record::plain::walk;
use crate::unit::limit;

/// The names of the envelope, in the order in which a draft keeps them.
pub(crate) const ENVELOPE: [&str; 4] = ["id", "type", "customer_id", "time"];

/// A record cut into names and the raw texts of their values.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Draft<'a> {
    /// The envelope's values; `None` for absent.
    pub(crate) envelope: [Option<&'a str>; ENVELOPE.len()],
    /// A name of the envelope that stood twice.
    envelope_repeated: Option<&'static str>,
    /// All other names and values, in the order of the record.
    pub(crate) others: SmallVec<[(Cow<'a, str>, &'a str); 8]>,
}

impl<'a> Draft<'a> {
    /// Cuts `text` into this empty draft.
    ///
    /// # Errors
    ///
    /// What makes `text` no JSON object, with its place, or that it is nested too deeply.
    pub(crate) fn read(&mut self, text: &'a str) -> Result<(), serde_json::Error> {
        if self.read_plain(text).is_some() {
            return Ok(());
        }
        *self = Draft::default();
        let mut reader = serde_json::Deserializer::from_str(text);
        reader.deserialize_map(DraftVisitor(self))?;
        reader.end()
    }

    /// A name that stands twice, if there is one.
    pub(crate) fn repeated(&self) -> Option<&str> {
        /// Up to so many names comparing all pairs is quicker than sorting them.
        const PAIRS_MAX: usize = 16;
        if self.envelope_repeated.is_some() {
            return self.envelope_repeated;
        }
        if self.others.len() <= PAIRS_MAX {
            let twice = |(at, (name, _)): (usize, &(Cow<'_, str>, _))| {
                self.others[..at].iter().any(|(other, _)| other == name)
            };
            let at = self.others.iter().enumerate().position(twice)?;
            return Some(&self.others[at].0);
        }
        let mut names: Vec<&str> = self.others.iter().map(|(name, _)| name.as_ref()).collect();
        names.sort_unstable();
        names.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
    }

    fn put(&mut self, name: Cow<'a, str>, raw: &'a str) {
        let at = match &*name {
            "id" => 0,
            "type" => 1,
            "customer_id" => 2,
            "time" => 3,
            _ => return self.others.push((name, raw)),
        };
        if self.envelope[at].replace(raw).is_some() {
            self.envelope_repeated = Some(ENVELOPE[at]);
        }
    }

    /// The quick road: `None` where `text` is not plain, and then this draft is to be thrown away.
    fn read_plain(&mut self, text: &'a str) -> Option<()> {
        walk(text, |name, raw| {
            self.put(Cow::Borrowed(name), raw);
            Some(())
        })
    }
}

/// The whole road.
struct DraftVisitor<'r, 'a>(&'r mut Draft<'a>);

impl<'de> Visitor<'de> for DraftVisitor<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Name(name)) = map.next_key()? {
            let raw = map.next_value::<&'de RawValue>()?.get();
            if is_too_deep(raw) {
                let most = limit::RECORD_DEPTH_MAX;
                return Err(A::Error::custom(format_args!("nesting deeper than {most}")));
            }
            self.0.put(name, raw);
        }
        Ok(())
    }
}

/// A name, borrowed unless it holds escapes.
struct Name<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Name<'de>, D::Error> {
        struct NameVisitor;
        impl<'de> Visitor<'de> for NameVisitor {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_borrowed_str<E: Error>(self, name: &'de str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Borrowed(name)))
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(name.to_owned())))
            }
        }
        deserializer.deserialize_str(NameVisitor)
    }
}

/// Whether the value `raw`, known to be whole JSON, nests deeper than the bound.
///
/// The cutting itself keeps no stack, so this is a courtesy to readers of rejected records.
fn is_too_deep(raw: &str) -> bool {
    if raw.len() < 2 * limit::RECORD_DEPTH_MAX || !raw.starts_with(['[', '{']) {
        return false;
    }
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for byte in raw.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            _ if in_text => {}
            b'[' | b'{' => {
                depth += 1;
                if limit::RECORD_DEPTH_MAX < depth {
                    return true;
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Drives both roads over `text`; returns whether it was plain.
    fn check(text: &str) -> bool {
        let mut quick = Draft::default();
        let is_plain = quick.read_plain(text).is_some();
        let mut whole = Draft::default();
        let mut reader = serde_json::Deserializer::from_str(text);
        let read = reader.deserialize_map(DraftVisitor(&mut whole)).and_then(|()| reader.end());
        if is_plain {
            assert!(read.is_ok(), "{text}: {read:?}");
            assert_eq!(quick, whole, "{text}");
        }
        is_plain
    }

    #[test]
    fn plain_records_take_the_quick_road_and_others_the_whole_one() {
        for plain in [
            r#"{"id":"e","type":"login"}"#,
            " {\t\"a\" :\r\n\"b\" , \"c\":-0.50 , \"d\":null,\"e\":true,\"f\":false } \n",
            r#"{"":"","a":0,"time":12345,"longer than eight bytes":"and its väluẽ as well 😀"}"#,
        ] {
            assert!(check(plain), "{plain}");
        }
        for other in [
            "",
            "{}",
            "[]",
            "{",
            r#"{"a"}"#,
            r#"{"a":}"#,
            r#"{"a":1,}"#,
            r#"{"a":01}"#,
            r#"{"a":1.}"#,
            r#"{"a":-}"#,
            r#"{"a":1e3}"#,
            r#"{"a":[]}"#,
            r#"{"a":{}}"#,
            r#"{"a":"\n"}"#,
            "{\"a\":\"\n\"}",
            "{\"a\":\"12345678\u{1}\"}",
            r#"{"a":1}x"#,
            r#"{"a":tru}"#,
            r#"{"a":nulls}"#,
            r#"{"a":"b}"#,
            r#"{a:1}"#,
            r#"{"a" 1}"#,
            "\u{feff}{\"a\":1}",
            r#"{"a":1"b":2}"#,
            r#"{"a":+1}"#,
            r#"{"a":.1}"#,
        ] {
            assert!(!check(other), "{other}");
        }
    }

    proptest! {
        #[test]
        fn both_roads_give_the_same_draft(
            parts in prop::collection::vec(prop::sample::select(vec![
                "{", "}", "[", "]", ",", ":", "\"", "\\", "\"a\"", "\"time\"", "\"id\":", "null",
                "true", "-", "0", "12", ".", "5", "e", "E+", " ", "\n", "\u{1}", "ü", "\"b\":1",
                "\"c\":\"d\",", "abcdefgh", "\u{feff}",
            ]), 0..12),
        ) {
            check(&parts.concat());
            check(&format!("{{{}}}", parts.concat()));
            check(&format!("{{\"x\":{}}}", parts.concat()));
            check(&format!("{{\"x\":\"{}\"}}", parts.concat()));
        }
    }
}
