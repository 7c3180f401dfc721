//! One connection: TLS, its ordered fault, then HTTP.

use crate::order::ConnectionOrder;
use crate::server::Server;
use crate::service::Service;
use crate::wire::{Ending, Line, Socket, Wire, reset_when_closed};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::io;
use std::sync::Arc;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

pub(crate) async fn run(server: Arc<Server>, socket: TcpStream, tls: Option<TlsAcceptor>) {
    // Responses are small. Without this, each waits for the acknowledgement of the previous one.
    let _ = socket.set_nodelay(true);
    let order = server.orders.take_connection();
    // An error here is what a client did to its connection; tests observe it on their side.
    let _ = with_order(server, socket, tls, order).await;
}

async fn with_order(
    server: Arc<Server>,
    mut socket: TcpStream,
    tls: Option<TlsAcceptor>,
    order: Option<ConnectionOrder>,
) -> io::Result<()> {
    let ending = match order {
        Some(ConnectionOrder::ResetOnAccept) => {
            reset_when_closed(&socket);
            return Ok(());
        }
        Some(ConnectionOrder::SilentHandshake) => return std::future::pending().await,
        Some(ConnectionOrder::ResetDuringHandshake) => {
            read_first_bytes(&mut socket, tls.is_some()).await?;
            reset_when_closed(&socket);
            return Ok(());
        }
        Some(ConnectionOrder::ResetAfterHandshake | ConnectionOrder::ResetAfterAnswers(0)) => {
            return match tls {
                Some(tls) => reset(tls.accept(socket).await?),
                None => reset(socket),
            };
        }
        Some(ConnectionOrder::ResetAfterAnswers(answers)) => Some((answers, Ending::Reset)),
        Some(ConnectionOrder::ResetOnRequestAfterAnswers(answers)) => {
            Some((answers, Ending::ResetOnNextBytes))
        }
        Some(ConnectionOrder::CloseAfterAnswers(answers)) => Some((answers, Ending::Close)),
        None => None,
    };
    match tls {
        Some(tls) => http(server, tls.accept(socket).await?, ending).await,
        None => http(server, socket, ending).await,
    }
    Ok(())
}

fn reset(socket: impl Socket) -> io::Result<()> {
    reset_when_closed(socket.tcp());
    Ok(())
}

/// Reads the whole first TLS record, because closing with unread bytes would reset the connection.
/// Over plain HTTP, reads any byte.
async fn read_first_bytes(socket: &mut TcpStream, tls: bool) -> io::Result<()> {
    if !tls {
        return socket.read_u8().await.map(|_| ());
    }
    let mut head = [0; 5];
    socket.read_exact(&mut head).await?;
    let mut record = vec![0; usize::from(u16::from_be_bytes([head[3], head[4]]))];
    socket.read_exact(&mut record).await.map(|_| ())
}

async fn http<S: Socket>(server: Arc<Server>, socket: S, ending: Option<(usize, Ending)>) {
    let line = Arc::new(Line::new(ending));
    let wire = Wire::new(socket, line.clone());
    let service = Arc::new(Service::new(server, line));
    let serve = service_fn(move |request| {
        let service = service.clone();
        async move { service.serve(request).await }
    });
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(wire), serve)
        .await;
}
