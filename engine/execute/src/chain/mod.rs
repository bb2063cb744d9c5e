//! The chain: asking nodes, signing, and seeing a plan through.
//!
//! No node is believed alone where money moves, unless the owner configured one alone. Nothing is sent that is
//! not in the journal first, and no nonce is chosen by anything but the journal and the chain together.

pub mod endpoint;
pub mod headers;
pub mod logs;
pub mod multicall;
pub mod nodes;
pub mod refusal;
pub mod retries;
pub mod sender;
pub mod signer;
pub mod vault;

pub use endpoint::{Endpoint, RpcError};
pub use headers::Headed;
pub use logs::{Log, LogFilter, Span};
pub use multicall::{Answers, MULTICALL3, Multicall};
pub use nodes::{Head, NodeError, Nodes, Simulated};
pub use refusal::{Refusal, Refused};
pub use retries::{Counts, Retries};
pub use sender::{Progress, Proposal, SendError, Sender, SenderSettings};
pub use signer::{Signer, SignerError, Unsigned};
pub use vault::{VaultError, VaultState};
