//! The arguments of an activity, as far as the experiment tells them.

use serde_json::{Map, Value};

/// What stands for a variable in an argument.
const VARIABLE: char = '$';

/// The variables of an experiment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Variables<'a> {
    configuration: Option<&'a Map<String, Value>>,
    secrets: Option<&'a Map<String, Value>>,
}

/// The arguments of an activity.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arguments<'a> {
    variables: Variables<'a>,
    given: Option<&'a Value>,
}

/// The value of an argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Argument {
    /// It is not given, so the default of the function counts.
    Absent,
    /// It is given as null or as an empty text.
    Empty,
    /// It is this text.
    Text(String),
    /// It is not known, for this reason.
    Unknown(&'static str),
}

impl<'a> Variables<'a> {
    /// Takes the variables of an experiment. If options of the toolkit may replace them, no value is certain.
    pub fn of(experiment: &'a Value, is_overridden: bool) -> Self {
        Self {
            configuration: experiment["configuration"].as_object().filter(|_| !is_overridden),
            secrets: experiment["secrets"].as_object(),
        }
    }

    /// Takes the arguments of an activity.
    pub fn arguments(self, given: Option<&'a Value>) -> Arguments<'a> {
        Arguments { variables: self, given: given.filter(|given| !given.is_null()) }
    }

    /// Returns a value that the experiment itself has. What comes from the environment is known in the pod alone, even if it
    /// has a default. A secret may have the same name.
    fn literal(self, name: &str) -> Option<&'a str> {
        let is_secret = |scope: &Value| scope.get(name).is_some();
        if self.secrets.into_iter().flatten().any(|(_, scope)| is_secret(scope)) {
            return None;
        }
        self.configuration?.get(name)?.as_str().filter(|value| !value.contains(VARIABLE))
    }

    /// Replaces the variables in a text. Returns `None` if a value is not known. The toolkit also knows `$name` and `$$`,
    /// which nobody needs here.
    fn resolved(self, text: &str) -> Option<String> {
        let mut parts = text.split(VARIABLE);
        let mut resolved = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) = part.strip_prefix('{')?.split_once('}')?;
            resolved.push_str(self.literal(name)?);
            resolved.push_str(rest);
        }
        Some(resolved)
    }
}

impl Arguments<'_> {
    /// Returns the value of an argument.
    pub fn get(self, name: &str) -> Argument {
        let Some(given) = self.given else { return Argument::Absent };
        let Some(given) = given.as_object() else {
            return Argument::Unknown("since the arguments are not a mapping");
        };
        match given.get(name) {
            None => Argument::Absent,
            Some(Value::Null) => Argument::Empty,
            Some(Value::String(text)) => match self.variables.resolved(text) {
                Some(text) if text.is_empty() => Argument::Empty,
                Some(text) => Argument::Text(text),
                None => Argument::Unknown("since it has a variable whose value is not in the experiment"),
            },
            Some(_) => Argument::Unknown("since it is not a text"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case::literal("shop", Some("shop"))]
    #[case::variable("${ns}", Some("shop"))]
    #[case::in_a_text("team-${ns}-${stage}", Some("team-shop-test"))]
    #[case::from_the_environment("${env}", None)]
    #[case::with_a_default("${default}", None)]
    #[case::of_a_probe("${probe}", None)]
    #[case::a_number("${number}", None)]
    #[case::nested("${nested}", None)]
    #[case::secret("${token}", None)]
    #[case::also_a_secret("${both}", None)]
    #[case::nowhere("${other}", None)]
    #[case::without_braces("$ns", None)]
    #[case::escaped("$${ns}", None)]
    #[case::open("${ns", None)]
    fn only_what_the_experiment_itself_says_is_certain(#[case] given: &str, #[case] expected: Option<&str>) {
        let experiment = json!({
            "configuration": {
                "ns": "shop", "stage": "test", "number": 5, "nested": "${ns}", "both": "a",
                "env": {"type": "env", "key": "NS"},
                "default": {"type": "env", "key": "NS", "default": "shop"},
                "probe": {"type": "probe", "provider": {"type": "process", "path": "ns"}},
            },
            "secrets": {"scope": {"token": "x", "both": "b"}, "odd": 5},
        });
        let given = json!({"ns": given});
        let certain = Variables::of(&experiment, false).arguments(Some(&given)).get("ns");
        match expected {
            Some(expected) => assert_eq!(certain, Argument::Text(expected.to_owned())),
            None => assert!(matches!(certain, Argument::Unknown(_)), "{certain:?}"),
        }
        let overridden = Variables::of(&experiment, true).arguments(Some(&given)).get("ns");
        assert_eq!(matches!(overridden, Argument::Text(_)), given == json!({"ns": "shop"}));
    }

    #[rstest]
    #[case(json!(null), Argument::Absent)]
    #[case(json!({}), Argument::Absent)]
    #[case(json!({"ns": null}), Argument::Empty)]
    #[case(json!({"ns": ""}), Argument::Empty)]
    #[case(json!({"ns": 5}), Argument::Unknown("since it is not a text"))]
    #[case(json!({"ns": ["a"]}), Argument::Unknown("since it is not a text"))]
    #[case(json!("${all}"), Argument::Unknown("since the arguments are not a mapping"))]
    fn an_argument_may_be_anything(#[case] given: Value, #[case] expected: Argument) {
        let experiment = json!({});
        assert_eq!(Variables::of(&experiment, false).arguments(Some(&given)).get("ns"), expected);
    }
}
