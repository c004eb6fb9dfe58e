//! The body of a list: pieces of stored bytes, put together while they are sent.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use crate::store::Stored;

/// Bytes of a piece: few calls for each, and small enough to be used again by the allocator.
const PIECE: usize = 64 * 1024;
const END: &[u8] = b"]}\n";

/// A list as JSON text whose length is known before it is written.
///
/// A slow client holds the stored objects, not a copy of them.
pub(super) struct ListBody {
    /// What comes before the next object.
    lead: Vec<u8>,
    /// What every object starts with, up to its metadata.
    opening: Vec<u8>,
    items: std::vec::IntoIter<Arc<Stored>>,
    left: u64,
}

impl ListBody {
    /// Makes the body of a list from its text up to the first object.
    pub(super) fn new(head: Vec<u8>, opening: Vec<u8>, items: Vec<Arc<Stored>>) -> Self {
        let objects: usize = items.iter().map(|item| item.members_len() + opening.len()).sum();
        let commas = items.len().saturating_sub(1);
        let left = (head.len() + objects + commas + END.len()) as u64;
        Self { lead: head, opening, items: items.into_iter(), left }
    }

    fn piece(&mut self) -> Vec<u8> {
        let mut piece = Vec::with_capacity(PIECE.min(self.left as usize));
        while let Some(item) = self.items.as_slice().first() {
            let bytes = self.lead.len() + self.opening.len() + item.members_len() + END.len();
            if !piece.is_empty() && piece.len() + bytes > PIECE {
                return piece;
            }
            piece.extend_from_slice(&self.lead);
            self.lead.clear();
            self.lead.push(b',');
            piece.extend_from_slice(&self.opening);
            item.write_members(&mut piece);
            self.items.next();
        }
        if self.lead != b"," {
            // There was no object.
            piece.append(&mut self.lead);
        }
        piece.extend_from_slice(END);
        piece
    }
}

impl http_body::Body for ListBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let piece = self.piece();
        self.left = self.left.saturating_sub(piece.len() as u64);
        Poll::Ready(Some(Ok(Frame::data(piece.into()))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

#[cfg(test)]
mod tests {
    use http_body::Body as _;
    use http_body_util::BodyExt as _;
    use serde_json::{Value, json};

    use super::*;
    use crate::store::{Change, Draft, Expect, Store, StoreOptions, Write};

    async fn stored(count: usize, size: usize) -> Vec<Arc<Stored>> {
        let store = Store::in_memory(&StoreOptions::default());
        for index in 0..count {
            let object =
                json!({"metadata": {"name": format!("{index:05}")}, "data": {"a": "x".repeat(size)}});
            let change = Change::Put(Draft::new(&object));
            let write = Write { resource: "/configmaps".into(), expect: Expect::Absent, change };
            store.write(write).await.unwrap();
        }
        store.list("/configmaps", "").objects
    }

    #[tokio::test]
    async fn has_the_length_that_it_says_and_holds_every_object_once() {
        for (count, size) in [(0, 0), (1, 10), (3, 2 * PIECE), (500, 1000), (20, PIECE / 2)] {
            let items = stored(count, size).await;
            let body = ListBody::new(b"{\"items\":[".to_vec(), b"{".to_vec(), items);
            let announced = body.size_hint().exact().unwrap();
            let bytes = body.collect().await.unwrap().to_bytes();
            assert_eq!(bytes.len() as u64, announced, "{count} of {size}");
            let value: Value = serde_json::from_slice(&bytes).unwrap();
            let names: Vec<&Value> =
                value["items"].as_array().unwrap().iter().map(|item| &item["metadata"]["name"]).collect();
            assert_eq!(names.len(), count);
            assert!(names.is_sorted_by_key(|name| name.as_str()));
        }
    }

    #[tokio::test]
    async fn comes_in_pieces_of_bounded_size() {
        let items = stored(500, 1000).await;
        let mut body = ListBody::new(b"{\"items\":[".to_vec(), b"{".to_vec(), items);
        let mut pieces = 0;
        while let Some(frame) = body.frame().await {
            assert!(frame.unwrap().data_ref().unwrap().len() <= PIECE);
            pieces += 1;
        }
        assert!(pieces > 5);
        assert!(body.is_end_stream());
    }
}
