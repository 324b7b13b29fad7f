//! The components of a file.

use crate::error::quoted;
use crate::ical::lines::{Line, lines};
use crate::ical::zones::Zones;
use crate::limits::{Left, MAX_EVENTS, MAX_NESTED};

/// What a file has of events.
#[derive(Debug, Default)]
pub struct File {
    /// The events.
    pub events: Vec<Component>,
    /// The zones that it defines.
    pub zones: Zones,
}

/// An event as it is written.
#[derive(Debug, Default)]
pub struct Component {
    /// The number of its first line.
    pub number: usize,
    /// Its lines that say when it is, which it is, and what it is.
    pub lines: Vec<Line>,
}

/// The properties of an event that are read.
const READ: [&str; 11] = [
    "DTSTART",
    "DTEND",
    "DURATION",
    "RRULE",
    "RDATE",
    "EXDATE",
    "EXRULE",
    "RECURRENCE-ID",
    "UID",
    "SUMMARY",
    "STATUS",
];

/// Reads the components of a file. `left` is how many events it may have.
pub fn read(bytes: &[u8], left: &mut usize) -> Result<File, String> {
    let mut file = File::default();
    // The components that are open, with the numbers of their first lines.
    let mut open: Vec<(String, usize)> = Vec::new();
    let mut is_empty = true;
    for line in lines(bytes) {
        let line = line?;
        let names: Vec<&str> = open.iter().map(|(name, _)| name.as_str()).collect();
        match (line.name.as_str(), &names[..]) {
            ("BEGIN", _) => {
                begin(&mut file, &names, &line, left)?;
                is_empty = false;
                open.push((component(&line), line.number));
            }
            ("END", [.., last]) if *last == component(&line) => {
                open.pop();
            }
            ("END", _) => {
                return Err(format!("line {} ends {}, which is not open", line.number, quoted(&line.value)));
            }
            (_, []) => return Err(format!("line {} is outside of a VCALENDAR", line.number)),
            (name, [.., "VEVENT"]) if READ.contains(&name) => {
                if let Some(event) = file.events.last_mut() {
                    event.lines.push(line);
                }
            }
            (_, [.., "VTIMEZONE"]) => file.zones.note(line),
            _ => {}
        }
    }
    if let Some((name, number)) = open.last() {
        return Err(format!("the file ends within the {} of line {number}", quoted(name)));
    }
    if is_empty {
        return Err("is no iCalendar file: it has no VCALENDAR".to_owned());
    }
    Ok(file)
}

fn begin(file: &mut File, open: &[&str], line: &Line, left: &mut usize) -> Result<(), String> {
    let number = line.number;
    match (component(line).as_str(), open) {
        (_, open) if open.len() >= MAX_NESTED => {
            return Err(format!(
                "line {number} begins a component in {MAX_NESTED} others, which is too deep"
            ));
        }
        ("VCALENDAR", []) => {}
        (name, []) => {
            return Err(format!("line {number} begins {}, outside of a VCALENDAR", quoted(name)));
        }
        ("VEVENT", ["VCALENDAR"]) => {
            if !Left::take(left) {
                return Err(format!("line {number} begins another event; at most {MAX_EVENTS} are possible"));
            }
            file.events.push(Component { number, lines: Vec::new() });
        }
        ("VEVENT" | "VCALENDAR", _) => {
            return Err(format!("line {number} begins {} in another component", quoted(&line.value)));
        }
        ("VTIMEZONE", ["VCALENDAR"]) => file.zones.begin(),
        _ => {}
    }
    Ok(())
}

fn component(line: &Line) -> String {
    line.value.trim().to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn an_event_has_its_own_lines_and_not_those_of_its_alarm() {
        let text = b"BEGIN:VCALENDAR\nX:y\nbegin:vevent\nUID:a\nBEGIN:VALARM\nDURATION:PT1M\nEND:VALARM\nDTSTART:b\nEND:VEVENT\n\
            BEGIN:VTODO\nDTSTART:c\nEND:VTODO\nEND:VCALENDAR\nBEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VEVENT\nEND:VCALENDAR";
        let file = read(text, &mut 9).unwrap();
        let names = |event: &Component| event.lines.iter().map(|line| line.name.clone()).collect::<Vec<_>>();
        assert_eq!(file.events.iter().map(names).collect::<Vec<_>>(), [vec!["UID", "DTSTART"], vec![]]);
        assert_eq!(file.events.iter().map(|event| event.number).collect::<Vec<_>>(), [3, 15]);
    }

    #[rstest]
    #[case("", "is no iCalendar file: it has no VCALENDAR")]
    #[case("\r\n\n", "is no iCalendar file: it has no VCALENDAR")]
    #[case("<html>", "line 1 is not of the form NAME:value")]
    #[case("A:b", "line 1 is outside of a VCALENDAR")]
    #[case("BEGIN:VEVENT\nEND:VEVENT", "line 1 begins \"VEVENT\", outside of a VCALENDAR")]
    #[case("BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:a", "the file ends within the \"VEVENT\" of line 2")]
    #[case("BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VCALENDAR", "line 3 ends \"VCALENDAR\", which is not open")]
    #[case("END:VCALENDAR", "line 1 ends \"VCALENDAR\", which is not open")]
    #[case("BEGIN:VCALENDAR\nBEGIN:VEVENT\nBEGIN:VEVENT", "line 3 begins \"VEVENT\" in another component")]
    #[case("BEGIN:VCALENDAR\nBEGIN:X\nBEGIN:VEVENT", "line 3 begins \"VEVENT\" in another component")]
    fn a_file_of_another_form_is_refused(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(read(text.as_bytes(), &mut 9).unwrap_err(), expected);
    }

    #[test]
    fn components_are_not_nested_without_end() {
        let text = "BEGIN:VCALENDAR\n".to_owned() + &"BEGIN:A\n".repeat(80_000);
        let expected = "line 9 begins a component in 8 others, which is too deep";
        assert_eq!(read(text.as_bytes(), &mut 9).unwrap_err(), expected);
    }

    #[test]
    fn events_are_counted() {
        let file = format!("BEGIN:VCALENDAR\n{}END:VCALENDAR", "BEGIN:VEVENT\nEND:VEVENT\n".repeat(3));
        let mut left = 4;
        assert_eq!(read(file.as_bytes(), &mut left).unwrap().events.len(), 3);
        let expected = "line 4 begins another event; at most 4096 are possible";
        assert_eq!((read(file.as_bytes(), &mut left).unwrap_err().as_str(), left), (expected, 0));
    }
}
