//! A journal that is read from a log is the one that was written, or there is an error.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests panic to fail")]

use std::io::Cursor;

use chaostoolkit_journal::frame::{
    Carried, Frame, FrameError, LIMIT, Scanner, is_complete, read, unzip, write, write_none,
};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

fn send(journal: &[u8]) -> Vec<u8> {
    let mut log = Vec::new();
    write(&mut Cursor::new(journal), &mut log).unwrap();
    log
}

fn receive(log: &[u8]) -> Carried {
    match read(log).unwrap() {
        Frame::Journal(carried) => carried,
        none @ Frame::None { .. } => panic!("{none:?}"),
    }
}

fn hash(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

/// Returns bytes that cannot be compressed.
fn random_bytes(length: usize) -> Vec<u8> {
    let blocks = (0_usize..).flat_map(|block| Sha256::digest(block.to_le_bytes()));
    blocks.take(length).collect()
}

fn random_hex(length: usize) -> String {
    (0..length.div_ceil(64)).map(|block| hash(&block.to_le_bytes())).collect()
}

#[test]
fn the_format_is_as_documented() {
    let text = String::from_utf8(send(b"{\"status\": \"completed\"}")).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!((lines.len(), lines[2]), (3, "chaostoolkit-journal-end"));
    let header: Value =
        serde_json::from_str(lines[0].strip_prefix("chaostoolkit-journal ").unwrap()).unwrap();
    assert_eq!(header["version"], 1);
    assert_eq!(header["bytes"], 23);
    assert_eq!(header["sha256"], hash(b"{\"status\": \"completed\"}"));
    assert_eq!(header["lines"], 1);
    assert_eq!(header["truncated"], false);
    let carried = receive(text.as_bytes());
    assert_eq!(header["gzipBytes"], carried.gzip.len());
    assert_eq!(header["gzipSha256"], hash(&carried.gzip));
    assert_eq!(carried.gzip[4..8], [0; 4], "the gzip header must not hold a time");
}

#[test]
fn a_large_journal_travels_without_its_outputs() {
    let noise = random_hex(4_000_000);
    let entry = |index: usize| json!({"activity": {"name": index}, "output": &noise[index * 1000..][..1000], "status": "succeeded"});
    let run: Vec<Value> = (0..4000).map(entry).collect();
    let journal = json!({"experiment": {"output": "kept"}, "run": run, "status": "completed"}).to_string();
    let carried = receive(&send(journal.as_bytes()));
    assert!(carried.truncated && carried.gzip.len() <= LIMIT);
    assert_eq!((carried.bytes, carried.sha256), (journal.len() as u64, hash(journal.as_bytes())));
    let back: Value = serde_json::from_slice(&unzip(&carried.gzip, 1 << 20).unwrap()).unwrap();
    assert_eq!(back["run"][3999], json!({"activity": {"name": 3999}, "output": null, "status": "succeeded"}));
    assert_eq!(back["experiment"]["output"], "kept");
}

#[rstest]
#[case(random_bytes(2_000_000), "outputs cannot be left out: it is not an object")]
#[case(json!({"x": random_hex(3_000_000)}).to_string().into_bytes(), "even without its outputs")]
#[case(json!({"output": random_hex(3_000_000)}).to_string().split_off(1).into_bytes(), "it is not an object")]
fn a_journal_that_is_too_large_is_not_sent(#[case] journal: Vec<u8>, #[case] why: &str) {
    let log = send(&journal);
    assert!(is_complete(&log));
    match read(&log).unwrap() {
        Frame::None { reason, bytes, sha256 } => {
            assert!(reason.contains(why), "{reason}");
            assert_eq!((bytes.unwrap(), sha256.unwrap()), (journal.len() as u64, hash(&journal)));
        }
        other @ Frame::Journal(_) => panic!("{other:?}"),
    }
}

#[test]
fn a_reason_is_sent_in_place_of_a_journal() {
    let mut log = Vec::new();
    write_none("the toolkit wrote no journal\n\"", &mut log).unwrap();
    let reason = "the toolkit wrote no journal\n\"".to_owned();
    assert_eq!(read(&log), Ok(Frame::None { reason, bytes: None, sha256: None }));
    assert!(is_complete(&log) && !is_complete(&log[..log.len() - 2]));
}

#[test]
fn errors_name_the_problem() {
    let log = String::from_utf8(send(&random_bytes(10_000))).unwrap();
    let lines: Vec<&str> = log.lines().collect();
    let damaged = |lines: &[&str]| read(lines.join("\n").as_bytes()).unwrap_err();
    assert_eq!(damaged(&[]), FrameError::Missing);
    assert_eq!(damaged(&lines[1..]), FrameError::Missing);
    assert_eq!(damaged(&lines[..4]), FrameError::CutShort { lines: 2, expected: 4 });
    assert_eq!(damaged(&[&lines[..2], &lines[5..]].concat()), FrameError::Lines { lines: 1, expected: 4 });
    assert_eq!(damaged(&[&lines[..5], &lines[4..]].concat()), FrameError::Lines { lines: 5, expected: 4 });
    assert_eq!(damaged(&[lines[0], lines[2], lines[1], lines[3], lines[4], lines[5]]), FrameError::Hash);
    assert_eq!(
        damaged(&[&["hi"], &lines[..1], &["hi"], &lines[2..]].concat()),
        FrameError::Line { line: 1, what: "not base64" }
    );
    let other = lines[0].replace("\"version\":1", "\"version\":2");
    assert_eq!(damaged(&[&[other.as_str()], &lines[1..]].concat()), FrameError::Version(2));
    let other = lines[0].replace("\"bytes\":10000", "\"bytes\":10001");
    assert_eq!(damaged(&[&[other.as_str()], &lines[1..]].concat()).to_string(), "damaged header: wrong hash");
    assert_eq!(
        damaged(&lines[..3]).to_string(),
        "cut short: the log ends after 1 of the 4 lines of the journal"
    );
}

#[test]
fn unzip_respects_its_limit() {
    let gzip = receive(&send(&vec![b'x'; 50_000_000])).gzip;
    assert!(unzip(&gzip, 49_999_999).is_err());
    assert_eq!(unzip(&gzip, 50_000_000).unwrap().len(), 50_000_000);
    assert!(unzip(&gzip[..gzip.len() - 1], u64::MAX).is_err());
    assert!(unzip(b"no gzip", u64::MAX).is_err());
}

fn journals() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![prop::collection::vec(any::<u8>(), 0..300), (0_usize..20_000).prop_map(random_bytes)]
}

proptest! {
    #[test]
    fn a_journal_survives_a_round_trip(journal in journals(), before in "([a-z]{0,9}\n){0,3}", after in "([a-z]{0,9}\n){0,3}") {
        let log = [before.as_bytes(), &send(&journal), after.as_bytes()].concat();
        prop_assert!(is_complete(&log));
        let carried = receive(&log);
        prop_assert_eq!((carried.bytes, carried.sha256, carried.truncated), (journal.len() as u64, hash(&journal), false));
        prop_assert_eq!(unzip(&carried.gzip, journal.len() as u64).unwrap(), journal.clone());
        prop_assert_eq!(send(&journal), send(&journal));
    }

    #[test]
    fn a_cut_log_never_gives_another_journal(journal in journals(), at: prop::sample::Index) {
        let log = send(&journal);
        let cut = &log[..at.index(log.len())];
        if let Ok(frame) = read(cut) {
            prop_assert_eq!(frame, read(&log).unwrap());
        }
        prop_assert_eq!(is_complete(cut), read(cut).is_ok());
    }

    #[test]
    fn a_damaged_log_never_gives_another_journal(journal in journals(), at: prop::sample::Index, byte: u8, reason: bool) {
        let mut log = send(&journal);
        if reason {
            log.clear();
            write_none("no reason", &mut log).unwrap();
        }
        let whole = read(&log).unwrap();
        let at = at.index(log.len());
        log[at] = byte;
        if let Ok(frame) = read(&log) {
            prop_assert_eq!(frame, whole);
        }
    }

    #[test]
    fn nothing_panics(log in "(chaostoolkit-journal(-end| \\{\"(version|lines|gzipBytes)\":[0-9]{1,20}\\})?|[a-zA-Z=]{0,8}|\n){0,12}") {
        let _ = (read(log.as_bytes()), is_complete(log.as_bytes()));
    }
}

#[test]
fn a_log_that_grows_is_looked_at_once() {
    let mut log = b"for people\n".to_vec();
    log.extend(send(random_hex(20_000).as_bytes()));
    log.extend(b"more\n");
    for step in [1, 7, 4096, log.len()] {
        let mut scanner = Scanner::default();
        for end in (0..=log.len()).step_by(step) {
            assert_eq!(scanner.is_complete(&log[..end]), is_complete(&log[..end]), "{end}");
        }
    }
    // 2 MiB of first lines, one byte after the other.
    let first = [log.split(|byte| *byte == b'\n').nth(1).unwrap(), b"\n"].concat();
    let lines = first.repeat((2 << 20) / first.len());
    let mut scanner = Scanner::default();
    let started = std::time::Instant::now();
    assert!((0..lines.len()).step_by(100).all(|end| !scanner.is_complete(&lines[..end])));
    assert!(started.elapsed() < std::time::Duration::from_secs(60), "{:?}", started.elapsed());
}
