//! The lines of a file.

/// A line: `NAME;PARAMETER=value:value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its number in the file. A folded line has the number of its first part.
    pub number: usize,
    /// Its name, in upper case.
    pub name: String,
    /// The parameters. Their names are in upper case.
    parameters: Vec<(String, String)>,
    /// What is behind the colon.
    pub value: String,
}

impl Line {
    /// Returns the value of a parameter.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Returns the lines of a file. Folded ones are put together.
pub fn lines(bytes: &[u8]) -> impl Iterator<Item = Result<Line, String>> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut rest = bytes.split(|byte| *byte == b'\n').enumerate().peekable();
    std::iter::from_fn(move || {
        let (index, first) = rest.find(|(_, line)| !without_cr(line).is_empty())?;
        let is_folded = |(_, line): &(usize, &[u8])| matches!(line.first(), Some(b' ' | b'\t'));
        let mut bytes = without_cr(first).to_vec();
        while let Some((_, more)) = rest.next_if(is_folded) {
            bytes.extend_from_slice(without_cr(&more[1..]));
        }
        let number = index + 1;
        let line = String::from_utf8(bytes).map_err(|_| "is not UTF-8").and_then(|text| read(number, &text));
        Some(line.map_err(|problem| format!("line {number} {problem}")))
    })
}

fn without_cr(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn read(number: usize, text: &str) -> Result<Line, &'static str> {
    const NO_LINE: &str = "is not of the form NAME:value";
    let is_name = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    let name_end = text.find([';', ':']).ok_or(NO_LINE)?;
    let (name, mut rest) = text.split_at(name_end);
    if !is_name(name) {
        return Err(NO_LINE);
    }
    let mut parameters = Vec::new();
    while let Some(after) = rest.strip_prefix(';') {
        let (name, after) = after.split_once('=').ok_or("has a parameter without a value")?;
        if !is_name(name) {
            return Err("has a parameter without a name");
        }
        let (value, after) = parameter_value(after)?;
        parameters.push((name.to_ascii_uppercase(), value));
        rest = after;
    }
    let value = rest.strip_prefix(':').ok_or(NO_LINE)?.to_owned();
    Ok(Line { number, name: name.to_ascii_uppercase(), parameters, value })
}

/// Reads the value of a parameter. Returns it without quotes, and what is behind it.
fn parameter_value(text: &str) -> Result<(String, &str), &'static str> {
    let (mut value, mut rest) = (String::new(), text);
    loop {
        if let Some(quoted) = rest.strip_prefix('"') {
            let (inner, after) = quoted.split_once('"').ok_or("has a quote that does not end")?;
            value.push_str(inner);
            rest = after;
        } else {
            let end = rest.find([',', ';', ':']).ok_or("has no value")?;
            value.push_str(&rest[..end]);
            rest = &rest[end..];
        }
        match rest.strip_prefix(',') {
            Some(more) => {
                value.push(',');
                rest = more;
            }
            None => return Ok((value, rest)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn read(text: &[u8]) -> Result<Vec<Line>, String> {
        lines(text).collect()
    }

    #[test]
    fn a_line_has_a_name_parameters_and_a_value() {
        let text = b"\xef\xbb\xbfDtStart;tzid=\"a:b;c\";VALUE=DATE-TIME,X:2026:0101\r\n\r\nSUMMARY:\n";
        let found = read(text).unwrap();
        assert_eq!((found[0].name.as_str(), found[0].value.as_str()), ("DTSTART", "2026:0101"));
        assert_eq!(found[0].parameter("TZID"), Some("a:b;c"));
        assert_eq!(found[0].parameter("VALUE"), Some("DATE-TIME,X"));
        assert_eq!(found[0].parameter("OTHER"), None);
        assert_eq!((found[1].number, found[1].value.as_str()), (3, ""));
    }

    #[test]
    fn a_folded_line_is_one_also_within_a_letter() {
        let text = "SUMMARY:F\r\n ête\n\t!\nUID:a".as_bytes().to_vec();
        let at = text.iter().position(|byte| *byte == 0xc3).unwrap() + 1;
        let folded = [&text[..at], b"\r\n ", &text[at..]].concat();
        let found = read(&folded).unwrap();
        assert_eq!((found[0].value.as_str(), found[1].number), ("Fête!", 5));
    }

    #[rstest]
    #[case(b"A:b\nEXDATE 20260101", "line 2 is not of the form NAME:value")]
    #[case(b"A b:c", "line 1 is not of the form NAME:value")]
    #[case(b":c", "line 1 is not of the form NAME:value")]
    #[case(b" A:b", "line 1 is not of the form NAME:value")]
    #[case(b"A;B:c", "line 1 has a parameter without a value")]
    #[case(b"A;=b:c", "line 1 has a parameter without a name")]
    #[case(b"A;B=\"c:d", "line 1 has a quote that does not end")]
    #[case(b"A;B=c", "line 1 has no value")]
    #[case(b"A;B=\"c\"d", "line 1 is not of the form NAME:value")]
    #[case(b"A:b\r\nC:\xff", "line 2 is not UTF-8")]
    fn other_lines_are_wrong(#[case] text: &[u8], #[case] expected: &str) {
        assert_eq!(read(text).unwrap_err(), expected);
    }
}
