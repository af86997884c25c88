import TestSupport
import Testing

@Test func aClusterLives() async throws {
    try await PostgreSQL.with { server in
        #expect(try await server.query("SELECT 1") == "1")
        try await server.stop(.fast)
        try await server.start()
        await server.freeze()
        await server.thaw()
        #expect(try await server.query("SELECT 2") == "2")
        try await server.crash()
    }
}
