//! Attempts on the network and on other programs' sockets.

use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};

use crate::attempts::Expect::{Allowed, Denied, DeniedOnly};
use crate::attempts::{
    Attempt,
    Layer::{Any, Seccomp},
    row,
};
use crate::ground::call;

pub(crate) fn attempts() -> Vec<Attempt> {
    vec![
        row("connect to 127.0.0.1", DeniedOnly, Seccomp, |ground| {
            TcpStream::connect(("127.0.0.1", ground.port)).map(drop)
        }),
        row("listen on 127.0.0.1", DeniedOnly, Seccomp, |_| {
            TcpListener::bind("127.0.0.1:0").map(drop)
        }),
        row("send a datagram", DeniedOnly, Seccomp, |_| {
            UdpSocket::bind("127.0.0.1:0").map(drop)
        }),
        row("an IPv6 socket", DeniedOnly, Seccomp, |_| {
            socket(libc::AF_INET6, libc::SOCK_STREAM)
        }),
        row("a netlink socket", DeniedOnly, Seccomp, |_| {
            socket(libc::AF_NETLINK, libc::SOCK_RAW)
        }),
        row("a packet socket", Denied, Any, |_| {
            socket(libc::AF_PACKET, libc::SOCK_RAW)
        }),
        row("a kernel crypto socket", Denied, Seccomp, |_| {
            socket(libc::AF_ALG, libc::SOCK_SEQPACKET)
        }),
        row("connect to a Unix socket", DeniedOnly, Seccomp, |ground| {
            UnixStream::connect(&ground.socket).map(drop)
        }),
        row("listen on a Unix socket", DeniedOnly, Any, |ground| {
            UnixListener::bind(ground.folder.join(format!("l{}", std::process::id()))).map(drop)
        }),
        row("a Unix datagram socket", DeniedOnly, Seccomp, |_| {
            UnixDatagram::unbound().map(drop)
        }),
        row(
            "a pair of Unix datagram sockets",
            DeniedOnly,
            Seccomp,
            |_| UnixDatagram::pair().map(drop),
        ),
        Attempt {
            policy: |policy| policy.network = true,
            ..row(
                "connect to 127.0.0.1 with the network",
                Allowed,
                Any,
                |ground| TcpStream::connect(("127.0.0.1", ground.port)).map(drop),
            )
        },
        Attempt {
            policy: |policy| policy.network = true,
            ..row("a raw socket with the network", Denied, Any, |_| {
                socket(libc::AF_INET, libc::SOCK_RAW)
            })
        },
        Attempt {
            policy: |policy| policy.network = true,
            ..row(
                "a kernel crypto socket with the network",
                Denied,
                Seccomp,
                |_| socket(libc::AF_ALG, libc::SOCK_SEQPACKET),
            )
        },
    ]
}

fn socket(family: libc::c_int, kind: libc::c_int) -> std::io::Result<()> {
    call(libc::SYS_socket, [family.into(), kind.into(), 0, 0, 0])
}
