//! The pods of runs, and what their containers log.

use futures::AsyncBufReadExt;
use futures::AsyncRead;
use futures::io::BufReader;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{ListParams, LogParams};

use chaostoolkit_api::{PodAddress, names};
use chaostoolkit_operator::cluster::{Error, label};

use crate::access::Access;
use crate::failure::Outcome;

/// The longest line of a log that is kept, in bytes. The rest of it is dropped.
pub const LONGEST_LINE: usize = 16 << 10;

impl Access {
    /// Lists the pods of the runs of an experiment in the namespace of its runs, the oldest first.
    pub async fn pods(&self, namespace: &str, uid: &str) -> Outcome<Vec<Pod>> {
        let api = self.cluster.pods(namespace).map_err(|error| self.failure(&error))?;
        let uid = label(uid).map_err(|error| self.failure(&error))?;
        let selector = format!("{}={uid}", names::UID_LABEL);
        let parameters = ListParams::default().labels(&selector);
        let doing = format!("list the pods of the experiment in namespace {namespace}");
        let found =
            self.cluster.call(doing, api.list(&parameters)).await.map_err(|error| self.failure(&error))?;
        let mut pods = found.items;
        pods.sort_by_key(|pod| pod.metadata.creation_timestamp.clone().map(|time| time.0));
        Ok(pods)
    }

    /// Reads a pod, if it exists.
    pub async fn pod(&self, address: &PodAddress) -> Outcome<Option<Pod>> {
        let api = self.cluster.pods(&address.namespace).map_err(|error| self.failure(&error))?;
        self.cluster.find(&api, "pod", &address.name).await.map_err(|error| self.failure(&error))
    }

    /// Opens the log of the container of the toolkit.
    pub async fn log(&self, pod: &Pod, follow: bool) -> Result<Lines, Error> {
        let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
        let name = pod.metadata.name.as_deref().unwrap_or_default();
        let api = self.cluster.pods(namespace)?;
        let checked = api.name(name)?;
        let parameters =
            LogParams { follow, container: Some(container(pod).to_owned()), ..LogParams::default() };
        let doing = format!("read the log of pod {namespace}/{name}");
        let log = self.cluster.call(doing, api.log_stream(&checked, &parameters)).await?;
        Ok(Lines { reader: BufReader::new(Box::pin(log)) })
    }
}

/// Returns the container of the toolkit: that of its name, or the one that an annotation names.
#[must_use]
pub fn container(pod: &Pod) -> &str {
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    let mut names_of = containers.map(|container| container.name.as_str());
    if names_of.clone().any(|name| name == names::CONTAINER) {
        return names::CONTAINER;
    }
    let annotations = pod.metadata.annotations.as_ref();
    let named = annotations.and_then(|all| all.get(names::CONTAINER_ANNOTATION)).map(String::as_str);
    named.or_else(|| names_of.next()).unwrap_or(names::CONTAINER)
}

/// Whether the container of the toolkit has started, or has ended.
#[must_use]
pub fn has_started(pod: &Pod) -> bool {
    let name = container(pod);
    let statuses = pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
    let mut states = statuses.filter(|status| status.name == name).filter_map(|status| status.state.as_ref());
    states.any(|state| state.running.is_some() || state.terminated.is_some())
}

/// Whether the container of the toolkit has ended.
#[must_use]
pub fn has_ended(pod: &Pod) -> bool {
    let name = container(pod);
    let statuses = pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
    let mut states = statuses.filter(|status| status.name == name).filter_map(|status| status.state.as_ref());
    states.any(|state| state.terminated.is_some())
}

/// The lines of a log.
pub struct Lines {
    reader: BufReader<std::pin::Pin<Box<dyn AsyncRead + Send>>>,
}

impl Lines {
    /// Returns the next line, without its end. A line that is too long is cut. Returns `None` at the end of the log.
    pub async fn next(&mut self) -> std::io::Result<Option<String>> {
        let mut line: Vec<u8> = Vec::new();
        loop {
            let chunk = self.reader.fill_buf().await?;
            if chunk.is_empty() {
                return Ok((!line.is_empty()).then(|| String::from_utf8_lossy(&line).into_owned()));
            }
            let (part, is_end) = match chunk.iter().position(|byte| *byte == b'\n') {
                Some(end) => (&chunk[..end], true),
                None => (chunk, false),
            };
            let used = part.len() + usize::from(is_end);
            let room = LONGEST_LINE.saturating_sub(line.len());
            line.extend_from_slice(&part[..part.len().min(room)]);
            self.reader.consume_unpin(used);
            if is_end {
                return Ok(Some(String::from_utf8_lossy(&line).into_owned()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::io::Cursor;
    use rstest::rstest;
    use serde_json::{Value, json};

    #[rstest]
    #[case(json!({"spec": {"containers": [{"name": "a"}, {"name": "chaostoolkit"}]}}), "chaostoolkit")]
    #[case(json!({"metadata": {"annotations": {"kubectl.kubernetes.io/default-container": "b"}},
        "spec": {"containers": [{"name": "a"}, {"name": "b"}]}}), "b")]
    #[case(json!({"spec": {"containers": [{"name": "a"}]}}), "a")]
    #[case(json!({}), "chaostoolkit")]
    fn the_container_of_the_toolkit_is_found(#[case] pod: Value, #[case] expected: &str) {
        assert_eq!(container(&serde_json::from_value(pod).unwrap()), expected);
    }

    #[tokio::test]
    async fn lines_are_read_whatever_their_length_and_bytes() {
        let mut log = b"one\n\nt\xffo\n".to_vec();
        log.extend(vec![b'x'; LONGEST_LINE + 9]);
        log.extend(b"\nlast");
        let reader: std::pin::Pin<Box<dyn AsyncRead + Send>> = Box::pin(Cursor::new(log));
        let mut lines = Lines { reader: BufReader::with_capacity(7, reader) };
        let mut found = Vec::new();
        while let Some(line) = lines.next().await.unwrap() {
            found.push(line);
        }
        assert_eq!(found, ["one", "", "t\u{fffd}o", &"x".repeat(LONGEST_LINE), "last"]);
    }
}
