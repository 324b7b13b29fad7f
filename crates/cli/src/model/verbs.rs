//! Rights as people read them: the verbs of each resource on one line.

use chaostoolkit_operator::experiment::permit::question::Question;

/// Returns the questions about the same objects together, in their order: one of them, and all verbs.
#[must_use]
pub fn by_object(questions: Vec<Question>) -> Vec<(Question, Vec<String>)> {
    let mut all: Vec<(Question, Vec<String>)> = Vec::new();
    let is_same = |one: &Question, other: &Question| {
        Question { verb: String::new(), ..one.clone() } == Question { verb: String::new(), ..other.clone() }
    };
    for question in questions {
        match all.iter_mut().find(|(known, _)| is_same(known, &question)) {
            Some((_, verbs)) => verbs.push(question.verb),
            None => all.push((question.clone(), vec![question.verb])),
        }
    }
    all
}

/// Returns rights as text, such as `get, list pods in namespace shop`.
#[must_use]
pub fn text(question: &Question, verbs: &[String]) -> String {
    format!("{}{}", verbs.join(", "), Question { verb: String::new(), ..question.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_of_the_same_objects_stand_together() {
        let asked = [("get", "pods"), ("get", "jobs"), ("list", "pods")];
        let asked = asked.map(|(verb, resource)| Question::new(verb, ("", resource), "shop")).to_vec();
        let lines: Vec<String> =
            by_object(asked).iter().map(|(question, verbs)| text(question, verbs)).collect();
        assert_eq!(lines, ["get, list pods in namespace shop", "get jobs in namespace shop"]);
    }
}
