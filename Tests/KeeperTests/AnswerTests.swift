import CLinux
import Foundation
import Shared
import TestSupport
import Testing

/// The real keeper, answering visitors.
@Suite struct AnswerTests {
    private let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

    @Test func pagesInHTMLAndJSON() async throws {
        let bench = try Bench()
        let (socket, listener) = try bench.answer(.database)
        let html = try await Conversation.exchange(bench.path(socket), get)
        #expect(html.status == 503 && !html.isReset)
        #expect(html.text.contains("Retry-After: 5\r\n") && html.body.contains("<html"))
        let asked = "GET / HTTP/1.1\r\nHost: a\r\nAccept: application/json\r\n\r\n"
        let json = try await Conversation.exchange(bench.path(socket), asked)
        #expect(json.body.contains(#""reason": "database""#))
        let head = try await Conversation.exchange(bench.path(socket), "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(head.status == 503 && head.body.isEmpty)
        let old = try await Conversation.exchange(bench.path(socket), "GET / HTTP/1.0\r\n\r\n")
        #expect(old.status == 503)
        withExtendedLifetime(listener) {}
    }

    @Test func largeBodiesAreAnsweredNotReset() async throws {
        let bench = try Bench()
        let (socket, listener) = try bench.answer()
        let size = 2 << 20
        var answered = false
        // On a crowded machine this visitor may be so slow that it is rightly cut off.
        for _ in 0..<5 where !answered {
            let visitor = try Conversation(bench.path(socket))
            try await visitor.say(Array("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(size)\r\n\r\n".utf8))
            guard (try? await visitor.say([UInt8](repeating: 120, count: size))) != nil else { continue }
            let answer = try await visitor.hear()
            answered = answer.status == 503 && !answer.isReset
        }
        #expect(answered)
        // A body that never comes is waited for only for a moment.
        let waiting = try await Conversation.exchange(
            bench.path(socket), "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345")
        #expect(waiting.status == 503 && !waiting.isReset)
        withExtendedLifetime(listener) {}
    }

    @Test(arguments: [
        ("gar bage\r\n\r\n", 400),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        ("\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}", 400),
        ("GET / HTTP/1.1\r\nX: \(String(repeating: "y", count: 20_000))\r\n\r\n", 431),
        ("GET /\(String(repeating: "y", count: 20_000))", 431),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\ngarbage after it", 503),
        ("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", 503),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n", 503),
        ("CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 503),
    ])
    func strangeRequests(request: String, status: Int) async throws {
        let bench = try Bench()
        let (socket, listener) = try bench.answer()
        let answer = try await Conversation.exchange(bench.path(socket), request)
        #expect(answer.status == status, "\(request.prefix(40)): \(answer.text.prefix(200))")
        #expect(!answer.isReset)
        withExtendedLifetime(listener) {}
    }

    @Test func slowAndSilentVisitorsEnd() async throws {
        let bench = try Bench()
        let (socket, listener) = try bench.answer()
        let silent = try Conversation(bench.path(socket))
        let slow = try Conversation(bench.path(socket))
        try await slow.say(Array("GET / HT".utf8))
        #expect(try await slow.hear().status == 408)
        #expect(try await silent.hear().text == "")
        withExtendedLifetime(listener) {}
    }

    @Test func manyAtOnce() async throws {
        let bench = try Bench()
        let (socket, listener) = try bench.answer()
        let (path, request) = (bench.path(socket), get)
        let statuses = try await withThrowingTaskGroup(of: Int?.self) { group in
            for _ in 0..<200 { group.addTask { try await Conversation.exchange(path, request).status } }
            return try await group.reduce(into: [Int?]()) { $0.append($1) }
        }
        #expect(statuses == [Int?](repeating: 503, count: 200))
        withExtendedLifetime(listener) {}
    }

    @Test func outOfDescriptorsItWaitsWithoutSpinning() async throws {
        let bench = try Bench()
        let (socket, listener) = try bench.answer()
        try await bench.settle()
        let pid = bench.keeper.pid
        // Room for about ten visitors.
        let most = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").count + 10
        let limit = try Process.run(
            URL(fileURLWithPath: "/usr/bin/prlimit"), arguments: ["--pid", "\(pid)", "--nofile=\(most):\(most)"])
        #expect(try await bench.eventually { !limit.isRunning })
        let silent = try (0..<30).map { _ in try Conversation(bench.path(socket)) }
        let answer = try await Conversation.exchange(bench.path(socket), get)
        #expect(answer.status == 503)
        #expect(try processorTime(pid) < 1)
        withExtendedLifetime((listener, silent)) {}
    }

    /// In seconds.
    private func processorTime(_ pid: pid_t) throws -> Double {
        let fields = try String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8).split(separator: " ")
        return fields[13...14].compactMap { Double($0) }.reduce(0, +) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }
}
