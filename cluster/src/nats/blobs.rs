//! What is too long for a message: in the object store of its owner.

use async_nats::jetstream::object_store::ObjectStore;
use bytes::Bytes;
use tokio::io::AsyncReadExt;

use super::Inner;
use super::connect::away;
use super::streams::bucket;
use crate::engine::Result;

impl Inner {
    pub(super) async fn put_blob(&self, owner: &str, name: &str, bytes: Bytes) -> Result<()> {
        let bucket = self.bucket(owner).await?;
        let put = bucket.put(name, &mut &*bytes).await;
        put.map(drop).map_err(away)
    }

    pub(super) async fn blob(&self, owner: &str, name: &str) -> Result<Bytes> {
        let bucket = self.bucket(owner).await?;
        let mut object = bucket.get(name).await.map_err(away)?;
        // The length is the server's claim: memory is taken as bytes come.
        let mut bytes = Vec::new();
        object.read_to_end(&mut bytes).await.map_err(away)?;
        Ok(bytes.into())
    }

    pub(super) async fn remove_blob(&self, owner: &str, name: &str) -> Result<()> {
        let bucket = self.bucket(owner).await?;
        bucket.delete(name).await.map_err(away)
    }

    async fn bucket(&self, owner: &str) -> Result<ObjectStore> {
        let name = bucket(&self.prefix, owner);
        self.context.get_object_store(name).await.map_err(away)
    }
}
