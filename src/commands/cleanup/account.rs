//! What helps if the service account of the operator is gone: pure.
//!
//! It is the parameter of the policies about authors. Without it they refuse every change of an experiment.

/// How the API server says that the parameter of a policy does not exist (seen with 1.36.3).
const MISSING: &str = "failed to configure binding: no params found";

/// Returns a sentence with the command that helps, if this problem is that the account is gone.
#[must_use]
pub fn remedy(problem: &str) -> Option<String> {
    if !problem.contains(MISSING) {
        return None;
    }
    let (_, rest) = problem.split_once("with binding '")?;
    let (binding, _) = rest.split_once('\'')?;
    let judges = binding.strip_suffix("-bound").unwrap_or(binding);
    if !judges.ends_with("-authors") {
        return None;
    }
    Some(format!(
        "the service account of the operator is gone, and the policies about authors need it; delete their bindings: kubectl delete validatingadmissionpolicybinding {judges} {judges}-bound"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn refusal(binding: &str, why: &str) -> String {
        format!(
            "cannot set the finalizers of experiment a/b: The chaosexperiments \"b\" is invalid: : ValidatingAdmissionPolicy 'p' with binding '{binding}' denied request: {why}"
        )
    }

    #[rstest]
    #[case("chaostoolkit-crd-authors", "chaostoolkit-crd-authors chaostoolkit-crd-authors-bound")]
    #[case("team-authors-bound", "team-authors team-authors-bound")]
    fn the_bindings_of_both_policies_are_named(#[case] binding: &str, #[case] expected: &str) {
        let why = "failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction";
        let remedy = remedy(&refusal(binding, why)).unwrap();
        assert!(
            remedy.ends_with(&format!("kubectl delete validatingadmissionpolicybinding {expected}")),
            "{remedy}"
        );
    }

    #[rstest]
    #[case(&refusal("chaostoolkit-crd-authors", "the run would have a right that you lack"))]
    #[case(&refusal("others", "failed to configure binding: no params found"))]
    #[case("failed to configure binding: no params found")]
    #[case("")]
    fn other_problems_have_no_remedy(#[case] problem: &str) {
        assert_eq!(remedy(problem), None);
    }
}
