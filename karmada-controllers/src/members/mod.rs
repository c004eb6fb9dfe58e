//! Clients and isolation of member clusters.
