//! What is wrong with a value and what was done to it, in words.

use keybearer_app::connectors::forms::{Fault, Note};

use super::frame::TEXT;
use super::sentence::{Sentence, mono, plain, say, tidy};
use super::words::{Key, Words};

/// The sentence at a field that is wrong.
pub(super) fn fault(words: &Words, fault: &Fault) -> Sentence {
    let with =
        |key: Key, name: &'static str, value: &str| say(words.text(key), &[mono(name, &tidy(value, TEXT))]);
    let key = match fault {
        Fault::TooLong(most) => {
            let number = u64::try_from(*most).unwrap_or(u64::MAX);
            return say(words.count(Key::FaultTooLong, number), &[plain("n", &most.to_string())]);
        }
        Fault::PartBefore(after) => return with(Key::FaultPart, "after", after),
        Fault::Pinned(hosts) => return with(Key::FaultPinned, "hosts", &hosts.join(", ")),
        Fault::Example(example) => return with(Key::FaultExample, "example", example),
        Fault::Missing => Key::FaultMissing,
        Fault::OneLine => Key::FaultOneLine,
        Fault::Address | Fault::Https | Fault::AddressOrPart => Key::FaultAddress,
        Fault::Host(_) => Key::FaultHost,
        Fault::Login => Key::FaultLogin,
        Fault::Choice(_) => Key::FaultChoice,
        Fault::Pattern | Fault::Unknown => Key::FaultPattern,
        Fault::Number => Key::FaultNumber,
        Fault::Email => Key::FaultEmail,
        Fault::Header(_) => Key::FaultSign,
        Fault::Json => Key::FaultJson,
        Fault::PublicKey => Key::FaultPublicKey,
        Fault::Certificate => Key::FaultCertificate,
        Fault::CutKey => Key::FaultCutKey,
    };
    say(words.text(key), &[])
}

/// The sentence at a field whose value does not look right yet: the same that the server says about it.
pub(super) fn odd(words: &Words, example: Option<&str>) -> Sentence {
    fault(words, &example.map_or(Fault::Pattern, |example| Fault::Example(example.to_owned())))
}

/// The sentence about what was done to a value, or seen in it.
pub(super) fn note(words: &Words, note: &Note) -> Sentence {
    match note {
        Note::Spaces => say(words.text(Key::NoteSpaces), &[]),
        Note::Quotes => say(words.text(Key::NoteQuotes), &[]),
        Note::Address => say(words.text(Key::NoteAddress), &[]),
        Note::Scheme(scheme) => say(words.text(Key::NoteScheme), &[mono("scheme", &tidy(scheme, TEXT))]),
        Note::Key { kind, fingerprint: Some(fingerprint) } => say(
            words.text(Key::NoteKey),
            &[plain("kind", &tidy(kind, TEXT)), mono("fingerprint", &tidy(fingerprint, TEXT))],
        ),
        Note::Key { kind, fingerprint: None } => {
            say(words.text(Key::NoteKeyKind), &[plain("kind", &tidy(kind, TEXT))])
        }
        Note::Account { email, project: Some(project) } => say(
            words.text(Key::NoteAccount),
            &[mono("email", &tidy(email, TEXT)), mono("project", &tidy(project, TEXT))],
        ),
        Note::Account { email, project: None } => {
            say(words.text(Key::NoteAccountOnly), &[mono("email", &tidy(email, TEXT))])
        }
    }
}
