//! Who may import whom. A file imports only from its own layer and from those below it, and no files import each other in a
//! circle.
//!
//! The sources are parsed, so that imports count in every form: `use` of one or of several names, re-exports, and paths that
//! begin with `crate`. Test code may import anything.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests panic to fail")]

#[path = "layers/api.rs"]
mod api;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use syn::visit::{self, Visit};
use walkdir::WalkDir;

/// The layers of the operator, from the lowest to the highest. A folder holds all files in it that have no entry of their
/// own. docs/architecture.md says why they stand in this order.
const LAYERS: [&str; 37] = [
    "yaml",
    "strategic",
    "process",
    "requests",
    "outbound",
    "toolkit",
    "cluster",
    "signals",
    "experiment/error",
    "experiment/intent",
    "experiment/jitter",
    "experiment/wait",
    "experiment/followed",
    "experiment/parent",
    "experiment/judge",
    "experiment/decide",
    "experiment/build",
    "experiment/watches",
    "experiment/hold",
    "experiment/freezes",
    "experiment/mutexes",
    "experiment/children",
    "experiment/journals",
    "experiment/apart",
    "experiment/status",
    "experiment/binding",
    "experiment/told",
    "experiment/context",
    "experiment/permit",
    "experiment/preflight",
    "experiment/pass",
    "experiment/stages",
    "experiment",
    "controller",
    "cli",
    "commands",
    // `main.rs` and `lib.rs`.
    "",
];

/// The module of each file, without `crate`: `cluster/error.rs` is `["cluster", "error"]`. So is `cluster/error/mod.rs`.
type Module = Vec<String>;
type Imports = BTreeMap<Module, BTreeSet<Module>>;

#[test]
fn no_file_of_the_operator_imports_from_above_or_in_a_circle() {
    let imports = imports(&sources("src"));
    assert!(imports.len() > 50, "only {} files were found", imports.len());
    assert_eq!(upward(&imports), Vec::<String>::new());
    assert_eq!(circles(&imports), Vec::<String>::new());
}

#[test]
fn no_files_of_a_crate_import_each_other_in_a_circle() {
    for crate_ in ["api", "calendar", "cli", "journal", "report", "runner"] {
        let imports = imports(&sources(&format!("crates/{crate_}/src")));
        assert!(imports.len() > 4, "only {} files of {crate_} were found", imports.len());
        assert_eq!(circles(&imports), Vec::<String>::new(), "{crate_}");
    }
}

#[test]
fn a_planted_circle_is_found_in_whatever_form() {
    for import in [
        "use crate::cluster::calls::Cluster;",
        "use crate::cluster::{error::Other, calls};",
        "use super::calls;",
        "use super::{error, calls::*};",
        "pub use crate::cluster::calls::Cluster;",
        "fn f() -> crate::cluster::calls::Cluster { todo!() }",
        "fn f() { use crate::cluster::calls::Cluster; }",
        "impl super::calls::Cluster {}",
    ] {
        let planted = planted(&[
            ("cluster/calls.rs", "use crate::cluster::error::Error;"),
            ("cluster/error.rs", import),
        ]);
        assert_eq!(circles(&planted), ["cluster/calls, cluster/error"], "{import}");
    }
}

#[test]
fn a_circle_through_the_root_of_a_folder_is_found() {
    let planted = planted(&[
        ("cluster/mod.rs", "mod error;\npub use error::Error;"),
        ("cluster/error.rs", "use crate::cluster::Cluster;"),
    ]);
    assert_eq!(circles(&planted), ["cluster, cluster/error"]);
}

#[test]
fn a_planted_import_from_above_is_found() {
    let planted = planted(&[
        ("cluster/error.rs", "use crate::experiment::error::Error;"),
        ("experiment/error.rs", ""),
        ("experiment/stages/ttl.rs", "use crate::cluster::error::Error;"),
    ]);
    assert_eq!(upward(&planted), ["cluster/error imports experiment/error"]);
}

#[test]
fn imports_of_test_code_and_of_other_crates_do_not_count() {
    let planted = planted(&[
        (
            "cluster/error.rs",
            "use kube::cluster::calls;\n#[cfg(test)]\nmod tests { use crate::cluster::calls::Cluster; }",
        ),
        ("cluster/calls.rs", "use crate::cluster::error::Error;"),
        ("cluster/calls/tests.rs", "use crate::experiment::stages;"),
    ]);
    assert_eq!((upward(&planted), circles(&planted)), (vec![], vec![]));
}

/// The text of all files below a folder, by path.
fn sources(folder: &str) -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let files = WalkDir::new(&folder).into_iter().map(Result::unwrap);
    let files = files.filter(|file| file.path().extension().is_some_and(|extension| extension == "rs"));
    files
        .map(|file| {
            let path = file.path().strip_prefix(&folder).unwrap().to_str().unwrap().to_owned();
            (path, std::fs::read_to_string(file.path()).unwrap())
        })
        .collect()
}

fn planted(files: &[(&str, &str)]) -> Imports {
    imports(&files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect())
}

/// The modules that each file imports from.
fn imports(sources: &BTreeMap<String, String>) -> Imports {
    let is_test = |path: &str| path.ends_with("tests.rs") || path.contains("/tests/");
    let modules: BTreeMap<Module, &String> =
        sources.iter().filter(|(path, _)| !is_test(path)).map(|(path, text)| (module(path), text)).collect();
    let known: BTreeSet<Module> = modules.keys().cloned().collect();
    let found = modules.iter().map(|(module, text)| {
        let file = syn::parse_file(text).unwrap_or_else(|error| panic!("{module:?}: {error}"));
        let mut paths = Paths { module: module.clone(), found: Vec::new() };
        paths.visit_file(&file);
        let imported = paths.found.iter().filter_map(|path| nearest(path, &known));
        (module.clone(), imported.filter(|imported| imported != module).collect())
    });
    found.collect()
}

fn module(path: &str) -> Module {
    let mut parts: Module = path.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if matches!(parts.last().map(String::as_str), Some("mod" | "lib" | "main")) {
        parts.pop();
    }
    parts
}

/// The file that holds what a path names: that of the longest beginning of the path that is a module.
fn nearest(path: &[String], known: &BTreeSet<Module>) -> Option<Module> {
    (1..=path.len()).rev().map(|length| path[..length].to_vec()).find(|module| known.contains(module))
}

/// Collects the paths that begin in this crate.
struct Paths {
    module: Module,
    found: Vec<Module>,
}

impl Paths {
    /// Adds a path, if it is one of this crate. `submodule`: a path may also begin with a child of the module.
    fn add(&mut self, path: &[String], submodule: bool) {
        let mut base = self.module.clone();
        let mut rest = path;
        match path.first().map(String::as_str) {
            Some("crate") => {
                base.clear();
                rest = &path[1..];
            }
            Some("self") => rest = &path[1..],
            Some("super") => {
                while rest.first().is_some_and(|part| part == "super") {
                    base.pop();
                    rest = &rest[1..];
                }
            }
            _ if submodule => {}
            _ => return,
        }
        base.extend(rest.iter().cloned());
        self.found.push(base);
    }

    fn add_tree(&mut self, tree: &syn::UseTree, mut prefix: Module) {
        match tree {
            syn::UseTree::Path(path) => {
                prefix.push(path.ident.to_string());
                self.add_tree(&path.tree, prefix);
            }
            syn::UseTree::Name(name) if name.ident == "self" => self.add(&prefix, true),
            syn::UseTree::Name(name) => {
                prefix.push(name.ident.to_string());
                self.add(&prefix, true);
            }
            syn::UseTree::Rename(rename) => {
                prefix.push(rename.ident.to_string());
                self.add(&prefix, true);
            }
            syn::UseTree::Glob(_) => self.add(&prefix, true),
            syn::UseTree::Group(group) => {
                for tree in &group.items {
                    self.add_tree(tree, prefix.clone());
                }
            }
        }
    }
}

impl<'ast> Visit<'ast> for Paths {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.add_tree(&item.tree, Vec::new());
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let path_: Module = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if path_.len() > 1 {
            self.add(&path_, false);
        }
        visit::visit_path(self, path);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        let is_test = item.attrs.iter().any(|attribute| {
            attribute.path().is_ident("cfg")
                && attribute.parse_args::<syn::Ident>().is_ok_and(|condition| condition == "test")
        });
        if !is_test {
            visit::visit_item_mod(self, item);
        }
    }
}

/// Imports that point upwards.
fn upward(imports: &Imports) -> Vec<String> {
    let edges = imports.iter().flat_map(|(from, to)| to.iter().map(move |to| (from, to)));
    edges
        .filter(|(from, to)| layer(from) < layer(to))
        .map(|(from, to)| format!("{} imports {}", name(from), name(to)))
        .collect()
}

/// The height of a module: that of the longest entry which it is, or is in.
fn layer(module: &Module) -> usize {
    let path = name(module);
    let holds = |layer: &str| layer.is_empty() || path == layer || path.starts_with(&format!("{layer}/"));
    let fitting = LAYERS
        .iter()
        .enumerate()
        .filter(|(_, layer)| holds(layer) && (module.is_empty() || !layer.is_empty()));
    let found = fitting.max_by_key(|(_, layer)| layer.len());
    found.unwrap_or_else(|| panic!("{path} has no layer: give it one in LAYERS")).0
}

/// The groups of files that import each other in a circle.
fn circles(imports: &Imports) -> Vec<String> {
    let reached: BTreeMap<&Module, BTreeSet<Module>> =
        imports.keys().map(|module| (module, reached_from(module, imports))).collect();
    let mutual = |module: &Module| -> BTreeSet<String> {
        let others = reached[module].iter().filter(|other| reached[other].contains(module));
        others.map(name).collect()
    };
    let groups: BTreeSet<BTreeSet<String>> =
        imports.keys().map(mutual).filter(|group| !group.is_empty()).collect();
    groups.into_iter().map(|group| group.into_iter().collect::<Vec<_>>().join(", ")).collect()
}

fn reached_from(module: &Module, imports: &Imports) -> BTreeSet<Module> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<&Module> = imports[module].iter().collect();
    while let Some(next) = open.pop() {
        if reached.insert(next.clone()) {
            open.extend(&imports[next]);
        }
    }
    reached
}

fn name(module: &Module) -> String {
    module.join("/")
}
