//! Whether the cluster has image volumes, in which an OCI artifact is mounted.

use kube::api::PostParams;
use serde_json::Value;

use crate::cluster::manifest::{Kind, Manifest};
use crate::cluster::{Cluster, posting};
use crate::experiment::build::resources::Resources;
use crate::experiment::error::Error;

/// Fails if the API server would drop the volume of an artifact. It does that without a word where the feature is off, and
/// the pod would start without the experiment. So it is asked to create the pod, and to store nothing.
pub async fn exist(cluster: &Cluster, resources: &Resources) -> Result<(), Error> {
    let workload = &resources.workload;
    let mut pod = Manifest::new(Kind::Pod, resources.pod().clone());
    pod.map(&["metadata"]).insert("name".to_owned(), workload.name().into());
    pod.map(&["metadata"]).insert("namespace".to_owned(), workload.namespace().into());
    let doing = format!("ask whether {} can have an image volume", pod.title());
    let object = pod.to_dynamic().map_err(|error| crate::cluster::Error::unreadable(doing.clone(), error))?;
    let api = cluster.objects(Kind::Pod, workload.namespace())?;
    let parameters = PostParams { dry_run: true, ..posting() };
    match cluster.call(doing, api.create(&parameters, &object)).await {
        Ok(answer) if image_volumes(&answer.data["spec"]) < image_volumes(&pod.value["spec"]) => {
            Err(Error::NoImageVolumes("the API server drops the volume".to_owned()))
        }
        Ok(_) => Ok(()),
        // The pod was created in an earlier pass, or a webhook cannot be asked.
        Err(error) if error.is_already_exists() || error.describe().contains("dry run") => Ok(()),
        Err(error) => Err(Error::from(error).about_image_volumes()),
    }
}

/// Counts the image volumes of a pod.
fn image_volumes(spec: &Value) -> usize {
    let volumes = spec["volumes"].as_array().map(Vec::as_slice).unwrap_or_default();
    volumes.iter().filter(|volume| volume["image"]["reference"].is_string()).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_image_volumes_count() {
        let volumes =
            json!([{"name": "a", "image": {"reference": "r"}}, {"name": "b", "emptyDir": {}}, {"name": "c"}]);
        assert_eq!(image_volumes(&json!({"volumes": volumes})), 1);
        for spec in
            [json!({}), json!({"volumes": null}), json!({"volumes": [{"name": "a", "image": {}}]}), json!(1)]
        {
            assert_eq!(image_volumes(&spec), 0);
        }
    }
}
