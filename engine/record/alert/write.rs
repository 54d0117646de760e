//! An alert to its bytes.
//!
//! Rules   every key, in the order of DESIGN §7; what `serde_json` would write.
//! Cost    one allocation; of some thousand alerts a second the bytes are the largest part.

use crate::record::alert::{Alert, Cause, Input, Part};
use crate::record::pen;

impl<S: AsRef<str>> Alert<S> {
    /// The JSON of this alert, without a line end: every key, in the order of DESIGN §7.
    pub fn to_json(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(384 + 160 * self.reasons.len());
        self.write_json(&mut out);
        out
    }

    /// Appends the JSON of this alert to `out`.
    fn write_json(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"id\":\"");
        self.id.write(out);
        out.extend_from_slice(b"\",\"kind\":");
        pen::text(self.kind.name(), out);
        out.extend_from_slice(b",\"rule\":");
        pen::text(self.rule.as_ref(), out);
        out.extend_from_slice(b",\"score\":");
        pen::text_or_null(shown(&self.score), out);
        out.extend_from_slice(b",\"direction\":");
        pen::text(self.direction.name(), out);
        out.extend_from_slice(b",\"customer_id\":");
        pen::text(self.customer_id.as_ref(), out);
        out.extend_from_slice(b",\"at\":");
        pen::moment(self.at, out);
        out.extend_from_slice(b",\"from\":");
        pen::text_or_null(shown(&self.from), out);
        out.extend_from_slice(b",\"to\":");
        pen::text_or_null(shown(&self.to), out);
        out.extend_from_slice(b",\"value\":");
        pen::number_or_null(self.value, out);
        out.extend_from_slice(b",\"previous\":");
        pen::number_or_null(self.previous, out);
        out.extend_from_slice(b",\"cause\":");
        self.cause.write_json(out);
        out.extend_from_slice(b",\"reasons\":");
        list(&self.reasons, Part::write_json, out);
        // Null but in steps of a playbook.
        out.extend_from_slice(b",\"playbook\":null,\"model\":{\"id\":");
        pen::text(self.model_id.as_ref(), out);
        out.extend_from_slice(b",\"version\":");
        pen::whole(self.model_version, out);
        out.extend_from_slice(b"},\"open_since\":");
        pen::moment_or_null(self.open_since, out);
        out.extend_from_slice(b",\"owner\":");
        pen::text_or_null(shown(&self.owner), out);
        out.push(b'}');
    }
}

impl<S: AsRef<str>> Cause<S> {
    /// Appends the JSON of this cause to `out`.
    pub(super) fn write_json(&self, out: &mut Vec<u8>) {
        match self {
            Cause::Timer => out.extend_from_slice(b"{\"type\":\"timer\"}"),
            Cause::Event { id } => {
                out.extend_from_slice(b"{\"type\":\"event\",\"id\":");
                pen::text(id.as_ref(), out);
                out.push(b'}');
            }
            Cause::Record { id, topic, partition, offset } => {
                out.extend_from_slice(b"{\"type\":\"event\",\"id\":");
                pen::text(id.as_ref(), out);
                out.extend_from_slice(b",\"topic\":");
                pen::text(topic.as_ref(), out);
                out.extend_from_slice(b",\"partition\":");
                pen::whole(*partition, out);
                out.extend_from_slice(b",\"offset\":");
                pen::whole(*offset, out);
                out.push(b'}');
            }
        }
    }
}

impl<S: AsRef<str>> Part<S> {
    /// Appends the JSON of this part to `out`.
    pub(super) fn write_json(&self, out: &mut Vec<u8>) {
        match self {
            Part::Signal { signal, name, value, threshold, points } => {
                named(b"{\"signal\":", signal.as_ref(), out);
                named(b",\"name\":", name.as_ref(), out);
                numbers([b",\"value\":", b",\"threshold\":"], [*value, *threshold], out);
                numbers([b",\"points\":"], [*points], out);
            }
            Part::Cap { cap: name, value, threshold, points }
            | Part::Floor { floor: name, value, threshold, points } => {
                let is_cap = matches!(self, Part::Cap { .. });
                named(if is_cap { b"{\"cap\":" } else { b"{\"floor\":" }, name.as_ref(), out);
                numbers([b",\"value\":", b",\"threshold\":"], [*value, *threshold], out);
                numbers([b",\"points\":"], [*points], out);
            }
            Part::Override { by, reason, value, points } => {
                named(b"{\"override\":", by.as_ref(), out);
                out.extend_from_slice(b",\"reason\":");
                pen::text_or_null(shown(reason), out);
                numbers([b",\"value\":", b",\"points\":"], [*value, *points], out);
            }
            Part::Subscore { subscore, value, weight, points, inputs } => {
                named(b"{\"subscore\":", subscore.as_ref(), out);
                numbers([b",\"value\":", b",\"weight\":"], [*value, *weight], out);
                numbers([b",\"points\":"], [*points], out);
                out.extend_from_slice(b",\"inputs\":");
                list(inputs, Input::write_json, out);
            }
        }
        out.push(b'}');
    }
}

impl<S: AsRef<str>> Input<S> {
    fn write_json(&self, out: &mut Vec<u8>) {
        named(b"{\"input\":", self.input.as_ref(), out);
        numbers([b",\"value\":", b",\"low\":"], [self.value, self.low], out);
        numbers([b",\"high\":", b",\"score\":"], [self.high, self.score], out);
        out.push(b'}');
    }
}

/// The text in `found`, if there is one.
fn shown<S: AsRef<str>>(found: &Option<S>) -> Option<&str> {
    found.as_ref().map(AsRef::as_ref)
}

/// Appends `key`, marks included, and `text` behind it.
fn named(key: &[u8], text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(key);
    pen::text(text, out);
}

/// Appends every one of `keys`, marks included, with its number behind it.
fn numbers<const N: usize>(keys: [&[u8]; N], numbers: [f64; N], out: &mut Vec<u8>) {
    for (key, number) in keys.into_iter().zip(numbers) {
        out.extend_from_slice(key);
        pen::number(number, out);
    }
}

/// Appends a list of what `write` writes.
fn list<T>(items: &[T], write: impl Fn(&T, &mut Vec<u8>), out: &mut Vec<u8>) {
    out.push(b'[');
    for (at, item) in items.iter().enumerate() {
        if 0 < at {
            out.push(b',');
        }
        write(item, out);
    }
    out.push(b']');
}
