//! The stamp follows whoever asked last, whatever the tool.

use std::process::Command;

use crate::cast::{Cast, Who};
use crate::common::eventually;
use crate::request::AUTHOR;
use crate::{install, judging, stamping, wait_until_judged, wait_until_stamped};
use chaostoolkit_api::names;
use serde_json::{Value, json};

/// The experiment as a file has it: without a stamp.
fn file(suspend: bool, image: &str) -> String {
    let spec =
        json!({"namespace": "@team", "suspend": suspend, "pod": {"image": image}, "experiment": {"a": 1}});
    let mut experiment = crate::common::experiment("it", spec);
    experiment["metadata"]["namespace"] = json!("@home");
    experiment.to_string()
}

/// The generation, and the author and the request of the stamp.
fn seen(cast: &Cast) -> (i64, String, String) {
    let text = cast.kubectl(&["-n", "@home", "get", "ctk", "it", "-o", "json"], "");
    let metadata = serde_json::from_str::<Value>(&text).unwrap()["metadata"].clone();
    let of = |key: &str| metadata["annotations"][key].as_str().unwrap_or_default().to_owned();
    (
        metadata["generation"].as_i64().unwrap(),
        of(names::AUTHOR_ANNOTATION),
        of(names::AUTHOR_REQUEST_ANNOTATION),
    )
}

#[tokio::test]
#[ignore = "needs an API server with MutatingAdmissionPolicy"]
async fn the_stamp_names_whoever_asked_last() {
    let cast = Cast::new("authors").await;
    let policies = install(&cast, [judging(), stamping()].concat());
    wait_until_judged(&cast).await;
    wait_until_stamped(&cast).await;
    let (boss, dev, operator) = (cast.user(Who::Boss), cast.user(Who::Dev), cast.user(Who::Operator));
    let act = |user: &str, command: &str, input: &str| {
        let arguments: Vec<&str> =
            ["-n", "@home", "--as", user].into_iter().chain(command.split(' ')).collect();
        cast.kubectl(&arguments, input)
    };
    let is = |what: &str, generation: i64, author: &str, request: &str| {
        assert_eq!(seen(&cast), (generation, author.to_owned(), request.to_owned()), "after {what}");
    };
    let status = r#"patch ctk it --subresource=status --type=merge -p {"metadata":{"annotations":{"chaostoolkit.org/author":"x","chaostoolkit.org/rerun":"x"},"labels":{"x":"y"}},"status":{"message":"x"}}"#;
    let finalizers =
        r#"patch ctk it --type=merge -p {"metadata":{"finalizers":["chaostoolkit.org/teardown"]}}"#;
    let resume = r#"patch ctk it --type=merge -p {"spec":{"suspend":false}}"#;
    let (first, second) = (file(true, "a"), file(true, "b"));
    for (user, command, input, generation, author, request) in [
        (&dev, "create -f -", &*first, 1, &dev, "1/"),
        // This adds the annotation of kubectl alone.
        (&boss, "apply -f -", &first, 1, &dev, "1/"),
        (&boss, "label ctk it x=y", "", 1, &boss, "1/"),
        (&dev, "annotate ctk it note=1", "", 1, &boss, "1/"),
        (&dev, "annotate ctk it chaostoolkit.org/rerun=a", "", 1, &dev, "1/a"),
        (&boss, resume, "", 2, &boss, "2/a"),
        (&dev, "apply -f -", &second, 3, &dev, "3/a"),
        (&boss, "apply -f -", &second, 3, &dev, "3/a"),
        (&boss, "replace -f -", &first, 4, &boss, "4/"),
        (&dev, "replace -f -", &first, 4, &dev, "4/"),
        (&boss, "apply --server-side --force-conflicts -f -", &second, 5, &boss, "5/"),
        (&dev, "apply --server-side --force-conflicts -f -", &second, 5, &boss, "5/"),
        (&dev, "annotate ctk it chaostoolkit.org/author=", "", 5, &dev, "5/"),
        (&boss, "annotate ctk --all chaostoolkit.org/author= --overwrite", "", 5, &boss, "5/"),
        (&dev, "annotate ctk it chaostoolkit.org/author-", "", 5, &dev, "5/"),
        (&operator, finalizers, "", 5, &dev, "5/"),
        // Whoever may write the status changes nothing else by it.
        (&boss, status, "", 5, &dev, "5/"),
    ] {
        let command = if user == &dev && command.ends_with("author=") {
            format!("{command} --overwrite")
        } else {
            command.to_owned()
        };
        act(user, &command, input);
        is(&command, generation, author, request);
    }

    let edited = Command::new("kubectl")
        .args(["-n", &cast.places("@home"), "--as", &boss, "edit", "ctk", "it"])
        .env("KUBE_EDITOR", "sed -i 's/suspend: true/suspend: false/'")
        .output()
        .unwrap();
    assert!(edited.status.success(), "{edited:?}");
    is("an edit", 6, &boss, "6/");

    let (changed, text) = crate::common::kubectl(
        &[
            "-n",
            &cast.places("@home"),
            "patch",
            "ctk",
            "it",
            "--type=merge",
            "-p",
            r#"{"spec":{"experiment":{"a":1.0}}}"#,
        ],
        "",
    );
    assert!(!changed && text.contains("the way in which a number is written"), "{text}");

    // A deletion raises the generation, and asks for no run.
    act(&dev, "delete ctk it --wait=false", "");
    is("the deletion", 7, &boss, "6/");
    act(&operator, r#"patch ctk it --type=merge -p {"metadata":{"finalizers":null}}"#, "");
    cast.remove(&policies);
}

#[tokio::test]
#[ignore = "needs an API server with MutatingAdmissionPolicy"]
async fn the_stamp_of_any_user_can_be_read() {
    let cast = Cast::new("authors").await;
    let policies = install(&cast, [judging(), stamping()].concat());
    wait_until_judged(&cast).await;
    wait_until_stamped(&cast).await;
    let user = r#"we"ird\u0041, {user} ü"#;
    let groups = [r#"a,"b\"#, "[c]", "ü", "system:masters"];
    // The server sorts none of them.
    let extra = [("scopes", r#"x,"y\"#), ("example.com/b", "1"), ("example.com/a", "ü"), ("scopes", "z")];
    let stamped = |groups: &[&str], extra: &[(&str, &str)]| -> [String; 4] {
        let mut arguments =
            ["create", "--dry-run=server", "-o", "json", "-f", "-", "--as", user, "--as-uid", r#"u"1"#]
                .map(str::to_owned)
                .to_vec();
        arguments.extend(groups.iter().map(|group| format!("--as-group={group}")));
        arguments.extend(extra.iter().map(|(key, value)| format!("--as-user-extra={key}={value}")));
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let text = cast.kubectl(&arguments, &file(true, "a"));
        let annotations = serde_json::from_str::<Value>(&text).unwrap()["metadata"]["annotations"].clone();
        [AUTHOR[0], AUTHOR[1], AUTHOR[2], AUTHOR[3]].map(|key| annotations[key].as_str().unwrap().to_owned())
    };
    let [name, uid, of_groups, of_extra] = stamped(&groups, &extra);
    assert_eq!((&*name, &*uid), (user, r#"u"1"#));
    let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let all: Vec<&str> = groups.into_iter().chain(["system:authenticated"]).collect();
    assert_eq!(parsed(&of_groups), json!(all));
    let expected = json!({"scopes": [r#"x,"y\"#, "z"], "example.com/a": ["ü"], "example.com/b": ["1"]});
    assert_eq!(parsed(&of_extra), expected);

    // Each time the same text, or the policy that judges would refuse it now and then.
    for _ in 0..10 {
        assert_eq!(stamped(&groups, &extra)[3], of_extra);
    }
    let many: Vec<String> = (0..300)
        .map(|at| format!("a-group-with-a-name-of-thirty-bytes-{at}"))
        .chain(["system:masters".to_owned()])
        .collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(parsed(&stamped(&many, &[])[2]).as_array().unwrap().len(), 302);
    let keys: Vec<String> = (0..17).map(|at| format!("key-{at}")).collect();
    let pairs: Vec<(&str, &str)> = keys.iter().map(|key| (key.as_str(), "v")).collect();
    assert_eq!(parsed(&stamped(&["system:masters"], &pairs[..16])[3]).as_object().unwrap().len(), 16);
    assert_eq!(stamped(&["system:masters"], &pairs)[3], "", "which cannot be read");
    cast.remove(&policies);
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn without_the_operators_account_every_request_is_refused() {
    let cast = Cast::new("authors").await;
    let policies = install(&cast, judging());
    wait_until_judged(&cast).await;
    cast.kubectl(&["-n", "@home", "delete", "serviceaccount", "@home"], "");
    eventually("an administrator is refused", async || {
        let ask = crate::central(json!({}));
        let answered = ask.send(&cast.install.client, &cast, &cast.user(Who::Boss)).await;
        answered.is(crate::Answer::Refused("no params found"), &cast).then_some(())
    })
    .await;
    cast.remove(&policies);
}
