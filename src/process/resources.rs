//! The resources of the container that brings the runner into a pod.

use std::str::FromStr;

/// A quantity of Kubernetes, such as `100m` or `64Mi`.
/// <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/>
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quantity(String);

impl Quantity {
    /// Returns the quantity as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the quantity as a number of bytes.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a quantity is not negative")]
    pub fn bytes(&self) -> u64 {
        self.amount() as u64
    }

    fn amount(&self) -> f64 {
        amount(&self.0).unwrap_or_default()
    }
}

impl FromStr for Quantity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match amount(text) {
            Some(_) => Ok(Self(text.to_owned())),
            None => Err("must be a quantity such as 100m or 64Mi, or 0 to set none".to_owned()),
        }
    }
}

/// Whether Kubernetes reads a text as a quantity, which may be negative.
#[must_use]
pub fn is_quantity(text: &str) -> bool {
    read(text.strip_prefix(['+', '-']).unwrap_or(text)).is_some()
}

/// Reads a quantity that is not negative.
fn amount(text: &str) -> Option<f64> {
    read(text).filter(|amount| amount.is_finite())
}

/// Reads a quantity without a sign. One that is too large for the type is infinite.
fn read(text: &str) -> Option<f64> {
    let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let number: f64 = number.parse().ok()?;
    let factor = match suffix {
        "" => 1.0,
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 2f64.powi(10),
        "Mi" => 2f64.powi(20),
        "Gi" => 2f64.powi(30),
        "Ti" => 2f64.powi(40),
        "Pi" => 2f64.powi(50),
        "Ei" => 2f64.powi(60),
        exponent => 10f64.powi(exponent.strip_prefix(['e', 'E'])?.parse().ok()?),
    };
    Some(number * factor)
}

/// The resources of the container. One that is 0 is not set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SidecarResources {
    /// The CPU that the scheduler reserves.
    pub cpu_request: Quantity,
    /// The CPU that the container may use.
    pub cpu_limit: Quantity,
    /// The memory that the scheduler reserves.
    pub memory_request: Quantity,
    /// The memory that the container may use.
    pub memory_limit: Quantity,
}

impl SidecarResources {
    /// Each quantity that is set: `requests` or `limits`, the resource, and the quantity.
    pub fn each(&self) -> impl Iterator<Item = (&'static str, &'static str, Option<&Quantity>)> {
        let all = [
            ("requests", "cpu", &self.cpu_request),
            ("requests", "memory", &self.memory_request),
            ("limits", "cpu", &self.cpu_limit),
            ("limits", "memory", &self.memory_limit),
        ];
        all.into_iter().map(|(kind, resource, quantity)| {
            (kind, resource, Some(quantity).filter(|set| set.amount() > 0.0))
        })
    }

    /// Checks that no request exceeds its limit. The API server would refuse every pod.
    pub fn check(&self) -> Result<(), String> {
        for (resource, request, limit) in [
            ("cpu", &self.cpu_request, &self.cpu_limit),
            ("memory", &self.memory_request, &self.memory_limit),
        ] {
            if limit.amount() > 0.0 && request.amount() > limit.amount() {
                let (request, limit) = (request.as_str(), limit.as_str());
                return Err(format!(
                    "--runner-{resource}-request {request} exceeds --runner-{resource}-limit {limit}"
                ));
            }
        }
        Ok(())
    }
}

/// The default CPU request.
pub const CPU_REQUEST: &str = "100m";
/// The default CPU limit. There is a limit since a quota may require one. The toolkit waits for the start of the
/// container, which takes longer with a lower limit. A higher limit would exceed a ratio of 4 to the request, which a
/// `LimitRange` may set.
pub const CPU_LIMIT: &str = "400m";
/// The default memory request and limit. They are equal, so that the pod is not evicted earlier than without the sidecar.
pub const MEMORY: &str = "64Mi";

impl Default for SidecarResources {
    fn default() -> Self {
        Self {
            cpu_request: Quantity(CPU_REQUEST.to_owned()),
            cpu_limit: Quantity(CPU_LIMIT.to_owned()),
            memory_request: Quantity(MEMORY.to_owned()),
            memory_limit: Quantity(MEMORY.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("0", Some(0.0))]
    #[case("100m", Some(0.1))]
    #[case("1.5", Some(1.5))]
    #[case("64Mi", Some(67_108_864.0))]
    #[case("1e3", Some(1000.0))]
    #[case("2E", Some(2e18))]
    #[case("", None)]
    #[case("-1", None)]
    #[case("1.2.3", None)]
    #[case("64MiB", None)]
    #[case("64 Mi", None)]
    #[case("1e999", None)]
    #[case("NaN", None)]
    fn quantities_are_those_of_kubernetes(#[case] text: &str, #[case] expected: Option<f64>) {
        let found = text.parse::<Quantity>().ok().map(|quantity| quantity.amount());
        assert_eq!(found.is_some(), expected.is_some(), "{found:?}");
        let (found, expected) = (found.unwrap_or_default(), expected.unwrap_or_default());
        assert!((found - expected).abs() <= expected * 1e-9, "{found}");
    }

    #[test]
    fn a_request_does_not_exceed_its_limit() {
        let quantity = |text: &str| text.parse::<Quantity>().unwrap();
        let defaults = SidecarResources::default();
        assert_eq!(defaults.check(), Ok(()));
        let unlimited =
            SidecarResources { cpu_request: quantity("2"), cpu_limit: quantity("0"), ..defaults.clone() };
        assert_eq!(unlimited.check(), Ok(()));
        let wrong = SidecarResources { memory_limit: quantity("63Mi"), ..defaults };
        let expected = "--runner-memory-request 64Mi exceeds --runner-memory-limit 63Mi";
        assert_eq!(wrong.check().unwrap_err(), expected);
    }
}
