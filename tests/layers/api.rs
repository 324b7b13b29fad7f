//! Who may name kube's own `Api`, which takes any text as a name.

use syn::visit::{self, Visit};

use super::{Module, sources};

/// The files that may name kube's own `Api`: those that wrap it, and those of the watches and of the election, whose namespace
/// and lease are checked at the start. Everything else calls through `cluster::Objects`, which takes checked names only.
const NAME_THE_API: [&str; 6] = [
    "cluster/",
    "controller.rs",
    "controller/experiments.rs",
    "controller/freezes.rs",
    "process/leader/mod.rs",
    "commands/run.rs",
];

#[test]
fn a_name_gets_into_a_call_only_through_a_check() {
    let mut sources = sources("src");
    sources.retain(|path, _| !NAME_THE_API.iter().any(|known| path.starts_with(known)));
    assert!(sources.len() > 50, "only {} files were found", sources.len());
    let found: Vec<&String> =
        sources.iter().filter(|(_, text)| names_the_api(text)).map(|(path, _)| path).collect();
    assert!(found.is_empty(), "these name kube's Api: {found:?}");
}

#[test]
fn the_api_is_found_in_whatever_form() {
    for text in [
        "use kube::Api;",
        "use kube::{Client, Api as Calls};",
        "use kube::api::{Api, Patch};",
        "use kube::api::*;",
        "fn f() -> kube::Api<Pod> { todo!() }",
        "fn f() { kube::api::Api::<Pod>::all(client) }",
        "use kube::core::Request;",
        "use kube::client::ClientExt;",
    ] {
        assert!(names_the_api(text), "{text}");
    }
    for text in ["use kube::api::Patch;", "fn f(error: Error) { matches!(error, kube::Error::Api(_)) }"] {
        assert!(!names_the_api(text), "{text}");
    }
}

/// Whether a file names something of kube that takes a name as a text.
fn names_the_api(text: &str) -> bool {
    let mut all = AllPaths::default();
    all.visit_file(&syn::parse_file(text).unwrap());
    all.0.iter().any(|path| {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        matches!(
            path[..],
            ["kube", "Api", ..]
                | ["kube", "api" | "client" | "prelude" | "core", "Api" | "Request" | "ClientExt" | "*", ..]
                | ["kube", "*"]
        )
    })
}

/// Collects all paths of a file, also those of other crates.
#[derive(Default)]
struct AllPaths(Vec<Module>);

impl AllPaths {
    fn add_tree(&mut self, tree: &syn::UseTree, prefix: &Module) {
        let with = |last: &str| [prefix.as_slice(), &[last.to_owned()]].concat();
        match tree {
            syn::UseTree::Path(path) => self.add_tree(&path.tree, &with(&path.ident.to_string())),
            syn::UseTree::Name(name) => self.0.push(with(&name.ident.to_string())),
            syn::UseTree::Rename(rename) => self.0.push(with(&rename.ident.to_string())),
            syn::UseTree::Glob(_) => self.0.push(with("*")),
            syn::UseTree::Group(group) => group.items.iter().for_each(|item| self.add_tree(item, prefix)),
        }
    }
}

impl<'ast> Visit<'ast> for AllPaths {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.add_tree(&item.tree, &Module::new());
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.0.push(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }
}
