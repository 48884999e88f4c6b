//! Descriptors over a socket.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

/// Most descriptors in one message. **Source:** `SCM_MAX_FD` of Linux.
pub const DESCRIPTORS_MAX: usize = 253;

const SPACE: usize = rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX));

/// Sends the first of `bytes` together with `files`; answers how many bytes were sent.
///
/// # Errors
/// The kernel's own; more files than [`DESCRIPTORS_MAX`].
pub fn send_with(socket: impl AsFd, bytes: &[u8], files: &[BorrowedFd<'_>]) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); SPACE];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !control.push(SendAncillaryMessage::ScmRights(files)) {
        let text = format!("{} descriptors in one message", files.len());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    let sent = sendmsg(
        socket,
        &[IoSlice::new(bytes)],
        &mut control,
        SendFlags::NOSIGNAL,
    )?;
    Ok(sent)
}

/// Receives bytes and the descriptors that came with them, which are closed on exec.
///
/// # Errors
/// The kernel's own.
pub fn receive_with(socket: impl AsFd, bytes: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
    let mut space = [MaybeUninit::uninit(); SPACE];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received = recvmsg(
        socket,
        &mut [IoSliceMut::new(bytes)],
        &mut control,
        RecvFlags::CMSG_CLOEXEC,
    )?;
    let files = control.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(files) => Some(files),
        _ => None,
    });
    Ok((received.bytes, files.flatten().collect()))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn descriptors_arrive_in_their_order_with_the_bytes() {
        let (here, there) = UnixStream::pair().expect("a pair");
        let (mut sent, kept) = UnixStream::pair().expect("a pair");
        let files = [kept.as_fd(), here.as_fd()];
        assert_eq!(send_with(&here, b"two", &files).expect("room"), 3);
        let mut bytes = [0; 16];
        let (read, mut files) = receive_with(&there, &mut bytes).expect("bytes");
        assert_eq!((&bytes[..read], files.len()), (&b"two"[..], 2));
        let mut first = UnixStream::from(files.remove(0));
        sent.write_all(b"x").expect("it is open");
        let mut one = [0; 1];
        first.read_exact(&mut one).expect("the same socket");
        assert_eq!(&one, b"x");
    }
}
