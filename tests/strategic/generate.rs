//! Pods and patches of them, made by chance.
//!
//! They have few names, so that a patch often meets what is there. Only fields that kubectl knows are used.

#![allow(dead_code, reason = "each test program uses a part of this")]

use serde_json::{Map, Value, json};

use crate::common::chance::Chance;

/// What a field holds.
enum Shape {
    /// One of these values.
    One(&'static [&'static str]),
    Number,
    Truth,
    /// Texts by any keys.
    Free,
    Mapping(Fields),
    /// A list that is merged by a key. Its values are these texts.
    Keyed(&'static str, &'static [&'static str], Fields),
    /// A list that is merged by a number. Several items may have the same one.
    Numbered(&'static str, Fields),
    /// A list of texts that is replaced.
    Texts,
    /// A list of mappings that is replaced.
    Items(Fields),
    /// A list of texts that is merged.
    Set,
}

type Fields = &'static [(&'static str, Shape)];

use Shape::{Free, Items, Keyed, Mapping, Number, Numbered, One, Set, Texts, Truth};

const WORDS: &[&str] = &["a", "b", "c", "d"];

const HANDLER: Fields = &[
    ("exec", Mapping(&[("command", Texts)])),
    ("httpGet", Mapping(&[("path", One(WORDS)), ("httpHeaders", Items(&[("name", One(WORDS))]))])),
];

const CONTAINER: Fields = &[
    ("image", One(&["x", "y"])),
    ("command", Texts),
    ("args", Texts),
    (
        "env",
        Keyed(
            "name",
            WORDS,
            &[
                ("value", One(WORDS)),
                (
                    "valueFrom",
                    Mapping(&[
                        ("fieldRef", Mapping(&[("fieldPath", One(WORDS))])),
                        ("secretKeyRef", Mapping(&[("name", One(WORDS)), ("key", One(WORDS))])),
                    ]),
                ),
            ],
        ),
    ),
    ("envFrom", Items(&[("prefix", One(WORDS)), ("configMapRef", Mapping(&[("name", One(WORDS))]))])),
    ("ports", Numbered("containerPort", &[("name", One(WORDS)), ("protocol", One(&["TCP", "UDP"]))])),
    (
        "volumeMounts",
        Keyed(
            "mountPath",
            &["/a", "/b", "/c"],
            &[("name", One(WORDS)), ("readOnly", Truth), ("subPath", One(WORDS))],
        ),
    ),
    ("volumeDevices", Keyed("devicePath", &["/dev/a", "/dev/b"], &[("name", One(WORDS))])),
    (
        "resources",
        Mapping(&[("limits", Free), ("requests", Free), ("claims", Items(&[("name", One(WORDS))]))]),
    ),
    (
        "securityContext",
        Mapping(&[("runAsUser", Number), ("capabilities", Mapping(&[("add", Texts), ("drop", Texts)]))]),
    ),
    ("lifecycle", Mapping(&[("preStop", Mapping(HANDLER)), ("postStart", Mapping(HANDLER))])),
    ("stdin", Truth),
];

const POD: Fields = &[
    (
        "metadata",
        Mapping(&[
            ("labels", Free),
            ("annotations", Free),
            ("finalizers", Set),
            ("ownerReferences", Keyed("uid", &["1", "2"], &[("kind", One(WORDS)), ("controller", Truth)])),
        ]),
    ),
    (
        "spec",
        Mapping(&[
            ("nodeSelector", Free),
            ("priorityClassName", One(WORDS)),
            ("hostNetwork", Truth),
            ("terminationGracePeriodSeconds", Number),
            (
                "securityContext",
                Mapping(&[
                    ("runAsUser", Number),
                    ("fsGroup", Number),
                    ("sysctls", Items(&[("name", One(WORDS))])),
                    ("seccompProfile", Mapping(&[("type", One(WORDS))])),
                ]),
            ),
            (
                "tolerations",
                Items(&[("key", One(WORDS)), ("effect", One(WORDS)), ("tolerationSeconds", Number)]),
            ),
            ("hostAliases", Keyed("ip", &["1.1.1.1", "2.2.2.2"], &[("hostnames", Texts)])),
            ("imagePullSecrets", Keyed("name", WORDS, &[])),
            ("schedulingGates", Keyed("name", WORDS, &[])),
            (
                "topologySpreadConstraints",
                Keyed(
                    "topologyKey",
                    WORDS,
                    &[
                        ("maxSkew", Number),
                        ("whenUnsatisfiable", One(WORDS)),
                        ("labelSelector", Mapping(&[("matchLabels", Free)])),
                    ],
                ),
            ),
            ("dnsConfig", Mapping(&[("nameservers", Texts), ("options", Items(&[("name", One(WORDS))]))])),
            (
                "affinity",
                Mapping(&[(
                    "nodeAffinity",
                    Mapping(&[(
                        "preferredDuringSchedulingIgnoredDuringExecution",
                        Items(&[("weight", Number)]),
                    )]),
                )]),
            ),
            (
                "volumes",
                Keyed(
                    "name",
                    WORDS,
                    &[
                        ("emptyDir", Mapping(&[("medium", One(WORDS))])),
                        (
                            "configMap",
                            Mapping(&[("name", One(WORDS)), ("items", Items(&[("key", One(WORDS))]))]),
                        ),
                        ("secret", Mapping(&[("secretName", One(WORDS))])),
                        (
                            "ephemeral",
                            Mapping(&[(
                                "volumeClaimTemplate",
                                Mapping(&[
                                    ("metadata", Mapping(&[("finalizers", Set), ("labels", Free)])),
                                    ("spec", Mapping(&[("accessModes", Texts)])),
                                ]),
                            )]),
                        ),
                    ],
                ),
            ),
            ("initContainers", Keyed("name", &["i", "j"], CONTAINER)),
            ("containers", Keyed("name", &["chaostoolkit", "helper", "other"], CONTAINER)),
            ("ephemeralContainers", Keyed("name", &["e"], CONTAINER)),
        ]),
    ),
];

/// Makes a pod.
pub fn pod(chance: &mut Chance) -> Value {
    let mut pod = Maker { chance, is_patch: false }.fields(POD, 3);
    pod["apiVersion"] = json!("v1");
    pod["kind"] = json!("Pod");
    pod["metadata"]["name"] = json!("exp");
    pod
}

/// Makes a patch, with nulls and directives, and now and then with a mistake.
pub fn patch(chance: &mut Chance) -> Value {
    let mut maker = Maker { chance, is_patch: true };
    let mut patch = json!({});
    for (field, shape) in POD {
        if maker.is(3, 4) {
            patch[*field] = maker.mapping_or_null(shape);
        }
    }
    patch
}

struct Maker<'a> {
    chance: &'a mut Chance,
    is_patch: bool,
}

impl Maker<'_> {
    fn is(&mut self, times: u64, of: u64) -> bool {
        self.chance.below(of) < times
    }

    fn mapping_or_null(&mut self, shape: &Shape) -> Value {
        let Mapping(fields) = shape else { return Value::Null };
        let mut mapping = self.fields(fields, 2);
        // Without its name, kubectl cannot print a pod.
        mapping.as_object_mut().unwrap().remove("$patch");
        mapping.as_object_mut().unwrap().remove("$retainKeys");
        mapping
    }

    /// Makes a mapping that has each field with a chance of one in `rarity`, less one in four.
    fn fields(&mut self, fields: Fields, rarity: u64) -> Value {
        let mut mapping = Map::new();
        for (field, shape) in fields {
            if self.is(1, rarity) {
                let value = if self.is_patch && self.is(1, 10) { Value::Null } else { self.value(shape) };
                mapping.insert((*field).to_owned(), value);
            }
            if self.is_patch {
                self.directives_of_list(field, shape, &mut mapping);
            }
        }
        if self.is_patch {
            self.directives(&mut mapping);
        }
        Value::Object(mapping)
    }

    /// Adds the directives of a mapping.
    fn directives(&mut self, mapping: &mut Map<String, Value>) {
        if self.is(1, 25) {
            let directive = *self.chance.of(&["replace", "delete", "replace", "delete", "replace", "merge"]);
            mapping.insert("$patch".to_owned(), json!(directive));
        } else if self.is(1, 20) {
            let mut retained: Vec<Value> =
                mapping.keys().filter(|key| !key.starts_with('$')).map(|key| json!(key)).collect();
            retained.push(json!("name"));
            if self.is(1, 20) {
                retained.remove(0);
            }
            mapping.insert("$retainKeys".to_owned(), Value::Array(retained));
        }
    }

    /// Adds the directives that stand beside a list.
    fn directives_of_list(&mut self, field: &str, shape: &Shape, mapping: &mut Map<String, Value>) {
        let (key, all) = match shape {
            Set if self.is(1, 4) => {
                let unwanted = [json!(self.chance.of(WORDS))];
                let is_kept = |list: &Value| list.as_array().is_none_or(|list| !list.contains(&unwanted[0]));
                // In Kubernetes, chance decides what counts if a patch both adds and deletes the same item.
                if mapping.get(field).is_none_or(is_kept) {
                    mapping.insert(format!("$deleteFromPrimitiveList/{field}"), json!(unwanted));
                }
                return;
            }
            Set => (None, WORDS),
            Keyed(key, all, _) => (Some(*key), *all),
            _ => return,
        };
        if !self.is(1, 5) || mapping.get(field).is_some_and(Value::is_null) {
            return;
        }
        let named = |item: &Value| key.map_or_else(|| item.clone(), |key| json!({key: item[key]}));
        let items = mapping.get(field).and_then(Value::as_array).cloned().unwrap_or_default();
        let mut order: Vec<Value> = Vec::new();
        for item in items.iter().filter(|item| item.get("$patch").is_none()) {
            if !order.contains(&named(item)) {
                order.push(named(item));
            }
        }
        for other in all {
            let other = key.map_or_else(|| json!(other), |key| json!({key: other}));
            if self.is(1, 2) && !order.contains(&other) {
                let place = usize::try_from(self.chance.below(order.len() as u64 + 1)).unwrap();
                order.insert(place, other);
            }
        }
        if self.is(1, 20) {
            order.reverse();
        }
        if !order.is_empty() && mapping.get(field).is_none_or(|list| list != &json!([])) {
            mapping.insert(format!("$setElementOrder/{field}"), Value::Array(order));
        }
    }

    fn value(&mut self, shape: &Shape) -> Value {
        match shape {
            One(all) => json!(self.chance.of(all)),
            Number => json!(self.chance.below(3)),
            Truth => json!(self.is(1, 2)),
            Free => {
                let mut mapping = Map::new();
                for key in WORDS {
                    if self.is(1, 2) {
                        let value = if self.is_patch && self.is(1, 4) {
                            Value::Null
                        } else {
                            json!(self.chance.of(WORDS))
                        };
                        mapping.insert((*key).to_owned(), value);
                    }
                }
                if self.is_patch {
                    self.directives(&mut mapping);
                }
                Value::Object(mapping)
            }
            Mapping(fields) => self.fields(fields, 2),
            Texts | Set => (0..=self.chance.below(3)).map(|_| json!(self.chance.of(WORDS))).collect(),
            Items(fields) => (0..=self.chance.below(2)).map(|_| self.fields(fields, 2)).collect(),
            Keyed(key, all, fields) => {
                let keys: Vec<Value> = all.iter().map(|value| json!(value)).collect();
                self.keyed(key, &keys, fields, false)
            }
            Numbered(key, fields) => self.keyed(key, &[json!(80), json!(443), json!(8080)], fields, true),
        }
    }

    /// Makes a list with a merge key. In a patch, items may come twice, be deleted, or lack the key.
    fn keyed(&mut self, key: &str, all: &[Value], fields: Fields, may_repeat: bool) -> Value {
        let mut list = Vec::new();
        let mut left: Vec<Value> = all.to_vec();
        // Kubernetes cannot order a list without items.
        while !left.is_empty() && ((!self.is_patch && list.is_empty()) || self.is(3, 4)) {
            let place = usize::try_from(self.chance.below(left.len() as u64)).unwrap();
            let is_again = (may_repeat || self.is_patch) && self.is(1, 8);
            let value = if is_again { left[place].clone() } else { left.remove(place) };
            if self.is_patch && self.is(1, 6) {
                list.push(json!({"$patch": "delete", key: value}));
                continue;
            }
            let mut item = self.fields(fields, 3);
            if !self.is_patch || !self.is(1, 150) {
                item[key] = value;
            }
            let fields = item.as_object_mut().unwrap();
            // In the item of a list, this directive is about the list, which has it below.
            fields.remove("$patch");
            if let Some(Value::Array(retained)) = fields.get_mut("$retainKeys") {
                retained.push(json!(key));
            }
            list.push(item);
        }
        if self.is_patch && self.is(1, 12) {
            let place = usize::try_from(self.chance.below(list.len() as u64 + 1)).unwrap();
            list.insert(place, json!({"$patch": "replace"}));
        }
        Value::Array(list)
    }
}
