//! Something that there is only so much of, for many clients.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use parking_lot::Mutex;

use super::limits::Share;

/// Hands out units of something; no client gets more than its share.
#[derive(Debug)]
pub(crate) struct Shares<K> {
    limit: Share,
    taken: Mutex<Taken<K>>,
}

#[derive(Debug)]
struct Taken<K> {
    total: usize,
    each: HashMap<K, usize>,
}

/// Units that a client has until this is dropped.
#[derive(Debug)]
pub(crate) struct Held<K: Clone + Eq + Hash> {
    shares: Arc<Shares<K>>,
    client: K,
    units: usize,
}

impl<K: Clone + Eq + Hash> Shares<K> {
    pub(crate) fn new(limit: Share) -> Arc<Self> {
        Arc::new(Self { limit, taken: Mutex::new(Taken { total: 0, each: HashMap::new() }) })
    }

    /// Takes units for a client, `None` when there are not as many.
    pub(crate) fn take(self: &Arc<Self>, client: &K, units: usize) -> Option<Held<K>> {
        self.add(client, units).then(|| Held { shares: self.clone(), client: client.clone(), units })
    }

    /// Returns how many units are taken.
    pub(crate) fn taken(&self) -> usize {
        self.taken.lock().total
    }

    fn add(&self, client: &K, units: usize) -> bool {
        let mut taken = self.taken.lock();
        let own = taken.each.get(client).copied().unwrap_or_default();
        if taken.total + units > self.limit.total || own + units > self.limit.each {
            return false;
        }
        taken.total += units;
        // Nothing is written for nothing: what was never taken is never given back.
        if own + units > 0 {
            taken.each.insert(client.clone(), own + units);
        }
        true
    }
}

impl<K: Clone + Eq + Hash> Held<K> {
    /// Takes more units, or says that there are not as many.
    pub(crate) fn grow(&mut self, units: usize) -> bool {
        let grown = self.shares.add(&self.client, units);
        if grown {
            self.units += units;
        }
        grown
    }
}

impl<K: Clone + Eq + Hash> Drop for Held<K> {
    fn drop(&mut self) {
        let mut taken = self.shares.taken.lock();
        taken.total -= self.units;
        if let Some(own) = taken.each.get_mut(&self.client) {
            *own -= self.units;
            if *own == 0 {
                taken.each.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_all_nor_one_get_more_than_there_is_and_what_is_dropped_comes_back() {
        let shares = Shares::new(Share { total: 5, each: 3 });
        let mut first = shares.take(&"a", 2).unwrap();
        assert!(first.grow(1) && !first.grow(1));
        assert!(shares.take(&"a", 1).is_none());
        let second = shares.take(&"b", 2).unwrap();
        assert!(shares.take(&"c", 1).is_none());
        assert_eq!(shares.taken(), 5);
        drop(first);
        assert!(shares.take(&"c", 3).is_some());
        drop(second);
        assert_eq!(shares.taken(), 0);
        assert!(shares.taken.lock().each.is_empty());
    }
}
