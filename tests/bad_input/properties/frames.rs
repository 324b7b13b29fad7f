//! The log of the sidecar as a run may make it.

use std::io::Cursor;

use chaostoolkit_journal::frame::{self, Frame};

use super::journals;

/// How many bytes of a journal are unpacked.
const LONGEST: u64 = 8 << 20;

/// Checks a log.
pub fn hold(data: &[u8]) {
    of(data);
    sent(data);
}

/// Checks a log. Returns how many journals are in it.
pub fn of(log: &[u8]) -> usize {
    let frames: Vec<_> = frame::read_all(log).collect();
    assert_eq!(
        frames.first().map(|(_, frame)| frame.clone()),
        frame::read(log).ok().map(Ok).or_else(|| {
            frame::read(log).err().filter(|error| *error != frame::FrameError::Missing).map(Err)
        }),
        "the first of all is the first"
    );
    let mut gzip = 0;
    let mut journals = 0;
    for (_, frame) in &frames {
        let Ok(Frame::Journal(carried)) = frame else { continue };
        gzip += carried.gzip.len();
        journals += 1;
        assert!(carried.gzip.len() <= frame::LIMIT, "{} bytes of gzip", carried.gzip.len());
        if let Ok(journal) = frame::unzip(&carried.gzip, LONGEST) {
            assert!(journal.len() as u64 <= LONGEST);
            journals::hold(&journal);
        }
    }
    assert!(gzip <= log.len(), "{gzip} bytes of journals in a log of {} bytes", log.len());
    if frame::is_complete(log) {
        assert!(frame::is_complete(&[log, b"\nmore"].concat()), "more lines do not make a log incomplete");
    }
    journals
}

/// Sends bytes as a journal through a log with lines of somebody else, and checks that they arrive.
fn sent(journal: &[u8]) {
    let mut log = b"a line of somebody else\n".to_vec();
    frame::write(&mut Cursor::new(journal), &mut log).unwrap();
    log.extend_from_slice(b"and one more\n");
    assert!(frame::is_complete(&log), "a journal that was written is complete");
    match frame::read(&log) {
        Ok(Frame::Journal(carried)) => {
            assert_eq!(carried.bytes, journal.len() as u64);
            let arrived = frame::unzip(&carried.gzip, LONGEST).unwrap();
            assert!(carried.truncated || arrived == journal, "what is sent arrives");
        }
        Ok(Frame::None { .. }) => assert!(journal.len() > frame::LIMIT, "only a long journal is not sent"),
        Err(error) => panic!("a journal that was written cannot be read: {error}"),
    }
}
