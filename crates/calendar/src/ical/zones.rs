//! The zones that a file names.

use std::collections::HashMap;

use jiff::tz::TimeZone;

use crate::error::quoted;
use crate::ical::lines::Line;

/// The zones that a file defines. Of each it is only read which zone of the IANA database it is: that database knows the
/// past and the future better than a file.
#[derive(Debug, Default)]
pub struct Zones {
    /// The names in the IANA database, by the identifiers in the file.
    locations: HashMap<String, String>,
    /// The identifier and the name of the definition that is read.
    open: (Option<String>, Option<String>),
}

impl Zones {
    /// Begins a definition.
    pub fn begin(&mut self) {
        self.open = (None, None);
    }

    /// Takes a line of a definition.
    pub fn note(&mut self, line: Line) {
        match line.name.as_str() {
            "TZID" => self.open.0 = Some(line.value),
            "X-LIC-LOCATION" => self.open.1 = Some(line.value),
            _ => return,
        }
        if let (Some(identifier), Some(location)) = &self.open {
            self.locations.insert(identifier.clone(), location.clone());
        }
    }

    /// Returns the zone with an identifier. It is a name in the IANA database, also behind a prefix as in
    /// `/example.org/Europe/Berlin`, or the definition in the file says which name it has there.
    pub fn get(&self, identifier: &str) -> Result<TimeZone, String> {
        let known = |name: &str| TimeZone::get(name.trim()).ok();
        let behind_prefix = || {
            let parts: Vec<&str> = identifier.split('/').filter(|part| !part.is_empty()).collect();
            let ends = [3, 2].into_iter().filter(|count| *count < parts.len());
            ends.map(|count| parts[parts.len() - count..].join("/")).find_map(|name| known(&name))
        };
        let zone = known(identifier)
            .or_else(behind_prefix)
            .or_else(|| self.locations.get(identifier).and_then(|name| known(name)));
        zone.ok_or_else(|| {
            let identifier = quoted(identifier);
            format!("TZID {identifier} is no zone of the IANA database: write one such as Europe/Berlin, or use whole days")
        })
    }
}
