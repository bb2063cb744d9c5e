//! The proxy's WebSocket door: requests go the way of all requests, subscriptions through a connection of their
//! own to the node.

use super::control::Event;
use super::distort::distorted;
use super::exchange::{Exchange, Given, method, wait};
use super::lag;
use super::rule::{Fault, Lie, NOTIFICATION, Place, Side, SocketFault};
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, accept_async, connect_async};

/// A frame of a kind that does not exist, with two bytes in it.
const BROKEN_FRAME: [u8; 4] = [0x83, 0x02, 0x7b, 0x7d];

/// What is to go to the client.
enum Out {
    Say(String),
    /// After the next thing that is said.
    SayLater(String),
    Break,
    Close,
}

/// Serves one client until either side closes.
pub(super) async fn serve(connection: TcpStream, exchange: Exchange, upstream: String) {
    let Ok(mut client) = accept_async(connection).await else { return };
    let Ok((mut node, _)) = connect_async(upstream.as_str()).await else { return };
    let (out, mut outgoing) = mpsc::unbounded_channel();
    let mut later: Option<String> = None;
    loop {
        tokio::select! {
            said = client.next() => match said {
                Some(Ok(Message::Text(text))) => {
                    if !asked(&exchange, &mut node, &out, text.to_string()).await {
                        return;
                    }
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                // Pings are answered by the library.
                Some(Ok(_)) => {}
            },
            told = node.next() => match told {
                Some(Ok(Message::Text(text))) => {
                    if !told_of(&exchange, &out, text.to_string()).await {
                        return;
                    }
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => {}
            },
            next = outgoing.recv() => {
                let Some(next) = next else { return };
                if !given(&mut client, next, &mut later).await {
                    return;
                }
            }
        }
    }
}

/// Does one thing to the client; whether the connection goes on.
async fn given(
    client: &mut WebSocketStream<TcpStream>,
    out: Out,
    later: &mut Option<String>,
) -> bool {
    match out {
        Out::Say(text) => {
            let first = client.send(Message::text(text)).await.is_ok();
            match later.take() {
                Some(text) => first && client.send(Message::text(text)).await.is_ok(),
                None => first,
            }
        }
        Out::SayLater(text) => {
            *later = Some(text);
            true
        }
        Out::Break => client.get_mut().write_all(&BROKEN_FRAME).await.is_ok(),
        Out::Close => false,
    }
}

/// A request of the client; whether the connection goes on.
async fn asked<S>(
    exchange: &Exchange,
    node: &mut S,
    out: &mpsc::UnboundedSender<Out>,
    text: String,
) -> bool
where
    S: SinkExt<Message> + Unpin,
{
    let request: Value = serde_json::from_str(&text).unwrap_or_default();
    let method = method(&request).to_owned();
    if !matches!(method.as_str(), "eth_subscribe" | "eth_unsubscribe") {
        let (exchange, out) = (exchange.clone(), out.clone());
        tokio::spawn(async move { answered(exchange, text, out).await });
        return true;
    }
    let faults = exchange.control.strikes(Side::WebSocket, &method);
    let is_silent = faults.iter().any(is_silence);
    let is_dropped = faults.iter().any(|fault| matches!(fault, Fault::DropBefore));
    let is_forwarded = !is_silent && !is_dropped;
    let faults = faults.iter().map(Fault::name).collect();
    exchange.control.note(Event {
        side: Side::WebSocket,
        method,
        params: None,
        faults,
        is_forwarded,
    });
    if is_forwarded {
        return node.send(Message::text(text)).await.is_ok();
    }
    is_silent || out.send(Out::Close).is_ok()
}

/// Answers one request as by HTTP, and says the answer.
async fn answered(exchange: Exchange, text: String, out: mpsc::UnboundedSender<Out>) {
    let said = |body: &[u8]| String::from_utf8_lossy(body).into_owned();
    // Where the client is gone nobody hears it.
    let _ = match exchange.run(Side::WebSocket, text.into()).await {
        Given::Silence => Ok(()),
        Given::Nothing | Given::Part(_) => out.send(Out::Close),
        Given::Answer(answer) => out.send(Out::Say(said(&answer.body))),
        Given::Later(answer) => out.send(Out::SayLater(said(&answer.body))),
        Given::Twice(answer) => {
            let _ = out.send(Out::Say(said(&answer.body)));
            out.send(Out::Say(said(&answer.body)))
        }
    };
}

fn is_silence(fault: &Fault) -> bool {
    matches!(fault, Fault::Socket(SocketFault::Silence))
}

/// A message of the node; whether the connection goes on.
async fn told_of(exchange: &Exchange, out: &mpsc::UnboundedSender<Out>, text: String) -> bool {
    let Ok(mut told) = serde_json::from_str::<Value>(&text) else {
        return out.send(Out::Say(text)).is_ok();
    };
    if method(&told) != NOTIFICATION {
        // The answer to a subscription.
        return out.send(Out::Say(text)).is_ok();
    }
    let faults = exchange.control.strikes(Side::WebSocket, NOTIFICATION);
    exchange.control.note(Event {
        side: Side::WebSocket,
        method: NOTIFICATION.to_owned(),
        params: None,
        faults: faults.iter().map(Fault::name).collect(),
        is_forwarded: true,
    });
    let mut said = vec![text];
    for fault in &faults {
        wait(fault, Place::Before).await;
        wait(fault, Place::After).await;
        match fault {
            Fault::Socket(SocketFault::Close) => {
                // After what was to be said before it.
                let _ = out.send(Out::Close);
                said.clear();
            }
            Fault::Socket(SocketFault::Skip | SocketFault::Silence) => said.clear(),
            Fault::Socket(SocketFault::Repeat) => said.extend(said.clone()),
            Fault::Socket(SocketFault::BrokenFrame) => {
                let _ = out.send(Out::Break);
            }
            Fault::Socket(SocketFault::StrayError) => {
                let error = json!({ "code": -32000, "message": "something went wrong" });
                said.insert(0, json!({ "jsonrpc": "2.0", "error": error }).to_string());
            }
            Fault::Lag(_) | Fault::Lie(_) => {
                let Some(head) = changed(exchange, &told, fault).await else { return false };
                if let Some(place) = told.pointer_mut("/params/result") {
                    *place = head;
                }
                said = vec![told.to_string()];
            }
            _ => {}
        }
    }
    said.into_iter().all(|text| out.send(Out::Say(text)).is_ok())
}

/// What a notification tells of, behind or untrue.
async fn changed(exchange: &Exchange, told: &Value, fault: &Fault) -> Option<Value> {
    let (node, control) = (&exchange.node, &exchange.control);
    let head = told.pointer("/params/result").cloned().unwrap_or_default();
    match fault {
        Fault::Lag(behind) => lag::head(node, &head, *behind).await.ok(),
        Fault::Lie(Lie::HeadHash | Lie::Custom(_)) => {
            let asked = (NOTIFICATION, &Value::Null);
            distorted((node, control), asked, fault, head).await.ok()
        }
        _ => Some(head),
    }
}
