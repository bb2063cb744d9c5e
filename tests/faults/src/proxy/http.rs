//! The proxy's HTTP door.

use super::exchange::{Exchange, Given};
use super::rule::Side;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// The connection is to close without another byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the proxy closes the connection")]
struct Closed;

type Body = StreamBody<BoxStream<'static, Result<Frame<Bytes>, Closed>>>;

/// Answers everything that comes by one connection.
pub(super) async fn serve(connection: TcpStream, exchange: Exchange) {
    let service = service_fn(move |request| answer(request, exchange.clone()));
    let served = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(connection), service);
    // It ends with an error whenever a rule closes it: nothing is wrong with that here.
    let _ = served.await;
}

async fn answer(request: Request<Incoming>, exchange: Exchange) -> Result<Response<Body>, Closed> {
    let body = request.into_body().collect().await.map_err(|_| Closed)?.to_bytes();
    // On a task of its own: what was held up goes on to the node also when the client is gone.
    let run = tokio::spawn(async move { exchange.run(Side::Http, body).await });
    let (status, content_type, length, parts) = match run.await.map_err(|_| Closed)? {
        Given::Nothing | Given::Silence => return Err(Closed),
        Given::Answer(answer) | Given::Twice(answer) | Given::Later(answer) => {
            let length = answer.body.len();
            (answer.status, answer.content_type, length, vec![Ok(Frame::data(answer.body))])
        }
        Given::Part(part) => {
            // More is promised than comes.
            let length = part.len().saturating_add(1);
            (200, "application/json".to_owned(), length, vec![Ok(Frame::data(part)), Err(Closed)])
        }
    };
    Response::builder()
        .status(status)
        .header(CONTENT_TYPE, content_type)
        .header(CONTENT_LENGTH, length)
        .body(StreamBody::new(stream::iter(parts).boxed()))
        .map_err(|_| Closed)
}
