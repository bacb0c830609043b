//! What the chain says: typed reads, and reads that nodes must agree on.

use alloy::{
    eips::{BlockId, BlockNumberOrTag},
    primitives::{Address, B256, Bytes, TxKind, U64, U128, U256},
    rpc::types::{TransactionInput, TransactionRequest},
};
use serde::Deserialize;

use crate::{ChainIdentity, Endpoint, Finality, Inclusion, Intent, Policy, SubmissionError, class, endpoint::Nodes};

/// A block's place, and what it takes per gas.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Head {
    pub(crate) number: U64,
    pub(crate) hash: B256,
    base_fee_per_gas: Option<U128>,
}

/// What is read of a receipt.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Receipt {
    transaction_hash: B256,
    block_hash: Option<B256>,
    block_number: Option<U64>,
    status: Option<U64>,
    gas_used: U256,
    #[serde(default)]
    effective_gas_price: Option<U256>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct FeeHistory {
    #[serde(default)]
    reward: Option<Vec<Vec<U256>>>,
}

#[derive(Clone, Debug, Deserialize)]
struct Block {
    transactions: Vec<Transaction>,
}

#[derive(Clone, Debug, Deserialize)]
struct Transaction {
    hash: B256,
    from: Address,
    nonce: U64,
}

/// No parameters, as a list: strict nodes refuse null.
pub(crate) const NONE: [(); 0] = [];

/// The chain through its nodes, for one signer.
#[derive(Clone, Debug)]
pub(crate) struct View {
    pub(crate) nodes: Nodes,
    pub(crate) signer: Address,
    pub(crate) finality: Finality,
    least_tip: u128,
}

impl View {
    pub(crate) fn new(nodes: Nodes, signer: Address, policy: &Policy) -> Self {
        Self { nodes, signer, finality: policy.finality, least_tip: policy.least_tip }
    }

    /// What a node says its chain is.
    pub(crate) async fn identity(&self, endpoint: &Endpoint) -> Result<ChainIdentity, SubmissionError> {
        let id: U64 = self.nodes.ask(endpoint, "eth_chainId", NONE).await?;
        let genesis: Head = self.nodes.ask(endpoint, "eth_getBlockByNumber", ("0x0", false)).await?;
        Ok(ChainIdentity { chain_id: id.to(), genesis: Some(genesis.hash) })
    }

    /// The newest block.
    pub(crate) async fn head(&self) -> Result<Head, SubmissionError> {
        self.nodes.read("eth_getBlockByNumber", (BlockNumberOrTag::Latest, false)).await
    }

    /// How many transactions of the signer the chain has.
    pub(crate) async fn nonce(&self, at: BlockNumberOrTag) -> Result<u64, SubmissionError> {
        let count: U64 = self.nodes.read("eth_getTransactionCount", (self.signer, at)).await?;
        Ok(count.to())
    }

    /// The signer's balance, in wei.
    pub(crate) async fn balance(&self) -> Result<U256, SubmissionError> {
        self.nodes.read("eth_getBalance", (self.signer, BlockNumberOrTag::Latest)).await
    }

    /// The base fee of the newest block and the median tip of the last ones, in wei per gas.
    pub(crate) async fn fees(&self, head: &Head) -> Result<(u128, u128), SubmissionError> {
        let base = head.base_fee_per_gas.ok_or(SubmissionError::NoBaseFee)?.to();
        let asked = ("0x5", BlockNumberOrTag::Latest, [50]);
        let tip = match self.nodes.read::<_, FeeHistory>("eth_feeHistory", asked).await {
            Ok(history) => median(history),
            // Not every node keeps one.
            Err(_) => self.nodes.read("eth_maxPriorityFeePerGas", NONE).await?,
        };
        Ok((base, u128::try_from(tip).unwrap_or(u128::MAX).max(self.least_tip)))
    }

    /// Tries a call without a transaction. The inner error is the data that it reverted with.
    pub(crate) async fn simulate(&self, intent: &Intent, at: BlockId) -> Result<Result<(), Bytes>, SubmissionError> {
        self.unless_refused::<Bytes>("eth_call", intent, at).await.map(|answer| answer.map(|_| ()))
    }

    /// How much gas a call takes. The inner error is the data that it reverted with.
    pub(crate) async fn estimate(&self, intent: &Intent) -> Result<Result<u64, Bytes>, SubmissionError> {
        let answer = self.unless_refused::<U256>("eth_estimateGas", intent, BlockId::latest()).await?;
        Ok(answer.map(|gas| u64::try_from(gas).unwrap_or(u64::MAX)))
    }

    async fn unless_refused<R: crate::endpoint::Answer>(
        &self,
        method: &'static str,
        intent: &Intent,
        at: BlockId,
    ) -> Result<Result<R, Bytes>, SubmissionError> {
        let request = TransactionRequest {
            from: Some(self.signer),
            to: Some(TxKind::Call(intent.to)),
            value: Some(intent.value),
            input: TransactionInput::both(intent.calldata.clone()),
            ..TransactionRequest::default()
        };
        match self.nodes.try_read(method, (request, at)).await {
            Ok(answer) => Ok(Ok(answer)),
            Err((_, crate::endpoint::CallError::Transport(error)))
                if class::of_read(&error) == crate::Class::Refused =>
            {
                Ok(Err(class::revert_data(&error)))
            }
            Err((error, _)) => Err(error),
        }
    }

    /// Where a transaction was included, by any node that knows.
    pub(crate) async fn receipt(&self, hash: B256) -> Result<Option<Inclusion>, SubmissionError> {
        let mut failure = None;
        let mut answered = false;
        for endpoint in self.nodes.iter() {
            match self.nodes.ask::<_, Option<Receipt>>(endpoint, "eth_getTransactionReceipt", (hash,)).await {
                Ok(Some(receipt)) => {
                    if let Some(inclusion) = inclusion(&receipt, hash) {
                        return Ok(Some(inclusion));
                    }
                }
                Ok(None) => answered = true,
                Err(error) => failure = Some(error),
            }
        }
        match failure {
            Some(error) if !answered => Err(error),
            _ => Ok(None),
        }
    }

    /// Whether a node has a transaction, waiting or included.
    pub(crate) async fn knows(&self, endpoint: &Endpoint, hash: B256) -> Result<bool, SubmissionError> {
        let found: Option<serde_json::Value> = self.nodes.ask(endpoint, "eth_getTransactionByHash", (hash,)).await?;
        Ok(found.is_some())
    }

    /// Which transaction of the signer used a nonce, in which block up to `high`: found in the chain, not concluded
    /// from what is missing. Recent blocks are looked at first, for nodes forget old states.
    pub(crate) async fn user_of(&self, nonce: u64, high: u64) -> Result<Option<(B256, u64)>, SubmissionError> {
        if self.nonce(high.into()).await? <= nonce {
            return Ok(None);
        }
        // Always: the count at `high` is above the nonce. At the end it is not at `low`.
        let (mut low, mut high, mut step) = (high, high, 1_u64);
        while low > 0 && self.nonce(low.into()).await? > nonce {
            (low, high, step) = (low.saturating_sub(step), low, step.saturating_mul(2));
        }
        while high.saturating_sub(low) > 1 {
            let middle = low.midpoint(high);
            if self.nonce(middle.into()).await? > nonce { high = middle } else { low = middle }
        }
        let block: Block = self.nodes.read("eth_getBlockByNumber", (BlockNumberOrTag::Number(high), true)).await?;
        let found = block.transactions.iter().find(|each| each.from == self.signer && each.nonce.to::<u64>() == nonce);
        Ok(found.map(|transaction| (transaction.hash, high)))
    }

    /// The highest count of the signer's transactions that any node knows of.
    pub(crate) async fn highest_nonce(&self) -> Result<u64, SubmissionError> {
        let mut highest = None;
        let mut failure = None;
        for endpoint in self.nodes.iter() {
            match self
                .nodes
                .ask::<_, U64>(endpoint, "eth_getTransactionCount", (self.signer, BlockNumberOrTag::Latest))
                .await
            {
                Ok(count) => highest = highest.max(Some(count.to())),
                Err(error) => failure = Some(error),
            }
        }
        highest.ok_or(failure.unwrap_or(SubmissionError::NoEndpoint))
    }
}

fn median(history: FeeHistory) -> U256 {
    let blocks = history.reward.into_iter().flatten();
    let mut tips: Vec<U256> = blocks.filter_map(|tips| tips.first().copied()).collect();
    tips.sort_unstable();
    tips.get(tips.len() / 2).copied().unwrap_or_default()
}

fn inclusion(receipt: &Receipt, hash: B256) -> Option<Inclusion> {
    if receipt.transaction_hash != hash {
        return None;
    }
    let price = receipt.effective_gas_price.unwrap_or_default();
    Some(Inclusion {
        hash,
        block: receipt.block_number?.to(),
        block_hash: receipt.block_hash?,
        success: receipt.status? == U64::from(1),
        cost: receipt.gas_used.saturating_mul(price),
    })
}
