//! What each function of chaosk8s 0.39.0 calls. docs/rights.md has it in words.
//!
//! Functions that a module only imports from another one can be called too, so they are listed as well.
//! `tests/generated_roles.rs` compares this table with the functions of the package, and with the calls that they make.

/// What a function calls.
pub(super) enum Entry {
    /// Nothing.
    Nothing,
    /// What only a `ClusterRole` can permit.
    Cluster,
    /// Objects in the namespace that the argument `ns` names.
    In(&'static [Right]),
    /// Objects of the kind that the arguments `group` and `plural` name, in the namespace that `ns` names.
    Custom(Right),
    /// Creates the object that the argument `resource` describes.
    Apply(Format),
}

/// The format of a text.
#[derive(Clone, Copy)]
pub(super) enum Format {
    Json,
    Yaml,
}

/// Rights for a resource.
pub(super) struct Right {
    pub group: &'static str,
    pub resource: &'static str,
    pub verbs: &'static [&'static str],
    pub objects: Objects,
}

/// The objects that a right is for.
#[derive(Clone, Copy)]
pub(super) enum Objects {
    /// All objects in the namespace.
    All,
    /// The one that the argument `name` names.
    Named,
    /// The one that the argument `name` names, or all objects if there is no name.
    MaybeNamed,
    /// The one of this name.
    Only(&'static str),
}

use Entry::{Apply, Cluster, Custom, In, Nothing};
use Objects::{All, MaybeNamed, Named, Only};

const CORE: &str = "";
const APPS: &str = "apps";
const NETWORKING: &str = "networking.k8s.io";
const MESH: &str = "chaos-mesh.org";

const fn right(
    group: &'static str,
    resource: &'static str,
    verbs: &'static [&'static str],
    objects: Objects,
) -> Right {
    Right { group, resource, verbs, objects }
}

/// A right for the kind that the arguments name.
const fn kind(verbs: &'static [&'static str], objects: Objects) -> Right {
    right("", "", verbs, objects)
}

const DELETE_PODS: Entry = In(&[right(CORE, "pods", &["list", "delete"], All)]);
const EXEC: Entry =
    In(&[right(CORE, "pods", &["list"], All), right(CORE, "pods/exec", &["get", "create"], All)]);
const LIST_PODS: Entry = In(&[right(CORE, "pods", &["list"], All)]);
const POD_LOGS: Entry = In(&[right(CORE, "pods", &["list"], All), right(CORE, "pods/log", &["get"], All)]);
const CREATE_DEPLOYMENT: Entry = In(&[right(APPS, "deployments", &["create"], All)]);
const DELETE_DEPLOYMENT: Entry =
    In(&[right(APPS, "deployments", &["list"], All), right(APPS, "deployments", &["delete"], MaybeNamed)]);
const PATCH_DEPLOYMENT: Entry = In(&[right(APPS, "deployments", &["patch"], Named)]);
const LIST_DEPLOYMENTS: Entry = In(&[right(APPS, "deployments", &["list"], All)]);
const WATCH_DEPLOYMENTS: Entry = In(&[right(APPS, "deployments", &["watch"], All)]);
const DELETE_REPLICA_SET: Entry =
    In(&[right(APPS, "replicasets", &["list"], All), right(APPS, "replicasets", &["delete"], MaybeNamed)]);
const KILL_MICROSERVICE: Entry = In(&[
    right(APPS, "deployments", &["list"], All),
    right(APPS, "deployments", &["delete"], Named),
    right(APPS, "replicasets", &["list"], All),
    right(APPS, "replicasets", &["delete"], Named),
    right(CORE, "pods", &["list", "delete"], All),
]);
const LIST_DAEMON_SETS: Entry = In(&[right(APPS, "daemonsets", &["list"], All)]);
const WATCH_DAEMON_SETS: Entry = In(&[right(APPS, "daemonsets", &["watch"], All)]);
const WATCH_STATEFUL_SETS: Entry = In(&[right(APPS, "statefulsets", &["watch"], All)]);
const DELETE_SERVICE: Entry = In(&[right(CORE, "services", &["delete"], Named)]);
const LIST_SERVICES: Entry = In(&[right(CORE, "services", &["list"], All)]);
const LIST_SECRETS: Entry = In(&[right(CORE, "secrets", &["list"], All)]);
const CREATE_NETWORK_POLICY: Entry = In(&[right(NETWORKING, "networkpolicies", &["create"], All)]);
const CREATE_CUSTOM: Entry = Custom(kind(&["create"], All));
const DELETE_CUSTOM: Entry = Custom(kind(&["delete"], Named));
const GET_CUSTOM: Entry = Custom(kind(&["get"], Named));
const LIST_CUSTOM: Entry = Custom(kind(&["list"], All));
const CREATE_FAULT: Entry = In(&[right(MESH, "networkchaos", &["create"], All)]);
const CREATE_STRESS: Entry = In(&[right(MESH, "stresschaos", &["create"], All)]);

/// All functions that an activity can name, without `chaosk8s.`.
pub(super) const FUNCTIONS: &[(&str, Entry)] = &[
    ("actions.create_deployment", CREATE_DEPLOYMENT),
    ("actions.delete_deployment", DELETE_DEPLOYMENT),
    ("actions.delete_pods", DELETE_PODS),
    ("actions.delete_replica_set", DELETE_REPLICA_SET),
    ("actions.delete_service", DELETE_SERVICE),
    ("actions.kill_microservice", KILL_MICROSERVICE),
    ("actions.remove_service_endpoint", DELETE_SERVICE),
    ("actions.scale_deployment", PATCH_DEPLOYMENT),
    ("actions.scale_microservice", PATCH_DEPLOYMENT),
    ("actions.start_microservice", CREATE_DEPLOYMENT),
    ("chaosmesh.network.actions.add_common_spec", Nothing),
    ("chaosmesh.network.actions.add_latency", CREATE_FAULT),
    ("chaosmesh.network.actions.corrupt_packets", CREATE_FAULT),
    ("chaosmesh.network.actions.create_custom_object", CREATE_CUSTOM),
    ("chaosmesh.network.actions.delete_custom_object", DELETE_CUSTOM),
    (
        "chaosmesh.network.actions.delete_network_fault",
        In(&[right(MESH, "networkchaos", &["delete"], Named)]),
    ),
    ("chaosmesh.network.actions.duplicate_packets", CREATE_FAULT),
    ("chaosmesh.network.actions.reorder_packets", CREATE_FAULT),
    ("chaosmesh.network.actions.set_bandwidth", CREATE_FAULT),
    ("chaosmesh.network.actions.set_loss", CREATE_FAULT),
    ("chaosmesh.network.probes.get_custom_object", GET_CUSTOM),
    ("chaosmesh.network.probes.get_network_fault", In(&[right(MESH, "networkchaos", &["get"], Named)])),
    ("chaosmesh.network.probes.get_network_faults", In(&[right(MESH, "networkchaos", &["list"], All)])),
    ("chaosmesh.network.probes.list_custom_objects", LIST_CUSTOM),
    ("chaosmesh.stress.actions.add_common_spec", Nothing),
    ("chaosmesh.stress.actions.create_custom_object", CREATE_CUSTOM),
    ("chaosmesh.stress.actions.delete_custom_object", DELETE_CUSTOM),
    ("chaosmesh.stress.actions.delete_stressor", In(&[right(MESH, "stresschaos", &["delete"], Named)])),
    ("chaosmesh.stress.actions.stress_cpu", CREATE_STRESS),
    ("chaosmesh.stress.actions.stress_memory", CREATE_STRESS),
    ("chaosmesh.stress.probes.get_custom_object", GET_CUSTOM),
    ("chaosmesh.stress.probes.get_stressor", In(&[right(MESH, "stresschaos", &["get"], Named)])),
    ("chaosmesh.stress.probes.get_stressors", In(&[right(MESH, "stresschaos", &["list"], All)])),
    ("chaosmesh.stress.probes.list_custom_objects", LIST_CUSTOM),
    ("crd.actions.apply_from_json", Apply(Format::Json)),
    ("crd.actions.apply_from_yaml", Apply(Format::Yaml)),
    ("crd.actions.create_cluster_custom_object", Cluster),
    ("crd.actions.create_custom_object", CREATE_CUSTOM),
    ("crd.actions.delete_cluster_custom_object", Cluster),
    ("crd.actions.delete_custom_object", DELETE_CUSTOM),
    ("crd.actions.get_plural", Nothing),
    ("crd.actions.load_body", Nothing),
    ("crd.actions.patch_cluster_custom_object", Cluster),
    ("crd.actions.patch_custom_object", Custom(kind(&["patch"], Named))),
    ("crd.actions.replace_cluster_custom_object", Cluster),
    ("crd.actions.replace_custom_object", Custom(kind(&["update"], Named))),
    ("crd.probes.get_cluster_custom_object", Cluster),
    ("crd.probes.get_custom_object", GET_CUSTOM),
    ("crd.probes.list_cluster_custom_objects", Cluster),
    ("crd.probes.list_custom_objects", LIST_CUSTOM),
    ("daemonset.actions.create_daemon_set", In(&[right(APPS, "daemonsets", &["create"], All)])),
    (
        "daemonset.actions.delete_daemon_set",
        In(&[right(APPS, "daemonsets", &["list"], All), right(APPS, "daemonsets", &["delete"], MaybeNamed)]),
    ),
    ("daemonset.actions.update_daemon_set", In(&[right(APPS, "daemonsets", &["patch"], Named)])),
    ("daemonset.probes.daemon_set_available_and_healthy", LIST_DAEMON_SETS),
    ("daemonset.probes.daemon_set_fully_available", WATCH_DAEMON_SETS),
    ("daemonset.probes.daemon_set_not_fully_available", WATCH_DAEMON_SETS),
    ("daemonset.probes.daemon_set_partially_available", LIST_DAEMON_SETS),
    ("deployment.actions.create_deployment", CREATE_DEPLOYMENT),
    ("deployment.actions.delete_deployment", DELETE_DEPLOYMENT),
    ("deployment.actions.rollout_deployment", PATCH_DEPLOYMENT),
    ("deployment.actions.scale_deployment", PATCH_DEPLOYMENT),
    ("deployment.probes.deployment_available_and_healthy", LIST_DEPLOYMENTS),
    ("deployment.probes.deployment_fully_available", WATCH_DEPLOYMENTS),
    ("deployment.probes.deployment_not_fully_available", WATCH_DEPLOYMENTS),
    ("deployment.probes.deployment_partially_available", LIST_DEPLOYMENTS),
    ("event.probes.get_events", Cluster),
    ("namespace.actions.create_namespace", Cluster),
    ("namespace.actions.delete_namespace", Cluster),
    ("namespace.probes.namespace_exists", Cluster),
    ("networking.actions.allow_dns_access", CREATE_NETWORK_POLICY),
    ("networking.actions.create_ingress", In(&[right(NETWORKING, "ingresses", &["create"], All)])),
    ("networking.actions.create_network_policy", CREATE_NETWORK_POLICY),
    ("networking.actions.delete_ingress", In(&[right(NETWORKING, "ingresses", &["delete"], Named)])),
    ("networking.actions.deny_all_egress", CREATE_NETWORK_POLICY),
    ("networking.actions.deny_all_ingress", CREATE_NETWORK_POLICY),
    (
        "networking.actions.remove_allow_dns_access",
        In(&[right(NETWORKING, "networkpolicies", &["delete"], Only("chaostoolkit-allow-dns"))]),
    ),
    (
        "networking.actions.remove_deny_all_egress",
        In(&[right(NETWORKING, "networkpolicies", &["delete"], Only("chaostoolkit-deny-all-egress"))]),
    ),
    (
        "networking.actions.remove_deny_all_ingress",
        In(&[right(NETWORKING, "networkpolicies", &["delete"], Only("chaostoolkit-deny-all-ingress"))]),
    ),
    (
        "networking.actions.remove_network_policy",
        In(&[right(NETWORKING, "networkpolicies", &["delete"], Named)]),
    ),
    ("networking.actions.update_ingress", In(&[right(NETWORKING, "ingresses", &["patch"], Named)])),
    ("networking.probes.ingress_exists", In(&[right(NETWORKING, "ingresses", &["list"], All)])),
    ("node.actions.cordon_node", Cluster),
    ("node.actions.create_node", Cluster),
    ("node.actions.delete_nodes", Cluster),
    ("node.actions.drain_nodes", Cluster),
    ("node.actions.uncordon_node", Cluster),
    ("node.probes.all_nodes_must_be_ready_to_schedule", Cluster),
    ("node.probes.get_all_node_status_conditions", Cluster),
    ("node.probes.get_nodes", Cluster),
    ("node.probes.nodes_must_be_healthy", Cluster),
    ("node.probes.verify_nodes_condition", Cluster),
    ("pod.actions.delete_pods", DELETE_PODS),
    ("pod.actions.exec_in_pods", EXEC),
    ("pod.actions.terminate_pods", DELETE_PODS),
    ("pod.probes.all_pods_healthy", LIST_PODS),
    ("pod.probes.count_min_pods", LIST_PODS),
    ("pod.probes.count_pods", LIST_PODS),
    ("pod.probes.pod_is_not_available", LIST_PODS),
    ("pod.probes.pods_in_conditions", LIST_PODS),
    ("pod.probes.pods_in_phase", LIST_PODS),
    ("pod.probes.pods_not_in_phase", LIST_PODS),
    ("pod.probes.read_pod_logs", POD_LOGS),
    ("pod.probes.should_be_found_in_logs", Nothing),
    ("probes.all_microservices_healthy", LIST_PODS),
    ("probes.all_pods_healthy", LIST_PODS),
    ("probes.deployment_available_and_healthy", LIST_DEPLOYMENTS),
    ("probes.deployment_fully_available", WATCH_DEPLOYMENTS),
    ("probes.deployment_is_fully_available", WATCH_DEPLOYMENTS),
    ("probes.deployment_is_not_fully_available", WATCH_DEPLOYMENTS),
    ("probes.deployment_not_fully_available", WATCH_DEPLOYMENTS),
    ("probes.microservice_available_and_healthy", LIST_DEPLOYMENTS),
    ("probes.microservice_is_not_available", LIST_PODS),
    ("probes.pod_is_not_available", LIST_PODS),
    ("probes.read_microservices_logs", POD_LOGS),
    ("probes.read_pod_logs", POD_LOGS),
    ("probes.secret_exists", LIST_SECRETS),
    ("probes.service_endpoint_is_initialized", LIST_SERVICES),
    ("probes.service_is_initialized", LIST_SERVICES),
    ("replicaset.actions.delete_replica_set", DELETE_REPLICA_SET),
    ("secret.actions.create_secret", In(&[right(CORE, "secrets", &["create"], All)])),
    ("secret.actions.delete_secret", In(&[right(CORE, "secrets", &["delete"], Named)])),
    ("secret.probes.secret_exists", LIST_SECRETS),
    ("service.actions.create_service_endpoint", In(&[right(CORE, "services", &["create"], All)])),
    ("service.actions.delete_service", DELETE_SERVICE),
    ("service.probes.service_is_initialized", LIST_SERVICES),
    ("statefulset.actions.create_statefulset", In(&[right(APPS, "statefulsets", &["create"], All)])),
    (
        "statefulset.actions.remove_statefulset",
        In(&[
            right(APPS, "statefulsets", &["list"], All),
            right(APPS, "statefulsets", &["delete"], MaybeNamed),
        ]),
    ),
    ("statefulset.actions.scale_statefulset", In(&[right(APPS, "statefulsets", &["patch"], Named)])),
    ("statefulset.probes.statefulset_fully_available", WATCH_STATEFUL_SETS),
    ("statefulset.probes.statefulset_not_fully_available", WATCH_STATEFUL_SETS),
];
