//! One request through the proxy, whichever door it came by.

use super::control::{Control, Event};
use super::distort::distorted;
use super::lag;
use super::rule::{Fault, Garbling, Lie, Place, Reply, Side, SocketFault, Wait};
use super::upstream::{Answer, Gone, Outcome, Upstream};
use bytes::Bytes;
use serde_json::{Value, json};
use std::time::Duration;

/// What the client gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Given {
    /// An answer.
    Answer(Answer),
    /// By WebSocket an answer that comes twice; by HTTP there is but one.
    Twice(Answer),
    /// By WebSocket an answer that comes after the next message.
    Later(Answer),
    /// The first part of one; then the connection breaks.
    Part(Bytes),
    /// Nothing: the connection closes.
    Nothing,
    /// Nothing, and the connection stays.
    Silence,
}

/// Node and rules, for one request after the other.
#[derive(Debug, Clone)]
pub(super) struct Exchange {
    pub(super) node: Upstream,
    pub(super) control: Control,
}

/// One call with what befalls it.
struct Item {
    call: Value,
    faults: Vec<Fault>,
}

impl Item {
    fn method(&self) -> &str {
        method(&self.call)
    }

    fn params(&self) -> Value {
        self.call.get("params").cloned().unwrap_or_else(|| json!([]))
    }

    fn has(&self, is_meant: impl Fn(&Fault) -> bool) -> bool {
        self.faults.iter().any(is_meant)
    }
}

/// The method of a call.
pub(super) fn method(call: &Value) -> &str {
    call.get("method").and_then(Value::as_str).unwrap_or_default()
}

impl Exchange {
    /// Sees one request through: the node's own bytes where no rule is meant, else what the rules make of it.
    pub(super) async fn run(&self, side: Side, body: Bytes) -> Given {
        let Ok(request) = serde_json::from_slice::<Value>(&body) else {
            self.note(side, &Value::Null, &[], true);
            return self.plain(body).await;
        };
        let (calls, is_batch) = match &request {
            Value::Array(calls) => (calls.clone(), true),
            call => (vec![call.clone()], false),
        };
        let items: Vec<Item> = calls
            .into_iter()
            .map(|call| Item { faults: self.control.strikes(side, method(&call)), call })
            .collect();
        self.struck(side, (items, is_batch), body).await
    }

    /// The same with faults that are drawn already.
    async fn struck(&self, side: Side, (items, is_batch): (Vec<Item>, bool), body: Bytes) -> Given {
        let given = self.given(&items, is_batch, body).await;
        let (given, is_forwarded) = match given {
            Ok(given) => given,
            Err(Gone) => (Given::Nothing, true),
        };
        for item in &items {
            self.note(side, &item.call, &item.faults, is_forwarded);
        }
        given
    }

    /// What the client gets, and whether the node heard of the request.
    async fn given(
        &self,
        items: &[Item],
        is_batch: bool,
        body: Bytes,
    ) -> Result<(Given, bool), Gone> {
        let any = |is_meant: fn(&Fault) -> bool| items.iter().any(|item| item.has(is_meant));
        for fault in items.iter().flat_map(|item| &item.faults) {
            wait(fault, Place::Before).await;
        }
        if any(|fault| matches!(fault, Fault::DropBefore)) {
            return Ok((Given::Nothing, false));
        }
        if any(|fault| matches!(fault, Fault::Socket(SocketFault::Silence))) {
            return Ok((Given::Silence, false));
        }
        if let Some(answer) = whole(items, Place::Before) {
            return Ok((Given::Answer(answer), false));
        }
        if let [item] = items
            && let Some(answer) = self.limited(item).await?
        {
            return Ok((Given::Answer(answer), true));
        }
        let is_refused = any(|fault| matches!(fault, Fault::Answer(Place::Before, _)));
        let changes = |fault: &Fault| {
            !matches!(fault, Fault::Delay(..) | Fault::DropAfter | Fault::Garble(_))
        };
        let is_changed = items.iter().any(|item| item.has(changes));
        let answer = if is_changed {
            self.changed(items, is_batch).await?
        } else {
            self.node.forward(body).await?
        };
        for fault in items.iter().flat_map(|item| &item.faults) {
            wait(fault, Place::After).await;
        }
        let is_forwarded = !is_refused;
        if any(|fault| matches!(fault, Fault::DropAfter)) {
            return Ok((Given::Nothing, is_forwarded));
        }
        let answer = whole(items, Place::After).unwrap_or(answer);
        let garblings = items.iter().flat_map(|item| &item.faults);
        let garbled = garblings.fold(Given::Answer(answer), garble);
        Ok((garbled, is_forwarded))
    }

    /// What a provider says that does not answer so much, where it does not.
    async fn limited(&self, item: &Item) -> Result<Option<Answer>, Gone> {
        let limit = item.faults.iter().find_map(|fault| match fault {
            Fault::Limit(limit) => Some(limit),
            _ => None,
        });
        let Some(limit) = limit else { return Ok(None) };
        let Ok(result) = self.outcome(item).await? else { return Ok(None) };
        Ok((limit.0)(&item.params(), &result).map(|(status, code, message)| {
            let id = item.call.get("id").cloned().unwrap_or_default();
            let error = json!({ "code": code, "message": message });
            let said = json!({ "jsonrpc": "2.0", "id": id, "error": error });
            Answer { status, ..json_answer(said.to_string()) }
        }))
    }

    /// The node's own bytes.
    async fn plain(&self, body: Bytes) -> Given {
        self.node.forward(body).await.map_or(Given::Nothing, Given::Answer)
    }

    /// Answers where something is made of what the node says, item by item.
    async fn changed(&self, items: &[Item], is_batch: bool) -> Result<Answer, Gone> {
        let mut answers = Vec::new();
        for item in items {
            answers.push(self.answered(item).await?);
        }
        let text = match answers.as_slice() {
            [answer] if !is_batch => answer.to_string(),
            _ => Value::Array(answers).to_string(),
        };
        Ok(json_answer(text))
    }

    async fn answered(&self, item: &Item) -> Result<Value, Gone> {
        let id = item.call.get("id").cloned().unwrap_or_default();
        let said = |outcome: Outcome| match outcome {
            Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
            Err(error) => json!({ "jsonrpc": "2.0", "id": id, "error": error }),
        };
        if let Some(error) = refusal(&item.faults, Place::Before) {
            return Ok(said(Err(error)));
        }
        let outcome = self.outcome(item).await?;
        let error = refusal(&item.faults, Place::After);
        Ok(said(error.map_or(outcome, Err)))
    }

    /// What the node says to one call, with lag, lies and forgeries.
    async fn outcome(&self, item: &Item) -> Result<Outcome, Gone> {
        let behind = item.faults.iter().find_map(|fault| match fault {
            Fault::Lag(behind) => Some(*behind),
            _ => None,
        });
        let mut params = item.params();
        if item.has(|fault| matches!(fault, Fault::Lie(Lie::HeadHash))) {
            let real = self.control.unfaked(&params.to_string());
            params = serde_json::from_str(&real).unwrap_or(params);
        }
        let asked = (item.method(), &params);
        let outcome = match behind {
            Some(behind) => lag::ask(&self.node, asked, behind).await?,
            None => self.node.ask(asked.0, asked.1).await?,
        };
        let mut result = match outcome {
            Ok(result) => result,
            Err(error) => return Ok(Err(error)),
        };
        for fault in &item.faults {
            result = distorted((&self.node, &self.control), asked, fault, result).await?;
        }
        Ok(Ok(result))
    }

    fn note(&self, side: Side, call: &Value, faults: &[Fault], is_forwarded: bool) {
        let method = method(call).to_owned();
        let sends = method == "eth_sendRawTransaction";
        let params = sends.then(|| call.get("params").cloned()).flatten();
        let faults = faults.iter().map(Fault::name).collect();
        self.control.note(Event { side, method, params, faults, is_forwarded });
    }
}

/// Waits where `fault` says so.
pub(super) async fn wait(fault: &Fault, now: Place) {
    match fault {
        Fault::Delay(place, wait) if *place == now => match wait {
            Wait::Gate(gate) => gate.pass().await,
            Wait::Millis(millis) => tokio::time::sleep(Duration::from_millis(*millis)).await,
        },
        _ => {}
    }
}

/// The whole answer that stands in for all items, if a fault says so.
fn whole(items: &[Item], now: Place) -> Option<Answer> {
    let answer = |status: u16, content_type: &str, body: &str| Answer {
        status,
        content_type: content_type.to_owned(),
        body: Bytes::copy_from_slice(body.as_bytes()),
    };
    items.iter().flat_map(|item| &item.faults).find_map(|fault| match fault {
        Fault::Answer(place, Reply::Status(status)) if *place == now => {
            Some(answer(*status, "text/plain", "not now"))
        }
        Fault::Answer(place, Reply::Html) if *place == now => {
            let page = "<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>";
            Some(answer(200, "text/html", page))
        }
        _ => None,
    })
}

/// The error that stands in for one item's answer.
fn refusal(faults: &[Fault], now: Place) -> Option<Value> {
    faults.iter().find_map(|fault| match fault {
        Fault::Answer(place, Reply::Error { code, message }) if *place == now => {
            Some(json!({ "code": code, "message": message }))
        }
        _ => None,
    })
}

fn json_answer(text: String) -> Answer {
    Answer { status: 200, content_type: "application/json".to_owned(), body: text.into() }
}

/// Breaks the bytes of an answer.
fn garble(given: Given, fault: &Fault) -> Given {
    let (Given::Answer(answer), Fault::Garble(garbling)) = (&given, fault) else { return given };
    let two_thirds = answer.body.slice(..answer.body.len().saturating_mul(2) / 3);
    match garbling {
        Garbling::Truncated => Given::Answer(Answer { body: two_thirds, ..answer.clone() }),
        Garbling::Cut => Given::Part(two_thirds),
        _ => match serde_json::from_slice(&answer.body) {
            Ok(Value::Object(_)) if *garbling == Garbling::Twice => Given::Twice(answer.clone()),
            Ok(Value::Object(_)) if *garbling == Garbling::Reversed => Given::Later(answer.clone()),
            Ok(said) => {
                let body = reordered(said, *garbling).to_string().into();
                Given::Answer(Answer { body, ..answer.clone() })
            }
            Err(_) => given,
        },
    }
}

fn reordered(mut said: Value, garbling: Garbling) -> Value {
    let each: &mut dyn FnMut(&mut Value) = match garbling {
        Garbling::OtherId => &mut |answer| {
            if let Some(id) = answer.get_mut("id") {
                *id = json!("another");
            }
        },
        Garbling::NoId => &mut |answer| {
            if let Some(fields) = answer.as_object_mut() {
                fields.remove("id");
            }
        },
        _ => &mut |_| {},
    };
    match &mut said {
        Value::Array(answers) => {
            answers.iter_mut().for_each(each);
            match garbling {
                Garbling::Twice => {
                    *answers = answers.iter().flat_map(|one| [one.clone(), one.clone()]).collect();
                }
                Garbling::Reversed => answers.reverse(),
                _ => {}
            }
        }
        answer => each(answer),
    }
    said
}
