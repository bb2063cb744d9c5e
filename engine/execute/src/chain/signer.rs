//! Signing. A key comes from an encrypted keystore or stays with a remote signer; a plain one is taken on the
//! local chain alone. What comes back is checked before it is used: the bytes say what was asked for, and the
//! right key signed them.

use super::endpoint::{Endpoint, RpcError};
use alloy::consensus::transaction::SignerRecoverable;
use alloy::consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy::eips::eip2718::{Decodable2718, Encodable2718};
use alloy::primitives::{Address, B256, Bytes, TxKind, U256};
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use serde_json::json;
use std::fmt;
use std::path::Path;

/// The chain on which a plain key is taken.
pub const LOCAL_CHAIN: u64 = 31_337;

/// Who signs.
pub enum Signer {
    /// A key in this process.
    Local(PrivateKeySigner),
    /// A server that speaks `eth_signTransaction`, such as Web3Signer.
    Remote {
        /// The server.
        server: Endpoint,
        /// The address whose key it holds.
        address: Address,
    },
    /// Nobody: an engine that only says what it would do.
    Watching(Address),
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.address())
    }
}

/// What is to be signed.
///
/// # Units
/// Fees in wei for each unit of gas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsigned {
    /// The chain.
    pub chain: u64,
    /// The nonce.
    pub nonce: u64,
    /// The contract, or the signer itself for a cancel.
    pub to: Address,
    /// Call data.
    pub data: Bytes,
    /// The gas limit.
    pub gas: u64,
    /// The most for a unit of gas.
    pub max_fee: u128,
    /// The tip.
    pub priority_fee: u128,
}

/// Why nothing was signed.
#[derive(Debug, thiserror::Error)]
pub enum SignerError {
    /// A plain key on a chain with money on it.
    #[error(
        "a plain key is taken on chain {LOCAL_CHAIN} alone, and this is {chain}; use a keystore or a remote \
         signer"
    )]
    PlainKey {
        /// The chain.
        chain: u64,
    },
    /// A key that is none, without saying anything of it.
    #[error("the key cannot be used: it is not 32 bytes in hexadecimal")]
    BadKey,
    /// A keystore that cannot be opened.
    #[error("{path}: the keystore cannot be opened; is the file whole, and the password right?")]
    Keystore {
        /// The file.
        path: String,
    },
    /// The remote signer.
    #[error("the remote signer: {0}")]
    Remote(#[from] RpcError),
    /// Signed bytes that say something else, or by another key.
    #[error("the signer returned other bytes than it was asked for: {detail}")]
    Mismatch {
        /// What differs.
        detail: &'static str,
    },
    /// There is no key.
    #[error("there is no key to sign with: the signer of the configuration only watches")]
    NoKey,
    /// The signature failed.
    #[error("the signature failed")]
    Failed,
}

impl Signer {
    /// Takes a plain key, on the local chain alone.
    ///
    /// # Errors
    /// [`SignerError`].
    pub fn plain(key: &str, chain: u64) -> Result<Signer, SignerError> {
        if chain != LOCAL_CHAIN {
            return Err(SignerError::PlainKey { chain });
        }
        let key: PrivateKeySigner = key.trim().parse().map_err(|_| SignerError::BadKey)?;
        Ok(Signer::Local(key))
    }

    /// Opens an encrypted keystore.
    ///
    /// # Errors
    /// [`SignerError::Keystore`].
    pub fn keystore(path: &Path, password: &str) -> Result<Signer, SignerError> {
        let opened = PrivateKeySigner::decrypt_keystore(path, password);
        let key = opened.map_err(|_| SignerError::Keystore { path: path.display().to_string() })?;
        Ok(Signer::Local(key))
    }

    /// The address whose key signs.
    #[must_use]
    pub fn address(&self) -> Address {
        match self {
            Signer::Local(key) => key.address(),
            Signer::Remote { address, .. } | Signer::Watching(address) => *address,
        }
    }

    /// Signs, and checks what came back.
    ///
    /// # Errors
    /// [`SignerError`].
    pub async fn sign(&self, unsigned: &Unsigned) -> Result<(B256, Bytes), SignerError> {
        let tx = transaction(unsigned);
        let raw: Bytes = match self {
            Signer::Local(key) => {
                let signature =
                    key.sign_hash_sync(&tx.signature_hash()).map_err(|_| SignerError::Failed)?;
                TxEnvelope::from(tx.clone().into_signed(signature)).encoded_2718().into()
            }
            Signer::Remote { server, address } => {
                let request = json!([{
                    "from": address,
                    "to": unsigned.to,
                    "data": unsigned.data,
                    "value": "0x0",
                    "chainId": format!("{:#x}", unsigned.chain),
                    "nonce": format!("{:#x}", unsigned.nonce),
                    "gas": format!("{:#x}", unsigned.gas),
                    "maxFeePerGas": format!("{:#x}", unsigned.max_fee),
                    "maxPriorityFeePerGas": format!("{:#x}", unsigned.priority_fee),
                }]);
                server.ask("eth_signTransaction", request).await?
            }
            Signer::Watching(_) => return Err(SignerError::NoKey),
        };
        let hash = checked(&raw, &tx, self.address())?;
        Ok((hash, raw))
    }
}

/// The transaction of `unsigned`.
fn transaction(unsigned: &Unsigned) -> TxEip1559 {
    TxEip1559 {
        chain_id: unsigned.chain,
        nonce: unsigned.nonce,
        gas_limit: unsigned.gas,
        max_fee_per_gas: unsigned.max_fee,
        max_priority_fee_per_gas: unsigned.priority_fee,
        to: TxKind::Call(unsigned.to),
        value: U256::ZERO,
        access_list: alloy::eips::eip2930::AccessList::default(),
        input: unsigned.data.clone(),
    }
}

/// Returns the hash of `raw` if it is `tx` signed by `address`.
fn checked(raw: &Bytes, tx: &TxEip1559, address: Address) -> Result<B256, SignerError> {
    let differs = |detail: &'static str| SignerError::Mismatch { detail };
    let envelope =
        TxEnvelope::decode_2718(&mut raw.as_ref()).map_err(|_| differs("it is no transaction"))?;
    let TxEnvelope::Eip1559(signed) = &envelope else {
        return Err(differs("it is a transaction of another kind"));
    };
    if signed.tx() != tx {
        return Err(differs("its fields are not those asked for"));
    }
    match envelope.recover_signer() {
        Ok(signer) if signer == address => Ok(*signed.hash()),
        _ => Err(differs("another key signed it")),
    }
}

#[cfg(test)]
#[path = "signer_tests.rs"]
mod tests;
