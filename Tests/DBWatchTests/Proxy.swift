// Stands between dbwatch and a server, and lets only so much of what the server says through.

import CLinux
import Foundation
import Glibc
import Shared
import SharedSystem
import TestSupport

final class Proxy: Sendable {
    enum Trouble: String, Sendable {
        /// Nothing more comes, and the connection stays open.
        case stall
        /// The connection ends.
        case cut
    }

    private struct Pair {
        let client: Descriptor
        let server: Descriptor
        var left: Int
    }

    let port: Int
    /// Its end is the end of the proxy.
    private let life: Descriptor

    /// - Parameter bytes: of the server, on each connection, before the trouble.
    init(to serverPort: Int, bytes: Int, then trouble: Trouble) throws {
        let listener = try Listener()
        port = listener.port
        var ends: [Int32] = [-1, -1]
        try check("pipe") { clinux_pipe(&ends) }
        life = Descriptor(owning: ends[1])
        let loop = Loop(listener.socket, Descriptor(owning: ends[0]), serverPort, bytes, trouble)
        Thread { loop.run() }.start()
    }

    /// The thread's own; it blocks in poll(2), beside the pool of the tests.
    private final class Loop: @unchecked Sendable {
        private let listener: Descriptor
        private let end: Descriptor
        private let serverPort: Int
        private let bytes: Int
        private let trouble: Trouble
        private var pairs: [Pair] = []

        init(_ listener: Descriptor, _ end: Descriptor, _ serverPort: Int, _ bytes: Int, _ trouble: Trouble) {
            (self.listener, self.end) = (listener, end)
            (self.serverPort, self.bytes, self.trouble) = (serverPort, bytes, trouble)
        }

        func run() {
            while true {
                let paired = pairs.flatMap { [$0.client.number, $0.server.number] }
                let descriptors = [end.number, listener.number] + paired
                var polls = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
                guard poll(&polls, nfds_t(polls.count), -1) >= 0 else { return }
                if polls[0].revents != 0 { return }
                for index in pairs.indices.reversed() {
                    let (client, server) = (polls[2 + 2 * index].revents, polls[3 + 2 * index].revents)
                    let goesOn = (client == 0 || up(index)) && (server == 0 || down(index))
                    if !goesOn { pairs.remove(at: index) }
                }
                if polls[1].revents != 0 { accept() }
            }
        }

        private func accept() {
            let client = Descriptor(owning: Glibc.accept(listener.number, nil, nil))
            guard let server = try? TCPSocket.make() else { return }
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
            address.sin_port = in_port_t(serverPort).bigEndian
            _ = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(server.number, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            pairs.append(Pair(client: client, server: server, left: bytes))
        }

        /// From the client to the server.
        private func up(_ index: Int) -> Bool {
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = read(pairs[index].client.number, &buffer, buffer.count)
            guard count > 0 else { return false }
            return send(pairs[index].server.number, buffer, count, Int32(MSG_NOSIGNAL)) == count
        }

        /// From the server to the client, as far as it is let through.
        private func down(_ index: Int) -> Bool {
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = read(pairs[index].server.number, &buffer, buffer.count)
            guard count > 0 else { return false }
            let passed = min(count, pairs[index].left)
            pairs[index].left -= passed
            if passed > 0 {
                send(pairs[index].client.number, buffer, passed, Int32(MSG_NOSIGNAL))
            }
            return passed == count || trouble == .stall
        }
    }
}
