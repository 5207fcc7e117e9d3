//! The HTTP edge from outside: real sockets, real messages, handlers that only echo.

mod calls;
mod contract;
mod echo;
mod listener;
mod peers;
mod rest;
mod token;
