//! The runner forwards the output of the toolkit.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests panic to fail")]

mod common;

use std::time::{Duration, Instant};

use common::*;

/// Returns bytes of all values, with lines of many lengths.
fn random_bytes(length: u64) -> Vec<u8> {
    let mut state = 88_172_645_463_325_252_u64;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32).to_le_bytes()[0]
    };
    (0..length).map(next).collect()
}

#[test]
fn every_byte_is_forwarded() {
    let sandbox = Sandbox::new("cat $OUT/two >&2 & cat $OUT/one; wait");
    let (one, two) = (random_bytes(1_000_000), random_bytes(1_100_000));
    std::fs::write(sandbox.path("out/one"), &one).unwrap();
    std::fs::write(sandbox.path("out/two"), &two).unwrap();
    let output = sandbox.output(&["chaos", "run", "x.json"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stdout == one, "stdout differs: {} of {}", output.stdout.len(), one.len());
    assert!(output.stderr == two, "stderr differs: {} of {}", output.stderr.len(), two.len());
}

#[test]
fn large_output_is_forwarded() {
    let sandbox = Sandbox::new("head -c 100000000 /dev/zero >&2");
    assert_eq!(sandbox.output(&["chaos", "run", "x.json"]).stderr.len(), 100_000_000);
}

#[test]
fn an_open_pipe_does_not_delay_the_end() {
    let sandbox = Sandbox::new("setsid sleep 60 & echo last words >&2");
    let began = Instant::now();
    let output = sandbox.output(&["chaos", "run", "x.json"]);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!(output.stderr, b"last words\n");
}

#[test]
fn a_closed_stderr_does_not_stop_the_toolkit() {
    let sandbox = Sandbox::new(
        "touch $OUT/ready; while [ ! -e $OUT/go ]; do sleep 0.01; done; head -c 1000000 /dev/zero >&2; exit 7",
    );
    let mut child = sandbox.start(&["chaos", "run", "x.json"]);
    drop(child.stderr.take());
    sandbox.release();
    assert_eq!(finish(child).status.code(), Some(7));
}

#[test]
fn the_environment_is_unchanged() {
    let sandbox = Sandbox::new("");
    sandbox.bare_toolkit(
        "bin/chaos",
        "case \"$*\" in *--help*) ;; *) cat /proc/$$/environ; pwd; cat <&0;; esac",
    );
    let output = sandbox.output(&["chaos", "run", "x.json"]);
    let plain =
        sandbox.with_env(&mut std::process::Command::new(sandbox.path("bin/chaos"))).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let shim = format!("PATH={}:", sandbox.path("dir/bin").display());
    assert_eq!(text(&output.stdout).replace(&shim, "PATH="), text(&plain.stdout));
}
