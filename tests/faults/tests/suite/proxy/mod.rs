//! Every fault of the proxy, against a real node; and that without a rule it changes nothing.

mod behind;
mod held;
mod lies;
mod lines;
mod rules;
mod sockets;
mod transparent;
