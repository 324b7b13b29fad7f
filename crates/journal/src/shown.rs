//! The beginning of a value of any type, as people read it. Nothing else of the value is kept.

use serde::de::{IgnoredAny, MapAccess, SeqAccess};

use crate::field::{Field, FromJson};
use crate::refusal::without_urls;

/// The maximum number of characters that are kept of a text. It is more than a summary shows, so that a secret at the end
/// of the shown part is recognized.
const MAX_KEPT: usize = 256;

/// The maximum number of bytes of a line in which URLs are looked for.
const MAX_LINE: usize = 1024;

/// Returns the beginning of a text on one line. Characters that JSON escapes are replaced, so that the text has the same
/// length as JSON.
pub(crate) fn plain(text: &str) -> String {
    let replaced = |letter: char| match letter {
        '"' | '\\' => '\'',
        letter if letter.is_control() => ' ',
        letter => letter,
    };
    text.chars().take(MAX_KEPT).map(replaced).collect()
}

/// The beginning of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    text: String,
    /// Whether the value is a number, or a list that begins with one.
    is_numeric: bool,
    /// The number at the key `status`, where processes have their exit code and HTTP calls the code of the answer.
    status: Option<String>,
}

impl Shown {
    /// Returns the text of a value. `null` is a value, too.
    pub(crate) fn text(field: &Field<Self>) -> Option<String> {
        match field {
            Field::Missing | Field::Wrong => None,
            Field::Null => Some("null".to_owned()),
            Field::Set(shown) => Some(shown.text.clone()),
        }
    }

    pub(crate) const fn is_numeric(&self) -> bool {
        self.is_numeric
    }

    pub(crate) fn status(&self) -> Option<String> {
        self.status.clone()
    }

    const fn of(text: String) -> Self {
        Self { text, is_numeric: false, status: None }
    }
}

impl FromJson for Shown {
    fn from_bool(value: bool) -> Option<Self> {
        Some(Self::of(value.to_string()))
    }

    fn from_number(value: f64) -> Option<Self> {
        Some(Self { is_numeric: true, ..Self::of(value.to_string()) })
    }

    fn from_text(value: &str) -> Option<Self> {
        Some(Self::of(format!("'{}'", plain(value))))
    }

    fn from_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Option<Self>, A::Error> {
        let (mut text, mut is_numeric) = (String::from("["), false);
        while let Some(item) = list.next_element::<Field<Scalar>>()? {
            is_numeric |= text.len() == 1 && matches!(item, Field::Set(Scalar { is_number: true, .. }));
            push(&mut text, &Scalar::text(&item));
            if text.len() > MAX_KEPT {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                break;
            }
        }
        text.push(']');
        Ok(Some(Self { is_numeric, ..Self::of(text) }))
    }

    fn from_object<'de, A: MapAccess<'de>>(mut object: A) -> Result<Option<Self>, A::Error> {
        let (mut text, mut status) = (String::from("{"), None);
        while let Some(key) = object.next_key::<String>()? {
            if text.len() > MAX_KEPT && status.is_some() {
                object.next_value::<IgnoredAny>()?;
                continue;
            }
            let value = object.next_value::<Field<Scalar>>()?;
            if key == "status" && matches!(value, Field::Set(Scalar { is_number: true, .. })) {
                status = Some(Scalar::text(&value));
            }
            if text.len() <= MAX_KEPT {
                push(&mut text, &format!("{}: {}", plain(&key), Scalar::text(&value)));
            }
        }
        text.push('}');
        Ok(Some(Self { status, ..Self::of(text) }))
    }
}

fn push(list: &mut String, item: &str) {
    if list.len() > 1 {
        list.push_str(", ");
    }
    list.push_str(item);
}

/// A value that is neither a list nor an object.
struct Scalar {
    text: String,
    is_number: bool,
}

impl Scalar {
    fn text(field: &Field<Self>) -> String {
        match field {
            Field::Null => "null".to_owned(),
            Field::Missing | Field::Wrong => "…".to_owned(),
            Field::Set(scalar) => scalar.text.clone(),
        }
    }
}

impl FromJson for Scalar {
    fn from_bool(value: bool) -> Option<Self> {
        Some(Self { text: value.to_string(), is_number: false })
    }

    fn from_number(value: f64) -> Option<Self> {
        Some(Self { text: value.to_string(), is_number: true })
    }

    fn from_text(value: &str) -> Option<Self> {
        Some(Self { text: format!("'{}'", plain(value)), is_number: false })
    }
}

/// The last line of a traceback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LastLine(String);

impl LastLine {
    /// Takes the first line of the last item, since the text of an exception can have several lines.
    fn of(text: &str) -> Option<Self> {
        let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
        let end = (0..=line.len().min(MAX_LINE)).rev().find(|end| line.is_char_boundary(*end));
        Some(Self(line[..end.unwrap_or_default()].to_owned()))
    }

    /// Returns the line as people read it, without paths of URLs.
    pub(crate) fn text(&self) -> String {
        let line = self.0.strip_prefix("chaoslib.exceptions.ActivityFailed: ").unwrap_or(&self.0);
        plain(&without_urls(line))
    }
}

impl FromJson for LastLine {
    fn from_text(value: &str) -> Option<Self> {
        value.lines().rev().find_map(Self::of)
    }

    fn from_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Option<Self>, A::Error> {
        let mut found = None;
        while let Some(item) = list.next_element::<Field<Item>>()? {
            if let Field::Set(Item(Some(line))) = item {
                found = Some(line);
            }
        }
        Ok(found)
    }
}

/// An item of a traceback.
struct Item(Option<LastLine>);

impl FromJson for Item {
    fn from_text(value: &str) -> Option<Self> {
        Some(Self(LastLine::of(value)))
    }
}

/// The literal texts of a configuration. They are not shown, since some of them are secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Literals {
    texts: Vec<String>,
    /// Whether there are values that are not kept.
    is_incomplete: bool,
}

impl Literals {
    /// The maximum number of values that are kept.
    const MAX: usize = 64;
    /// The minimum length of a secret. Shorter texts are in many outputs by chance.
    const MIN_CHARS: usize = 4;

    /// Returns whether a text may hold one of the values.
    pub(crate) fn is_in(&self, text: &str) -> bool {
        self.is_incomplete || self.texts.iter().any(|literal| text.contains(literal.as_str()))
    }

    fn add(&mut self, field: Field<Scalar>) {
        match field {
            Field::Set(scalar) if !scalar.is_number => {
                let text = scalar.text.trim_matches('\'');
                self.is_incomplete |= text.chars().count() >= MAX_KEPT;
                // Of a URL, the host is no secret.
                let Some((_, url)) = text.split_once("://") else { return self.add_text(text) };
                let (authority, path) = url.split_once(['/', '?', '#']).unwrap_or((url, ""));
                self.add_text(path);
                self.add_text(authority.rsplit_once('@').map_or("", |(user, _)| user));
            }
            Field::Set(_) | Field::Missing | Field::Null => {}
            // Something nested.
            Field::Wrong => self.is_incomplete = true,
        }
    }
}

impl Literals {
    fn add_text(&mut self, text: &str) {
        if text.chars().count() < Self::MIN_CHARS {
            return;
        }
        self.is_incomplete |= self.texts.len() >= Self::MAX;
        if !self.is_incomplete {
            self.texts.push(text.to_owned());
        }
    }
}

impl FromJson for Literals {
    fn from_object<'de, A: MapAccess<'de>>(mut object: A) -> Result<Option<Self>, A::Error> {
        let mut found = Self::default();
        while let Some((IgnoredAny, value)) = object.next_entry::<IgnoredAny, Field<Values>>()? {
            match value {
                Field::Set(Values(values)) => values.into_iter().for_each(|value| found.add(value)),
                Field::Missing | Field::Null => {}
                Field::Wrong => found.is_incomplete = true,
            }
        }
        Ok(Some(found))
    }
}

/// The values of one entry of a configuration. References to variables and files have a default at most.
struct Values(Vec<Field<Scalar>>);

impl FromJson for Values {
    fn from_bool(_: bool) -> Option<Self> {
        Some(Self(Vec::new()))
    }

    fn from_number(_: f64) -> Option<Self> {
        Some(Self(Vec::new()))
    }

    fn from_text(value: &str) -> Option<Self> {
        Scalar::from_text(value).map(|scalar| Self(vec![Field::Set(scalar)]))
    }

    fn from_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Option<Self>, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element::<Field<Scalar>>()? {
            // One more than is kept, so that the list counts as incomplete.
            if values.len() <= Literals::MAX {
                values.push(value);
            }
        }
        Ok(Some(Self(values)))
    }

    fn from_object<'de, A: MapAccess<'de>>(mut object: A) -> Result<Option<Self>, A::Error> {
        let mut values = Vec::new();
        while let Some((key, value)) = object.next_entry::<String, Field<Scalar>>()? {
            let is_reference = matches!(key.as_str(), "type" | "key" | "path" | "env_var_type");
            if !is_reference && values.len() <= Literals::MAX {
                values.push(value);
            }
        }
        Ok(Some(Self(values)))
    }
}
