// Unix sockets by path, short and long.

import Glibc
import Shared
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
}
