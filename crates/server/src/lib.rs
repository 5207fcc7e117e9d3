#![doc = include_str!("../README.md")]

pub mod api;

pub mod net;

pub mod web;

pub mod config;

pub mod proxy;

pub mod run;

pub mod cli;

pub mod telemetry;
