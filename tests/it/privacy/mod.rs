//! What is held about people: given to them, erased, forgotten in time.

mod data;
mod erasure;
mod guises;
mod plates;
