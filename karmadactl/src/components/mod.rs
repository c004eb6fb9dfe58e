//! Karmada's servers as processes of their own, beside a kube-apiserver that somebody else runs.
//!
//! [`webhook`] answers admission and conversion reviews; [`aggregated`] serves Clusters behind the aggregation layer of a
//! kube-apiserver. Both listen by [`https`] with a certificate that is read again when its files change
//! ([`certificate`]).

pub mod aggregated;
pub mod certificate;
pub mod https;
pub mod webhook;
