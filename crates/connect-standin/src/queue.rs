//! The queue of orders: first in, first out.

use crate::order::{ConnectionOrder, Order};
use std::collections::VecDeque;
use std::sync::Mutex;

#[derive(Debug, Default)]
pub(crate) struct Orders {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    next: VecDeque<Order>,
    always: Option<Order>,
    connections: VecDeque<ConnectionOrder>,
}

impl Orders {
    pub(crate) fn push(&self, times: usize, order: Order) {
        self.with(|inner| inner.next.extend(std::iter::repeat_n(order, times)));
    }

    pub(crate) fn always(&self, order: Option<Order>) {
        self.with(|inner| inner.always = order);
    }

    pub(crate) fn push_connection(&self, times: usize, order: ConnectionOrder) {
        self.with(|inner| inner.connections.extend(std::iter::repeat_n(order, times)));
    }

    /// Takes the order for an exchange that has just arrived.
    pub(crate) fn take(&self) -> Option<Order> {
        self.with(|inner| inner.next.pop_front().or_else(|| inner.always.clone()))
    }

    /// Takes the order for a connection that was just accepted.
    pub(crate) fn take_connection(&self) -> Option<ConnectionOrder> {
        self.with(|inner| inner.connections.pop_front())
    }

    fn with<T>(&self, body: impl FnOnce(&mut Inner) -> T) -> T {
        body(&mut self.inner.lock().expect("no holder panics"))
    }
}
