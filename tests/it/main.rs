//! Integration tests of the workspace.

mod attached;
mod cli;
mod commands;
mod crash;
mod crds;
mod dependencies;
mod faults;
mod faults_members;
mod faults_objects;
mod interpret;
mod interpreter_webhooks;
mod interrupted;
mod join;
mod kube_rs;
mod kubectl;
mod protobuf;
mod replay;
mod serve;
mod simulate;
mod simulation;
mod store;
mod store_crash;
mod tour;
mod writing;
