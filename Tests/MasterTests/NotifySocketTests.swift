// What workers say over NOTIFY_SOCKET.

import Shared
import Testing

@testable import Policy
@testable import master

@Suite struct NotifySocketTests {
    @Test func assignmentsAreReadLineByLine() {
        let text = "READY=1\nSTATUS=warm\nMAINPID=7\nWATCHDOG=1\n"
        #expect(NotifySocket.parse(Array(text.utf8)[...]) == [.ready, .status("warm"), .heartbeat])
        #expect(NotifySocket.parse([0xFF, 0x00, 0x0A]).isEmpty)
    }
}
