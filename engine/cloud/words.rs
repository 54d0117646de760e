//! What an object store says, in one line.
//!
//! Source  the error bodies of S3 ("Error responses"), Azure ("Status and error codes") and Google
//!         Cloud Storage ("HTTP status and error codes for XML"): `<Code>` and `<Message>`.

use std::error::Error as _;

use object_store::Error;

/// The longest word of a store that is passed on, in bytes.
const WORDS_MAX: usize = 400;

/// What `error` says, and what to do where that is known.
pub(super) fn words(error: &Error) -> String {
    let said = said(error);
    match error {
        Error::NotFound { .. } => format!("there is no such object or bucket: {said}"),
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => {
            format!("it refuses us: {said}; wanted credentials that may list, read, write, delete")
        }
        Error::Precondition { .. } => format!("it was replaced while it was read: {said}"),
        _ => said,
    }
}

/// Its own words, or those of whatever lies deepest below it.
fn said(error: &Error) -> String {
    let whole = error.to_string();
    let mut deepest = whole.clone();
    let mut source = error.source();
    while let Some(cause) = source {
        deepest = cause.to_string();
        source = cause.source();
    }
    let body = [between(&whole, "Code"), between(&whole, "Message")];
    let words = match body {
        [Some(code), Some(message)] => format!("{code}: {message}"),
        [Some(only), None] | [None, Some(only)] => only.to_owned(),
        [None, None] => deepest,
    };
    let mut words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    // Where a body would follow and there is none.
    words.truncate(words.trim_end_matches([':', ' ']).len());
    words.truncate(words.floor_char_boundary(WORDS_MAX));
    words
}

/// What stands between the first tags called `tag` in `text`.
fn between<'t>(text: &'t str, tag: &str) -> Option<&'t str> {
    let (_, behind) = text.split_once(&format!("<{tag}>"))?;
    let (inner, _) = behind.split_once(&format!("</{tag}>"))?;
    Some(inner).filter(|inner| !inner.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &'static str, wanted: &str) {
        let error = Error::Generic { store: "S3", source: source.into() };
        assert_eq!(words(&error), wanted);
    }

    #[test]
    fn the_store_is_heard_and_what_stands_around_it_is_left_out() {
        check("connection refused", "connection refused");
        check("status code: 404 Not Found: ", "status code: 404 Not Found");
        check(
            "status 404: <?xml?><Error>\n<Code>NoSuchBucket</Code><Message>There is\n no such \
             one</Message></Error>",
            "NoSuchBucket: There is no such one",
        );
        check("<Message>only</Message><Code> </Code>", "only");
        check("<Code>never closed", "<Code>never closed");
    }

    #[test]
    fn endless_words_are_cut_between_characters() {
        let source = "é".repeat(WORDS_MAX).into();
        let words = words(&Error::Generic { store: "S3", source });
        assert_eq!(words.chars().count(), WORDS_MAX / 2);
    }
}
