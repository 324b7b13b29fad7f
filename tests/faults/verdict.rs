//! The results of plans.

use std::time::Duration;

/// The result of a plan.
pub struct Verdict {
    pub class: String,
    pub name: String,
    pub took: Duration,
    /// What was wrong, with the operator's last words.
    pub wrong: Option<String>,
}

impl Verdict {
    pub fn tell(&self) {
        match &self.wrong {
            None => eprintln!("ok    {:5.1} s  {}", self.took.as_secs_f32(), self.name),
            Some(wrong) => eprintln!("WRONG {:5.1} s  {}: {wrong}", self.took.as_secs_f32(), self.name),
        }
    }
}

/// Returns the table by class, followed by the names of the plans that went wrong.
pub fn table(verdicts: &[Verdict]) -> String {
    let mut classes: Vec<&str> = Vec::new();
    for verdict in verdicts {
        if !classes.contains(&verdict.class.as_str()) {
            classes.push(&verdict.class);
        }
    }
    let row = |name: &str, of: &dyn Fn(&&Verdict) -> bool| {
        let all = verdicts.iter().filter(of).count();
        let passed = verdicts.iter().filter(of).filter(|verdict| verdict.wrong.is_none()).count();
        format!("| {name} | {passed} | {all} |\n")
    };
    let mut text = "| class | passed | plans |\n|---|---|---|\n".to_owned();
    for class in classes {
        text.push_str(&row(class, &|verdict| verdict.class == class));
    }
    text.push_str(&row("all", &|_| true));
    let wrong = verdicts.iter().filter(|verdict| verdict.wrong.is_some());
    text.extend(wrong.flat_map(|verdict| ["\nwrong: ", &verdict.name, "\n"]));
    text
}
