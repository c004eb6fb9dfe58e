//! The assembled server: configuration, start, in-process clients, TLS listener, shutdown.

/// An API server in this process.
#[derive(Debug)]
pub struct ApiServer;

/// What [`ApiServer`] needs to start.
#[derive(Debug)]
pub struct ServerConfig;
