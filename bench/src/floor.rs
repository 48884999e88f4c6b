//! The reference of the HTTP rows: bare hyper with a ready body, in a process of its own.

use bytes::Bytes;
use http_body_util::Full;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;

/// Serves a body of as many bytes as the argument says on a free port, which it prints, until killed.
pub(crate) fn serve(arguments: &[String]) {
    let size = arguments
        .first()
        .and_then(|size| size.parse().ok())
        .unwrap_or(10_000);
    let body = Bytes::from(vec![b'x'; size]);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async move {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        println!(
            "listening on floor at http://{}",
            listener.local_addr().expect("an address")
        );
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                continue;
            };
            let body = body.clone();
            tokio::spawn(async move {
                let answer = service_fn(move |_: Request<hyper::body::Incoming>| {
                    let body = body.clone();
                    async move { Ok::<_, Infallible>(Response::new(Full::new(body))) }
                });
                drop(stream.set_nodelay(true));
                let connection = hyper::server::conn::http1::Builder::new();
                // A client that leaves ends its connection; there is nobody to tell.
                drop(
                    connection
                        .serve_connection(TokioIo::new(stream), answer)
                        .await,
                );
            });
        }
    });
}
