// Unix sockets by path, short and long.

import Glibc
import Shared
import SharedSystem
import Testing

@Suite struct UnixSocketTests {
    @Test(arguments: [1, 120]) func aListenerIsReachedWhateverTheLengthOfItsPath(_ length: Int) throws {
        let folder = try TemporaryFolder()
        let deep = folder.path + "/" + String(repeating: "n", count: length)
        try check("mkdir") { mkdir(deep, 0o700) }
        let path = deep + "/socket"
        let listener = try UnixSocket.listen(at: path, mode: 0o640)
        var status = stat()
        #expect(stat(path, &status) == 0 && status.st_mode & 0o7777 == 0o640)
        let client = try UnixSocket.connect(to: path)
        var waiting = pollfd(fd: listener.number, events: Int16(POLLIN), revents: 0)
        #expect(poll(&waiting, 1, 10_000) == 1)
        #expect(client.number != listener.number)
    }

    @Test func whoIsNotThereIsRefused() throws {
        let folder = try TemporaryFolder()
        #expect(throws: SystemError("connect", folder.path + "/none", code: ENOENT)) {
            try UnixSocket.connect(to: folder.path + "/none")
        }
    }

    /// To a path, and to an abstract name, whose every byte counts.
    @Test func datagramsArrive() throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/datagrams"
        let receiver = try UnixSocket.datagram(at: path, mode: 0o600)
        let sender = try UnixSocket.sender()
        var buffer = [UInt8](repeating: 0, count: 64)
        try UnixSocket.send("READY=1", from: sender, to: path)
        #expect(recv(receiver.number, &buffer, buffer.count, 0) == 7)

        let name = "steward-test.\(UInt64.random(in: 0 ... .max))"
        let abstract = try UnixSocket.sender()
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: [0] + Array(name.utf8)) }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(abstract.number, $0, socklen_t(MemoryLayout<sa_family_t>.size + 1 + name.utf8.count))
            }
        }
        #expect(bound == 0)
        try UnixSocket.send("WATCHDOG=1", from: sender, to: "@\(name)")
        #expect(recv(abstract.number, &buffer, buffer.count, 0) == 10)
        #expect(throws: SystemError.self) { try UnixSocket.send("x", from: sender, to: "\(path).nobody") }
    }
}
