//! How much a server takes from its clients before it says no.

use std::time::Duration;

/// The limits of a server. The defaults are those of a kube-apiserver where it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Reading requests that run at a time; further ones wait.
    pub max_requests_inflight: usize,
    /// Writing requests that run at a time; further ones wait.
    pub max_mutating_requests_inflight: usize,
    /// Longest time of a request that is no watch, its wait included.
    pub request_timeout: Duration,
    /// Shortest time after which the server ends a watch whose client named none; at most twice as long.
    pub min_request_timeout: Duration,
    /// Watches that are open at a time, in all and of one user.
    pub watches: Share,
    /// Bytes of request bodies that are held at a time, in all and of one user.
    pub body_bytes: Share,
    /// Connections that are open at a time, in all and from one address.
    pub connections: Share,
    /// TLS handshakes that are under way at a time.
    pub handshakes: usize,
    /// How long a client may take for its TLS handshake.
    pub handshake_timeout: Duration,
    /// How long a new connection may stay without a request.
    pub first_request_timeout: Duration,
    /// How long a connection may stay open without a request under way.
    pub idle_timeout: Duration,
    /// How long a client may take to read the next piece of an answer (64 KiB).
    pub stall_timeout: Duration,
    /// Bytes of the headers of one request.
    pub header_bytes: usize,
    /// Requests of one HTTP/2 connection at a time.
    pub streams: u32,
    /// How long a stopping server waits for the requests under way.
    pub shutdown_timeout: Duration,
}

/// How much there is of something, and how much of it one client may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    pub total: usize,
    pub each: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_requests_inflight: 400,
            max_mutating_requests_inflight: 200,
            request_timeout: Duration::from_mins(1),
            min_request_timeout: Duration::from_mins(30),
            watches: Share { total: 20_000, each: 10_000 },
            body_bytes: Share { total: 256 << 20, each: 128 << 20 },
            connections: Share { total: 4096, each: 2048 },
            handshakes: 256,
            handshake_timeout: Duration::from_secs(10),
            first_request_timeout: Duration::from_secs(32),
            idle_timeout: Duration::from_secs(90),
            stall_timeout: Duration::from_mins(1),
            header_bytes: 256 << 10,
            streams: 250,
            shutdown_timeout: Duration::from_secs(10),
        }
    }
}
