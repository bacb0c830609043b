//! `signed → sent`: the same bytes to every node, as often as it takes.

use alloy::primitives::{B256, U256};

use crate::{
    Alarm, Class, Record, State, SubmissionError,
    class::{self, Reply},
    endpoint::{CallError, Endpoint},
    identity,
    moment::Moment,
    submitter::Submitter,
};

impl Submitter {
    /// Gives every node the transaction that was signed last. What is known of it afterwards, at worst nothing, is that
    /// it may be mined: only an answer that no node has it leaves the record as it was.
    pub(crate) async fn broadcast(&self, record: &mut Record) -> Result<Reply, SubmissionError> {
        let key = record.intent.key;
        let Some(attempt) = record.last_attempt().cloned() else { return Ok(Reply::Not(Class::Indeterminate)) };
        let endpoints = identity::on_chain(&self.view, self.binding.chain_id).await?;
        let mut reply = None;
        for endpoint in endpoints {
            let (said, error) = self.send(endpoint, &attempt.raw).await;
            if let Some(error) = error {
                tracing::warn!(hash = %attempt.hash, %error, "a node did not take a transaction");
                if said == Reply::Not(Class::Fatal) {
                    self.alarms.raise(Alarm::Rejected { key, reason: error.to_string() });
                }
            }
            reply = Some(reply.map_or(said, |before| likelier(before, said)));
        }
        self.reached(Moment::Broadcast)?;
        let reply = reply.unwrap_or(Reply::Not(Class::Indeterminate));
        match reply {
            Reply::Taken => {
                self.alarms.end(|alarm| matches!(alarm, Alarm::Rejected { key: rejected, .. } if *rejected == key));
            }
            Reply::Not(class) => self.note_class(class),
        }
        if may_be_mined(reply) && record.state == State::Signed {
            record.state = State::Sent;
            self.save(record, U256::ZERO)?;
            self.reached(Moment::Sent)?;
        }
        Ok(reply)
    }

    async fn send(&self, endpoint: &Endpoint, raw: &[u8]) -> (Reply, Option<SubmissionError>) {
        let method = "eth_sendRawTransaction";
        let raw = alloy::hex::encode_prefixed(raw);
        match self.view.nodes.call::<_, B256>(endpoint, method, (raw,)).await {
            Ok(_) => (Reply::Taken, None),
            Err(CallError::Transport(error)) => {
                let said = class::of_broadcast(&error);
                (said, Some(CallError::Transport(error).named(endpoint, method)))
            }
            // It may have been taken all the same.
            Err(error) => (Reply::Not(Class::Indeterminate), Some(error.named(endpoint, method))),
        }
    }
}

/// A nonce that is too low is the nonce of a mined transaction, perhaps this one.
fn may_be_mined(reply: Reply) -> bool {
    matches!(reply, Reply::Taken | Reply::Not(Class::Indeterminate | Class::Nonce))
}

/// Of two nodes' words the one that leaves more possible.
fn likelier(one: Reply, other: Reply) -> Reply {
    let rank = |reply| match reply {
        Reply::Taken => 0,
        Reply::Not(Class::Indeterminate) => 1,
        Reply::Not(Class::Nonce) => 2,
        Reply::Not(_) => 3,
    };
    if rank(other) < rank(one) { other } else { one }
}
