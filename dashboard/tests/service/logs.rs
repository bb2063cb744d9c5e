//! Log lines, and what never is in them.

use plimsoll_dashboard::logging::{Format, LogError, subscriber};
use plimsoll_dashboard::{REDACTED, Secrets};
use proptest::prelude::*;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

const PASSWORD: &str = "p4ss/w\"ord+é!";
const KEY: &str = "0x1112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f30";
const NODE: &str = "https://user7:hunter22@node.example:8545/v3/0aB9_long-Key?apikey=zzTop99secret";

/// Where log lines go in a test.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn secrets() -> Secrets {
    let secrets = Secrets::default();
    secrets.register(PASSWORD.to_owned());
    secrets.register(KEY.to_owned());
    secrets.register_address(NODE);
    secrets
}

/// What `work` logs.
fn logged(format: Format, work: impl FnOnce()) -> String {
    let written = Written::default();
    let to = written.clone();
    let subscriber = subscriber(format, "debug", secrets(), move || to.clone()).unwrap();
    tracing::subscriber::with_default(subscriber, work);
    let bytes = written.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

/// Spellings made by another program (Python's base64, binascii and urllib), each with the part of it that the
/// secret alone decides.
const SPELLINGS: [(&str, &str); 14] = [
    (PASSWORD, "p4ss/w"),
    ("703473732f77226f72642bc3a921", "703473732f77226f72642bc3a921"),
    ("703473732F77226F72642BC3A921", "703473732F77226F72642BC3A921"),
    ("cDRzcy93Im9yZCvDqSE=", "cDRzcy93Im9yZCvDqS"),
    ("dXNlcjpwNHNzL3cib3JkK8OpIQ==", "wNHNzL3cib3JkK8OpI"),
    ("dXM6cDRzcy93Im9yZCvDqSF0YWls", "cDRzcy93Im9yZCvDqS"),
    ("dTpwNHNzL3cib3JkK8OpIQ==", "wNHNzL3cib3JkK8OpI"),
    ("p4ss%2Fw%22ord%2B%C3%A9%21", "p4ss%2Fw%22ord"),
    (KEY, "1112131415161718191a"),
    ("1112131415161718191A1B1C1D1E1F202122232425262728292A2B2C2D2E2F30", "1112131415161718191A"),
    ("ERITFBUWFxgZGhscHR4fICEiIyQlJicoKSorLC0uLzA=", "ERITFBUWFxgZGhscHR4fICEi"),
    (
        "[17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, \
      41, 42, 43, 44, 45, 46, 47, 48]",
        "17, 18, 19, 20",
    ),
    (NODE, "hunter22"),
    (NODE, "zzTop99secret"),
];

#[test]
fn a_secret_is_cut_out_of_every_place_of_a_line_in_every_spelling() {
    for format in [Format::Json, Format::Text] {
        for (spelling, core) in SPELLINGS {
            let text = logged(format, || {
                let span = tracing::info_span!("signing", detail = spelling);
                let _inside = span.enter();
                let error = io::Error::other(format!("refused: {spelling}"));
                tracing::error!(%error, plain = spelling, quoted = ?spelling, "it says {spelling}");
                tracing::warn!(nested = ?Some(vec![spelling]), "{:?}", error);
            });
            assert_eq!(text.lines().count(), 2, "{text}");
            assert!(!text.contains(core), "{core} in {text}");
            assert!(text.matches(REDACTED).count() >= 6, "{format:?} {spelling}: {text}");
            assert!(text.contains("it says") && text.contains("signing"), "the rest stays: {text}");
        }
    }
}

#[test]
fn of_a_nodes_address_host_and_port_stay_readable() {
    let text = logged(Format::Text, || tracing::warn!("{NODE} does not answer"));
    assert!(text.contains("@node.example:8545/v3/"), "{text}");
    for part in ["user7", "hunter22", "0aB9_long-Key", "zzTop99secret"] {
        assert!(!text.contains(part), "{part} in {text}");
    }
}

#[test]
fn a_json_line_is_json_with_its_fields() {
    let text = logged(Format::Json, || tracing::info!(block = 17, key = KEY, "decided"));
    let line: serde_json::Value = serde_json::from_str(text.trim()).unwrap();
    assert_eq!(line["message"], "decided");
    assert_eq!(line["block"], 17);
    assert_eq!(line["level"], "INFO");
    assert_eq!(line["key"], REDACTED);
}

#[test]
fn secrets_do_not_show_themselves() {
    let shown = format!("{:?} {:#?}", secrets(), secrets());
    assert_eq!(shown, "Secrets Secrets");
}

#[test]
fn a_filter_that_is_none_is_refused_with_an_example() {
    let error =
        subscriber(Format::Text, "plimsoll=loudly", Secrets::default(), io::sink).err().unwrap();
    assert!(matches!(error, LogError::Filter { .. }));
    assert!(error.to_string().contains("write `info`"), "{error}");
}

proptest! {
    #[test]
    fn a_text_without_secrets_is_not_touched(text in "[a-z ]{0,60}") {
        prop_assert_eq!(secrets().redact(&text), text.as_str());
    }

    #[test]
    fn wherever_a_secret_stands_it_goes_and_its_surroundings_stay(
        secret in "[!-~]{4,40}", before in "[ а-я]{0,20}", after in "[ а-я]{0,20}",
    ) {
        let secrets = Secrets::default();
        secrets.register(secret.clone());
        let text = format!("{before}{secret}{after}");
        let sentence = "a secret goes and its surroundings stay";
        prop_assert_eq!(secrets.redact(&text), format!("{before}{REDACTED}{after}"), "{}", sentence);
    }
}
