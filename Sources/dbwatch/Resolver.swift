// Host names to addresses, off the loop: getaddrinfo(3) waits for as long as a name server likes.
//
// Each lookup has a thread of its own, of a bounded number; a name is looked up once at a time, however many databases
// ask. Answers are kept for a short time. While a new lookup fails or is under way the last answer serves on: a name
// server that is away is no reason to call a database unavailable.

import CLinux
import DequeModule
import Glibc
import Shared
import SharedSystem
import Synchronization

final class Resolver {
    /// Where the threads leave what they have found.
    private final class Inbox: Sendable {
        private let found = Mutex<[(name: String, addresses: [String])]>([])
        private let bell: Int32

        /// - Parameter bell: the write end of a pipe that lives as long as the process.
        init(bell: Int32) {
            self.bell = bell
        }

        func put(_ name: String, _ addresses: [String]) {
            found.withLock { $0.append((name, addresses)) }
            var byte: UInt8 = 0
            write(bell, &byte, 1)
        }

        func take() -> [(name: String, addresses: [String])] {
            found.withLock { found in
                defer { found = [] }
                return found
            }
        }
    }

    private struct Lookup: Sendable {
        let name: String
        let inbox: Inbox
    }

    /// What a thread is started with: a class, so that a pointer to it fits pthread_create(3).
    private final class Errand {
        let lookup: Lookup
        init(_ lookup: Lookup) { self.lookup = lookup }
    }

    private struct Answer {
        let addresses: [String]
        let at: Instant
    }

    private static let threads = 16
    /// How long an answer is good.
    private static let lifetime = Duration.seconds(10)

    /// Readable when something has been found.
    let descriptor: Descriptor
    private let inbox: Inbox
    private var answers: [String: Answer] = [:]
    private var underWay: Set<String> = []
    private var waiting = Deque<String>()
    private var running = 0

    init() throws {
        var ends: [Int32] = [-1, -1]
        try check("pipe") { clinux_pipe(&ends) }
        descriptor = Descriptor(owning: ends[0])
        inbox = Inbox(bell: ends[1])
        try check("fcntl") { fcntl(ends[0], F_SETFL, O_NONBLOCK) }
    }

    /// The addresses of a name as far as they are known; a lookup is started where they are not, or are old.
    func addresses(of name: String, _ now: Instant) -> [String]? {
        let known = answers[name]
        if let known, now - known.at < Self.lifetime { return known.addresses }
        if underWay.insert(name).inserted {
            waiting.append(name)
            startWaiting()
        }
        return known?.addresses
    }

    /// What has been found since the last call. Where a name could not be resolved: its last addresses, or none.
    func collect(_ now: Instant) -> [String: [String]] {
        var bytes = [UInt8](repeating: 0, count: 256)
        while read(descriptor.number, &bytes, bytes.count) == bytes.count {}
        var found: [String: [String]] = [:]
        for (name, addresses) in inbox.take() {
            running -= 1
            underWay.remove(name)
            if !addresses.isEmpty { answers[name] = Answer(addresses: addresses, at: now) }
            found[name] = answers[name]?.addresses ?? []
        }
        startWaiting()
        return found
    }

    private func startWaiting() {
        while running < Self.threads, let name = waiting.popFirst() {
            running += 1
            if !Self.start(Lookup(name: name, inbox: inbox)) { inbox.put(name, []) }
        }
    }

    // MARK: threads

    private static func start(_ lookup: Lookup) -> Bool {
        let errand = Unmanaged.passRetained(Errand(lookup))
        var thread = pthread_t()
        let error = pthread_create(
            &thread, nil,
            { @Sendable pointer in
                guard let pointer else { return nil }
                let lookup = Unmanaged<Errand>.fromOpaque(pointer).takeRetainedValue().lookup
                lookup.inbox.put(lookup.name, Resolver.lookUp(lookup.name))
                return nil
            }, errand.toOpaque())
        guard error == 0 else {
            errand.release()
            return false
        }
        pthread_detach(thread)
        return true
    }

    private static func lookUp(_ name: String) -> [String] {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(name, nil, &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        var addresses: [String] = []
        var entry = list
        while let current = entry?.pointee {
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            let size = socklen_t(text.count)
            if getnameinfo(current.ai_addr, current.ai_addrlen, &text, size, nil, 0, NI_NUMERICHOST) == 0 {
                let address = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
                if !addresses.contains(address) { addresses.append(address) }
            }
            entry = current.ai_next
        }
        return addresses
    }
}
