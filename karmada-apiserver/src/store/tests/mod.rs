//! The store against models, over restarts, faults at every write, damage, and files of older formats.

mod backup;
mod damage;
mod faults;
mod faulty_disk;
mod formats;
mod model;
mod support;
