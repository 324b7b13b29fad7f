//! The tables have the output of `PyYAML` 6.0.3: `json.dumps(yaml.safe_load(text), default=date.isoformat)`.

use std::fmt::Write;

use proptest::prelude::*;
use rstest::rstest;

use super::*;

fn value(json: &str) -> Value {
    serde_json::from_str(json).unwrap()
}

#[rstest]
#[case("", "null")]
#[case("~", "null")]
#[case("null", "null")]
#[case("Null", "null")]
#[case("NULL", "null")]
#[case("nULL", r#""nULL""#)]
#[case("none", r#""none""#)]
#[case("''", r#""""#)]
#[case("yes", "true")]
#[case("Yes", "true")]
#[case("YES", "true")]
#[case("no", "false")]
#[case("No", "false")]
#[case("NO", "false")]
#[case("true", "true")]
#[case("True", "true")]
#[case("TRUE", "true")]
#[case("false", "false")]
#[case("False", "false")]
#[case("FALSE", "false")]
#[case("on", "true")]
#[case("On", "true")]
#[case("ON", "true")]
#[case("off", "false")]
#[case("Off", "false")]
#[case("OFF", "false")]
#[case("y", r#""y""#)]
#[case("Y", r#""Y""#)]
#[case("n", r#""n""#)]
#[case("N", r#""N""#)]
#[case("yEs", r#""yEs""#)]
#[case("tRUE", r#""tRUE""#)]
#[case("oN", r#""oN""#)]
#[case("'yes'", r#""yes""#)]
#[case(r#""on""#, r#""on""#)]
#[case("0", "0")]
#[case("-0", "0")]
#[case("+12", "12")]
#[case("-12", "-12")]
#[case("0644", "420")]
#[case("-0644", "-420")]
#[case("0b11", "3")]
#[case("-0b11", "-3")]
#[case("0x1F", "31")]
#[case("-0x1f", "-31")]
#[case("1_000", "1000")]
#[case("1__0_", "10")]
#[case("0_7", "7")]
#[case("12:30:00", "45000")]
#[case("12:30", "750")]
#[case("-1:30", "-90")]
#[case("1_0:05", "605")]
#[case("190:20:30", "685230")]
#[case("9223372036854775807", "9223372036854775807")]
#[case("-9223372036854775808", "-9223372036854775808")]
#[case("18446744073709551615", "18446744073709551615")]
#[case("08", r#""08""#)]
#[case("09", r#""09""#)]
#[case("0o17", r#""0o17""#)]
#[case("0O17", r#""0O17""#)]
#[case("0B11", r#""0B11""#)]
#[case("0X1F", r#""0X1F""#)]
#[case("_1", r#""_1""#)]
#[case("1:60", r#""1:60""#)]
#[case("0:30", r#""0:30""#)]
#[case("00:30", r#""00:30""#)]
#[case("1:2:", r#"{"62": null}"#)]
#[case(":30", r#"":30""#)]
#[case("1,000", r#""1,000""#)]
#[case("0x", r#""0x""#)]
#[case("0b", r#""0b""#)]
#[case("0b2", r#""0b2""#)]
#[case("1-2", r#""1-2""#)]
#[case("+", r#""+""#)]
#[case("-", "[null]")]
#[case("+-1", r#""+-1""#)]
#[case("12e", r#""12e""#)]
#[case("'0644'", r#""0644""#)]
#[case(".5", "0.5")]
#[case("0.5", "0.5")]
#[case("1.", "1.0")]
#[case("1.5", "1.5")]
#[case("-1.5", "-1.5")]
#[case("+1.5", "1.5")]
#[case("08.5", "8.5")]
#[case("1_0.5_0", "10.5")]
#[case("1._5", "1.5")]
#[case("1.0e+3", "1000.0")]
#[case("1.0E-3", "0.001")]
#[case("1.e+3", "1000.0")]
#[case(".5e+2", "50.0")]
#[case("1:30.5", "90.5")]
#[case("-1:30.5", "-90.5")]
#[case("0:30.5", "30.5")]
#[case("1:30.", "90.0")]
#[case("1.0e+16", "1e+16")]
#[case("1.0e-7", "1e-07")]
#[case("-0.0", "-0.0")]
#[case("1e3", r#""1e3""#)]
#[case("1.0e3", r#""1.0e3""#)]
#[case("1.5e3", r#""1.5e3""#)]
#[case("-.5", r#""-.5""#)]
#[case("+.5", r#""+.5""#)]
#[case("._5", r#""._5""#)]
#[case(".", r#"".""#)]
#[case("..", r#""..""#)]
#[case("1.2.3", r#""1.2.3""#)]
#[case("1.0e+", r#""1.0e+""#)]
#[case("1.0e+1_0", r#""1.0e+1_0""#)]
#[case("1:60.5", r#""1:60.5""#)]
#[case("1:30.5e+1", r#""1:30.5e+1""#)]
#[case("_1.5", r#""_1.5""#)]
#[case(".5:30", r#"".5:30""#)]
#[case(".Inf.", r#"".Inf.""#)]
#[case(".iNF", r#"".iNF""#)]
#[case("-.nan", r#""-.nan""#)]
#[case("inf", r#""inf""#)]
#[case("nan", r#""nan""#)]
#[case("1.5.", r#""1.5.""#)]
#[case("2001-12-14", r#""2001-12-14""#)]
#[case("2001-1-4", r#""2001-1-4""#)]
#[case("2001-12-4", r#""2001-12-4""#)]
#[case("2001-12-14T21:59:43Z", r#""2001-12-14T21:59:43+00:00""#)]
#[case("2001-12-14t21:59:43.10-05:00", r#""2001-12-14T21:59:43.100000-05:00""#)]
#[case("2001-12-14 21:59:43.1 -5", r#""2001-12-14T21:59:43.100000-05:00""#)]
#[case("2001-12-14 21:59:43", r#""2001-12-14T21:59:43""#)]
#[case("2001-1-4 1:59:43", r#""2001-01-04T01:59:43""#)]
#[case("2001-12-14T21:59:43.1234567+05:30", r#""2001-12-14T21:59:43.123456+05:30""#)]
#[case("2001-12-14T21:59:43.000Z", r#""2001-12-14T21:59:43+00:00""#)]
#[case("2001-12-14T21:59:43.Z", r#""2001-12-14T21:59:43+00:00""#)]
#[case("2001-12-14T21:59:43-00:30", r#""2001-12-14T21:59:43-00:30""#)]
#[case("2001-12-14T21:59:43+1:99", r#""2001-12-14T21:59:43+02:39""#)]
#[case("'2001-12-14'", r#""2001-12-14""#)]
#[case("2001-12-14T21:59", r#""2001-12-14T21:59""#)]
#[case("2001-12-14T", r#""2001-12-14T""#)]
#[case("2001-12-14T21:59:43z", r#""2001-12-14T21:59:43z""#)]
#[case("2001-12-14T21:59:43+", r#""2001-12-14T21:59:43+""#)]
#[case("2001-12-14T21:59:43+1:5", r#""2001-12-14T21:59:43+1:5""#)]
#[case("2001-12-14T21:59:43+123", r#""2001-12-14T21:59:43+123""#)]
#[case("2001-12-14T1:2:3", r#""2001-12-14T1:2:3""#)]
#[case("01-12-14", r#""01-12-14""#)]
#[case("2001-12-14x", r#""2001-12-14x""#)]
#[case("2001-12-145", r#""2001-12-145""#)]
#[case("2001/12/14", r#""2001/12/14""#)]
fn plain_words_are_what_they_are_to_pyyaml(#[case] text: &str, #[case] json: &str) {
    assert_eq!(parse(text).unwrap(), value(json));
}

#[rstest]
#[case(".inf")]
#[case("-.inf")]
#[case("+.INF")]
#[case(".Inf")]
#[case(".nan")]
#[case(".NaN")]
#[case("1.0e+400")]
#[case("0b_")]
#[case("0x_")]
#[case("2001-02-30")]
#[case("0000-01-01")]
#[case("2001-13-01")]
#[case("2001-12-14T24:00:00")]
#[case("2001-12-14T23:59:60Z")]
#[case("2001-12-14T21:59:43+24:00")]
#[case("=")]
#[case("<<")]
#[case("!!int abc")]
#[case("!!int ''")]
#[case("!!int 08")]
#[case("!!float abc")]
#[case("!!float .inf")]
#[case("!!float nan")]
#[case("!!bool y")]
#[case("!!bool ''")]
#[case("!!timestamp now")]
#[case("!!timestamp 2001-02-30")]
#[case("!!binary aGk=")]
#[case("!foo bar")]
#[case("!!foo bar")]
#[case("!!map a")]
#[case("!!seq a")]
#[case("!!set {a}")]
#[case("!foo {a: 1}")]
#[case("!foo [1]")]
#[case("!!seq {a: 1}")]
#[case("!!map [1]")]
#[case("!!int [1]")]
fn words_that_pyyaml_cannot_send_as_json_are_errors(#[case] text: &str) {
    parse(text).unwrap_err();
}

#[rstest]
#[case("!!str 0644", r#""0644""#)]
#[case("!!str yes", r#""yes""#)]
#[case("!!str", r#""""#)]
#[case("!!str ~", r#""~""#)]
#[case("!!str <<", r#""<<""#)]
#[case("!!str =", r#""=""#)]
#[case("!!int '0644'", "420")]
#[case("!!int ' 1_000 '", "1000")]
#[case("!!int '0b11'", "3")]
#[case("!!float 1e3", "1000.0")]
#[case("!!float 1", "1.0")]
#[case("!!float '1:30'", "90.0")]
#[case("!!bool 'yes'", "true")]
#[case("!!bool TrUe", "true")]
#[case("!!null x", "null")]
#[case("!!null ''", "null")]
#[case("!!timestamp '2001-1-4'", r#""2001-01-04""#)]
#[case("!!map {a: 1}", r#"{"a": 1}"#)]
#[case("!!seq [1]", "[1]")]
#[case("! 0644", "420")]
#[case("! '0644'", "420")]
#[case("! {a: 1}", r#"{"a": 1}"#)]
#[case("! [1]", "[1]")]
#[case("!<tag:yaml.org,2002:int> '7'", "7")]
#[case("%TAG !e! tag:yaml.org,2002:\n---\n!e!int '7'", "7")]
#[case("%TAG !e! tag:yaml.org,2002:in\n---\n!e!t '7'", "7")]
fn tags_decide(#[case] text: &str, #[case] json: &str) {
    assert_eq!(parse(text).unwrap(), value(json));
}

#[rstest]
#[case("{1: a}", r#"{"1": "a"}"#)]
#[case("{0x10: a}", r#"{"16": "a"}"#)]
#[case("{-0: a}", r#"{"0": "a"}"#)]
#[case("{1.5: a}", r#"{"1.5": "a"}"#)]
#[case("{1.0e+15: a}", r#"{"1000000000000000.0": "a"}"#)]
#[case("{1.0e+16: a}", r#"{"1e+16": "a"}"#)]
#[case("{1.5e+300: a}", r#"{"1.5e+300": "a"}"#)]
#[case("{0.0001: a}", r#"{"0.0001": "a"}"#)]
#[case("{1.5e-5: a}", r#"{"1.5e-05": "a"}"#)]
#[case("{-0.0: a}", r#"{"-0.0": "a"}"#)]
#[case("{yes: a}", r#"{"true": "a"}"#)]
#[case("{off: a}", r#"{"false": "a"}"#)]
#[case("{~: a}", r#"{"null": "a"}"#)]
#[case("{on: a, 'on': b}", r#"{"true": "a", "on": "b"}"#)]
#[case("{0644: a}", r#"{"420": "a"}"#)]
#[case("{=: a}", r#"{"=": "a"}"#)]
#[case("? =\n: a", r#"{"=": "a"}"#)]
#[case("{'1': a, 1: b}", r#"{"1": "b"}"#)]
#[case("{'2001-12-14': a}", r#"{"2001-12-14": "a"}"#)]
#[case("{'': a}", r#"{"": "a"}"#)]
#[case("{a: 1, b: 2, a: 3}", r#"{"a": 3, "b": 2}"#)]
#[case("{a: 1, a: }", r#"{"a": null}"#)]
fn keys_are_text_as_json_dumps_writes_them(#[case] text: &str, #[case] json: &str) {
    assert_eq!(parse(text).unwrap(), value(json));
}

#[rstest]
#[case("{<<: {a: 1}, b: 2}", r#"{"a": 1, "b": 2}"#)]
#[case("{a: 1, <<: {a: 2, b: 3}}", r#"{"a": 1, "b": 3}"#)]
#[case("{<<: {a: 2, b: 3}, a: 1}", r#"{"a": 1, "b": 3}"#)]
#[case("{<<: [{a: 1}, {a: 2, b: 3}]}", r#"{"a": 1, "b": 3}"#)]
#[case("{<<: {a: 1}, <<: {a: 2, b: 3}}", r#"{"a": 2, "b": 3}"#)]
#[case("{<<: []}", "{}")]
#[case("{<<: {<<: {a: 1, b: 1}, b: 2}, c: 3}", r#"{"a": 1, "b": 2, "c": 3}"#)]
#[case("{'<<': {a: 1}}", r#"{"<<": {"a": 1}}"#)]
#[case("{!!str <<: {a: 1}}", r#"{"<<": {"a": 1}}"#)]
#[case("{!!merge x: {a: 1}}", r#"{"a": 1}"#)]
#[case("base: &base {a: 1, b: 2}\nother: &other {b: 3, c: 4}\none:\n  <<: *base\n  b: 5\nboth:\n  <<: [*other, *base]\nalias: *base\n", r#"{"base": {"a": 1, "b": 2}, "other": {"b": 3, "c": 4}, "one": {"a": 1, "b": 5}, "both": {"a": 1, "b": 3, "c": 4}, "alias": {"a": 1, "b": 2}}"#)]
#[case("{'1': a, <<: {1: b}}", r#"{"1": "a"}"#)]
fn merge_keys_are_merged(#[case] text: &str, #[case] json: &str) {
    assert_eq!(parse(text).unwrap(), value(json));
}

#[rstest]
#[case("[&a 0644, *a]", "[420, 420]")]
#[case("[&a '0644', *a]", r#"["0644", "0644"]"#)]
#[case("{&k key: &v [1, 2], other: *v, list: [*k]}", r#"{"key": [1, 2], "other": [1, 2], "list": ["key"]}"#)]
#[case("[&k key, {*k : v}]", r#"["key", {"key": "v"}]"#)]
#[case("[&a , *a]", "[null, null]")]
#[case("[&a !!str 1, *a]", r#"["1", "1"]"#)]
#[case("- &a {x: [1]}\n- *a\n- {y: *a}", r#"[{"x": [1]}, {"x": [1]}, {"y": {"x": [1]}}]"#)]
fn aliases_stand_for_their_anchors(#[case] text: &str, #[case] json: &str) {
    assert_eq!(parse(text).unwrap(), value(json));
}

#[rstest]
#[case("", "null")]
#[case("# only a comment\n", "null")]
#[case("---\n", "null")]
#[case("--- a\n...\n", r#""a""#)]
#[case("%YAML 1.1\n---\nyes", "true")]
#[case("a: |\n  x\n   y\n\nb: >-\n  c\n  d\n\n  e\n", r#"{"a": "x\n y\n", "b": "c d\ne"}"#)]
#[case("a: |+\n  x\n\n", r#"{"a": "x\n\n"}"#)]
#[case("a: |2\n   x\n", r#"{"a": " x\n"}"#)]
#[case("a: \"\\x41\\u00e9\\n\\\n  b\"", r#"{"a": "Aé\nb"}"#)]
#[case("'it''s\n  folded'", r#""it's folded""#)]
#[case("a: [b, c: d, 'e', {f: g}]", r#"{"a": ["b", {"c": "d"}, "e", {"f": "g"}]}"#)]
#[case("{a, b: , c: d}", r#"{"a": null, "b": null, "c": "d"}"#)]
#[case("- - a\n  - b\n-\n  - c\n", r#"[["a", "b"], ["c"]]"#)]
#[case("a:\n- b\n- c: d\n  e: f\n", r#"{"a": ["b", {"c": "d", "e": "f"}]}"#)]
#[case("? a\n: b\n? c", r#"{"a": "b", "c": null}"#)]
#[case("k: http://x:80/y", r#"{"k": "http://x:80/y"}"#)]
#[case("k: $(A)", r#"{"k": "$(A)"}"#)]
#[case("k: a#b", r#"{"k": "a#b"}"#)]
#[case("k: a #b", r#"{"k": "a"}"#)]
#[case("{a:b}", r#"{"a:b": null}"#)]
#[case("a: b\n  c\n", r#"{"a": "b c"}"#)]
#[case("\u{feff}a: b", r#"{"a": "b"}"#)]
fn syntax_is_read_as_pyyaml_reads_it(#[case] text: &str, #[case] json: &str) {
    assert_eq!(parse(text).unwrap(), value(json));
}

#[rstest]
#[case("[a")]
#[case("{a: b")]
#[case("a: b: c")]
#[case("- a\nb: c")]
#[case("*a")]
#[case("a: @b")]
#[case("a: `b")]
#[case("'a")]
#[case(r#""\q""#)]
#[case("{[a]: b}")]
#[case("? {a: b}\n: c")]
#[case("{2001-12-14: a}")]
#[case("{<<: 1}")]
#[case("{<<: }")]
#[case("{<<: [1]}")]
#[case("{<<: [[{a: 1}]]}")]
#[case("[<<]")]
#[case("{a: <<}")]
#[case("{a: =}")]
#[case("&a [*a]")]
#[case("&a {b: *a}")]
#[case("a\n---\nb")]
#[case("--- a\n---\n")]
#[case("a: !x!y z")]
fn what_pyyaml_rejects_is_rejected(#[case] text: &str) {
    parse(text).unwrap_err();
}

#[rstest]
#[case("a: [", "line 1 column 4")]
#[case("a: 1\nb:\n  c: .inf\n", r#"".inf" is not a number that JSON has at line 3 column 6"#)]
#[case(
    "a: 18446744073709551616",
    r#""18446744073709551616" is not an integer of 64 bits at line 1 column 4"#
)]
#[case("- 2001-02-30", r#""2001-02-30" is not in the calendar at line 1 column 3"#)]
#[case("é: !!binary aGk=", r#"the tag "tag:yaml.org,2002:binary" is not supported here at line 1 column"#)]
#[case("a: !foo {b: c}", r#"the tag "!foo" is not supported here at line 1 column"#)]
#[case("a: 1\n2001-12-14: b", "a date cannot be a key: quote it, to make it text, at line 2 column 1")]
#[case("{[a]: b}", "a list or a mapping cannot be a key at line 1 column 2")]
#[case("a: =", "`=` is not a value at line 1 column 4")]
#[case("a: b\n---\nc: d", "a second document where one is expected at line 2 column 1")]
#[case("a: &a\n  b: *a", "an alias to a node that contains it at line 2 column 6")]
#[case("!!int \"a\\nb\"", r#""a\nb" is not an integer of 64 bits at line 1 column 7"#)]
#[case("!!int aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee", r#"dddddddddd"… is not an integer"#)]
fn errors_say_what_and_where_on_one_line(#[case] text: &str, #[case] message: &str) {
    let error = parse(text).unwrap_err().to_string();
    assert!(error.contains(message), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
}

#[rstest]
#[case("", &[])]
#[case("# comment\n", &[])]
#[case("---\n---\n", &[])]
#[case("a: 1\n---\n---\n# none\n---\nyes\n...\n---\n[]\n", &[r#"{"a": 1}"#, "true", "[]"])]
fn documents_that_are_empty_are_left_out(#[case] text: &str, #[case] documents: &[&str]) {
    let documents: Vec<Value> = documents.iter().map(|json| value(json)).collect();
    assert_eq!(parse_all(text).unwrap(), documents);
}

#[rstest]
#[case::anchors_end_with_their_document("--- &a 1\n--- *a")]
#[case::second_document_is_broken("a: 1\n---\nb: [")]
fn one_broken_document_fails_all(#[case] text: &str) {
    parse_all(text).unwrap_err();
}

/// Returns nested lists. Each has two aliases to the list before it.
fn laughs(first: &str, levels: usize) -> String {
    (1..=levels).fold(format!("- &a0 {first}\n"), |mut text, level| {
        let below = level - 1;
        writeln!(text, "- &a{level} [*a{below}, *a{below}]").unwrap();
        text
    })
}

#[rstest]
#[case::nodes(&laughs("lol", 30))]
#[case::bytes(&laughs(&"lol".repeat(10_000), 10))]
#[case::keys(&laughs(&format!("{{{}: 1}}", "k".repeat(900)), 16))]
#[case::merged(&(laughs("{a: 1}", 30) + "- <<: *a30"))]
#[case::mappings(&"- {a: 0}\n".repeat(10_000))]
fn aliases_and_mappings_cannot_explode(#[case] text: &str) {
    let error = parse(text).unwrap_err();
    assert!(error.problem.starts_with("more than 100000 nodes"), "{error}");
}

#[test]
fn a_config_map_of_full_size_is_read() {
    let text = format!("data:\n  a: {}\n  b: [{}]\n", "x".repeat(1 << 20), "1, ".repeat(50_000));
    assert_eq!(parse(&text).unwrap()["data"]["b"].as_array().unwrap().len(), 50_000);
    assert_eq!(parse(&"# comment\n".repeat(10_000)).unwrap(), Value::Null);
}

#[rstest]
#[case::lists(|depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth)))]
#[case::mappings(|depth| format!("{}{}", "{a: ".repeat(depth), "}".repeat(depth)))]
#[case::block(|depth| "- ".repeat(depth))]
#[case::alias(|depth| format!("- &a [[[]]]\n- {}*a{}", "[".repeat(depth - 4), "]".repeat(depth - 4)))]
#[case::alias_of_alias(|depth| {
    (1..depth - 1).fold("- &a0 []\n".into(), |text, n| format!("{text}- &a{n} [*a{}]\n", n - 1))
})]
fn nesting_is_limited(#[case] text: fn(usize) -> String) {
    parse(&text(100)).unwrap();
    let error = parse(&text(101)).unwrap_err();
    assert!(error.problem.starts_with("more than 100 levels"), "{error}");
    parse(&text(10_000)).unwrap_err();
}

/// Words that some parsers do not read as text.
const AMBIGUOUS: &str = "yes no on off y n Y N true False null ~ 0644 0o17 0x1F 0b11 12:30 12:30:00 1e3 1.0e+3 .5 -.5 \
                         1_000 2001-12-14 2001-12-14T21:59:43Z = << .inf .nan - ? : --- ... a: #a &a *a !a | > %a @a \
                         `a [a] {a} 'a' \"a\"";

#[test]
fn ambiguous_text_is_quoted() {
    for word in AMBIGUOUS.split_whitespace().chain(["", " ", "a ", " a", "a: b", "a #b", "\t"]) {
        let text = Value::from(word);
        let written = write(&text);
        assert!(written.starts_with(['"', '\'']), "{written}");
        assert_eq!(parse(&written).unwrap(), text);
        let key = write(&serde_json::json!({ word: 1 }));
        assert!(key.starts_with(['"', '\'']), "{key}");
    }
}

#[rstest]
#[case(
    r#"{"a": {"b": ["c", {"d": "e", "f": null}], "g": [], "h": {}}}"#,
    "a:\n  b:\n  - c\n  - d: e\n    f: null\n  g: []\n  h: {}\n"
)]
#[case(r#"{"a": "b\nc\n", "d": "e\n f"}"#, "a: |\n  b\n  c\nd: |-\n  e\n   f\n")]
#[case(
    r#"["chaostoolkit/chaostoolkit", "$(A)", "http://x:80/y"]"#,
    "- chaostoolkit/chaostoolkit\n- $(A)\n- http://x:80/y\n"
)]
#[case("[1.0, 1e300, -1e-7, true, 420]", "- 1.0\n- 1.0e+300\n- -1.0e-7\n- true\n- 420\n")]
fn what_is_written_is_good_to_read(#[case] json: &str, #[case] text: &str) {
    assert_eq!(write(&value(json)), text);
}

/// The shipped templates have the same meaning in YAML 1.1 and in YAML 1.2.
#[test]
fn shipped_templates_are_not_ambiguous() {
    let text = include_str!("../../kustomize/base/templates.yaml");
    let config_map = parse(text).unwrap();
    assert_eq!(config_map, serde_saphyr::from_str::<Value>(text).unwrap());
    for text in config_map["data"].as_object().unwrap().values() {
        let text = text.as_str().unwrap();
        assert_eq!(parse(text).unwrap(), serde_saphyr::from_str::<Value>(text).unwrap());
    }
}

fn text() -> impl Strategy<Value = String> {
    let words: Vec<String> = AMBIGUOUS.split_whitespace().map(str::to_owned).collect();
    prop_oneof![
        prop::sample::select(words),
        "(?s).{0,12}",
        "[ab \n\t:#,?&*!|>'\"%@`0-9_.\\[\\]{}\r\u{85}\u{2028}\u{feff}\u{e9}\u{1f600}-]{0,20}",
        "([a-z]{1,8}[ \n]{1,2}){0,30}",
    ]
}

fn any_value() -> impl Strategy<Value = Value> {
    let finite = prop::num::f64::NORMAL | prop::num::f64::ZERO | prop::num::f64::SUBNORMAL;
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        finite.prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(text(), inner, 0..5)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_text_gives_a_value_or_an_error(text in "(?s).{0,60}") {
        let _ = (parse(&text), parse_all(&text));
    }

    #[test]
    fn any_yaml_like_text_gives_a_value_or_an_error(
        text in "([ab0-9_.:+eTZ-]{1,6}|[ \n\t\\[\\]{},:?&*!|>'\"%#-]|: |- |\n  |&a |\\*a|<<: |!!int |!!float |!!timestamp |---\n){0,30}",
    ) {
        let _ = (parse(&text), parse_all(&text));
    }

    #[test]
    fn any_word_gives_a_value_or_an_error_under_any_tag(
        tag in "(!!(int|float|bool|null|str|timestamp|merge) )?", word in "[-+0-9_.:eEbxT Z]{0,45}",
    ) {
        let _ = parse(&format!("{tag}'{word}'"));
        let _ = parse(&format!("! '{word}'"));
    }

    #[test]
    fn what_is_written_is_read_back(value in any_value()) {
        let written = write(&value);
        prop_assert_eq!(parse(&written), Ok(value), "{}", written);
    }
}
