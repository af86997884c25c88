// Unix-domain sockets by path.

import CLinux
import Glibc
import Shared

/// Makes, binds and connects sockets of the address family AF_UNIX. All are non-blocking and close-on-exec.
public enum UnixSocket {
    /// Binds a stream socket to `path`, which must be free, and listens.
    ///
    /// - Parameter mode: of the socket's file, set before any process can connect.
    public static func listen(at path: String, backlog: Int32 = 4096, mode: mode_t) throws -> Descriptor {
        let socket = Descriptor(owning: try check("socket") { clinux_unix_socket(0) })
        // The mode of the unbound socket is that of the file which bind makes of it; umask only takes away.
        try check("fchmod") { fchmod(socket.number, mode) }
        try with(path) { address, size in
            try check("bind", path) { bind(socket.number, address, size) }
        }
        try check("chmod", path) { chmod(path, mode) }
        try check("listen", path) { Glibc.listen(socket.number, backlog) }
        return socket
    }

    /// Binds a datagram socket to `path`, which must be free.
    public static func datagram(at path: String, mode: mode_t) throws -> Descriptor {
        let socket = Descriptor(owning: try check("socket") { clinux_unix_socket(1) })
        try with(path) { address, size in
            try check("bind", path) { bind(socket.number, address, size) }
        }
        try check("chmod", path) { chmod(path, mode) }
        return socket
    }

    /// Connects to the listener at `path`. A Unix socket connects at once or not at all: EAGAIN says that its backlog
    /// is full (connect(2)).
    public static func connect(to path: String) throws -> Descriptor {
        let socket = Descriptor(owning: try check("socket") { clinux_unix_socket(0) })
        try with(path) { address, size in
            try check("connect", path) { Glibc.connect(socket.number, address, size) }
        }
        return socket
    }

    /// The path that a socket is bound to; nil for any other descriptor.
    public static func path(of socket: Descriptor) -> String? {
        var address = sockaddr_un()
        var size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(socket.number, $0, &size) }
        }
        guard result == 0, address.sun_family == sa_family_t(AF_UNIX) else { return nil }
        return withUnsafeBytes(of: &address.sun_path) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    /// A datagram socket that only sends, for `send`.
    public static func sender() throws -> Descriptor {
        Descriptor(owning: try check("socket") { clinux_unix_socket(1) })
    }

    /// Sends one datagram to the socket at `address`: a path, or `@` and a name of the abstract namespace (unix(7)). Does
    /// not wait: a queue that is full is the error EAGAIN.
    public static func send(_ text: String, from socket: Descriptor, to address: String) throws {
        let bytes = Array(text.utf8)
        try with(address) { address, size in
            try check("sendto") { sendto(socket.number, bytes, bytes.count, Int32(MSG_NOSIGNAL), address, size) }
        }
    }

    /// A path that is too long for an address is reached through its folder: /proc/self/fd/N is one step of a path,
    /// however long the way to what it stands for (proc(5)).
    @discardableResult
    private static func with<Result>(
        _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) throws -> Result
    ) throws -> Result {
        guard path.utf8.count > FilePath.longestSocket, let slash = path.lastIndex(of: "/") else {
            return try withAddress(path, body)
        }
        let folder = String(path[..<slash])
        let place = Descriptor(owning: try check("open", folder) { open(folder, O_DIRECTORY | O_CLOEXEC) })
        return try withExtendedLifetime(place) {
            try withAddress("/proc/self/fd/\(place.number)\(path[slash...])", body)
        }
    }

    private static func withAddress<Result>(
        _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) throws -> Result
    ) throws -> Result {
        var bytes = Array(path.utf8)
        guard bytes.count <= FilePath.longestSocket else { throw SystemError("bind", path, code: ENAMETOOLONG) }
        var size = MemoryLayout<sockaddr_un>.size
        if bytes.first == UInt8(ascii: "@") {
            // The size belongs to an abstract name: every byte counts.
            bytes[0] = 0
            size = (MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? 0) + bytes.count
        }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        return try withUnsafePointer(to: &address) { pointer in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { try body($0, socklen_t(size)) }
        }
    }
}
