//! The bytes of a connection, between hyper and TLS. Responses are cut off, slowed down or replaced here.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};
use tokio_rustls::server::TlsStream;

/// The fault of the response that is being written.
#[derive(Debug, Default)]
pub(crate) enum Fault {
    #[default]
    None,
    Drip(Duration),
    Cut {
        left: usize,
        reset: bool,
    },
    Replace(bytes::Bytes),
    /// Repeats bytes: the rest of the current repetition, and all of them.
    Repeat {
        left: bytes::Bytes,
        whole: bytes::Bytes,
    },
}

/// How a connection ends after a number of responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Close,
    Reset,
    ResetOnNextBytes,
}

/// State that the wire of a connection shares with its service.
#[derive(Debug, Default)]
pub(crate) struct Line {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    fault: Fault,
    ending: Option<(usize, Ending)>,
    /// Whether a byte of the current response was written. hyper also flushes without one.
    wrote: bool,
    ended: bool,
    reset: bool,
}

impl Line {
    pub(crate) fn new(ending: Option<(usize, Ending)>) -> Line {
        Line {
            state: Mutex::new(State {
                ending,
                ..State::default()
            }),
        }
    }

    /// Called by the service just before it returns a response.
    pub(crate) fn answer(&self, fault: Fault) {
        let mut state = self.lock();
        state.fault = fault;
        state.wrote = false;
        if let Some((answers, _)) = &mut state.ending {
            *answers = answers.saturating_sub(1);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder panics")
    }
}

impl State {
    fn due(&self) -> Option<Ending> {
        self.ending
            .filter(|(answers, _)| *answers == 0)
            .map(|(_, ending)| ending)
    }

    fn end<T>(&mut self, reset: bool) -> Poll<io::Result<T>> {
        self.ended = true;
        self.reset = reset;
        Poll::Ready(Err(io::Error::new(io::ErrorKind::BrokenPipe, "ended on order")))
    }
}

/// A byte stream with access to its socket.
pub(crate) trait Socket: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    fn tcp(&self) -> &TcpStream;
}

impl Socket for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Socket for TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}

/// Makes closing this socket send RST.
pub(crate) fn reset_when_closed(socket: &TcpStream) {
    // Fails if the client has reset the connection already.
    let _ = socket.set_zero_linger();
}

#[derive(Debug)]
pub(crate) struct Wire<S: Socket> {
    socket: S,
    line: Arc<Line>,
    pause: Option<Pin<Box<Sleep>>>,
}

impl<S: Socket> Wire<S> {
    pub(crate) fn new(socket: S, line: Arc<Line>) -> Wire<S> {
        Wire {
            socket,
            line,
            pause: None,
        }
    }
}

impl<S: Socket> Drop for Wire<S> {
    fn drop(&mut self) {
        if self.line.lock().reset {
            reset_when_closed(self.socket.tcp());
        }
    }
}

impl<S: Socket> AsyncRead for Wire<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.socket).poll_read(cx, buf))?;
        let mut state = this.line.lock();
        if state.due() == Some(Ending::ResetOnNextBytes) && buf.filled().len() > before {
            return state.end(true);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: Socket> AsyncWrite for Wire<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let mut socket = Pin::new(&mut this.socket);
        let mut state = this.line.lock();
        state.wrote = true;
        match &mut state.fault {
            Fault::None => socket.poll_write(cx, buf),
            Fault::Drip(interval) => {
                if let Some(pause) = &mut this.pause {
                    ready!(pause.as_mut().poll(cx));
                }
                let written = ready!(socket.poll_write(cx, &buf[..buf.len().min(1)]))?;
                this.pause = Some(Box::pin(sleep(*interval)));
                Poll::Ready(Ok(written))
            }
            Fault::Cut { left: 0, reset } => {
                let reset = *reset;
                ready!(socket.poll_flush(cx))?;
                state.end(reset)
            }
            Fault::Cut { left, .. } => {
                let written = ready!(socket.poll_write(cx, &buf[..buf.len().min(*left)]))?;
                *left -= written;
                Poll::Ready(Ok(written))
            }
            Fault::Replace(bytes) => {
                while !bytes.is_empty() {
                    let written = ready!(socket.as_mut().poll_write(cx, bytes))?;
                    *bytes = bytes.slice(written..);
                }
                ready!(socket.poll_shutdown(cx))?;
                state.end(false)
            }
            Fault::Repeat { whole, .. } if whole.is_empty() => Poll::Pending,
            // Ends when the client disconnects.
            Fault::Repeat { left, whole } => loop {
                if left.is_empty() {
                    *left = whole.clone();
                }
                let written = ready!(socket.as_mut().poll_write(cx, left))?;
                *left = left.slice(written..);
            },
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let mut socket = Pin::new(&mut this.socket);
        ready!(socket.as_mut().poll_flush(cx))?;
        let mut state = this.line.lock();
        if !state.wrote {
            return Poll::Ready(Ok(()));
        }
        // The cut is right after the last byte of the response: hyper does not write again.
        if let Fault::Cut { left: 0, reset } = state.fault {
            return state.end(reset);
        }
        match state.due() {
            Some(Ending::Reset) => state.end(true),
            Some(Ending::Close) => {
                ready!(socket.poll_shutdown(cx))?;
                state.end(false)
            }
            Some(Ending::ResetOnNextBytes) | None => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        // A connection that was ended by an order must not be shut down in an orderly way too.
        if this.line.lock().ended {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut this.socket).poll_shutdown(cx)
    }
}
