//! What one address may hold at once of what all share: connections, streams of events.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use crate::auth::limits::network;

/// How many each address holds, up to a limit.
pub struct PerAddress {
    max: usize,
    held: Mutex<HashMap<IpAddr, usize>>,
}

impl PerAddress {
    #[must_use]
    pub fn new(max: usize) -> Arc<Self> {
        Arc::new(Self { max, held: Mutex::default() })
    }

    /// One more for the address; `None`: it holds as many as it may.
    #[must_use]
    pub fn take(self: &Arc<Self>, address: IpAddr) -> Option<Held> {
        let address = network(address);
        self.change(address, |held| {
            let is_free = *held < self.max;
            *held += usize::from(is_free);
            is_free
        })
        .then(|| Held { of: self.clone(), address })
    }

    /// Who holds nothing is forgotten.
    fn change<T>(&self, address: IpAddr, change: impl FnOnce(&mut usize) -> T) -> T {
        let mut all = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let held = all.entry(address).or_default();
        let changed = change(held);
        if *held == 0 {
            all.remove(&address);
        }
        changed
    }
}

/// Counts for its address until it is dropped.
pub struct Held {
    of: Arc<PerAddress>,
    address: IpAddr,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.of.change(self.address, |held| *held -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_holds_so_many_and_no_more_until_it_gives_one_back() {
        let all = PerAddress::new(2);
        let [home, same, away] = ["2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"];
        let take = |address: &str| all.take(address.parse().unwrap());
        let first = take(home).unwrap();
        let second = take(same).unwrap();
        assert!(take(home).is_none() && take(same).is_none());
        let other = take(away).unwrap();
        drop(first);
        let third = take(home).unwrap();
        assert!(take(same).is_none());
        drop((second, third, other));
        assert!(all.held.lock().unwrap().is_empty());
    }
}
