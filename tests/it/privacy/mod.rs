//! What is held about people: erased, forgotten in time.

mod erasure;
mod guises;
mod plates;
