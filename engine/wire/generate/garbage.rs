//! What a stream should not carry but does: lines that no reader may take for an event.
//!
//! Rules   never empty, never with a line end in it; every line is refused or, in one form, of
//!         an unknown type.

use super::dice::Dice;
use super::pen::Pen;

/// A line's four required fields.
struct Envelope {
    id: String,
    customer: String,
    time: String,
}

/// Appends one line of garbage that seems to come from `customer` at `time`.
pub(super) fn write(dice: &mut Dice, pen: &mut Pen, customer: u32, time: i64, out: &mut Vec<u8>) {
    let mut bytes = Vec::with_capacity(64);
    pen.id(&mut bytes, time);
    let id = String::from_utf8_lossy(&bytes).into_owned();
    bytes.clear();
    pen.moment(&mut bytes, time);
    let time = String::from_utf8_lossy(&bytes).into_owned();
    let envelope = Envelope { id, customer: format!("c-{customer}"), time };
    match dice.below(20) {
        0 | 1 => torn(dice, &envelope, out),
        2 => noise(dice, out),
        3 => invalid_utf_8(&envelope, out),
        4 => out.extend(std::iter::repeat_n(b'[', 300)),
        form => out.extend_from_slice(form_of(form, &envelope).as_bytes()),
    }
}

/// An event whose end is missing.
fn torn(dice: &mut Dice, envelope: &Envelope, out: &mut Vec<u8>) {
    let Envelope { id, customer, time } = envelope;
    let line = format!(
        r#"{{"id":"{id}","type":"login","customer_id":"{customer}","time":"{time}","user_id":"u-1"}}"#
    );
    let n_kept = 1 + dice.below(u32::try_from(line.len() - 1).unwrap_or(1));
    out.extend_from_slice(line.as_bytes().get(..n_kept as usize).unwrap_or(b"{"));
}

/// Bytes of any kind but a line end.
fn noise(dice: &mut Dice, out: &mut Vec<u8>) {
    // No text begins so.
    out.push(0xFF);
    for _ in 0..dice.between(3, 120) {
        let byte = (dice.bits() & 0xFF) as u8;
        out.push(if matches!(byte, b'\n' | b'\r') { 0 } else { byte });
    }
}

fn invalid_utf_8(envelope: &Envelope, out: &mut Vec<u8>) {
    let Envelope { id, time, .. } = envelope;
    out.extend_from_slice(format!(r#"{{"id":"{id}","type":"login","customer_id":""#).as_bytes());
    out.extend_from_slice(&[b'c', 0xC3, 0x28]);
    out.extend_from_slice(format!(r#"","time":"{time}"}}"#).as_bytes());
}

fn form_of(form: u32, envelope: &Envelope) -> String {
    let Envelope { id, customer, time } = envelope;
    match form {
        5 => format!(r#"{{"id":"{id}","type":"login","customer_id":"{customer}"}}"#),
        6 => format!(r#"{{"id":"{id}","type":"login","time":"{time}"}}"#),
        7 => format!(r#"{{"id":"{id}","customer_id":"{customer}","time":"{time}"}}"#),
        8 => format!(r#"{{"type":"login","customer_id":"{customer}","time":"{time}"}}"#),
        9 => format!(
            r#"{{"id":"{id}","type":"login","customer_id":"{customer}","time":"yesterday"}}"#
        ),
        10 => {
            format!(r#"{{"id":"{id}","type":"login","customer_id":"{customer}","time":1.7955e12}}"#)
        }
        11 => format!(r#"{{"id":7,"type":"login","customer_id":"{customer}","time":"{time}"}}"#),
        12 => format!(r#"{{"id":"{id}","type":"login","customer_id":"","time":"{time}"}}"#),
        13 => format!(
            r#"{{"id":"{id}","type":"survey_response","customer_id":"{customer}","time":"{time}","kind":"nps","value":"ten"}}"#
        ),
        14 => format!(
            r#"{{"id":"{id}","type":"sentiment_scored","customer_id":"{customer}","time":"{time}","channel":"call","score":7}}"#
        ),
        15 => format!(
            r#"{{"id":"{id}","type":"invoice_issued","customer_id":"{customer}","time":"{time}","invoice_id":"i-1","amount":-12.5}}"#
        ),
        16 => format!(
            r#"{{"id":"{id}","id":"again","type":"login","customer_id":"{customer}","time":"{time}"}}"#
        ),
        17 => format!("{time} INFO session of {customer} refreshed"),
        18 => format!(r#"["{id}","login","{customer}","{time}"]"#),
        _ => format!(
            r#"{{"id":"{id}","type":"page_viewed","customer_id":"{customer}","time":"{time}","url":"/prices"}}"#
        ),
    }
}
