//! Which packages with extensions of the toolkit the images have, as an administrator says.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::yaml;

/// The packages that images are known to have, by image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extensions(BTreeMap<String, BTreeSet<String>>);

/// The longest text that is read, in bytes.
const LONGEST: usize = 1 << 20;

impl Extensions {
    /// Reads a mapping of images to lists of packages, as YAML. A package is named as it is imported (`chaosk8s`), or as it is
    /// installed (`chaostoolkit-kubernetes`).
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > LONGEST {
            return Err(format!("it is longer than the {LONGEST} bytes that are read"));
        }
        let read = yaml::parse(text).map_err(|error| format!("it is not YAML: {error}"))?;
        let images = match read {
            Value::Null => return Ok(Self::default()),
            Value::Object(images) => images,
            _ => return Err("it is not a mapping of images to lists of packages".to_owned()),
        };
        let packages = |(image, packages): (String, Value)| {
            let wrong = || format!("image {image:?}: its packages are not a list of names");
            let names = packages.as_array().ok_or_else(wrong)?.iter();
            let names = names.map(|name| name.as_str().map(imported).ok_or_else(wrong));
            Ok((image.clone(), names.collect::<Result<_, String>>()?))
        };
        images.into_iter().map(packages).collect::<Result<_, _>>().map(Self)
    }

    /// Returns the packages of an image, if they are known: by the whole reference, or else by that without its tag or digest.
    #[must_use]
    pub fn of(&self, image: &str) -> Option<&BTreeSet<String>> {
        self.0.get(image).or_else(|| self.0.get(repository(image)))
    }
}

/// Returns the reference of an image without its tag and digest. A colon before the last slash is that of a port.
fn repository(image: &str) -> &str {
    let image = image.split('@').next().unwrap_or_default();
    match image.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => repository,
        _ => image,
    }
}

/// Returns the name by which a package is imported.
fn imported(package: &str) -> String {
    match package.strip_prefix("chaostoolkit-") {
        Some("kubernetes") => "chaosk8s".to_owned(),
        Some("google-cloud-platform") => "chaosgcp".to_owned(),
        Some("opentracing") => "chaostracing".to_owned(),
        Some("lib") => "chaoslib".to_owned(),
        Some(name) => format!("chaos{}", name.replace(['-', '_'], "")),
        None => package.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const FILE: &str = "shop/chaos: [chaosk8s, chaostoolkit-aws]\nshop/chaos:bare: []\nregistry:5000/chaos:\n- chaostoolkit-kubernetes\n";

    #[rstest]
    #[case::any_tag("shop/chaos:1.2", Some("chaosaws chaosk8s"))]
    #[case::no_tag("shop/chaos", Some("chaosaws chaosk8s"))]
    #[case::digest("shop/chaos:1@sha256:abc", Some("chaosaws chaosk8s"))]
    #[case::this_tag("shop/chaos:bare", Some(""))]
    #[case::port("registry:5000/chaos:1", Some("chaosk8s"))]
    #[case::port_alone("registry:5000/chaos", Some("chaosk8s"))]
    #[case::other("shop/chaos2:1.2", None)]
    #[case::none("", None)]
    fn an_image_is_known_by_its_reference_or_its_repository(
        #[case] image: &str,
        #[case] expected: Option<&str>,
    ) {
        let extensions = Extensions::parse(FILE).unwrap();
        let found = extensions.of(image).map(|found| found.iter().cloned().collect::<Vec<_>>().join(" "));
        assert_eq!(found.as_deref(), expected);
    }

    #[rstest]
    #[case("[a]", "it is not a mapping of images to lists of packages")]
    #[case("a: b", "image \"a\": its packages are not a list of names")]
    #[case("a: [1]", "image \"a\": its packages are not a list of names")]
    #[case("a: [", "it is not YAML: ")]
    fn what_cannot_be_read_is_named(#[case] text: &str, #[case] expected: &str) {
        let problem = Extensions::parse(text).unwrap_err();
        assert!(problem.starts_with(expected), "{problem}");
    }

    #[test]
    fn an_empty_file_knows_nothing() {
        assert_eq!(Extensions::parse("# none yet\n"), Ok(Extensions::default()));
    }
}
