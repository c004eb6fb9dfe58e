//! Everything that an embedded server holds, taken and put back by its backups.

use http::Request;
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};

const PATH: &str = "/store/backup";
const LEVEL: i32 = 1;

/// All objects of a server.
#[derive(Clone, Debug)]
pub(super) struct Archive {
    revision: u64,
    /// Each with its resource, such as `apps/deployments` or `/configmaps`.
    pub(super) objects: Vec<(String, Value)>,
}

impl Archive {
    /// Takes what a server holds now.
    pub(super) async fn take(client: &Client) -> anyhow::Result<Self> {
        let answer = client.send(Request::get(PATH).body(Body::empty())?).await?;
        let text = zstd::decode_all(&answer.into_body().collect_bytes().await?[..])?;
        let mut lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let first: Value = serde_json::from_slice(lines.next().unwrap_or_default())?;
        let mut objects = Vec::new();
        for line in lines {
            let mut line: Value = serde_json::from_slice(line)?;
            if let Some(resource) = line["resource"].as_str() {
                objects.push((resource.to_owned(), line["object"].take()));
            }
        }
        Ok(Self { revision: first["revision"].as_u64().unwrap_or_default(), objects })
    }

    /// Makes a server hold exactly this.
    pub(super) async fn put(&self, client: &Client) -> anyhow::Result<()> {
        let count = self.objects.len();
        let first = json!({
            "format": "objects backup", "version": 1, "revision": self.revision, "objects": count,
        });
        let mut text = first.to_string() + "\n";
        for (resource, object) in &self.objects {
            text.push_str(&json!({"resource": resource, "object": object}).to_string());
            text.push('\n');
        }
        let checksum = checksum(text.as_bytes());
        text.push_str(&format!("{}\n", json!({"end": count, "checksum": format!("{checksum:016x}")})));
        let body = Body::from(zstd::encode_all(text.as_bytes(), LEVEL)?);
        let answer =
            client.send(Request::put(PATH).header("Content-Type", "application/zstd").body(body)?).await?;
        let is_done = answer.status().is_success();
        let said = answer.into_body().collect_bytes().await?;
        anyhow::ensure!(is_done, "{}", String::from_utf8_lossy(&said));
        Ok(())
    }

    /// Returns an object by resource, namespace (empty where there is none) and name.
    pub(super) fn find(&self, resource: &str, namespace: &str, name: &str) -> Option<&Value> {
        self.objects
            .iter()
            .find(|(of, object)| of == resource && is_at(object, namespace, name))
            .map(|(_, object)| object)
    }

    /// Puts an object in the place of the one of its name, or adds it.
    pub(super) fn insert(&mut self, resource: &str, object: Value) {
        let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default().to_owned();
        let (namespace, name) = (text("namespace"), text("name"));
        self.objects.retain(|(of, known)| of != resource || !is_at(known, &namespace, &name));
        self.objects.push((resource.to_owned(), object));
    }
}

fn is_at(object: &Value, namespace: &str, name: &str) -> bool {
    let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default();
    text("namespace") == namespace && text("name") == name
}

/// CRC-64/XZ.
fn checksum(bytes: &[u8]) -> u64 {
    let step = |rest: u64| if rest & 1 == 1 { (rest >> 1) ^ 0xC96C_5795_D787_0F42 } else { rest >> 1 };
    let sum =
        bytes.iter().fold(!0, |sum: u64, byte| (0..8).fold(sum ^ u64::from(*byte), |rest, _| step(rest)));
    !sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_the_catalogue() {
        assert_eq!(checksum(b"123456789"), 0x995D_C9BB_DF19_39FA);
    }

    #[test]
    fn objects_of_a_name_replace_each_other() {
        let map = |namespace: &str, value: u8| json!({"metadata": {"name": "a", "namespace": namespace}, "data": value});
        let mut archive = Archive { revision: 1, objects: Vec::new() };
        archive.insert("/configmaps", map("n", 1));
        archive.insert("/configmaps", map("m", 2));
        archive.insert("/configmaps", map("n", 3));
        assert_eq!(archive.objects.len(), 2);
        assert_eq!(archive.find("/configmaps", "n", "a").unwrap()["data"], 3);
        assert!(archive.find("/secrets", "n", "a").is_none());
    }
}
